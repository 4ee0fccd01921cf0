"""The main interval of an estimate: the wider one of its intervals by battery and by category."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from selfalign.scoring.panels import Panel
from selfalign.scoring.schemas import CONTRAST_KEYS

LEAST_CATEGORIES = 6
"""Categories that a variance between them needs: with fewer, its interval says little."""

_RESULTS = ["standard_error", "low", "high", "df", "p"]


def cluster_by_category(panels: Mapping[str, Panel], scores: pd.DataFrame) -> dict[str, Panel]:
    """Panels whose batteries are the categories of the bank, for intervals by category.

    Args:
        panels: by country.
        scores: `Scores` tables, stacked, with all probes of the panels.
    """
    known = scores.drop_duplicates("probe")
    category_of = pd.Series(known["category"].astype(object).to_numpy(), known["probe"].astype(object))
    return {country: replace(one, batteries=category_of[one.probes].to_numpy()) for country, one in panels.items()}


def join_categories(table: pd.DataFrame, by_category: pd.DataFrame) -> pd.DataFrame:
    """Estimates with the results by category in columns that begin with `category_`, and the number of categories.

    Args:
        table: a `Contrasts` table, with intervals by battery.
        by_category: the same estimates from panels whose batteries are categories.
    """
    columns = {name: f"category_{name}" for name in _RESULTS} | {"batteries": "categories"}
    again = by_category[[*CONTRAST_KEYS, *columns]].rename(columns=columns)
    return table.merge(again, on=CONTRAST_KEYS, how="left", validate="one_to_one")


def choose_main(table: pd.DataFrame, resample: Sequence[str]) -> pd.DataFrame:
    """Estimates with the level of their main interval, the reason, and its numbers.

    The main interval is the wider one. Batteries of one category may answer alike, and then an interval by battery is
    too narrow. An interval by category allows for that, and is wide where there are few categories. With fewer than
    `LEAST_CATEGORIES` categories the main interval is by battery. docs/interval_choice.md has the errors of this rule.

    Args:
        table: estimates with intervals by battery and by category: see `join_categories`. Ends may be infinite. It may
            lack p.
        resample: what the intervals cover.

    Returns:
        The table with columns main, reason, main_low, main_high, and main_p if it has p.
    """
    by_battery, by_category = (table[f"{kind}high"] - table[f"{kind}low"] for kind in ("", "category_"))
    reasons = {
        "intervals do not cover the choice of batteries": pd.Series("batteries" not in resample, table.index),
        f"fewer than {LEAST_CATEGORIES} categories": table["categories"] < LEAST_CATEGORIES,
        "wider by battery": ~(by_category > by_battery),
    }
    reason = np.select(list(reasons.values()), list(reasons), "wider by category")
    of_category = reason == "wider by category"
    chosen = {
        name: table[f"category_{name}"].where(of_category, table[name])
        for name in ("low", "high", "p")
        if name in table
    }
    table = table.assign(main=np.where(of_category, "category", "battery"), reason=reason)
    return table.assign(**{f"main_{name}": values for name, values in chosen.items()})
