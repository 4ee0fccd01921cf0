"""What the columns of a survey file say about a respondent: country, weight, interview, answers; each value checked.

Columns come as categories of text, so that each distinct value is looked at once.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from selfalign.countries import CODES, suggest_country
from selfalign.errors import InputError
from selfalign.survey.files import SurveyFile
from selfalign.survey.tables import MISSING_KINDS

_ROW_REMEDY = "Correct the row, or give the file as it was downloaded"
_TOO_LARGE = 2**63
_STATA_MISSING = {".a": -1, ".b": -2, ".c": -3, ".d": -4, ".e": -5}
"""How the Stata releases write the missing codes."""


class _CellError(ValueError):
    """A cell that has no value, and what was expected instead."""


def to_values(column: pd.Series, read: Callable[[str], object], survey: SurveyFile, expected: str) -> pd.Series:
    """Each cell of a column as `read` understands it.

    Args:
        column: categories of text, indexed by record.
        read: the value of a text; raises ValueError where it has none.
        survey: the file, for messages.
        expected: what a cell should have been, and after a full stop what to do, for messages.

    Raises:
        InputError: names the first cell that `read` cannot understand.
    """
    values, faults = {}, {}
    for text in column.cat.categories:
        try:
            values[text] = read(text.strip())
        except _CellError as error:
            faults[text] = str(error)
        except ValueError:
            faults[text] = expected
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


def to_interviews(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Numbers of interviews."""
    return to_values(column, _whole, survey, "the number of an interview is a whole number").astype("int64")


def _whole(text: str) -> int:
    number = int(text) if text.lstrip("-").isdigit() else float(text)
    if number % 1 != 0 or abs(number) >= _TOO_LARGE:
        raise ValueError
    return int(number)


def to_years(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Years; empty where the cell is, or holds a missing code."""
    years = to_values(column, _year, survey, "a year is a whole number such as 2018")
    return years.astype("Int64").where(years > 0)


def _year(text: str) -> int:
    year = 0 if not text or text in _STATA_MISSING else _whole(text)
    if year > 0 and not 1900 <= year <= 2100:
        raise ValueError
    return year


def to_weights(column: pd.Series, survey: SurveyFile) -> pd.Series:
    """Weights."""
    return to_values(column, _weight, survey, "a weight is a number of 0 or more")


def _weight(text: str) -> float:
    weight = float(text.replace(",", "."))  # files with semicolons have a decimal comma
    if not 0 <= weight < float("inf"):
        raise ValueError
    return weight


def to_codes(column: pd.Series, scale: tuple, survey: SurveyFile, recoding: dict[int, int] | None = None) -> pd.Series:
    """Answer codes; the missing ones are negative, and a blank is -5.

    Args:
        column: categories of text.
        scale: a row of `Scales`.
        survey: the file, for messages.
        recoding: the code of wave 7 for each code of the file, where they differ.
    """

    def read(text: str) -> int:
        number = _STATA_MISSING[text] if text in _STATA_MISSING else float(text or "-5")
        if number in MISSING_KINDS:
            return int(number)
        if recoding:
            if number not in recoding:
                raise _CellError(f"the answer codes of {column.name} are {', '.join(map(str, sorted(recoding)))}{end}")
            number = recoding[number]
        if number % 1 != 0 or not scale.first <= number <= scale.last:
            raise ValueError
        return int(number)

    end = ", and -5 to -1 for missing. Correct the row, or mark the answer as missing (-5)"
    expected = f"the answer codes of {scale.question} are {scale.first} to {scale.last}{end}"
    return to_values(column, read, survey, expected).astype("int16")
