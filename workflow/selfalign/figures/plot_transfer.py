"""Step plot_transfer: own demonstrations against those of each other country, as a matrix."""

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfalign.errors import InputError
from selfalign.figures.country_rows import FigurePanel, Surroundings, fit_figure, split_panels
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.matrix import add_scale, choose_form, draw_matrix, is_certain, name_rows
from selfalign.figures.names import name_pair
from selfalign.figures.style import Style
from selfalign.figures.text import LINE, height_of, lines_of, width_of, wrap
from selfalign.figures.theme import INK
from selfalign.options import readable
from selfalign.scoring.schemas import Transfer
from selfalign.tables import read_table


def draw(transfer: pd.DataFrame, style: Style) -> Figure:
    """A matrix per model and language: a row per country asked about, a column per country whose answers are shown.

    The colour is how much better the country's own demonstrations do, in points of agreement. Cells whose interval
    includes 0, or is missing, are hatched. A dot marks a cell that `is_significant`.

    Args:
        transfer: a `Transfer` table.

    Raises:
        InputError: the table is empty.
    """
    agreement = transfer[transfer["measure"] == "agreement"]
    if agreement.empty:
        remedy = "Ask about two countries in a language, name sources of the second arm, or write null for no matrix"
        raise InputError("config: scoring.transfer", "no country is answered by another", remedy)
    matrices, room = _plan(agreement, style)
    count = sum(len(matrix.names) for matrix in matrices)
    row = max(0.19, *(height_of(lines_of(name), "ytick.labelsize") + 0.04 for each in matrices for name in each.names))
    arm, against = agreement[["arm", "against"]].iloc[0]
    label = wrap(style.text("difference", difference=name_pair(arm, against, style)), room, style.size)
    heads = sum(
        height_of(lines_of(each.title), "axes.titlesize") + _codes_height(each.sources, room, style) + 0.2
        for each in matrices
    )
    ratios = [len(matrix.names) for matrix in matrices]
    figure, axes = plt.subplots(
        len(matrices), 1, figsize=(style.width, 3), squeeze=False, height_ratios=ratios, layout="constrained"
    )
    numbered = [each for each in matrices if choose_form(room / len(each.sources))]
    bold = any(is_certain(matrix.panel.rows).any() for matrix in numbered)
    body = heads + row * count + 0.62 + height_of(lines_of(label), "axes.labelsize")
    fit_figure(figure, style, body, Surroundings(note=_note(agreement, bold, style)))
    reach = max(agreement["estimate"].abs().max(), 0.01)
    for ax, matrix in zip(axes[:, 0], matrices, strict=True):
        _draw_panel(ax, matrix, reach, room, style)
    axes[-1, 0].set_xlabel(style.text("transfer.source"))
    name = wrap(style.text("transfer.country"), 0.8 * row * count + 0.3, style.size)
    figure.supylabel(name, fontsize=style.size)
    add_scale(figure, axes, reach, style, label, aspect=35, pad=0.02)
    return figure


class _Matrix(NamedTuple):
    """A panel with the names of its rows, in lines, and the codes of its columns."""

    panel: FigurePanel
    title: str
    names: list[str]
    sources: list[str]


def _plan(agreement: pd.DataFrame, style: Style) -> tuple[list[_Matrix], float]:
    """The matrices from top to bottom, and the inches that are left for their cells."""
    panels = split_panels(agreement, style)
    names = [[wrap(name, 0.3 * style.width, "ytick.labelsize") for name in panel.names] for panel in panels]
    room = style.width - max(width_of(name, "ytick.labelsize", "bold") for these in names for name in these) - 0.5
    titles = [wrap(panel.title, room, "axes.titlesize", "bold") for panel in panels]
    sources = [style.in_order(panel.rows["source"]) for panel in panels]
    return list(map(_Matrix, panels, titles, names, sources)), room


def _note(rows: pd.DataFrame, bold: bool, style: Style) -> str:
    """The sentences that explain the looks that cells have."""
    limit = style.number(1 - style.level, ".3g")
    missing = rows["low"].isna().any()  # one battery has no interval
    sentences = {
        "gains.uncertain": pd.Series([missing]),
        "transfer.hatched": ~is_certain(rows) & ~missing,
        "transfer.bold": pd.Series([bold and not missing]),
        "transfer.dot": is_significant(rows, style),
        "transfer.grey": pd.Series([True]),
    }
    texts = {key: style.texts[key] for key, shown in sentences.items() if shown.any()}
    return " ".join(text.format(level=style.level_name(), limit=limit) for text in texts.values())


def is_significant(rows: pd.DataFrame, style: Style) -> pd.Series:
    """Whether p after Holm's correction is below 1 - the level of the intervals, such as 0.05.

    Args:
        rows: column p_holm.
        style: has the level.
    """
    return rows["p_holm"] < 1 - style.level


def _is_turned(sources: list[str], room: float, style: Style) -> bool:
    """Whether the codes of the columns stand upright because their cells are narrow."""
    widest = max(width_of(code, style.size - 0.5) for code in sources)
    return room / len(sources) < widest + 0.04


def _codes_height(sources: list[str], room: float, style: Style) -> float:
    turned = _is_turned(sources, room, style)
    return max(width_of(code, style.size - 0.5) for code in sources) if turned else height_of(1, style.size)


def _draw_panel(ax: Axes, matrix: _Matrix, reach: float, room: float, style: Style) -> None:
    """A matrix with its names, and a dot in each cell that differs from 0 after correction."""
    rows, sources = matrix.panel.rows, matrix.sources
    cells = rows.set_index(["row", "source"])
    values = cells["estimate"].unstack().reindex(index=range(len(matrix.names)), columns=sources)
    certain = is_certain(cells).unstack().reindex_like(values).eq(True)
    draw_matrix(ax, values, certain, reach, style, choose_form(room / len(sources)))
    for row in rows[is_significant(rows, style)].itertuples():
        ax.plot(sources.index(row.source) + 0.85, row.row + 0.2, "o", ms=2.2, color=INK, linestyle="none")
    ax.set_xticks(np.arange(len(sources)) + 0.5, sources, rotation=90 if _is_turned(sources, room, style) else 0)
    ax.tick_params(axis="x", labelsize=min(style.size - 0.5, 72 * room / len(sources) / LINE))
    name_rows(ax, matrix.names, matrix.panel.mean)
    ax.set_title(matrix.title)


@click.command()
@click.option("--transfer", type=readable, required=True, help="Transfer (CSV).")
@takes_figure_settings
def command(transfer: Path, style: Style, pages: Pages) -> None:
    """Draw how much better own demonstrations do than those of each other country."""
    pages.draw(read_table(transfer, Transfer), lambda rows: draw(rows, style))
