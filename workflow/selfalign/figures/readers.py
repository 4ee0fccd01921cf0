"""Simple readers of the demonstrations: marks next to the dots of arms, from the table of readers."""

from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from selfalign.contrasts import PLAIN
from selfalign.figures.style import Style
from selfalign.figures.theme import INK
from selfalign.options import Command, Words, give_options, readable
from selfalign.scoring.schemas import ReaderEstimates
from selfalign.tables import read_table

READER_LOOKS: dict[str, dict[str, Any]] = {
    "copier": {"marker": "x", "markersize": 3.4, "markeredgewidth": 0.8},
    "ideal_reader": {"marker": "*", "markersize": 4.6, "markeredgewidth": 0.4},
}
"""How the marks of readers look. They differ without colour from each other and from the dots of arms."""

_HALO = [Stroke(linewidth=2.0, foreground="white"), Normal()]
"""Without white around it, a mark cannot be seen on the dot of its own colour."""

_PAIR = ["model", "language", "country", "arm", "against", "measure"]
_ALONE = ["model", "language", "country", "arm", "measure"]

NO_READERS = pd.DataFrame(columns=[*_PAIR, "reader", "value", "estimate"]).astype({"value": float, "estimate": float})
"""The table of a figure without marks of readers."""


def takes_readers(command: Command) -> Command:
    """Give a command the options of readers. The command gets `readers`: see `choose_readers`."""

    @wraps(command)
    def with_readers(readers: Path | None, demonstrated: Sequence[str] | None, **rest: object) -> None:
        chosen = choose_readers(read_table(readers, ReaderEstimates), demonstrated or ()) if readers else NO_READERS
        command(readers=chosen, **rest)

    options = [
        click.option("--readers", type=readable, help="Readers (CSV), for their marks."),
        click.option("--demonstrated", type=Words(), help="Arms with demonstrations."),
    ]
    return give_options(with_readers, options)


def choose_readers(table: pd.DataFrame, demonstrated: Sequence[str]) -> pd.DataFrame:
    """The readers of arms with demonstrations, and of their contrasts with another arm.

    Without demonstrations a reader has nothing to read.

    Args:
        table: a `ReaderEstimates` table.
        demonstrated: the arms with demonstrations.

    Returns:
        Columns model, language, country, arm, against (empty for an arm alone), measure, reader, value (of the reader)
        and estimate (of the model).
    """
    rows = table[table["arm"].isin(list(demonstrated)) & PLAIN["beyond"](table)]
    rows = rows.assign(against=rows["against"].fillna(""), value=rows["reader_estimate"])
    return rows[[*_PAIR, "reader", "value", "estimate"]].reset_index(drop=True)


def readers_of_gains(readers: pd.DataFrame, pairs: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The gains over a model's first arm, if a reader's answers replaced the model's answers in the other arm.

    Args:
        readers: as `choose_readers` returns them.
        pairs: each selector with the arm that is subtracted.

    Returns:
        The rows of the pairs. The value is the model's gain plus the difference between reader and model in the arm.
    """
    alone = readers[readers["against"] == ""]
    ahead = alone.assign(ahead=alone["value"] - alone["estimate"])[[*_ALONE, "reader", "ahead"]]
    rows = readers_of_pairs(readers, pairs).merge(ahead, on=[*_ALONE, "reader"])
    return rows.assign(value=rows["estimate"] + rows["ahead"]).drop(columns="ahead")


def readers_of_pairs(readers: pd.DataFrame, pairs: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The rows of some pairs of arms: the contrasts of the readers' own answers."""
    if not pairs:
        return readers.iloc[:0]
    wanted = pd.MultiIndex.from_tuples([tuple(pair) for pair in pairs], names=["arm", "against"])
    return readers[pd.MultiIndex.from_frame(readers[["arm", "against"]]).isin(wanted)]


def draw_readers(ax: Axes, rows: pd.DataFrame, readers: pd.DataFrame, offset: float, colour: str) -> None:
    """Draw a mark per row and reader, at the height and in the colour of the row's dot; nothing without readers.

    Args:
        ax: whose y axis has row i at i.
        rows: columns model, language, country, arm, measure and row; against too, unless they are about arms alone.
        readers: as `choose_readers` returns them.
        offset: of the dots within their rows.
        colour: of the dots.
    """
    if readers.empty:
        return
    keys = _PAIR if "against" in rows else _ALONE
    shown = readers if "against" in rows else readers[readers["against"] == ""]
    marks = rows[[*keys, "row"]].merge(shown[[*keys, "reader", "value"]], on=keys)
    for reader in READER_LOOKS:
        these = marks[marks["reader"] == reader]
        ax.plot(these["value"], these["row"] + offset, **_look(reader, colour), zorder=3.5, label=reader)


def explain_readers(readers: pd.DataFrame, style: Style) -> dict[str, Line2D]:
    """Marks of the readers that have a value, for the legend, by name."""
    found = set(readers.dropna(subset="value")["reader"])
    return {style.text(f"readers.{name}"): Line2D([], [], **_look(name)) for name in READER_LOOKS if name in found}


def _look(reader: str, colour: str = INK) -> dict[str, Any]:
    return {"linestyle": "none", "color": colour, "path_effects": _HALO, **READER_LOOKS[reader]}
