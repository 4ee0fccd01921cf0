"""Step compute_metrics: every metric of every arm and country, and the same metric of the baselines."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.options import need, readable, writable
from selfalign.population import country_of
from selfalign.probes.bank import read_bank
from selfalign.probes.cultures import find_nearest, measure_distances
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.scoring import baselines, metrics
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.inputs import read_all_scores
from selfalign.scoring.metrics import METRICS, Array, Metric
from selfalign.scoring.people import People, places
from selfalign.scoring.schemas import ALL, Metrics, ScaleScores
from selfalign.scoring.unanswered import COUNTS_AS
from selfalign.tables import read_table, write_estimates

Value = tuple[float, int]
"""A metric's value, and the number of its items."""

Baselines = dict[tuple[object, ...], dict[str, dict[str, Value]]]
"""Metrics of the baselines: by countries and items, by the baseline's column, and by the metric's name."""

_SERIES = ["model", "language", "arm"]
_SCORED = ["value", "uniform", "world", "nearest", "ceiling"]


def options_of_poles(bank: pd.DataFrame) -> pd.DataFrame:
    """The options of two-option mode: pole A at 1 of a scale and pole B at 0; without position where it is nominal.

    Args:
        bank: a `Bank` table.

    Returns:
        Columns item (the probe), option, position.
    """
    position = {"A": 1.0, "B": 0.0}
    table = bank[["probe", "scale"]].merge(pd.Series(list(position), name="option"), how="cross")
    table = table.assign(position=table["option"].map(position).where(table["scale"] != "nominal"))
    return table.rename(columns={"probe": "item"})[["item", "option", "position"]]


def people_of_poles(poles: pd.DataFrame) -> pd.DataFrame:
    """What the people answer in two-option mode.

    Args:
        poles: a `Poles` table.

    Returns:
        Columns country, item, option, share, and size: respondents of a simple random sample that the country's are
        worth; empty where the survey publishes no numbers.
    """
    share, error, n = (poles[column].to_numpy(float, na_value=np.nan) for column in ("share_a", "standard_error", "n"))
    people = poles[["country", "probe"]].rename(columns={"probe": "item"})
    people = people.assign(size=baselines.simple_sample_size(share, error, n))
    return pd.concat([people.assign(option="A", share=share), people.assign(option="B", share=1 - share)])


def options_of_scales(scales: pd.DataFrame) -> pd.DataFrame:
    """The options of whole scales: columns item (the question), option (the code), position.

    Args:
        scales: a `PeopleScales` table.
    """
    table = scales[["question", "code", "position"]].drop_duplicates(["question", "code"])
    return table.set_axis(["item", "option", "position"], axis=1).astype({"position": float})


