"""Marks of the two measures of a difference."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from selfalign.figures.marks import dot, draw_zero
from selfalign.figures.style import Style
from selfalign.figures.theme import MEASURED, lighter


def draw_measures(ax: Axes, rows: pd.DataFrame, style: Style) -> None:
    """Dots and intervals of both measures of differences, and a line at 0.

    Args:
        ax: whose y axis has row i at i.
        rows: columns measure, row, estimate, low, high.
        style: of the figure.
    """
    draw_zero(ax)
    for (measure, (colour, *_)), offset in zip(MEASURED.items(), (-0.17, 0.17), strict=True):
        shown = rows[rows["measure"] == measure].sort_values("row")
        places = shown["row"].to_numpy() + offset
        ax.hlines(places, shown["low"], shown["high"], color=lighter(colour, 0.3), linewidth=1.3, zorder=2)
        label = style.text(f"measures.{measure}")
        ax.plot(shown["estimate"].to_numpy(), places, **_marks(measure, style), label=label, zorder=3)


def handles_of_measures(style: Style) -> dict[str, Line2D]:
    """Marks of the measures for the legend, by name."""
    line = {"linestyle": "solid", "linewidth": 1.3}
    return {
        style.text(f"measures.{measure}"): Line2D([], [], **{**_marks(measure, style), **line}) for measure in MEASURED
    }


def _marks(measure: str, style: Style) -> dict[str, object]:
    return dot(style, *MEASURED[measure])
