"""The axes of the Inglehart-Welzel cultural map: two components of the people's items, and coordinates on them.

The axes are those of the people. A model's answers never change them: a model is projected on fixed weights.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.scoring.metrics import Array

AXES = ["survival", "traditional"]
"""Survival against self-expression, and traditional against secular-rational values. Both rise to the second."""

RESCALED = {"survival": (1.81, 0.038), "traditional": (1.61, -0.1)}
"""Factor and constant by which the World Values Survey Association turns scores of persons into its coordinates."""

ITERATIONS = 25
"""Of the varimax rotation, as in the association's syntax."""


@dataclass(frozen=True)
class Axes:
    """The two axes of a map.

    Attributes:
        items: names of the items, k of them.
        mean: of each item.
        deviation: standard deviation of each item.
        loadings: k x 2, correlations of the items with survival and traditional.
        weights: k x 2, of the standardised items in the scores (Thurstone's regression method).
        factor: 2, by which scores are multiplied.
        constant: 2, which is added to them.
        explained: share of the items' variance that the two components explain.
        level: respondents or countries: the units whose correlations were used.
        units: their number.
    """

    items: tuple[str, ...]
    mean: Array
    deviation: Array
    loadings: Array
    weights: Array
    factor: Array
    constant: Array
    explained: float
    level: str
    units: int

    @property
    def slopes(self) -> Array:
        """Change of the coordinates per unit of each item, k x 2."""
        slopes: Array = self.weights / self.deviation[:, None] * self.factor
        return slopes

    def project(self, values: Array) -> Array:
        """Coordinates of item scores.

        Args:
            values: items on the last axis, in the order of `items`.

        Returns:
            survival and traditional on the last axis.
        """
        coordinates: Array = (values - self.mean) @ self.slopes + self.constant
        return coordinates


def fit_axes(values: pd.DataFrame, items: pd.DataFrame, level: str) -> Axes:
    """The axes of units by two principal components with varimax rotation.

    Correlations are over the units that have both items (pairwise deletion). For principal components, the weights of
    the regression method are L (L'L)^-1. This form needs no inverse of the correlations, which do not have one if there
    are more items than countries.

    Args:
        values: a row per unit, a column per item.
        items: a `MapItems` table with these items.
        level: respondents or countries. The coordinates of respondents are rescaled as the association does
            (`RESCALED`). Those of countries stay in standard deviations between the countries.

    Raises:
        InputError: two items have no correlation.
    """
    correlations = _correlate(values, level)
    size, vectors = np.linalg.eigh(correlations)
    chosen = np.argsort(-size)[:2]
    loadings = rotate(vectors[:, chosen] * np.sqrt(size[chosen]))
    facts = items.drop_duplicates("item").set_index("item").loc[list(values)]
    loadings = orient(loadings, facts["axis"].to_numpy(), facts["direction"].to_numpy())
    rescaled = np.array([RESCALED[axis] if level == "respondents" else (1.0, 0.0) for axis in AXES])
    return Axes(
        items=tuple(values),
        mean=values.mean().to_numpy(),
        deviation=values.std(ddof=1).to_numpy(),
        loadings=loadings,
        weights=loadings @ np.linalg.inv(loadings.T @ loadings),
        factor=rescaled[:, 0],
        constant=rescaled[:, 1],
        explained=float(size[chosen].sum() / len(size)),
        level=level,
        units=len(values),
    )


def _correlate(values: pd.DataFrame, level: str) -> Array:
    """Correlations of the items over the units that have both."""
    table = values.corr()
    missing = table.isna().to_numpy()
    if missing.any():
        same = [item for item in table if pd.isna(table.loc[item, item])]
        pairs = [f"{table.index[a]} and {table.index[b]}" for a, b in np.argwhere(np.triu(missing))]
        problem = (
            f"all {level} have the same value of {', '.join(same)}"
            if same
            else f"items without a correlation, because too few {level} have both: {', '.join(pairs)}"
        )
        remedy = "Leave the probes of such an item out of probes.only, or set scoring.map: null"
        if level == "respondents":
            remedy = f"Set scoring.map.level: countries. Or {remedy[0].lower()}{remedy[1:]}"
        raise InputError("config: scoring.map", problem, remedy)
    correlations: Array = table.to_numpy()
    return correlations


def rotate(loadings: Array) -> Array:
    """Varimax rotation of two components, with Kaiser's normalisation (Kaiser 1958).

    Each item counts as if its communality were 1. The angle that maximises the variance of the squared loadings has a
    closed form for two components.

    Args:
        loadings: items x 2.
    """
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    turned = loadings / length
    for _ in range(ITERATIONS):
        x, y = turned.T
        u, v = x**2 - y**2, 2 * x * y
        top = 2 * (u @ v) - 2 * u.sum() * v.sum() / len(u)
        below = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / len(u)
        angle = np.arctan2(top, below) / 4
        turned = turned @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if abs(angle) < 1e-10:
            break
    rotated: Array = turned * length
    return rotated


def orient(loadings: Array, axis: Array, direction: Array) -> Array:
    """Rotated loadings as survival and traditional, both with the sign that the map has.

    The order is the one in which the items of an axis load more on it. An axis rises in the direction of its items.

    Args:
        loadings: items x 2.
        axis: the axis that each item marks.
        direction: 1 or -1 for each item.
    """
    marks = np.stack([(axis == name) * direction for name in AXES])
    sums = marks @ loadings
    straight, crossed = abs(sums[0, 0]) + abs(sums[1, 1]), abs(sums[0, 1]) + abs(sums[1, 0])
    order = [0, 1] if straight >= crossed else [1, 0]
    signs = np.sign([sums[0, order[0]], sums[1, order[1]]])
    return loadings[:, order] * signs
