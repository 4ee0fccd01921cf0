"""Columns of the files of the World Values Survey: country, weight, interview and answers, with each value checked.

Columns are categories of text, so each distinct value is checked once.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from selfalign.countries import CODES, country_of_number, suggest_country
from selfalign.errors import InputError
from selfalign.survey.cells import STATA_MISSING, WEIGHT_RANGE, is_blank, read_number, read_weight
from selfalign.survey.files import SurveyFile
from selfalign.survey.schemas import MISSING_KINDS

_ROW_REMEDY = "Correct the row, or give the file as it was downloaded"
_TOO_LARGE = 2**63
READ_AS_MISSING = "cells with NA or a similar mark read as missing"
_WORDS = (
    "the cell holds a word, and answers are numbers. Export the codes instead of their labels: in R without "
    "haven::as_factor, in SPSS and Stata without value labels"
)


class _CellError(ValueError):
    """A cell that has no value, and what was expected instead."""


def match_names(published: Iterable[str], survey: SurveyFile) -> dict[str, str]:
    """The file's column for each published name, in upper or lower case. Names that the file lacks are left out.

    Raises:
        InputError: two columns differ in case only, and neither has the published name.
    """
    alike: dict[str, list[str]] = {}
    for name in survey.names:
        alike.setdefault(name.upper(), []).append(name)
    found = {}
    for name in published:
        theirs = alike.get(name.upper(), [])
        if len(theirs) > 1 and name not in theirs:
            problem = f"{theirs[0]} and {theirs[1]} may both be the column {name}"
            raise InputError(survey.path, problem, f"Rename the right one to {name}", row=survey.header_line)
        if theirs:
            found[name] = name if name in theirs else theirs[0]
    return found


def refuse_missing(survey: SurveyFile, required: Mapping[str, str], optional: Mapping[str, str], remedy: str) -> None:
    """Refuse a file that lacks required columns. The message also names the optional columns that it lacks.

    Args:
        required: the meaning of each required column that the file lacks, by its published name.
        optional: the same of the optional columns.
        remedy: how to get the whole file.

    Raises:
        InputError: a required column is missing.
    """
    if not required:
        return
    wanted = ", ".join(f"{name} ({meaning}{_renamed(name, survey)})" for name, meaning in required.items())
    spared = ", ".join(f"{name} ({meaning})" for name, meaning in optional.items())
    problem = f"these required columns are missing: {wanted}"
    problem += f". Also missing, but optional: {spared}" if spared else ". No optional column is missing"
    raise InputError(survey.path, problem, remedy, row=survey.header_line)


def _renamed(name: str, survey: SurveyFile) -> str:
    """A hint at the column that may be the missing one under another name."""
    stem = name.partition(" ")[0].partition("_")[2]
    alike = [other for other in survey.names if stem and stem in other.upper()]
    return f"; {alike[0]} may be the same under another name" if alike else ""


def read_columns(survey: SurveyFile, names: list[str]) -> pd.DataFrame:
    """Some columns of a file as `SurveyFile.read` gives them, without rows that are empty in all of them.

    A spreadsheet saves empty rows below the data, and R writes rows of NA where a filter compares with NA. These rows,
    and cells such as NA, are counted among what the file accepted.
    """
    raw = survey.read(names)
    empty = np.logical_and.reduce([are_blank(raw[name]) for name in raw])
    survey.accepted["empty rows left out"] += int(empty.sum())
    survey.accepted[READ_AS_MISSING] += count_marks(raw[~empty])
    return raw[~empty]


def are_blank(column: pd.Series) -> np.ndarray:
    """Whether each cell of a column is empty.

    Args:
        column: categories of text.
    """
    found: np.ndarray = column.isin([value for value in column.cat.categories if is_blank(value)]).to_numpy()
    return found


def count_marks(raw: pd.DataFrame) -> int:
    """Number of cells with NA or a similar mark."""
    marked = 0
    for _, column in raw.items():
        marks = [text for text in column.cat.categories if text.strip() and is_blank(text)]
        marked += int(column.isin(marks).sum())
    return marked


def describe_accepted(survey: SurveyFile) -> str:
    """One line that counts what differs from a published file and was accepted; empty where nothing does."""
    counted = [f"{what}: {count:,}" for what, count in survey.accepted.items() if count]
    return f"accepted: {'; '.join(counted)}" if counted else ""


def to_values(column: pd.Series, read: Callable[[str], object], survey: SurveyFile, expected: str) -> pd.Series:
    """The value of each cell of a column.

    Args:
        column: categories of text, indexed by record.
        read: the value of a text; None or a ValueError where it has none.
        survey: the file, for messages.
        expected: what a cell should have been, and after a full stop what to do, for messages.

    Raises:
        InputError: names the first cell that `read` cannot understand.
    """
    values, faults = {}, {}
    for text in column.cat.categories:
        fault = expected
        try:
            values[text] = read(text.strip())
        except ValueError as error:
            fault = str(error) if isinstance(error, _CellError) else expected
        if values.get(text) is None:
            faults[text] = fault
    bad = column.isin(faults)
    if bad.any():
        place = int(np.argmax(bad))
        problem, _, remedy = faults[column.iloc[place]].partition(". ")
        raise InputError(
            survey.path,
            problem,
            remedy or _ROW_REMEDY,
            row=survey.line(column.index[place]),
            column=column.name,
            value=column.iloc[place],
        )
    known = np.array([values.get(text) for text in column.cat.categories])
    return pd.Series(known[column.cat.codes], index=column.index, name=column.name).infer_objects()


def to_countries(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """ISO 3166 alpha-3 codes, as they are in the file."""
    return to_values(column, _country, survey, "")


def _country(text: str) -> str:
    if text in CODES:
        return text
    raise _CellError(f"is not an ISO 3166 alpha-3 code of a country. {suggest_country(text)} {_ROW_REMEDY}")


def to_numbered_countries(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """ISO 3166 alpha-3 codes of countries that the file numbers."""
    return to_values(column, country_of_number, survey, "is not the ISO 3166 number of a country")


def to_interviews(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Numbers of interviews; empty for an empty cell."""
    expected = "the number of an interview is a whole number"
    numbers = to_values(column, lambda text: 0 if is_blank(text) else whole_number(text), survey, expected)
    return numbers.astype("int64").astype("Int64").mask(are_blank(column))


