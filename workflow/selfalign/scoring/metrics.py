"""The metrics: how far a model's answers are from the people's. Pure functions on arrays, and their registry.

`p` are the model's probabilities and `q` the people's shares. The last axis is the options of an item (a probe with two
poles, or a question with its whole answer scale), and sums to 1. Leading axes broadcast. An item with fewer options
than others is filled up with options of probability 0 on both sides. NaN means that a value is not known, or that a
metric does not apply. docs/metrics.md has the table of formulas, ranges and baselines. docs/extending_code.md says how
to add a metric: write its function here, and register it at the end of this file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray

_SAME = 2e-12
"""Two options that are this close are tied. With two options: |p(A) - 0.5| <= 1e-12."""


def agreement(p: Array, q: Array) -> Array:
    """1 where the model's most probable option is the people's most frequent one, else 0.

    [argmax p = argmax q]; where t options of the model are tied and the people's is among them, 1/t. Choenni and
    Shutova (2024) for two options. Range 0 to 1, higher is nearer; not symmetric. NaN where the people are tied.
    """
    chosen, majority = _largest(p), _largest(q)
    among = (chosen & majority).sum(axis=-1) / np.maximum(chosen.sum(axis=-1), 1)
    known = (majority.sum(axis=-1) == 1) & (chosen.sum(axis=-1) > 0)
    return np.where(known, among, np.nan)


def _largest(p: Array) -> Array:
    ties: Array = p >= p.max(axis=-1, keepdims=True) - _SAME
    return ties


def choice(p_a: Array) -> Array:
    """Which of two poles has the larger probability: 1 for pole A, -1 for pole B, 0 for a tie; NaN if not known.

    Args:
        p_a: probabilities of pole A.
    """
    gap = 2 * np.asarray(p_a, dtype=float) - 1
    return np.where(np.abs(gap) <= _SAME, 0.0, np.sign(gap))


def alignment(p: Array, q: Array) -> Array:
    """Soft alignment: 1 - sum_i |p_i - q_i| / 2, which for two poles is 1 - |p(A) - q(A)|.

    One minus the total variation distance (Levin, Peres and Wilmer 2017, proposition 4.2). Range 0 to 1, higher is
    nearer; symmetric; blind to the order of the options.
    """
    shared: Array = 1 - np.abs(p - q).sum(axis=-1) / 2
    return shared


def js_divergence(p: Array, q: Array) -> Array:
    """Jensen-Shannon divergence in bits: H((p + q) / 2) - (H(p) + H(q)) / 2.

    Lin (1991), section IV, with equal weights. Range 0 to 1, lower is nearer; symmetric; blind to the order of options.
    Computed with scipy's relative entropy: scipy's own function returns the root, and NaN where rounding makes the
    divergence of equal distributions negative.
    """
    from scipy.special import rel_entr  # takes half a second, which readers of the registry save

    middle = (p + q) / 2
    bits = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2))
    divergence: Array = np.clip(bits, 0, 1)
    return divergence


def js_distance(p: Array, q: Array) -> Array:
    """Jensen-Shannon distance: the square root of the divergence in bits.

    A metric (Endres and Schindelin 2003); Durmus et al. (2023) compare models and countries by 1 minus it. Range 0 to
    1, lower is nearer.
    """
    distance: Array = np.sqrt(js_divergence(p, q))
    return distance


def wasserstein(p: Array, q: Array, positions: Array) -> Array:
    """Wasserstein-1 distance on the answer scale, as a share of the scale's range.

    sum_j |P_j - Q_j| (x_{j+1} - x_j) / (x_k - x_1), with P and Q the cumulative shares up to position x_j (Vallender
    1974; Santurkar et al. 2023 normalise by the range likewise). Range 0 to 1, lower is nearer; symmetric.

    Args:
        p, q: probabilities.
        positions: places of the options on the scale, in the order of the last axis; NaN for an option that has none,
            which is left out and the rest made to sum to 1. An item without places (a nominal one) gives NaN.
    """
    p, q = _on_scale(p, positions), _on_scale(q, positions)
    order = np.argsort(positions, axis=-1)  # options without a place come last
    steps = np.diff(np.take_along_axis(_unit(positions), order, axis=-1), axis=-1)
    surplus = p - q
    ahead = np.cumsum(np.take_along_axis(surplus, np.broadcast_to(order, surplus.shape), axis=-1), axis=-1)
    distance = (np.abs(ahead[..., :-1]) * np.nan_to_num(steps)).sum(axis=-1)
    return np.where(np.isnan(_unit(positions)).all(axis=-1), np.nan, distance)


def mean_answer(p: Array, positions: Array) -> Array:
    """Mean place of the answers on their scale: 0 at its lowest position, 1 at its highest; NaN for a nominal item.

    Args:
        p: probabilities.
        positions: as for `wasserstein`.
    """
    places = _unit(positions)
    mean = (_on_scale(p, positions) * np.nan_to_num(places)).sum(axis=-1)
    return np.where(np.isnan(places).all(axis=-1), np.nan, mean)


def mean_error(p: Array, q: Array, positions: Array) -> Array:
    """Absolute error of the mean answer, as a share of the scale's range; over items, the mean absolute error of means.

    |mean(p) - mean(q)| / (x_k - x_1). Range 0 to 1, lower is nearer; symmetric. Never above `wasserstein`, and 0 for
    different distributions with one mean. NaN for a nominal item.
    """
    error: Array = np.abs(mean_answer(p, positions) - mean_answer(q, positions))
    return error


def _unit(positions: Array) -> Array:
    """Positions from 0 to 1; all NaN where there are not two different ones."""
    low = np.fmin.reduce(positions, axis=-1, keepdims=True)
    span = np.fmax.reduce(positions, axis=-1, keepdims=True) - low
    return (positions - low) / np.where(span > 0, span, np.nan)


def _on_scale(p: Array, positions: Array) -> Array:
    """Shares among the options that have a position; NaN where they have none of the probability."""
    p = np.where(np.isnan(positions), 0, p)
    total = p.sum(axis=-1, keepdims=True)
    return p / np.where(total > 0, total, np.nan)


def pearson(x: Array, y: Array) -> Array:
    """Pearson's correlation along the last axis, over the places where both are known.

    Range -1 to 1; symmetric. NaN where one of them is constant, or fewer than two places are known.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = (_centred(np.where(known, side, np.nan)) for side in (x, y))
    with np.errstate(invalid="ignore"):
        correlation: Array = np.clip((x * y).sum(axis=-1) / (_length(x) * _length(y)), -1, 1)
        return correlation


