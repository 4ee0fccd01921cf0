"""Step plot_transfer: own demonstrations against those of each other country, as a matrix."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from selfalign.errors import InputError
from selfalign.figures.options import Pages, figure_options
from selfalign.figures.rows import Panel, fit, split_panels
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap
from selfalign.figures.theme import DIVERGING, INK, MUTED
from selfalign.options import readable
from selfalign.scoring.tables import Transfer
from selfalign.tables import read_table

SIGNIFICANT = 0.05
_TENTHS, _WHOLE = 0.33, 0.24  # inches of a cell that have room for a number with one decimal, or without


def draw(transfer: pd.DataFrame, style: Style) -> Figure:
    """A matrix per model and language: a row per country asked about, a column per country whose answers are shown.

    The colour is how much better the country's own demonstrations do, in points of agreement. Cells whose interval
    includes 0 are hatched. A dot marks p < 0.05 after Holm's correction.

    Args:
        transfer: a `Transfer` table.
        style: of the figure.

    Raises:
        InputError: the table is empty.
    """
    agreement = transfer[transfer["measure"] == "agreement"]
    if agreement.empty:
        remedy = "Ask about two countries in a language, name sources of the second arm, or write null for no matrix"
        raise InputError("config: scoring.transfer", "no country is answered by another", remedy)
    panels = split_panels(agreement, style)
    sources = [style.in_order(panel.rows["source"]) for panel in panels]
    names = [[wrap(name, 0.3 * style.width, "ytick.labelsize") for name in panel.names] for panel in panels]
    column = max(width_of(name, "ytick.labelsize", "bold") for these in names for name in these)
    room = style.width - column - 0.5
    titles = [wrap(panel.title, room, "axes.titlesize", "bold") for panel in panels]
    row = max(0.19, max(height_of(lines_of(name), "ytick.labelsize") + 0.04 for these in names for name in these))
    codes = [_codes_height(these, room, style) for these in sources]
    fixed = sum(
        height_of(lines_of(title), "axes.titlesize") + high + 0.2 for title, high in zip(titles, codes, strict=True)
    )
    arm, against = agreement[["arm", "against"]].iloc[0]
    difference = f"{style.arm(arm)} \N{MINUS SIGN} {style.arm(against)}"
    bar_label = wrap(style.text("difference", difference=difference), room, style.size)
    whole = fixed + row * sum(len(these) for these in names) + 0.62 + height_of(lines_of(bar_label), "axes.labelsize")
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(style.width, 3),
        squeeze=False,
        height_ratios=[len(these) for these in names],
        layout="constrained",
    )
    bold = [
        _is_certain(panel.rows).any() for panel, these in zip(panels, sources, strict=True) if _form(room / len(these))
    ]
    fit(figure, style, whole, _note(agreement, any(bold), style), {})
    reach = max(agreement["estimate"].abs().max(), 0.01)
    for ax, panel, title, these, columns in zip(axes[:, 0], panels, titles, names, sources, strict=True):
        _draw_matrix(ax, panel, columns, reach, room, style)
        _name_cells(ax, panel, these, columns, room, style)
        ax.set_title(title)
    axes[-1, 0].set_xlabel(style.text("transfer.source"))
    label = wrap(style.text("transfer.country"), 0.8 * row * sum(map(len, names)) + 0.3, style.size)
    figure.supylabel(label, fontsize=style.size)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-reach, reach), DIVERGING),
        ax=axes,
        location="bottom",
        shrink=0.7,
        aspect=35,
        pad=0.02,
        format=FuncFormatter(lambda value, _: style.points(value)),
    )
    bar.outline.set_visible(False)
    bar.set_label(bar_label, fontsize=style.size)
    return figure


def _note(rows: pd.DataFrame, bold: bool, style: Style) -> str:
    """The sentences that explain the looks that cells have."""
    limit = style.number(SIGNIFICANT)
    sentences = {
        "hatched": ~_is_certain(rows),
        "bold": pd.Series([bold]),
        "dot": rows["p_holm"] < SIGNIFICANT,
        "grey": pd.Series([True]),
    }
    texts = {key: style.texts[f"transfer.{key}"] for key, shown in sentences.items() if shown.any()}
    return " ".join(text.format(level=style.level_name(), limit=limit) for text in texts.values())


def _is_certain(rows: pd.DataFrame) -> pd.Series:
    """Whether an interval excludes 0."""
    return (rows["low"] > 0) | (rows["high"] < 0)


def _form(width: float) -> str:
    """How numbers are written in cells that are so many inches wide; empty where they do not fit."""
    return "+.1f" if width > _TENTHS else "+.0f" if width > _WHOLE else ""


def _is_turned(sources: list[str], room: float, style: Style) -> bool:
    """Whether the codes of the columns stand upright because their cells are narrow."""
    widest = max(width_of(code, style.size - 0.5) for code in sources)
    return room / len(sources) < widest + 0.04


def _codes_height(sources: list[str], room: float, style: Style) -> float:
    turned = _is_turned(sources, room, style)
    return max(width_of(code, style.size - 0.5) for code in sources) if turned else height_of(1, style.size)


def _draw_matrix(ax: Axes, panel: Panel, sources: list[str], reach: float, room: float, style: Style) -> None:
    """Colour the cells, hatch those whose interval includes 0, and write the numbers where they fit."""
    rows = panel.rows
    column = {source: place for place, source in enumerate(sources)}
    matrix = np.full((len(panel.names), len(sources)), np.nan)
    matrix[rows["row"], rows["source"].map(column)] = rows["estimate"]
    look = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "edgecolors": "white", "linewidth": 0.6}
    mesh = ax.pcolormesh(np.ma.masked_invalid(matrix), **look)
    ax.set_facecolor("#dcdfe3")
    form = _form(room / len(sources))
    for row, certain in zip(rows.itertuples(), _is_certain(rows), strict=True):
        x, y = column[row.source], row.row
        if not certain:
            ax.add_patch(Rectangle((x, y), 1, 1, fill=False, hatch="/////", edgecolor="white", linewidth=0))
        if row.p_holm < SIGNIFICANT:
            ax.plot(x + 0.85, y + 0.2, "o", ms=2.2, color=INK, linestyle="none")
        text = style.points(row.estimate, form or "+.1f")
        if not form:  # the sign, which colours do not show in greyscale
            text = "" if text == "0" else text[0]
        _write(ax, x, y, text, certain, mesh.to_rgba(row.estimate), style)


def _write(ax: Axes, x: int, y: int, text: str, certain: bool, colour: tuple, style: Style) -> None:
    """The number or sign of a cell, on a ground of the cell's colour, so that it can be read on hatching."""
    red, green, blue, _ = colour
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    ground = {"boxstyle": "square,pad=0.1", "facecolor": colour, "edgecolor": "none"}
    ax.text(
        x + 0.5,
        y + 0.5,
        text,
        ha="center",
        va="center",
        fontsize=style.size - 1.5,
        color="white" if dark else INK,
        fontweight="bold" if certain else "normal",
        bbox=None if certain else ground,
    )


def _name_cells(ax: Axes, panel: Panel, names: list[str], sources: list[str], room: float, style: Style) -> None:
    ax.set_ylim(len(names), 0)
    ax.set_yticks(np.arange(len(names)) + 0.5, names)
    turned = _is_turned(sources, room, style)
    ax.set_xticks(np.arange(len(sources)) + 0.5, sources, rotation=90 if turned else 0)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if panel.mean:
        ax.get_yticklabels()[0].set_fontweight("bold")
        ax.axhline(1, color=MUTED, linewidth=0.8)


@click.command()
@click.option("--transfer", type=readable, required=True, help="Transfer (CSV).")
@figure_options
def command(transfer: Path, style: Style, pages: Pages) -> None:
    """Draw how much better own demonstrations do than those of each other country."""
    pages.draw(read_table(transfer, Transfer), lambda rows: draw(rows, style))
