"""Step parse_counts: a table of answer counts as distributions."""

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from selfalign.errors import InputError, listed
from selfalign.options import Json, readable, writable
from selfalign.survey.cells import read_count, tidy
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.questions import Question, read_questions
from selfalign.survey.schemas import Distributions, LeftOut, Missing
from selfalign.survey.table_columns import COUNT_ROLES, TableLayout, TableReader, check_columns
from selfalign.survey.weigh_answers import count_missing, weigh
from selfalign.tables import write_table


def read_counts(
    survey: SurveyFile, questions: list[Question], layout: TableLayout, file: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts by country, question and answer code.

    Args:
        survey: the open file: one row per country, question and code.
        file: the file of questions, for messages.

    Returns:
        Columns country, question, code (negative: missing), n; and a `LeftOut` table.

    Raises:
        InputError: a column is not in the file, a country, code or count is not known, a cell is there twice, or a
            question has no answers. All mistakes of a kind are reported together.
    """
    reader = TableReader(survey, layout)
    columns = reader.find_columns(COUNT_ROLES)
    check_columns(survey, {name: f"columns.{role} in the config" for role, name in columns.items()})
    raw = survey.read(list(columns.values()))
    raw = raw.set_axis(list(columns), axis=1).astype(object).apply(lambda column: column.str.strip())
    raw = raw[(raw != "").any(axis=1)]
    asked = {each.column: each for each in questions}
    known = raw["question"].isin(asked)
    others = raw.loc[~known, "question"].value_counts().sort_index()
    reader.left_out.extend((name or "(blank)", f"not a question of {file.name}", int(n)) for name, n in others.items())
    raw = raw[known]
    raw["place"] = raw["country"].map(tidy) if "country" in raw else ""
    if "country" in raw:
        countries = reader.read_countries(raw["country"].astype("category").rename(columns["country"]), "rows")
        if len(raw):
            reader.refuse_if_none(countries)
        raw = raw.loc[countries.index].assign(country=countries)
    else:
        raw = raw.assign(country=layout.country)
    raw["code_read"] = [asked[row.question].code_of(row.code) for row in raw.itertuples()]
    raw["n"] = [read_count(count) for count in raw["count"]]
    _check_rows(raw, file, reader)
    reader.faults.refuse()
    raw["question"] = raw["question"].map({column: each.question for column, each in asked.items()})
    table = raw.assign(code=raw["code_read"].astype(int), n=raw["n"].astype(int))
    table = table.groupby(["country", "question", "code"], as_index=False)["n"].sum()
    _check_answers(table, questions, file)
    return table[table["n"] > 0], pd.DataFrame(reader.left_out, columns=["place", "reason", "n"])


def _check_rows(raw: pd.DataFrame, file: Path, reader: TableReader) -> None:
    """Note unknown codes, counts that are not numbers of people, and cells that are there twice."""
    checks = [
        (
            raw["code_read"].isna(),
            "the file of questions does not list this code",
            f"Add it to `answers` or `missing` in {file}",
        ),
        (
            raw["n"].isna(),
            "a count is a whole number of 0 or more, without a separator of thousands",
            "Correct it",
        ),
        (_find_repeated(raw), "this code is there twice", "Keep one of the rows"),
    ]
    for wrong, problem, remedy in checks:
        if wrong.any():
            rows = raw[wrong.to_numpy(bool)]
            described = [
                f"line {reader.survey.line(row.Index)} ({row.question}, code {row.code}, count {row.count_})"
                for row in rows.head(10).rename(columns={"count": "count_"}).itertuples()
            ]
            more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
            reader.faults.add(reader.survey.path, f"{problem}: {', '.join(described)}{more}", remedy)


def _find_repeated(raw: pd.DataFrame) -> pd.Series:
    """Whether an earlier row has the same answer code, or the same value for a missing answer.

    Places that the settings count as one country, such as East and West, each have a row.
    """
    codes = raw["code_read"].astype(float)
    values = raw["code"].map(tidy).mask(codes >= 0, codes.astype(object))
    return raw.assign(value=values).duplicated(["place", "question", "value"])


def _check_answers(table: pd.DataFrame, questions: list[Question], file: Path) -> None:
    answered = set(table.loc[(table["code"] >= 0) & (table["n"] > 0), "question"])
    empty = [f"{each.question} (line {each.line})" for each in questions if each.question not in answered]
    if empty:
        problem = f"the survey file has no answers to these questions: {listed(empty)}"
        raise InputError(file, problem, "Correct the names in the column `column`, or delete the rows")


def to_distributions(counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts as a `Distributions` and a `Missing` table; every respondent weighs 1.

    Args:
        counts: as `read_counts` returns them.
    """
    weight = counts["n"].astype(float)
    return weigh(counts.assign(weight=weight, weight_squared=weight)), count_missing(counts)


@click.command()
@click.option("--survey", type=readable, required=True, help="Table of counts (CSV, SPSS, Stata; or a zip).")
@click.option("--questions", type=readable, required=True, help="File of questions (CSV).")
@click.option("--settings", type=Json(dict[str, Any]), required=True, help="Settings of the survey (JSON).")
@click.option("--distributions", type=writable, required=True, help="Distributions (Parquet).")
@click.option("--missing", type=writable, required=True, help="Missing answers by kind (CSV).")
@click.option("--left-out", type=writable, required=True, help="Rows that are not used, counted (CSV).")
def command(
    survey: Path, questions: Path, settings: dict[str, Any], distributions: Path, missing: Path, left_out: Path
) -> None:
    """Read a table of answer counts, check every value, and write the distributions of answers."""
    asked = read_questions(questions)
    with open_survey(survey, scratch=distributions.parent) as file:
        counts, others = read_counts(file, asked, TableLayout.of_survey(settings), questions)
    shares, kinds = to_distributions(counts)
    write_table(others, left_out, LeftOut)
    write_table(kinds, missing, Missing)
    write_table(shares, distributions, Distributions)
    rows = int(np.sum(others["n"]))
    click.echo(
        f"{counts['country'].nunique()} countries, {counts['question'].nunique()} questions; {rows} rows left out",
        err=True,
    )
