"""The Inglehart-Welzel cultural map: item scores, the axes of the people, and points on them.

The items and their formulas are Inglehart and Welzel (2005). The axes are those of the people. A model's answers never
change them: a model is projected on fixed weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.probes.bank import parse_codes

AXES = ["survival", "traditional"]
"""Survival against self-expression, and traditional against secular-rational values. Both rise to the second."""

RESCALED = {"survival": (1.81, 0.038), "traditional": (1.61, -0.1)}
"""Factor and constant by which the World Values Survey Association turns scores of persons into its coordinates."""

ITERATIONS = 25
"""Of the varimax rotation, as in the association's syntax."""

Array = np.ndarray


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


def rotate(loadings: Array, iterations: int = ITERATIONS) -> Array:
    """Varimax rotation of two components, with Kaiser's normalisation (Kaiser 1958).

    Each item counts as if its communality were 1. The angle that maximises the variance of the squared loadings has a
    closed form for two components.

    Args:
        loadings: items x 2.
        iterations: at most.
    """
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    turned = loadings / length
    for _ in range(iterations):
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


# Item scores


def score_codes(codes: pd.Series, counts: str) -> pd.Series:
    """What answer codes add to an item: 1 for the codes that count, else 0; or the codes themselves.

    Args:
        codes: of one question, substantive ones only.
        counts: the codes that count; empty for the codes themselves.
    """
    return codes.isin(list(parse_codes(counts))).astype(float) if counts else codes.astype(float)


