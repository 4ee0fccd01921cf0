"""The spread of a model's point on the cultural map: other draws of sources, seeds and frames."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from selfalign.scoring.metrics import Array


def resample_points(cells: pd.DataFrame, probes: Sequence[str], slopes: Array, draws: int, seed: int) -> Array:
    """Coordinates of an arm in other draws of its sources, seeds and frames, without the constant.

    These levels are drawn with replacement, the same for all probes. Draws of L levels have a variance that is too
    small by (L - 1) / L, so the levels' deviations from their mean are widened by the root of L / (L - 1). The orders
    of the options are no sample, because both were asked: they are not drawn.

    Args:
        cells: answered cells of an arm in a country: columns probe, source, seed, template, p_a.
        probes: in the order of `slopes`; each has a cell.
        slopes: probes x 2.
        draws: number of them.
        seed: of the draws.

    Returns:
        draws x 2; NaN if there is one level only, which shows no spread.
    """
    levels = cells.groupby(["source", "seed", "template"], observed=True).ngroup().to_numpy()
    place = cells["probe"].astype(str).map({probe: number for number, probe in enumerate(probes)}).to_numpy()
    count = levels.max() + 1
    if count == 1:
        return np.full((draws, 2), np.nan)
    p_a = np.full((len(probes), count), np.nan)
    p_a[place, levels] = cells["p_a"].to_numpy()
    mean = np.nanmean(p_a, axis=1)
    widened = mean[:, None] + np.sqrt(count / (count - 1)) * (p_a - mean[:, None])
    drawn = np.random.default_rng(seed).integers(count, size=(draws, count))
    p = widened[:, drawn].swapaxes(0, 1)
    known = ~np.isnan(p)
    means = np.where(known, p, 0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    coordinates: Array = np.where(known.any(axis=2), means, mean) @ slopes
    return coordinates
