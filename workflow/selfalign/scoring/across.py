"""Metrics across items as values of cells, so that they have intervals and contrasts like means over probes."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from selfalign.scoring.measures import SLOPE, STEP
from selfalign.scoring.metrics import METRICS, Array, Metric

_RUN = ["model", "language", "arm", "seed", "template"]
_Sides = tuple[Array, Array]


def add_across(cells: pd.DataFrame, measures: Sequence[str], within: Sequence[str] = ()) -> pd.DataFrame:
    """Cells with columns for those of the measures that are metrics across items.

    A correlation is not a mean over probes. So the value of a cell is a jackknife pseudo-value (Tukey 1958):
    n T - (n - 1) T_i, where T is the metric over n probes and T_i the metric without the cell's probe. The values are
    shifted so that their mean over the n probes is T. The metric is computed for each source, seed and frame, as in
    `compute_metrics`. If a run lacks answers to some probes, the mean over all cells is T to first order only.

    Args:
        cells: `Scores`, stacked, with a column ordered (whether the probe's answers have an order).
        within: columns, such as category. The metrics are computed for each combination of their values.

    Returns:
        The cells with a column of values and a column of slopes (n times the derivative of T) for each such metric.
        The values are NaN for probes whose answers have no order, and in runs in which the metric is not defined. A
        metric across countries gives each country the same values.
    """
    chosen = [METRICS[name] for name in measures if name in METRICS and METRICS[name].over in ("items", "countries")]
    columns: dict[str, Array] = {}
    for metric in chosen:
        values, slopes = np.full(len(cells), np.nan), np.zeros(len(cells))
        spread = _spread_over_items if metric.over == "items" else _spread_over_countries
        keys = [*_RUN, *within, *(["country", "source"] if metric.over == "items" else [])]
        known = cells["p_a"].where(cells["ordered"]).to_numpy(float)
        people = cells["share_a"].where(cells["ordered"]).to_numpy(float)
        for rows in cells.groupby(keys, observed=True).indices.values():
            values[rows], slopes[rows] = spread(metric, cells.iloc[rows], known[rows], people[rows])
        columns |= {metric.name: values, SLOPE + metric.name: slopes}
    return cells.assign(**columns)


def _spread_over_items(metric: Metric, cells: pd.DataFrame, x: Array, y: Array) -> _Sides:
    """Values and slopes of the cells of one run in one country."""
    return _pseudo_values(metric.function, x, y), _slopes(metric, x, y)


def _spread_over_countries(metric: Metric, cells: pd.DataFrame, x: Array, y: Array) -> _Sides:
    """Values and slopes of the cells of one run in all countries; NaN if a country has several sources."""
    if cells.duplicated(["country", "probe"]).any():
        return np.full(len(x), np.nan), np.zeros(len(x))
    (country, _), (probe, _) = (pd.factorize(cells[column]) for column in ("country", "probe"))
    sides = []
    for side in (x, y):
        table = np.full((country.max() + 1, probe.max() + 1), np.nan)
        table[country, probe] = side
        sides.append(table)
    known = ~np.isnan(np.stack(sides)).any(axis=(0, 1))
    sides = [np.where(known, side, np.nan) for side in sides]
    values = np.broadcast_to(_pseudo_values(metric.function, *sides), sides[0].shape)
    slopes = len(sides[0]) * _slopes(metric, *sides)
    return values[country, probe], slopes[country, probe]


def _pseudo_values(function: Callable[..., Array], x: Array, y: Array) -> Array:
    """Pseudo-values of the items on the last axis; NaN for items that are not known, or if T is not.

    An item without which T is not defined gets T.
    """
    known = ~(np.isnan(x) | np.isnan(y)).any(axis=tuple(range(x.ndim - 1)))
    total, number = function(x, y), known.sum()
    without = np.repeat(x[None], len(known), axis=0)
    without[np.arange(len(known)), ..., np.arange(len(known))] = np.nan
    change = np.where(known, (number - 1) * (total - function(without, np.broadcast_to(y, without.shape))), 0)
    change = np.nan_to_num(change)
    return np.where(known, total + change - change.sum() / max(number, 1), np.nan)


def _slopes(metric: Metric, x: Array, y: Array) -> Array:
    """The derivative of T with respect to each of the people's mean answers y, times the number of items.

    It is 0 for an item that is not known.
    """
    number = (~(np.isnan(x) | np.isnan(y)).any(axis=tuple(range(x.ndim - 1)))).sum()
    slopes = metric.slope(x, y) if metric.slope is not None else _differences(metric.function, x, y)
    scaled: Array = np.nan_to_num(number * slopes)
    return scaled


def _differences(function: Callable[..., Array], x: Array, y: Array) -> Array:
    """The derivative with respect to y by central differences of `STEP`."""
    rows = [np.array(place) for place in np.ndindex(y.shape[:-1])]
    items = np.arange(y.shape[-1])
    slopes = np.zeros(y.shape)
    for place in map(tuple, rows):
        moved = np.clip(np.stack([y[place] - STEP, y[place] + STEP]), 0, 1)
        found = []
        for side in moved:
            turned = np.repeat(y[None], len(items), axis=0)
            turned[(items, *place, items)] = side
            found.append(function(np.broadcast_to(x, turned.shape), turned))
        slopes[place] = (found[1] - found[0]) / (moved[1] - moved[0])
    return slopes
