"""Columns of a survey of the form `table`: their names, and the countries of their rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from selfalign.countries import CODES
from selfalign.errors import Faults, InputError, listed
from selfalign.survey.cells import tidy
from selfalign.survey.files import SurveyFile

RESPONDENT_ROLES = ("country", "weight", "respondent", "year")
"""Columns about the respondent that the settings of a file of respondents may name."""

COUNT_ROLES = ("country", "question", "code", "count")
"""Columns that the settings of a table of counts may name."""


@dataclass(frozen=True)
class TableLayout:
    """The layout of a survey file, from the settings of a survey of the form `table`.

    Attributes:
        columns: names of columns, by role: weight, respondent and others.
        country: of all rows, where no column has it (ISO 3166 alpha-3).
        countries: code by value of the column of countries; None leaves the rows of a value out.
        missing_weight: what happens to respondents without a weight: refuse or leave_out.
    """

    columns: Mapping[str, str]
    country: str | None
    countries: Mapping[str, str | None]
    missing_weight: str

    @classmethod
    def of_survey(cls, settings: Mapping[str, Any]) -> "TableLayout":
        """The layout in the settings of a survey, as the config has them."""
        return cls(
            columns=settings.get("columns", {}),
            country=settings.get("country"),
            countries=settings.get("countries", {}),
            missing_weight=settings.get("missing_weight", "refuse"),
        )


@dataclass(frozen=True)
class TableReader:
    """The reader of a survey file, with the mistakes that it finds and the rows that it leaves out.

    Attributes:
        survey: the open file.
        layout: of the file.
        faults: the mistakes that were found. They are reported together.
        left_out: rows that are not used, as rows of `LeftOut`: place, reason, number.
    """

    survey: SurveyFile
    layout: TableLayout
    faults: Faults = field(default_factory=Faults)
    left_out: list[tuple[str, str, int]] = field(default_factory=list)

    def find_columns(self, roles: Iterable[str]) -> dict[str, str]:
        """The columns that the settings name, by role: those of some roles."""
        return {role: name for role, name in self.layout.columns.items() if role in roles}

    def read_countries(self, column: pd.Series, unit: str) -> pd.Series:
        """Country codes (ISO 3166 alpha-3) of rows, without the rows that the settings leave out.

        Args:
            column: the countries as the file has them, as categories of text.
            unit: name of the rows in messages: rows, or respondents.
        """
        codes = find_countries(column.cat.categories, self.layout.countries)
        unknown = [value for value in column.cat.categories if value not in codes and (column == value).any()]
        if unknown:
            remedy = f"Write the country of each value into surveys.*.countries; null leaves its {unit} out"
            problem = f"is not an ISO 3166 alpha-3 code: {self.describe_values(column, unknown, unit)}"
            self.faults.add(self.survey.path, problem, remedy, column=column.name)
        countries = pd.Series([codes.get(value, "") for value in column.astype(object)], column.index, dtype=object)
        counts = column[countries.isna()].astype(object).value_counts().sort_index()
        self.left_out.extend((value, "null in surveys.*.countries", int(n)) for value, n in counts.items())
        return countries.dropna()

    def refuse_if_none(self, rows: pd.DataFrame | pd.Series) -> None:
        """Refuse a file all of whose rows are left out.

        Args:
            rows: those that are left.
        """
        if rows.empty:
            reasons = listed([f"{n} of {place} ({reason})" for place, reason, n in self.left_out])
            problem = f"no row is left; left out are: {reasons}"
            self.faults.add(self.survey.path, problem, "Correct the settings of this survey, or the file")
            self.faults.refuse()

    def describe_values(self, column: pd.Series, values: list[str], unit: str = "respondents") -> str:
        """Some values of a column, how many rows have each, and the first line of the first."""
        counts = [f"{value!r} ({int((column == value).sum())} {unit})" for value in values]
        first = self.survey.line(column.index[int(np.argmax((column == values[0]).to_numpy()))])
        return f"{listed(counts, 10)}, the first in line {first}"


def find_countries(values: Iterable[str], countries: Mapping[str, str | None]) -> dict[str, str | None]:
    """The country code of each value of a column, or None if its rows are left out. Unknown values are absent.

    Args:
        values: of the column.
        countries: code by value, from the settings; null leaves a value out.
    """
    given = {tidy(str(value)): code for value, code in countries.items()}
    return {
        value: given.get(tidy(value), value.strip().upper())
        for value in values
        if tidy(value) in given or value.strip().upper() in CODES
    }


def check_columns(survey: SurveyFile, wanted: Mapping[str, str]) -> None:
    """Refuse names that are not columns of a file, all of them together.

    Args:
        wanted: where each name is used, by name.

    Raises:
        InputError: names the missing columns, the places where they are used, and columns with similar names.
    """
    similar = {name.casefold(): name for name in survey.names}
    missing = []
    for name, place in wanted.items():
        if name not in survey.names:
            near = get_close_matches(name.casefold(), similar, n=1)
            missing.append(f'"{name}" ({place}{f"; perhaps {similar[near[0]]!r}" if near else ""})')
    if missing:
        names = listed(survey.names, 30)
        remedy = f"Correct the names, or delete the rows of these questions. The columns are: {names}"
        raise InputError(survey.path, f"has no column {listed(missing)}", remedy)
