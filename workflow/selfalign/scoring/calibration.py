"""The model's probabilities against the people's shares, probe by probe, and how strongly the two go together."""

import numpy as np
import pandas as pd

from selfalign.scoring.metrics import profile_pearson


def average_cells(scores: pd.DataFrame, arms: list[str]) -> pd.DataFrame:
    """Means over the cells (sources, seeds, frames) of each model, language, arm, country and probe.

    Args:
        scores: `Scores` tables, stacked.
        arms: which arms to take.

    Returns:
        Columns model, language, arm, country, probe, p_a (null where no cell has an answer), share_a, agreement.
    """
    keys = ["model", "language", "arm", "country", "probe"]
    chosen = scores[scores["arm"].isin(arms)]
    return chosen.groupby(keys, sort=False)[["p_a", "share_a", "agreement"]].mean().reset_index()


def correlate(points: pd.DataFrame) -> float:
    """Cohen's r_c between people and model (`metrics.profile_pearson`); NaN where it is not defined.

    Args:
        points: as `average_cells` returns them; those without p_a have no part.
    """
    answered = points.dropna(subset="p_a")
    if answered.empty:
        return float("nan")
    return float(profile_pearson(*(answered[side].to_numpy() for side in ("share_a", "p_a"))))


def parts_of_correlation(points: pd.DataFrame) -> pd.Series:
    """What each point adds to Cohen's r_c: the parts sum to `correlate`. 0 for a point without p_a.

    With x and y the people's and the model's distances from 0.5: x y / sqrt(sum x^2 sum y^2). Seen from its other end,
    a point has the distances -x and -y, which add the same.

    Args:
        points: as `average_cells` returns them.
    """
    x, y = (points[side].where(points["p_a"].notna()) - 0.5 for side in ("share_a", "p_a"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y / np.sqrt((x**2).sum() * (y**2).sum())).fillna(0.0)
