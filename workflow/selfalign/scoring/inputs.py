"""Reading of what several steps of the scoring stage take."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals

from selfalign.progress import follow
from selfalign.scoring.tables import Scores
from selfalign.tables import read_table


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """`Scores` tables, stacked: the cells that ask with two options; where none does, those with whole scales.

    The two ways of asking are not averaged: results/{run}/tables/metrics.csv has both, side by side.

    Columns of text are categorical, with sorted categories: a text takes one or two bytes of a row.
    """
    table = stack(read_table(path, Scores) for path in follow("read scores", "file", items=paths))
    return table[table["asks"] == ("poles" if (table["asks"] == "poles").any() else "scale")]


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its columns of text as categorical ones."""
    return table.astype({name: "category" for name in table if isinstance(table[name].dtype, pd.StringDtype)})


def as_texts(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its categorical columns as columns of text."""
    return table.astype({name: "str" for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)})


def stack(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of one form, stacked, with their columns of text as categorical ones. Categories are sorted."""
    small = [as_categories(table) for table in tables]
    return pd.DataFrame({name: _stack([table.pop(name) for table in small]) for name in list(small[0])})


def _stack(columns: list[pd.Series]) -> pd.Series | pd.Categorical:
    if isinstance(columns[0].dtype, pd.CategoricalDtype):
        return union_categoricals(columns, sort_categories=True)
    return pd.concat(columns, ignore_index=True)
