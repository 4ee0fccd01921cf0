"""What scoring two options and scoring whole scales have in common: cells, what decides, and who agrees."""

import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.prompts.tables import CELL
from selfalign.scoring.tables import Unanswered


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
