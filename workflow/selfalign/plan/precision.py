"""The expected width of intervals, from the variance components of finished studies.

A run that has scores on the disk is its own study. Otherwise the components are those that were measured on this
project's studies (resources/plan/variances.csv), of the most similar series in the table. docs/study_size.md compares
the expected widths with real ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from selfalign.config.outputs import list_contrasts
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.plan.designs import Laid
from selfalign.plan.variances import (
    PARTS,
    RATIO,
    describe_arm,
    describe_contrast,
    expect_by_category,
    expect_errors,
    find_rows,
    measure,
    reach,
    read_variances,
)
from selfalign.runs import Run
from selfalign.scoring.main_intervals import LEAST_CATEGORIES

SLACK = (0.6, 1.5)
"""Factors of the lowest and the highest width that finished studies give.

docs/study_size.md says how often the widths of held-out studies were in this range."""

NAN = float("nan")


class HalfWidth(NamedTuple):
    """Half of an expected interval: the median over the rows of components, and the lowest and highest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Width:
    """The expected interval of one estimate of agreement.

    Half widths are from 0 to 1. Their lowest and highest are moved outwards by `SLACK` if the components are of other
    runs. All are NaN if all probes are of one battery.

    Attributes:
        language: of the prompts.
        name: the arm or the contrast.
        mean: by battery, for the mean of the countries; NaN with fewer than two.
        main: of the main interval, the wider of those by battery and by category (see `choose_main`). By battery for an
            arm, and with fewer than `LEAST_CATEGORIES` categories.
        country: by battery, for one country.
        found: the smallest true difference that the main interval of a study of this size finds with the probability
            `POWER`, in the mean of the countries, or in the only one; NaN for an arm.
        source: `scores`, of this run; or as `find_rows` returns it.
        rows: number of rows of components.
    """

    language: str
    name: str
    mean: HalfWidth
    main: HalfWidth
    country: HalfWidth
    found: float
    source: str
    rows: int


@dataclass(frozen=True)
class Series:
    """An arm or a contrast in one language, and the probes and countries that a run has for it.

    Attributes:
        language: of the prompts.
        name: of the arm or the contrast.
        kind: its demonstrations in words: see `describe_arm`.
        family: see `find_family`; `arm`.
        poles: probes x countries, 1 where pole A is the majority, else -1; NaN where there is no cell.
        battery_of: numbers of the probes' batteries.
        category_of: numbers of their categories.
    """

    language: str
    name: str
    kind: str
    family: str
    poles: np.ndarray
    battery_of: np.ndarray
    category_of: np.ndarray


def expect_widths(
    laid: Mapping[str, Laid], poles: pd.DataFrame, bank: pd.DataFrame, config: Config, run: Run, shipped: Path
) -> list[Width]:
    """The expected width of the agreement of each arm and of each contrast.

    Args:
        laid: designs by language.
        poles: a `Poles` table.
        bank: a `Bank` table.
        run: its folders, which may have scores.
        shipped: the table of components of finished studies.
    """
    models, level = config.run.models, config.scoring.level
    own, table = _measure_scores(config, run), read_variances(shipped)
    widths = []
    for series in list_series(laid, poles, bank, config):
        rows = own[(own["language"] == series.language) & (own["name"] == series.name)]
        alike, source = find_rows(table, series.kind, series.family, models)
        if len(rows):
            alike, source = rows.merge(alike[[RATIO]], how="cross"), "scores"
        widths.append(expect_width(series, alike, source, level))
    return widths


def _measure_scores(config: Config, run: Run) -> pd.DataFrame:
    """Components of the scores that a run has already."""
    files = [path for name in config.run.models for path in run.list_scores(name)]
    if not files:
        return pd.DataFrame({"language": [], "name": []})
    scores = pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)
    scores = scores[scores["arm"].isin(list(config.arms))]
    return measure(scores, within_models(config), config.arms)


