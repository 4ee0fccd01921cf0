"""Scores as matrices: for each country a row per probe and a column per series, for the estimates to work on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.scoring.measures import slopes_of, values_of

SERIES = ["model", "language", "arm", "measure"]
"""The columns that name a series of a panel."""

CELLS = [
    *SERIES[:3],
    "country",
    "probe",
    "source",
    "seed",
    "template",
    "battery",
    "answered",
    "p_a",
    "share_a",
    "majority",
    "agreement",
    "alignment",
]
"""The columns of `Scores` that panels of metrics are made of."""

_TERMS = ["first", "second", "third", "fourth"]
"""The terms of a contrast: (first - second) - (third - fourth)."""


@dataclass(frozen=True)
class Panel:
    """A country's values: n probes x k series.

    Attributes:
        probes: n ids.
        batteries: n names, of the probes' batteries.
        share: n, the people's share of pole A.
        majority: n, 1 where pole A is the majority, else 0.
        series: k rows that say what the columns are.
        value: n x k means over sources, seeds and frames of the cells that have a value; NaN where none has.
        slope: n x k, how much the value changes with the people's share of pole A, or with their majority (0 or 1):
            see `measures.slopes_of`.
        levels: by factor (`seed`, `template`), levels x n x k: the value at each level minus `value`; 0 for a series
            with one level.
        runs: by factor, levels x k: whether a series with several levels has the level.
        known: by factor, levels x n x k: whether the series has a value at the level; nothing in a panel of contrasts.
    """

    probes: np.ndarray
    batteries: np.ndarray
    share: np.ndarray
    majority: np.ndarray
    series: pd.DataFrame
    value: np.ndarray
    slope: np.ndarray
    levels: Mapping[str, np.ndarray]
    runs: Mapping[str, np.ndarray]
    known: Mapping[str, np.ndarray] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "Panel":
        """The panel of some probes, as if the country had been asked no others.

        Args:
            rows: n, whether to take the probe.
        """
        known = {factor: has[:, rows] for factor, has in self.known.items()}
        return drop_empty(
            Panel(
                probes=self.probes[rows],
                batteries=self.batteries[rows],
                share=self.share[rows],
                majority=self.majority[rows],
                series=self.series,
                value=self.value[rows],
                slope=self.slope[rows],
                levels={factor: part[:, rows] for factor, part in self.levels.items()},
                runs={factor: _find_runs(has) for factor, has in known.items()},
                known=known,
            )
        )


def build_panels(scores: pd.DataFrame, measures: Sequence[str], factors: Sequence[str] = ()) -> dict[str, Panel]:
    """Panels of all countries.

    Args:
        scores: `Scores` tables, stacked.
        measures: names of measures. Those across items must be columns of `scores`: see `across.add_across`.
        factors: columns of `scores`, such as `seed`, whose levels are to be kept apart in `Panel.levels`.

    Returns:
        By country. A series without any value in a country has no column there, such as `mass_open` of answers of
        which it was not read.
    """
    places = {factor: pd.factorize(scores[factor], sort=True) for factor in factors}
    numbers, series = _number_series(scores[["model", "language", "arm"]])
    shared = scores.assign(**{factor: codes for factor, (codes, _) in places.items()}, series=numbers)
    sizes = {factor: len(levels) for factor, (_, levels) in places.items()}
    return {
        country: _build(cells, series, measures, sizes)
        for country, cells in shared.groupby("country", sort=True, observed=True)
    }


def take_probes(panels: Mapping[str, Panel], probes: Collection[str]) -> dict[str, Panel]:
    """Panels of some probes, as if no others had been asked. Countries without any of them are left out.

    Args:
        panels: by country.
        probes: ids.
    """
    taken = {country: panel.take(pd.Index(panel.probes).isin(list(probes))) for country, panel in panels.items()}
    return {country: panel for country, panel in taken.items() if len(panel.probes)}


def _build(cells: pd.DataFrame, every: pd.DataFrame, measures: Sequence[str], factors: dict[str, int]) -> Panel:
    rows, probes = pd.factorize(cells["probe"], sort=True)
    found_series, columns = np.unique(cells["series"].to_numpy(), return_inverse=True)
    series = every.iloc[found_series].reset_index(drop=True)
    people = cells[["battery", "share_a", "majority"]].iloc[np.unique(rows, return_index=True)[1]]
    shape = (len(probes), len(series))
    place = rows * shape[1] + columns
    value, slope = [], []
    levels: dict[str, list[np.ndarray]] = {factor: [] for factor in factors}
    known_at: dict[str, list[np.ndarray]] = {factor: [] for factor in factors}
    for measure in measures:
        values = values_of(cells, measure)
        known = np.isfinite(values)
        at = place[known]
        number = np.bincount(at, minlength=shape[0] * shape[1])
        value.append(_mean(at, values[known], number).reshape(shape))
        slope.append(_mean(at, slopes_of(cells, measure)[known], number).reshape(shape))
        for factor, size in factors.items():
            code = cells[factor].to_numpy()[known]
            deviations, has = _deviations(code, size, at, values[known], value[-1])
            levels[factor].append(deviations)
            known_at[factor].append(has)
    found = {factor: np.concatenate(parts, axis=2) for factor, parts in known_at.items()}
    panel = Panel(
        probes=np.asarray(probes),
        batteries=people["battery"].to_numpy(),
        share=people["share_a"].to_numpy(float),
        majority=(people["majority"] == "A").to_numpy(float),
        series=pd.concat([series.assign(measure=measure) for measure in measures], ignore_index=True),
        value=np.hstack(value),
        slope=np.hstack(slope),
        levels={factor: np.concatenate(parts, axis=2) for factor, parts in levels.items()},
        runs={factor: _find_runs(has) for factor, has in found.items()},
        known=found,
    )
    return drop_empty(panel)


def _find_runs(known: np.ndarray) -> np.ndarray:
    """`Panel.runs` from `Panel.known`."""
    has = known.any(axis=1)
    runs: np.ndarray = has & (has.sum(axis=0) > 1)
    return runs


def _mean(place: np.ndarray, values: np.ndarray, number: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.bincount(place, values, len(number)) / number
        return mean


def drop_empty(panel: Panel) -> Panel:
    """The panel without series that have no value for any probe."""
    some = np.isfinite(panel.value).any(axis=0)
    if some.all():
        return panel
    return replace(
        panel,
        series=panel.series[some].reset_index(drop=True),
        value=panel.value[:, some],
        slope=panel.slope[:, some],
        levels={factor: part[..., some] for factor, part in panel.levels.items()},
        runs={factor: part[:, some] for factor, part in panel.runs.items()},
        known={factor: part[..., some] for factor, part in panel.known.items()},
    )


def _number_series(table: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Number of each row's combination, and the combinations, sorted."""
    numbers = table.groupby(list(table.columns), sort=True, observed=True).ngroup().to_numpy()
    first = np.unique(numbers, return_index=True)[1]
    return numbers, table.iloc[first].reset_index(drop=True).astype(str)


