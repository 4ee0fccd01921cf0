"""What the parsers of survey files of any layout share: names of columns, numbers and countries."""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from selfalign.countries import CODES
from selfalign.faults import Faults, listed
from selfalign.survey.files import SurveyFile
from selfalign.survey.questions import tidy

Excluded = tuple[str, str, int]
"""Respondents that a step leaves out, as a row of `LeftOut`: place, reason, number."""


def name_columns(names: list[str], data: Path) -> dict[str, str]:
    """Names of the columns as the user reads them, and the names under which `SurveyFile` knows them.

    `SurveyFile` takes the header of a text file as Latin-1, so letters in UTF-8 come apart.
    """
    if data.suffix.lower() in (".sav", ".dta"):
        return {name: name for name in names}
    return {_as_utf8(name): name for name in names}


def _as_utf8(name: str) -> str:
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def read_number(text: str) -> float | None:
    """A finite number, with a point or a comma before its decimals; None if the text is not one."""
    try:
        number = float(text.strip().replace(",", ".").replace("_", "?"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def find_countries(values: Iterable[str], countries: dict[str, str | None]) -> dict[str, str | None]:
    """The country of each value of a column: its code, None where it is to be left out, or `unknown`.

    Args:
        values: of the column.
        countries: code by value, as the settings have it; null leaves a value out.
    """
    given = {tidy(str(value)): code for value, code in countries.items()}
    return {value: given.get(tidy(value), value.strip() if value.strip() in CODES else "unknown") for value in values}


def check_names(survey: SurveyFile, names: Iterable[str], wanted: dict[str, str]) -> None:
    """Refuse names that are no column of a file, all of them together.

    Args:
        survey: the open file.
        names: its columns.
        wanted: where each name is used, by name.

    Raises:
        InputError: names the columns that are not there, the places where they are used, and columns like them.
    """
    like = {name.casefold(): name for name in names}
    told = []
    for name, place in wanted.items():
        if name not in like.values():
            near = get_close_matches(name.casefold(), like, n=1)
            told.append(f'"{name}" ({place}{f"; perhaps {like[near[0]]!r}" if near else ""})')
    faults = Faults()
    if told:
        remedy = f"Correct the names, or delete the rows of these questions. The columns are: {listed(list(names), 30)}"
        faults.add(survey.path, f"has no column {listed(told)}", remedy)
    faults.refuse()
