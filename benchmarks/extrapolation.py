"""Does a model's similarity with countries on some topics say anything about other topics?

For every way to divide the categories of probes into two halves, countries are ranked by their similarity with the
model in each half: the mean soft alignment over the half's probes. Spearman's correlation of the two rankings says
whether one half can be extrapolated to the other. Khan, Casper and Hadfield-Menell (2025, arXiv:2503.08688) ask this
of measures of cultural alignment. The same is computed for each country's people instead of the model, as a reference.

    python benchmarks/extrapolation.py RUN [--arm zero_shot]
"""

from itertools import combinations

import click
import numpy as np
import pandas as pd
from scipy import stats
from selfalign.errors import InputError, exit_on_mistake
from selfalign.probes.schemas import Poles
from selfalign.runs import find_run
from selfalign.scoring.inputs import read_scores
from selfalign.tables import read_table


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
    of_probe = category[probes]
    rows = []
    for half in list_halves(sorted(of_probe.unique())):
        within = of_probe.isin(half).to_numpy()
        one, other = likeness.loc[:, within].mean(axis=1), likeness.loc[:, ~within].mean(axis=1)
        rows.append((stats.spearmanr(one, other).statistic, one.idxmax() == other.idxmax()))
    return pd.DataFrame(rows, columns=["correlation", "same"])


def summarise(found: pd.DataFrame) -> dict[str, float]:
    """Median and 5 to 95 % of the correlations, and the share of divisions with the same most similar country."""
    low, median, high = np.quantile(found["correlation"], [0.05, 0.5, 0.95])
    return {"median": median, "low": low, "high": high, "same": found["same"].mean(), "divisions": len(found)}


@click.command()
@click.argument("run")
@click.option("--arm", default="zero_shot", help="An arm whose prompts name no country.")
def main(run: str, arm: str) -> None:
    """Print the correlations for each model and language, and for the people of the countries."""
    with exit_on_mistake():
        folder = find_run(run).folder
        scores = read_scores(sorted(folder.glob("scores/*/*.parquet")))
        cells = scores[(scores["arm"] == arm) & scores["answered"]].astype({"probe": str, "category": str})
        if cells.empty:
            raise InputError("--arm", "the run has no answered cells of this arm", "Name another arm", value=arm)
        if (cells.groupby(["model", "language", "probe"], observed=True)["p_a"].nunique() > 1).any():
            raise InputError("--arm", "its answers depend on the country", "Name an arm such as zero_shot", value=arm)
        shares = read_table(folder / "human/poles.parquet", Poles).pivot(
            index="country", columns="probe", values="share_a"
        )
        category = cells.drop_duplicates("probe").set_index("probe")["category"]
        rows = {}
        for (model, language), own in cells.groupby(["model", "language"], observed=True):
            answers = own.drop_duplicates("probe").set_index("probe")["p_a"]
            rows[f"{model}, {language}"] = summarise(extrapolate(answers, shares, category))
        people = [
            summarise(extrapolate(answers.dropna(), shares.drop(index=country), category))
            for country, answers in shares[category.index].iterrows()
        ]
        rows["people, mean of countries"] = pd.DataFrame(people).mean().to_dict()
        print(pd.DataFrame(rows).T.round(2).to_string())


if __name__ == "__main__":
    main()
