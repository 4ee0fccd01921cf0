"""Step score_answers: what the model answered in each cell, beside what the people answer."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.inference.tables import Answers
from selfalign.options import Json, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.tables import Poles
from selfalign.prompts.tables import CELL, Design
from selfalign.scoring.tables import Scores, Unanswered
from selfalign.tables import read_table, write_table


def share_of_first(gap: pd.Series | float) -> pd.Series | float:
    """Probability of the first of two answers as a share of both, from the gap of their log-probabilities (nats).

    It is the logistic function, in a form that no gap overflows.
    """
    return (1 + np.tanh(gap / 2)) / 2


def read_poles(design: pd.DataFrame, answers: pd.DataFrame, readout: str) -> pd.Series:
    """Probability of pole A, as a share of both poles, in each cell and option order; null where there is no answer.

    With s the readout, in nats, of each option: exp(s of A) / (exp(s of A) + exp(s of B)).

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        readout: one of `READOUTS`.
    """
    sides = answers.pivot(index="prompt", columns="place", values=readout)
    # Sampled replies may give an option none, and its log-probability is then -inf; both without a reply are no answer.
    with np.errstate(invalid="ignore"):
        gap = design["prompt"].map(sides[1] - sides[2])
    return share_of_first(gap.where(design["order"] == "AB", -gap))


def score(
    design: pd.DataFrame, answers: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame, readouts: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every cell of one model and language.

    The probabilities of pole A in the two option orders are averaged, so a preference for a label or a place cancels.
    Nothing is imputed: what the model gave to other answers is `mass_outside`, and a cell without an answer in one of
    its orders is left out.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        poles: a `Poles` table.
        bank: a `Bank` table.
        readouts: by frame, what decides between the options.

    Returns:
        A `Scores` table without its columns model and language, and an `Unanswered` table.

    Raises:
        InputError: a frame has no readout, or not the one that is asked for.
    """
    outside = answers.drop_duplicates("prompt").set_index("prompt")
    parts = []
    for frame, cells in design.groupby("template"):
        readout = readout_of(frame, readouts)
        p_a = read_poles(cells, answers, readout)
        check_readout(p_a, frame, readout)
        mass_outside = cells["prompt"].map(outside[column_outside(readout)])
        parts.append(cells.assign(p_a=p_a, readout=readout, mass_outside=mass_outside))
    table, unanswered = part_unanswered(pd.concat(parts), "p_a")
    orders = table.groupby(CELL)
    means = {"p_a": ("p_a", "mean"), "mass_outside": ("mass_outside", "mean"), "readout": ("readout", "first")}
    cells = orders.agg(**means).assign(order_gap=orders["p_a"].max() - orders["p_a"].min())
    return judge(cells.reset_index(), poles, bank), unanswered


def part_unanswered(table: pd.DataFrame, value: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells that have a value in both orders; and the others, as an `Unanswered` table of the orders without.

    Args:
        table: a `Design` table and more columns, of which `value` is null where there is no answer; its rows may
            be parts of a cell's order.
        value: name of that column.
    """
    columns = list(Unanswered.to_schema().columns)
    unanswered = table.loc[table[value].isna(), columns].drop_duplicates().sort_values([*CELL, "order"])
    left_out = pd.MultiIndex.from_frame(unanswered[CELL])
    return table[~pd.MultiIndex.from_frame(table[CELL]).isin(left_out)], unanswered


def judge(cells: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Put what a model answers beside what the people answer.

    Args:
        cells: the columns of `CELL`, p_a and others, which are kept.
        poles: a `Poles` table.
        bank: a `Bank` table.

    Returns:
        The cells, sorted, with share_a, majority, category, battery, agreement, alignment.
    """
    cells = cells.merge(poles[["country", "probe", "share_a", "majority"]], on=["country", "probe"])
    cells = cells.merge(bank[["probe", "category", "battery"]], on="probe")
    undecided = np.isclose(cells["p_a"], 0.5, rtol=0, atol=1e-12)
    chosen_a = np.select([undecided, cells["p_a"] > 0.5], [0.5, 1.0], 0.0)
    cells["agreement"] = np.where(cells["majority"] == "A", chosen_a, 1 - chosen_a)
    cells["alignment"] = 1 - (cells["p_a"] - cells["share_a"]).abs()
    return cells.sort_values(CELL)


def readout_of(frame: str, readouts: dict[str, str]) -> str:
    """What decides between the options of a frame, or InputError."""
    if frame not in readouts:
        raise InputError(
            "config: scoring.readouts", f"the frame {frame} has no readout", f"Add {frame}: label, or {frame}: option"
        )
    return readouts[frame]


def check_readout(values: pd.Series, frame: str, readout: str) -> None:
    """Raise InputError when no answer to a frame has its readout."""
    if values.isna().all():
        raise InputError(
            "config: scoring.readouts",
            f"the answers to the frame {frame} have no readout {readout}",
            "Choose label for frames that show labels, option for those that do not",
            column=frame,
            value=readout,
        )


def column_outside(readout: str) -> str:
    """The column of `Answers` that has the probability of all that a readout does not compare."""
    return "mass_outside_labels" if readout == "label" else "mass_outside_options"


@click.command()
@click.option("--model", required=True, help="Name of the model.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet).")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--readouts", type=Json(), required=True, help="By frame, what decides between the options (JSON).")
@click.option("--unanswered", type=writable, required=True, help="Cells that are left out (CSV).")
@click.option("--output", type=writable, required=True, help="Scores (Parquet).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    poles: Path,
    bank: Path,
    readouts: dict[str, str],
    unanswered: Path,
    output: Path,
) -> None:
    """Score a model's answers in one language against what the people of each country answer."""
    tables = read_table(design, Design), read_table(answers, Answers), read_table(poles, Poles), read_bank(bank)
    table, left_out = score(*tables, readouts)
    table = table.assign(model=model, language=language)
    if len(left_out):
        click.echo(f"{len(left_out)} prompts of cells have no answer; their cells are left out", err=True)
    write_table(left_out, unanswered, Unanswered)
    write_table(table[list(Scores.to_schema().columns)], output, Scores)
