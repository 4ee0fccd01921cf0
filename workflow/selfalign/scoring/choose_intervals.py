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
from selfalign.scoring.panels import CONTRAST_KEYS
from selfalign.scoring.schemas import ALL, Contrasts, Verdicts
from selfalign.tables import read_table, write_estimates

LEAST = 6
"""Categories that a variance between them needs: with fewer, its interval says little."""

PRIMARY = "primary"

_RESULTS = ["standard_error", "low", "high", "df", "p"]


def choose_intervals(
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
    contrasts: list[Contrast],
    primary: Contrast | None,
    how: Resampling,
    measures: Sequence[str],
) -> pd.DataFrame:
    """The contrasts of the mean of the countries, with intervals by battery and by category, and the main one.

    The main interval is the wider one. Batteries of one category may answer alike, and then an interval by battery is
    too narrow. An interval by category allows for that, and is wide where there are few categories. With fewer than
    `LEAST` categories the main interval is by battery. docs/validity.md has the errors of this rule.

    Args:
        scores: `Scores` tables, stacked.
        estimates: a `Contrasts` table, with intervals by battery.
        contrasts: of two arms each.
        primary: the primary hypothesis; None if the run has none.
        how: how intervals are computed.
        measures: the metrics to estimate.

    Returns:
        A `Verdicts` table.
    """
    known = estimates[(estimates["country"] == ALL) & estimates["measure"].isin(measures)].fillna({"beyond": ""})
    cells = scores.assign(battery=scores["category"])
    again = estimate_contrasts(cells, contrasts, how, measures)
    again = again[again["country"] == ALL].rename(columns={"batteries": "categories"})
    again = again[[*CONTRAST_KEYS, *_RESULTS, "categories"]].rename(
        columns={name: f"category_{name}" for name in _RESULTS}
    )
    table = known.merge(again, on=CONTRAST_KEYS, how="left", validate="one_to_one")
    return correct_verdicts(choose_main(table, how.resample), primary)


def choose_main(table: pd.DataFrame, resample: Sequence[str]) -> pd.DataFrame:
    """Contrasts with the level of their main interval, the reason, and its numbers.

    Args:
        table: contrasts with intervals by battery and by category.
        resample: what the intervals cover.

    Returns:
        The table with columns main, reason, main_low, main_high and main_p.
    """
    by_battery, by_category = (table[f"{kind}high"] - table[f"{kind}low"] for kind in ("", "category_"))
    reasons = {
        "intervals do not cover the choice of batteries": pd.Series("batteries" not in resample, table.index),
        f"fewer than {LEAST} categories": table["categories"] < LEAST,
        "wider by battery": ~(by_category > by_battery),
    }
    reason = np.select(list(reasons.values()), list(reasons), "wider by category")
    of_category = reason == "wider by category"
    chosen = {name: table[f"category_{name}"].where(of_category, table[name]) for name in ("low", "high", "p")}
    table = table.assign(main=np.where(of_category, "category", "battery"), reason=reason)
    return table.assign(**{f"main_{name}": values for name, values in chosen.items()})


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
@takes_estimation(resample_options, measures_option, bank_option)
@click.option("--output", type=writable, required=True, help="Verdicts (CSV).")
def command(
    scores: tuple[Path, ...],
    estimates: Path,
    contrasts: list[Contrast],
    primary: Contrast | None,
    how: Estimation,
    output: Path,
) -> None:
    """Choose the main interval of each contrast, and correct p-values around one primary hypothesis."""
    known, cells = read_table(estimates, Contrasts), read_cells(scores, how.measures, how.bank)
    table = choose_intervals(cells, known, contrasts, primary, how.resampling(), how.measures)
    write_estimates(table, output, Verdicts)
