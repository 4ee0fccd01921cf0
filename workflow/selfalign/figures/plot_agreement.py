"""Step plot_agreement: agreement with the majority of each country, per arm, beside zero-shot."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from selfalign.figures.options import figure_options
from selfalign.figures.rows import stack_panels
from selfalign.figures.text import wrap
from selfalign.figures.theme import INK, MUTED, Labels, apply_theme, looks, save
from selfalign.options import Words, readable
from selfalign.scoring.tables import Estimates
from selfalign.tables import read_table

_LEGEND_WIDTH = 0.25  # of the figure's width, where a name in the legend breaks


def draw(estimates: pd.DataFrame, chosen: list[str] | None, labels: Labels, width: float, height: float) -> Figure:
    """One row per country, one dot with its interval per arm; a line at a coin's 50 %.

    Args:
        estimates: an `Estimates` table.
        chosen: arms to draw; None for all.
        labels: names of models and arms.
        width: inches.
        height: inches; the further lines of long titles are added to it.
    """
    agreement = estimates[estimates["measure"] == "agreement"]
    agreement = agreement[agreement["arm"].isin(labels["arms"] if chosen is None else chosen)]
    arms = [arm for arm in labels["arms"] if arm in set(agreement["arm"])]
    offsets = dict(zip(arms, np.linspace(-0.32, 0.32, len(arms)) if len(arms) > 1 else [0.0], strict=True))
    look = looks(arms, labels)
    figure, panels = stack_panels(agreement, labels, width, height)
    handles: dict[str, Line2D] = {}
    for ax, rows, countries in panels:
        ax.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for arm in arms:
            shown = rows[rows["arm"] == arm].set_index("country").reindex(countries)
            if shown["estimate"].notna().any():
                handles[arm] = _draw_arm(ax, shown, offsets[arm], look[arm], labels["arms"][arm])
    ax.set_xlabel("Probes on which the model chooses the answer of the country's majority")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    named = [arm for arm in arms if arm in handles]
    figure.legend(
        [handles[arm] for arm in named],
        [wrap(labels["arms"][arm], _LEGEND_WIDTH * width, "legend.fontsize") for arm in named],
        loc="outside right upper",
        frameon=False,
        title="Demonstrations",
        alignment="left",
    )
    return figure


def _draw_arm(ax: Axes, rows: pd.DataFrame, offset: float, look: tuple[str, str], label: str) -> Line2D:
    colour, marker = look
    places = np.arange(len(rows)) + offset
    ax.hlines(places, rows["low"], rows["high"], color=colour, linewidth=1.1, alpha=0.55)
    face = "white" if colour == MUTED else colour
    (line,) = ax.plot(rows["estimate"], places, marker, ms=4.6, color=colour, mfc=face, mew=1.2, label=label)
    return line


@click.command()
@click.option("--estimates", type=readable, required=True, help="Estimates (CSV).")
@click.option("--arms", type=Words(), help="Arms to draw; all if not given.")
@figure_options
def command(
    estimates: Path,
    arms: list[str] | None,
    labels: Labels,
    font: Path | None,
    width: float,
    height: float,
    png: Path,
    pdf: Path,
) -> None:
    """Draw agreement per arm and country."""
    apply_theme(labels, font)
    save(draw(read_table(estimates, Estimates), arms, labels, width, height), png, pdf)
