"""Marks that several figures share: dots of arms with their intervals, and axes in percentage points."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.figures.style import Style
from selfalign.figures.theme import INK, Keywords, lighter


def look_of(style: Style, arm: str, hollow: bool | None = None) -> Keywords:
    """How matplotlib draws the dot of an arm.

    Args:
        arm: decides colour and marker.
        hollow: whether the dot is an outline; None: as the arm's look says.
    """
    look = style.look(arm)
    return dot(style, look.colour, look.marker, look.open if hollow is None else hollow)


def dot(style: Style, colour: str, marker: str, hollow: bool) -> Keywords:
    """How matplotlib draws a dot: filled, or as an outline."""
    return {
        "marker": marker,
        "linestyle": "none",
        "markersize": (3.2 if style.narrow else 4.0) * style.marks,
        "color": colour,
        "markerfacecolor": "white" if hollow else colour,
        "markeredgewidth": 0.9 * style.marks,
    }


def handle_of(style: Style, arm: str) -> Line2D:
    """The dot and the bar of an arm, for a legend."""
    return Line2D([], [], **{**look_of(style, arm), "linestyle": "solid", "linewidth": 1.0})


def draw_arm(ax: Axes, rows: pd.DataFrame, offset: float, style: Style, arm: str) -> None:
    """The dots of an arm with their intervals. A dot without an interval is an outline.

    Args:
        ax: whose y axis has row i at i.
        rows: columns row, estimate, low, high.
        offset: of the dots within their rows.
        arm: decides colour and marker.
    """
    draw_bars(ax, rows, offset, style, arm)
    known = rows["low"].notna()
    draw_dots(ax, rows[known], offset, style, arm)
    draw_dots(ax, rows[~known], offset, style, arm, hollow=True)


def draw_bars(ax: Axes, rows: pd.DataFrame, offset: float, style: Style, arm: str) -> None:
    """The intervals of an arm."""
    colour = lighter(style.look(arm).colour, 0.35)
    ax.hlines(rows["row"] + offset, rows["low"], rows["high"], color=colour, linewidth=style.marks, zorder=2)


def draw_dots(ax: Axes, rows: pd.DataFrame, offset: float, style: Style, arm: str, hollow: bool | None = None) -> None:
    """The dots of an arm: outlines or filled, or as the arm's look says."""
    look = look_of(style, arm, hollow)
    ax.plot(rows["estimate"], rows["row"] + offset, **look, label=style.arm(arm), zorder=3)


def decimals_of(value: float, least: int = 0) -> int:
    """Decimals that show the value of a tick as it is: at least so many, and at most three more."""
    return next((more for more in range(least, least + 3) if abs(round(value, more) - value) < 1e-9), least + 3)


def draw_zero(ax: Axes) -> None:
    """A line at no difference."""
    ax.axvline(0, color=INK, linewidth=0.8, zorder=1)


def format_points(ax: Axes, style: Style, ticks: int | None = None) -> None:
    """Percentage points on the x axis, with at most `ticks` intervals; if not given, as many as the width allows."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.points(value)))
    ax.xaxis.set_major_locator(MaxNLocator(ticks or (5 if style.narrow else 8), steps=[1, 2, 2.5, 5, 10]))
