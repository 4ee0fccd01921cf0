"""Step score_scales: a model's distributions over whole scales; and the poles of probes, scored from them."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.schemas import SCORED, Answers
from selfalign.options import readable, writable
from selfalign.probes.bank import list_codes, read_bank
from selfalign.probes.schemas import PeopleScales
from selfalign.prompts.schemas import CELL, Design
from selfalign.scoring.cell_options import bank_option, cell_options, readouts_option
from selfalign.scoring.cells import (
    IMPOSSIBLE,
    NO_ANSWER,
    Comparison,
    Scored,
    check_readouts,
    column_outside,
    compare_with_people,
    fill_optional,
    is_among,
    list_unanswered,
    mean_of_orders,
    readout_of,
    smooth_samples,
)
from selfalign.scoring.schemas import ScaleScores
from selfalign.tables import read_table, write_table


def read_codes(
    design: pd.DataFrame, answers: pd.DataFrame, spread: pd.DataFrame, bank: pd.DataFrame, readouts: dict[str, str]
) -> pd.DataFrame:
    """Probability of each answer code, as a share of all codes that were offered, in each cell and order.

    With s the readout of each of k options, in nats: p of option i is exp(s_i) / (exp(s_1) + ... + exp(s_k)). In order
    AB the options stand as the scale does, in order BA the other way round. Of sampled replies, half a reply is added
    to each option: see `smooth_samples`.

    Args:
        design: a `Design` table of cells that ask with the whole scale; its probes are those of the bank.
        answers: an `Answers` table with all of the design's prompts; it may lack the columns samples and mass_open.
        spread: a `PeopleScales` table with a row per code that is offered.
        bank: a `Bank` table.
        readouts: by frame, what decides between the options, as `check_readouts` accepts it.

    Returns:
        The design with columns question, readout, mass_outside, mass_open, said (whether the option has any
        probability), code, place, position, log_p, p; a row for each code. Where there is no answer, log_p and p are
        null.

    Raises:
        ValueError: a prompt has more or fewer options than its question's scale has codes.
    """
    answers = fill_optional(answers[is_among(answers["prompt"], design["prompt"])])
    parts = []
    for frame, cells in design.groupby("template"):
        readout = readout_of(frame, readouts)
        options = _share_out(answers, readout)
        table = cells.merge(bank[["probe", "question"]], on="probe").merge(options, on="prompt")
        parts.append(table.assign(readout=readout))
    codes = spread[["question", "code", "place", "position"]].drop_duplicates()
    return _place(pd.concat(parts), codes)


def _share_out(answers: pd.DataFrame, readout: str) -> pd.DataFrame:
    """Softmax of a readout over the options of each prompt.

    Returns:
        Columns prompt, shown (place), mass_outside, mass_open, said, log_p, p.
    """
    by = answers["prompt"]
    said = answers[readout] > -np.inf
    known = answers[readout].notna().groupby(by).transform("all") & said.groupby(by).transform("any")
    score = smooth_samples(answers[readout], answers["samples"])
    highest = score.groupby(by).transform("max")
    total = np.exp(score - highest).groupby(by).transform("sum")
    log_p = (score - highest - np.log(total)).clip(lower=IMPOSSIBLE)
    table = answers[["prompt", "place", column_outside(readout), "mass_open"]]
    table = table.set_axis(["prompt", "shown", "mass_outside", "mass_open"], axis=1).astype({"mass_open": float})
    return table.assign(said=said, log_p=log_p.where(known), p=np.exp(log_p).where(known))


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


def average_codes(codes: pd.DataFrame) -> pd.DataFrame:
    """The model's distribution over the codes in each cell, from both option orders.

    p is the softmax of the mean over the two orders of log p. A preference for one end of the list multiplies a code's
    probability in one order by what it is divided by in the other, so it cancels. A preference for the middle of the
    list does not: the middle stays the middle.

    Args:
        codes: as `read_codes` returns it.

    Returns:
        Columns of `CELL`, question, readout, code, place, position, log_p (mean, not normalised), p, p_mean (the
        mean of the two orders' probabilities). Null where an order has no answer.
    """
    key = [*CELL, "question", "readout", "code", "place"]
    columns = {"log_p": ("log_p", "mean"), "p_mean": ("p", "mean"), "position": ("position", "first")}
    orders = codes.groupby(key)
    table = orders.agg(**columns, known=("log_p", "count"), asked=("log_p", "size")).reset_index()
    table[["log_p", "p_mean"]] = table[["log_p", "p_mean"]].where(table["known"] == table["asked"])
    table["p"] = _softmax(table["log_p"], table[CELL])
    return table.drop(columns=["known", "asked"])


def _softmax(log_p: pd.Series, cells: pd.DataFrame) -> pd.Series:
    by = list(cells.to_dict("series").values())
    weight = np.exp(log_p - log_p.groupby(by).transform("max"))
    return weight / weight.groupby(by).transform("sum")


def score_scales(codes: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """The model's distribution over the codes in each cell, with the people's: see `average_codes`.

    Args:
        codes: as `read_codes` returns it.
        spread: a `PeopleScales` table.

    Returns:
        A `ScaleScores` table without its columns model and language, sorted by cell and place. A cell without an answer
        in one of its orders has rows without p.
    """
    people = spread[["country", "question", "code", "share"]]
    table = average_codes(codes).merge(people, "left", on=["country", "question", "code"])
    return table.sort_values([*CELL, "place"])


def score_codes(codes: pd.DataFrame, compared: Comparison) -> Scored:
    """Score the two poles of the test probe from a distribution over its scale, as two options are scored.

    p(A) is the probability of the codes of pole A as a share of the codes of both poles, in the distribution of
    `average_codes`. A cell where no pole has any probability in one of the orders has no answer.

    Args:
        codes: as `read_codes` returns it.
    """
    sides = list_codes(compared.bank)[["probe", "pole", "code"]]
    sides = sides[sides["pole"] != "neither"]
    averaged = average_codes(codes).merge(sides, on=["probe", "code"])
    averaged["share"] = _softmax(averaged["log_p"], averaged[CELL])
    marked = codes.merge(sides, on=["probe", "code"])
    marked["said"] &= marked["p"].notna()
    marked["share"] = _softmax(marked["log_p"], marked[[*CELL, "order"]])
    orders = _sum_of_a(marked, [*CELL, "order", "prompt", "readout"], said=("said", "any"),
                       mass_outside=("mass_outside", "first"), mass_open=("mass_open", "first"))  # fmt: skip
    orders = orders.rename(columns={"a": "alone"})
    orders["alone"] = orders["alone"].where(orders["said"])
    orders["reason"] = orders["said"].map({True: None, False: NO_ANSWER})
    alone = orders.groupby(CELL)["alone"]
    cells = mean_of_orders(orders, ["alone", "mass_outside", "mass_open"]).rename(columns={"alone": "known"})
    means = averaged.assign(mean_a=averaged["p_mean"].where(averaged["pole"] == "A", 0)).groupby(CELL)
    cells = cells.assign(
        p_a=_sum_of_a(averaged, CELL).set_index(CELL)["a"],
        p_a_mean=means["mean_a"].sum() / means["p_mean"].sum(),
        order_gap=alone.max() - alone.min(),
        readout=orders.groupby(CELL)["readout"].first(),
        bound=False,
    )
    of_answers = ["p_a", "p_a_mean", "order_gap"]
    cells[of_answers] = cells[of_answers].where(cells["known"].notna(), axis=0)
    table = compare_with_people(cells.drop(columns="known").reset_index(), compared)
    return Scored(table.assign(asks="scale"), list_unanswered(orders))


def _sum_of_a(table: pd.DataFrame, by: list[str], **more: tuple[str, str]) -> pd.DataFrame:
    """Sum of the column share over the codes of pole A, by group: column a, and more."""
    table = table.assign(a=table["share"].where(table["pole"] == "A", 0))
    return table.groupby(by).agg(a=("a", "sum"), **more).reset_index()


@click.command()
@cell_options
@click.option("--spread", type=readable, required=True, help="How the people spread over whole scales (Parquet).")
@bank_option
@readouts_option
@click.option("--output", type=writable, required=True, help="Distributions of the model and of the people (Parquet).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    spread: Path,
    bank: Path,
    readouts: dict[str, str],
    output: Path,
) -> None:
    """Compute a model's distributions over whole scales, in one language, with the people's distributions."""
    cells, people = read_table(design, Design), read_table(spread, PeopleScales)
    whole = cells[cells["asks"] == "scale"]
    given = read_table(answers, Answers, SCORED)
    check_readouts(whole, given, readouts)
    codes = read_codes(whole, given, people, read_bank(bank), readouts)
    table = score_scales(codes, people).assign(model=model, language=language)
    write_table(table[ScaleScores.names()], output, ScaleScores)
