"""The share of people that a model states: read from its answers, scored, and compared with the people's share."""

import numpy as np
import pandas as pd

from selfalign.prompts.schemas import CELL
from selfalign.scoring.cells import (
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
)
from selfalign.scoring.metrics import choice, pearson
from selfalign.scoring.schemas import ALL

READ_BY = ("option", "pmi")
"""Readouts that weigh numbers. The others divide by the length of a number, or read labels, which no number has."""


def state_shares(answers: pd.DataFrame, readout: str) -> pd.DataFrame:
    """The share of the first option that each prompt's answer states.

    The k options of a prompt are the numbers x_i from 0 to 100, in steps of 100 / (k - 1). With s_i the readout of
    each, in nats: w_i = exp(s_i) / (exp(s_1) + ... + exp(s_k)). The stated share is the mean, sum_i w_i x_i / 100. Of
    sampled replies this is the mean of the replies that are numbers; nothing is added to any number.

    Args:
        answers: an `Answers` table of prompts in frames of shares.
        readout: one of `READ_BY`.

    Returns:
        By prompt: stated, spread (standard deviation of x / 100), likeliest (x / 100 of the largest weight; of equals,
        the smallest), mass_outside, mass_open. Null where a number has no readout, or all are impossible.
    """
    answers = fill_optional(answers).sort_values(["prompt", "place"])
    by = answers["prompt"]
    x = (answers["place"] - 1) / (answers.groupby("prompt")["place"].transform("max") - 1)
    known = answers[readout].notna().groupby(by).transform("all")
    known &= (answers[readout] > -np.inf).groupby(by).transform("any")
    score = answers[readout].where(known)
    weight = np.exp(score - score.groupby(by).transform("max"))
    weight /= weight.groupby(by).transform("sum")
    table = pd.DataFrame({"prompt": by, "x": x, "weight": weight, "mean": weight * x, "square": weight * x**2})
    sums = table.groupby("prompt")[["mean", "square"]].sum(min_count=1)
    largest = table.dropna(subset="weight").sort_values(["weight", "x"], ascending=[False, True])
    likeliest = largest.drop_duplicates("prompt").set_index("prompt")["x"]
    first = answers.drop_duplicates("prompt").set_index("prompt")
    return pd.DataFrame(
        {
            "stated": sums["mean"].clip(0, 1),
            "spread": np.sqrt((sums["square"] - sums["mean"] ** 2).clip(lower=0)),
            "likeliest": likeliest.reindex(sums.index),
            "mass_outside": first[column_outside(readout)],
            "mass_open": first["mass_open"].astype(float),
        }
    )


def reply_shares(answers: pd.DataFrame) -> pd.DataFrame:
    """The share of the first option that each prompt's greedy reply states: columns reply and replied, by prompt.

    Args:
        answers: an `Answers` table of prompts in frames of shares.
    """
    numbers = answers.groupby("prompt")["place"].max() - 1
    first = answers[answers["place"] == 1].set_index("prompt")
    replied = (first["replied"].astype(float) - 1) / numbers.reindex(first.index)
    return pd.DataFrame({"reply": first["reply"], "replied": replied})


def read_shares(
    design: pd.DataFrame, answers: pd.DataFrame, readouts: dict[str, str], replies: bool = False
) -> pd.DataFrame:
    """The share of pole A that a model states in each cell and option order.

    Order AB asks for the share of pole A, order BA for that of pole B. The share of A is then one minus the stated one.

    Args:
        design: a `Design` table of cells in frames of shares.
        answers: an `Answers` table with all of their prompts.
        readouts: by frame, what weighs the numbers.
        replies: whether to add the columns reply and replied; `answers` must have them.

    Returns:
        The design with columns readout and those of `state_shares`.
    """
    parts = []
    for frame, cells in design.groupby("template"):
        given, readout = answers[is_among(answers["prompt"], cells["prompt"])], readout_of(frame, readouts)
        facts = state_shares(given, readout)
        facts = facts.join(reply_shares(given)) if replies else facts
        parts.append(cells.join(facts, on="prompt").assign(readout=readout))
    table = pd.concat(parts)
    of_a = [name for name in ("stated", "likeliest", "replied") if name in table]
    table[of_a] = table[of_a].where(table["order"] == "AB", 1 - table[of_a])
    return table


