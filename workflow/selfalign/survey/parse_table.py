"""Step parse_table: a survey file of any layout as one table of respondents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from selfalign.faults import LISTED, Faults, listed
from selfalign.options import Json, readable, writable
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.layout import Excluded, check_names, find_countries, name_columns, read_number
from selfalign.survey.questions import BLANKS, Question, read_questions
from selfalign.survey.schemas import RESPONDENT, Columns, LeftOut, Responses
from selfalign.tables import write_table

ROLES = ("country", "weight", "respondent", "year")
"""Columns about the respondent that the settings may name."""

_LEFT_OUT = "leave_out"


def parse_table(
    survey: SurveyFile, questions: list[Question], settings: dict[str, Any], file: Path
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Respondents of a survey file, with the answer codes of the file of questions.

    Args:
        survey: the open file.
        questions: its questions.
        settings: of the survey: columns (names by role), country or countries, missing_weight.
        file: the file of questions, for messages.

    Returns:
        A `Responses` table, a `Columns` table and a `LeftOut` table. Without a column of weights all weights are 1.

    Raises:
        InputError: a column is not in the file, a country, weight, id or answer has an unknown value, or a question
            has no answers. All mistakes of a kind are reported together.
    """
    names = name_columns(survey.names, survey.data)
    about = {role: name for role, name in settings.get("columns", {}).items() if role in ROLES}
    used = {each.column: f"{file}, line {each.line}" for each in questions}
    check_names(survey, names, used | {name: f"columns.{role} in the config" for role, name in about.items()})
    wanted = dict.fromkeys([*about.values(), *(question.column for question in questions)])
    raw = survey.read([names[name] for name in wanted]).rename(columns={names[name]: name for name in wanted})
    faults = Faults()
    left_out: list[Excluded] = []
    raw = _drop_empty_rows(raw, left_out)
    if raw.empty:
        faults.add(survey.path, "has a header but no respondents", "Give the file with its data")
        faults.refuse()
    raw, country = _keep_countries(raw, about, settings, survey, faults, left_out)
    raw, weight = _weigh(raw, about, settings, survey, faults, left_out, country)
    table = {
        "respondent": raw.index,
        "interview": _number_ids(raw, about, survey, faults),
        "country": country.loc[raw.index],
        "wave": pd.NA,
        "year": _read_years(raw, about, survey, faults),
        "weight": weight,
    }
    answers = _read_answers(raw, questions, survey, file, faults)
    faults.refuse()
    responses = pd.concat([pd.DataFrame(part, index=raw.index) for part in (table, answers)], axis=1)
    others = pd.DataFrame(left_out, columns=["place", "reason", "n"])
    return responses, _list_columns(list(names), about, questions), others


def _drop_empty_rows(raw: pd.DataFrame, left_out: list[Excluded]) -> pd.DataFrame:
    """Rows in which some column that is read has a value."""
    empty = np.logical_and.reduce([_is_blank(raw[name]) for name in raw])
    if empty.any():
        left_out.append(("(no country)", "empty row", int(empty.sum())))
    return raw[~empty]


def _is_blank(column: pd.Series) -> np.ndarray:
    blank = [value for value in column.cat.categories if value.strip().casefold() in BLANKS]
    found: np.ndarray = column.isin(blank).to_numpy()
    return found


def _keep_countries(
    raw: pd.DataFrame,
    about: Mapping[str, str],
    settings: Mapping[str, Any],
    survey: SurveyFile,
    faults: Faults,
    left_out: list[Excluded],
) -> tuple[pd.DataFrame, pd.Series]:
    """The respondents of the countries that the settings keep, and their codes (ISO 3166 alpha-3)."""
    if "country" not in about:
        return raw, pd.Series(settings["country"], index=raw.index)
    column = raw[about["country"]]
    known = find_countries(column.cat.categories, settings.get("countries", {}))
    unknown = {value: "" for value, code in known.items() if code == "unknown" and (column == value).any()}
    if unknown:
        problem = f"is not an ISO 3166 alpha-3 code: {_tell_values(column, list(unknown), survey)}"
        remedy = "Say in surveys.*.countries which country each value is, or null to leave its respondents out"
        faults.add(survey.path, problem, remedy, column=about["country"])
    for value, code in known.items():
        if code is None and (column == value).any():
            left_out.append((value, "null in surveys.*.countries", int((column == value).sum())))
    codes = pd.Series([known[value] for value in column.astype(object)], index=raw.index, dtype=object)
    return raw[codes.notna()], codes.dropna()


