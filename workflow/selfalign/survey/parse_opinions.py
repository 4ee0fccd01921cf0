"""Step parse_opinions: aggregated opinion tables in the form of GlobalOpinionQA, as distributions.

The form is that of the data set Anthropic/llm_global_opinions (Durmus et al. 2023, arXiv:2306.16388).
"""

import ast
import hashlib
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.countries import country_of_name
from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.survey.schemas import Distributions, LeftOut, OpinionKeys, Opinions, OpinionTable
from selfalign.tables import read_input, write_table

MISSING = re.compile(
    r"(other )?missing\b|don.?t know\b|don.?t -9|no answer\b|dk\b|refused\b|not asked\b|not applicable\b|inap\b|"
    r"nan$|total n=",
    re.IGNORECASE,
)
"""How an option that is no answer begins. `Total N=` is a line of the source's table, with the sum as its share."""

MISNAMED = frozenset({"Albania", "Andorra", "Argentina", "Armenia", "Australia", "Austria", "Azerbaijan"})
"""Names under which the questions from the World Values Survey have other countries' answers; docs/opinions.md says
how that was found."""

_SAMPLE = re.compile(r"(?P<country>.*?)(?: \((?P<sample>[^()]*)\))?", re.DOTALL)
_RANKS = {None: 0, "Current national sample": 0, "Old national sample": 1}

_DEFAULTDICT = re.compile(r"defaultdict\(<class 'list'>,\s*(\{.*\})\)", re.DOTALL)
_TOLERANCE = 0.02
_REMEDY = "Give the table as it is published (data/global_opinions.csv of Anthropic/llm_global_opinions), or correct it"


@dataclass(frozen=True)
class OpinionQuestion:
    """A row of an opinion table.

    Attributes:
        question: WVS-7 variable, or G and a part of the digest; not used where the row has no text.
        source: where the question is from.
        wording: its text.
        answers: the substantive options: place among the options, and code.
        options: all options.
        shares: share of each option, by sample.
        fault: why the whole row is left out; empty where it is not.
        place: its name in the table of the rows that are left out.
    """

    question: str
    source: str
    wording: str
    answers: dict[int, int]
    options: list[str]
    shares: dict[str, list[float]]
    fault: str
    place: str