def score_shares(
    design: pd.DataFrame,
    answers: pd.DataFrame,
    compared: Comparison,
    readouts: dict[str, str],
) -> Scored:
    """Score cells of frames of shares, as two options are scored. p_a is the stated share of pole A.

    The two orders ask for the shares of A and of B. So a preference for high or low numbers, which adds the same to
    both, cancels in their mean.

    Args:
        design: a `Design` table of such cells.
        answers: an `Answers` table with all of the design's prompts.
        readouts: by frame, what weighs the numbers.

    Raises:
        InputError: a frame has no readout, or not the one that is asked for.
    """
    check_readouts(design, answers, readouts)
    rows = read_shares(design, answers, readouts)
    rows["reason"] = rows["stated"].isna().map({True: NO_ANSWER, False: None})
    orders, means = rows.groupby(CELL), mean_of_orders(rows, ["stated", "mass_outside", "mass_open"])
    gap = (orders["stated"].max() - orders["stated"].min()).where(means["stated"].notna())
    cells = means.rename(columns={"stated": "p_a"}).assign(
        p_a_mean=means["stated"], order_gap=gap, readout=orders["readout"].first(), bound=False
    )
    scored = compare_with_people(cells.reset_index(), compared)
    return Scored(scored.assign(asks="share"), list_unanswered(rows))


def compare_stated(rows: pd.DataFrame) -> pd.DataFrame:
    """How near the stated shares are to the people's, by arm, frame and country.

    Each source and seed is compared alone, then averaged: shares that were averaged first would be smoother than any of
    them, and flatter an arm that has many.

    Args:
        rows: a `Stated` table; its columns model and language are not needed.

    Returns:
        A `StatedShares` table without its columns model and language. The reading `reply` has rows only if there are
        replies.
    """
    readings = {"mean": "stated", **({"reply": "replied"} if rows["reply"].notna().any() else {})}
    series, by = ["arm", "template", "country", "source", "seed"], ["arm", "template", "country"]
    tables = []
    for reading, column in readings.items():
        orders = rows.groupby(CELL)
        cells = mean_of_orders(rows, [column]).rename(columns={column: "share"})
        cells["order_gap"] = (orders[column].max() - orders[column].min()).where(cells["share"].notna())
        cells = cells.join(orders[["spread", "mass_outside", "share_a"]].mean()).reset_index()
        each = pd.DataFrame([dict(zip(series, key, strict=True)) | _compare(one) for key, one in cells.groupby(series)])
        if reading == "reply":
            each[["spread", "mass_outside"]] = np.nan
        countries = _average(each.drop(columns=["source", "seed"]), by)
        whole = _average(countries.drop(columns="country"), by[:2]).assign(country=ALL)
        tables.append(pd.concat([countries, whole]).assign(reading=reading))
    return pd.concat(tables).sort_values([*by, "reading"], ignore_index=True)


def _compare(cells: pd.DataFrame) -> dict[str, float]:
    """The columns of `StatedShares` for one country, source and seed, from a row per probe."""
    known = cells.dropna(subset="share")
    model, people = known["share"].to_numpy(), known["share_a"].to_numpy()
    found = {"probes": len(known), "not_stated": len(cells) - len(known)}
    found |= known[["share", "share_a", "order_gap"]].set_axis(["stated", "people", "order_gap"], axis=1).mean()
    found |= cells[["spread", "mass_outside"]].mean()
    varies = len(known) > 1 and np.ptp(people) > 0
    return found | {
        "error": known["share"].sub(people).abs().mean(),
        "error_of_half": known["share_a"].sub(0.5).abs().mean(),
        "agreement": pd.Series((1 + choice(model) * choice(people)) / 2).mean(),
        "correlation": float(pearson(model, people)) if varies else np.nan,
        "slope": np.polyfit(people, model, 1)[0] if varies else np.nan,
    }


def _average(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Means of the columns by group, null where one row of a group has no value; of numbers of probes, the largest."""
    counts = ["probes", "not_stated"]
    groups = table.groupby(by)
    means = groups[[name for name in table if name not in (*by, *counts)]].agg(lambda one: one.mean(skipna=False))
    return groups[counts].max().join(means).reset_index()
