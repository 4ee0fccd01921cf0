"""Step plot_contrasts: every contrast, for the mean of the countries."""

from typing import Protocol

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from selfalign.contrasts import Contrast, split_beyond
from selfalign.errors import InputError
from selfalign.figures.country_rows import (
    FigurePanel,
    Surroundings,
    fit_figure,
    frame_rows,
    layout_of,
    split_panels,
    stack_panels,
)
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.main_contrasts import takes_main_contrasts
from selfalign.figures.marks import format_points
from selfalign.figures.metric_marks import draw_measures, handles_of_measures, looks_of_measures
from selfalign.figures.names import MINUS, name_pair
from selfalign.figures.panels_per_row import grid_columns
from selfalign.figures.style import Style
from selfalign.figures.text import LINE, height_of, lines_of, width_of, wrap
from selfalign.figures.theme import Keywords
from selfalign.options import Json
from selfalign.scoring.join_verdicts import with_main
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import ALL


def draw(contrasts: pd.DataFrame, order: list[Contrast], style: Style) -> Figure:
    """Every contrast with its main interval, every metric of the table, for the mean of the countries.

    A panel per model and language has a row per contrast. If the rows are one model's languages that are each asked
    about one country, there is a small panel per contrast instead, with a row per country.

    Args:
        contrasts: a `Contrasts` table, with main intervals where a row has one (`with_main`).
        order: contrasts to draw, from top to bottom. Those that a language does not have are left out there.

    Raises:
        InputError: the table is empty.
    """
    rows = contrasts[contrasts["measure"].isin(METRICS)].fillna({"beyond": ""})
    rows = rows[_places(rows, order) >= 0]
    if not (rows["country"] == ALL).any():
        raise InputError("config: scoring.contrasts", "no language runs both arms of any", "Run both arms of one")
    found, looks = split_panels(rows, style), looks_of_measures(rows)
    if len(found) == 1 and found[0].single:
        return _draw_grid(found[0], order, style)
    panels = [_by_contrast(panel, order, style) for panel in split_panels(rows, style, merge=False)]
    note = f"{style.main_bars()} {style.text('zero')}"
    around = Surroundings(style.text("contrasts.axis"), note, handles_of_measures(looks, style))
    figure, axes = stack_panels(panels, around, style, 0.22 * max(1, len(looks) / 2), 0.5)
    for ax, panel in zip(axes, panels, strict=True):
        draw_measures(ax, panel.rows, style, looks)
    format_points(axes[-1], style)
    return figure


def _by_contrast(panel: FigurePanel, order: list[Contrast], style: Style) -> FigurePanel:
    """The panel with a row per contrast: the mean of the countries."""
    means = panel.rows if not panel.mean else panel.rows[panel.rows["country"] == ALL]
    rows = _put_in_order(means, order)
    names = [_name(row, style) for row in rows.drop_duplicates("row").sort_values("row").itertuples()]
    return FigurePanel(panel.title, rows, names)


