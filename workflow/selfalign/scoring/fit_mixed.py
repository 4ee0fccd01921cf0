"""Step fit_mixed: contrasts by a mixed-effects model, as a cross-check of the bootstrap."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from selfalign.options import Json, readable, writable
from selfalign.progress import follow
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.estimate_options import measures_option
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.panels import CONTRAST_KEYS, Contrast, Panel, build_panels, contrast_panel
from selfalign.scoring.schemas import ALL, Contrasts, Mixed
from selfalign.tables import read_table, write_table


def fit_mixed(
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
    contrasts: list[Contrast | list[str]],
    level: float,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms, for the mean of the countries, by a mixed-effects model beside the bootstrap's.

    Args:
        scores: `Scores` tables, stacked.
        estimates: a `Contrasts` table with these contrasts.
        contrasts: pairs of arms, or mappings; see `Contrast`.
        level: coverage of the intervals.
        measures: which measures to compare, those of the estimates. Those across countries are left out.

    Returns:
        A `Mixed` table.
    """
    measures = [name for name in measures if METRICS[name].over != "countries"]
    panels = {country: contrast_panel(panel, contrasts) for country, panel in build_panels(scores, measures).items()}
    values = pd.concat([_lengthen(country, panel) for country, panel in panels.items()], ignore_index=True)
    bootstrap = estimates[estimates["country"] == ALL].fillna({"beyond": ""}).set_index(CONTRAST_KEYS)
    rows = []
    for key, part in follow("fit", "model", items=list(values.groupby(CONTRAST_KEYS, sort=True))):
        found = fit(part, level)
        against = bootstrap.loc[key]
        told = (against["low"] > 0 or against["high"] < 0, found["low"] > 0 or found["high"] < 0)
        rows.append(
            {
                **dict(zip(CONTRAST_KEYS, key, strict=True)),
                **found,
                "bootstrap": against["estimate"],
                "difference": _ratio(found["estimate"] - against["estimate"], against["standard_error"]),
                "same_verdict": told[0] == told[1],
            }
        )
    columns = list(Mixed.to_schema().columns)
    return pd.DataFrame(rows, columns=columns)


def _ratio(gap: float, error: float) -> float:
    return gap / error if error > 0 else np.nan


def _lengthen(country: str, panel: Panel) -> pd.DataFrame:
    """A country's differences, a row per series and probe."""
    rows, columns = np.nonzero(np.isfinite(panel.value))
    table = panel.series.iloc[columns].reset_index(drop=True)
    value = panel.value[rows, columns]
    return table.assign(country=country, probe=panel.probes[rows], battery=panel.batteries[rows], value=value)


def fit(values: pd.DataFrame, level: float) -> dict[str, Any]:
    """The mean of the countries' differences, with random effects of battery and of probe in battery.

    Countries are fixed effects, coded to sum to 0, so that the intercept is the mean of the countries that were run,
    as in the bootstrap; with one country there is no effect of probes beside the residual. The fit is restricted
    maximum likelihood (statsmodels' MixedLM).

    Interval and p are of a t distribution with one degree of freedom less than there are batteries. This is the
    between-within rule (Schluchter and Elashoff 1990): the intercept varies between batteries, so the number of
    batteries limits how well its standard error is known. The rule is exact for one country and batteries of one size.

    Args:
        values: columns country, probe, battery, value.
        level: coverage of the interval.

    Returns:
        The columns of a `Mixed` table that a fit gives. `note` has the warnings of the fit. If the fit fails, its
        numbers are empty.
    """
    empty = dict.fromkeys(["estimate", "standard_error", "low", "high", "df", "p"], np.nan)
    empty |= dict.fromkeys(["battery_sd", "probe_sd", "residual_sd"], np.nan)
    if values["value"].nunique() == 1 or values["battery"].nunique() == 1:
        return {**empty, "converged": False, "note": "not fitted: one battery, or no variation"}
    several = values["country"].nunique() > 1
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = _lay_out(values, several).fit(reml=True)
        except (np.linalg.LinAlgError, ValueError) as fault:
            return {**empty, "converged": False, "note": f"not fitted: {fault}"}
    mean, error = found.fe_params[0], found.bse_fe[0]
    df = values["battery"].nunique() - 1
    reach = stats.t.ppf((1 + level) / 2, df) * error
    return {
        "estimate": mean,
        "standard_error": error,
        "low": mean - reach,
        "high": mean + reach,
        "df": df,
        "p": 2 * stats.t.sf(abs(mean) / error, df) if error > 0 else np.nan,
        "converged": bool(found.converged and np.isfinite(error)),
        "note": "; ".join(dict.fromkeys(" ".join(str(warning.message).split()) for warning in said)) or None,
        "battery_sd": np.sqrt(np.asarray(found.cov_re)[0, 0]),
        "probe_sd": np.sqrt(found.vcomp[0]) if several else np.nan,
        "residual_sd": np.sqrt(found.scale),
    }


def _lay_out(values: pd.DataFrame, several: bool) -> MixedLM:
    """The model of `fit`. A formula would say the same, but statsmodels needs as long to read it as to fit the model.

    Columns are contiguous in memory, as those of a formula are: sums then round alike.

    Args:
        values: as for `fit`.
        several: whether there are several countries.
    """
    constant, battery = np.ones((len(values), 1)), values["battery"].to_numpy()
    if not several:
        return MixedLM(values["value"].to_numpy(), constant, battery, exog_re=constant)
    countries = _indicate(values["country"].to_numpy())[1]
    exog = np.asfortranarray(np.hstack([constant, countries[:, :-1] - countries[:, -1:]]))
    probe = values["probe"].to_numpy()
    names, members = zip(*(_indicate(probe[battery == name]) for name in np.unique(battery)), strict=True)
    of_probe = VCSpec(["probe"], [list(names)], [list(members)])
    return MixedLM(values["value"].to_numpy(), exog, battery, exog_re=constant, exog_vc=of_probe)


def _indicate(labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different labels, and a column for each: 1 where it stands, else 0."""
    known = np.unique(labels)
    return list(known), np.asfortranarray(np.equal.outer(labels, known).astype(float))


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--estimates", type=readable, required=True, help="The bootstrap's contrasts (CSV).")
@click.option("--contrasts", type=Json(), required=True, help="Which contrasts to fit, as JSON.")
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), required=True, help="Coverage.")
@measures_option
@bank_option
@click.option("--output", type=writable, required=True, help="Fits beside the bootstrap's estimates (CSV).")
def command(
    scores: tuple[Path, ...],
    estimates: Path,
    contrasts: list[Contrast | list[str]],
    level: float,
    measures: list[str],
    bank: Path,
    output: Path,
) -> None:
    """Fit mixed-effects models to contrasts, and say where they tell another story than the bootstrap."""
    table = fit_mixed(read_cells(scores, measures, bank), read_table(estimates, Contrasts), contrasts, level, measures)
    for row in table[~table["converged"]].itertuples():
        click.echo(f"{row.model}, {row.language}, {row.arm} - {row.against}, {row.measure}: {row.note}", err=True)
    write_table(table.round(6), output, Mixed)
