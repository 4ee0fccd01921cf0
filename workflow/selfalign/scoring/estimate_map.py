"""Step estimate_map: people and models as points of the Inglehart-Welzel cultural map."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.probes.bank import parse_codes, read_bank
from selfalign.probes.scales import read_scales
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.map_axes import AXES, Axes, fit_axes
from selfalign.scoring.map_items import (
    Projection,
    project_probes,
    read_two_options,
    score_countries,
    score_respondents,
    share_answers,
    variance_of_parts,
)
from selfalign.scoring.map_schemas import PEOPLE, Map, MapAxes, MapItems, MapPublished, MapZones
from selfalign.survey.schemas import Distributions, Responses
from selfalign.tables import read_input, read_table, write_estimates

LEAST_COUNTRIES = 5
"""With fewer countries, two components fit the items whatever the answers are."""

_POINT = ["survival", "traditional", "survival_se", "traditional_se", "correlation"]


@dataclass(frozen=True)
class MapPeople:
    """The people, as the map needs them.

    Attributes:
        shares: as `share_answers` returns them.
        bank: the rows of a `Bank` table of the items' probes.
        scales: a `ScaleCodes` table of the items' questions.
        responses: a `Responses` table; None: the axes are those of the countries.
    """

    shares: pd.DataFrame
    bank: pd.DataFrame
    scales: pd.DataFrame
    responses: pd.DataFrame | None = None

    @property
    def level(self) -> str:
        """The units whose correlations make the axes."""
        return "countries" if self.responses is None else "respondents"


@dataclass(frozen=True)
class MapTables:
    """What is known about the map before any answers.

    Attributes:
        items: a `MapItems` table.
        zones: a `MapZones` table.
        published: a `MapPublished` table.
    """

    items: pd.DataFrame
    zones: pd.DataFrame
    published: pd.DataFrame


def why_left_out(items: pd.DataFrame, asked: set[str], surveyed: set[str]) -> dict[str, str]:
    """By item that the map cannot use, the reason.

    Args:
        items: a `MapItems` table.
        asked: probes that the models answered.
        surveyed: questions with answers in the survey.
    """
    reasons = {}
    for item, parts in items.groupby("item", sort=False):
        probes, questions = sorted({*parts["probe"]} - asked), sorted({*parts["question"]} - surveyed)
        if probes:
            reasons[item] = f"the run has no probe {', '.join(probes)}"
        elif questions:
            reasons[item] = f"the survey has no answers to {', '.join(questions)}"
    return reasons


def find_axes(items: pd.DataFrame, people: MapPeople) -> tuple[Axes, pd.DataFrame]:
    """The axes of the people, and the points of the countries from all answer codes.

    Args:
        items: a `MapItems` table, of the items to use.

    Returns:
        The axes; and a row per country: columns of `_POINT`, n, and a column per item with its mean.

    Raises:
        InputError: too few countries, or no respondents, have all items; or two items have no correlation.
    """
    if people.responses is None:
        means = score_countries(people.shares, items)
        complete = means.dropna()
        if len(complete) < LEAST_COUNTRIES:
            raise InputError(
                "config: scoring.map",
                f"{len(complete)} countries of the survey have all {means.shape[1]} items, and the axes need "
                f"{LEAST_COUNTRIES}",
                "Use a survey with more countries, or set scoring.map: null",
            )
        axes = fit_axes(complete, items, people.level)
        return axes, means.join(_points_of_countries(axes, means, items, people.shares)).assign(n=pd.NA)
    scores = score_respondents(people.responses, items, people.scales)
    axes = fit_axes(scores, items, people.level)
    return axes, _points_of_respondents(axes, scores, people.responses)


def _points_of_countries(axes: Axes, means: pd.DataFrame, items: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Coordinates of countries from the means of their items; errors of different answers count as independent."""
    variance = variance_of_parts(shares, items).reindex(means.index)
    slopes = pd.DataFrame(axes.slopes, index=list(axes.items)).loc[items["item"]].to_numpy()
    covariance = np.einsum("cp,pi,pj->cij", variance[list(items.index)].to_numpy(float), slopes, slopes)
    return _as_points(axes.project(means[list(axes.items)].to_numpy()), covariance, means.index)


