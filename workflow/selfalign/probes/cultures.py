"""How near the peoples of a survey are to each other, and what the world answers."""

import pandas as pd

from selfalign.errors import InputError
from selfalign.population import keep_countries

WORLD = "world"
"""Stands where a country's code would: all countries of the survey, pooled."""


def pool_world(poles: pd.DataFrame) -> pd.DataFrame:
    """What the pooled world answers to each probe: the mean of the countries' shares, each country weighing the same.

    Args:
        poles: a `Poles` table. Groups of a country are left out.

    Returns:
        Columns country (`WORLD`), probe, share_a, majority (A, B or tie), in the order of the probes.
    """
    shares = keep_countries(poles).groupby("probe", sort=False)["share_a"].mean().round(12)
    majority = (shares > 0.5).map({True: "A", False: "B"}).mask(shares == 0.5, "tie")
    return pd.DataFrame({"country": WORLD, "share_a": shares, "majority": majority}).reset_index()


def measure_distances(poles: pd.DataFrame) -> pd.DataFrame:
    """Distance between every two countries: the mean over probes of the absolute difference of their shares of pole A.

    It is the mean, over probes that both were asked, of the total variation distance between two peoples' choices. 0 is
    the same people, 1 opposite ones; two countries without a probe in common have none (NaN).

    Args:
        poles: a `Poles` table. Groups of a country are left out.

    Returns:
        A square table, countries by countries.
    """
    shares = keep_countries(poles).pivot(index="country", columns="probe", values="share_a")
    return pd.DataFrame({country: (shares - row).abs().mean(axis=1) for country, row in shares.iterrows()})


def find_nearest(distances: pd.DataFrame, country: str, farthest: bool = False) -> str:
    """The other country at the smallest distance, or at the largest; of equals, the first by code.

    Args:
        distances: as `measure_distances` returns them.
        country: one of its countries.
        farthest: whether to find the one that is farthest away.

    Raises:
        InputError: no other country was asked the same.
    """
    others = distances[country].drop(country).dropna().sort_index()
    if others.empty:
        raise InputError(
            "results/{run}/human/poles.parquet",
            "no other country of the survey was asked the same probes",
            "Nearest and farthest cultures need a survey of several countries",
            column="country",
            value=country,
        )
    return str(others.idxmax() if farthest else others.idxmin())
