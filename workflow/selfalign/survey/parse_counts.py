"""Step parse_counts: a table of answer counts as distributions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from selfalign.faults import Faults, listed
from selfalign.options import Json, readable, writable
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.layout import Excluded, check_names, find_countries, name_columns, read_number
from selfalign.survey.questions import Question, read_questions
from selfalign.survey.schemas import MISSING_KINDS, Distributions, LeftOut, Missing
from selfalign.tables import write_table

ROLES = ("country", "question", "code", "count")
"""Columns that the settings may name."""


def read_counts(
    survey: SurveyFile, questions: list[Question], settings: dict[str, Any], file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts by country, question and answer code.

    Args:
        survey: the open file: one row per country, question and code.
        questions: its questions.
        settings: of the survey: columns (names by role), country or countries.
        file: the file of questions, for messages.

    Returns:
        Columns country, question, code (negative: missing), n; and a `LeftOut` table.

    Raises:
        InputError: a column is not in the file, a country, code or count is not known, a cell is there twice, or a
            question has no answers. All mistakes of a kind are reported together.
    """
    names = name_columns(survey.names, survey.data)
    columns = {role: name for role, name in settings["columns"].items() if role in ROLES}
    check_names(survey, names, {name: f"columns.{role} in the config" for role, name in columns.items()})
    raw = survey.read([names[name] for name in columns.values()])
    raw = raw.set_axis(list(columns), axis=1).astype(object).apply(lambda column: column.str.strip())
    raw = raw[(raw != "").any(axis=1)]
    faults = Faults()
    asked = {each.column: each for each in questions}
    known = raw["question"].isin(asked)
    others = raw.loc[~known, "question"].value_counts().sort_index()
    left_out = [(name or "(blank)", f"not a question of {file.name}", int(n)) for name, n in others.items()]
    raw = raw[known]
    raw = _add_countries(raw, settings, survey, faults, left_out)
    raw["code_read"] = [asked[row.question].code_of(row.code) for row in raw.itertuples()]
    raw["n"] = [read_number(count) for count in raw["count"]]
    _check_rows(raw, survey, file, faults)
    faults.refuse()
    raw["question"] = raw["question"].map({column: each.question for column, each in asked.items()})
    table = raw.assign(code=raw["code_read"].astype(int), n=raw["n"].astype(int))
    table = table.groupby(["country", "question", "code"], as_index=False)["n"].sum()
    _check_answers(table, questions, file)
    return table[table["n"] > 0], pd.DataFrame(left_out, columns=["place", "reason", "n"])


def _add_countries(
    raw: pd.DataFrame, settings: Mapping[str, Any], survey: SurveyFile, faults: Faults, left_out: list[Excluded]
) -> pd.DataFrame:
    if "country" not in raw:
        return raw.assign(country=settings["country"])
    known = find_countries(raw["country"].unique(), settings.get("countries", {}))
    codes = raw["country"].map(known)
    if (codes == "unknown").any():
        values = listed(sorted({repr(value) for value, code in known.items() if code == "unknown"}), 10)
        line = survey.line(codes.index[(codes == "unknown").argmax()])
        problem = f"is not an ISO 3166 alpha-3 code: {values}, the first in line {line}"
        remedy = "Say in surveys.*.countries which country each value is, or null to leave its rows out"
        faults.add(survey.path, problem, remedy, column=settings["columns"]["country"])
    dropped = raw.loc[codes.isna(), "country"].value_counts().sort_index()
    left_out += [(value, "null in surveys.*.countries", int(n)) for value, n in dropped.items()]
    return raw.assign(country=codes)[codes.notna()]


def _check_rows(raw: pd.DataFrame, survey: SurveyFile, file: Path, faults: Faults) -> None:
    """Note codes that are not known, counts that are no numbers of people, and cells that are there twice."""
    counts = raw["n"].astype(float)
    checks = [
        (
            raw["code_read"].isna(),
            "the file of questions does not list this code",
            f"Add it to `answers` or `missing` in {file}",
        ),
        (counts.isna() | (counts < 0) | (counts % 1 != 0), "a count is a whole number of 0 or more", "Correct it"),
        (raw.duplicated(["country", "question", "code"]), "this code is there twice", "Keep one of the rows"),
    ]
    for wrong, problem, remedy in checks:
        if wrong.any():
            rows = raw[wrong.to_numpy(bool)]
            told = [
                f"line {survey.line(row.Index)} ({row.question}, code {row.code}, count {row.count_})"
                for row in rows.head(10).rename(columns={"count": "count_"}).itertuples()
            ]
            more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
            faults.add(survey.path, f"{problem}: {', '.join(told)}{more}", remedy)


def _check_answers(table: pd.DataFrame, questions: list[Question], file: Path) -> None:
    answered = set(table.loc[(table["code"] >= 0) & (table["n"] > 0), "question"])
    empty = [f"{each.question} (line {each.line})" for each in questions if each.question not in answered]
    faults = Faults()
    if empty:
        problem = f"the survey file has no answers to these questions: {listed(empty)}"
        faults.add(file, problem, "Correct the names in the column `column`, or delete the rows")
    faults.refuse()


def to_distributions(counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts as a `Distributions` and a `Missing` table; every respondent weighs 1.

    Args:
        counts: as `read_counts` returns them.
    """
    answers = counts[counts["code"] >= 0]
    total = answers.groupby(["country", "question"])["n"].transform("sum")
    weights = {"weight": answers["n"].astype(float), "weight_squared": answers["n"].astype(float)}
    shares = answers.assign(last_code=answers["code"], share=answers["n"] / total, **weights)
    missing = counts[counts["code"] < 0]
    kinds = missing.assign(kind=missing["code"].map(MISSING_KINDS))[["country", "question", "kind", "n"]]
    return shares[list(Distributions.to_schema().columns)], kinds


@click.command()
@click.option("--survey", type=readable, required=True, help="Table of counts (CSV, SPSS, Stata; or a zip).")
@click.option("--questions", type=readable, required=True, help="File of questions (CSV).")
@click.option("--settings", type=Json(), required=True, help="Settings of the survey (JSON).")
@click.option("--distributions", type=writable, required=True, help="Distributions (Parquet).")
@click.option("--missing", type=writable, required=True, help="Missing answers by kind (CSV).")
@click.option("--left-out", type=writable, required=True, help="Rows that are not used, counted (CSV).")
def command(
    survey: Path, questions: Path, settings: dict[str, Any], distributions: Path, missing: Path, left_out: Path
) -> None:
    """Read a table of answer counts, check every value, and write the distributions of answers."""
    asked = read_questions(questions)
    with open_survey(survey, scratch=distributions.parent) as file:
        counts, others = read_counts(file, asked, settings, questions)
    shares, kinds = to_distributions(counts)
    write_table(others, left_out, LeftOut)
    write_table(kinds, missing, Missing)
    write_table(shares, distributions, Distributions)
    rows = int(np.sum(others["n"]))
    click.echo(
        f"{counts['country'].nunique()} countries, {counts['question'].nunique()} questions; {rows} rows left out",
        err=True,
    )
