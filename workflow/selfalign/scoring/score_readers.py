"""Step score_readers: the answers of simple readers of the demonstrations, compared with the people's."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import Poles
from selfalign.prompts.schemas import CELL, Design, Prompts
from selfalign.scoring.cell_options import bank_option, poles_option
from selfalign.scoring.readers import name_cells, read_as_copier, read_as_ideal_reader
from selfalign.scoring.schemas import Scores
from selfalign.scoring.score_answers import score
from selfalign.tables import read_table, write_table

READOUT = "option"
"""A reader weighs the options, in every frame."""


def score_readers(
    design: pd.DataFrame, prompts: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame, noise: float
) -> pd.DataFrame:
    """Score every cell that asks with two options, as a copier and as an ideal reader answer it.

    Args:
        design: a `Design` table. Other cells are left out.
        prompts: a `Prompts` table with all of its prompts.
        poles: a `Poles` table.
        bank: a `Bank` table.
        noise: of the ideal reader; see `read_as_ideal_reader`.

    Returns:
        A `Scores` table without the column language; the column model has the reader's name.
    """
    design = design[design["asks"] == "poles"]
    readouts = dict.fromkeys(design["template"].unique(), READOUT)
    named = design.assign(prompt=name_cells(design))
    copied, _ = score(design, read_as_copier(design, prompts), poles, bank, readouts)
    ideal, _ = score(named, read_as_ideal_reader(design, prompts, poles, noise), poles, bank, readouts)
    return pd.concat([copied.assign(model="copier"), ideal.assign(model="ideal_reader")], ignore_index=True)


@click.command()
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--prompts", type=readable, required=True, help="Its prompts (Parquet).")
@poles_option
@bank_option
@click.option(
    "--noise",
    type=click.FloatRange(0, 0.5, min_open=True),
    required=True,
    help="Probability that a demonstration does not show its country's majority, as the ideal reader assumes.",
)
@click.option("--output", type=writable, required=True, help="Scores (Parquet).")
def command(language: str, design: Path, prompts: Path, poles: Path, bank: Path, noise: float, output: Path) -> None:
    """Score simple readers of the demonstrations against what the people of each country answer."""
    cells, asked = read_table(design, Design), read_table(prompts, Prompts)
    table = score_readers(cells, asked, read_table(poles, Poles), read_bank(bank), noise)
    table = table.assign(language=language).sort_values(["model", *CELL])
    write_table(table[Scores.names()], output, Scores)
