"""Step plot_agreement: agreement with the majority of each country, per arm, beside zero-shot."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from selfalign.figures.options import figure_options
from selfalign.figures.rows import stack_panels
from selfalign.figures.theme import INK, MUTED, Labels, apply_theme, looks, save
from selfalign.options import Words, readable
from selfalign.scoring.tables import Estimates
from selfalign.tables import read_table


def draw(estimates: pd.DataFrame, chosen: list[str] | None, labels: Labels, width: float, height: float) -> Figure:
    """One row per country, one dot with its interval per arm; a line at a coin's 50 %.

    Args:
        estimates: an `Estimates` table.
        chosen: arms to draw; None for all.
        labels: names of models and arms.
        width: inches.
        height: inches.
    """
    agreement = estimates[estimates["measure"] == "agreement"]
    agreement = agreement[agreement["arm"].isin(labels["arms"] if chosen is None else chosen)]
    arms = [arm for arm in labels["arms"] if arm in set(agreement["arm"])]
    offsets = dict(zip(arms, np.linspace(-0.32, 0.32, len(arms)) if len(arms) > 1 else [0.0], strict=True))
    look = looks(arms, labels)
    figure, panels = stack_panels(agreement, labels, width, height)
    for ax, rows, countries in panels:
        ax.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for arm in arms:
            shown = rows[rows["arm"] == arm].set_index("country").reindex(countries)
            _draw_arm(ax, shown, offsets[arm], look[arm], labels["arms"][arm])
    ax.set_xlabel("Probes on which the model chooses the answer of the country's majority")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    handles = {name: handle for ax in figure.axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = [labels["arms"][arm] for arm in arms]
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside right upper",
        frameon=False,
        title="Demonstrations",
        alignment="left",
    )
    return figure


def _draw_arm(ax: Axes, rows: pd.DataFrame, offset: float, look: tuple[str, str], label: str) -> None:
    if rows["estimate"].isna().all():
        return
    colour, marker = look
    places = np.arange(len(rows)) + offset
    ax.hlines(places, rows["low"], rows["high"], color=colour, linewidth=1.1, alpha=0.55)
    face = "white" if colour == MUTED else colour
    ax.plot(rows["estimate"], places, marker, ms=4.6, color=colour, mfc=face, mew=1.2, label=label)


@click.command()
@click.option("--estimates", type=readable, required=True, help="Estimates (CSV).")
@click.option("--arms", type=Words(), help="Arms to draw; all if not given.")
@figure_options
def command(
    estimates: Path, arms: list[str] | None, labels: Labels, width: float, height: float, png: Path, pdf: Path
) -> None:
    """Draw agreement per arm and country."""
    apply_theme()
    save(draw(read_table(estimates, Estimates), arms, labels, width, height), png, pdf)
