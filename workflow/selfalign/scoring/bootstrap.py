"""Means over probes with intervals and p-values, from a bootstrap of batteries and respondents together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from selfalign.progress import show_progress
from selfalign.scoring.choices import CHANCE, Chance
from selfalign.scoring.measures import bounds_of, metric_of
from selfalign.scoring.panels import Panel
from selfalign.scoring.schemas import ALL

FACTORS: dict[Chance, str] = {"seeds": "seed", "templates": "template"}
"""Sources of chance with few levels, and their columns in `Scores`."""

_RESULTS = ["estimate", "standard_error", "low", "high", "df", "p", "probes", "batteries", "respondents"]

_NO_SPREAD = 1e-7
"""Standard errors below this are 0: resamples are numbers of 32 bits, and their rounding errors are about 1e-8."""

_CHUNK = 1000  # resamples at once: three matrices of 1000 x 250 in float32 stay in the cache of a core


@dataclass(frozen=True)
class Resampling:
    """How intervals are computed.

    Attributes:
        people: a `Replicates` table.
        draws: number of resamples.
        level: coverage of the intervals, such as 0.95.
        seed: of the resamples.
        resample: which of `CHANCE` the intervals cover.
    """

    people: pd.DataFrame
    draws: int
    level: float
    seed: int
    resample: Sequence[str] = CHANCE


@dataclass
class Resampled:
    """Estimates of some series, their changes in the resamples, and the contribution of each probe.

    Attributes:
        estimate: k.
        changes: draws x k: the change of the estimates in each resample.
        parts: n x k: the contribution of each probe to the estimates' deviation from their expectation.
        present: n x k: whether the series has the probe.
        levels: by factor, levels x n x k: the contribution of each probe to the deviation of each level.
        runs: by factor, levels x k.
    """

    estimate: np.ndarray
    changes: np.ndarray
    parts: np.ndarray
    present: np.ndarray
    levels: dict[str, np.ndarray] = field(default_factory=dict)
    runs: dict[str, np.ndarray] = field(default_factory=dict)


def estimate(
    panels: Mapping[str, Panel],
    how: Resampling,
    differences: bool = False,
    null: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Mean over probes of each series, per country and for the mean of the countries, with interval and p-value.

    The standard error is that of resamples in which batteries (probes of one battery are asked with one stem and scale
    and answered alike) and the people's replicate shares are drawn together, the same batteries for all series and
    countries. The part that comes from batteries is widened for their number: see `widen_batteries`. For seeds and
    frames, too few to draw from, a component of variance is added: see `spread_of_levels`.
    The interval is estimate -+ t x standard error, with degrees of freedom after Satterthwaite: see
    `freedom_of_batteries`. docs/interval_choice.md says how this was chosen.

    Args:
        panels: by country.
        differences: whether the series are differences. Intervals are cut to the range of their measure.
        null: by measure, the value against which p is computed; p is empty for other measures.

    Returns:
        The series' columns, country, estimate, standard_error, low, high, df, p, probes, batteries, respondents. With
        one battery, an interval that should cover the choice of batteries is empty.
    """
    keys = list(next(iter(panels.values())).series.columns)
    place, every = _number_series(panels)
    if every.empty:
        return pd.DataFrame(columns=[*keys, "country", *_RESULTS])
    probes, battery_of = place_probes(panels.values())
    mean = Resampled(
        np.zeros(len(every)),
        np.zeros((how.draws, len(every)), dtype=np.float32),
        np.zeros((len(probes), len(every))),
        np.zeros((len(probes), len(every)), dtype=bool),
    )
    tables = []
    for country, one in resample_each(panels, how):
        panel = panels[country]
        rows = probes.get_indexer(panel.probes)
        _add(mean, one, rows, place[country], every["countries"].to_numpy())
        tables.append(panel.series.assign(country=country, **_summarise(one, battery_of[rows], how)))
    tables.append(every[keys].assign(country=ALL, **_summarise(mean, battery_of, how)))
    table = pd.concat(tables, ignore_index=True)
    bounds = {measure: bounds_of(measure, differences) for measure in table["measure"].unique()}
    lowest, highest = (table["measure"].map({name: ends[end] for name, ends in bounds.items()}) for end in (0, 1))
    for name in ("low", "high"):
        table[name] = np.clip(table[name].to_numpy(), lowest.to_numpy(float), highest.to_numpy(float))
    table["p"] = _test(table, table["measure"].map(null or {}))
    table["respondents"] = _count_respondents(place, len(every), how.people)
    of_all = table["measure"].map(_is_of_all).to_numpy(bool) & (table["country"] != ALL).to_numpy()
    table = table[~of_all]
    order = [*(name for name in keys if name != "measure"), "measure", "country"]
    return table.sort_values(order, kind="stable", ignore_index=True)[[*keys, "country", *_RESULTS]]


