"""Step adopt_arora_bank: the probe bank behind the probes of Arora et al. (2023), the same for every language."""

from pathlib import Path

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.probes.arora import AroraRows
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import Bank
from selfalign.tables import read_input, write_table


def make_bank(rows: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Probes of the release: its own poles, and of the rest what our bank says about their questions.

    Args:
        rows: an `AroraRows` table, without dropped rows.
        bank: a `Bank` table that has all their questions.

    Returns:
        A `Bank` table in the order of `rows`.
    """
    own = ["probe", "question", "pole_a", "pole_b", "neither"]
    of_question = bank.drop_duplicates("question").drop(columns=[column for column in own if column != "question"])
    made = rows[own].merge(of_question, on="question", how="left").assign(on_request="")
    return made[Bank.names()]


def check_questions(rows: pd.DataFrame, bank: pd.DataFrame, file: Path) -> None:
    """Raise InputError when our bank has no probe of a question of the release."""
    absent = sorted(set(rows["question"]) - set(bank["question"]), key=lambda question: int(question[1:]))
    if absent:
        raise InputError(
            file,
            f"has no probe of {len(absent)} questions whose category and battery are needed, the first of them"
            f" {absent[0]}",
            "Give the whole bank",
            column="question",
        )


@click.command()
@click.option("--rows", type=readable, required=True, help="What the rows of the release stand for (CSV).")
@click.option("--bank", type=readable, required=True, help="Our probe bank, for categories and batteries (CSV).")
@click.option("--output", type=writable, required=True, help="The release as a probe bank (CSV).")
def command(rows: Path, bank: Path, output: Path) -> None:
    """Make the probe bank of the probes of Arora et al. (2023)."""
    facts, ours = read_input(rows, AroraRows), read_bank(bank)
    used = facts[facts["dropped"] == ""]
    check_questions(used, ours, bank)
    write_table(make_bank(used, ours), output, Bank)
    click.echo(f"{len(used)} probes, {len(facts) - len(used)} rows dropped", err=True)
