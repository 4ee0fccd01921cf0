"""Which numbers of a run are meant: rows of its tables, as a user names them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.audit.trace.names import RunNames, resolve
from selfalign.config.figures import FIGURES, numbers_of_figure
from selfalign.contrasts import PLAIN, split_beyond
from selfalign.errors import InputError, did_you_mean
from selfalign.runs import TABLE, Run
from selfalign.scoring.join_verdicts import read_main_contrasts
from selfalign.scoring.schemas import (
    ALL,
    Categories,
    Contrasts,
    ContrastsByReadout,
    Estimates,
    Kinds,
    Languages,
    MainContrasts,
    Transfer,
)
from selfalign.tables import Table, read_table

SCHEMAS: dict[str, type[Table]] = {
    "agreement": Estimates,
    "contrasts": Contrasts,
    "contrasts_by_readout": ContrastsByReadout,
    "transfer": Transfer,
    "languages": Languages,
    "categories": Categories,
    "kinds": Kinds,
    "figures/gains": MainContrasts,
    "figures/gains_by_country": MainContrasts,
    "figures/languages": Languages,
    "figures/categories": Categories,
    "figures/kinds": Kinds,
    "figures/margins": MainContrasts,
}
"""The tables whose rows lead back to cells, by name. Those of figures are in the folder of the figures."""

TABLE_OF_FIGURE = {
    figure: table
    for figure in FIGURES
    if (table := numbers_of_figure(figure).removeprefix("tables/").removesuffix(".csv")) in SCHEMAS
}
"""The table whose rows a figure shows, by figure. The figure calibration has none: see `trace.calibration`."""

_OTHERS = {
    "verdicts": "its rows are those of contrasts with a second interval; name contrasts and the country all",
    "alternatives": "its rows are over other probes, or over majorities by another cut of the scales",
    "groups": "its rows are means over groups of people; name agreement and the id of a group, such as DEU.sex.female",
    "group_contrasts": "its rows are means over groups of people; name contrasts and the id of a group",
    "specifications": "its rows are over other readouts, option orders and cuts of the scales",
    "country_ranks": "its rows compare the answers of an arm with every surveyed country",
    "readers": "its rows compare a model with a simple reader, which has no cells",
    "map": "its points are weighted sums of items, not means over cells",
    "map_axes": "its rows are the weights of items, which are from the survey",
}
"""Tables whose rows do not lead to cells, and why. Of the others, a general reason is given."""

LINE_COLUMN = "line"
"""Column with the line of a row in its file: the header is line 1."""


@dataclass(frozen=True)
class Term:
    """A part of a number: the cells of an arm in a language, added or subtracted.

    Attributes:
        sign: 1 or -1.
        model: its name.
        language: ISO 639-1 code.
        arm: its name.
        source: whose answers the demonstrations have; None for all sources of the arm.
    """

    sign: int
    model: str
    language: str
    arm: str
    source: str | None = None


@dataclass(frozen=True)
class Point:
    """A number of a run.

    Attributes:
        table: name of its table.
        line: of the row in the table's file; None where the run did not estimate the number.
        country: alpha-3 code, or `all`.
        measure: what is estimated.
        terms: what the number is made of, in the order of `trace.contributions`.
        readout: what decides between the options, where the table has several.
        row: the row of the table; empty where there is none.
        probe: the only probe of the number; None for all probes.
        category: the only category of its probes; None for all.
        among: the countries of a mean of countries; None for all that have its cells.
    """

    table: str
    line: int | None
    country: str
    measure: str
    terms: tuple[Term, ...]
    readout: str | None
    row: Mapping[str, Any]
    probe: str | None = None
    category: str | None = None
    among: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The point in a few words, for other programs."""
        return self.table if self.line is None else f"{self.table}.csv:{self.line}"


def table_file(run: Run, table: str) -> Path:
    """The file of a table.

    Args:
        run: that has it.
        table: its name, as a key of `SCHEMAS`.
    """
    return run.folder / f"{table}.csv" if "/" in table else run.table(table)


def find_table(text: str) -> str:
    """Name of a table, as a key of `SCHEMAS`, from its name or a path that ends with its file."""
    path = Path(text)
    in_figures = f"figures/{path.stem}"
    only_there = path.stem not in SCHEMAS and in_figures in SCHEMAS
    return in_figures if path.parent.name == "figures" or only_there else path.stem


