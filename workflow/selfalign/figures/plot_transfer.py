"""Step plot_transfer: own demonstrations against those of each other country, as a matrix."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import seaborn
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from selfalign.errors import InputError
from selfalign.figures.options import figure_options
from selfalign.figures.rows import TITLE_WIDTH, order_countries
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import DIVERGING, INK, MUTED, Labels, apply_theme, panel_title, points, row_name, save
from selfalign.options import readable
from selfalign.scoring.tables import ALL, Transfer
from selfalign.tables import read_table

SIGNIFICANT = 0.05
_SHORTEST = 3.4  # inches, where the name of the colours breaks in a small figure
_NUMBERS_UP_TO = 10  # columns; numbers in more would be too small to read


def draw(transfer: pd.DataFrame, labels: Labels, width: float, height: float) -> Figure:
    """A matrix per model and language: a row per country asked about, a column per country whose answers are shown.

    The colour is how much better the country's own demonstrations do, in points of agreement. A dot marks p < 0.05
    after Holm's correction.

    Args:
        transfer: a `Transfer` table.
        labels: names of models and arms.
        width: inches.
        height: inches of a row; the further lines of long titles are added to the figure's height.

    Raises:
        InputError: the table is empty.
    """
    agreement = transfer[transfer["measure"] == "agreement"]
    if agreement.empty:
        remedy = "Ask about two countries in a language, name sources of the second arm, or write null for no matrix"
        raise InputError("config: scoring.transfer", "no country is answered by another", remedy)
    panels = list(agreement.groupby(["model", "language"], sort=False))
    sizes = [len(order_countries(rows["country"])) for _, rows in panels]
    titles = [panel_title(*key, labels, TITLE_WIDTH * width) for key, _ in panels]
    further = height_of(sum(lines_of(title) - 1 for title in titles), "axes.titlesize")
    whole = height * sum(size + 2 for size in sizes) + further
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(width, whole),
        squeeze=False,
        height_ratios=sizes,
        layout="constrained",
    )
    reach = max(agreement["estimate"].abs().max(), 0.01)
    for ax, (_, rows), title in zip(axes[:, 0], panels, titles, strict=True):
        _draw_matrix(ax, rows, reach)
        ax.set_title(title)
    axes[-1, 0].set_xlabel("Whose answers the demonstrations carry", fontsize=9)
    figure.supylabel("Whose majority the model's answers are compared with", fontsize=9)
    arm, against = agreement[["arm", "against"]].iloc[0]
    scale = plt.cm.ScalarMappable(Normalize(-reach, reach), DIVERGING)
    bar = figure.colorbar(scale, ax=axes, shrink=0.6, aspect=30, format=FuncFormatter(lambda value, _: points(value)))
    bar.outline.set_visible(False)
    difference = f"{labels['arms'][arm]} \N{MINUS SIGN} {labels['arms'][against]}, percentage points"
    bar.set_label(wrap(difference, max(whole, _SHORTEST), 8.5), fontsize=8.5)
    return figure


def _draw_matrix(ax: Axes, rows: pd.DataFrame, reach: float) -> None:
    countries, sources = order_countries(rows["country"]), order_countries(rows["source"])
    cells = rows.set_index(["country", "source"])
    matrix = cells["estimate"].unstack().reindex(index=countries, columns=sources)
    certain = (cells["p_holm"] < SIGNIFICANT).unstack().reindex_like(matrix).eq(True)
    numbers = matrix.map(points, form="+.1f", na_action="ignore") if len(sources) <= _NUMBERS_UP_TO else False
    look = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "linewidths": 0.6, "linecolor": "white", "cbar": False}
    seaborn.heatmap(matrix, ax=ax, annot=numbers, fmt="", annot_kws={"fontsize": 7.5}, **look)
    ax.set_facecolor("#dcdfe3")
    down, across = np.nonzero(certain.to_numpy())
    ax.plot(across + 0.85, down + 0.2, "o", ms=2.6, color=INK, linestyle="none")
    ax.set_yticks(np.arange(len(countries)) + 0.5, [row_name(country) for country in countries], rotation=0)
    ax.set_xticks(np.arange(len(sources)) + 0.5, sources, rotation=0, fontsize=7.5)
    ax.tick_params(length=0)
    ax.set(xlabel="", ylabel="")
    if countries[0] == ALL:
        ax.get_yticklabels()[0].set_fontweight("bold")
        ax.axhline(1, color=MUTED, linewidth=0.8)


@click.command()
@click.option("--transfer", type=readable, required=True, help="Transfer (CSV).")
@figure_options
def command(
    transfer: Path, labels: Labels, font: Path | None, width: float, height: float, png: Path, pdf: Path
) -> None:
    """Draw how much better own demonstrations do than those of each other country."""
    apply_theme(labels, font)
    save(draw(read_table(transfer, Transfer), labels, width, height), png, pdf)
