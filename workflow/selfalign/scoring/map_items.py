"""The items of the Inglehart-Welzel cultural map: their scores in respondents, countries and probes.

The items and their formulas are Inglehart and Welzel (2005).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfalign.probes.bank import parse_codes
from selfalign.scoring.map_axes import AXES, Axes


def score_item_codes(codes: pd.Series, counts: str) -> pd.Series:
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
        score = score_item_codes(codes, part.counts).where(codes.notna())
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
    means, found = {}, {}
    for part in items.itertuples():
        rows = shares[shares["question"] == part.question]
        means[part.Index] = (rows["share"] * score_item_codes(rows["code"], part.counts)).groupby(rows["country"]).sum()
    table = pd.DataFrame(means)
    for item, parts in items.groupby("item", sort=False):
        found[item] = (table[parts.index] * parts["sign"].to_numpy()).sum(axis=1, skipna=False) + parts["base"].iloc[0]
    return pd.DataFrame(found)


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
        score = score_item_codes(pd.Series(share.index, share.index), part.counts)
        sides = [share.index.isin(list(parse_codes(probes.loc[part.probe, side]))) for side in ("pole_a", "pole_b")]
        a, b = (float((share * score)[side].sum() / share[side].sum()) for side in sides)
        neither = ~(sides[0] | sides[1])
        rest = float((share * score)[neither].sum())
        poled = 1 - float(share[neither].sum())
        base[part.Index], slope[part.Index] = rest + poled * b, poled * (a - b)
    return TwoOptions(pd.Series(base), pd.Series(slope))


@dataclass(frozen=True)
class Projection:
    """The coordinates as a linear function of the probabilities of pole A.

    Attributes:
        slopes: a row per probe and a column per axis.
        constant: the coordinates where all probabilities are 0.
    """

    slopes: pd.DataFrame
    constant: np.ndarray

    @property
    def probes(self) -> list[str]:
        """The probes, in the order of the slopes."""
        return list(self.slopes.index)

    def project(self, p_a: np.ndarray) -> np.ndarray:
        """Coordinates of probabilities.

        Args:
            p_a: probes on the last axis, in the order of `probes`.

        Returns:
            survival and traditional on the last axis.
        """
        coordinates: np.ndarray = p_a @ self.slopes.to_numpy() + self.constant
        return coordinates


def project_probes(axes: Axes, items: pd.DataFrame, seen: TwoOptions) -> Projection:
    """How the coordinates follow from the probabilities of pole A.

    Args:
        items: a `MapItems` table with the items of the axes.
        seen: of the same parts.
    """
    place = {item: number for number, item in enumerate(axes.items)}
    of_item = axes.slopes[[place[item] for item in items["item"]]]
    slopes = of_item * (items["sign"].to_numpy() * seen.slope.loc[items.index].to_numpy())[:, None]
    bases = items.drop_duplicates("item").set_index("item")["base"].loc[list(axes.items)].to_numpy(float)
    start = pd.Series(bases, list(axes.items))
    start = start.add((items["sign"] * seen.base.loc[items.index]).groupby(items["item"]).sum())
    constant = axes.project(start.loc[list(axes.items)].to_numpy())
    return Projection(pd.DataFrame(slopes, index=items["probe"].to_numpy(), columns=AXES), constant)


def variance_of_parts(shares: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Sampling variance of the mean score of each part in each country, linearised for the weights.

    Returns:
        A row per country, a column per part; empty where no weights are published.
    """
    found = {}
    for part in items.itertuples():
        rows = shares[shares["question"] == part.question]
        score = score_item_codes(rows["code"], part.counts)
        mean = (rows["share"] * score).groupby(rows["country"]).sum()
        squared = rows["weight_squared"] * (score - rows["country"].map(mean)) ** 2
        by = rows["country"]
        found[part.Index] = squared.groupby(by).sum(min_count=1) / rows["weight"].groupby(by).sum(min_count=1) ** 2
    return pd.DataFrame(found)


def _counted(scales: pd.DataFrame, question: str) -> dict[int, int]:
    rows = scales[scales["question"] == question].dropna(subset="counted")
    return dict(zip(rows["code"], rows["counted"].astype(int), strict=True))
