"""Step parse_table: a survey file of any layout as one table of respondents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from selfalign.errors import LISTED, listed
from selfalign.options import Json, readable, writable
from selfalign.survey.cells import WEIGHT_RANGE, find_thousands, is_blank, read_number, read_weight
from selfalign.survey.columns import are_blank
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.questions import Question, read_questions
from selfalign.survey.schemas import RESPONDENT, Columns, LeftOut, Responses
from selfalign.survey.table_columns import RESPONDENT_ROLES, TableLayout, TableReader, check_columns
from selfalign.tables import write_table


def parse_table(
    survey: SurveyFile, questions: list[Question], layout: TableLayout, file: Path
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Respondents of a survey file, with the answer codes of the file of questions.

    Args:
        file: the file of questions, for messages.

    Returns:
        A `Responses` table, a `Columns` table and a `LeftOut` table. Without a column of weights all weights are 1.

    Raises:
        InputError: a column is not in the file, a country, weight, id or answer has an unknown value, or a question
            has no answers. All mistakes of a kind are reported together.
    """
    reader = TableReader(survey, layout)
    about = reader.find_columns(RESPONDENT_ROLES)
    used = {each.column: f"{file}, line {each.line}" for each in questions}
    check_columns(survey, used | {name: f"columns.{role} in the config" for role, name in about.items()})
    raw = survey.read(list(dict.fromkeys([*about.values(), *(question.column for question in questions)])))
    raw = _drop_empty_rows(raw, reader)
    if raw.empty:
        reader.faults.add(survey.path, "has a header but no respondents", "Give the file with its data")
        reader.faults.refuse()
    if "country" in about:
        country = reader.read_countries(raw[about["country"]], "respondents")
        raw = raw.loc[country.index]
    else:
        country = pd.Series(layout.country, index=raw.index)
    raw, weight = _weigh(raw, about, country, reader)
    reader.refuse_if_none(raw)
    table = {
        "respondent": raw.index,
        "interview": _number_ids(raw, about, reader),
        "country": country.loc[raw.index],
        "wave": pd.NA,
        "year": _read_years(raw, about, reader),
        "weight": weight,
    }
    answers = _read_answers(raw, questions, file, reader)
    reader.faults.refuse()
    responses = pd.concat([pd.DataFrame(part, index=raw.index) for part in (table, answers)], axis=1)
    others = pd.DataFrame(reader.left_out, columns=["place", "reason", "n"])
    return responses, _list_columns(survey.names, about, questions), others


def _drop_empty_rows(raw: pd.DataFrame, reader: TableReader) -> pd.DataFrame:
    """Rows in which some column that is read has a value."""
    empty = np.logical_and.reduce([are_blank(raw[name]) for name in raw])
    if empty.any():
        reader.left_out.append(("(no country)", "empty row", int(empty.sum())))
    return raw[~empty]


def _weigh(
    raw: pd.DataFrame, about: dict[str, str], country: pd.Series, reader: TableReader
) -> tuple[pd.DataFrame, pd.Series]:
    """The respondents with a weight, and the weights."""
    if "weight" not in about:
        return raw, pd.Series(1.0, index=raw.index)
    blank = are_blank(raw[about["weight"]])
    if blank.any() and reader.layout.missing_weight == "leave_out":
        counts = country[blank].value_counts().sort_index()
        reader.left_out.extend((place, "no weight", int(n)) for place, n in counts.items())
        raw = raw[~blank]
    elif blank.any():
        line = reader.survey.line(raw.index[blank.argmax()])
        problem = f"{int(blank.sum())} respondents have no weight, the first in line {line}"
        remedy = "Fill in the weights, or leave these respondents out with `missing_weight: leave_out` in the config"
        reader.faults.add(reader.survey.path, problem, remedy, column=about["weight"])
    column = raw[about["weight"]]
    if thousands := find_thousands(column[~are_blank(column)].unique()):
        problem = f"these weights seem to have a separator of thousands: {reader.describe_values(column, thousands)}"
        reader.faults.add(
            reader.survey.path, problem, "Write 1234 for 1,234; or, if these are decimals, 1.2340", column=column.name
        )
    expected = f"a weight is {WEIGHT_RANGE}", "Correct the weights, or name another column"
    return raw, _read_cells(column, read_weight, expected, reader).astype(float)


def _read_cells(
    column: pd.Series, read: Callable[[str], float | None], expected: tuple[str, str], reader: TableReader
) -> pd.Series:
    """The number in each cell of a column; None in an empty cell.

    Args:
        column: categories of text.
        read: the number of a text; None if it has none.
        expected: what a cell should have been, and what to do, for the message about other cells.
        reader: takes the mistakes.
    """
    numbers = {value: read(value) for value in column.cat.categories}
    wrong = [value for value, number in numbers.items() if number is None and not is_blank(value)]
    if wrong := [value for value in wrong if (column == value).any()]:
        problem, remedy = expected
        described = f"{problem}: {reader.describe_values(column, wrong)}"
        reader.faults.add(reader.survey.path, described, remedy, column=column.name)
    return pd.Series([numbers[value] for value in column.astype(object)], index=column.index, dtype=object)


