"""Step plot_calibration: the model's probability of pole A against the people's share, probe by probe."""

from pathlib import Path
from typing import Literal

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from selfalign.figures.country_rows import FigurePanel, Surroundings, fit_figure, split_panels
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.panels_per_row import WIDEST, panel_columns
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import INK, MUTED, PALETTE, Keywords
from selfalign.options import Words
from selfalign.scoring.calibration import average_cells, correlate
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.metrics import choice

_LEFT, _RIGHT, _GAP, _TICKS, _EDGE = 0.58, 0.06, 0.1, 0.22, 0.05
"""Inches: left and right of the panels, between two, below each, and from the figure's edge to its texts."""


def draw(scores: pd.DataFrame, arms: list[str], style: Style) -> Figure:
    """A block per model and language, a panel per arm: a dot per country and probe; agreeing quadrants are shaded.

    Each panel names Cohen's r_c (`metrics.from_both_ends`), which does not depend on which pole is called A. An
    unanswered cell has no dot and no part in r_c. Agreement counts it as the table of scores does.

    Args:
        scores: `Scores` tables, stacked, or the means of their cells (`average_cells`).
        arms: which arms to draw.
        style: of the figure. Panels are square.
    """
    blocks = split_panels(average_cells(scores, arms), style)
    columns = min(panel_columns(style.width), len(arms))
    lines = -(-len(arms) // columns)
    size = style.size - 0.5
    side = (style.width - _LEFT - _RIGHT - (columns - 1) * _GAP) / columns
    side = min(side, WIDEST)
    names = {arm: wrap(style.arm(arm), side, size) for arm in arms}
    reads = [[_read(block.rows[block.rows["arm"] == arm], side, style) for arm in arms] for block in blocks]
    head = height_of(max(map(lines_of, names.values())) + max(lines_of(one) for each in reads for one in each), size)
    titles = [wrap(block.title, style.width - _LEFT - 0.05, "axes.titlesize", "bold") for block in blocks]
    tops = [height_of(lines_of(title), "axes.titlesize") + 0.1 for title in titles]
    label = wrap(style.text("calibration.people"), style.width - 0.1, style.size)
    under = height_of(lines_of(label), style.size)
    fixed = sum(top + lines * (head + _TICKS) for top in tops) + under + 0.06
    side = max(min(side, (style.height - fixed - 0.6) / lines / len(blocks)), 0.5 * side)  # so that a page has room
    body = sum(top + lines * (head + side + _TICKS) for top in tops) + under + 0.06
    figure = plt.figure(figsize=(style.width, 3))
    _, bottom = fit_figure(figure, style, body, Surroundings(note=style.text("calibration.note")), least=body)
    height = figure.get_figheight()
    y = height
    for block, title, top, these in zip(blocks, titles, tops, reads, strict=True):
        figure.text(_LEFT / style.width, (y - 0.04) / height, title, va="top", fontsize=style.size + 1, weight="bold")
        y -= top
        for place, arm in enumerate(arms):
            if arm not in set(block.rows["arm"]):
                continue  # this language is not asked in this arm
            line, column = divmod(place, columns)
            x = _LEFT + column * (side + _GAP)
            low = y - line * (head + side + _TICKS) - head - side
            ax = figure.add_axes((x / style.width, low / height, side / style.width, side / height))
            _draw_panel(ax, block, arm, f"{names[arm]}\n{these[place]}", style)
            ax.tick_params(labelbottom=place + columns >= len(arms), labelleft=column == 0)
        y -= lines * (head + side + _TICKS)
    figure.text(0.5, (bottom + 0.04) / height, label, ha="center", fontsize=style.size)
    middle = (height + y) / 2 / height
    name = wrap(style.text("calibration.model"), height - bottom, style.size)
    figure.text(_EDGE / style.width, middle, name, ha="left", va="center", rotation=90, fontsize=style.size)
    return figure


def _read(points: pd.DataFrame, width: float, style: Style) -> str:
    """What a panel shows in numbers: r_c and the agreement; in two lines where the panel is narrow."""
    if points.empty:
        return ""
    agreement = style.text("calibration.agreement", percent=style.percent(points["agreement"].mean()))
    correlation = correlate(points)
    reads = style.text("calibration.correlation", number=style.number(correlation))
    if points["p_a"].isna().all():
        reads = style.text("calibration.silent")
    elif np.isnan(correlation):  # each p_a is one half
        return wrap(agreement, width, style.size - 0.5)
    return f"{reads}, {agreement}" if width > 1.6 else f"{reads}\n{wrap(agreement, width, style.size - 0.5)}"


def _draw_panel(ax: Axes, block: FigurePanel, arm: str, title: str, style: Style) -> None:
    points = block.rows[block.rows["arm"] == arm]
    for corner in (0, 0.5):
        ax.axvspan(corner, corner + 0.5, corner, corner + 0.5, color=MUTED, alpha=0.15, linewidth=0)
    ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, zorder=3)
    answered = points.dropna(subset="p_a")
    agrees = choice(answered["p_a"]) * np.where(answered["share_a"] > 0.5, 1, -1)
    colour = np.select([agrees > 0, agrees < 0], [PALETTE[0], PALETTE[4]], MUTED)  # a tie chooses no pole
    size = 4 if style.narrow else 6
    alpha = min(0.6, max(0.15, 300 / max(len(answered), 1)))  # so that many dots do not become one area
    look: Keywords = {"s": size, "c": colour, "alpha": alpha, "linewidths": 0, "rasterized": True}
    ax.scatter(answered["share_a"], answered["p_a"], clip_on=False, **look)  # whole dots at 0 and 100 % too
    ax.set_title(title, fontweight="normal", fontsize=style.size - 0.5)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: style.percent(value)))
        axis.set_ticks([0, 0.5, 1])
    if style.narrow:
        ax.set_xticks([0, 1])
    places: dict[float, Literal["left", "center", "right"]] = {0: "left", 0.5: "center", 1: "right"}
    for tick, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
        label.set_horizontalalignment(places[tick])  # so that the labels of neighbours do not meet


@click.command()
@click.option("--scores", type=Words(Path), required=True, help="Tables of cells, with spaces between them.")
@click.option("--arms", type=Words(), required=True, help="Arms to draw.")
@takes_figure_settings
def command(scores: list[Path], arms: list[str], style: Style, pages: Pages) -> None:
    """Draw the model's probabilities against the people's shares."""
    pages.draw(read_scores(scores), lambda rows: draw(rows, arms, style))
