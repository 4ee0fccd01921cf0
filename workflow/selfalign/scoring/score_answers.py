"""Step score_answers: what the model answered in each cell, beside what the people answer."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.tables import Answers
from selfalign.options import Json, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.tables import HumanScales, Poles
from selfalign.prompts.tables import CELL, Design
from selfalign.scoring.cells import check_readout, column_outside, judge, part_unanswered, readout_of
from selfalign.scoring.score_scales import read_codes, score_poles
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
        design: a `Design` table of cells that ask with two options.
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
    return judge(cells.reset_index(), poles, bank).assign(asks="poles"), unanswered


@click.command()
@click.option("--model", required=True, help="Name of the model.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet).")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--human", type=readable, help="How they spread over whole scales (Parquet), where frames ask with them.")
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
    human: Path | None,
    bank: Path,
    readouts: dict[str, str],
    unanswered: Path,
    output: Path,
) -> None:
    """Score a model's answers in one language against what the people of each country answer."""
    cells, replies = read_table(design, Design), read_table(answers, Answers)
    people, probes = read_table(poles, Poles), read_bank(bank)
    parts = []
    if len(two := cells[cells["asks"] == "poles"]):
        parts.append(score(two, replies, people, probes, readouts))
    if len(whole := cells[cells["asks"] == "scale"]):
        codes = read_codes(whole, replies, read_table(human, HumanScales), probes, readouts)
        parts.append(score_poles(codes, people, probes))
    table, left_out = (pd.concat(tables).sort_values(CELL) for tables in zip(*parts, strict=True))
    table = table.assign(model=model, language=language)
    if len(left_out):
        click.echo(f"{len(left_out)} prompts of cells have no answer; their cells are left out", err=True)
    write_table(left_out, unanswered, Unanswered)
    write_table(table[list(Scores.to_schema().columns)], output, Scores)
