"""Step draft_opinion_probes: test probes on the questions of an opinion table whose poles are clear."""

import hashlib
import re
from pathlib import Path
from typing import Protocol

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.probes.bank import BLANK
from selfalign.probes.opinion_cuts import UnclearError, cut_into_poles
from selfalign.probes.opinion_probes import CATEGORY, parse_answers
from selfalign.probes.schemas import DraftedProbes, UncutQuestions
from selfalign.survey.schemas import Distributions, Opinions
from selfalign.tables import read_table, write_table

_LETTERED = re.compile(r"(?P<stem>.+?[?.:!…])\s+[a-z]{1,2}\.\s+(?P<item>\S.*)")
_DOTTED = re.compile(r"(?P<stem>.+?)\s*(?:\.\.\.|…)\s*(?P<item>\S.*)")
_GAP = re.compile(r"_{2,}")
_COUNTRY = re.compile(r"\(survey (?:country|public|nation)\)", re.IGNORECASE)
_TO_FILL_IN = re.compile(r"[(\[]\s*(?:survey|insert|read)\b[^)\]]*[)\]]", re.IGNORECASE)


def draft_probes(opinions: pd.DataFrame, answers: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probes on questions whose options have two clear poles, and the other questions.

    Questions with the same stem and the same options are one battery.

    Args:
        opinions: an `Opinions` table.
        answers: the `Distributions` table of the same survey.
        source: whose questions are drafted, such as GAS.

    Returns:
        A `DraftedProbes` and an `UncutQuestions` table, in the order of `opinions`.
    """
    chosen = answers.groupby("question")["code"].agg(set).to_dict()
    drafted, uncut = [], []
    for row in opinions[opinions["source"] == source].itertuples():
        try:
            if not row.countries:
                raise UnclearError("no country has an answer that can be used")
            drafted.append(_draft(row, chosen[row.question]))
        except UnclearError as error:
            uncut.append([row.question, str(error), row.answers, " ".join(row.wording.split()), row.countries])
    table = pd.DataFrame(drafted, columns=[*DraftedProbes.names(), "stem"])
    table["battery"] = _name_batteries(table)
    table["siblings"] = table["question"]
    return table.drop(columns="stem"), pd.DataFrame(uncut, columns=UncutQuestions.names())


class _Question(Protocol):
    """A row of `Opinions`."""

    question: str
    wording: str
    answers: str
    missing: str
    missing_share: float
    countries: str


def _draft(row: _Question, chosen: set[int]) -> dict[str, object]:
    cut, (statement, stem) = cut_into_poles(parse_answers(row.answers), chosen), word_question(row.wording)
    codes = {name: " ".join(map(str, getattr(cut, name))) for name in ("pole_a", "pole_b", "neither")}
    return {
        "probe": row.question,
        "question": row.question,
        "category": CATEGORY,
        **codes,
        "statement": statement,
        "option_a": cut.option_a,
        "option_b": cut.option_b,
        "status": "drafted",
        "answers": row.answers,
        "note_wording": " ".join(row.wording.split()),
        "note_missing": row.missing,
        "note_missing_share": row.missing_share,
        "note_countries": row.countries,
        "stem": stem,
    }


def word_question(wording: str) -> tuple[str, str]:
    """A question of an opinion table as a statement with one blank at its end.

    A question of a list repeats the stem of the list, and ends with its item: "Do you approve of ____? b. the tax". The
    item fills the gap. "(survey country)" becomes "our country", because all countries see the same words.

    Args:
        wording: the question in the source's words.

    Returns:
        The statement; and the stem, empty if the question is not part of a list.

    Raises:
        UnclearError: the question has a gap that nothing fills.
    """
    text = " ".join(wording.split())
    listed = _LETTERED.fullmatch(text) or _DOTTED.fullmatch(text)
    stem = listed["stem"] if listed else ""
    if _GAP.search(text):
        if not listed or len(_GAP.findall(stem)) != 1 or _GAP.search(listed["item"]):
            raise UnclearError("the question has a gap that nothing fills")
        text = _GAP.sub(lambda _: listed["item"].rstrip(" ."), stem)
    text = _COUNTRY.sub(_name_country, text)
    if _TO_FILL_IN.search(text):
        raise UnclearError("the question has a word to fill in")
    return f"{text} {BLANK}", stem


def _name_country(found: re.Match[str]) -> str:
    before = found.string[: found.start()].rstrip()
    return "Our country" if not before or before[-1] in ".?!" else "our country"


def _name_batteries(table: pd.DataFrame) -> pd.Series:
    """A name from the digest of stem and options; that of the question for a stem that no other question has."""
    lists = table["stem"] + "\n" + table["answers"]
    shared = (table["stem"] != "") & lists.duplicated(keep=False)
    names = lists.map(lambda text: f"B{hashlib.sha256(text.encode()).hexdigest()[:8]}")
    return table["question"].where(~shared, names)


@click.command()
@click.option("--opinions", type=readable, required=True, help="Questions of the opinion table (CSV).")
@click.option("--distributions", type=readable, required=True, help="Their answers by country (Parquet).")
@click.option("--source", required=True, help="Whose questions are drafted, such as GAS.")
@click.option("--draft", type=writable, required=True, help="Probes to review (CSV).")
@click.option("--uncut", type=writable, required=True, help="Questions without a probe, and why (CSV).")
def command(opinions: Path, distributions: Path, source: str, draft: Path, uncut: Path) -> None:
    """Draft test probes on the questions of an opinion table whose options have two clear poles."""
    questions = read_table(opinions, Opinions)
    if source not in set(questions["source"]):
        known = ", ".join(sorted(questions["source"].unique()))
        raise InputError(
            opinions, f"no question is from {source}; the sources are: {known}", "Correct test_probes.source"
        )
    table, others = draft_probes(questions, read_table(distributions, Distributions), source)
    write_table(table, draft, DraftedProbes)
    write_table(others, uncut, UncutQuestions)
    batteries = table["battery"].nunique()
    click.echo(f"{len(table)} probes in {batteries} batteries drafted; {len(others)} questions without", err=True)
