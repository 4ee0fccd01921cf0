"""Distances between the countries of a survey, and the answers of the pooled world."""

import pandas as pd

from selfalign.errors import InputError
from selfalign.population import keep_countries

WORLD = "world"
"""In place of a country's code: all countries of the survey, pooled."""


def pool_world(poles: pd.DataFrame) -> pd.DataFrame:
    """The answer of the pooled world to each probe: the mean of the countries' shares, with equal weights.

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

    It is the mean total variation distance between two countries' choices, over probes that both were asked. 0 means
    the same answers, and 1 means opposite answers. Countries without a common probe have no distance (NaN).

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
            "results/{run}/people/poles.parquet",
            "no other country of the survey was asked the same probes",
            "Use a survey of several countries, or arms without nearest and farthest",
            column="country",
            value=country,
        )
    return str(others.idxmax() if farthest else others.idxmin())