def _weigh(
    raw: pd.DataFrame,
    about: Mapping[str, str],
    settings: Mapping[str, Any],
    survey: SurveyFile,
    faults: Faults,
    left_out: list[Excluded],
    country: pd.Series,
) -> tuple[pd.DataFrame, pd.Series]:
    """The respondents with a weight, and the weights."""
    if "weight" not in about:
        return raw, pd.Series(1.0, index=raw.index)
    column = raw[about["weight"]]
    weights = {value: read_number(value) for value in column.cat.categories}
    wrong = [value for value, weight in weights.items() if weight is None and value.strip().casefold() not in BLANKS]
    wrong += [value for value, weight in weights.items() if weight is not None and weight < 0]
    wrong = [value for value in wrong if (column == value).any()]
    if wrong:
        problem = f"a weight is a number of 0 or more: {_tell_values(column, wrong, survey)}"
        faults.add(survey.path, problem, "Correct the weights, or name another column", column=about["weight"])
    blank = _is_blank(column)
    if blank.any() and settings.get("missing_weight") == _LEFT_OUT:
        counts = country.loc[raw.index][blank].value_counts().sort_index()
        left_out += [(place, "no weight", int(n)) for place, n in counts.items()]
        raw = raw[~blank]
    elif blank.any():
        line = survey.line(raw.index[blank.argmax()])
        problem = f"{int(blank.sum())} respondents have no weight, the first in line {line}"
        remedy = "Fill in the weights, or leave these respondents out with `missing_weight: leave_out` in the config"
        faults.add(survey.path, problem, remedy, column=about["weight"])
    values = [weights[value] for value in raw[about["weight"]].astype(object)]
    return raw, pd.Series(values, index=raw.index, dtype=float)


def _number_ids(raw: pd.DataFrame, about: Mapping[str, str], survey: SurveyFile, faults: Faults) -> pd.Series:
    """A number for each respondent; refuse ids that two respondents share."""
    if "respondent" not in about:
        return pd.Series(raw.index, index=raw.index)
    ids = raw[about["respondent"]].astype(object).str.strip()
    given = ids[~_is_blank(raw[about["respondent"]])]
    again = given[given.duplicated(keep=False)]
    if len(again):
        first = again.iloc[0]
        lines = [str(survey.line(record)) for record in again.index[again == first][:3]]
        problem = f"{again.nunique()} ids occur more than once, the first of them {first!r} in lines {', '.join(lines)}"
        remedy = "Remove the repeated rows, or take `respondent` out of columns in the config to keep them all"
        faults.add(survey.path, problem, remedy, column=about["respondent"])
    whole = given.str.fullmatch(r"\d{1,18}").all() and len(given) == len(ids)
    return ids.astype("int64") if whole else pd.Series(raw.index, index=raw.index)


def _read_years(raw: pd.DataFrame, about: Mapping[str, str], survey: SurveyFile, faults: Faults) -> pd.Series:
    """Years of the interviews; empty where there is no column, or a blank cell."""
    if "year" not in about:
        return pd.Series(pd.NA, index=raw.index, dtype="Int64")
    column = raw[about["year"]]
    years = {}
    for value in column.cat.categories:
        number = read_number(value)
        years[value] = int(number) if number is not None and number.is_integer() and 1900 <= number <= 2100 else None
    wrong = [value for value, year in years.items() if year is None and value.strip().casefold() not in BLANKS]
    wrong = [value for value in wrong if (column == value).any()]
    if wrong:
        problem = f"a year is a whole number such as 2018: {_tell_values(column, wrong, survey)}"
        faults.add(survey.path, problem, "Name another column, or take `year` out of columns", column=about["year"])
    return pd.Series([years[value] for value in column.astype(object)], index=raw.index, dtype="Int64")


