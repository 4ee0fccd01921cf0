"""Step plot_agreement: agreement with the majority of each country, per arm."""

from dataclasses import replace
from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.figures.baselines import BASELINE_LOOKS, CHANCE_LINE, draw_baselines, explain_baselines, find_baselines
from selfalign.figures.country_rows import Surroundings, split_panels, spread, stack_panels
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.marks import decimals_of, draw_bars, draw_dots, handle_of
from selfalign.figures.panels_per_row import row_of_dots
from selfalign.figures.readers import NO_READERS, draw_readers, explain_readers, takes_readers
from selfalign.figures.style import Style
from selfalign.options import Words, readable
from selfalign.scoring.schemas import Estimates, Metrics
from selfalign.tables import read_table


def draw(
    estimates: pd.DataFrame,
    metrics: pd.DataFrame,
    chosen: list[str] | None,
    style: Style,
    readers: pd.DataFrame = NO_READERS,
) -> Figure:
    """One row per country: a dot with its interval per arm, and marks of what others score in the model's place.

    Args:
        estimates: an `Estimates` table.
        metrics: a `Metrics` table, whose baselines are drawn.
        chosen: arms to draw; None for all.
        readers: of the demonstrations (`choose_readers`), whose agreement is marked.
    """
    agreement = estimates[estimates["measure"] == "agreement"]
    agreement = agreement[agreement["arm"].isin(style.labels["arms"] if chosen is None else chosen)]
    arms = [arm for arm in style.labels["arms"] if arm in set(agreement["arm"])]
    baselines = find_baselines(metrics, arms)
    marks = baselines[list(BASELINE_LOOKS)]
    panels = split_panels(agreement, style)
    handles = {style.arm(arm): handle_of(style, arm) for arm in arms} | explain_baselines(marks, style)
    handles[style.text("agreement.chance")] = Line2D([], [], **CHANCE_LINE)
    readers = readers[readers["arm"].isin(arms) & (readers["measure"] == "agreement")]
    handles |= explain_readers(readers, style)
    row = max(0.16, 0.05 + 0.052 * len(arms))
    around = Surroundings(style.text("agreement.axis"), style.bars(), handles)
    figure, axes = stack_panels(panels, around, style, row)
    style = _fit_marks(style, axes[0].get_position().height * figure.get_figheight() / len(panels[0].names), len(arms))
    chance = baselines["uniform"].mean() if baselines["uniform"].notna().any() else 0.5
    for ax, panel in zip(axes, panels, strict=True):
        ax.axvline(chance, **CHANCE_LINE, zorder=1)
        draw_baselines(ax, panel.rows, marks)
        for arm, offset in zip(arms, spread(len(arms)), strict=True):
            if len(shown := panel.rows[panel.rows["arm"] == arm].sort_values("row")):
                draw_bars(ax, shown, offset, style, arm)
                draw_readers(ax, shown, readers, offset, style.look(arm).colour)
                draw_dots(ax, shown, offset, style, arm)
    axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent(value, decimals_of(100 * value))))
    axes[-1].xaxis.set_major_locator(MaxNLocator(5 if style.narrow else 9, steps=[1, 2, 2.5, 5, 10]))
    return figure


def _fit_marks(style: Style, row: float, arms: int) -> Style:
    """A style with smaller marks if the rows of a full page are too low for their arms.

    Args:
        row: height of a row, in inches.
        arms: in each row.
    """
    needed = row_of_dots(arms)
    return style if row > 0.9 * needed else replace(style, marks=max(row / needed, 0.6))


@click.command()
@click.option("--estimates", type=readable, required=True, help="Estimates (CSV).")
@click.option("--metrics", type=readable, required=True, help="Metrics (CSV), for the baselines.")
@click.option("--arms", type=Words(), help="Arms to draw; all if not given.")
@takes_readers
@takes_figure_settings
def command(
    estimates: Path,
    metrics: Path,
    arms: list[str] | None,
    readers: pd.DataFrame,
    style: Style,
    pages: Pages,
) -> None:
    """Draw agreement per arm and country."""
    baselines = read_table(metrics, Metrics)
    pages.draw(read_table(estimates, Estimates), lambda rows: draw(rows, baselines, arms, style, readers))
