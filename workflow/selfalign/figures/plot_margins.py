"""Step plot_margins: own minus other country, by model, for the mean of the countries."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.by_model import draw_by_model
from selfalign.figures.chosen import choose_pairs, mean_of_countries
from selfalign.figures.names import name_pair
from selfalign.figures.options import Pages, figure_options
from selfalign.figures.style import Style
from selfalign.options import Json, readable, writable
from selfalign.scoring.tables import Contrasts
from selfalign.tables import read_table, write_table


def draw(rows: pd.DataFrame, pairs: list[list[str]], reach: pd.DataFrame, style: Style) -> Figure:
    """A row per model, and in it a dot with its interval per arm with its control.

    Args:
        rows: `Contrasts` of the mean of the countries in one language.
        pairs: each arm with the arm in which other countries answer the same demonstrations.
        reach: rows that the x axis has room for.
        style: of the figure.
    """
    names = {(arm, against): name_pair(arm, against, style) for arm, against in pairs}
    return draw_by_model(rows, names, style, style.text("gains.margin"), reach)


@click.command()
@click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
@click.option("--pairs", type=Json(), required=True, help="Pairs of arms, as JSON; the second is subtracted.")
@click.option("--beside", type=Json(), default="[]", help="Pairs of the figure gains, for the same axis, as JSON.")
@click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1.")
@click.option("--csv", "csv_file", type=writable, required=True, help="The numbers of the figure (CSV).")
@figure_options
def command(
    contrasts: Path,
    pairs: list[list[str]],
    beside: list[list[str]],
    language: str,
    csv_file: Path,
    style: Style,
    pages: Pages,
) -> None:
    """Draw own minus other country, by model."""
    table = read_table(contrasts, Contrasts)
    rows = mean_of_countries(choose_pairs(table, pairs, language))
    write_table(rows, csv_file, Contrasts)
    reach = mean_of_countries(choose_pairs(table, [*pairs, *beside], language))
    pages.draw(rows, lambda shown: draw(shown, pairs, reach, style))
