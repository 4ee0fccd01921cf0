"""Marks of the metrics of a difference."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from selfalign.figures.marks import dot, draw_zero
from selfalign.figures.readers import NO_READERS, draw_readers
from selfalign.figures.style import Style
from selfalign.figures.theme import FURTHER, MEASURED, lighter
from selfalign.scoring.metrics import METRICS

Looks = tuple[str, str, bool]
"""Colour, marker and whether it is an outline."""


def looks_of_measures(rows: pd.DataFrame) -> dict[str, Looks]:
    """Looks by metric that rows have, in the order of the registry.

    A metric looks the same in all figures.

    Args:
        rows: column measure.
    """
    others = [name for name in METRICS if name not in MEASURED]
    looks = MEASURED | dict(zip(others, cycle(FURTHER), strict=False))
    found = set(rows["measure"])
    return {name: looks[name] for name in METRICS if name in found}


def draw_measures(
    ax: Axes, rows: pd.DataFrame, style: Style, looks: Mapping[str, Looks], readers: pd.DataFrame = NO_READERS
) -> None:
    """Dots and intervals of differences, for each metric, and a line at 0.

    Args:
        ax: whose y axis has row i at i.
        rows: columns measure, row, estimate, low, high.
        looks: of the metrics of the figure: see `looks_of_measures`.
        readers: whose marks stand at the dots (`draw_readers`).
    """
    draw_zero(ax)
    for (measure, look), offset in zip(looks.items(), _offsets(len(looks)), strict=True):
        shown = rows[rows["measure"] == measure].sort_values("row")
        places = shown["row"].to_numpy() + offset
        ax.hlines(places, shown["low"], shown["high"], color=lighter(look[0], 0.3), linewidth=1.3, zorder=2)
        draw_readers(ax, shown, readers, offset, look[0])
        ax.plot(shown["estimate"].to_numpy(), places, **dot(style, *look), label=style.measure(measure), zorder=3)


def handles_of_measures(looks: Mapping[str, Looks], style: Style) -> dict[str, Line2D]:
    """Marks of the metrics for the legend, by label."""
    line = {"linestyle": "solid", "linewidth": 1.3}
    return {style.measure(name): Line2D([], [], **{**dot(style, *look), **line}) for name, look in looks.items()}


def _offsets(number: int) -> list[float]:
    """Where the marks of a row are, from its middle."""
    return [0.0] if number == 1 else list(np.linspace(-1, 1, number) * (0.17 if number == 2 else 0.3))
