"""Step compare_readouts: how often a model would choose differently if its answers were read in another way."""

from itertools import combinations
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.tables import READOUTS, Answers
from selfalign.options import readable, writable
from selfalign.prompts.tables import CELL, Design
from selfalign.scoring.score_answers import read_poles
from selfalign.scoring.tables import Readouts
from selfalign.tables import read_table, write_table


def compare(design: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Compare every two readouts, frame by frame, over the cells that ask with two options and that both answer.

    A cell is a pair of option orders, averaged; its choice is the pole with more than half. A cell that one readout
    leaves undecided and the other does not counts as different.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.

    Returns:
        A `Readouts` table without its columns model and language.
    """
    rows = []
    for frame, cells in design[design["asks"] == "poles"].groupby("template"):
        shares = pd.DataFrame({readout: _share(cells, answers, readout) for readout in READOUTS})
        for readout, against in combinations(READOUTS, 2):
            both = shares[[readout, against]].dropna()
            if len(both):
                choices = np.sign((both - 0.5).round(12))
                differ = (choices[readout] != choices[against]).mean()
                rows.append((frame, readout, against, len(both), differ, _correlate(both[readout], both[against])))
    return pd.DataFrame(rows, columns=["template", "readout", "against", "cells", "differ", "correlation"])


def _share(cells: pd.DataFrame, answers: pd.DataFrame, readout: str) -> pd.Series:
    """Probability of pole A by cell; null where an order has no answer."""
    table = cells.assign(p_a=read_poles(cells, answers, readout))
    return table.groupby(CELL)["p_a"].agg(lambda orders: orders.mean(skipna=False))


def _correlate(one: pd.Series, other: pd.Series) -> float:
    """Spearman's correlation; null where a readout is the same in all cells."""
    return one.rank().corr(other.rank()) if one.nunique() > 1 and other.nunique() > 1 else np.nan


@click.command()
@click.option("--model", required=True, help="Name of the model.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet).")
@click.option("--output", type=writable, required=True, help="Comparison (CSV).")
def command(model: str, language: str, design: Path, answers: Path, output: Path) -> None:
    """Say how often a model's readouts choose differently, in one language."""
    table = compare(read_table(design, Design), read_table(answers, Answers)).assign(model=model, language=language)
    write_table(table[list(Readouts.to_schema().columns)], output, Readouts)
