"""Step plot_agreement: agreement with the majority of each country, per arm, beside zero-shot."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.figures.options import Pages, figure_options
from selfalign.figures.rows import Panel, split_panels, spread, stack_panels
from selfalign.figures.style import Style
from selfalign.figures.theme import INK, lighter
from selfalign.options import Words, readable
from selfalign.scoring.tables import Estimates, Metrics
from selfalign.tables import read_table

BASELINES = {
    "world": {"color": INK, "linewidth": 0.9, "linestyle": "solid"},
    "nearest": {"color": INK, "linewidth": 0.9, "linestyle": (0, (1, 1))},
    "ceiling": {"color": "#6b7078", "linewidth": 2.4, "linestyle": "solid"},
}
"""Columns of the table of metrics that each row has a mark for, and its look."""

CHANCE = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 3))}


def draw(estimates: pd.DataFrame, metrics: pd.DataFrame, chosen: list[str] | None, style: Style) -> Figure:
    """One row per country: a dot with its interval per arm, and marks of what others score in the model's place.

    Args:
        estimates: an `Estimates` table.
        metrics: a `Metrics` table, whose baselines are drawn.
        chosen: arms to draw; None for all.
        style: of the figure.
    """
    agreement = estimates[estimates["measure"] == "agreement"]
    agreement = agreement[agreement["arm"].isin(style.labels["arms"] if chosen is None else chosen)]
    arms = [arm for arm in style.labels["arms"] if arm in set(agreement["arm"])]
    baselines = find_baselines(metrics, arms)
    panels = split_panels(agreement, style)
    handles = {style.arm(arm): _handle(style, arm) for arm in arms}
    known = [name for name in BASELINES if baselines[name].notna().any()]
    handles |= {style.text(f"agreement.{name}"): Line2D([], [], **BASELINES[name]) for name in known}
    handles[style.text("agreement.chance")] = Line2D([], [], **CHANCE)
    row = max(0.16, 0.05 + 0.052 * len(arms))
    figure, axes = stack_panels(panels, style, row, style.text("agreement.axis"), style.bars(), handles)
    chance = baselines["uniform"].mean() if baselines["uniform"].notna().any() else 0.5
    for ax, panel in zip(axes, panels, strict=True):
        ax.axvline(chance, **CHANCE, zorder=1)
        _draw_baselines(ax, panel, baselines, known)
        for arm, offset in zip(arms, spread(len(arms)), strict=True):
            if len(shown := panel.rows[panel.rows["arm"] == arm]):
                draw_dots(ax, shown, offset, style, arm)
    axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent(value)))
    axes[-1].xaxis.set_major_locator(MaxNLocator(5 if style.narrow else 9, steps=[1, 2, 2.5, 5, 10]))
    return figure


def find_baselines(metrics: pd.DataFrame, arms: list[str]) -> pd.DataFrame:
    """What others score in the model's place, by model, language and country: the mean over the arms.

    The arms differ only where they are scored on different probes.

    Args:
        metrics: a `Metrics` table.
        arms: those of the figure.

    Returns:
        Columns uniform, world, nearest and ceiling, as in the table.
    """
    rows = metrics[(metrics["metric"] == "agreement") & metrics["arm"].isin(arms)]
    if (rows["asks"] == "poles").any():
        rows = rows[rows["asks"] == "poles"]
    return rows.groupby(["model", "language", "country"])[["uniform", *BASELINES]].mean()


def _draw_baselines(ax: Axes, panel: Panel, baselines: pd.DataFrame, known: list[str]) -> None:
    keys = panel.rows[["model", "language", "country", "row"]].drop_duplicates()
    marks = keys.join(baselines, on=["model", "language", "country"])
    for name in known:
        shown = marks.dropna(subset=name)
        ax.vlines(shown[name], shown["row"] - 0.42, shown["row"] + 0.42, **BASELINES[name], zorder=1.5, label=name)


def draw_dots(ax: Axes, rows: pd.DataFrame, offset: float, style: Style, arm: str) -> None:
    """The dots of an arm, with their intervals.

    Args:
        ax: whose y axis has row i at i.
        rows: columns row, estimate, low, high.
        offset: of the dots within their rows.
        style: of the figure.
        arm: decides colour and marker.
    """
    colour, rows = style.look(arm).colour, rows.sort_values("row")
    places = rows["row"].to_numpy() + offset
    ax.hlines(places, rows["low"], rows["high"], color=lighter(colour, 0.35), linewidth=1.0, zorder=2)
    ax.plot(rows["estimate"].to_numpy(), places, **_marks(style, arm), label=style.arm(arm), zorder=3)


def _marks(style: Style, arm: str) -> dict[str, object]:
    look = style.look(arm)
    face = "white" if look.open else look.colour
    size = 3.2 if style.narrow else 4.0
    return {
        "marker": look.marker,
        "linestyle": "none",
        "markersize": size,
        "color": look.colour,
        "markerfacecolor": face,
        "markeredgewidth": 0.9,
    }


def _handle(style: Style, arm: str) -> Line2D:
    return Line2D([], [], **{**_marks(style, arm), "linestyle": "solid", "linewidth": 1.0})


@click.command()
@click.option("--estimates", type=readable, required=True, help="Estimates (CSV).")
@click.option("--metrics", type=readable, required=True, help="Metrics (CSV), for the baselines.")
@click.option("--arms", type=Words(), help="Arms to draw; all if not given.")
@figure_options
def command(estimates: Path, metrics: Path, arms: list[str] | None, style: Style, pages: Pages) -> None:
    """Draw agreement per arm and country."""
    baselines = read_table(metrics, Metrics)
    pages.draw(read_table(estimates, Estimates), lambda rows: draw(rows, baselines, arms, style))
