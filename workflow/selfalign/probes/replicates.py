"""Samples of the people: their table, and draws from published shares."""

import numpy as np
import pandas as pd

from selfalign.draws import make_generator


def draw_shares(poles: pd.DataFrame, replicates: int, seed: int) -> pd.DataFrame:
    """Shares of pole A drawn from each share and its standard error, where a survey publishes no respondents.

    The draws are normal and limited to 0..1. They are independent between probes, because no respondents are published.

    Args:
        poles: the rows of a `Poles` table to resample.
        replicates: number of draws.
        seed: of the draws; those of a country also depend on its name, and on nothing else.

    Returns:
        A `Replicates` table with the rows of `poles`; where a standard error is not published, it has no shares.
    """
    parts = []
    for country, rows in poles.groupby("country", sort=False):
        noise = make_generator(seed, country, between=" ").standard_normal((replicates, len(rows)), dtype=np.float32)
        known = rows["standard_error"].notna().to_numpy()
        error = rows["standard_error"].fillna(0).to_numpy()
        drawn = np.clip(rows["share_a"].to_numpy() + error * noise, 0, 1)
        parts.append(tabulate(rows[known], drawn[:, known], "normal", pd.NA))
        parts.append(tabulate(rows[~known], np.empty((0, int((~known).sum()))), "none", pd.NA))
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def tabulate(rows: pd.DataFrame, shares: np.ndarray, method: str, respondents: object) -> pd.DataFrame:
    """The samples of a country as rows of a `Replicates` table.

    Args:
        rows: of a `Poles` table, of one country.
        shares: samples x rows.
        method: how they were drawn.
        respondents: of the country; NA where not published.
    """
    return pd.DataFrame(
        {
            "country": rows["country"].to_numpy(),
            "probe": rows["probe"].to_numpy(),
            "method": method,
            "respondents": pd.array([respondents] * len(rows), dtype="Int64"),
            "shares": list(shares.T.astype(np.float32)),
        }
    )