def spearman(x: Array, y: Array) -> Array:
    """Spearman's rank correlation along the last axis: Pearson's of the ranks, ties sharing their mean rank.

    Values are compared to 12 decimals, so that rounding breaks no tie. NaN as for `pearson`.
    """
    from scipy.stats import rankdata  # takes half a second, which readers of the registry save

    known = ~(np.isnan(x) | np.isnan(y))
    ranks = (rankdata(np.where(known, side, np.inf).round(12), axis=-1) for side in (x, y))  # the unknown rank last
    return pearson(*(np.where(known, side, np.nan) for side in ranks))


def from_both_ends(x: Array) -> Array:
    """Mean answers (0 to 1), followed by the same answers measured from the scale's other end, 1 - x.

    Which end of a scale is high is a convention, and a plain correlation across items changes with it. If every item
    counts once from each end, the correlation does not change: this is Cohen's (1969) r_c.
    """
    return np.concatenate([x, 1 - x], axis=-1)


def response_pattern(x: Array, y: Array) -> Array:
    """Distance between the model's and the people's correlations between items, over countries.

    1 - tr(R S) / (|R| |S|), with R and S the two correlation matrices and |.| the Frobenius norm (Herdin et al. 2005).
    Comparing such matrices rather than marginals is after Williams et al. (2026). Range 0 to 1, lower is nearer;
    symmetric; the same whichever end of an item is called high. It compares which answers go together, not which
    country gives them. So an exchange of countries does not change it.

    With Z and W the standardised columns of x and y, R = Z'Z, S = W'W and tr(R S) = |Z W'|^2. In this form, no matrix
    is larger than countries x countries.

    Args:
        x, y: mean answers, (..., countries, items). Items that `varying_items` does not name are left out.

    Returns:
        The distance, (...); NaN with fewer than 2 items, or fewer than 3 countries: over two, each correlation is 1 or
        -1 whatever they answer.
    """
    use = varying_items(x, y)[..., None, :]
    z, w = (_standard_columns(side, use) for side in (x, y))
    with np.errstate(invalid="ignore"):
        alike = _square_norm(z, w) / np.sqrt(_square_norm(z, z) * _square_norm(w, w))
    defined = (use.sum(axis=(-1, -2)) >= 2) & (x.shape[-2] >= 3)
    return np.where(defined, np.clip(1 - alike, 0, 1), np.nan)