def _read_year(text: str) -> int | None:
    year = read_number(text)
    return int(year) if year is not None and year.is_integer() and 1900 <= year <= 2100 else None


def _number_ids(raw: pd.DataFrame, about: dict[str, str], reader: TableReader) -> pd.Series:
    """A number for each respondent; refuse ids that two respondents share."""
    if "respondent" not in about:
        return pd.Series(raw.index, index=raw.index)
    ids = raw[about["respondent"]].astype(object).str.strip()
    given = ids[~are_blank(raw[about["respondent"]])]
    again = given[given.duplicated(keep=False)]
    if len(again):
        first = again.iloc[0]
        lines = [str(reader.survey.line(record)) for record in again.index[again == first][:3]]
        problem = f"{again.nunique()} ids occur more than once, the first of them {first!r} in lines {', '.join(lines)}"
        remedy = "Remove the repeated rows, or take `respondent` out of columns in the config to keep them all"
        reader.faults.add(reader.survey.path, problem, remedy, column=about["respondent"])
    whole = given.str.fullmatch(r"\d{1,18}").all() and len(given) == len(ids)
    return ids.astype("int64") if whole else pd.Series(raw.index, index=raw.index)


def _read_years(raw: pd.DataFrame, about: dict[str, str], reader: TableReader) -> pd.Series:
    """Years of the interviews; empty where there is no column, or a blank cell."""
    if "year" not in about:
        return pd.Series(pd.NA, index=raw.index, dtype="Int64")
    expected = "a year is a whole number such as 2018", "Name another column, or take `year` out of columns"
    return _read_cells(raw[about["year"]], _read_year, expected, reader).astype("Int64")


def _read_answers(
    raw: pd.DataFrame, questions: list[Question], file: Path, reader: TableReader
) -> dict[str, np.ndarray]:
    """Answer codes of each question."""
    answers, unknown, empty = {}, [], []
    for each in questions:
        column = raw[each.column]
        codes = {value: each.code_of(value) for value in column.cat.categories}
        strange = [value for value, code in codes.items() if code is None and (column == value).any()]
        if strange:
            unknown.append(f"{each.question} (column {each.column}): {reader.describe_values(column, strange)}")
        values = [codes[value] if codes[value] is not None else -5 for value in column.cat.categories]
        answers[each.question] = np.array(values or [-5], dtype="int16")[column.cat.codes]
        if not strange and not (answers[each.question] >= 0).any():
            empty.append(f"{each.question} (line {each.line}, column {each.column})")
    if unknown:
        problem = f"has values that the file of questions does not list: {'; '.join(unknown[:LISTED])}"
        reader.faults.add(reader.survey.path, problem, f"Add each value to `answers` or `missing` in {file}")
    if empty:
        problem = f"nobody answered these questions: {listed(empty)}"
        reader.faults.add(file, problem, "Correct the column or the answers, or delete the row")
    return answers


def _list_columns(names: list[str], about: dict[str, str], questions: list[Question]) -> pd.DataFrame:
    """The use of each column of the file: a `Columns` table."""
    of = {each.column: each.question for each in reversed(questions)}
    uses = ["question" if name in of else "respondent" if name in about.values() else "unused" for name in names]
    return pd.DataFrame({"column": names, "use": uses, "question": [of.get(name) for name in names]})


@click.command()
@click.option("--survey", type=readable, required=True, help="Survey file (CSV, SPSS, Stata; or a zip).")
@click.option("--questions", type=readable, required=True, help="File of questions (CSV).")
@click.option("--settings", type=Json(dict[str, Any]), required=True, help="Settings of the survey (JSON).")
@click.option("--responses", type=writable, required=True, help="Respondents (Parquet).")
@click.option("--columns", type=writable, required=True, help="What became of each column of the file (CSV).")
@click.option("--left-out", type=writable, required=True, help="Respondents that are not used, counted (CSV).")
def command(
    survey: Path, questions: Path, settings: dict[str, Any], responses: Path, columns: Path, left_out: Path
) -> None:
    """Read a survey file of any layout, check every value, and write the respondents as a table."""
    asked, layout = read_questions(questions), TableLayout.of_survey(settings)
    with open_survey(survey, scratch=responses.parent) as file:
        table, uses, others = parse_table(file, asked, layout, questions)
    write_table(uses, columns, Columns)
    write_table(others, left_out, LeftOut)
    write_table(table, responses, Responses)
    unused = list(uses.loc[uses["use"] == "unused", "column"])
    counts = [
        f"{len(table)} respondents of {table['country'].nunique()} countries, {len(table.columns.drop(RESPONDENT))}"
        f" questions; {others['n'].sum()} rows left out",
        *([] if "weight" in layout.columns else ["no column of weights is named, so each weighs 1"]),
        *([f"{len(unused)} columns are not used: {listed(unused, 10)}"] if unused else []),
    ]
    click.echo("; ".join(counts), err=True)
