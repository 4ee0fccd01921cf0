"""Step compute_metrics: every metric of every arm and country, and the same metric of the baselines."""

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd

from selfalign.options import need, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.scoring import metrics
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.inputs import read_all_scores
from selfalign.scoring.items import (
    ANSWER_SERIES,
    cells_of_scales,
    cells_of_scores,
    nearest_of_poles,
    options_of_poles,
    options_of_scales,
    people_of_poles,
    people_of_scales,
)
from selfalign.scoring.metrics import METRICS, Array, Metric
from selfalign.scoring.people import People, places
from selfalign.scoring.schemas import ALL, Metrics, ScaleScores
from selfalign.scoring.unanswered import COUNTS_AS
from selfalign.tables import read_table, write_estimates


class MetricValue(NamedTuple):
    """A metric's value, and the number of its items."""

    value: float
    items: int


_SCORED = ["value", "uniform", "world", "nearest", "ceiling"]


class Scorer:
    """Computes metrics of models, and of the baselines on the same items.

    It keeps the metrics of the baselines, because many series share them.

    Args:
        people: what the people answer.
        rule: how a cell without an answer counts in the agreement: half (as an even guess over the item's options),
            wrong or left_out. The other metrics leave it out.
    """

    def __init__(self, people: People, rule: str = "half") -> None:
        self.people, self.rule = people, rule
        self._of_items: dict[tuple[int, bytes], dict[str, dict[str, MetricValue]]] = {}
        self._of_patterns: dict[tuple[tuple[int, ...], bytes], dict[str, dict[str, MetricValue]]] = {}

    def compute(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Every metric of each series and country, and of the baselines on the same items.

        A metric of an item is averaged over its sources, seeds and frames, then over items. A metric across items is
        computed for each source, seed and frame, then averaged. If answers were averaged first, they would be
        smoother than each of them, which would favour an arm with many of them.

        Args:
            cells: what the models answer: model, language, arm, country, source, seed, template, item, option, p, for
                every option of an item; p is null in cells without an answer.

        Returns:
            A `Metrics` table without its column asks.
        """
        tables = []
        for series, group in cells.groupby(ANSWER_SERIES, sort=True):
            countries, answers, asked = _lay_out_cells(self.people, group)
            each = pd.concat(
                self._compare(country, answers[:, :, place], asked[:, :, place])
                for place, country in enumerate(countries)
            )
            table = pd.concat([each, _average(each), self._compare_patterns(countries, answers)])
            tables.append(table.assign(**dict(zip(ANSWER_SERIES, series, strict=True))))
        return pd.concat(tables, ignore_index=True)

    def _compare(self, country: int, answers: Array, asked: Array) -> pd.DataFrame:
        """Rows of one country.

        Args:
            country: its place.
            answers: sources x runs x items x options.
            asked: sources x runs x items.
        """
        people = self.people
        answers, asked = answers.reshape(-1, *people.positions.shape), asked.reshape(-1, len(people.items))
        answered = ~np.isnan(answers).all(axis=(0, 2))
        scored = {"value": _measure(people, country, answers, answered)}
        scored |= self._score_baselines(country, answered)
        items = dict.fromkeys(scored["value"], answered.sum())
        refused = asked & np.isnan(answers).any(axis=-1)
        if refused.any() and self.rule != "left_out":
            counted = np.asarray(asked.any(axis=0))
            items["agreement"] = counted.sum()
            for who, values in self._score_baselines(country, counted).items():
                scored[who] = scored[who] | {"agreement": values["agreement"]}
            scored["value"]["agreement"] = self._agree_with_refusals(country, answers, refused)
        near = people.neighbours[country]
        return _as_rows(scored, items).assign(
            country=people.countries[country], nearest_country=people.countries[near] if near >= 0 else ""
        )

    def _score_baselines(self, country: int, items: Array) -> dict[str, dict[str, MetricValue]]:
        """Metrics of all baselines of a country on some items, by name of their column."""
        key = country, items.tobytes()
        if key not in self._of_items:
            found = self.people.baselines(country)
            self._of_items[key] = {name: _measure(self.people, country, p, items) for name, p in found}
        return self._of_items[key]

    def _agree_with_refusals(self, country: int, answers: Array, refused: Array) -> MetricValue:
        """Agreement in which a refusal counts as half (an even guess over the item's options), or as wrong."""
        guess = metrics.agreement(self.people.uniform, self.people.shares[country])
        counted = guess if self.rule == "half" else guess * COUNTS_AS[self.rule]
        values = np.where(refused, counted, metrics.agreement(answers, self.people.shares[country]))
        mean = _mean(values, axis=0)
        return MetricValue(float(_mean(mean)), int((~np.isnan(mean)).sum()))

    def _compare_patterns(self, countries: list[int], answers: Array) -> pd.DataFrame:
        """The rows of the metrics across countries, over all countries of a series.

        The mean of the other countries has no value: neither the baseline world, nor an arm with several sources. Its
        deviation from the mean of all countries is the country's own deviation with the opposite sign, divided by a
        constant. So its correlations between items are exactly those of the people. Uniform answers do not vary, so
        they have no correlations.
        """
        items = ~np.isnan(answers).all(axis=(0, 1, 2, 4))
        positions = self.people.positions[items]
        x, y = (metrics.mean_answer(p[..., items, :], positions) for p in (answers, self.people.shares[countries]))
        x = x[0] if len(x) == 1 else np.full_like(x[0], np.nan)
        row = {"value": _measure_pattern(x, y), **self._patterns_of_baselines(countries, items, y)}
        return _as_rows(row, {metric.name: items.sum() for metric in _registered("countries")}).assign(
            country=ALL, nearest_country=""
        )

    def _patterns_of_baselines(self, countries: list[int], items: Array, y: Array) -> dict[str, dict[str, MetricValue]]:
        """Metrics across countries of the baselines, by name of their column.

        Args:
            countries: their places.
            items: whether each item is used.
            y: the people's mean answers: countries x used items.
        """
        key = tuple(countries), items.tobytes()
        if key not in self._of_patterns:
            people, positions = self.people, self.people.positions[items]
            near = metrics.mean_answer(people.nearest[countries][:, items], positions)[None]
            samples = [metrics.mean_answer(people.ceiling(one)[:, items], positions) for one in countries]
            again = np.stack(samples, axis=1)
            self._of_patterns[key] = {"nearest": _measure_pattern(near, y), "ceiling": _measure_pattern(again, y)}
        return self._of_patterns[key]


def _lay_out_cells(people: People, cells: pd.DataFrame) -> tuple[list[int], Array, Array]:
    """A series' countries, and its answers as arrays.

    Sources are numbered within a country, so that there is one where each country is shown its own answers.

    Returns:
        Places of the countries; answers: sources x (seeds and frames) x countries x items x options, NaN where an
        item was not asked or not answered; whether an item was asked: the same without the options.
    """
    country, item = places(people.countries, cells["country"]), places(people.items, cells["item"])
    countries = sorted(set(country))
    country = np.searchsorted(countries, country)
    named = cells.assign(source=pd.factorize(cells["source"], sort=True)[0])  # also of a categorical column
    source = named.groupby("country")["source"].rank("dense").to_numpy(int) - 1
    run = cells.groupby(["seed", "template"]).ngroup().to_numpy()
    option = people.options[pd.MultiIndex.from_frame(cells[["item", "option"]])].to_numpy()
    answers = np.full((source.max() + 1, run.max() + 1, len(countries), *people.positions.shape), np.nan)
    answers[source, run, country, item] = 0  # for the options that other items have more of
    answers[source, run, country, item, option] = cells["p"]
    asked = np.asarray(~np.isnan(answers).all(axis=-1))
    asked[source, run, country, item] = True
    answers[np.isnan(answers).any(axis=-1)] = np.nan
    return countries, answers, asked


def _measure(people: People, country: int, p: Array, items: Array) -> dict[str, MetricValue]:
    """Every metric of one country, of answers p (replicates x items x options) to some items."""
    chosen = [*_registered("options"), *_registered("scale"), *_registered("items")]
    if not items.any():
        return {metric.name: MetricValue(np.nan, 0) for metric in chosen}
    p, q, positions = p[:, items], people.shares[country, items], people.positions[items]
    return {metric.name: _measure_one(metric, p, q, positions) for metric in chosen}


def _registered(over: str) -> list[Metric]:
    return [metric for metric in METRICS.values() if metric.over == over]


def _measure_one(metric: Metric, p: Array, q: Array, positions: Array) -> MetricValue:
    """A metric's mean over replicates, and for metrics of an item, over items."""
    if metric.over == "items":
        x, y = metrics.mean_answer(p, positions), metrics.mean_answer(q, positions)
        both = int(((~np.isnan(x)).any(axis=0) & ~np.isnan(y)).sum())
        return MetricValue(float(_mean(metric.compare(x, np.broadcast_to(y, x.shape)))), both)
    mean = _mean(metric.compare(p, q, positions), axis=0)
    return MetricValue(float(_mean(mean)), int((~np.isnan(mean)).sum()))


def _measure_pattern(x: Array, y: Array) -> dict[str, MetricValue]:
    """Mean over replicates, the first axis of x."""
    used = metrics.varying_items(x, y).any(axis=0).sum()
    values = {metric.name: float(_mean(metric.compare(x, y))) for metric in _registered("countries")}
    return {name: MetricValue(value, 0 if np.isnan(value) else int(used)) for name, value in values.items()}


def _as_rows(scored: dict[str, dict[str, MetricValue]], items: dict[str, int]) -> pd.DataFrame:
    """One row per metric: the model's value, those of the baselines, and numbers of items.

    Args:
        scored: values, by column and metric.
        items: by metric, the number of items that it could apply to.
    """
    names = list(scored["value"])
    columns = {who: [scored[who][name].value if who in scored else np.nan for name in names] for who in _SCORED}
    probes, asked = np.array([(scored["value"][name].items, items[name]) for name in names]).T
    return pd.DataFrame(
        {
            "metric": names,
            **columns,
            "probes": probes,
            "not_applicable": np.array([items[name] for name in names]) - probes,
        }
    )


def _average(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean of the countries; empty if one has no value, because the mean of the rest is another quantity."""
    groups = rows.groupby("metric", sort=False)
    means = groups[_SCORED].agg(lambda values: values.mean(skipna=False))
    return means.join(groups[["probes", "not_applicable"]].max()).reset_index().assign(country=ALL, nearest_country="")


def _mean(values: Array, axis: int | None = None) -> Array:
    """Mean of the known values; NaN if none is known."""
    count = (~np.isnan(values)).sum(axis=axis)
    mean: Array = np.nansum(values, axis=axis) / np.where(count > 0, count, np.nan)
    return mean


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--scales", type=readable, multiple=True, help="Scores on whole scales (Parquet).")
@click.option("--spread", type=readable, help="How the people spread over whole scales (Parquet).")
@poles_option
@bank_option
@click.option("--samples", type=click.IntRange(min=1), required=True, help="Second samples of people, for the ceiling.")
@click.option("--seed", type=int, required=True, help="Seed of these samples.")
@click.option("--rule", type=click.Choice(list(COUNTS_AS)), required=True, help="How a cell without an answer counts.")
@click.option("--output", type=writable, required=True, help="Metrics (CSV).")
def command(
    scores: tuple[Path, ...],
    scales: tuple[Path, ...],
    spread: Path | None,
    poles: Path,
    bank: Path,
    samples: int,
    seed: int,
    rule: str,
    output: Path,
) -> None:
    """Compute every metric of every arm and country, and of the baselines."""
    answered, probes = read_table(poles, Poles), read_bank(bank)
    sampled = nearest_of_poles(answered), samples, seed
    tables = []
    every = read_all_scores(scores)
    for way in ("poles", "share"):
        if len(cells := every[every["asks"] == way]):
            people = People.lay_out(people_of_poles(answered), options_of_poles(probes), *sampled)
            tables.append(Scorer(people, rule).compute(cells_of_scores(cells)).assign(asks=way))
    if scales:
        cells = pd.concat([read_table(path, ScaleScores) for path in scales], ignore_index=True)
        spread = read_table(need(spread, "--spread", "--scales is given"), PeopleScales)
        people = People.lay_out(people_of_scales(spread, answered, probes), options_of_scales(spread), *sampled)
        tables.append(Scorer(people, rule).compute(cells_of_scales(cells)).assign(asks="scale"))
    table = pd.concat(tables, ignore_index=True)[Metrics.names()]
    write_estimates(table, output, Metrics)