def people_of_scales(scales: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """What the people answer on whole scales: columns country, item, option, share, size.

    The sample's size is its respondents over the design effect, which is that of the question's first probe.

    Args:
        scales: a `PeopleScales` table.
        poles: a `Poles` table.
        bank: a `Bank` table.
    """
    pole = (
        people_of_poles(poles)
        .drop_duplicates(["country", "item"])
        .merge(poles[["country", "probe", "n"]], left_on=["country", "item"], right_on=["country", "probe"])
    )
    pole["effect"] = pole["n"].astype(float) / pole["size"]
    effects = pole.merge(bank[["probe", "question"]], on="probe").drop_duplicates(["country", "question"])
    table = scales.merge(effects[["country", "question", "effect"]], "left", on=["country", "question"])
    asked = table.groupby(["country", "question"])["n"].transform(lambda n: n.sum(skipna=False)).astype(float)
    table["size"] = asked / table["effect"].fillna(1.0)
    columns = {"question": "item", "code": "option"}
    return table.rename(columns=columns)[["country", "item", "option", "share", "size"]]


def cells_of_scales(scores: pd.DataFrame) -> pd.DataFrame:
    """What the models answer on whole scales, each question once: probes of one question have the same answers.

    Args:
        scores: `ScaleScores` tables, stacked.

    Returns:
        Columns model, language, arm, country, source, seed, template, item, option, p; p is null in cells without an
        answer.
    """
    key = [*_SERIES, "country", "source", "seed", "template", "question", "code"]
    table = scores.drop_duplicates(key).rename(columns={"question": "item", "code": "option"})
    return table[[*_SERIES, "country", "source", "seed", "template", "item", "option", "p"]]


def nearest_of_poles(poles: pd.DataFrame) -> dict[str, str]:
    """The nearest other country of each country that shares a probe with another: see `probes.cultures`.

    That of a group is its country's.

    Args:
        poles: a `Poles` table.
    """
    distances = measure_distances(poles)
    compared = distances.columns[distances.notna().sum() > 1]
    nearest = {country: find_nearest(distances, country) for country in compared}
    people = poles["country"].unique()
    return {one: nearest[country_of(one)] for one in people if country_of(one) in nearest}


def cells_of_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """What the models answer in two-option mode.

    Args:
        scores: `Scores` tables, stacked.

    Returns:
        Columns model, language, arm, country, source, seed, template, item, option, p; p is null in cells without an
        answer.
    """
    cells = scores[[*_SERIES, "country", "source", "seed", "template"]].assign(item=scores["probe"])
    return pd.concat([cells.assign(option="A", p=scores["p_a"]), cells.assign(option="B", p=1 - scores["p_a"])])


def compute(cells: pd.DataFrame, people: People, rule: str = "half") -> pd.DataFrame:
    """Compute every metric of each series and country, and of the baselines on the same items.

    A metric of an item is averaged over its sources, seeds and templates, then over items. A metric across items is
    computed for each source, seed and template, then averaged. If answers were averaged first, they would be smoother
    than each of them, which would favour an arm with many of them.

    Args:
        cells: what the models answer: model, language, arm, country, source, seed, template, item, option, p, for every
            option of an item; p is null in cells without an answer.
        people: what the people answer.
        rule: how a cell without an answer counts in the agreement: half (as an even guess over the item's options),
            wrong or left_out. The other metrics leave it out.

    Returns:
        A `Metrics` table without its column asks.
    """
    known: Baselines = {}
    tables = []
    for series, group in cells.groupby(_SERIES, sort=True):
        countries, answers, asked = _lay_out_cells(people, group)
        each = pd.concat(
            _compare(people, country, answers[:, :, place], asked[:, :, place], rule, known)
            for place, country in enumerate(countries)
        )
        table = pd.concat([each, _average(each), _compare_patterns(people, countries, answers, known)])
        tables.append(table.assign(**dict(zip(_SERIES, series, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _lay_out_cells(people: People, cells: pd.DataFrame) -> tuple[list[int], Array, Array]:
    """A series' countries, and its answers as arrays.

    Sources are numbered within a country, so that there is one where each country is shown its own answers.

    Returns:
        Places of the countries; answers: sources x (seeds and templates) x countries x items x options, NaN where an
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


def _compare(people: People, country: int, answers: Array, asked: Array, rule: str, known: Baselines) -> pd.DataFrame:
    """Rows of one country.

    Args:
        people: what the people answer.
        country: its place.
        answers: sources x runs x items x options.
        asked: sources x runs x items.
        rule: how an item that was asked and not answered counts in the agreement.
        known: metrics of the baselines, which this function adds to; many series share them.
    """
    answers, asked = answers.reshape(-1, *people.positions.shape), asked.reshape(-1, len(people.items))
    answered = ~np.isnan(answers).all(axis=(0, 2))
    scored = {"value": _measure(people, country, answers, answered)}
    scored |= _score_baselines(people, country, answered, known)
    items = dict.fromkeys(scored["value"], answered.sum())
    refused = asked & np.isnan(answers).any(axis=-1)
    if refused.any() and rule != "left_out":
        counted = np.asarray(asked.any(axis=0))
        items["agreement"] = counted.sum()
        for who, values in _score_baselines(people, country, counted, known).items():
            scored[who] = scored[who] | {"agreement": values["agreement"]}
        scored["value"]["agreement"] = _agree_with_refusals(people, country, answers, refused, rule)
    near = people.neighbours[country]
    return _as_rows(scored, items).assign(
        country=people.countries[country], nearest_country=people.countries[near] if near >= 0 else ""
    )


def _score_baselines(people: People, country: int, items: Array, known: Baselines) -> dict[str, dict[str, Value]]:
    """Metrics of all baselines of a country on some items, by name of their column."""
    key = ("items", country, items.tobytes())
    if key not in known:
        known[key] = {name: _measure(people, country, p, items) for name, p in people.baselines(country)}
    return known[key]


def _agree_with_refusals(people: People, country: int, answers: Array, refused: Array, rule: str) -> Value:
    """Agreement in which a refusal counts as half, that is as an even guess over the item's options, or as wrong."""
    guess = metrics.agreement(people.uniform, people.shares[country])
    counted = guess if rule == "half" else guess * COUNTS_AS[rule]
    values = np.where(refused, counted, metrics.agreement(answers, people.shares[country]))
    mean = _mean(values, axis=0)
    return float(_mean(mean)), int((~np.isnan(mean)).sum())


def _measure(people: People, country: int, p: Array, items: Array) -> dict[str, Value]:
    """Every metric of one country, of answers p (replicates x items x options) to some items."""
    chosen = [*_registered("options"), *_registered("scale"), *_registered("items")]
    if not items.any():
        return {metric.name: (np.nan, 0) for metric in chosen}
    p, q, positions = p[:, items], people.shares[country, items], people.positions[items]
    return {metric.name: _measure_one(metric, p, q, positions) for metric in chosen}


def _registered(over: str) -> list[Metric]:
    return [metric for metric in METRICS.values() if metric.over == over]


def _measure_one(metric: Metric, p: Array, q: Array, positions: Array) -> Value:
    """A metric's mean over replicates, and for metrics of an item, over items."""
    if metric.over == "items":
        x, y = metrics.mean_answer(p, positions), metrics.mean_answer(q, positions)
        both = int(((~np.isnan(x)).any(axis=0) & ~np.isnan(y)).sum())
        return float(_mean(metric.function(x, np.broadcast_to(y, x.shape)))), both
    mean = _mean(metric.function(p, q, positions) if metric.over == "scale" else metric.function(p, q), axis=0)
    return float(_mean(mean)), int((~np.isnan(mean)).sum())


def _compare_patterns(people: People, countries: list[int], answers: Array, known: Baselines) -> pd.DataFrame:
    """The rows of the metrics across countries, over all countries of a series.

    The mean of the other countries has no value: neither the baseline world, nor an arm with several sources. Its
    deviation from the mean of all countries is the country's own deviation with the opposite sign, divided by a
    constant. So its correlations between items are exactly those of the people. Uniform answers do not vary, so they
    have no correlations.
    """
    items = ~np.isnan(answers).all(axis=(0, 1, 2, 4))
    positions = people.positions[items]
    x, y = (metrics.mean_answer(p[..., items, :], positions) for p in (answers, people.shares[countries]))
    key = ("pattern", *countries, items.tobytes())
    if key not in known:
        near = metrics.mean_answer(people.nearest[countries][:, items], positions)[None]
        again = np.stack([metrics.mean_answer(people.ceiling(one)[:, items], positions) for one in countries], axis=1)
        known[key] = {"nearest": _measure_pattern(near, y), "ceiling": _measure_pattern(again, y)}
    x = x[0] if len(x) == 1 else np.full_like(x[0], np.nan)
    row = {"value": _measure_pattern(x, y), **known[key]}
    return _as_rows(row, {metric.name: items.sum() for metric in _registered("countries")}).assign(
        country=ALL, nearest_country=""
    )


def _measure_pattern(x: Array, y: Array) -> dict[str, Value]:
    """Mean over replicates, the first axis of x."""
    used = metrics.varying_items(x, y).any(axis=0).sum()
    values = {metric.name: float(_mean(metric.function(x, y))) for metric in _registered("countries")}
    return {name: (value, 0 if np.isnan(value) else int(used)) for name, value in values.items()}


def _as_rows(scored: dict[str, dict[str, Value]], items: dict[str, int]) -> pd.DataFrame:
    """One row per metric: the model's value, those of the baselines, and numbers of items.

    Args:
        scored: values, by column and metric.
        items: by metric, the number of items that it could apply to.
    """
    names = list(scored["value"])
    columns = {who: [scored[who][name][0] if who in scored else np.nan for name in names] for who in _SCORED}
    probes, asked = np.array([(scored["value"][name][1], items[name]) for name in names]).T
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
@click.option("--human", type=readable, help="How the people spread over whole scales (Parquet).")
@poles_option
@bank_option
@click.option("--samples", type=click.IntRange(min=1), required=True, help="Second samples of people, for the ceiling.")
@click.option("--seed", type=int, required=True, help="Seed of these samples.")
@click.option("--rule", type=click.Choice(list(COUNTS_AS)), required=True, help="How a cell without an answer counts.")
@click.option("--output", type=writable, required=True, help="Metrics (CSV).")
def command(
    scores: tuple[Path, ...],
    scales: tuple[Path, ...],
    human: Path | None,
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
            tables.append(compute(cells_of_scores(cells), people, rule).assign(asks=way))
    if scales:
        cells = pd.concat([read_table(path, ScaleScores) for path in scales], ignore_index=True)
        spread = read_table(need(human, "--human", "--scales is given"), PeopleScales)
        people = People.lay_out(people_of_scales(spread, answered, probes), options_of_scales(spread), *sampled)
        tables.append(compute(cells_of_scales(cells), people, rule).assign(asks="scale"))
    table = pd.concat(tables, ignore_index=True)[Metrics.names()]
    write_estimates(table, output, Metrics)
