"""Step read_groups: the group of each respondent by sex, age, education, settlement or another variable."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import click
import numpy as np
import pandas as pd

from selfalign.options import readable, writable
from selfalign.survey.cells import STATA_MISSING, is_blank, read_number, tidy
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.schemas import (
    MISSING_KINDS,
    NO_COLUMN,
    RESPONDENT,
    UNLISTED,
    GroupCodes,
    GroupCounts,
    Groups,
    Responses,
)
from selfalign.tables import cell_error, read_input, read_table, write_table

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


@dataclass(frozen=True)
class _Part:
    """A part of a group: whole numbers from first to last, or one text. A range is also a text, such as `18-29`."""

    group: str
    first: int | None = None
    last: int | None = None
    text: str = ""

    def has(self, number: float | None, text: str) -> bool:
        """Whether a value is in this part."""
        if text == self.text:
            return True
        if self.first is None or self.last is None:
            return False
        return number is not None and number % 1 == 0 and self.first <= number <= self.last

    def meets(self, other: "_Part") -> bool:
        """Whether a value can be in both parts."""
        if self.first is None or other.first is None or self.last is None or other.last is None:
            return other.has(self.first, self.text) or self.has(other.first, other.text)
        return self.first <= other.last and other.first <= self.last


def read_crosswalk(path: Path) -> pd.DataFrame:
    """A `GroupCodes` table, whose groups share no value.

    Raises:
        InputError: the file is missing, a row breaks the schema, a range is empty, or two groups have the same value.
    """
    table = read_input(path, GroupCodes, {})
    for (variable, column), rows in table.groupby(["variable", "column"], sort=False):
        parts = [_read_part(row, path) for row in rows.itertuples()]
        for place, (row, part) in enumerate(zip(rows.itertuples(), parts, strict=True)):
            for other in parts[:place]:
                if part.meets(other) and part.group != other.group:
                    problem = f"the groups {other.group} and {part.group} of {variable} share a value of {column}"
                    raise cell_error(path, row, "values", problem, "Give each value to one group")
    return table


class _Row(Protocol):
    """A row of `GroupCodes`."""

    Index: int
    group: str
    values: str


def _read_part(row: _Row, path: Path | None = None) -> _Part:
    found = _RANGE.fullmatch(row.values.strip())
    if not found:
        return _Part(row.group, text=tidy(row.values))
    first, last = int(found[1]), int(found[2] or found[1])
    if first > last:
        raise cell_error(path, row, "values", "the first number is larger than the last", "Exchange them")
    return _Part(row.group, first, last, tidy(row.values))


def read_groups(survey: SurveyFile, crosswalk: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """The group of each respondent by each variable.

    Of a variable with several columns, the first one that the file has is read. Their order is that of the crosswalk.

    Args:
        crosswalk: a `GroupCodes` table.
        responses: the columns respondent and country of a `Responses` table of this file.

    Returns:
        A `Groups` table: a row for each respondent and variable. Nobody is left out: a respondent without a group has
        the reason.
    """
    theirs = {name.casefold(): name for name in survey.names}
    parts = []
    for variable, rows in crosswalk.groupby("variable", sort=False):
        column = next((name for name in rows["column"].unique() if name.strip().casefold() in theirs), None)
        part = responses[["respondent", "country"]].assign(variable=variable)
        if column is None:
            parts.append(part.assign(group=None, reason=NO_COLUMN))
            continue
        name = theirs[column.strip().casefold()]
        cells = survey.read([name])[name].loc[responses["respondent"]]
        read = _reader([_read_part(row) for row in rows[rows["column"] == column].itertuples()])
        found = np.array([read(text) for text in cells.cat.categories], dtype=object).reshape(-1, 2)[cells.cat.codes]
        parts.append(part.assign(group=found[:, 0], reason=found[:, 1]))
    return pd.concat(parts, ignore_index=True)


def _reader(parts: list[_Part]) -> Callable[[str], tuple[str | None, str | None]]:
    """A function from a value to its group, or to the reason why it has none."""

    def read(value: str) -> tuple[str | None, str | None]:
        text, number = tidy(value), read_number(value)
        group = next((part.group for part in parts if part.has(number, text)), None)
        if group is not None:
            return group, None
        if is_blank(value):
            return None, MISSING_KINDS[-5]
        code = STATA_MISSING.get(value.strip(), number)
        return None, UNLISTED if code is None else MISSING_KINDS.get(int(code) if code % 1 == 0 else 0, UNLISTED)

    return read


def count_groups(groups: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Respondents of each country in each group and in none, by reason: a `GroupCounts` table.

    Args:
        groups: a `Groups` table.
        responses: the columns respondent and weight of a `Responses` table.
    """
    keys = ["country", "variable", "group", "reason"]
    table = groups.merge(responses[["respondent", "weight"]], on="respondent")
    counts = table.groupby(keys, dropna=False, sort=True)["weight"].agg(n="size", share="sum").reset_index()
    total = counts.groupby(["country", "variable"])["share"].transform("sum")
    return counts.assign(share=(counts["share"] / total).where(total > 0).round(6))


@click.command()
@click.option("--survey", type=readable, required=True, help="Survey file (CSV, SPSS, Stata; or a zip).")
@click.option("--crosswalk", type=readable, required=True, help="Which values make which group (CSV).")
@click.option("--responses", type=readable, required=True, help="Responses (Parquet).")
@click.option("--groups", type=writable, required=True, help="The group of each respondent (Parquet).")
@click.option("--counts", type=writable, required=True, help="Respondents by group, and in none (CSV).")
def command(survey: Path, crosswalk: Path, responses: Path, groups: Path, counts: Path) -> None:
    """Read the group of each respondent by sex, age, education, settlement or another variable."""
    codes = read_crosswalk(crosswalk)
    people = read_table(responses, Responses)[RESPONDENT]
    with open_survey(survey, scratch=groups.parent) as file:
        table = read_groups(file, codes, people)
    counted = count_groups(table, people)
    write_table(table, groups, Groups)
    write_table(counted, counts, GroupCounts)
    for variable, rows in counted.groupby("variable", sort=False):
        none = rows[rows["group"].isna()].groupby("reason")["n"].sum()
        reasons = "; ".join(f"{reason}: {n}" for reason, n in none.items()) or "none"
        inside = rows["n"].sum() - none.sum()
        click.echo(f"{variable}: {inside} respondents in groups; in no group: {reasons}", err=True)