def _deviations(
    code: np.ndarray, size: int, place: np.ndarray, values: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean at each level minus the mean over levels, 0 without a cell; and whether there is one: levels x n x k."""
    at = code * mean.size + place
    number = np.bincount(at, minlength=size * mean.size)
    sums = np.bincount(at, values, size * mean.size)
    with np.errstate(invalid="ignore"):
        deviations = (sums / number).reshape(size, *mean.shape) - mean
    return np.nan_to_num(deviations), (number > 0).reshape(size, *mean.shape)


def contrast_panel(panel: Panel, contrasts: Sequence[Contrast]) -> Panel:
    """Differences between two series, or between two such differences, on the same probe.

    Args:
        panel: a country's series.
        contrasts: one whose arms or languages the country lacks, or of which no probe has all, has no column.

    Returns:
        A panel whose series also have the columns against, against_model, against_language and beyond (`arm - arm`;
        empty for a plain difference).
    """
    return _contrast(panel, _compare_all(panel.series, contrasts))


def contrast_panels(panels: Mapping[str, Panel], contrasts: Sequence[Contrast]) -> dict[str, Panel]:
    """`contrast_panel` of each country. The pairs of series are looked up once for countries with the same series.

    Args:
        panels: by country.
    """
    made: dict[str, Panel] = {}
    series: pd.DataFrame | None = None
    for country, panel in panels.items():
        if series is None or not series.equals(panel.series):
            series = panel.series
            compared = _compare_all(series, contrasts)
        made[country] = _contrast(panel, compared)
    return made


def _contrast(panel: Panel, compared: pd.DataFrame) -> Panel:
    """The differences of a panel that `_compare_all` names, without those of which no probe has all terms."""
    both = np.isfinite(_subtract(panel.value, compared))
    compared = compared[both.any(axis=0)].reset_index(drop=True)
    return replace(
        panel,
        series=compared[[name for name in compared if name not in _TERMS]],
        value=_subtract(panel.value, compared),
        slope=_subtract(panel.slope, compared),
        levels={
            factor: _subtract(part, compared, _scale_levels(panel.runs[factor], compared))
            for factor, part in panel.levels.items()
        },
        runs={
            factor: np.any([has[:, compared[term]] for term in _TERMS], axis=0) for factor, has in panel.runs.items()
        },
        known={},
    )


def _subtract(
    values: np.ndarray, compared: pd.DataFrame, factors: Sequence[np.ndarray | float] = (1.0,) * len(_TERMS)
) -> np.ndarray:
    """The contrasts of some values, the values of each term multiplied by a factor."""
    parts = zip(_TERMS, factors, strict=True)
    first, second, third, fourth = (values[..., compared[term]] * factor for term, factor in parts)
    difference: np.ndarray = (first - second) - (third - fourth)
    return difference


def _scale_levels(runs: np.ndarray, compared: pd.DataFrame) -> list[np.ndarray]:
    """Factors for the deviations of the levels of each term, which are not 1 if the terms have other levels.

    A variance of n levels is their sum of squares / (n (n - 1)). The levels of a contrast are those of all its terms.
    With the root of this ratio, terms without a common level, such as arms with different seeds, keep their variances,
    which then add up.

    Args:
        runs: as in `Panel`.
        compared: as `_compare` returns it.
    """
    terms = [runs[:, compared[term]] for term in _TERMS]
    every = np.any(terms, axis=0).sum(axis=0)
    numbers = [has.sum(axis=0) for has in terms]
    return [np.where(n > 1, np.sqrt(every * (every - 1) / np.maximum(n * (n - 1), 1)), 1.0) for n in numbers]


def _compare_all(series: pd.DataFrame, contrasts: Sequence[Contrast]) -> pd.DataFrame:
    """The series that some contrasts compare, as `_compare` returns them, each difference once."""
    compared = pd.concat([_compare(series, entry) for entry in contrasts], ignore_index=True)
    # Two entries of the config may name one difference: with and without the language that both arms have.
    return compared.drop_duplicates([name for name in compared if name not in _TERMS], ignore_index=True)


def _compare(series: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The series that a contrast compares, with the numbers of the columns of its four terms.

    The last two terms of a plain difference are the same column, so that their difference is 0.
    """
    pairs = _pair(series, contrast)
    if contrast.beyond is None:
        return pairs.assign(third=pairs["first"], fourth=pairs["first"], beyond="")
    arm, against = contrast.beyond
    less = _pair(series, contrast.replace(arm=arm, against=against))
    less = less.drop(columns=["arm", "against"]).rename(columns={"first": "third", "second": "fourth"})
    keys = ["model", "against_model", "language", "against_language", "measure"]
    return pairs.merge(less, on=keys).assign(beyond=contrast.beyond_name)


def _pair(series: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The series that a difference compares, with the numbers of the first and the second column."""
    numbered = series.assign(number=np.arange(len(series)))
    names = {"number": "second", "arm": "against", "model": "against_model", "language": "against_language"}
    first = numbered[numbered["arm"] == contrast.arm].rename(columns={"number": "first"})
    second = numbered[numbered["arm"] == contrast.against].rename(columns=names)
    same = [key for key in ("model", "language") if getattr(contrast, f"against_{key}") is None]
    on = ["measure", *(f"against_{key}" for key in same)]
    pairs = first.merge(second, left_on=["measure", *same], right_on=on)
    for name in ("model", "against_model", "language", "against_language"):
        if (only := getattr(contrast, name)) is not None:
            pairs = pairs[pairs[name] == only]
    return pairs[pairs["first"] != pairs["second"]] if contrast.is_across else pairs
