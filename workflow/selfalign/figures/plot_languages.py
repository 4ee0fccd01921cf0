"""Step plot_languages: gains in one language and in each country's own, as dumbbells, per model."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from selfalign.figures.country_rows import Surroundings, spread
from selfalign.figures.difference_rows import arms_in, choose_gains
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import draw_zero, format_points, look_of
from selfalign.figures.matrix import is_certain
from selfalign.figures.style import Style
from selfalign.figures.theme import MUTED, lighter
from selfalign.options import readable
from selfalign.scoring.contrast_options import asked_in_option, pairs_option
from selfalign.scoring.schemas import ALL, Languages
from selfalign.tables import read_table, write_table


def draw(rows: pd.DataFrame, pairs: list[tuple[str, str]], asked_in: str, style: Style) -> Figure:
    """A panel per model, a row per country: the gain in one language (outline) and in the country's own (filled).

    The line between the two is pale where the interval of their difference includes 0, or where there is no interval.

    Args:
        rows: a `Languages` table of the agreement.
        pairs: each arm with the arm that is subtracted.
        asked_in: the language that all countries share, ISO 639-1.
    """
    models = style.models_in(rows["model"])
    arms = arms_in(rows, pairs)
    countries = style.in_order(rows["country"])
    spoken = rows[(rows["language"] != asked_in) & (rows["country"] != ALL)].groupby("country")["language"].first()
    names = [style.country(ALL) if country == ALL else _name(country, spoken, style) for country in countries]
    shared = style.language_name(asked_in)
    handles = {style.arm(arm): Line2D([], [], **look_of(style, arm, hollow=False)) for arm in arms}
    several = len(arms) > 1
    other = {"color": MUTED, "marker": "o"} if several else {}  # the rings and dots of several arms have no one colour
    handles = (handles if several else {}) | {
        style.text("gains.asked", language=shared): Line2D([], [], **look_of(style, arms[0], hollow=True) | other),
        style.text("gains.asked_own"): Line2D(
            [], [], **look_of(style, arms[0], hollow=False) | other | {"markerfacecolor": None}
        ),
    }
    label = style.text("gains.axis_country", baseline=style.arm(pairs[0][1]))
    if len(arms) == 1:
        label = style.text("gains.axis_of", arm=style.arm(arms[0]), baseline=style.arm(pairs[0][1]))
    note = f"{style.text('gains.pale', level=style.level_name())} {style.text('zero')}"
    titles = [style.model(model) for model in models]
    height = 0.09 + 0.07 * len(arms)
    figure, axes = lay_out_grid(
        titles, names, Surroundings(label, note, handles), style, height, mean=countries[0] == ALL
    )
    place = {country: number for number, country in enumerate(countries)}
    for ax, model in zip(axes, models, strict=True):
        draw_zero(ax)
        for arm, offset in zip(arms, spread(len(arms)), strict=True):
            of_arm = rows[(rows["model"] == model) & (rows["arm"] == arm) & rows["country"].isin(countries)]
            _draw_dumbbells(ax, of_arm.assign(row=of_arm["country"].map(place) + offset), asked_in, style, arm)
    format_points(axes[0], style, 4)
    return figure


def _draw_dumbbells(ax: Axes, rows: pd.DataFrame, asked_in: str, style: Style, arm: str) -> None:
    rows = rows.set_index("country")
    gains = rows[rows["language"] == rows["against_language"]]
    shared, own = gains[gains["language"] == asked_in], gains[gains["language"] != asked_in]
    apart = rows[rows["language"] != rows["against_language"]].reindex(own.index)
    certain = is_certain(apart)
    colour = style.look(arm).colour
    for sure, shade, width in ((True, colour, 1.6), (False, lighter(colour, 0.65), 1.1)):
        some = own.index[certain == sure]
        ends = shared.loc[some, "estimate"], own.loc[some, "estimate"]
        ax.hlines(own.loc[some, "row"], *ends, color=[shade], linewidth=width, zorder=2)
    for ends, hollow in ((shared, True), (own, False)):
        look = look_of(style, arm, hollow)
        look["markersize"] += 2.8 * hollow  # so that a ring and a dot at the same place have white between them
        ax.plot(ends["estimate"], ends["row"], **look, zorder=3)


def _name(country: str, spoken: pd.Series, style: Style) -> str:
    language = style.language_name(spoken[country])
    return style.text("country_in_language", country=style.country(country), language=language)


@click.command()
@click.option("--table", type=readable, required=True, help="Gains by language (CSV).")
@pairs_option
@asked_in_option
@csv_option
@takes_figure_settings
def command(
    table: Path, pairs: list[tuple[str, str]], asked_in: str, csv_file: Path, style: Style, pages: Pages
) -> None:
    """Draw gains in one language and in each country's own language, per model."""
    rows = choose_gains(read_table(table, Languages), pairs)
    write_table(rows, csv_file, Languages)
    pages.draw(rows, lambda shown: draw(shown, pairs, asked_in, style))