def read_rows(run: Run, table: str, figure: str | None = None) -> pd.DataFrame:
    """A table of estimates, with its lines in the file.

    The figures `contrasts` and `margin` are drawn from a table without main intervals. For them the rows also have the
    columns of the verdicts: see `join_verdicts`.

    Args:
        run: that has it.
        table: its name, a key of `SCHEMAS`.
        figure: the figure that the user named, if any.

    Raises:
        InputError: no such table leads back to cells, the run does not have it, or a mean has no verdict.
    """
    path = table_file(run, table)
    if table not in SCHEMAS:
        known = sorted(each.stem for each in run.folder.glob(TABLE.format(name="*")))
        general = "its rows are not means over cells" if table in known else "the run has no such table"
        reason = f"it does not lead to cells: {_OTHERS[table]}" if table in _OTHERS else general
        raise InputError("--table", reason, f"Known values: {', '.join(SCHEMAS)}", value=table)
    if not path.is_file():
        raise InputError(path, "the run has no such table", "Finish the run with snakemake, or name another table")
    verdicts = run.table("verdicts")
    draws_main = table == "contrasts" and figure in FIGURES and "verdicts" in FIGURES[figure].reads
    has_verdicts = draws_main and verdicts.is_file()
    rows = read_main_contrasts(path, verdicts) if has_verdicts else read_table(path, SCHEMAS[table])
    return rows.assign(**{LINE_COLUMN: rows.index + 2})


def point_of_row(row: Mapping[str, Any], table: str) -> Point:
    """The number in a row of a table.

    Args:
        row: as `read_rows` returns it.
        table: its name.
    """
    asked = row["model"], row["language"]
    terms = [Term(1, *asked, row["arm"])]
    if table == "transfer":
        terms.append(Term(-1, *asked, row["against"], row["source"]))
    elif "against" in row:
        other = row["against_model"], row["against_language"]
        terms.append(Term(-1, *other, row["against"]))
        if beyond := split_beyond(row["beyond"]):
            terms += [Term(-1, *asked, beyond[0]), Term(1, *other, beyond[1])]
    readout = row.get("readout")
    place = table, row.get(LINE_COLUMN), row["country"], row["measure"]
    return Point(*place, tuple(terms), readout, dict(row), category=row.get("category"))


def narrow(rows: pd.DataFrame, wanted: Mapping[str, str], place: str) -> pd.DataFrame:
    """Rows with the wanted values.

    Args:
        rows: of a table.
        wanted: a value for some of the columns.
        place: the table, for the error.

    Raises:
        InputError: no row is left; names the first value that excludes all others, and those that there are.
    """
    for column, value in wanted.items():
        known = rows[column].fillna("").astype(str)
        left = rows[known == str(value)]
        if left.empty:
            raise InputError(place, f'no row has {column} "{value}"', did_you_mean(str(value), known.unique()))
        rows = left
    return rows


def usual(rows: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    """Of several rows the usual ones: agreement, the mean of the countries, plain differences between two arms.

    A column that the user named is left alone. Nothing is left out where no row is usual.
    """
    here: list[tuple[str, Callable[[pd.DataFrame], pd.Series]]] = [
        ("measure", lambda table: table["measure"] == "agreement"),
        ("country", lambda table: table["country"] == ALL),
        *PLAIN.items(),
    ]
    for column, is_usual in here:
        if column in rows and column not in wanted and is_usual(rows).any():
            rows = rows[is_usual(rows)]
    return rows


def parse_where(pairs: tuple[str, ...], columns: list[str], names: RunNames, place: str) -> dict[str, str]:
    """Conditions such as `arm=chrf`, with the values as the run names them.

    Raises:
        InputError: a condition has no `=`, or the table has no such column.
    """
    wanted = {}
    for pair in pairs:
        column, equals, value = pair.partition("=")
        if not equals:
            raise InputError("--where", f'"{pair}" is not COLUMN=VALUE', "Write a column, = and a value")
        column = resolve("--where", column, {name: [] for name in columns})
        wanted[column] = _value(column, value, names, place)
    return wanted


def _value(column: str, value: str, names: RunNames, place: str) -> str:
    option = f"--where {column}"
    if column in ("arm", "against"):
        return names.arm(value, option)
    if column in ("language", "against_language"):
        return names.language(value)
    if column in ("country", "source"):
        sources = {source for arm in names.config.arms.values() for source in arm.sources or ()}
        return names.country(value, option, sorted(sources))
    simple = {"model": names.model, "against_model": names.model, "measure": names.measure}
    return simple[column](value) if column in simple else value
