"""Does a model's similarity with countries on some topics say anything about other topics?

For every way to divide the categories of probes into two halves, countries are ranked by their similarity with the
model in each half: the mean soft alignment over the half's probes. Spearman's correlation of the two rankings says
whether one half can be extrapolated to the other. Khan, Casper and Hadfield-Menell (2025, arXiv:2503.08688) ask this
of measures of cultural alignment.

Three references need no model: each country's people, an even guess, and random answers. Neither guess has values, so
a model's correlation means nothing unless it differs from both. Without RUN only the references are printed, from the
example survey's counts and the whole bank. docs/findings/topics.md has the results.

    python benchmarks/extrapolation.py [RUN] [--arm zero_shot] [--draws 200] [--seed 1] [--output FILE]
"""

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import click
import numpy as np
import pandas as pd
from kept_tables import keep_table
from scipy import stats
from selfalign.errors import InputError, exit_on_mistake
from selfalign.probes.bank import read_bank
from selfalign.probes.map_poles import map_poles
from selfalign.probes.schemas import Poles
from selfalign.runs import find_run
from selfalign.scoring.inputs import read_scores
from selfalign.survey.schemas import Counts
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input, read_table

RESOURCES = Path(__file__).resolve().parent.parent / "resources"


def list_halves(categories: list[str]) -> list[set[str]]:
    """The first half of each way to divide categories into two halves; with an odd number, the smaller half.

    Args:
        categories: sorted.
    """
    size = len(categories) // 2
    halves = [set(half) for half in combinations(categories, size)]
    return [half for half in halves if 2 * size < len(categories) or categories[0] in half]


def extrapolate(answers: pd.Series, shares: pd.DataFrame, category: pd.Series) -> pd.DataFrame:
    """How similarities with countries in one half of the categories agree with those in the other.

    Args:
        answers: by probe, the probability of pole A.
        shares: countries x probes, the people's share of pole A; NaN where they were not asked.
        category: by probe.

    Returns:
        A row per division: columns correlation (Spearman's, over countries) and same (whether the most similar country
        is the same in both halves).
    """
    probes = answers.index.intersection(shares.columns)
    likeness = 1 - (shares[probes] - answers[probes]).abs()
    by_category = likeness.T.groupby(category[probes])
    sums, asked = by_category.sum(), by_category.count()
    halves = [sums.index.isin(half) for half in list_halves(list(sums.index))]
    one, other = (
        (chosen @ sums.to_numpy()) / (chosen @ asked.to_numpy())  # divisions x countries
        for chosen in (np.array(halves, float), 1 - np.array(halves, float))
    )
    ranks = [stats.rankdata(means, axis=1) - (len(shares) + 1) / 2 for means in (one, other)]
    products = [(a * b).sum(axis=1) for a, b in ((ranks[0], ranks[1]), (ranks[0], ranks[0]), (ranks[1], ranks[1]))]
    correlation = products[0] / np.sqrt(products[1] * products[2])
    return pd.DataFrame({"correlation": correlation, "same": one.argmax(axis=1) == other.argmax(axis=1)})


def summarise(found: pd.DataFrame) -> dict[str, float]:
    """Median and 5 to 95 % of the correlations, and the share of divisions with the same most similar country."""
    low, median, high = np.quantile(found["correlation"], [0.05, 0.5, 0.95])
    return {"median": median, "low": low, "high": high, "same": found["same"].mean(), "divisions": len(found)}


def average(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Means of the summaries of several answerers, and 5 and 95 % of their medians and of their shares `same`."""
    rows = pd.DataFrame([summarise(found) for found in tables])
    few, many = rows[["median", "same"]].quantile([0.05, 0.95]).to_numpy()
    ends = {"medians: 5 %": few[0], "medians: 95 %": many[0], "same: 5 %": few[1], "same: 95 %": many[1]}
    return rows.mean().to_dict() | ends


def compare_references(shares: pd.DataFrame, category: pd.Series, draws: int, seed: int) -> dict[str, dict[str, float]]:
    """The same statistic of the people of each country, of an even guess, and of random answers.

    Args:
        shares: countries x probes, the people's share of pole A; NaN where they were not asked.
        category: by probe.
        draws: how often all probes are answered at random: probabilities of pole A between 0 and 1.
        seed: of these draws.
    """
    category = category.sort_index()  # so that a run and the example have the same random answers
    numbers = np.random.default_rng(seed).random((draws, len(category)))
    people = (
        extrapolate(answers.dropna(), shares.drop(index=country), category)
        for country, answers in shares[category.index].iterrows()
    )
    return {
        "people, mean of countries": average(people),
        "even guess": summarise(extrapolate(pd.Series(0.5, category.index), shares, category)),
        "random answers, mean of draws": average(
            extrapolate(pd.Series(row, category.index), shares, category) for row in numbers
        ),
    }


def read_example() -> tuple[pd.DataFrame, pd.Series]:
    """Shares of pole A (countries x probes) of the example survey, and the category of each probe of the bank."""
    counts = read_input(RESOURCES / "survey" / "example" / "counts.csv", Counts)
    number = counts["count"]
    bank = read_bank(RESOURCES / "probes" / "probes.csv").query("on_request != 'yes'")
    poles = map_poles(weigh(counts.assign(n=number, weight=number, weight_squared=number)), bank)
    shares = poles.pivot(index="country", columns="probe", values="share_a")
    return shares, bank.set_index("probe")["category"].astype(str)


def compare_models(folder: Path, arm: str) -> tuple[dict[str, dict[str, float]], pd.DataFrame, pd.Series]:
    """The statistic of each model and language of a run, the people's shares, and the category of each probe.

    Args:
        folder: of the run.
        arm: whose prompts name no country.

    Raises:
        InputError: the run has no answers of this arm, or they depend on the country.
    """
    scores = read_scores(sorted(folder.glob("scores/*/*.parquet")))
    cells = scores[(scores["arm"] == arm) & scores["answered"]].astype({"probe": str, "category": str})
    if cells.empty:
        raise InputError("--arm", "the run has no answered cells of this arm", "Name another arm", value=arm)
    if (cells.groupby(["model", "language", "probe"], observed=True)["p_a"].nunique() > 1).any():
        raise InputError("--arm", "its answers depend on the country", "Name an arm such as zero_shot", value=arm)
    poles = read_table(folder / "people/poles.parquet", Poles)
    shares = poles.pivot(index="country", columns="probe", values="share_a")
    category = cells.drop_duplicates("probe").set_index("probe")["category"]
    rows = {}
    for (model, language), own in cells.groupby(["model", "language"], observed=True):
        answers = own.drop_duplicates("probe").set_index("probe")["p_a"]
        rows[f"{model}, {language}"] = summarise(extrapolate(answers, shares, category))
    return rows, shares, category


@click.command()
@click.argument("run", required=False)
@click.option("--arm", default="zero_shot", show_default=True, help="An arm whose prompts name no country.")
@click.option("--draws", default=200, show_default=True, help="Random answerers.")
@click.option("--seed", default=1, show_default=True, help="Of the random answers.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the table (CSV).")
def main(run: str | None, arm: str, draws: int, seed: int, output: Path | None) -> None:
    """Print the correlations of each model and language of RUN, and of the references."""
    with exit_on_mistake():
        if run:
            rows, shares, category = compare_models(find_run(run).folder, arm)
        else:
            rows, (shares, category) = {}, read_example()
        rows |= compare_references(shares, category, draws, seed)
        table = pd.DataFrame(rows).T
        print(table.round(2).to_string(na_rep=""))
    keep_table(table.rename_axis("model").reset_index(), output)


if __name__ == "__main__":
    main()
