"""Step plot_categories: the gain of each selector within each category of values, per model."""

from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.country_rows import Surroundings, spread
from selfalign.figures.difference_rows import arms_in, choose_gains
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import draw_arm, draw_zero, format_points, handle_of
from selfalign.figures.names import name_category
from selfalign.figures.style import Style
from selfalign.options import readable
from selfalign.scoring.contrast_options import pairs_option
from selfalign.scoring.schemas import Categories
from selfalign.tables import read_table, write_table

_ROOM = 1.3  # of the largest estimate: how far an axis reaches at least
_MOST = 0.75  # share of the ends of intervals that an axis has room for


def draw(rows: pd.DataFrame, pairs: list[tuple[str, str]], style: Style) -> Figure:
    """A panel per model, a row per category with the number of its batteries: a dot with its interval per selector.

    The axis has room for all dots and for most intervals; the widest ones reach its edge. A dot without an interval,
    of a category with one battery, is an outline.

    Args:
        rows: a `Categories` table of the agreement in one language.
        pairs: each selector with the arm that is subtracted.
    """
    models = style.models_in(rows["model"])
    arms = arms_in(rows, pairs)
    batteries = rows.groupby("category")["batteries"].max()
    called = {category: name_category(category, style) for category in batteries.index}
    categories = sorted(called, key=called.__getitem__)
    names = [f"{called[category]} ({batteries[category]})" for category in categories]
    handles = {style.arm(arm): handle_of(style, arm) for arm in arms}
    note = f"{style.bars()} {style.text('gains.batteries')} {style.text('zero')}"
    label = style.text("gains.axis", baseline=style.arm(pairs[0][1]))
    titles = [style.model(model) for model in models]
    height = 0.06 + 0.07 * len(arms)
    figure, axes = lay_out_grid(titles, names, Surroundings(label, note, handles), style, height)
    for ax, model in zip(axes, models, strict=True):
        draw_zero(ax)
        for arm, offset in zip(arms, spread(len(arms)), strict=True):
            of_arm = rows[(rows["model"] == model) & (rows["arm"] == arm)]
            draw_arm(ax, of_arm.assign(row=of_arm["category"].map(categories.index)), offset, style, arm)
    axes[0].set_xlim(*find_limits(rows))
    format_points(axes[0], style, 4 if len(models) > 1 else 8)
    return figure


def find_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of an axis with room for all estimates and most intervals.

    Args:
        rows: columns estimate, low, high.
    """
    ends = pd.concat([rows["low"], rows["high"]]).dropna().abs()
    reach = max(_ROOM * rows["estimate"].abs().max(), ends.quantile(_MOST) if len(ends) else 0.0, 0.01)
    return -reach, reach


@click.command()
@click.option("--table", type=readable, required=True, help="Gains by category (CSV).")
@pairs_option
@csv_option
@takes_figure_settings
def command(table: Path, pairs: list[tuple[str, str]], csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw the gain of each selector within each category of values, per model."""
    rows = choose_gains(read_table(table, Categories), pairs)
    write_table(rows, csv_file, Categories)
    pages.draw(rows, lambda shown: draw(shown, pairs, style))
