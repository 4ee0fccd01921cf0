"""Step score_readers: the answers of simple readers of the demonstrations, compared with the people's."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import Poles
from selfalign.prompts.schemas import CELL, Design, Prompts
from selfalign.scoring.cell_options import bank_option, poles_option, rule_option
from selfalign.scoring.cells import Comparison
from selfalign.scoring.readers import READERS, name_cells
from selfalign.scoring.schemas import EVERY_ARM, Scores
from selfalign.scoring.score_answers import score_options
from selfalign.tables import read_table, write_table

READOUT = "option"
"""A reader weighs the options, in every frame."""


def score_readers(
    design: pd.DataFrame,
    prompts: pd.DataFrame,
    poles: pd.DataFrame,
    bank: pd.DataFrame,
    noise: float,
    rule: str = "half",
) -> pd.DataFrame:
    """Score every cell that asks with two options, as each reader answers it.

    A fixed policy gives the same answers in every arm. So it has one row per country, probe and frame, whose arm is
    `EVERY_ARM` and whose source is empty.

    Args:
        design: a `Design` table. Other cells are left out.
        prompts: a `Prompts` table with all of its prompts.
        poles: a `Poles` table.
        bank: a `Bank` table.
        noise: of the ideal reader; see `read_as_ideal_reader`.
        rule: how a cell without an answer counts in the agreement; one of `unanswered.COUNTS_AS`. Use the rule of the
            models, otherwise readers and models are not comparable.

    Returns:
        A `Scores` table without the column language; the column model has the reader's name.
    """
    design = design[design["asks"] == "poles"]
    readouts = dict.fromkeys(design["template"].unique(), READOUT)
    of_policies = design.drop_duplicates(["country", "probe", "template", "order"])
    of_policies = of_policies.assign(arm=EVERY_ARM, source="", seed=0)
    tables = []
    for name, reader in READERS.items():
        cells = of_policies if reader.is_policy else design
        answers = reader.read(cells, prompts, poles, noise)
        asked = cells.assign(prompt=name_cells(cells)) if reader.by_country else cells
        scored = score_options(asked, answers, Comparison(poles, bank, rule), readouts)
        tables.append(scored.cells.assign(model=name))
    return pd.concat(tables, ignore_index=True)


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
@rule_option
@click.option("--output", type=writable, required=True, help="Scores (Parquet).")
def command(
    language: str, design: Path, prompts: Path, poles: Path, bank: Path, noise: float, rule: str, output: Path
) -> None:
    """Score simple readers of the demonstrations against what the people of each country answer."""
    cells, asked = read_table(design, Design), read_table(prompts, Prompts)
    table = score_readers(cells, asked, read_table(poles, Poles), read_bank(bank), noise, rule)
    table = table.assign(language=language).sort_values(["model", *CELL])
    write_table(table[Scores.names()], output, Scores)