def digest_text(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a text in lower case, its words of letters and digits alone."""
    return hashlib.sha256(" ".join(re.findall(r"[^\W_]+", text.lower())).encode()).hexdigest()[:16]


def read_literal(text: str) -> Any:
    """Value of a text that Python wrote for a list or a dictionary; nothing in it is ever executed.

    Args:
        text: may be a dictionary inside "defaultdict(<class 'list'>, ...)"; nan stands for itself.

    Raises:
        ValueError: it is neither, or holds anything but literals.
    """
    wrapped = _DEFAULTDICT.fullmatch(text.strip())
    try:
        tree = ast.parse(wrapped[1] if wrapped else text.strip(), mode="eval")
        return ast.literal_eval(_NanAsNumber().visit(tree) if "nan" in text else tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from None


class _NanAsNumber(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:  # noqa: N802
        return ast.Constant(math.nan) if node.id == "nan" else node


def read_opinion_questions(table: pd.DataFrame, known: pd.DataFrame, file: Path) -> list[OpinionQuestion]:
    """Rows of an opinion table, each with its id, its codes and its fault.

    Args:
        table: an `OpinionTable`.
        known: an `OpinionKeys` table.
        file: for messages.

    Raises:
        InputError: selections or options have another form; names the line.
    """
    known = known.set_index("digest")
    questions: list[OpinionQuestion] = []
    seen: set[str] = set()
    for row in table.itertuples():
        line = row.Index + 2
        options = _read_options(row.options, line, file)
        shares = _read_shares(row.selections, line, file)
        substantive = [place for place, option in enumerate(options) if not MISSING.match(option)]
        digest = digest_text(row.question)
        question, codes = f"G{digest[:8]}", list(range(1, len(substantive) + 1))
        if digest in known.index and len(known.at[digest, "codes"].split()) == len(substantive):
            question, codes = known.at[digest, "question"], [int(code) for code in known.at[digest, "codes"].split()]
        if not row.question.strip():
            place, fault = f"line {line}", "the question has no text"
        else:
            place, fault = question, _find_fault(question, substantive, seen)
            seen |= set() if fault else {question}
        answers = dict(zip(substantive, codes, strict=True))
        questions.append(OpinionQuestion(question, row.source, row.question, answers, options, shares, fault, place))
    return questions


def _find_fault(question: str, substantive: list[int], seen: set[str]) -> str:
    if question in seen:
        return "a row above has the same question"
    return "" if substantive else "no option is an answer"


def _read_options(text: str, line: int, file: Path) -> list[str]:
    expected = 'a list of texts, such as ["Yes", "No"]'
    options = _read_cell(text, "options", expected, line, file)
    if not isinstance(options, list) or not all(isinstance(option, str | int | float) for option in options):
        raise _fault(file, line, "options", text, expected)
    return [" ".join(option.split()) if isinstance(option, str) else f"{option:g}" for option in options]


def _read_shares(text: str, line: int, file: Path) -> dict[str, list[float]]:
    expected = 'a dictionary of lists of numbers, such as {"Mexico": [0.4, 0.6]}'
    shares = _read_cell(text, "selections", expected, line, file)
    if not isinstance(shares, dict):
        raise _fault(file, line, "selections", text, expected)
    for name, values in shares.items():
        if not isinstance(name, str) or not isinstance(values, list) or not all(map(_is_number, values)):
            raise _fault(file, line, "selections", f"{name!r}: {values!r}", expected)
    return shares


def _read_cell(text: str, column: str, expected: str, line: int, file: Path) -> Any:
    try:
        return read_literal(text)
    except ValueError:
        raise _fault(file, line, column, text, expected) from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fault(file: Path, line: int, column: str, value: str, expected: str) -> InputError:
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    return InputError(file, f"is not {expected}", _REMEDY, row=line, column=column, value=shown)


def read_sample(name: str) -> tuple[str | None, int | None]:
    """Country of a sample, and its rank among the samples of this country.

    Args:
        name: such as "S. Korea" or "India (Old national sample)".

    Returns:
        The country: its ISO 3166 alpha-3 code, or None if it is unknown.
        The rank: 0 for the preferred sample, 1 for a replacement, None for a sample that is not national.
    """
    found = _SAMPLE.fullmatch(name.strip())
    assert found is not None, "the pattern matches every text"
    country, sample = found.group("country", "sample")
    return country_of_name(country), _RANKS.get(sample)


def rate_samples(questions: list[OpinionQuestion]) -> pd.DataFrame:
    """Whether the answers of each sample to each question are used.

    Returns:
        number (place of the question in the list), name (of the sample), country (None where not known), reason (why
        its answers are left out; empty where they are used), place (the sample or question at fault).
    """
    samples = cache(read_sample)
    rows = []
    for number, question in enumerate(questions):
        used: set[str | None] = set()
        names = sorted(question.shares, key=lambda name: samples(name)[1] or 0)
        for name in names:
            country, rank = samples(name)
            reason, place = question.fault, question.place
            if not reason:
                reason, place = _rate_sample(name, question, country, rank), name
            if not reason:
                reason, place = _rate_shares(question.shares[name], question), question.place
            if not reason and country in used:
                reason, place = "another sample of the country is used", name
            if not reason:
                used.add(country)
            rows.append((number, name, country, reason, place))
    return pd.DataFrame(rows, columns=["number", "name", "country", "reason", "place"])


def _rate_sample(name: str, question: OpinionQuestion, country: str | None, rank: int | None) -> str:
    if rank is None:
        return "not a national sample"
    if country is None:
        return "not the name of a country"
    misnamed = question.source == "WVS" and name in MISNAMED
    return "the data set has other countries' answers under this name" if misnamed else ""


def _rate_shares(shares: list[float], question: OpinionQuestion) -> str:
    if len(shares) != len(question.options):
        return "not as many shares as options"
    if not all(0 <= share <= 1 for share in shares):
        return "a share is not a number from 0 to 1"
    if abs(math.fsum(shares) - 1) > _TOLERANCE:
        return "the shares do not sum to 1"
    return "" if any(shares[place] for place in question.answers) else "nobody gave a substantive answer"


def opinions_to_distributions(questions: list[OpinionQuestion], samples: pd.DataFrame) -> pd.DataFrame:
    """Shares of the substantive options of the samples that are used, renormalised: a `Distributions` table."""
    rows = []
    for sample in samples[samples["reason"] == ""].itertuples():
        question = questions[sample.number]
        shares = {code: question.shares[sample.name][place] for place, code in question.answers.items()}
        total = math.fsum(shares.values())
        rows += [
            (sample.country, question.question, code, code, pd.NA, math.nan, math.nan, min(share / total, 1.0))
            for code, share in shares.items()
            if share
        ]
    table = pd.DataFrame(rows, columns=Distributions.names()).astype({"n": "Int64"})
    return table.sort_values(["country", "question", "code"])


def describe_opinions(questions: list[OpinionQuestion], samples: pd.DataFrame) -> pd.DataFrame:
    """The questions that were taken: an `Opinions` table."""
    used = samples[samples["reason"] == ""]
    countries, missing = used["number"].value_counts(), _share_missing(questions, used)
    rows = [
        {
            "question": question.question,
            "source": question.source,
            "wording": question.wording,
            "answers": "; ".join(
                f"{code} {question.options[place]}"
                for place, code in sorted(question.answers.items(), key=lambda answer: answer[1])
            ),
            "missing": " | ".join(o for place, o in enumerate(question.options) if place not in question.answers),
            "missing_share": missing.get(number, math.nan),
            "countries": int(countries.get(number, 0)),
        }
        for number, question in enumerate(questions)
        if not question.fault
    ]
    return pd.DataFrame(rows, columns=Opinions.names())


def _share_missing(questions: list[OpinionQuestion], used: pd.DataFrame) -> pd.Series:
    """By number of the question, the mean share of the options set aside, over the samples that are used."""
    shares = []
    for number, name in zip(used["number"], used["name"], strict=True):
        question = questions[number]
        shares.append(math.fsum(x for place, x in enumerate(question.shares[name]) if place not in question.answers))
    return used.assign(share=shares).groupby("number")["share"].mean().clip(0, 1).round(4)


def count_unused_samples(samples: pd.DataFrame) -> pd.DataFrame:
    """How many samples' answers were left out, and why: a `LeftOut` table."""
    left_out = samples[samples["reason"] != ""]
    return left_out.groupby(["place", "reason"]).size().rename("n").reset_index()


@click.command()
@click.option("--opinions", type=readable, required=True, help="Opinion table (CSV).")
@click.option("--known", type=readable, required=True, help="Which of its questions are of wave 7 (CSV).")
@click.option("--distributions", type=writable, required=True, help="Distributions (Parquet).")
@click.option("--dictionary", type=writable, required=True, help="Questions, options and their codes (CSV).")
@click.option("--left-out", type=writable, required=True, help="What was left out, and why (CSV).")
def command(opinions: Path, known: Path, distributions: Path, dictionary: Path, left_out: Path) -> None:
    """Read an opinion table in the form of GlobalOpinionQA as distributions."""
    questions = read_opinion_questions(read_input(opinions, OpinionTable), read_input(known, OpinionKeys), opinions)
    samples = rate_samples(questions)
    table = opinions_to_distributions(questions, samples)
    if table.empty:
        raise InputError(opinions, "has no answers that can be used", _REMEDY)
    write_table(table, distributions, Distributions)
    write_table(describe_opinions(questions, samples), dictionary, Opinions)
    write_table(count_unused_samples(samples), left_out, LeftOut)
    used = samples[samples["reason"] == ""]
    click.echo(
        f"{used['number'].nunique()} questions in {used['country'].nunique()} countries; "
        f"{len(samples) - len(used)} of {len(samples)} answers to a question left out",
        err=True,
    )
