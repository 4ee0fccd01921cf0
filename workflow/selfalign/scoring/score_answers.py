"""Step score_answers: the model's answer in each cell, compared with the people's."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.schemas import SCORED, Answers
from selfalign.options import need, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.progress import show_progress
from selfalign.prompts.schemas import CELL, Design
from selfalign.scoring.cell_options import (
    bank_option,
    cell_options,
    poles_option,
    readouts_option,
    rule_option,
    spread_option,
)
from selfalign.scoring.cells import (
    LEFT_OPEN,
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
    smooth_samples,
    split_arms,
)
from selfalign.scoring.schemas import Scores, Unanswered
from selfalign.scoring.score_scales import read_codes, score_codes
from selfalign.scoring.stated import score_shares
from selfalign.tables import read_table, write_table

_LEAST = 1e-6  # nats: the smallest log-odds of a listed label against one that is not listed


def share_of_first(log_odds: pd.Series) -> pd.Series:
    """Probability of the first of two answers as a share of both: the logistic function of the log-odds (nats).

    In this form no number overflows.
    """
    return (1 + np.tanh(log_odds / 2)) / 2


def log_odds_of_first(first: pd.Series, second: pd.Series, samples: pd.Series) -> pd.Series:
    """Log-odds of the first of two answers, from their readouts; null where there is no answer.

    Args:
        first: readout of the first answer (nats); of sampled replies, the logarithm of its share.
        second: readout of the second answer.
        samples: number of replies drawn; null where probabilities were read.

    Returns:
        first - second. Sampled replies have the Haldane-Anscombe correction: see `smooth_samples`. Null where one of
        the readouts is null, or where neither answer has any probability.
    """
    nothing = (first == -np.inf) & (second == -np.inf)
    return (smooth_samples(first, samples) - smooth_samples(second, samples)).mask(nothing)


def read_log_odds(design: pd.DataFrame, answers: pd.DataFrame, readout: str) -> pd.Series:
    """Log-odds of pole A against pole B (nats) in each cell and option order; null where there is no answer.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        readout: one of `READOUTS`.
    """
    answers = fill_optional(answers)
    sides = answers.pivot(index="prompt", columns="place", values=readout)
    samples = answers.drop_duplicates("prompt").set_index("prompt")["samples"].reindex(sides.index)
    first = design["prompt"].map(log_odds_of_first(sides[1], sides[2], samples))
    return first.where(design["order"] == "AB", -first)


def _read_orders(design: pd.DataFrame, answers: pd.DataFrame, readout: str) -> pd.DataFrame:
    """A frame's cells in each order, with columns log_odds, low, high, bound, readout, mass_outside, mass_open.

    The true log-odds are between low and high. These differ where an endpoint listed one of the two labels only: the
    other label's log-probability is then an upper bound, and so the log-odds are at least as far from 0 as computed.
    """
    log_odds = read_log_odds(design, answers, readout)
    bounds = answers.pivot(index="prompt", columns="place", values="label_bound").astype(bool)
    first, second = (design["prompt"].map(bounds[place]) & (readout == "label") for place in (1, 2))
    forward = design["order"] == "AB"
    of_a, of_b = first.where(forward, second), second.where(forward, first)
    # The listed label is the likelier one. A list that ends with it gives a bound of 0, which would read as a tie.
    log_odds = log_odds.mask(of_b & ~of_a, log_odds.clip(lower=_LEAST)).mask(of_a & ~of_b, log_odds.clip(upper=-_LEAST))
    log_odds = log_odds.mask(of_a & of_b)
    prompts = answers.drop_duplicates("prompt").set_index("prompt")
    return design.assign(
        log_odds=log_odds,
        low=log_odds.mask(of_a & log_odds.notna(), -np.inf),
        high=log_odds.mask(of_b & log_odds.notna(), np.inf),
        bound=of_a | of_b,
        readout=readout,
        mass_outside=design["prompt"].map(prompts[column_outside(readout)]),
        mass_open=design["prompt"].map(prompts["mass_open"]).astype(float),
    )


def _average_orders(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells from their two orders, and the rows with a column reason: why their cell has no answer.

    Args:
        rows: as `_read_orders` returns them.

    Returns:
        By cell: p_a, p_a_mean, order_gap (null where there is no answer), bound, readout, mass_outside, mass_open.
    """
    rows = rows.assign(alone=share_of_first(rows["log_odds"]))
    means = mean_of_orders(rows, ["log_odds", "low", "high", "alone", "mass_outside", "mass_open"])
    orders = rows.groupby(CELL)
    bound = orders["bound"].any() & means["log_odds"].notna()
    left_open = bound & ~(means["low"] > 0) & ~(means["high"] < 0)
    known = means["log_odds"].notna() & ~left_open
    cells = means[["mass_outside", "mass_open"]].assign(
        p_a=share_of_first(means["log_odds"]).where(known),
        p_a_mean=means["alone"].where(known),
        order_gap=(orders["alone"].max() - orders["alone"].min()).where(known),
        bound=bound & known,
        readout=orders["readout"].first(),
    )
    open_cells = pd.MultiIndex.from_frame(rows[CELL]).isin(left_open.index[left_open])
    reason = np.select([rows["log_odds"].isna(), open_cells & rows["bound"]], [NO_ANSWER, LEFT_OPEN], "")
    return cells.reset_index(), rows.assign(reason=pd.Series(reason, rows.index).replace("", None))


