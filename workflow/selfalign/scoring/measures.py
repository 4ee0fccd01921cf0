"""Measures: the values of a cell that are averaged over probes. They are metrics, or properties of the answers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.scoring.metrics import METRICS, Array, Metric
from selfalign.scoring.unanswered import AGREEMENTS

PROPERTIES = {
    "answered": "Share of cells with an answer",
    "bound": "Share of cells whose p(A) is a bound",
    "mass_outside": "Probability outside the options",
    "mass_open": "Probability of replies that begin with an option",
    "order_gap": "Effect of the order of the options",
}
"""Measures that do not compare the answers with the people's, and their labels. They are columns of `Scores`."""

_RULES = {
    "left_out": "answered cells only",
    "wrong": "cells without an answer counted as wrong",
    "half": "cells without an answer counted as half",
}

CONTRASTED = ("agreement", "alignment")
"""The metrics that every table of estimates has. `scoring.measures` adds others."""

COMPARED = (*CONTRASTED, *AGREEMENTS, "answered")
"""The measures whose differences are estimated in contrasts.csv; only those of metrics are tested."""

MEASURES = ("agreement", *AGREEMENTS, "answered", "alignment", "bound", "mass_outside", "mass_open", "order_gap")
"""The measures of agreement.csv, in this order: agreement with the majority under the main rule, and under each rule;
share of answered cells; soft alignment; share of cells whose p(A) is a bound; mass outside the options; mass of replies
that begin with an option; effect of the options' order."""

STEP = 0.02
"""How far a share is moved up and down to find how a metric without a derivative changes with it. This is about the
standard error of a share of 1,000 respondents, so a value that jumps is smoothed as the sample blurs it."""

SLOPE = "slope of "
"""Begins the name of a column that has the slopes of a measure: see `across.add_across`."""


def known_measures() -> list[str]:
    """All measures: those of agreement.csv, then the other metrics."""
    return list(dict.fromkeys([*MEASURES, *METRICS]))


def check_measures(names: Sequence[str]) -> None:
    """Raise InputError if `scoring.measures` names no metric."""
    for name in names:
        if name not in METRICS:
            raise InputError("config: scoring.measures", "is not a metric", did_you_mean(name, METRICS), value=name)


def metric_of(measure: str) -> Metric | None:
    """The metric that a measure is; the agreement under any rule is the agreement. None for other properties."""
    return METRICS.get("agreement" if measure in AGREEMENTS else measure)


def label_of(measure: str) -> str:
    """A measure in words."""
    if measure in AGREEMENTS:
        return f"{METRICS['agreement'].label}, {_RULES[AGREEMENTS[measure]]}"
    return METRICS[measure].label if measure in METRICS else PROPERTIES[measure]


def nulls_of(measures: Sequence[str]) -> dict[str, float]:
    """By measure, the value of a model that knows nothing; only of metrics that have one."""
    nulls = {name: METRICS[name].null for name in measures if name in METRICS}
    return {name: null for name, null in nulls.items() if null is not None}


def bounds_of(measure: str, difference: bool) -> tuple[float, float]:
    """The lowest and highest value of a measure, or of a difference between two of its values."""
    metric = metric_of(measure)
    low, high = (metric.low, metric.high) if metric else (0.0, 1.0)
    return (low - high, high - low) if difference else (low, high)


def values_of(cells: pd.DataFrame, measure: str) -> Array:
    """A measure of each cell; NaN where it has none.

    Args:
        cells: `Scores`; for metrics across items, as `across.add_across` returns them. A column with the measure's name
            has its values.
    """
    return cells[measure].to_numpy(float) if measure in cells else compare_cells(cells, METRICS[measure])


def slopes_of(cells: pd.DataFrame, measure: str) -> Array:
    """How each cell's measure changes with the people: with their share of pole A, or with their majority.

    Args:
        cells: as for `values_of`.

    Returns:
        The derivative with respect to the share of A; for a metric that follows the majority, its value if the
        majority is A minus its value if the majority is B. 0 for a cell without an answer, and for measures that do not
        depend on the people.
    """
    metric = metric_of(measure)
    if metric is None:
        return np.zeros(len(cells))
    if SLOPE + measure in cells:
        stored: Array = cells[SLOPE + measure].to_numpy(float)
        return stored
    p, q, positions = _lay_out(cells, metric)
    if metric.follows == "majority":
        first, second = (np.broadcast_to(np.eye(2)[pole], q.shape) for pole in (0, 1))
        slopes = metric.compare(p, first, positions) - metric.compare(p, second, positions)
    elif (derivative := metric.derivative(p, q, positions)) is not None:
        slopes = np.subtract(*derivative.T)
    else:
        low, high = (_two(np.clip(q[:, 0] + step, 0, 1)) for step in (-STEP, STEP))
        rise = metric.compare(p, high, positions) - metric.compare(p, low, positions)
        slopes = rise / (high - low)[:, 0]
    return np.where(cells["answered"], np.nan_to_num(slopes), 0)


def compare_cells(cells: pd.DataFrame, metric: Metric) -> Array:
    """The value of a metric of an item in each cell, from p_a, share_a and majority. NaN without an answer.

    Raises:
        ValueError: the metric is over several items. `across.add_across` computes it.
    """
    if metric.over not in ("options", "scale"):
        raise ValueError(f"{metric.name} is over {metric.over}, so a cell alone has no value of it")
    return metric.compare(*_lay_out(cells, metric))


def _lay_out(cells: pd.DataFrame, metric: Metric) -> tuple[Array, Array, Array | None]:
    """p, q and positions of the two poles: cells x 2."""
    people = cells["majority"] == "A" if metric.follows == "majority" else cells["share_a"]
    positions = np.where(cells["ordered"].to_numpy()[:, None], [1.0, 0.0], np.nan) if metric.over == "scale" else None
    return _two(cells["p_a"].to_numpy(float)), _two(people.to_numpy(float)), positions


def _two(of_a: Array) -> Array:
    return np.column_stack([of_a, 1 - of_a])
