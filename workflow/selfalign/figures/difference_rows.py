"""The rows of a table of differences that a figure across models shows; they are the figure's CSV."""

from collections.abc import Sequence

import pandas as pd

from selfalign.contrasts import is_plain
from selfalign.errors import InputError
from selfalign.scoring.schemas import ALL


def choose_pairs(contrasts: pd.DataFrame, pairs: Sequence[Sequence[str]], language: str) -> pd.DataFrame:
    """Differences in agreement between the arms of some pairs, within one model and language.

    Args:
        contrasts: a `Contrasts` table.
        pairs: pairs of arms; the second is subtracted.
        language: ISO 639-1.

    Returns:
        The rows of all countries and of their mean, in the order of the pairs.

    Raises:
        InputError: the table has none.
    """
    chosen = is_plain(contrasts) & (contrasts["language"] == language) & (contrasts["measure"] == "agreement")
    return _in_order(contrasts[chosen], pairs)


def choose_gains(table: pd.DataFrame, pairs: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Rows on the agreement of some pairs of arms, and of the differences between two such gains.

    Args:
        table: a `Languages`, `Categories` or `Kinds` table.
        pairs: pairs of arms; the second is subtracted.

    Returns:
        The rows in the order of the pairs. A difference of gains has the arm of the gain.

    Raises:
        InputError: the table has none.
    """
    return _in_order(table[table["measure"] == "agreement"], [*pairs, *([arm, arm] for arm, _ in pairs)])


def arms_in(rows: pd.DataFrame, pairs: Sequence[Sequence[str]]) -> list[str]:
    """The first arms of pairs, as far as a table has them, in the order of the pairs."""
    there = set(rows["arm"])
    return [arm for arm, _ in pairs if arm in there]


def mean_of_countries(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the mean of the countries."""
    return rows[rows["country"] == ALL]


def _in_order(rows: pd.DataFrame, pairs: Sequence[Sequence[str]]) -> pd.DataFrame:
    place = {tuple(pair): number for number, pair in enumerate(pairs)}
    places = pd.Series(
        [place.get(key, -1) for key in zip(rows["arm"], rows["against"], strict=True)], index=rows.index, dtype=int
    )
    chosen = rows.assign(place=places)[places >= 0].sort_values("place", kind="stable")
    if chosen.empty:
        named = ", ".join(f"{arm} and {against}" for arm, against in pairs)
        raise InputError("the table of a figure", f"has no difference between {named}", "Run both arms of a pair")
    return chosen.drop(columns="place").reset_index(drop=True)
