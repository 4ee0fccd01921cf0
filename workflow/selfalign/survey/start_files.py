"""The files that `selfalign start-survey` writes for the user to fill in, as tables and text."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from selfalign.ids import NAME
from selfalign.survey.cells import read_number
from selfalign.survey.inspect_file import MOST, Facts
from selfalign.survey.questions import EMPTY, NOT_IDS, find_unclear, join_list
from selfalign.survey.schemas import RESPONDENT

_ALONE = [
    "# One country has no other country's answers to show, so its own answers are compared with inverted ones.",
    "scoring:",
    "  mixed: [[chrf, zero_shot], [chrf, chrf_inverted]]",
    "figures:",
    "  margin: { contrast: [chrf, chrf_inverted] }",
    "  calibration: { arms: [zero_shot, chrf, chrf_inverted] }",
]
"""Settings of a run with one country."""


def make_ids(columns: list[Facts]) -> dict[str, str]:
    """An id for each column: its name where that can be one; else the letters of it, or Q and its place."""
    ids: dict[str, str] = {}
    for place, each in enumerate(columns, start=1):
        plain = unicodedata.normalize("NFKD", each.name).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", plain).strip("_")
        if not re.fullmatch(NAME, name) or len(name) > 24 or name in (*RESPONDENT, *NOT_IDS) or name in ids.values():
            name = f"Q{place}"
        while name in ids.values():
            name += "x"
        ids[each.name] = name
    return ids


def list_values(columns: list[Facts]) -> pd.DataFrame:
    """Every value of every column, with its label and number of respondents."""
    rows = []
    for each in columns:
        row = {"column": each.name, "column_label": each.label}
        if not each.counts or len(each.counts) > MOST:
            summary = f"({each.distinct} different values)" if each.counts else "(no values)"
            rows.append(row | {"value": summary, "label": "", "respondents": sum(each.counts.values()), "use": ""})
        else:
            for value, n in each.counts.items():
                use = each.missing.get(value, "answer")
                label = each.labels.get(value, "")
                rows.append(row | {"value": value, "label": label, "respondents": n, "use": use})
        if each.blank:
            rows.append(row | {"value": "(blank)", "label": "", "respondents": each.blank, "use": "other"})
    return pd.DataFrame(rows, columns=["column", "column_label", "value", "label", "respondents", "use"])


def number_answers(facts: Facts) -> dict[int, str]:
    """The value of each answer code: the value itself where it can be a code, or else a number from 1.

    Of a scale with words at its ends only, such as 1 to 7 without the numbers 1 and 7, the numbers keep their codes.
    """
    numbers = [read_number(value) for value in facts.answers]
    codes = [int(number) for number in numbers if number is not None and number >= 0 and number.is_integer()]
    if len(codes) == len(numbers):
        return dict(zip(codes, facts.answers, strict=True))
    words = [value for value, number in zip(facts.answers, numbers, strict=True) if number is None]
    if len(words) == 2 and codes and codes[0] > 0 and codes == list(range(codes[0], codes[-1] + 1)):
        return {codes[0] - 1: words[0], **{code: str(code) for code in codes}, codes[-1] + 1: words[1]}
    return dict(enumerate(facts.answers, start=1))


def _labels(facts: Facts) -> dict[int, str]:
    """The label of each answer code; of an answer in words, the words."""
    return {
        code: facts.labels.get(value, "" if read_number(value) is not None else value)
        for code, value in number_answers(facts).items()
    }


def list_questions(columns: list[Facts], ids: dict[str, str]) -> pd.DataFrame:
    """The file of questions, filled in from the survey file."""
    rows = []
    for each in columns:
        codes, labels = number_answers(each), _labels(each)
        answers = [f"{code} = {label}" if label else str(code) for code, label in labels.items()]
        plain = all(str(code) == value or labels[code] == value for code, value in codes.items())
        plain = plain and not find_unclear(labels)
        missing = [f"{value} = {kind}" for value, kind in each.missing.items()]
        missing += [f"{EMPTY} = other"] if each.blank else []
        counts = [f"{value}: {n}" for value, n in each.counts.items()]
        counts += [f"blank: {each.blank}"] if each.blank else []
        rows.append(
            {
                "question": ids[each.name],
                "column": each.name,
                "wording": each.label or (each.name if " " in each.name else ""),
                "answers": join_list(answers),
                "missing": join_list(missing),
                "values": "" if plain else join_list(list(codes.values())),
                "note_counts": "; ".join(counts),
            }
        )
    return pd.DataFrame(rows)


def split_poles(codes: list[int]) -> tuple[list[int], list[int], list[int]]:
    """The lower half of a scale, its upper half, and the code in the middle."""
    half = len(codes) // 2
    return codes[:half], codes[len(codes) - half :], codes[half : len(codes) - half]


def list_probes(columns: list[Facts], ids: dict[str, str]) -> pd.DataFrame:
    """A probe for each question, its poles the two halves of the scale.

    Neighbours with the same answers are one battery; without labels, only if their names begin alike.
    The poles are open where the file does not say the order of the answers.
    """
    rows, battery, before = [], "", None
    for each in columns:
        labels = _labels(each)
        stem = "" if any(labels.values()) else re.split(r"[\W\d_]", each.name, maxsplit=1)[0]
        battery = battery if (labels, stem) == before else ids[each.name]
        before = (labels, stem)
        poles = split_poles(list(labels))
        asked = each.label or each.name
        if each.unordered:
            asked = f"{asked}: {tell_codes(each, list(labels))}"
            poles = ([], [], [])
        side_a, side_b, neither = (" ".join(map(str, codes)) for codes in poles)
        rows.append(
            {
                "probe": ids[each.name],
                "question": ids[each.name],
                "battery": battery,
                "pole_a": side_a,
                "pole_b": side_b,
                "neither": neither,
                "note_question": asked,
                **{
                    f"note_{name}": tell_codes(each, codes)
                    for name, codes in zip(("pole_a", "pole_b", "neither"), poles, strict=True)
                },
            }
        )
    return pd.DataFrame(rows)


def tell_codes(facts: Facts, codes: list[int]) -> str:
    """Some answer codes of a column with their labels and counts."""
    values, labels = number_answers(facts), _labels(facts)
    return "; ".join(f"{' '.join([str(code), labels[code]]).strip()} ({facts.counts[values[code]]})" for code in codes)


def list_texts(probes: pd.DataFrame) -> pd.DataFrame:
    """The texts of the probes, still empty, with the questions and the poles next to them."""
    texts = probes[["probe"]].assign(statement="", option_a="", option_b="")
    return texts.join(probes[["note_question", "note_pole_a", "note_pole_b"]])


@dataclass(frozen=True)
class RunFacts:
    """What the settings of a run of the survey depend on.

    Attributes:
        folder: of these files.
        name: of the survey and of the run.
        file: the survey file.
        columns: names of the columns by role.
        country: the country of all respondents, or None where a column has the countries.
        countries: the country of each value of the column; None where it is not known.
        labels: of these values.
        language: of the prompts.
        model: name of the model.
        probes: number of probes.
    """

    folder: Path
    name: str
    file: Path
    columns: dict[str, str]
    country: str | None
    countries: dict[str, str | None]
    labels: dict[str, str]
    language: str
    model: str
    probes: int


def write_config(run: RunFacts) -> str:
    """The settings of a run of the survey, as YAML with comments.

    With one country, the run has no arm that is answered by other countries.
    """
    name, folder, country, countries = run.name, run.folder.as_posix(), run.country, run.countries
    codes = sorted({code for code in countries.values() if code}) if country is None else [country]
    others = len(codes) > 1 or (country is None and len(countries) > 1)
    arms = ["zero_shot", "random", "chrf", *(["chrf_other"] if others else []), "chrf_inverted"]
    shots = max(1, min(5, run.probes - 2))
    shown = [arm for arm in arms if arm != "zero_shot"]
    where = [f"    country: {country} # of all respondents"] if country else []
    if country is None and any(value != code for value, code in countries.items()):
        lines = [_tell_country(value, code, run.labels.get(value, "")) for value, code in countries.items()]
        where += ["    countries: # of each value; null leaves its respondents out", *lines]
    lines = [
        "# Settings of a run with your own survey. config/settings.md lists every key, docs/own_survey.md the steps.",
        f"run: {{ name: {name}, survey: {name}, models: [{run.model}], languages: [{run.language}] }}",
        "",
        "surveys:",
        f"  {name}:",
        "    form: table",
        f"    source: {{ file: {json.dumps(run.file.as_posix(), ensure_ascii=False)} }}",
        *where,
        *_in_yaml({"columns": run.columns} if run.columns else {}, 4),
        f"    questions: {json.dumps(f'{folder}/questions.csv', ensure_ascii=False)}",
        '    citation: "" # how to cite the survey: authors, year, title, archive; the run ends with it',
        "",
        "probes:",
        f"  bank: {json.dumps(f'{folder}/probes.csv', ensure_ascii=False)}",
        f"  texts: {json.dumps(f'{folder}/texts/{{language}}.csv', ensure_ascii=False)}",
        "  categories: [] # all",
        "  only: [] # all",
        "",
        "languages:",
        f"  {run.language}:",
        f"    countries: [{', '.join(codes)}]",
        f"    arms: [{', '.join(arms)}]",
        "",
        *(
            [
                f"# {run.probes} probes are too few for five demonstrations.",
                *_in_yaml({"arms": {arm: {"shots": shots} for arm in shown}}, 0),
                "",
            ]
            if shots < 5
            else []
        ),
        *([] if others else _ALONE),
    ]
    return "\n".join(lines) + "\n"


def _tell_country(value: str, code: str | None, label: str) -> str:
    """The line of the settings with the country of a value."""
    note = f" # {label}" if label else ""
    return f"      {json.dumps(value, ensure_ascii=False)}: {code or json.dumps('')}{note}"


def _in_yaml(settings: Mapping[str, object], indent: int) -> list[str]:
    """A mapping as lines of YAML."""
    if not settings:
        return []
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=10_000)
    return [" " * indent + line for line in text.splitlines()]
