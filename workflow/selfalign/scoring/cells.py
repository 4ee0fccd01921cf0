"""Parts that scoring two options and scoring whole scales share: cells, readouts, option orders, the people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.prompts.schemas import CELL
from selfalign.scoring.measures import CONTRASTED, compare_cells
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import Unanswered
from selfalign.scoring.unanswered import COUNTS_AS

IMPOSSIBLE = -1e300
"""Log-probability that stands for minus infinity. It is below any other, and two opposite ones cancel."""

NO_ANSWER = "no answer"
LEFT_OPEN = "choice left open"

_ROWS = 100_000
"""Rows of a design that are scored together: more need more memory, fewer need more time."""

_ADDED = 0.5  # Haldane (1956) and Anscombe (1956)


def smooth_samples(scores: pd.Series, samples: pd.Series) -> pd.Series:
    """Readouts whose differences are finite, also for an option that no sampled reply chose.

    With n replies, of which c are the option: log(c + 0.5). The differences are log-odds with the Haldane-Anscombe
    correction, which have the least bias to first order. Readouts that are not sampled stay as they are, except that
    minus infinity becomes `IMPOSSIBLE`.

    Args:
        scores: log-probabilities of options (nats); of sampled replies, logarithms of shares.
        samples: number of replies drawn; null where probabilities were read.
    """
    number = samples.astype("Int64").astype(float)
    smoothed = np.log(number * np.exp(scores) + _ADDED)
    return smoothed.where(number.notna() & scores.notna(), scores).clip(lower=IMPOSSIBLE)


def split_arms(design: pd.DataFrame) -> list[pd.DataFrame]:
    """A design in parts of whole arms, sorted by arm, so that memory holds the scores of some arms at a time.

    Args:
        design: a `Design` table.
    """
    rows = design.groupby("arm", observed=True).size()
    part_of = rows.cumsum() // _ROWS
    return [part for _, part in design.groupby(design["arm"].map(part_of.to_dict()))]


def mean_of_orders(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Mean of columns over the two option orders of each cell; null where one of the orders has no value.

    Args:
        table: the columns of `CELL`, and a row per order.
    """
    orders = table.groupby(CELL)
    complete = orders[columns].count().eq(orders.size(), axis=0)
    return orders[columns].mean().where(complete)


def list_unanswered(rows: pd.DataFrame) -> pd.DataFrame:
    """The `Unanswered` table of a design's rows that have a column reason, null where there is an answer."""
    table = rows.loc[rows["reason"].notna(), Unanswered.names()]
    return table.drop_duplicates().sort_values([*CELL, "order"])


@dataclass(frozen=True)
class Comparison:
    """What a model's answers are compared with, and how.

    Attributes:
        poles: a `Poles` table.
        bank: a `Bank` table.
        rule: one of `COUNTS_AS`, for the agreement of cells without an answer.
        spread: a `PeopleScales` table; None if no frame asks with the whole scale.
    """

    poles: pd.DataFrame
    bank: pd.DataFrame
    rule: str = "half"
    spread: pd.DataFrame | None = None


class Scored(NamedTuple):
    """The scores of one model and language.

    Attributes:
        cells: a `Scores` table without its columns model and language.
        unanswered: an `Unanswered` table.
    """

    cells: pd.DataFrame
    unanswered: pd.DataFrame

    @classmethod
    def concat(cls, parts: Iterable["Scored"]) -> "Scored":
        """The parts one after another."""
        cells, unanswered = zip(*parts, strict=True)
        return cls(pd.concat(cells), pd.concat(unanswered))


def compare_with_people(cells: pd.DataFrame, compared: Comparison) -> pd.DataFrame:
    """Compare the model's answers with the people's.

    Args:
        cells: the columns of `CELL`, p_a (null where there is no answer) and others, which are kept.

    Returns:
        The cells, sorted, with answered, share_a, majority, category, battery, agreement, alignment.
    """
    cells = cells.merge(compared.poles[["country", "probe", "share_a", "majority"]], on=["country", "probe"])
    cells = cells.merge(compared.bank[["probe", "category", "battery"]], on="probe")
    cells["answered"] = cells["p_a"].notna()
    cells = cells.assign(**{name: compare_cells(cells, METRICS[name]) for name in CONTRASTED})
    cells["agreement"] = cells["agreement"].where(cells["answered"], COUNTS_AS[compared.rule])
    return cells.sort_values(CELL)


