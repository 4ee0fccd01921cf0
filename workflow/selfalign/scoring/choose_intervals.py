"""Step choose_intervals: the main interval of each contrast, and p-values corrected around one primary hypothesis."""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import Json, readable, writable
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import Estimation, measures_option, resample_options, takes_estimation
from selfalign.scoring.families import correct_holm
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.main_intervals import choose_main, join_categories
from selfalign.scoring.schemas import ALL, CONTRAST_KEYS, Contrasts, Verdicts
from selfalign.tables import read_table, write_estimates

PRIMARY = "primary"


def choose_intervals(
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
    contrasts: list[Contrast],
    primary: Contrast | None,
    how: Resampling,
    measures: Sequence[str],
) -> pd.DataFrame:
    """The contrasts of the mean of the countries, with intervals by battery and by category, and the main one.

    See `choose_main` for the rule.

    Args:
        scores: `Scores` tables, stacked.
        estimates: a `Contrasts` table, with intervals by battery.
        primary: the primary hypothesis; None if the run has none.

    Returns:
        A `Verdicts` table.
    """
    known = estimates[(estimates["country"] == ALL) & estimates["measure"].isin(measures)].fillna({"beyond": ""})
    cells = scores.assign(battery=scores["category"])
    again = estimate_contrasts(cells, contrasts, how, measures)
    table = join_categories(known, again[again["country"] == ALL])
    return correct_verdicts(choose_main(table, how.resample), primary)


def correct_verdicts(table: pd.DataFrame, primary: Contrast | None) -> pd.DataFrame:
    """Verdicts with the role of each contrast, and p corrected after Holm (1979) within its role and measure.

    The primary hypothesis is about the agreement. If several models or languages have it, it is corrected for their
    number. All other contrasts are secondary.

    Args:
        table: with the columns of `CONTRAST_KEYS`, and main_p.
        primary: the primary hypothesis; None for none.

    Returns:
        The table with columns role and main_p_holm.
    """
    first = pd.Series(False, table.index)
    if primary is not None:
        first = primary.find_rows(table) & (table["measure"] == "agreement")
    table = table.assign(role=np.where(first, PRIMARY, "secondary"), main_p_holm=np.nan)
    for _, rows in table[table["main_p"].notna()].groupby(["role", "measure"]):
        table.loc[rows.index, "main_p_holm"] = correct_holm(rows["main_p"].to_numpy())
    return table.sort_values(["role", *CONTRAST_KEYS], kind="stable", ignore_index=True)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--estimates", type=readable, required=True, help="The contrasts with intervals by battery (CSV).")
@contrasts_option
@click.option("--primary", type=Json(Contrast | None), required=True, help="The primary hypothesis as JSON, or null.")
@takes_estimation(resample_options, measures_option)
@bank_option
@click.option("--output", type=writable, required=True, help="Verdicts (CSV).")
def command(
    scores: tuple[Path, ...],
    estimates: Path,
    contrasts: list[Contrast],
    primary: Contrast | None,
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Choose the main interval of each contrast, and correct p-values around one primary hypothesis."""
    known, cells = read_table(estimates, Contrasts), read_cells(scores, how.measures, bank)
    table = choose_intervals(cells, known, contrasts, primary, how.resampling, how.measures)
    write_estimates(table, output, Verdicts)