def _number_series(panels: Mapping[str, Panel]) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """The number of each country's series, and all series, sorted, with a column countries: how many have it."""
    stacked = pd.concat([panel.series for panel in panels.values()], ignore_index=True)
    groups = stacked.groupby(list(stacked.columns), sort=True)
    number = groups.ngroup().to_numpy()
    _, first, countries = np.unique(number, return_index=True, return_counts=True)
    ends = np.cumsum([len(panel.series) for panel in panels.values()])
    place = dict(zip(panels, np.split(number, ends[:-1]), strict=True))
    return place, stacked.iloc[first].reset_index(drop=True).assign(countries=countries)


def resample_each(panels: Mapping[str, Panel], how: Resampling) -> Iterator[tuple[str, Resampled]]:
    """Each country with the resamples of its series: see `estimate`.

    The same batteries are drawn for all countries. So the resamples of two countries can be compared one by one.

    Args:
        panels: by country.
        how: of the resamples. Seeds and frames are not drawn.
    """
    probes, battery_of = place_probes(panels.values())
    weights = _draw_batteries(battery_of.max() + 1, how.draws, how.seed) if "batteries" in how.resample else None
    shares = {country: rows.set_index("probe")["shares"] for country, rows in how.people.groupby("country")}
    for country, panel in show_progress("resample", "country", items=list(panels.items())):
        replicates = _replicate(panel, shares.get(country)) if "respondents" in how.resample else None
        yield country, _resample(panel, battery_of[probes.get_indexer(panel.probes)], weights, replicates, how.draws)


def _is_of_all(measure: str) -> bool:
    """Whether a measure is about all countries together, and so has no value of one country."""
    metric = metric_of(measure)
    return metric is not None and metric.over == "countries"


def place_probes(panels: Iterable[Panel]) -> tuple[pd.Index, np.ndarray]:
    """All probes, sorted, and the number of each one's battery."""
    batteries = pd.concat([pd.Series(panel.batteries, panel.probes) for panel in panels]).groupby(level=0).first()
    return batteries.index, pd.factorize(batteries, sort=True)[0]


def _draw_batteries(batteries: int, draws: int, seed: int) -> np.ndarray:
    """How often each battery is drawn: draws x batteries."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(batteries, np.full(batteries, 1 / batteries), size=draws).astype(np.float32)


def _replicate(panel: Panel, shares: pd.Series | None) -> dict[str, np.ndarray] | None:
    """Changes of the people by their replicates: of the majority, and of the share of A, each replicates x n.

    A probe without replicates has 0 in both. None if no probe has any.
    """
    found = {} if shares is None else {probe: drawn for probe, drawn in shares.items() if len(drawn)}
    size = max((len(drawn) for drawn in found.values()), default=0)
    if not size:
        return None
    drawn = np.column_stack(
        [found.get(probe, np.full(size, share)) for probe, share in zip(panel.probes, panel.share, strict=True)]
    )
    has = np.isin(panel.probes, list(found))
    return {
        "majority": np.where(has, (drawn > 0.5) - panel.majority, 0).astype(np.float32),
        "share": np.where(has, drawn - panel.share, 0).astype(np.float32),
    }


def _resample(
    panel: Panel,
    battery_of: np.ndarray,
    weights: np.ndarray | None,
    replicates: dict[str, np.ndarray] | None,
    draws: int,
) -> Resampled:
    """Estimates of a country, and their changes when batteries and people are drawn.

    Measures are taken to be linear in the people (see `Panel.slope`), so a resample of all series is two matrix
    products: the probes' weights with their values, and weights times change of the people with the slopes. Only the
    first product is widened: the replicates of the people have the right variance already.
    """
    present = np.isfinite(panel.value)
    number = present.sum(axis=0)
    with np.errstate(invalid="ignore"):
        point = np.where(present, panel.value, 0).sum(axis=0) / number
    centred = np.where(present, panel.value - point, 0)
    batteries = (_by_battery(present.astype(float), battery_of) > 0).sum(axis=0)
    widened = (centred * np.sqrt(widen_batteries(batteries))).astype(np.float32)
    changes = np.zeros((draws, len(point)), dtype=np.float32)
    if weights is None:
        weights = np.ones((draws, battery_of.max() + 1), np.float32)
    for start in range(0, draws, _CHUNK):
        rows = slice(start, min(start + _CHUNK, draws))
        drawn = weights[rows][:, battery_of]
        added = drawn @ widened
        for what, change in (replicates or {}).items():
            columns = np.array([_follows(measure, what) for measure in panel.series["measure"]], dtype=bool)
            slope = np.where(present, panel.slope, 0)[:, columns].astype(np.float32)
            some = change[np.arange(rows.start, rows.stop) % len(change)]
            added[:, columns] += (drawn * some) @ slope
        count = drawn @ present.astype(np.float32)
        np.divide(added, count, out=changes[rows], where=count > 0)  # without a battery of the country: no change
    levels = {factor: np.where(present, part, 0) / number for factor, part in panel.levels.items()}
    return Resampled(point, changes, centred / number, present, levels, dict(panel.runs))


def _follows(measure: str, what: str) -> bool:
    """Whether a measure changes with the people's majority, or with their share of pole A."""
    metric = metric_of(measure)
    return metric is not None and metric.follows == what


