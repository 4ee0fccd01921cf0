"""Matrices of differences: cells whose colour is the difference, hatched where it is uncertain."""

from typing import TypedDict, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from selfalign.figures.style import Style
from selfalign.figures.theme import DIVERGING, INK, MUTED, Keywords

EMPTY_CELL = "#dcdfe3"
"""Colour of cells without a value."""

_TENTHS, _WHOLE = 0.33, 0.24  # inches of a cell that have room for a number with one decimal, or without
_LIGHT, _DARK = 0.8, 0.5  # luma of a cell: above, white hatching cannot be seen on it; below, dark text


def choose_form(width: float, decimals: bool = True) -> str:
    """The format of numbers in cells of a width; empty if numbers do not fit.

    Args:
        width: inches.
        decimals: whether numbers may have a decimal.
    """
    return "+.1f" if width > _TENTHS and decimals else "+.0f" if width > _WHOLE else ""


def is_certain(rows: pd.DataFrame) -> pd.Series:
    """Whether an interval excludes 0; not certain where there is no interval."""
    return (rows["low"] > 0) | (rows["high"] < 0)


def draw_matrix(ax: Axes, values: pd.DataFrame, certain: pd.DataFrame, reach: float, style: Style, form: str) -> None:
    """Colour the cells, hatch the uncertain ones, and write numbers or signs. Certain ones are bold.

    Args:
        ax: gets row i of the matrix between i and i + 1, downwards; the same for columns, to the right.
        values: differences as shares; missing where there is no cell.
        certain: whether each difference is certain.
        reach: the difference at the ends of the scale of colours.
        form: of the numbers (`choose_form`). If it is empty, cells show the sign, which colours do not show in
            greyscale.
    """
    ax.set_facecolor(EMPTY_CELL)
    look = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "edgecolors": "white", "linewidth": 0.6}
    mesh = ax.pcolormesh(np.ma.masked_invalid(values), **look)
    rows, columns = values.shape
    ax.set(xlim=(0, columns), ylim=(rows, 0))
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for down, across in np.argwhere(values.notna().to_numpy()):
        value, sure = values.iloc[down, across], bool(certain.iloc[down, across])
        text = style.points(value, form or "+.1f")
        _draw_cell(ax, across, down, text if form else text[0], sure, mesh.to_rgba(value), style)


def name_rows(ax: Axes, names: list[str], mean: bool) -> None:
    """Name the rows of a matrix. If the first is the mean of the others, it is bold, and a line is below it."""
    ax.set_yticks(np.arange(len(names)) + 0.5, names)
    if mean:
        for label in ax.get_yticklabels()[:1]:
            label.set_fontweight("bold")
        ax.axhline(1, color=MUTED, linewidth=0.8)


class ScaleRoom(TypedDict, total=False):
    """How much room a scale of colours takes: keywords of matplotlib's `colorbar`."""

    fraction: float
    aspect: float
    pad: float


def add_scale(
    figure: Figure, axes: np.ndarray, reach: float, style: Style, label: str, **place: Unpack[ScaleRoom]
) -> None:
    """The scale of colours below the matrices.

    Args:
        reach: the difference at the ends of the scale.
        label: of the scale, in lines.
        place: other keywords of matplotlib's `colorbar`.
    """
    scale = ScalarMappable(Normalize(-reach, reach), DIVERGING)
    form = FuncFormatter(lambda value, _: style.points(value))
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.7, format=form, **place)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.set_label(label)


def _draw_cell(ax: Axes, across: int, down: int, text: str, sure: bool, colour: np.ndarray, style: Style) -> None:
    """The number or sign of a cell. In an uncertain cell it has a ground of the cell's colour, and hatching around."""
    red, green, blue, _ = colour
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    if not sure:
        hatched: Keywords = {
            "hatch": "/////",
            "edgecolor": "white" if light < _LIGHT else MUTED,
            "linewidth": 0,
            "alpha": 0.7,
        }
        ax.add_patch(Rectangle((across, down), 1, 1, fill=False, **hatched))
    ground = {"boxstyle": "square,pad=0.1", "facecolor": colour, "edgecolor": "none"}
    ax.text(
        across + 0.5,
        down + 0.5,
        text,
        ha="center",
        va="center",
        fontsize=style.size - 1.5,
        fontweight="bold" if sure else "normal",
        color="white" if light < _DARK else INK,
        bbox=None if sure else ground,
    )