def _points_of_respondents(axes: Axes, scores: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Weighted mean of the coordinates of each country's respondents who answered all items.

    Raises:
        InputError: nobody answered all items.
    """
    complete = scores.notna().all(axis=1) & (responses["weight"] > 0)
    if not complete.any():
        counts = ", ".join(f"{item} {count:,}" for item, count in scores.notna().sum().sort_values().items())
        raise InputError(
            "config: scoring.map",
            f"no respondent has all {scores.shape[1]} items; respondents by item: {counts}",
            "Set scoring.map.level: countries. Or leave the probes of items that were not asked together out of "
            "probes.only, or set scoring.map: null",
        )
    scores, weight = scores[complete], responses.loc[complete, "weight"]
    tables = []
    for country, rows in scores.groupby(responses.loc[complete, "country"].astype(str)):
        w = weight.loc[rows.index].to_numpy()[:, None]
        points = axes.project(rows.to_numpy())
        mean = (w * points).sum(axis=0) / w.sum()
        away = w * (points - mean)
        point = _as_points(mean[None], (away.T @ away / w.sum() ** 2)[None], [country])
        items = pd.DataFrame((w * rows.to_numpy()).sum(axis=0)[None] / w.sum(), [country], list(rows))
        tables.append(items.join(point).assign(n=len(rows)))
    return pd.concat(tables).rename_axis("country")


def _as_points(points: np.ndarray, covariance: np.ndarray, index: object) -> pd.DataFrame:
    """Columns of `_POINT` from coordinates (rows x 2) and their covariances (rows x 2 x 2)."""
    errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.clip(covariance[:, 0, 1] / errors.prod(axis=1), -1, 1)
    return pd.DataFrame(np.column_stack([points, errors, correlation]), index=index, columns=_POINT)


def see_people(shares: pd.DataFrame, bank: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    """Points of the countries through the two options of the probes, where a model with the people's shares would be.

    Args:
        shares: as `share_answers` returns them.
        bank: the rows of a `Bank` table of the probes.

    Returns:
        A row per country: survival and traditional, empty where a probe has no answers.
    """
    probes = bank.set_index("probe").loc[projection.probes]
    found = {}
    for probe in probes.itertuples():
        rows = shares[shares["question"] == probe.question]
        a, b = (rows["code"].isin(list(parse_codes(codes))) for codes in (probe.pole_a, probe.pole_b))
        sums = [rows["share"].where(side, 0).groupby(rows["country"]).sum() for side in (a, b)]
        found[probe.Index] = sums[0] / (sums[0] + sums[1])
    table = pd.DataFrame(found)
    return pd.DataFrame(projection.project(table.to_numpy()), index=table.index, columns=AXES)


def place_models(
    scores: pd.DataFrame, items: pd.DataFrame, projection: Projection, draws: int, seed: int
) -> pd.DataFrame:
    """Each model's point in each arm and country, with the spread over sources, seeds and frames.

    Args:
        scores: `Scores` tables, stacked.
        items: a `MapItems` table with the probes of the projection.

    Returns:
        Columns model, language, arm, country, those of `_POINT`, items, missing, n, unanswered.
    """
    cells = scores[scores["probe"].isin(projection.probes)]
    rows = []
    for key, of_arm in cells.groupby(["model", "language", "arm", "country"], observed=True, sort=True):
        answered = of_arm[of_arm["answered"] & of_arm["p_a"].notna()]
        absent = items[~items["probe"].isin(answered["probe"])]["item"].unique()
        point = np.full(5, np.nan)
        if not len(absent):
            p = answered.groupby("probe", observed=True)["p_a"].mean().loc[projection.probes]
            found = resample_points(answered, projection.probes, projection.slopes.to_numpy(), draws, seed)
            here = projection.project(p.to_numpy())
            point = _as_points(here[None], np.cov(found.T)[None], [0]).iloc[0].to_numpy()
        used = items["item"].nunique() - len(absent)
        rows.append((*key, *point, used, " ".join(absent), len(answered), len(of_arm) - len(answered)))
    columns = ["model", "language", "arm", "country", *_POINT, "items", "missing", "n", "unanswered"]
    return pd.DataFrame(rows, columns=columns)


def resample_points(
    cells: pd.DataFrame, probes: Sequence[str], slopes: np.ndarray, draws: int, seed: int
) -> np.ndarray:
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
    coordinates: np.ndarray = np.where(known.any(axis=2), means, mean) @ slopes
    return coordinates


def estimate_map(
    scores: pd.DataFrame,
    people: MapPeople,
    tables: MapTables,
    least: int,
    draws: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The points of people and models, and the axes that they are placed by.

    Args:
        scores: `Scores` tables, stacked.
        least: items that a map needs.

    Returns:
        A `Map` table and a `MapAxes` table.

    Raises:
        InputError: too few items or countries are left.
    """
    asked = set(scores["probe"].unique()) & set(people.bank["probe"])
    reasons = why_left_out(tables.items, asked, set(people.shares["question"]))
    used = tables.items[~tables.items["item"].isin(reasons)].reset_index(drop=True)
    if used["item"].nunique() < least:
        why = "; ".join(f"{item}: {reason}" for item, reason in reasons.items())
        raise InputError(
            "config: scoring.map",
            f"{used['item'].nunique()} items are left, and the map needs {least} ({why})",
            "Add the probes to probes.only, use a survey with these questions, or set scoring.map: null",
        )
    axes, codes = find_axes(used, people)
    seen = read_two_options(people.shares, used, people.bank)
    projection = project_probes(axes, used, seen)
    options = see_people(people.shares, people.bank, projection)
    models = place_models(scores, used, projection, draws, seed)
    models["distance"] = _apart(models[AXES], options.reindex(models["country"])[AXES])
    table = pd.concat([_tabulate_people(codes, options, axes, tables.published), models.assign(view="options")])
    table["zone"] = table["country"].map(tables.zones.set_index("country")["zone"])
    table = table.assign(level=people.level).reindex(columns=Map.names())
    return table.astype({"n": "Int64", "unanswered": "Int64"}), describe_axes(axes, tables.items, reasons)


def _tabulate_people(codes: pd.DataFrame, options: pd.DataFrame, axes: Axes, published: pd.DataFrame) -> pd.DataFrame:
    """The rows of the people in both views, with the published coordinates.

    Args:
        codes: points from all answer codes, as `find_axes` returns them.
        options: points through two options, as `see_people` returns them.
        published: a `MapPublished` table.
    """
    means = codes[list(axes.items)]
    of_codes = codes[[*_POINT, "n"]].assign(
        view="codes",
        items=means.notna().sum(axis=1),
        missing=[" ".join(means.columns[gone]) for gone in means.isna().to_numpy()],
    )
    away = _apart(options, codes.reindex(options.index)[AXES])
    kept = of_codes[["items", "missing", "n"]].reindex(options.index)
    of_options = options.assign(view="options", distance=away).join(kept)
    both = pd.concat([of_codes, of_options]).rename_axis("country").reset_index()
    coordinates = published.set_index("country").drop(columns="year").add_prefix("published_")
    return both.join(coordinates, on="country").assign(model=PEOPLE, language="", arm="")


def _apart(points: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Distance of each row's point to the other table's point in the same row."""
    distances: np.ndarray = np.sqrt(((points.to_numpy(float) - others.to_numpy(float)) ** 2).sum(axis=1))
    return distances


def describe_axes(axes: Axes, items: pd.DataFrame, reasons: dict[str, str]) -> pd.DataFrame:
    """What each item weighs, and why items are left out: a `MapAxes` table."""
    numbers = np.column_stack([axes.mean, axes.deviation, axes.loadings, axes.weights])
    columns = ["mean", "deviation", "loading_survival", "loading_traditional", "weight_survival", "weight_traditional"]
    table = pd.DataFrame(numbers, index=list(axes.items), columns=columns).reindex(items["item"].unique())
    table = table.assign(level=axes.level, units=axes.units, explained=axes.explained)
    table["reason"] = [reasons.get(item, "") for item in table.index]
    return table.rename_axis("item").reset_index()[MapAxes.names()]


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--distributions", type=readable, required=True, help="Weighted distributions (Parquet).")
@click.option("--responses", type=readable, help="Respondents (Parquet); without them the axes are the countries'.")
@bank_option
@click.option("--scales", type=readable, required=True, help="Answer scales of the questions (CSV).")
@click.option("--items", type=readable, required=True, help="Items of the map (CSV).")
@click.option("--zones", type=readable, required=True, help="Cultural zones of countries (CSV).")
@click.option("--published", type=readable, required=True, help="Published coordinates (CSV).")
@click.option("--least", type=click.IntRange(min=3), required=True, help="Items that a map needs.")
@click.option("--draws", type=click.IntRange(min=2), required=True, help="Bootstrap resamples.")
@click.option("--seed", type=int, required=True, help="Seed of the resamples.")
@click.option("--axes", type=writable, required=True, help="Items and their weights (CSV).")
@click.option("--output", type=writable, required=True, help="Points of the map (CSV).")
def command(
    scores: tuple[Path, ...],
    distributions: Path,
    responses: Path | None,
    bank: Path,
    scales: Path,
    items: Path,
    zones: Path,
    published: Path,
    least: int,
    draws: int,
    seed: int,
    axes: Path,
    output: Path,
) -> None:
    """Place people and models on the Inglehart-Welzel cultural map."""
    listed = read_input(items, MapItems)
    probes = read_bank(bank)
    probes = probes[probes["probe"].isin(listed["probe"])]
    codes = read_scales(scales, probes)
    shares = share_answers(read_table(distributions, Distributions), listed, codes)
    people = MapPeople(shares, probes, codes, read_table(responses, Responses) if responses else None)
    tables = MapTables(listed, read_input(zones, MapZones), read_input(published, MapPublished))
    table, described = estimate_map(read_scores(scores), people, tables, least, draws, seed)
    write_estimates(table, output, Map)
    write_estimates(described, axes, MapAxes)