def varying_items(x: Array, y: Array) -> Array:
    """Items that every country answered in both, and that differ between countries in both: (..., items)."""
    known = [~np.isnan(side).any(axis=-2) & (np.ptp(side, axis=-2) > _SAME) for side in (x, y)]
    varying: Array = known[0] & known[1]
    return varying


def _standard_columns(x: Array, use: Array) -> Array:
    columns = np.where(use, x, 0.0)
    columns = columns - columns.mean(axis=-2, keepdims=True)
    length = np.sqrt((columns**2).sum(axis=-2, keepdims=True))
    standard: Array = columns / np.where(use, length, 1.0)
    return standard


def _square_norm(z: Array, w: Array) -> Array:
    squares: Array = ((z @ np.swapaxes(w, -1, -2)) ** 2).sum(axis=(-1, -2))
    return squares


def _centred(x: Array) -> Array:
    """Differences of the known values from their mean, 0 elsewhere; all NaN if the known values are equal."""
    count = np.maximum((~np.isnan(x)).sum(axis=-1, keepdims=True), 1)
    constant = ~(np.fmax.reduce(x, axis=-1, keepdims=True) - np.fmin.reduce(x, axis=-1, keepdims=True) > _SAME)
    return np.where(constant, np.nan, np.nan_to_num(x - np.nansum(x, axis=-1, keepdims=True) / count))


def _length(x: Array) -> Array:
    length: Array = np.sqrt((x**2).sum(axis=-1))
    return length


def alignment_slope(p: Array, q: Array) -> Array:
    """Derivative of `alignment` with respect to each of the people's shares q."""
    slope: Array = np.sign(p - q) / 2
    return slope


def js_divergence_slope(p: Array, q: Array) -> Array:
    """Derivative of `js_divergence` with respect to q: log2(q / m) / 2 with m = (p + q) / 2; 0 where q is 0.

    At q = 0 the derivative is infinite. The people's replicate shares do not vary there, so 0 changes no interval.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(q > 0, np.log2(q / ((p + q) / 2)) / 2, 0.0)


def js_distance_slope(p: Array, q: Array) -> Array:
    """Derivative of `js_distance` with respect to q; 0 where p = q, where the distance has a kink."""
    distance = js_distance(p, q)[..., None]
    return js_divergence_slope(p, q) / np.where(distance > 0, 2 * distance, np.inf)


def profile_pearson(x: Array, y: Array) -> Array:
    """Cohen's r_c: `pearson` over mean answers that are taken from both ends of their scales."""
    return pearson(from_both_ends(x), from_both_ends(y))