def _add(mean: Resampled, one: Resampled, rows: np.ndarray, place: np.ndarray, countries: np.ndarray) -> None:
    """Add a country's estimates to the mean of the countries, in place, at its rows (probes) and places (series)."""
    share = 1 / countries[place]
    mean.estimate[place] += one.estimate * share
    mean.changes[:, place] += one.changes * share.astype(np.float32)
    mean.parts[np.ix_(rows, place)] += one.parts * share
    mean.present[np.ix_(rows, place)] |= one.present
    for factor, part in one.levels.items():
        if factor not in mean.levels:
            mean.levels[factor] = np.zeros((len(part), *mean.parts.shape))
            mean.runs[factor] = np.zeros((len(part), mean.parts.shape[1]), dtype=bool)
        mean.levels[factor][np.ix_(np.arange(len(part)), rows, place)] += part * share
        mean.runs[factor][:, place] |= one.runs[factor]


def _summarise(found: Resampled, battery_of: np.ndarray, how: Resampling) -> dict[str, np.ndarray]:
    """Columns with estimate, standard error, interval and degrees of freedom of each series."""
    sizes = _by_battery(found.present.astype(float), battery_of)
    batteries = (sizes > 0).sum(axis=0)
    variance = found.changes.var(axis=0, ddof=1, dtype=np.float64)
    if "batteries" in how.resample:
        freedom = freedom_of_batteries(found.parts, battery_of, sizes)
        variance = np.where(batteries > 1, variance, np.nan)
    else:
        freedom = np.full(len(variance), np.inf)
    uncertain = variance**2 / freedom
    for name, factor in FACTORS.items():
        if name in how.resample and factor in found.levels:
            drawn = battery_of if "batteries" in how.resample else None
            added, degrees = spread_of_levels(found.levels[factor], found.runs[factor], found.present, drawn)
            variance = variance + added
            uncertain = uncertain + added**2 / degrees
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(uncertain > 0, variance**2 / uncertain, freedom)
    error = np.sqrt(variance)
    reach = stats.t.ppf((1 + how.level) / 2, df) * error
    return {
        "estimate": found.estimate,
        "standard_error": error,
        "low": found.estimate - reach,
        "high": found.estimate + reach,
        "df": df,
        "probes": found.present.sum(axis=0),
        "batteries": batteries,
    }


def _by_battery(values: np.ndarray, battery_of: np.ndarray) -> np.ndarray:
    """Sums over the probes of each battery: the axis before the last becomes batteries."""
    member = np.equal.outer(np.arange(battery_of.max() + 1), battery_of).astype(float)
    sums: np.ndarray = member @ values
    return sums


def widen_batteries(batteries: np.ndarray) -> np.ndarray:
    """Factor G / (G - 1) that corrects a variance between G batteries which were drawn with replacement.

    It has the reason of the divisor n - 1 in a sample variance: drawn batteries vary around the mean of the G
    batteries, which is closer to them than the expectation is. The factor is exact for batteries of one size.

    G is counted for each country and series: the batteries of which the series has a probe in this country. For the
    mean of the countries, each country's resampled deviations are widened by the root of its own factor before they
    are averaged, so countries with different batteries each keep the right variance.

    Args:
        batteries: k numbers of batteries.

    Returns:
        k factors; 1 for one battery, whose variance is not known.
    """
    return np.where(batteries > 1, batteries / np.maximum(batteries - 1, 1), 1.0)


