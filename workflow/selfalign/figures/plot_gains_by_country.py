"""Step plot_gains_by_country: the gain of each selector over zero-shot, by model and country, as matrices."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from selfalign.figures.chosen import choose_pairs
from selfalign.figures.options import Pages, figure_options
from selfalign.figures.rows import fit
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap
from selfalign.figures.theme import DIVERGING, INK, MUTED
from selfalign.options import Json, readable, writable
from selfalign.scoring.tables import ALL, Contrasts
from selfalign.tables import read_table, write_table

_NUMBERS_FROM = 0.27  # inches: the width of a column in which a number can be read
_EMPTY = "#dcdfe3"
_LIGHT, _DARK = 0.8, 0.5  # luma of a cell: above, white hatching cannot be seen on it; below, dark text
_ROW, _BAR, _TITLE, _GAP = 0.165, 0.42, 0.09, 0.05  # inches: a row; the scale of colours; around a title; below panels


def draw(rows: pd.DataFrame, pairs: list[list[str]], style: Style) -> Figure:
    """A matrix per selector: a row per country, a column per model. The colour is the gain.

    A cell is hatched where its interval includes 0, or where it has no interval; its number is bold elsewhere.

    Args:
        rows: `Contrasts` of one language, with the mean of the countries.
        pairs: each selector with the arm that is subtracted.
        style: of the figure.
    """
    models = [model for model in style.labels["models"] if model in set(rows["model"])]
    arms = [arm for arm, _ in pairs if arm in set(rows["arm"])]
    countries = style.in_order(rows["country"])
    names = [wrap(style.country(country), 0.35 * style.width, "ytick.labelsize") for country in countries]
    lines = len(arms) if style.narrow else 1
    columns = len(arms) // lines
    room = (style.width - max(width_of(name, "ytick.labelsize", "bold") for name in names) - 0.2) / columns - 0.06
    called = [wrap(style.model(model), 1.2, "xtick.labelsize") for model in models]
    slanted = max(width_of(name, "xtick.labelsize") for name in called) > room / len(models) - 0.03
    below = max(
        width_of(name, "xtick.labelsize") if slanted else height_of(lines_of(name), "xtick.labelsize")
        for name in called
    )
    titles = [wrap(style.arm(arm), room, "axes.titlesize", "bold") for arm in arms]
    title = height_of(max(map(lines_of, titles)), "axes.titlesize") + _TITLE
    row = max(_ROW, *(height_of(lines_of(name), "ytick.labelsize") + 0.02 for name in names))
    figure, axes = plt.subplots(
        lines, columns, figsize=(style.width, 3), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    note = style.text("gains.uncertain", level=style.level_name())
    fit(figure, style, lines * (title + row * len(names)) + below + _BAR + _GAP, note, {})
    reach = max(rows["estimate"].abs().max(), 0.01)
    for place, (ax, arm, text) in enumerate(zip(axes.flat, arms, titles, strict=True)):
        cells = rows[rows["arm"] == arm].set_index(["country", "model"])
        _draw_matrix(ax, cells, countries, models, reach, style, room / len(models) >= _NUMBERS_FROM)
        ax.set_title(text)
        ax.set_yticks(np.arange(len(names)) + 0.5, names)
        ax.set_xticks(np.arange(len(called)) + 0.5, called, rotation=90 if slanted else 0)
        ax.tick_params(length=0, labelleft=place % columns == 0, labelbottom=place + columns >= len(arms))
        if countries[0] == ALL:
            for name in ax.get_yticklabels()[:1]:
                name.set_fontweight("bold")
            ax.axhline(1, color=MUTED, linewidth=0.8)
    _add_scale(figure, axes, reach, style, style.text("gains.axis_country", baseline=style.arm(pairs[0][1])))
    return figure


def _draw_matrix(
    ax: Axes, cells: pd.DataFrame, countries: list[str], models: list[str], reach: float, style: Style, numbers: bool
) -> None:
    matrix = cells["estimate"].unstack().reindex(index=countries, columns=models)
    certain = ((cells["low"] > 0) | (cells["high"] < 0)).unstack().reindex_like(matrix).eq(True)
    ax.set_facecolor(_EMPTY)
    look = {"cmap": DIVERGING, "vmin": -reach, "vmax": reach, "edgecolors": "white", "linewidth": 0.6}
    mesh = ax.pcolormesh(np.ma.masked_invalid(matrix), **look)
    ax.set(xlim=(0, len(models)), ylim=(len(countries), 0))
    for spine in ax.spines.values():
        spine.set_visible(False)
    for down, across in np.argwhere(matrix.notna().to_numpy()):
        value, sure = matrix.iloc[down, across], bool(certain.iloc[down, across])
        text = style.points(value, "+.0f")
        if not numbers:  # the sign, which colours do not show in greyscale
            text = "" if text == "0" else text[0]
        _draw_cell(ax, across, down, text, sure, mesh.to_rgba(value), style)


def _draw_cell(ax: Axes, across: int, down: int, text: str, sure: bool, colour: tuple, style: Style) -> None:
    """The number or sign of a cell. In an uncertain cell it has a ground of the cell's colour, and hatching around."""
    red, green, blue, _ = colour
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    if not sure:
        hatched = {"hatch": "/////", "edgecolor": "white" if light < _LIGHT else MUTED, "linewidth": 0, "alpha": 0.7}
        ax.add_patch(Rectangle((across, down), 1, 1, fill=False, **hatched))
    ground = {"boxstyle": "square,pad=0.1", "facecolor": colour, "edgecolor": "none"}
    ax.text(
        across + 0.5,
        down + 0.5,
        text,
        ha="center",
        va="center",
        fontsize=style.size - 1.5,
        fontweight="bold" if sure else "normal",
        color="white" if light < _DARK else INK,
        bbox=None if sure else ground,
    )


def _add_scale(figure: Figure, axes: np.ndarray, reach: float, style: Style, label: str) -> None:
    """The scale of colours below the matrices."""
    scale = plt.cm.ScalarMappable(Normalize(-reach, reach), DIVERGING)
    form = FuncFormatter(lambda value, _: style.points(value))
    bar = figure.colorbar(scale, ax=axes, location="bottom", fraction=0.03, aspect=40, shrink=0.7, format=form)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.set_label(wrap(label, 0.9 * style.width, "axes.labelsize"))


@click.command()
@click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
@click.option("--pairs", type=Json(), required=True, help="Pairs of arms, as JSON; the second is subtracted.")
@click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1.")
@click.option("--csv", "csv_file", type=writable, required=True, help="The numbers of the figure (CSV).")
@figure_options
def command(contrasts: Path, pairs: list[list[str]], language: str, csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw the gain of each selector over zero-shot, by model and country."""
    rows = choose_pairs(read_table(contrasts, Contrasts), pairs, language)
    write_table(rows, csv_file, Contrasts)
    pages.draw(rows, lambda shown: draw(shown, pairs, style))
