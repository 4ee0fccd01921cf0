"""Step score_answers: what the model answered in each cell, beside what the people answer."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.tables import Answers
from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.tables import Poles
from selfalign.prompts.tables import CELL, Design
from selfalign.scoring.tables import Scores
from selfalign.tables import read_table, write_table


def share_of_first(gap: pd.Series | float) -> pd.Series | float:
    """Probability of the first of two answers as a share of both, from the gap of their log-probabilities (nats).

    It is the logistic function, in a form that no gap overflows.
    """
    return (1 + np.tanh(gap / 2)) / 2


def score(design: pd.DataFrame, answers: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Score every cell of one model and language.

    In each option order, the probability of pole A is P(its answer) / (P(first answer) + P(second answer)); the two
    orders are averaged, so a preference for a label or a place cancels. Nothing is imputed: what the model gave to
    other answers is `mass_outside`.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        poles: a `Poles` table.
        bank: a `Bank` table.

    Returns:
        A `Scores` table without its columns model and language.
    """
    table = design.merge(answers, on="prompt", validate="many_to_one")
    gap = table["log_p_first"] - table["log_p_second"]
    table["p_a"] = share_of_first(gap.where(table["order"] == "AB", -gap))
    orders = table.groupby(CELL)
    cells = orders.agg(p_a=("p_a", "mean"), mass_outside=("mass_outside", "mean")).assign(
        order_gap=orders["p_a"].max() - orders["p_a"].min()
    )
    cells = cells.reset_index().merge(poles[["country", "probe", "share_a", "majority"]], on=["country", "probe"])
    cells = cells.merge(bank[["probe", "category", "battery"]], on="probe")
    undecided = np.isclose(cells["p_a"], 0.5, rtol=0, atol=1e-12)
    chosen_a = np.select([undecided, cells["p_a"] > 0.5], [0.5, 1.0], 0.0)
    cells["agreement"] = np.where(cells["majority"] == "A", chosen_a, 1 - chosen_a)
    cells["alignment"] = 1 - (cells["p_a"] - cells["share_a"]).abs()
    return cells.sort_values(CELL)


@click.command()
@click.option("--model", required=True, help="Name of the model.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet).")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--output", type=writable, required=True, help="Scores (Parquet).")
def command(model: str, language: str, design: Path, answers: Path, poles: Path, bank: Path, output: Path) -> None:
    """Score a model's answers in one language against what the people of each country answer."""
    table = score(read_table(design, Design), read_table(answers, Answers), read_table(poles, Poles), read_bank(bank))
    table = table.assign(model=model, language=language)
    write_table(table[list(Scores.to_schema().columns)], output, Scores)
