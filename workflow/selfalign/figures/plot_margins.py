"""Step plot_margins: own minus other country, by model, for the mean of the countries."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.by_model import Differences, Pairs, draw_by_model, find_margins, takes_contrasts
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.style import Style


def draw(rows: pd.DataFrame, differences: Differences, style: Style) -> Figure:
    """A row per model, and in it a dot with its main interval per arm with its control.

    Args:
        rows: `MainContrasts` in one language.
        differences: each arm with the arm in which other countries answer the same demonstrations.
    """
    names = {(arm, against): style.arm(arm) for arm, against in differences.pairs}
    return draw_by_model(rows, differences, names, style.text("gains.margin"), style)


@click.command()
@takes_contrasts
@takes_figure_settings
def command(
    contrasts: pd.DataFrame,
    pairs: Pairs,
    language: str,
    readers: pd.DataFrame,
    csv_file: Path,
    style: Style,
    pages: Pages,
) -> None:
    """Draw own minus other country, by model."""
    differences = find_margins(contrasts, pairs, language, readers)
    pages.draw(differences.write(csv_file), lambda rows: draw(rows, differences, style))
