"""Step plot_country_ranks: the similarity of the models' answers with every surveyed country, in one arm."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.figures.country_rows import Surroundings
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import decimals_of, dot, look_of
from selfalign.figures.style import Style
from selfalign.figures.theme import INK, lighter
from selfalign.options import readable
from selfalign.scoring.schemas import ALL, CountryRanks
from selfalign.tables import read_table, write_table

_ROW, _NARROWEST, _FIXED = 0.125, 0.6, 1.6  # inches: a row; a panel's width; legend, title, axis and note


def draw(rows: pd.DataFrame, style: Style) -> Figure:
    """A panel per model, a row per surveyed country: the similarity with its interval, and a mark of an even guess.

    Countries are in the order of their mean similarity. Some in the middle are left out if a page has no room for all.
    With one model, the name of a country has its rank and the ranks that are possible.

    Args:
        rows: a `CountryRanks` table of one language and arm, without the mean.
    """
    models = style.models_in(rows["model"])
    order = list(rows.groupby("country")["similarity"].mean().sort_values(ascending=False).index)
    lines = -(-len(models) // max(1, int((0.6 * style.width - 0.2) / _NARROWEST)))
    asked = set(rows.loc[rows["asked"], "country"])
    shown = _choose(order, asked, int((style.height - _FIXED) / _ROW / lines))
    rows = rows[rows["country"].isin(shown)].assign(row=rows["country"].map({c: n for n, c in enumerate(shown)}))
    names = [_name(rows[rows["country"] == country], style, len(models) == 1) for country in shown]
    language, arm = rows["language"].iloc[0], rows["arm"].iloc[0]
    what = style.text("ranks.arm", arm=style.arm(arm), language=style.language_name(language))
    note = [f"{what}.", style.bars()]
    note += [style.text("ranks.numbers", level=style.level_name())] if len(models) == 1 else []
    note += [style.text("ranks.left_out", count=len(order) - len(shown))] if len(shown) < len(order) else []
    handles = {
        style.text(f"ranks.{name}"): Line2D([], [], **{**look_of(style, arm, hollow), "linestyle": "solid"})
        for name, hollow, there in (("asked", False, rows["asked"].any()), ("other", True, (~rows["asked"]).any()))
        if there
    } | {style.text("ranks.even"): Line2D([], [], marker="|", linestyle="none", markersize=7, color=INK)}
    titles = [style.model(model) for model in models]
    around = Surroundings(style.text("ranks.axis"), " ".join(note), handles)
    figure, axes = lay_out_grid(titles, names, around, style, _ROW, narrowest=_NARROWEST)
    for ax, model in zip(axes, models, strict=True):
        _draw_model(ax, rows[rows["model"] == model], style, arm)
    axes[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.number(value, f".{decimals_of(value, 2)}f")))
    each = style.width / min(len(models), int(style.width))  # inches of a panel with its share of the names
    ticks = 1 if each <= 1.25 else 3 if len(models) > 2 else 6
    axes[0].xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    return figure


def _choose(order: list[str], asked: set[str], room: int) -> list[str]:
    """The countries for which there is room: those asked about, then those at both ends of the ranking."""
    ends = [one for pair in zip(order, reversed(order), strict=True) for one in pair]
    first = sorted(dict.fromkeys(ends), key=lambda country: country not in asked)
    return [country for country in order if country in first[: max(room, 2)]]


def _name(rows: pd.DataFrame, style: Style, single: bool) -> str:
    """A country's name, with its rank in the only model."""
    row = rows.iloc[0]
    name = style.country(row["country"])
    if not single or pd.isna(row["rank"]):
        return name
    rank, low, high = (f"{row[column]:.0f}" for column in ("rank", "rank_low", "rank_high"))
    return style.text("ranks.row", country=name, rank=rank, low=low, high=high)


def _draw_model(ax: Axes, rows: pd.DataFrame, style: Style, arm: str) -> None:
    colour = style.look(arm).colour
    ax.hlines(rows["row"], rows["low"], rows["high"], color=lighter(colour, 0.35), linewidth=1.0, zorder=2)
    ax.vlines(rows["even"], rows["row"] - 0.35, rows["row"] + 0.35, color=INK, linewidth=0.9, zorder=2)
    for asked, some in rows.groupby("asked"):
        ax.plot(some["similarity"], some["row"], **dot(style, colour, style.look(arm).marker, not asked), zorder=3)


@click.command()
@click.option("--table", type=readable, required=True, help="Country ranks (CSV).")
@click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1.")
@click.option("--arm", required=True, help="The arm whose answers are compared.")
@csv_option
@takes_figure_settings
def command(table: Path, language: str, arm: str, csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw the similarity of the models' answers with the people of every surveyed country."""
    rows = read_table(table, CountryRanks)
    rows = rows[(rows["language"] == language) & (rows["arm"] == arm) & (rows["country"] != ALL)]
    write_table(rows, csv_file, CountryRanks)
    pages.draw(rows, lambda shown: draw(shown, style))
