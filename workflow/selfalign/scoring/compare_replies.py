"""Step compare_replies: the options that a model's greedy replies choose, and those that its likelihoods choose."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.schemas import SCORED, Answers
from selfalign.options import writable
from selfalign.probes.schemas import Poles
from selfalign.prompts.schemas import CELL, Design
from selfalign.scoring.cell_options import cell_options, poles_option, readouts_option, rule_option
from selfalign.scoring.cells import readout_of
from selfalign.scoring.schemas import REPLY_KINDS, Replies, ReplyShares
from selfalign.scoring.unanswered import COUNTS_AS
from selfalign.tables import read_table, write_table


def read_replies(
    design: pd.DataFrame, answers: pd.DataFrame, poles: pd.DataFrame, readouts: dict[str, str]
) -> pd.DataFrame:
    """What a model replied in each cell and option order, and what its likelihoods choose there.

    Args:
        design: a `Design` table; only cells that ask with two options are read.
        answers: an `Answers` table with all of the design's prompts.
        poles: a `Poles` table.
        readouts: by frame, the readout that decides between the options.

    Returns:
        A `Replies` table without its columns model and language: the cells and orders that have a reply.

    Raises:
        InputError: a frame has no readout.
    """
    cells = design[design["asks"] == "poles"].drop(columns="asks")
    first = answers[answers["place"] == 1].set_index("prompt")[["reply", "replied"]]
    cells = cells.join(first, on="prompt").dropna(subset="reply")
    empty = cells["reply"].str.strip() == ""
    cells["kind"] = np.select([cells["replied"].notna(), empty], ["option", "empty"], "other")
    cells["replied"] = _pole(cells["replied"].map({1: 1.0, 2: -1.0}).astype(float), cells["order"])
    parts = [
        frame.assign(likelier=_pole(_gap(frame, answers, readout_of(name, readouts)), frame["order"]))
        for name, frame in cells.groupby("template")
    ]
    table = pd.concat(parts) if parts else cells.assign(likelier=None)
    both = table[["replied", "likelier"]].notna().all(axis=1)
    table["mismatch"] = (table["replied"] != table["likelier"]).astype("boolean").mask(~both)
    table = table.merge(poles[["country", "probe", "majority"]], on=["country", "probe"], validate="many_to_one")
    return table.sort_values([*CELL, "order"])


def _gap(cells: pd.DataFrame, answers: pd.DataFrame, readout: str) -> pd.Series:
    """How much likelier the first option is than the second, in nats; null where a log-probability is not known.

    Neither the share of one drawn reply nor the reply itself is a likelihood, so these are null too.
    """
    likely = answers[answers["samples"].isna() & (readout != "greedy")]
    sides = likely.pivot(index="prompt", columns="place", values=readout).reindex(columns=[1, 2])
    with np.errstate(invalid="ignore"):  # both may be minus infinity
        return cells["prompt"].map(sides[1] - sides[2])


def _pole(gap: pd.Series, order: pd.Series) -> pd.Series:
    """Pole of the first option where a gap is above 0, of the second where it is below; null elsewhere."""
    leaning = np.sign(gap.where(order == "AB", -gap))
    return leaning.map({1.0: "A", -1.0: "B"}).astype(object)


def summarise(replies: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Shares of replies, by arm and frame.

    Args:
        replies: a `Replies` table; its columns model and language are not needed.
        rule: how a reply that is no option counts in the agreement, one of `COUNTS_AS`.

    Returns:
        A `ReplyShares` table without its columns model and language.
    """
    agrees = (replies["replied"] == replies["majority"]).astype(float).mask(replies["replied"].isna(), COUNTS_AS[rule])
    kinds = {kind: replies["kind"] == kind for kind in REPLY_KINDS}
    counted = replies.assign(**kinds, agreement=agrees, mismatch=replies["mismatch"].astype(float))
    groups = counted.groupby(["arm", "template"], sort=True)
    table = groups[[*REPLY_KINDS, "agreement", "mismatch"]].mean()
    table.insert(0, "replies", groups.size())
    table["compared"] = groups["mismatch"].count()
    both = replies.dropna(subset="replied").groupby(CELL)["replied"].agg(["size", "nunique"]).query("size == 2")
    differ = both.assign(differ=both["nunique"] == 2).groupby(["arm", "template"])["differ"]
    table["both_orders"] = differ.size().reindex(table.index, fill_value=0)
    table["orders_differ"] = differ.mean().reindex(table.index)
    return table.reset_index()


@click.command()
@cell_options
@poles_option
@readouts_option
@rule_option
@click.option("--replies", type=writable, required=True, help="Replies in every cell and order (Parquet).")
@click.option("--output", type=writable, required=True, help="Shares of replies by arm (CSV).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    poles: Path,
    readouts: dict[str, str],
    rule: str,
    replies: Path,
    output: Path,
) -> None:
    """Compare a model's greedy replies with its likelihoods, in one language."""
    cells, given = read_table(design, Design), read_table(answers, Answers, [*SCORED, "reply", "replied"])
    table = read_replies(cells, given, read_table(poles, Poles), readouts)
    asked = (cells["asks"] == "poles").sum()
    if len(table) < asked:
        click.echo(f"{asked - len(table)} of {asked} cells and orders have no reply", err=True)
    named = {"model": model, "language": language}
    write_table(table.assign(**named)[Replies.names()], replies, Replies)
    write_table(summarise(table, rule).assign(**named)[ReplyShares.names()], output, ReplyShares)