def whole_number(text: str) -> int:
    """A whole number, however it is written: `7`, `7.0` or `7,0`; raises ValueError for any other text."""
    number = int(text) if text.lstrip("-").isdigit() else _number(text)
    if number % 1 != 0 or abs(number) >= _TOO_LARGE:
        raise ValueError
    return int(number)


def _number(text: str) -> float:
    number = read_number(text)
    if number is None:
        raise ValueError
    return number


def to_years(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Years; empty for an empty cell or a missing code."""
    years = to_values(column, _year, survey, "a year is a whole number such as 2018")
    return years.astype("Int64").where(years > 0)


def _year(text: str) -> int:
    year = 0 if text in STATA_MISSING or is_blank(text) else whole_number(text)
    if year > 0 and not 1900 <= year <= 2100:
        raise ValueError
    return year


def to_weights(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Weights."""
    expected = (
        f"a weight is {WEIGHT_RANGE}. Correct the row; or leave out the respondents without a weight, or give them one"
    )
    return to_values(column, read_weight, survey, expected)


class CodeRange(Protocol):
    """A question with its lowest and its highest answer code: a row of `Scales`, or of `Trends`."""

    question: str
    first: int
    last: int


def to_codes(
    column: pd.Series, scale: CodeRange, survey: SurveyFile, recoding: dict[int, int] | None = None
) -> pd.Series:
    """Answer codes; the missing ones are negative, and a blank or a mark such as NA is -5.

    Args:
        column: categories of text.
        scale: a row of `Scales`.
        survey: the file, for messages.
        recoding: the code of wave 7 for each code of the file, where they differ.
    """

    def read(text: str) -> int:
        if is_blank(text):
            return -5
        if text[:1].isalpha():
            raise _CellError(f"{expected.partition('. ')[0]}; {_WORDS}")
        number = STATA_MISSING[text] if text in STATA_MISSING else _number(text)
        if number in MISSING_KINDS:
            return int(number)
        if recoding:
            if number not in recoding:
                raise _CellError(f"the answer codes of {column.name} are {', '.join(map(str, sorted(recoding)))}{end}")
            number = recoding[int(number)]
        if number % 1 != 0 or not scale.first <= number <= scale.last:
            raise ValueError
        return int(number)

    end = ", and -5 to -1 for missing. Correct the row, or mark the answer as missing (-5)"
    expected = f"the answer codes of {scale.question} are {scale.first} to {scale.last}{end}"
    return to_values(column, read, survey, expected).astype("int16")
