"""Step plot_margins: own minus other country, by model, for the mean of the countries."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.by_model import Both, Differences, draw_by_model, takes_gains_and_margins
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.names import name_pair
from selfalign.figures.style import Style


def draw(rows: pd.DataFrame, differences: Differences, style: Style) -> Figure:
    """A row per model, and in it a dot with its interval per arm with its control. A mark shows the room for it.

    Args:
        rows: `Contrasts` of the mean of the countries in one language.
        differences: each arm with the arm in which other countries answer the same demonstrations.
        style: of the figure.
    """
    names = {(arm, against): name_pair(arm, against, style) for arm, against in differences.pairs}
    return draw_by_model(rows, differences, names, style.text("gains.margin"), style)


@click.command()
@takes_gains_and_margins
@takes_figure_settings
def command(both: Both, csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw own minus other country, by model."""
    pages.draw(both.margins.write(csv_file), lambda rows: draw(rows, both.margins, style))
