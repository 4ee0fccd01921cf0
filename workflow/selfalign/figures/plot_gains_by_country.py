"""Step plot_gains_by_country: the gain of each selector over zero-shot, by model and country, as matrices."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from selfalign.figures.country_rows import Surroundings, fit_figure
from selfalign.figures.difference_rows import arms_in, choose_pairs
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.main_contrasts import takes_main_contrasts
from selfalign.figures.matrix import add_scale, choose_form, draw_matrix, is_certain, name_rows
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap
from selfalign.scoring.contrast_options import pairs_option
from selfalign.scoring.join_verdicts import with_main
from selfalign.scoring.schemas import ALL, MainContrasts
from selfalign.tables import write_table

_ROW, _BAR, _TITLE, _GAP = 0.165, 0.42, 0.09, 0.05  # inches: a row; the scale of colours; around a title; below panels


def draw(rows: pd.DataFrame, pairs: list[tuple[str, str]], style: Style) -> Figure:
    """A matrix per selector: a row per country, a column per model. The colour is the gain.

    A cell is hatched where its interval includes 0, or where it has no interval; its number is bold elsewhere.

    Args:
        rows: a `Contrasts` table of one language, with main intervals where a row has one (`with_main`).
        pairs: each selector with the arm that is subtracted.
    """
    models = style.models_in(rows["model"])
    arms = arms_in(rows, pairs)
    countries = style.in_order(rows["country"])
    names = [wrap(style.country(country), 0.35 * style.width, "ytick.labelsize") for country in countries]
    lines = len(arms) if style.narrow else 1
    columns = len(arms) // lines
    room = (style.width - max(width_of(name, "ytick.labelsize", "bold") for name in names) - 0.2) / columns - 0.06
    called, upright, below = _name_models(models, room, style)
    titles = [wrap(style.arm(arm), room, "axes.titlesize", "bold") for arm in arms]
    title = height_of(max(map(lines_of, titles)), "axes.titlesize") + _TITLE
    row = max(_ROW, *(height_of(lines_of(name), "ytick.labelsize") + 0.02 for name in names))
    figure, axes = plt.subplots(
        lines, columns, figsize=(style.width, 3), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    note = style.text("gains.uncertain", level=style.level_name())
    if style.has_main:
        note = f"{note} {style.text('gains.intervals')}"
    label = wrap(style.text("gains.axis_country", baseline=style.arm(pairs[0][1])), columns * room, "axes.labelsize")
    bar = _BAR + height_of(lines_of(label) - 1, "axes.labelsize")
    fit_figure(figure, style, lines * (title + row * len(names)) + below + bar + _GAP, Surroundings(note=note))
    reach = max(rows["estimate"].abs().max(), 0.01)
    form = choose_form(room / len(models), decimals=False)
    for place, (ax, arm, text) in enumerate(zip(axes.flat, arms, titles, strict=True)):
        cells = rows[rows["arm"] == arm].set_index(["country", "model"])
        values = cells["estimate"].unstack().reindex(index=countries, columns=models)
        draw_matrix(ax, values, is_certain(cells).unstack().reindex_like(values).eq(True), reach, style, form)
        ax.set_title(text)
        name_rows(ax, names, countries[0] == ALL)
        ax.set_xticks(np.arange(len(called)) + 0.5, called, rotation=90 if upright else 0)
        ax.tick_params(labelleft=place % columns == 0, labelbottom=place + columns >= len(arms))
    add_scale(figure, axes, reach, style, label, fraction=0.03, aspect=40)
    return figure


def _name_models(models: list[str], room: float, style: Style) -> tuple[list[str], bool, float]:
    """Names of the columns, whether they stand upright because their cells are narrow, and their height in inches."""
    called = [wrap(style.model(model), 1.2, "xtick.labelsize") for model in models]
    upright = max(width_of(name, "xtick.labelsize") for name in called) > room / len(models) - 0.03
    if upright and height_of(max(map(lines_of, called)), "xtick.labelsize") > room / len(models):
        called = [wrap(style.model(model), style.height / 4, "xtick.labelsize") for model in models]
    heights = [
        width_of(name, "xtick.labelsize") if upright else height_of(lines_of(name), "xtick.labelsize")
        for name in called
    ]
    return called, upright, max(heights)


@click.command()
@takes_main_contrasts
@pairs_option
@click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1.")
@csv_option
@takes_figure_settings
def command(
    contrasts: pd.DataFrame, pairs: list[tuple[str, str]], language: str, csv_file: Path, style: Style, pages: Pages
) -> None:
    """Draw the gain of each selector over zero-shot, by model and country."""
    rows = choose_pairs(contrasts, pairs, language)
    write_table(rows[MainContrasts.names()], csv_file, MainContrasts)
    pages.draw(with_main(rows), lambda shown: draw(shown, pairs, style))
