"""Step plot_gains: the gain of each selector over zero-shot, by model, for the mean of the countries."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.by_model import Differences, Pairs, draw_by_model, find_gains, takes_contrasts
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.style import Style
from selfalign.options import readable
from selfalign.scoring.schemas import Metrics
from selfalign.tables import read_table


def draw(rows: pd.DataFrame, differences: Differences, style: Style) -> Figure:
    """A row per model, and in it a dot with its main interval per selector. Marks show the gains of others.

    Args:
        rows: `MainContrasts` in one language.
        differences: each selector with the arm that is subtracted.
    """
    label = style.text("gains.axis", baseline=style.arm(differences.pairs[0][1]))
    names = {(arm, against): style.arm(arm) for arm, against in differences.pairs}
    return draw_by_model(rows, differences, names, label, style)


@click.command()
@takes_contrasts
@click.option("--metrics", type=readable, required=True, help="Metrics (CSV), for the baselines.")
@takes_figure_settings
def command(
    contrasts: pd.DataFrame,
    metrics: Path,
    pairs: Pairs,
    language: str,
    readers: pd.DataFrame,
    csv_file: Path,
    style: Style,
    pages: Pages,
) -> None:
    """Draw the gain of each selector over zero-shot, by model."""
    differences = find_gains(contrasts, read_table(metrics, Metrics), pairs, language, readers)
    pages.draw(differences.write(csv_file), lambda rows: draw(rows, differences, style))