def _draw_grid(panel: FigurePanel, order: list[Contrast], style: Style) -> Figure:
    """Small panels for languages that are each asked about one country: one per contrast, a row per country."""
    rows = panel.rows.rename(columns={"row": "place"})
    rows = _put_in_order(rows, order).rename(columns={"row": "contrast", "place": "row"})
    looks = looks_of_measures(rows)
    first = rows.drop_duplicates("contrast").sort_values("contrast")
    columns = min(grid_columns(style.width), len(first))
    lines = -(-len(first) // columns)
    names = _codes(rows) if style.narrow else panel.names
    column = max(width_of(name, "ytick.labelsize") for name in names)
    size = style.size - (1 if style.narrow else 0.5)
    room = (style.width - column - 0.1) / columns - 0.06
    titles = [wrap(_name(row, style, False), room, size) for row in first.itertuples()]
    tallest = [max(map(lines_of, titles[line * columns : (line + 1) * columns])) for line in range(lines)]
    figure, axes = plt.subplots(
        lines, columns, figsize=(style.width, 3), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    title = wrap(panel.title, style.width - 0.2, "axes.titlesize", "bold")
    above, below = height_of(lines_of(title), "axes.titlesize") + 0.06, height_of(1, style.size) + 0.04
    fixed = above + below + sum(height_of(each, size) + 0.13 for each in tallest) + 0.25
    note = f"{style.main_bars()} {style.text('zero')}"
    body = fixed + lines * len(names) * 0.13 * max(1, len(looks) / 2)
    around = Surroundings(note=note, handles=handles_of_measures(looks, style))
    top, bottom = fit_figure(figure, style, body, around)
    height = figure.get_figheight()
    inner = (0, (bottom + below) / height, 1, 1 - (top + above + bottom + below) / height)
    layout_of(figure).set(rect=inner)
    row = (height - top - bottom - fixed) / lines / len(names)
    look: Keywords = {"va": "top", "fontsize": style.size + 1, "fontweight": "bold"}
    figure.text(0.05 / style.width, 1 - (top + 0.02) / height, title, **look)
    figure.text(0.5, (bottom + 0.03) / height, style.text("contrasts.axis_single"), ha="center", fontsize=style.size)
    for place, ax in enumerate(axes.flat):
        if place >= len(first):
            ax.set_axis_off()
            continue
        draw_measures(ax, rows[rows["contrast"] == place], style, looks)
        frame_rows(ax, names)
        ax.set_title(titles[place], fontsize=size, fontweight="normal")
        ax.tick_params(axis="x", labelbottom=place + columns >= len(first))
        ax.tick_params(axis="y", labelleft=place % columns == 0, labelsize=min(style.size - 0.5, 72 * row / LINE))
    format_points(axes[0, 0], style, 3)
    return figure


def _codes(rows: pd.DataFrame) -> list[str]:
    """Short names of the rows of small panels: the codes of country and language."""
    first = rows.drop_duplicates("row").sort_values("row")
    return [f"{row.country} ({row.language})" for row in first.itertuples()]


class _Difference(Protocol):
    """A row of `Contrasts`, as its name needs it."""

    model: str
    language: str
    arm: str
    against: str
    against_model: str
    against_language: str
    beyond: str


def _put_in_order(rows: pd.DataFrame, order: list[Contrast]) -> pd.DataFrame:
    """The rows with a column `row`, their place from top to bottom."""
    return rows.assign(row=np.unique(_places(rows, order), return_inverse=True)[1])


def _places(rows: pd.DataFrame, order: list[Contrast]) -> np.ndarray:
    """The place of each row among the contrasts to draw, the first of several; -1 for a row that is not drawn."""
    places = np.full(len(rows), -1)
    for place, contrast in reversed(list(enumerate(order))):
        places[contrast.find_rows(rows)] = place
    return places


def _name(row: _Difference, style: Style, one: bool = True) -> str:
    """A contrast in words. `one`: whether all rows are in one language, which the name then has."""
    arm, against = style.arm(row.arm), style.arm(row.against)
    beyond = split_beyond(row.beyond)
    if beyond and row.against_model != row.model:
        other = style.arm(beyond[0])
        return f"({arm}{MINUS}{other})\n{style.model(row.model)}{MINUS}{style.model(row.against_model)}"
    if beyond:
        return f"({arm}{MINUS}{against})\n{MINUS.lstrip()}({name_pair(*beyond, style)})"
    if row.against_model != row.model:
        arm, against = f"{arm} ({style.model(row.model)})", f"{against} ({style.model(row.against_model)})"
    if row.against_language != row.language:
        arm = _in_language(arm, row.language, style) if one else arm
        against = _in_language(against, row.against_language, style)
    return arm + MINUS + against


def _in_language(arm: str, language: str, style: Style) -> str:
    return f"{arm} ({style.language_name(language)})"


@click.command()
@takes_main_contrasts
@click.option("--order", type=Json(list[Contrast]), required=True, help="Contrasts from top to bottom, as JSON.")
@takes_figure_settings
def command(contrasts: pd.DataFrame, order: list[Contrast], style: Style, pages: Pages) -> None:
    """Draw every difference between arms, for the mean of the countries."""
    pages.draw(with_main(contrasts), lambda rows: draw(rows, order, style))