def keep_discriminating(
    scores: pd.DataFrame, poles: pd.DataFrame, contrasts: Sequence[Contrast]
) -> tuple[pd.DataFrame, list[Contrast]]:
    """The cells in which the country and the source of the demonstrations answer the test probe differently.

    Where both have the same majority, their demonstrations may lead to the same answer, and a margin is near 0.

    Args:
        scores: `Scores` tables, stacked.
        poles: a `Poles` table with the sources.

    Returns:
        The cells without those of other countries' arms that do not discriminate, and the contrasts that subtract
        such arms. An own arm keeps its cells: pairing by probe leaves out those that have no partner.
    """
    source, country = scores["source"].astype(str), scores["country"].astype(str)
    is_foreign = (source != country) & ~source.isin(["", "world"])
    all_foreign = is_foreign.groupby(scores["arm"].astype(str)).all()
    others = set(all_foreign.index[all_foreign])
    majority = poles.set_index(["country", "probe"])["majority"]
    shown = majority.reindex(pd.MultiIndex.from_arrays([source, scores["probe"].astype(str)])).to_numpy(object)
    differs = pd.Series(shown, scores.index).isin(["A", "B"]) & (shown != scores["majority"].astype(object))
    kept = scores[differs | ~scores["arm"].astype(str).isin(others)]
    return kept, [one for one in contrasts if _subtracts(one, others)]


def _subtracts(contrast: Contrast, others: set[str]) -> bool:
    """Whether a contrast subtracts arms with the answers of other countries, also in the difference beyond it."""
    if contrast.arm in others or contrast.against not in others:
        return False
    return contrast.beyond is None or contrast.beyond[1] in others


def readout_of(frame: str, readouts: dict[str, str]) -> str:
    """Name of the readout that decides between the options of a frame.

    Raises:
        InputError: the frame has no readout.
    """
    if frame not in readouts:
        raise InputError(
            "config: scoring.readouts", f"the frame {frame} has no readout", f"Add {frame}: label, or {frame}: option"
        )
    return readouts[frame]


def is_among(values: pd.Series, chosen: pd.Series) -> np.ndarray:
    """Whether each value is one of those chosen: `isin`, which takes ten times as long for columns of text."""
    among: np.ndarray = pd.Index(chosen.unique()).get_indexer(values) >= 0
    return among


def check_readout(answers: pd.DataFrame, prompts: pd.Series, frame: str, readout: str) -> None:
    """Raise InputError if no answer to a frame's prompts has its readout."""
    if answers.loc[is_among(answers["prompt"], prompts), readout].isna().all():
        raise InputError(
            "config: scoring.readouts",
            f"the answers to the frame {frame} have no readout {readout}",
            "Choose label for frames that show labels, option for those that do not; greedy needs a model with replies",
            column=frame,
            value=readout,
        )


def check_readouts(design: pd.DataFrame, answers: pd.DataFrame, readouts: dict[str, str]) -> None:
    """Raise InputError if a frame of a design has no readout, or no answer to its prompts has it."""
    for frame, cells in design.groupby("template"):
        check_readout(answers, cells["prompt"], frame, readout_of(frame, readouts))


def fill_optional(answers: pd.DataFrame) -> pd.DataFrame:
    """Answers with the columns samples, label_bound and mass_open, where a table lacks them: not read."""
    unread = {"samples": np.nan, "label_bound": False, "mass_open": np.nan}
    return answers.assign(**{name: value for name, value in unread.items() if name not in answers})


def column_outside(readout: str) -> str:
    """The column of `Answers` with the probability of everything that a readout does not compare."""
    return "mass_outside_labels" if readout == "label" else "mass_outside_options"