def list_series(laid: Mapping[str, Laid], poles: pd.DataFrame, bank: pd.DataFrame, config: Config) -> Iterator[Series]:
    """The arms of each language, then its contrasts.

    Args:
        laid: designs by language.
        poles: a `Poles` table.
        bank: a `Bank` table.
    """
    arms = config.arms
    people = poles[["country", "probe"]].assign(pole=np.where(poles["majority"] == "A", 1.0, -1.0))
    people = people.merge(bank[["probe", "battery", "category"]], on="probe")
    asked = {
        language: {arm: cells[["country", "probe"]].drop_duplicates() for arm, cells in one.cells.groupby("arm")}
        for language, one in laid.items()
    }
    for language, by_arm in asked.items():
        ordered = [arm for arm in config.languages[language].arms if arm in by_arm]
        for arm in ordered:
            yield Series(language, arm, describe_arm(arms[arm]), "arm", *lay_out_cells([by_arm[arm]], people))
        for entry in within_models(config):
            if entry.language not in (None, language):
                continue
            if entry.against_language == language:
                if entry.arm == entry.against:
                    continue
                entry = entry.replace(against_language=None)
            other = asked.get(entry.against_language or language, {})
            sides = [by_arm.get(entry.arm), other.get(entry.against)]
            if entry.beyond:
                sides += [by_arm.get(entry.beyond[0]), other.get(entry.beyond[1])]
            if any(side is None for side in sides):
                continue
            cells = lay_out_cells(sides, people)
            if cells[0].size:
                named = describe_contrast(entry, arms)
                yield Series(language, named["name"], named["kind"], named["family"], *cells)


def lay_out_cells(sides: Sequence[pd.DataFrame], people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The majorities of the cells that all sides have, and where their probes belong.

    Args:
        sides: columns country, probe.
        people: columns country, probe, pole (1 where pole A is the majority, else -1), battery, category.

    Returns:
        The poles, probes x countries, NaN where there is no cell; the numbers of the probes' batteries; and of their
        categories.
    """
    cells = people
    for side in sides:
        cells = cells.merge(side, on=["country", "probe"])
    poles = cells.pivot(index="probe", columns="country", values="pole")
    homes = cells.groupby("probe")[["battery", "category"]].first()
    return poles.to_numpy(), *(pd.factorize(homes[column])[0] for column in homes)


def expect_width(series: Series, rows: pd.DataFrame, source: str, level: float = 0.95) -> Width:
    """The expected interval of a series.

    Args:
        series: the arm or contrast.
        rows: components of finished studies, or of this run.
        source: `scores`, or as `find_rows` returns it.
        level: coverage of the intervals.
    """
    slack = (1.0, 1.0) if source == "scores" else SLACK
    by_battery = expect_errors(rows, series.poles, series.battery_of)
    one = _spread(*_expect_alone(series, rows), level, slack)
    mean = main = _spread(*by_battery, level, slack)
    found = NAN if series.family == "arm" else float(np.median(reach(*by_battery, level)))
    if rows[RATIO].notna().all() and len(np.unique(series.category_of)) >= LEAST_CATEGORIES:
        by_category = expect_by_category(rows, series.poles, series.battery_of, series.category_of)
        wider = _spread(*by_category, level, slack)
        main = HalfWidth(*map(max, mean, wider))
        found = max(found, float(np.median(reach(*by_category, level))))
    if series.poles.shape[1] == 1:
        mean = main = HalfWidth(NAN, NAN, NAN)
    count = len(rows[PARTS].drop_duplicates())  # rows of this run repeat for each ratio
    return Width(series.language, series.name, mean, main, one, found, source, count)


def _expect_alone(series: Series, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors and degrees of freedom of one country, for each row of components: averages over the countries.

    Each country counts with the batteries that it was asked. A country with one battery has no error, so it is left
    out, except if all countries have one.
    """
    found = []
    for poles in series.poles.T:
        asked = np.isfinite(poles)
        battery_of = np.unique(series.battery_of[asked], return_inverse=True)[1]
        found.append((expect_errors(rows, poles[asked, None], battery_of), battery_of.max() > 0))
    alone = [one for one, several in found if several] or [one for one, _ in found]
    error = np.sqrt(np.mean([each**2 for each, _ in alone], axis=0))
    return error, np.mean([freedom for _, freedom in alone], axis=0)


def _spread(error: np.ndarray, freedom: np.ndarray, level: float, slack: tuple[float, float]) -> HalfWidth:
    halves = stats.t.ppf((1 + level) / 2, freedom) * error
    return HalfWidth(float(np.median(halves)), float(slack[0] * halves.min()), float(slack[1] * halves.max()))


def within_models(config: Config) -> list[Contrast]:
    """The contrasts of a run that compare no two models, as they are of every model."""
    return [entry.replace(model=None) for entry in list_contrasts(config) if entry.against_model is None]
