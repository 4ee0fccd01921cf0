"""Step plot_calibration: the model's probability of pole A against the people's share, probe by probe."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from selfalign.figures.options import Pages, figure_options
from selfalign.figures.pages import panel_columns
from selfalign.figures.rows import Panel, fit, split_panels
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import MUTED, PALETTE
from selfalign.options import Words, readable
from selfalign.scoring.calibration import average_cells, correlate
from selfalign.scoring.inputs import read_scores


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
    side = (style.width - 0.45) / columns - 0.12
    names = {arm: wrap(style.arm(arm), side, size) for arm in arms}
    reads = [[_read(block.rows[block.rows["arm"] == arm], side, style) for arm in arms] for block in blocks]
    below = max(lines_of(read) for these in reads for read in these)
    heads = height_of(max(map(lines_of, names.values())) + below, size) + 0.1
    titles = [wrap(block.title, style.width - 0.1, "axes.titlesize", "bold") for block in blocks]
    heights = [lines * (side + heads) + height_of(lines_of(title), "axes.titlesize") + 0.32 for title in titles]
    figure = plt.figure(figsize=(style.width, 3), layout="constrained")
    fit(figure, style, sum(heights) + 0.25, style.text("calibration.note"), {})
    parts = figure.subfigures(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, block, title, these in zip(parts, blocks, titles, reads, strict=True):
        part.suptitle(title, x=0.05 / style.width, ha="left", fontsize=style.size + 1, fontweight="bold")
        axes = part.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for place, ax in enumerate(axes.flat):
            if place >= len(arms):
                ax.set_axis_off()
                continue
            _draw_panel(ax, block, arms[place], f"{names[arms[place]]}\n{these[place]}", style)
            ax.tick_params(labelbottom=place + columns >= len(arms), labelleft=place % columns == 0)
    figure.supxlabel(wrap(style.text("calibration.people"), style.width - 0.2, style.size), fontsize=style.size)
    figure.supylabel(style.text("calibration.model"), fontsize=style.size)
    return figure


def _read(points: pd.DataFrame, width: float, style: Style) -> str:
    """What a panel shows in numbers: r_c and the agreement; in two lines where the panel is narrow."""
    if points.empty:
        return ""
    number = style.text("calibration.correlation", number=style.number(correlate(points)))
    reads = number if points["p_a"].notna().any() else style.text("calibration.silent")
    agreement = style.text("calibration.agreement", percent=style.percent(points["agreement"].mean()))
    return f"{reads}, {agreement}" if width > 1.6 else f"{reads}\n{agreement}"


def _draw_panel(ax: Axes, block: Panel, arm: str, title: str, style: Style) -> None:
    points = block.rows[block.rows["arm"] == arm]
    if points.empty:
        ax.set_axis_off()
        return
    for corner in (0, 0.5):
        ax.axvspan(corner, corner + 0.5, corner, corner + 0.5, color=MUTED, alpha=0.15, linewidth=0)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8)
    answered = points.dropna(subset="p_a")
    colour = np.where((answered["p_a"] > 0.5) == (answered["share_a"] > 0.5), PALETTE[0], PALETTE[4])
    size = 4 if style.narrow else 6
    ax.scatter(answered["share_a"], answered["p_a"], s=size, c=colour, alpha=0.5, linewidths=0, rasterized=True)
    ax.set_title(title, fontweight="normal", fontsize=style.size - 0.5)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: style.percent(value)))
        axis.set_ticks([0, 0.5, 1])


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--arms", type=Words(), required=True, help="Arms to draw.")
@figure_options
def command(scores: tuple[Path, ...], arms: list[str], style: Style, pages: Pages) -> None:
    """Draw the model's probabilities against the people's shares; SCORES are tables of cells."""
    pages.draw(read_scores(scores), lambda rows: draw(rows, arms, style))
