"""Step plot_margin: how much more own-country demonstrations help than another country's."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.errors import InputError
from selfalign.figures.options import Pages, figure_options
from selfalign.figures.rows import split_panels, stack_panels
from selfalign.figures.style import Style
from selfalign.figures.theme import INK, MEASURED, lighter
from selfalign.options import Json, readable
from selfalign.scoring.tables import Contrasts
from selfalign.tables import read_table


def draw(contrasts: pd.DataFrame, contrast: list[str], style: Style) -> Figure:
    """One row per country: the difference between two arms with its interval, for both measures.

    Args:
        contrasts: a `Contrasts` table.
        contrast: the two arms; the second is subtracted.
        style: of the figure.

    Raises:
        InputError: the table has no such contrast.
    """
    arm, against = contrast
    alike = (contrasts["against_language"] == contrasts["language"]) & (contrasts["beyond"].fillna("") == "")
    alike &= contrasts["against_model"] == contrasts["model"]
    alike &= contrasts["measure"].isin(MEASURED)
    chosen = contrasts[alike & (contrasts["arm"] == arm) & (contrasts["against"] == against)]
    if chosen.empty:
        raise InputError("figures.margin.contrast", f"no language runs both {arm} and {against}", "Run both arms")
    difference = f"{style.arm(arm)} \N{MINUS SIGN} {style.arm(against)}"
    panels = split_panels(chosen, style)
    note = f"{style.bars()} {style.text('zero')}"
    label = style.text("difference", difference=difference)
    figure, axes = stack_panels(panels, style, 0.19, label, note, handles_of_measures(style))
    for ax, panel in zip(axes, panels, strict=True):
        draw_measures(ax, panel.rows, style)
    format_points(axes[-1], style)
    return figure


def draw_measures(ax: Axes, rows: pd.DataFrame, style: Style) -> None:
    """Dots and intervals of both measures of differences, and a line at 0.

    Args:
        ax: whose y axis has row i at i.
        rows: columns measure, row, estimate, low, high.
        style: of the figure.
    """
    ax.axvline(0, color=INK, linewidth=0.8, zorder=1)
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


def format_points(ax: Axes, style: Style, ticks: int | None = None) -> None:
    """Percentage points on the x axis."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.points(value)))
    ax.xaxis.set_major_locator(MaxNLocator(ticks or (5 if style.narrow else 8), steps=[1, 2, 5, 10]))


def _marks(measure: str, style: Style) -> dict[str, object]:
    colour, marker, hollow = MEASURED[measure]
    return {
        "marker": marker,
        "linestyle": "none",
        "markersize": 3.2 if style.narrow else 4.0,
        "color": colour,
        "markerfacecolor": "white" if hollow else colour,
        "markeredgewidth": 0.9,
    }


@click.command()
@click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
@click.option("--contrast", type=Json(), required=True, help="The two arms, as JSON; the second is subtracted.")
@figure_options
def command(contrasts: Path, contrast: list[str], style: Style, pages: Pages) -> None:
    """Draw the difference between two arms per country."""
    pages.draw(read_table(contrasts, Contrasts), lambda rows: draw(rows, contrast, style))