def profile_pearson_slope(x: Array, y: Array) -> Array:
    """Derivative of `profile_pearson` with respect to the people's mean answers y; 0 where one is not known.

    With u = x - 0.5 and v = y - 0.5: r = sum u v / sqrt(sum u^2 sum v^2), so dr/dv = u / sqrt(...) - r v / sum v^2.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    u, v = (np.where(known, side - 0.5, 0.0) for side in (x, y))
    r = profile_pearson(x, y)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = u / (_length(u) * _length(v))[..., None] - r * v / (v**2).sum(axis=-1, keepdims=True)
    return np.where(known, slope, 0.0)


def profile_spearman(x: Array, y: Array) -> Array:
    """`spearman` over mean answers that are taken from both ends of their scales."""
    return spearman(from_both_ends(x), from_both_ends(y))


def mean_error_slope(p: Array, q: Array, positions: Array) -> Array:
    """Derivative of `mean_error` with respect to q, where all options have a place on the scale."""
    ahead = np.sign(mean_answer(p, positions) - mean_answer(q, positions))
    slope: Array = -ahead[..., None] * np.nan_to_num(_unit(positions))
    return slope


@dataclass(frozen=True)
class Metric:
    """A way to compare a model's answers with the people's.

    Attributes:
        name: as in the tables, in the column metric or measure.
        label: its name in figures and reports.
        function: returns the value. `over` says which arguments it gets.
        over: the items and countries that one value is computed from:

            - `options`: an item. function(p, q), with the options on the last axis.
            - `scale`: an item whose options have an order. function(p, q, positions), with positions NaN if they have
              none, and then the value is NaN.
            - `items`: all items of a country. function(x, y), with the mean answers of model and people (0 to 1) to the
              items on the last axis; NaN for an item that does not count.
            - `countries`: all items of all countries. function(x, y), with axes (countries, items).
        better: which values are nearer to the people, `higher` or `lower`.
        low, high: the range of values. Intervals are cut to it.
        null: the value of a model that knows nothing, against which p is computed; None if it depends on the people.
        slope: the derivative with respect to the people's shares q, or their mean answers y: the arguments of the
            function, and one value for each option or item. If None, differences replace it (see `measures.STEP`).
        follows: `share` if the value changes with the people's shares; `majority` if only with their majority.
            q then has 1 for the majority and 0 for other options, and no slope is needed.
    """

    name: str
    label: str
    function: Callable[..., Array]
    over: Literal["options", "scale", "items", "countries"]
    better: Literal["higher", "lower"]
    low: float = 0.0
    high: float = 1.0
    null: float | None = None
    slope: Callable[..., Array] | None = None
    follows: Literal["share", "majority"] = "share"

    def compare(self, p: Array, q: Array, positions: Array | None = None) -> Array:
        """The value of the metric.

        Args:
            p, q: the arguments of `function`; x and y for a metric across items.
            positions: of the options on their scale. Only a metric over a scale reads them.
        """
        return self.function(*self._arguments(p, q, positions))

    def derivative(self, p: Array, q: Array, positions: Array | None = None) -> Array | None:
        """The derivative with respect to q; None if the metric has no `slope`. Arguments as for `compare`."""
        return None if self.slope is None else self.slope(*self._arguments(p, q, positions))

    def _arguments(self, p: Array, q: Array, positions: Array | None) -> tuple[Array | None, ...]:
        return (p, q, positions) if self.over == "scale" else (p, q)


METRICS: dict[str, Metric] = {}
"""The registered metrics by name, in the order of the tables."""


def register(metric: Metric) -> Metric:
    """Add a metric to `METRICS`: to the table of metrics, to `scoring.measures`, and so to intervals and figures.

    Raises:
        ValueError: another metric has the name.
    """
    if metric.name in METRICS:
        raise ValueError(f"two metrics are named {metric.name}")
    METRICS[metric.name] = metric
    return metric


register(Metric("agreement", "Agreement with the majority", agreement, "options", "higher", null=0.5,
                follows="majority"))  # fmt: skip
register(Metric("alignment", "Soft alignment", alignment, "options", "higher", slope=alignment_slope))
register(Metric("js_divergence", "Jensen-Shannon divergence", js_divergence, "options", "lower",
                slope=js_divergence_slope))  # fmt: skip
register(Metric("js_distance", "Jensen-Shannon distance", js_distance, "options", "lower", slope=js_distance_slope))
register(Metric("wasserstein", "Wasserstein distance", wasserstein, "scale", "lower"))
register(Metric("mean_error", "Error of the mean answer", mean_error, "scale", "lower", slope=mean_error_slope))
register(Metric("pearson", "Correlation with the people", profile_pearson, "items", "higher", low=-1, null=0.0,
                slope=profile_pearson_slope))  # fmt: skip
register(Metric("spearman", "Rank correlation with the people", profile_spearman, "items", "higher", low=-1, null=0.0))
register(Metric("response_pattern", "Distance of response patterns", response_pattern, "countries", "lower"))
