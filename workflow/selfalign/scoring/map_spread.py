"""The spread of a model's point on the cultural map: other draws of its cells and option orders."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

Array = np.ndarray


def split_orders(p_a: Array, gap: Array) -> tuple[Array, Array]:
    """Mean log-odds of pole A over the two option orders, and half their difference.

    Args:
        p_a: probability from the mean log-odds of both orders.
        gap: difference of the two orders' probabilities.

    Returns:
        m and d such that the orders' probabilities are those of m + d and m - d.
    """
    p_a, gap = np.clip(p_a, 1e-12, 1 - 1e-12), np.clip(gap, 0, 1 - 1e-9)
    middle = np.log(p_a / (1 - p_a))
    wide = gap * np.cosh(middle)
    return middle, np.log((wide + np.sqrt(wide**2 + 1 - gap**2)) / (1 - gap))


def resample_points(cells: pd.DataFrame, probes: Sequence[str], slopes: Array, draws: int, seed: int) -> Array:
    """Coordinates of an arm in other draws of its cells and option orders, without the constant.

    The levels of source, seed and frame are drawn with replacement, the same for all probes. Draws of L levels have a
    variance that is too small by (L - 1) / L, so the levels' deviations from their mean are widened by the root of
    L / (L - 1). Within a cell, two option orders are drawn with replacement, independently for each probe.

    Args:
        cells: answered cells of an arm in a country: columns probe, source, seed, template, p_a, order_gap.
        probes: in the order of `slopes`; each has a cell.
        slopes: probes x 2.
        draws: number of them.
        seed: of the draws.

    Returns:
        draws x 2.
    """
    levels = cells.groupby(["source", "seed", "template"], observed=True).ngroup().to_numpy()
    place = cells["probe"].astype(str).map({probe: number for number, probe in enumerate(probes)}).to_numpy()
    middle = np.full((len(probes), levels.max() + 1), np.nan)
    half = middle.copy()
    middle[place, levels], half[place, levels] = split_orders(cells["p_a"].to_numpy(), cells["order_gap"].to_numpy())
    random, count = np.random.default_rng(seed), middle.shape[1]
    mean = np.nanmean(_share(middle), axis=1)
    widening = np.sqrt(count / max(count - 1, 1)) - 1
    added = widening * (_share(middle) - mean[:, None])
    drawn = random.integers(count, size=(draws, count))
    sides = random.integers(2, size=(2, draws, *middle.shape)).sum(axis=0) - 1  # -1, 0 or 1: one order twice, or both
    p = _share(middle[:, drawn].swapaxes(0, 1) + sides * half[:, drawn].swapaxes(0, 1)) + added[:, drawn].swapaxes(0, 1)
    known = ~np.isnan(p)
    means = np.where(known, p, 0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    coordinates: Array = np.where(known.any(axis=2), means, mean) @ slopes
    return coordinates


def _share(log_odds: Array) -> Array:
    return (1 + np.tanh(log_odds / 2)) / 2