def freedom_of_batteries(parts: np.ndarray, battery_of: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a variance between batteries of unequal sizes (Satterthwaite).

    As if probes had one variance, and one correlation r within batteries (estimated by moments, cut to 0..1), the
    total of a battery of n probes has a variance of v = n (1 + (n - 1) r), and the degrees are (sum v)^2 / sum v^2, at
    most one less than there are batteries: Bell and McCaffrey (2002) with the working covariance of Imbens and Kolesar
    (2016), for a mean.

    Args:
        parts: n x k, centred values of the probes, up to a factor.
        battery_of: n, the numbers of the probes' batteries.
        sizes: batteries x k, probes of each battery.

    Returns:
        k degrees.
    """
    within = (_by_battery(parts, battery_of) ** 2).sum(axis=0) - (parts**2).sum(axis=0)
    pairs = (sizes * (sizes - 1)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.nan_to_num(within / pairs * sizes.sum(axis=0) / (parts**2).sum(axis=0))
    return freedom_of_sizes(sizes, alike)


def freedom_of_sizes(sizes: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a variance between batteries, from their sizes and the correlation within them.

    Args:
        sizes: batteries x k, probes of each battery; or batteries x 1, for the same batteries in all series.
        alike: k correlations of two probes of one battery; cut to 0..1.

    Returns:
        k degrees.
    """
    spread = sizes * (1 + (sizes - 1) * np.clip(alike, 0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = spread.sum(axis=0) ** 2 / (spread**2).sum(axis=0)
    bounded: np.ndarray = np.minimum(freedom, np.maximum((sizes > 0).sum(axis=0) - 1, 1))
    return bounded


def spread_of_levels(
    levels: np.ndarray, runs: np.ndarray, present: np.ndarray, battery_of: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Variance that the choice of seeds or frames adds to a mean over them, and its degrees of freedom.

    This is the moment estimator of a main effect in a crossed design (Searle, Casella and McCulloch 1992, chapter 4).
    From the variance between the levels' means, the part is subtracted that the batteries' different responses to the
    levels explain, because drawing batteries covers that part already (see also `widen_batteries`). The difference,
    not below 0, is divided by the number of levels. Drawing 3 levels with replacement instead would find two thirds of
    the main effect, and would count the batteries' part twice (Owen 2007). Nothing is subtracted if no batteries are
    drawn: the estimate is then about these batteries, and their responses to the levels are a part of its chance.

    Args:
        levels: levels x n x k, what each probe adds to the level's deviation from the mean.
        runs: levels x k, whether the series has the level.
        present: n x k, whether the series has the probe.
        battery_of: n, the numbers of the probes' batteries; None if no batteries are drawn.

    Returns:
        k variances, and k degrees; 0 and 1 for a series with one level.
    """
    number = runs.sum(axis=0)
    freedom = np.maximum(number - 1, 1)
    means = levels.sum(axis=1)
    between = (means**2).sum(axis=0) / freedom
    chance = np.zeros(len(number))
    if battery_of is not None:
        probes = np.maximum(present.sum(axis=0), 1)
        apart = _by_battery(levels - present * (means / probes)[:, None, :], battery_of)
        batteries = (_by_battery(present.astype(float), battery_of) > 0).sum(axis=0)
        chance = (apart**2).sum(axis=(0, 1)) / freedom * widen_batteries(batteries)
    return np.maximum(between - chance, 0) * (number > 1) / np.maximum(number, 1), freedom


def _test(table: pd.DataFrame, null: pd.Series) -> np.ndarray:
    """Two-sided p of the t statistic against `null`; 1 where the estimate is exactly that; empty without a spread."""
    gap = (table["estimate"] - null).to_numpy(float)
    error = table["standard_error"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.t.sf(np.abs(gap) / error, table["df"])
    return np.select([np.isnan(error), np.abs(gap) < 1e-12, error < _NO_SPREAD], [np.nan, 1.0, np.nan], p)


def _count_respondents(place: Mapping[str, np.ndarray], series: int, people: pd.DataFrame) -> pd.Series:
    """Respondents of each country, by its series, then of all countries of each series; empty where not known.

    Args:
        place: by country, the numbers of its series.
        series: how many there are.
        people: a `Replicates` table.
    """
    asked = people.groupby("country")["respondents"].max().astype("Int64").reindex(list(place))
    sizes = [len(numbers) for numbers in place.values()]
    alone = asked.to_numpy(float, na_value=np.nan).repeat(sizes)
    total = np.bincount(np.concatenate(list(place.values())), alone, series)
    return pd.Series(np.concatenate([alone, total])).astype("Int64")
