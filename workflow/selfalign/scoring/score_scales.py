"""Step score_scales: how a model's answers spread over whole scales; and what they say about the poles of probes."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.tables import Answers
from selfalign.options import Json, readable, writable
from selfalign.probes.bank import list_codes, read_bank
from selfalign.probes.tables import HumanScales
from selfalign.prompts.tables import CELL, Design
from selfalign.scoring.cells import check_readout, column_outside, judge, part_unanswered, readout_of
from selfalign.scoring.tables import ScaleScores
from selfalign.tables import read_table, write_table


def read_codes(
    design: pd.DataFrame, answers: pd.DataFrame, human: pd.DataFrame, bank: pd.DataFrame, readouts: dict[str, str]
) -> pd.DataFrame:
    """Probability of each answer code, as a share of all codes that were offered, in each cell and order.

    With s the readout of each of k options, in nats: p of option i is exp(s_i) / (exp(s_1) + ... + exp(s_k)). In order
    AB the options stand as the scale does, in order BA the other way round.

    Args:
        design: a `Design` table of cells that ask with the whole scale; its probes are those of the bank.
        answers: an `Answers` table with all of the design's prompts.
        human: a `HumanScales` table with a row per code that is offered.
        bank: a `Bank` table.
        readouts: by frame, what decides between the options.

    Returns:
        The design with columns question, readout, mass_outside, code, place, position, p; a row for each code. Where
        there is no answer, p is null.

    Raises:
        InputError: a frame has no readout, or not the one that is asked for.
        ValueError: a prompt has more or fewer options than its question's scale has codes.
    """
    parts = []
    for frame, cells in design.groupby("template"):
        readout = readout_of(frame, readouts)
        options = _share_out(answers, readout)
        table = cells.merge(bank[["probe", "question"]], on="probe").merge(options, on="prompt").assign(readout=readout)
        check_readout(table["p"], frame, readout)
        parts.append(table)
    codes = human[["question", "code", "place", "position"]].drop_duplicates()
    return _place(pd.concat(parts), codes)


def _share_out(answers: pd.DataFrame, readout: str) -> pd.DataFrame:
    """Softmax of a readout over the options of each prompt: columns prompt, shown (place), mass_outside, p."""
    score, by = answers[readout], answers["prompt"]
    unknown = score.isna().groupby(by).transform("any")
    # Sampled replies may give an option none, and its log-probability is then -inf; all without a reply are no answer.
    with np.errstate(invalid="ignore"):
        weight = np.exp(score - score.groupby(by).transform("max"))
        share = weight / weight.groupby(by).transform("sum")
    table = answers[["prompt", "place", column_outside(readout)]].set_axis(["prompt", "shown", "mass_outside"], axis=1)
    return table.assign(p=share.mask(unknown))


def _place(table: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """Options by the place where they are shown, with the code that each stands for."""
    size = table["question"].map(codes.groupby("question").size())
    options = table.groupby(["template", "prompt"])["shown"].transform("max")
    wrong = table[options != size]
    if len(wrong):
        first = wrong.iloc[0]
        raise ValueError(f"prompt {first['prompt']} does not offer the codes that the scale of {first['question']} has")
    place = table["shown"].where(table["order"] == "AB", size + 1 - table["shown"])
    return table.drop(columns="shown").assign(place=place).merge(codes, on=["question", "place"])


def score_scales(codes: pd.DataFrame, human: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The model's distribution over the codes in each cell, beside the people's.

    The probabilities of a code in the two orders are averaged, so what favours one end of the list cancels; what
    favours its middle does not.

    Args:
        codes: as `read_codes` returns it.
        human: a `HumanScales` table.

    Returns:
        A `ScaleScores` table without its columns model and language, sorted by cell and place; and an `Unanswered`
        table.
    """
    answered, unanswered = part_unanswered(codes, "p")
    key = [*CELL, "question", "readout", "code", "place"]
    means = answered.groupby(key).agg(p=("p", "mean"), position=("position", "first")).reset_index()
    table = means.merge(human[["country", "question", "code", "share"]], "left", on=["country", "question", "code"])
    return table.sort_values([*CELL, "place"]), unanswered


def score_poles(codes: pd.DataFrame, poles: pd.DataFrame, bank: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a distribution over a scale says about the two poles of the test probe, scored as two options are.

    p(A) is the probability of the codes of pole A as a share of those of both poles, each averaged over the two orders
    first. A cell without any probability of either pole in one of its orders is left out.

    Args:
        codes: as `read_codes` returns it.
        poles: a `Poles` table.
        bank: a `Bank` table.

    Returns:
        A `Scores` table without its columns model and language, and an `Unanswered` table.
    """
    sides = list_codes(bank)[["probe", "pole", "code"]]
    marked = codes.merge(sides[sides["pole"] != "neither"], on=["probe", "code"])
    sums = (
        marked.assign(a=marked["p"].where(marked["pole"] == "A", 0))
        .groupby([*CELL, "order", "prompt", "readout"])
        .agg(a=("a", "sum"), both=("p", "sum"), mass_outside=("mass_outside", "first"))
        .reset_index()
    )
    answered, unanswered = part_unanswered(sums.assign(both=sums["both"].replace(0, np.nan)), "both")
    orders = answered.assign(alone=answered["a"] / answered["both"]).groupby([*CELL, "readout"])
    means = orders[["a", "both", "mass_outside"]].mean()
    cells = means.assign(p_a=means["a"] / means["both"], order_gap=orders["alone"].max() - orders["alone"].min())
    table = judge(cells.drop(columns=["a", "both"]).reset_index(), poles, bank)
    return table.assign(asks="scale"), unanswered


@click.command()
@click.option("--model", required=True, help="Name of the model.")
@click.option("--language", required=True, help="ISO 639-1 code.")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet).")
@click.option("--human", type=readable, required=True, help="How the people spread over whole scales (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--readouts", type=Json(), required=True, help="By frame, what decides between the options (JSON).")
@click.option("--output", type=writable, required=True, help="Distributions beside the people's (Parquet).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    human: Path,
    bank: Path,
    readouts: dict[str, str],
    output: Path,
) -> None:
    """Put a model's distributions over whole scales, in one language, beside the people's."""
    cells, people = read_table(design, Design), read_table(human, HumanScales)
    whole = cells[cells["asks"] == "scale"]
    codes = read_codes(whole, read_table(answers, Answers), people, read_bank(bank), readouts)
    table = score_scales(codes, people)[0].assign(model=model, language=language)
    write_table(table[list(ScaleScores.to_schema().columns)], output, ScaleScores)
