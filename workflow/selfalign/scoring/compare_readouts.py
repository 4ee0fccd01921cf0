"""Step compare_readouts: how often a model would choose differently if its answers were read in another way."""

from itertools import combinations
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.inference.choices import READOUTS
from selfalign.inference.schemas import SCORED, Answers
from selfalign.options import writable
from selfalign.probes.bank import read_bank
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.prompts.schemas import CELL, Design
from selfalign.scoring import metrics
from selfalign.scoring.by_readout import score_by_readout
from selfalign.scoring.cell_options import bank_option, cell_options, poles_option, spread_option
from selfalign.scoring.cells import Comparison
from selfalign.scoring.schemas import EVERY_ARM, Readouts
from selfalign.tables import read_table, write_estimates

_ROW = ["template", "arm", "readout", "against"]


def compare(
    design: pd.DataFrame,
    answers: pd.DataFrame,
    poles: pd.DataFrame,
    bank: pd.DataFrame,
    spread: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare every two readouts in each frame: arm by arm, and over all arms together.

    A cell is a pair of option orders. Its choice is the pole with more than half of p(A), which is computed from the
    mean log-odds of both orders (`score_answers`). A cell that one readout leaves undecided and the other does not
    counts as different.

    Args:
        design: a `Design` table.
        answers: an `Answers` table with all of the design's prompts.
        poles: a `Poles` table.
        bank: a `Bank` table.
        spread: a `PeopleScales` table, needed for frames that ask with the whole scale.

    Returns:
        A `Readouts` table without its columns model and language. Two readouts that no cell has in common have no row.
    """
    scores = score_by_readout(design, answers, Comparison(poles, bank, "left_out", spread))
    parts = []
    for frame in design["template"].unique():
        cells = {name: table.set_index(CELL) for (template, name), table in scores.items() if template == frame}
        for readout, against in combinations(cells, 2):
            table = pd.concat({"one": cells[readout], "other": cells[against]}, axis=1).reset_index("arm")
            everyone = pd.concat([table, table.assign(arm=EVERY_ARM)])
            rows = [{"arm": arm, **_compare_two(rows)} for arm, rows in everyone.groupby("arm")]
            parts.append(pd.DataFrame(rows).assign(template=frame, readout=readout, against=against))
    if not parts:
        return pd.DataFrame(columns=Readouts.names()).drop(columns=["model", "language"])
    table = pd.concat(parts)
    rank = {name: place for place, name in enumerate(READOUTS)}
    order = table.sort_values(_ROW, key=lambda column: column.map(rank) if column.name in _ROW[2:] else column)
    return order[order["cells"] > 0].reset_index(drop=True)


def _compare_two(cells: pd.DataFrame) -> dict[str, object]:
    """The columns of `Readouts` that compare two readouts over some cells.

    Args:
        cells: columns (one or other, p_a) and (one or other, agreement).
    """
    one, other = cells[("one", "p_a")], cells[("other", "p_a")]
    both = one.notna() & other.notna()
    one, other = one[both], other[both]
    choices = [metrics.choice(p_a) for p_a in (one, other)]
    return {
        "cells": len(one),
        "not_compared": int((~both).sum()),
        "agreement": cells.loc[both, ("one", "agreement")].mean(),
        "agreement_against": cells.loc[both, ("other", "agreement")].mean(),
        "differ": (choices[0] != choices[1]).mean(),
        "correlation": _correlate(one, other),
    }


def _correlate(one: pd.Series, other: pd.Series) -> float:
    """Spearman's correlation; null where a readout is the same in all cells."""
    return one.rank().corr(other.rank()) if one.nunique() > 1 and other.nunique() > 1 else np.nan


@click.command()
@cell_options
@poles_option
@spread_option
@bank_option
@click.option("--output", type=writable, required=True, help="Comparison (CSV).")
def command(
    model: str, language: str, design: Path, answers: Path, poles: Path, spread: Path | None, bank: Path, output: Path
) -> None:
    """Say how often a model's readouts choose differently, in one language."""
    table = compare(
        read_table(design, Design),
        read_table(answers, Answers, SCORED),
        read_table(poles, Poles),
        read_bank(bank),
        read_table(spread, PeopleScales) if spread else None,
    )
    table = table.assign(model=model, language=language)
    write_estimates(table, output, Readouts)
