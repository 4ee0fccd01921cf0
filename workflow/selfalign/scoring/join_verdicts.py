"""Contrasts with the main intervals of a run's verdicts: for figures, tables and everything that quotes a contrast."""

from pathlib import Path

import pandas as pd

from selfalign.errors import InputError
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import ALL, CONTRAST_KEYS, Contrasts, Verdicts
from selfalign.tables import read_table

_MAIN = ["main", "main_low", "main_high", "main_p", "main_p_holm"]


def read_main_contrasts(contrasts: Path, verdicts: Path) -> pd.DataFrame:
    """The contrasts of a run, with the main interval of each mean of the countries: see `join_verdicts`.

    Args:
        contrasts: file of a `Contrasts` table.
        verdicts: file of the `Verdicts` of the same run.

    Raises:
        InputError: a mean has no verdict. It is not left out, and the narrower interval does not take its place.
    """
    table = join_verdicts(read_table(contrasts, Contrasts), read_table(verdicts, Verdicts))
    without = table[(table["country"] == ALL) & table["measure"].isin(METRICS) & table["main"].isna()]
    if len(without):
        row = without.iloc[0]
        problem = f"there is no row of {row.arm} minus {row.against}, model {row.model}, measure {row.measure}"
        raise InputError(verdicts, problem, f"Make it from {contrasts} with the step choose-intervals")
    return table


def join_verdicts(contrasts: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Contrasts with the main interval of each mean of the countries, next to the interval by battery.

    A country that is the only one of its contrast is the mean of the countries. So it has the main interval too.

    Args:
        contrasts: a `Contrasts` table.
        verdicts: a `Verdicts` table.

    Returns:
        The rows of the contrasts in their order, with the columns main (battery or category), main_low, main_high,
        main_p and main_p_holm of their verdicts. They are empty for one country of several.
    """
    known, chosen = (table.fillna({"beyond": ""}) for table in (contrasts, verdicts))
    table = known.merge(chosen[[*CONTRAST_KEYS, *_MAIN]], "left", CONTRAST_KEYS, validate="many_to_one")
    single = table["country"] != ALL
    countries = single.groupby([table[key] for key in CONTRAST_KEYS]).transform("sum")
    is_mean = ~single | (countries == 1)
    table[_MAIN] = table[_MAIN].where(is_mean)
    return table.replace({"beyond": {"": None}})


def with_main(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `join_verdicts` whose low and high are the ends of the main interval, where a row has one.

    Args:
        rows: also a part of the rows or of the columns.
    """
    has_main = rows["main"].notna()
    return rows.assign(**{end: rows[f"main_{end}"].where(has_main, rows[end]) for end in ("low", "high")})
