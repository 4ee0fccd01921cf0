"""Step plot_gains: the gain of each selector over zero-shot, by model, for the mean of the countries."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.by_model import Differences, draw_by_model, find_gains, takes_differences
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.style import Style


def draw(rows: pd.DataFrame, differences: Differences, style: Style) -> Figure:
    """A row per model, and in it a dot with its interval per selector. Marks show the gains of others.

    Args:
        rows: `Contrasts` of the mean of the countries in one language.
        differences: each selector with the arm that is subtracted.
        style: of the figure.
    """
    label = style.text("gains.axis", baseline=style.arm(differences.pairs[0][1]))
    names = {(arm, against): style.arm(arm) for arm, against in differences.pairs}
    return draw_by_model(rows, differences, names, label, style)


@click.command()
@takes_differences(find_gains)
@takes_figure_settings
def command(differences: Differences, csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw the gain of each selector over zero-shot, by model."""
    pages.draw(differences.write(csv_file), lambda rows: draw(rows, differences, style))