def _read_answers(
    raw: pd.DataFrame, questions: list[Question], survey: SurveyFile, file: Path, faults: Faults
) -> dict[str, np.ndarray]:
    """Answer codes of each question."""
    answers, unknown, empty = {}, [], []
    for each in questions:
        column = raw[each.column]
        codes = {value: each.code_of(value) for value in column.cat.categories}
        strange = [value for value, code in codes.items() if code is None and (column == value).any()]
        if strange:
            unknown.append(f"{each.question} (column {each.column}): {_tell_values(column, strange, survey)}")
        values = [codes[value] if codes[value] is not None else -5 for value in column.cat.categories]
        answers[each.question] = np.array(values or [-5], dtype="int16")[column.cat.codes]
        if not strange and not (answers[each.question] >= 0).any():
            empty.append(f"{each.question} (line {each.line}, column {each.column})")
    if unknown:
        problem = f"has values that the file of questions does not list: {'; '.join(unknown[:LISTED])}"
        faults.add(survey.path, problem, f"Add each value to `answers` or `missing` in {file}")
    if empty:
        problem = f"nobody answered these questions: {listed(empty)}"
        faults.add(file, problem, "Correct the column or the answers, or delete the row")
    return answers


def _tell_values(column: pd.Series, values: list[str], survey: SurveyFile) -> str:
    """Some values of a column, how many respondents have each, and the first line of the first."""
    told = [f"{value!r} ({int((column == value).sum())} respondents)" for value in values]
    first = survey.line(column.index[int(np.argmax((column == values[0]).to_numpy()))])
    return f"{listed(told, 10)}, the first in line {first}"


def _list_columns(names: list[str], about: dict[str, str], questions: list[Question]) -> pd.DataFrame:
    """What becomes of each column of the file: a `Columns` table."""
    of = {each.column: each.question for each in reversed(questions)}
    uses = ["question" if name in of else "respondent" if name in about.values() else "unused" for name in names]
    return pd.DataFrame({"column": names, "use": uses, "question": [of.get(name) for name in names]})


@click.command()
@click.option("--survey", type=readable, required=True, help="Survey file (CSV, SPSS, Stata; or a zip).")
@click.option("--questions", type=readable, required=True, help="File of questions (CSV).")
@click.option("--settings", type=Json(), required=True, help="Settings of the survey (JSON).")
@click.option("--responses", type=writable, required=True, help="Respondents (Parquet).")
@click.option("--columns", type=writable, required=True, help="What became of each column of the file (CSV).")
@click.option("--left-out", type=writable, required=True, help="Respondents that are not used, counted (CSV).")
def command(
    survey: Path, questions: Path, settings: dict[str, Any], responses: Path, columns: Path, left_out: Path
) -> None:
    """Read a survey file of any layout, check every value, and write the respondents as a table."""
    asked = read_questions(questions)
    with open_survey(survey, scratch=responses.parent) as file:
        table, uses, others = parse_table(file, asked, settings, questions)
    write_table(uses, columns, Columns)
    write_table(others, left_out, LeftOut)
    write_table(table, responses, Responses)
    unused = list(uses.loc[uses["use"] == "unused", "column"])
    counts = [
        f"{len(table)} respondents of {table['country'].nunique()} countries, {len(table.columns.drop(RESPONDENT))}"
        f" questions; {others['n'].sum()} rows left out",
        *([] if "weight" in settings.get("columns", {}) else ["no column of weights is named, so each weighs 1"]),
        *([f"{len(unused)} columns are not used: {listed(unused, 10)}"] if unused else []),
    ]
    click.echo("; ".join(counts), err=True)
