"""Step plot_calibration: the model's probability of pole A against the people's share, probe by probe."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from selfalign.figures.options import figure_options
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import MUTED, PALETTE, Labels, apply_theme, panel_title, save
from selfalign.options import Words, readable
from selfalign.scoring.calibration import average_cells, correlate
from selfalign.scoring.inputs import read_scores

_TITLE_SIZE = 8.5


def draw(scores: pd.DataFrame, arms: list[str], labels: Labels, width: float, height: float) -> Figure:
    """A row per model and language, a panel per arm: a dot per country and probe; agreeing quadrants are shaded.

    Each panel names Cohen's r_c (`metrics.from_both_ends`), which does not depend on which pole is called A. An
    unanswered cell has no dot and no part in r_c. Agreement counts it as the table of scores does.

    Args:
        scores: `Scores` tables, stacked.
        arms: which arms to draw.
        labels: names of models and arms.
        width: inches.
        height: inches of a row, whose panels are square; the further lines of long titles are added to it.
    """
    rows = list(average_cells(scores, arms).groupby(["model", "language"], sort=False))
    titles = [panel_title(*key, labels, 0.9 * width) for key, _ in rows]
    names = {arm: wrap(labels["arms"][arm], 0.8 * width / len(arms), _TITLE_SIZE) for arm in arms}
    longest = max(map(lines_of, names.values()))
    heights = [
        height + height_of(lines_of(title) - 1, "axes.titlesize") + height_of(longest - 1, _TITLE_SIZE)
        for title in titles
    ]
    figure = plt.figure(figsize=(width, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, (_, group), title in zip(parts, rows, titles, strict=True):
        part.suptitle(title, x=0.02, ha="left", fontsize=10, fontweight="bold")
        axes = part.subplots(1, len(arms), sharex=True, sharey=True, squeeze=False)[0]
        for ax, arm in zip(axes, arms, strict=True):
            _draw_panel(ax, group[group["arm"] == arm], names[arm])
    figure.supxlabel("People who choose pole A, share of those who choose a pole", fontsize=9)
    figure.supylabel("Model's probability of pole A", fontsize=9)
    return figure


def _draw_panel(ax: Axes, points: pd.DataFrame, label: str) -> None:
    if points.empty:
        ax.set_axis_off()
        return
    for corner in (0, 0.5):
        ax.axvspan(corner, corner + 0.5, corner, corner + 0.5, color=MUTED, alpha=0.12, linewidth=0)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8)
    answered = points.dropna(subset="p_a")
    colour = np.where((answered["p_a"] > 0.5) == (answered["share_a"] > 0.5), PALETTE[0], PALETTE[2])
    ax.scatter(answered["share_a"], answered["p_a"], s=7, c=colour, alpha=0.5, linewidths=0, rasterized=True)
    number = f"{correlate(points):.2f}".replace("-", "\N{MINUS SIGN}")
    reads = f"$r_c$ = {number}" if len(answered) else "no answers"
    reads += f", agreement {points['agreement'].mean():.0%}"
    ax.set_title(f"{label}\n{reads}", fontweight="normal", fontsize=_TITLE_SIZE)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--arms", type=Words(), required=True, help="Arms to draw.")
@figure_options
def command(
    scores: tuple[Path, ...],
    arms: list[str],
    labels: Labels,
    font: Path | None,
    width: float,
    height: float,
    png: Path,
    pdf: Path,
) -> None:
    """Draw the model's probabilities against the people's shares; SCORES are tables of cells."""
    apply_theme(labels, font)
    save(draw(read_scores(scores), arms, labels, width, height), png, pdf)
