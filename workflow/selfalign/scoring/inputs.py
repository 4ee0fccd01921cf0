"""Reading of designs, answers and scores, for several steps of the stage."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals

from selfalign.inference.schemas import SCORED, Answers
from selfalign.probes.bank import read_bank
from selfalign.progress import show_progress
from selfalign.prompts.schemas import Design, first_way
from selfalign.scoring.across import add_across
from selfalign.scoring.schemas import Scores
from selfalign.tables import read_table


def read_designs(paths: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """`Design` tables by language; a file is named LANGUAGE.parquet."""
    return {path.stem: read_table(path, Design) for path in paths}


def read_answers(paths: Sequence[Path], work: str) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """One table after the other: model and language, and the columns of `Answers` that are scored.

    Args:
        paths: named MODEL/LANGUAGE.parquet.
        work: what is done with each table, for the display of the progress.
    """
    for path in show_progress(work, "file", items=paths):
        yield (path.parent.name, path.stem), read_table(path, Answers, SCORED)


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """`Scores` tables, stacked: the cells of the first way of asking that the run has; see `first_way`.

    The ways of asking are not averaged: results/{run}/tables/metrics.csv has all, side by side.

    Columns of text are categorical, with sorted categories: a text takes one or two bytes of a row.
    """
    table = read_all_scores(paths)
    return table[table["asks"] == first_way(table["asks"])]


def read_all_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """`Scores` tables, stacked, with the cells of all ways of asking: see `read_scores`."""
    return stack(read_table(path, Scores) for path in show_progress("read scores", "file", items=paths))


def read_cells(paths: Sequence[Path], measures: Sequence[str], bank: Path, within: Sequence[str] = ()) -> pd.DataFrame:
    """The cells of `read_scores`, with what some measures need: see `prepare_cells`."""
    return prepare_cells(read_scores(paths), measures, read_bank(bank), within)


def prepare_cells(
    scores: pd.DataFrame, measures: Sequence[str], bank: pd.DataFrame, within: Sequence[str] = ()
) -> pd.DataFrame:
    """Cells with a column ordered (whether the probe's answers have an order), and with metrics across items.

    Args:
        scores: `Scores` tables, stacked.
        bank: a `Bank` table.
        within: columns, such as category. Metrics across items are computed for each combination of their values.
    """
    ordered = bank.loc[bank["scale"] != "nominal", "probe"]
    return add_across(scores.assign(ordered=scores["probe"].isin(ordered)), measures, within)


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its columns of text as categorical ones."""
    return table.astype({name: "category" for name in table if isinstance(table[name].dtype, pd.StringDtype)})


def categories_to_text(table: pd.DataFrame) -> pd.DataFrame:
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