def score_respondents(answers: pd.DataFrame, items: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """The items of each respondent. An item is missing where one of its answers is.

    Args:
        answers: a column of answer codes per question.
        items: a `MapItems` table.
        scales: a `ScaleCodes` table. A code that has no place on its scale is missing, as is a negative one.

    Returns:
        A column per item, in the order of `items`.
    """
    found: dict[str, pd.Series] = {}
    for part in items.itertuples():
        codes = answers[part.question].map(_counted(scales, part.question))
        score = score_codes(codes, part.counts).where(codes.notna())
        found[part.item] = found.get(part.item, part.base) + part.sign * score
    return pd.DataFrame(found)


def score_countries(shares: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The mean of each item in each country, from published shares. Exact: an item is a sum over its answers.

    Args:
        shares: as `share_answers` returns them.
        items: a `MapItems` table.

    Returns:
        A row per country, a column per item; empty where an answer's shares are missing.
    """
    return _add_parts({part.Index: _mean_of_part(shares, part) for part in items.itertuples()}, items)


def share_answers(distributions: pd.DataFrame, items: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """The shares of the codes that have a place on their scale, of the questions of the items.

    Args:
        distributions: a `Distributions` table.
        items: a `MapItems` table.
        scales: a `ScaleCodes` table.

    Returns:
        Columns country, question, code, share (adds up to 1), weight, weight_squared. Shares that were published for
        several codes together are left out.
    """
    rows = distributions[distributions["question"].isin(items["question"])]
    rows = rows[rows["code"] == rows["last_code"]].merge(scales.dropna(subset="counted"), on=["question", "code"])
    key = ["country", "question", "counted"]
    sums = rows.groupby(key)[["share", "weight", "weight_squared"]].sum(min_count=1).reset_index()
    sums["share"] /= sums.groupby(["country", "question"])["share"].transform("sum")
    return sums.rename(columns={"counted": "code"}).astype({"code": int})


@dataclass(frozen=True)
class TwoOptions:
    """The scores of the parts of items, as linear functions of the probability of pole A.

    An answer with a pole counts as the mean score of the people's answers of this pole, in all countries together, each
    country counting the same. The share of answers with neither pole is also the people's.

    Attributes:
        base: of each part, the score where everyone chooses pole B.
        slope: of each part, what the score gains if everyone chooses pole A.
    """

    base: pd.Series
    slope: pd.Series


def read_two_options(shares: pd.DataFrame, items: pd.DataFrame, bank: pd.DataFrame) -> TwoOptions:
    """How the people's answers are seen through the two options of the probes.

    Args:
        shares: as `share_answers` returns them.
        items: a `MapItems` table; its index names the parts.
        bank: a `Bank` table with all probes of the items.
    """
    pooled = shares.pivot_table(index=["question", "code"], columns="country", values="share", fill_value=0)
    probes = bank.set_index("probe")
    base, slope = {}, {}
    for part in items.itertuples():
        share = pooled.xs(part.question)
        share = share.loc[:, share.sum() > 0].mean(axis=1)
        score = score_codes(pd.Series(share.index, share.index), part.counts)
        sides = [share.index.isin(list(parse_codes(probes.loc[part.probe, side]))) for side in ("pole_a", "pole_b")]
        a, b = (float((share * score)[side].sum() / share[side].sum()) for side in sides)
        neither = ~(sides[0] | sides[1])
        rest = float((share * score)[neither].sum())
        poled = 1 - float(share[neither].sum())
        base[part.Index], slope[part.Index] = rest + poled * b, poled * (a - b)
    return TwoOptions(pd.Series(base), pd.Series(slope))


def slopes_of_probes(axes: Axes, items: pd.DataFrame, seen: TwoOptions) -> tuple[pd.DataFrame, Array]:
    """The coordinates as a linear function of the probabilities of pole A.

    Args:
        axes: of the map.
        items: a `MapItems` table with the items of the axes.
        seen: of the same parts.

    Returns:
        Slopes, a row per probe and a column per axis; and the coordinates where all probabilities are 0.
    """
    place = {item: number for number, item in enumerate(axes.items)}
    of_item = axes.slopes[[place[item] for item in items["item"]]]
    slopes = of_item * (items["sign"].to_numpy() * seen.slope.loc[items.index].to_numpy())[:, None]
    bases = items.drop_duplicates("item").set_index("item")["base"].loc[list(axes.items)].to_numpy(float)
    start = pd.Series(bases, list(axes.items))
    start = start.add((items["sign"] * seen.base.loc[items.index]).groupby(items["item"]).sum())
    constant = axes.project(start.loc[list(axes.items)].to_numpy())
    return pd.DataFrame(slopes, index=items["probe"].to_numpy(), columns=AXES), constant


def variance_of_parts(shares: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Sampling variance of the mean score of each part in each country, linearised for the weights.

    Returns:
        A row per country, a column per part; empty where no weights are published.
    """
    found = {}
    for part in items.itertuples():
        rows = shares[shares["question"] == part.question]
        score = score_codes(rows["code"], part.counts)
        mean = (rows["share"] * score).groupby(rows["country"]).sum()
        squared = rows["weight_squared"] * (score - rows["country"].map(mean)) ** 2
        by = rows["country"]
        found[part.Index] = squared.groupby(by).sum(min_count=1) / rows["weight"].groupby(by).sum(min_count=1) ** 2
    return pd.DataFrame(found)


def _counted(scales: pd.DataFrame, question: str) -> dict[int, int]:
    rows = scales[scales["question"] == question].dropna(subset="counted")
    return dict(zip(rows["code"], rows["counted"].astype(int), strict=True))


class _Part(Protocol):
    """A row of a table of items: a question, and which of its answers count."""

    question: str
    counts: str


def _mean_of_part(shares: pd.DataFrame, part: _Part) -> pd.Series:
    rows = shares[shares["question"] == part.question]
    return (rows["share"] * score_codes(rows["code"], part.counts)).groupby(rows["country"]).sum()


def _add_parts(parts: dict[int, pd.Series], items: pd.DataFrame) -> pd.DataFrame:
    """Items from their parts."""
    table = pd.DataFrame(parts)
    found = {}
    for item, rows in items.groupby("item", sort=False):
        found[item] = (table[rows.index] * rows["sign"].to_numpy()).sum(axis=1, skipna=False) + rows["base"].iloc[0]
    return pd.DataFrame(found)


# The spread of a model's point


def orders_of(p_a: Array, gap: Array) -> tuple[Array, Array]:
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
    middle[place, levels], half[place, levels] = orders_of(cells["p_a"].to_numpy(), cells["order_gap"].to_numpy())
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
