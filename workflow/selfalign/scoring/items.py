"""Items for the metrics: long tables of what people and models answer, from tables of poles and of whole scales.

An item is a probe in two-option mode, and a question on its whole scale.
"""

import numpy as np
import pandas as pd

from selfalign.population import country_of, keep_countries
from selfalign.probes.cultures import find_nearest, measure_distances
from selfalign.scoring import baselines

ANSWER_SERIES = ["model", "language", "arm"]
"""The columns that name a series of answers."""


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
    """What the models answer on whole scales, each question once.

    Probes of one question, such as Q42a and Q42b, ask for the same distribution. Their demonstrations differ, because
    they are ranked and drawn for each probe. So a question's answer is the mean of its probes' distributions. Probes
    without an answer are left out of the mean. A question has no answer if none of its probes has one.

    Args:
        scores: `ScaleScores` tables, stacked.

    Returns:
        Columns model, language, arm, country, source, seed, template, item, option, p; p is null in cells without an
        answer.
    """
    key = [*ANSWER_SERIES, "country", "source", "seed", "template", "question", "code"]
    table = scores.groupby(key, observed=True, sort=False)["p"].mean().reset_index()
    return table.rename(columns={"question": "item", "code": "option"})


def nearest_of_poles(poles: pd.DataFrame) -> dict[str, str]:
    """The nearest other country of each country: see `probes.cultures`. That of a group is its country's.

    Only countries that were asked at least half of the country's probes are candidates. A country that shares one probe
    is near by chance. A country without a candidate has no nearest country.

    Args:
        poles: a `Poles` table.
    """
    asked = keep_countries(poles).pivot(index="country", columns="probe", values="share_a").notna().astype(int)
    enough = (asked @ asked.T).ge(asked.sum(axis=1) / 2, axis="columns")
    distances = measure_distances(poles).where(enough)
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
    cells = scores[[*ANSWER_SERIES, "country", "source", "seed", "template"]].assign(item=scores["probe"])
    return pd.concat([cells.assign(option="A", p=scores["p_a"]), cells.assign(option="B", p=1 - scores["p_a"])])
