"""Step plot_kinds: gains of English-centric and of multilingual models, and their difference."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfalign.figures.by_model import limits
from selfalign.figures.country_rows import Surroundings, spread
from selfalign.figures.difference_rows import arms_in, choose_gains
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import draw_arm, draw_zero, format_points, handle_of
from selfalign.figures.names import name_kinds, name_language
from selfalign.figures.style import Style
from selfalign.options import readable
from selfalign.scoring.contrast_options import pairs_option
from selfalign.scoring.pooling import OWN, name_kind
from selfalign.scoring.schemas import Kinds
from selfalign.tables import read_table, write_table


def draw(rows: pd.DataFrame, pairs: list[tuple[str, str]], style: Style) -> Figure:
    """A panel per language, a row per kind of model and per difference of two kinds: a dot per selector.

    A small tick is a single model.

    Args:
        rows: a `Kinds` table of the agreement.
        pairs: each selector with the arm that is subtracted.
    """
    arms = arms_in(rows, pairs)
    languages = sorted(rows["language"].unique(), key=lambda language: language == OWN)
    of_kinds = rows[rows["model"] == rows["kind"].map(name_kind)]
    compared = zip(of_kinds["model"], of_kinds["against_model"], strict=True)
    keys = sorted({(model != against, model, against) for model, against in compared})
    sizes = of_kinds.groupby("model")["models"].first()
    names = [name_kinds(model, against, sizes[model], style) for _, model, against in keys]
    titles = [name_language(language, style) for language in languages]
    handles = {style.arm(arm): handle_of(style, arm) for arm in arms}
    note = f"{style.bars()} {style.text('gains.models')} {style.text('zero')}"
    label = style.text("gains.axis", baseline=style.arm(pairs[0][1]))
    height = 0.1 + 0.13 * len(arms)
    figure, axes = lay_out_grid(titles, names, Surroundings(label, note, handles), style, height, narrowest=1.4)
    place = {(model, against): number for number, (_, model, against) in enumerate(keys)}
    for ax, language in zip(axes, languages, strict=True):
        draw_zero(ax)
        here = rows[rows["language"] == language]
        for arm, offset in zip(arms, spread(len(arms)), strict=True):
            _draw_kinds(ax, here[here["arm"] == arm], place, offset, style, arm)
    axes[0].set_xlim(*limits(rows))
    format_points(axes[0], style, 5)
    return figure


def _draw_kinds(
    ax: Axes, rows: pd.DataFrame, place: dict[tuple[str, str], int], offset: float, style: Style, arm: str
) -> None:
    keys = pd.Series(list(zip(rows["model"], rows["against_model"], strict=True)), rows.index)
    averaged = keys.isin(list(place))
    draw_arm(ax, rows[averaged].assign(row=keys[averaged].map(place)), offset, style, arm)
    single = rows[~averaged]
    kind = single["kind"].map(name_kind)
    at = pd.Series([place[each, each] for each in kind], single.index, dtype=float) + offset
    ax.plot(single["estimate"], at, "|", markersize=5, markeredgewidth=0.9, color=style.look(arm).colour, zorder=2.5)


@click.command()
@click.option("--table", type=readable, required=True, help="Gains by kind of model (CSV).")
@pairs_option
@csv_option
@takes_figure_settings
def command(table: Path, pairs: list[tuple[str, str]], csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw gains of English-centric and of multilingual models, and their difference."""
    rows = choose_gains(read_table(table, Kinds), pairs)
    write_table(rows, csv_file, Kinds)
    pages.draw(rows, lambda shown: draw(shown, pairs, style))
