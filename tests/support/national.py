"""An invented national survey, and the templates of `selfalign start-survey` filled in for it, as a user would."""

import csv
import importlib.util
from pathlib import Path

from places import ROOT

CITATION = "Silva, A. (2026). National Survey of Values 2025. Invented Archive, doi:10.0000/invented"
TEXTS = {
    "imp_family": ("To me, family is ___.", "important", "unimportant"),
    "imp_work": ("To me, work is ___.", "important", "unimportant"),
    "imp_relig": ("To me, religion is ___.", "important", "unimportant"),
    "tr_parl": ("I have ___ in the parliament.", "trust", "little trust"),
    "tr_police": ("I have ___ in the police.", "trust", "little trust"),
    "tr_press": ("I have ___ in the press.", "trust", "little trust"),
    "tr_people": ("In dealing with people, one ___.", "can trust most of them", "needs to be careful"),
    "env_growth": ("More important than the other is ___.", "the environment", "economic growth"),
    "women_jobs": ("When jobs are scarce, men ___ come first.", "should", "should not"),
    "immig_jobs": ("Immigrants ___ jobs away from people born here.", "take", "do not take"),
    "lifesat": ("With my life, I am ___.", "dissatisfied", "satisfied"),
    "dem_imp": ("To live in a democracy is ___ to me.", "unimportant", "important"),
}
"""Statement, option of pole A, option of pole B of each probe."""


def write_survey(folder: Path) -> None:
    """Write the survey as CSV, SPSS, Stata and counts, with the tool of the project."""
    spec = importlib.util.spec_from_file_location("example_survey", ROOT / "tools/example_survey.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.write_survey(folder)


def edit_rows(path: Path, edit: object) -> None:
    """Apply a function to each row (a dictionary) of a CSV; rows for which it returns False are deleted."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if edit(row) is not False]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames)
        writer.writeheader()
        writer.writerows(rows)


def fill_texts(folder: Path, language: str = "en") -> None:
    """Fill in the texts."""

    def fill(row: dict[str, str]) -> None:
        row["statement"], row["option_a"], row["option_b"] = TEXTS[row["probe"]]

    edit_rows(folder / "texts" / f"{language}.csv", fill)


def fill_in(folder: Path, citation: str = CITATION) -> None:
    """Fill in all that the templates leave open: texts and citation."""
    fill_texts(folder)
    config = folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('citation: ""', f'citation: "{citation}"'), encoding="utf-8")