def score_options(
    design: pd.DataFrame, answers: pd.DataFrame, compared: Comparison, readouts: dict[str, str]
) -> Scored:
    """Score cells that ask with two options.

    p(A) is the logistic function of the mean log-odds of the two option orders. A preference for a label or a place
    adds the same number to one order that it takes from the other, so it cancels. Nothing is imputed: `mass_outside`
    is the probability of other answers. A cell without an answer in one of its orders has a row without p(A).

    Args:
        design: a `Design` table of such cells.
        answers: an `Answers` table with all of the design's prompts; it may lack the columns samples, label_bound and
            mass_open if nothing was sampled, listed or read.
        readouts: by frame, what decides between the options.

    Raises:
        InputError: a frame has no readout, or not the one that is asked for.
    """
    answers = fill_optional(answers)
    check_readouts(design, answers, readouts)
    parts = []
    for of_arms in show_progress("score", "part", items=split_arms(design)):
        given = answers[is_among(answers["prompt"], of_arms["prompt"])]
        frames = of_arms.groupby("template")
        cells, rows = _average_orders(pd.concat(_read_orders(one, given, readouts[name]) for name, one in frames))
        parts.append(Scored(compare_with_people(cells, compared).assign(asks="poles"), list_unanswered(rows)))
    return Scored.concat(parts)


def score_whole_scales(
    design: pd.DataFrame, answers: pd.DataFrame, compared: Comparison, readouts: dict[str, str]
) -> Scored:
    """Score the poles of cells that ask with the whole scale, as `score_options` does with two options.

    Args:
        design: a `Design` table of such cells.
        answers: an `Answers` table with all of the design's prompts.
        compared: what the answers are compared with; it has a `spread`.
        readouts: by frame, what decides between the options.
    """
    check_readouts(design, answers, readouts)
    return Scored.concat(
        score_codes(read_codes(of_arms, answers, compared.spread, compared.bank, readouts), compared)
        for of_arms in show_progress("score", "part", items=split_arms(design))
    )


_SCORERS = {"poles": score_options, "scale": score_whole_scales, "share": score_shares}
"""By what a frame asks with (`asks` of a `Design` table): the function that scores its cells."""


def score_cells(design: pd.DataFrame, answers: pd.DataFrame, compared: Comparison, readouts: dict[str, str]) -> Scored:
    """Score every cell of one model and language, by what its frame asks with.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        readouts: by frame, what decides between the options.

    Raises:
        InputError: a frame has no readout, or not the one that is asked for.
    """
    by_asking = design.groupby("asks", observed=True)
    return Scored.concat(_SCORERS[asks](cells, answers, compared, readouts) for asks, cells in by_asking)


@click.command()
@cell_options
@poles_option
@spread_option
@bank_option
@readouts_option
@rule_option
@click.option("--unanswered", type=writable, required=True, help="Prompts without an answer (CSV).")
@click.option("--output", type=writable, required=True, help="Scores (Parquet).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    poles: Path,
    spread: Path | None,
    bank: Path,
    readouts: dict[str, str],
    rule: str,
    unanswered: Path,
    output: Path,
) -> None:
    """Score a model's answers in one language against what the people of each country answer."""
    cells, replies = read_table(design, Design), read_table(answers, Answers, SCORED)
    scales = None
    if (cells["asks"] == "scale").any():
        scales = read_table(need(spread, "--spread", "some cells ask with a whole scale"), PeopleScales)
    compared = Comparison(read_table(poles, Poles), read_bank(bank), rule, scales)
    table, missing = score_cells(cells, replies, compared, readouts)
    table = table.assign(model=model, language=language)
    if len(missing):
        cells = (~table["answered"]).sum()
        click.echo(f"{cells} of {len(table)} cells have no answer. They count as {rule} in the agreement", err=True)
    write_table(missing.sort_values(CELL), unanswered, Unanswered)
    write_table(table.sort_values(CELL)[Scores.names()], output, Scores)
