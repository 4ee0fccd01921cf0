"""Step plot_margin: how much more own-country demonstrations help than another country's."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from selfalign.errors import InputError
from selfalign.figures.options import figure_options
from selfalign.figures.rows import TITLE_WIDTH, stack_panels
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import INK, MEASURED, Labels, apply_theme, points, save
from selfalign.options import Json, readable
from selfalign.scoring.tables import Contrasts
from selfalign.tables import read_table


def draw(contrasts: pd.DataFrame, contrast: list[str], labels: Labels, width: float, height: float) -> Figure:
    """One row per country: the difference between two arms with its interval, for both measures.

    Args:
        contrasts: a `Contrasts` table.
        contrast: the two arms; the second is subtracted.
        labels: names of models and arms.
        width: inches.
        height: inches; the further lines of long labels are added to it.

    Raises:
        InputError: the table has no such contrast.
    """
    arm, against = contrast
    alike = (contrasts["against_language"] == contrasts["language"]) & (contrasts["beyond"].fillna("") == "")
    alike &= contrasts["against_model"] == contrasts["model"]
    chosen = contrasts[alike & (contrasts["arm"] == arm) & (contrasts["against"] == against)]
    if chosen.empty:
        raise InputError("figures.margin.contrast", f"no language runs both {arm} and {against}", "Run both arms")
    difference = f"{labels['arms'][arm]} \N{MINUS SIGN} {labels['arms'][against]}, percentage points"
    axis_label = wrap(difference, TITLE_WIDTH * width, "axes.labelsize")
    height += height_of(lines_of(axis_label) - 1, "axes.labelsize")
    figure, panels = stack_panels(chosen, labels, width, height)
    for ax, rows, countries in panels:
        ax.axvline(0, color=INK, linewidth=0.8)
        for (measure, (label, colour)), offset in zip(MEASURED.items(), (-0.14, 0.14), strict=True):
            shown = rows[rows["measure"] == measure].set_index("country").reindex(countries)
            places = np.arange(len(countries)) + offset
            ax.hlines(places, shown["low"], shown["high"], color=colour, linewidth=1.6, alpha=0.6)
            ax.plot(shown["estimate"], places, "o", ms=5, color=colour, label=label)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value)))
    ax.set_xlabel(axis_label)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", frameon=False, ncols=2)
    return figure


@click.command()
@click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
@click.option("--contrast", type=Json(), required=True, help="The two arms, as JSON; the second is subtracted.")
@figure_options
def command(
    contrasts: Path,
    contrast: list[str],
    labels: Labels,
    font: Path | None,
    width: float,
    height: float,
    png: Path,
    pdf: Path,
) -> None:
    """Draw the difference between two arms per country."""
    apply_theme(labels, font)
    save(draw(read_table(contrasts, Contrasts), contrast, labels, width, height), png, pdf)
