"""Means over probes with intervals from a bootstrap of batteries."""

import numpy as np
import pandas as pd

from selfalign.scoring.tables import ALL


def average_cells(scores: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Measures of each probe under each arm: the mean over sources, seeds and templates, in long form.

    Args:
        scores: `Scores` tables, stacked.
        measures: columns of `scores`.

    Returns:
        Columns model, language, arm, country, probe, battery, measure, value.
    """
    keys = ["model", "language", "arm", "country", "probe", "battery"]
    means = scores.groupby(keys, sort=True)[measures].mean().reset_index()
    return means.melt(keys, measures, var_name="measure")


def estimate(values: pd.DataFrame, draws: int, level: float, seed: int) -> pd.DataFrame:
    """Mean over probes of each series, with a percentile interval from resampled batteries.

    Probes of one battery are asked with one stem and scale and answered alike, so batteries are what is drawn, with
    replacement, and the same batteries for all series (Efron and Tibshirani 1993, chapter 8, for clusters). The
    interval covers the choice of probes; it does not cover the sampling of respondents.

    Args:
        values: columns country, probe, battery and value, and the columns that name a series.
        draws: number of resamples.
        level: coverage of the interval, such as 0.95.
        seed: of the resamples.

    Returns:
        One row per series and country, and one for the mean of the countries: the series' columns, estimate, low,
        high, probes, batteries.
    """
    series = [column for column in values.columns if column not in ("probe", "battery", "value")]
    if values.empty:
        return pd.DataFrame(columns=[*series, "estimate", "low", "high", "probes", "batteries"])
    by_battery = values.groupby([*series, "battery"])["value"].agg(["sum", "count"]).unstack("battery", fill_value=0)
    sums, counts = by_battery["sum"].to_numpy().T, by_battery["count"].to_numpy().T
    resamples = _draw_batteries(len(sums), draws, seed)
    points = pd.DataFrame((sums.sum(axis=0) / counts.sum(axis=0))[None], columns=by_battery.index)
    with np.errstate(invalid="ignore"):
        replicates = pd.DataFrame((resamples @ sums) / (resamples @ counts), columns=by_battery.index)
    tails = [(1 - level) / 2, (1 + level) / 2]
    table = pd.DataFrame(
        {
            "estimate": _with_mean(points, series).iloc[0],
            "low": _with_mean(replicates, series).quantile(tails[0]),
            "high": _with_mean(replicates, series).quantile(tails[1]),
        }
    )
    return table.join(_with_sizes(values, series)).reset_index()


def _draw_batteries(batteries: int, draws: int, seed: int) -> np.ndarray:
    """How often each battery is drawn: draws x batteries."""
    return np.random.default_rng(seed).multinomial(batteries, np.full(batteries, 1 / batteries), size=draws)


def _with_mean(table: pd.DataFrame, series: list[str]) -> pd.DataFrame:
    """The columns of each country, and the mean of the countries as one more."""
    others = [name for name in series if name != "country"]
    mean = table.T.groupby(level=others).mean().assign(country=ALL).set_index("country", append=True)
    return pd.concat([mean.reorder_levels(series), table.T]).T


def _with_sizes(values: pd.DataFrame, series: list[str]) -> pd.DataFrame:
    every = pd.concat([values.assign(country=ALL), values])
    return every.groupby(series)[["probe", "battery"]].nunique().set_axis(["probes", "batteries"], axis=1)
