"""Step fit_mixed: contrasts by a mixed-effects model, as a cross-check of the bootstrap."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from scipy import stats

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.progress import show_progress
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_options import measures_option
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.panels import Panel, build_panels, contrast_panels
from selfalign.scoring.reml import fit_reml
from selfalign.scoring.schemas import ALL, CONTRAST_KEYS, Contrasts, Mixed
from selfalign.tables import read_table, write_estimates

_NUMBERS = ["estimate", "standard_error", "low", "high", "df", "p", "battery_sd", "probe_sd", "residual_sd"]


def fit_mixed(
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
    contrasts: list[Contrast],
    level: float,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms, for the mean of the countries, by a mixed-effects model and by the bootstrap.

    Args:
        scores: `Scores` tables, stacked.
        estimates: a `Contrasts` table with these contrasts.
        level: coverage of the intervals.
        measures: which measures to compare, those of the estimates. Those across countries are left out.

    Returns:
        A `Mixed` table.
    """
    measures = [name for name in measures if METRICS[name].over != "countries"]
    panels = contrast_panels(build_panels(scores, measures), contrasts)
    values = pd.concat([_lengthen(country, panel) for country, panel in panels.items()], ignore_index=True)
    bootstrap = estimates[estimates["country"] == ALL].fillna({"beyond": ""}).set_index(CONTRAST_KEYS)
    rows = []
    for key, part in show_progress("fit", "model", items=list(values.groupby(CONTRAST_KEYS, sort=True))):
        found = fit(part, level)
        against = bootstrap.loc[key]
        same = _excludes_zero(against) == _excludes_zero(found) if found["converged"] else pd.NA
        rows.append(
            {
                **dict(zip(CONTRAST_KEYS, key, strict=True)),
                **found,
                "bootstrap": against["estimate"],
                "difference": _ratio(found["estimate"] - against["estimate"], against["standard_error"]),
                "same_verdict": same,
            }
        )
    columns = Mixed.names()
    return pd.DataFrame(rows, columns=columns)


def _excludes_zero(interval: Mapping[str, Any] | pd.Series) -> bool:
    return bool(interval["low"] > 0 or interval["high"] < 0)


def _ratio(gap: float, error: float) -> float:
    return gap / error if error > 0 else np.nan


def _lengthen(country: str, panel: Panel) -> pd.DataFrame:
    """A country's differences, a row per series and probe."""
    rows, columns = np.nonzero(np.isfinite(panel.value))
    table = panel.series.iloc[columns].reset_index(drop=True)
    value = panel.value[rows, columns]
    return table.assign(country=country, probe=panel.probes[rows], battery=panel.batteries[rows], value=value)


def fit(values: pd.DataFrame, level: float) -> dict[str, Any]:
    """The mean of the countries' differences, with random effects of battery and of probe in battery: see `fit_reml`.

    Interval and p are of a t distribution with one degree of freedom less than there are batteries. This is the
    between-within rule (Schluchter and Elashoff 1990): the mean varies between batteries, so the number of batteries
    limits how well its standard error is known. The rule is exact for one country and batteries of one size.

    Args:
        values: columns country, probe, battery, value.
        level: coverage of the interval.

    Returns:
        The columns of a `Mixed` table that a fit gives. With one battery or without variation, the numbers are empty
        and `note` says so.
    """
    batteries = values["battery"].nunique()
    if values["value"].nunique() == 1 or batteries == 1:
        return {
            **dict.fromkeys(_NUMBERS, np.nan),
            "converged": False,
            "note": "not fitted: one battery, or no variation",
        }
    found, df = fit_reml(values), batteries - 1
    reach = stats.t.ppf((1 + level) / 2, df) * found.standard_error
    return {
        "estimate": found.mean,
        "standard_error": found.standard_error,
        "low": found.mean - reach,
        "high": found.mean + reach,
        "df": df,
        "p": 2 * stats.t.sf(abs(found.mean) / found.standard_error, df),
        "converged": found.converged,
        "note": None if found.converged else "the search for the maximum of the likelihood did not end",
        "battery_sd": found.battery_sd,
        "probe_sd": found.probe_sd,
        "residual_sd": found.residual_sd,
    }


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--estimates", type=readable, required=True, help="The bootstrap's contrasts (CSV).")
@contrasts_option
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), required=True, help="Coverage.")
@measures_option
@bank_option
@click.option("--output", type=writable, required=True, help="Fits, with the bootstrap's estimates (CSV).")
def command(
    scores: tuple[Path, ...],
    estimates: Path,
    contrasts: list[Contrast],
    level: float,
    measures: list[str],
    bank: Path,
    output: Path,
) -> None:
    """Fit mixed-effects models to contrasts, and compare them with the bootstrap."""
    table = fit_mixed(read_cells(scores, measures, bank), read_table(estimates, Contrasts), contrasts, level, measures)
    for row in table[~table["converged"]].itertuples():
        click.echo(f"{row.model}, {row.language}, {row.arm} - {row.against}, {row.measure}: {row.note}", err=True)
    write_estimates(table, output, Mixed)
