"""Correction of p-values for many comparisons, within declared families."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from selfalign.scoring.schemas import ALL

SCOPE = "scope"
"""Stands for whether a row is the mean of the countries or one of them."""


def correct(table: pd.DataFrame, families: Sequence[str]) -> pd.DataFrame:
    """Add p-values corrected within families: after Holm (1979), and Benjamini and Hochberg (1995).

    Holm's correction bounds the probability of any false positive in the family. Benjamini and Hochberg's bounds the
    expected share of false positives among the positives.

    Args:
        table: rows with a column p.
        families: which of `choices.FAMILY_COLUMNS` name a family: rows with the same values in them are corrected
            together. Columns that the table lacks have no effect.

    Returns:
        The table with columns family, p_holm and p_bh; empty where p is.
    """
    scope = pd.Series(np.where(table["country"] == ALL, "mean of countries", "single countries"), table.index)
    known = [name for name in families if name == SCOPE or name in table.columns]
    names = [scope if name == SCOPE else table[name].astype(str) for name in known]
    family = pd.concat(names, axis=1).agg(", ".join, axis=1) if names and len(table) else pd.Series("", table.index)
    table = table.assign(family=family, p_holm=np.nan, p_bh=np.nan)
    for _, rows in table[table["p"].notna()].groupby("family"):
        table.loc[rows.index, "p_holm"] = correct_holm(rows["p"].to_numpy())
        table.loc[rows.index, "p_bh"] = stats.false_discovery_control(rows["p"])
    return table


def correct_holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values of one family after Holm (1979). SciPy has no function for this.

    Args:
        p: p-values of m tests.

    Returns:
        The corrected p-values, in the same order: of the i-th smallest, the largest of (m - j + 1) p_j over j up to i,
        at most 1.
    """
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected
