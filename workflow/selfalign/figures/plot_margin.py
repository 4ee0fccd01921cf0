"""Step plot_margin: how much more own-country demonstrations help than another country's."""

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.contrasts import is_plain
from selfalign.errors import InputError
from selfalign.figures.country_rows import Surroundings, split_panels, stack_panels
from selfalign.figures.figure_options import Pages, takes_figure_settings
from selfalign.figures.main_contrasts import takes_main_contrasts
from selfalign.figures.marks import format_points
from selfalign.figures.metric_marks import draw_measures, handles_of_measures, looks_of_measures
from selfalign.figures.names import name_pair
from selfalign.figures.readers import NO_READERS, explain_readers, readers_of_pairs, takes_readers
from selfalign.figures.style import Style
from selfalign.options import Json
from selfalign.scoring.join_verdicts import with_main
from selfalign.scoring.metrics import METRICS


def draw(
    contrasts: pd.DataFrame,
    contrast: tuple[str, str],
    style: Style,
    readers: pd.DataFrame = NO_READERS,
) -> Figure:
    """One row per country: the difference between two arms with its interval, for every metric of the table.

    The mean of the countries has the main interval. Countries below it have intervals by battery.

    Args:
        contrasts: a `Contrasts` table, with main intervals where a row has one (`with_main`).
        contrast: the two arms; the second is subtracted.
        readers: of the demonstrations (`choose_readers`), whose contrasts are marked.

    Raises:
        InputError: the table has no such contrast.
    """
    arm, against = contrast
    chosen = contrasts[is_plain(contrasts) & contrasts["measure"].isin(METRICS)]
    chosen = chosen[(chosen["arm"] == arm) & (chosen["against"] == against)]
    if chosen.empty:
        raise InputError("figures.margin.contrast", f"no language runs both {arm} and {against}", "Run both arms")
    panels, looks = split_panels(chosen, style), looks_of_measures(chosen)
    note = f"{style.main_bars(countries=any(panel.mean for panel in panels))} {style.text('zero')}"
    label = style.text("difference", difference=name_pair(arm, against, style))
    readers = readers_of_pairs(readers, [contrast])
    handles = handles_of_measures(looks, style) | explain_readers(readers[readers["measure"].isin(looks)], style)
    figure, axes = stack_panels(panels, Surroundings(label, note, handles), style, 0.19 * max(1, len(looks) / 2))
    for ax, panel in zip(axes, panels, strict=True):
        draw_measures(ax, panel.rows, style, looks, readers)
    format_points(axes[-1], style)
    return figure


@click.command()
@takes_main_contrasts
@click.option(
    "--contrast", type=Json(tuple[str, str]), required=True, help="The two arms, as JSON; the second is subtracted."
)
@takes_readers
@takes_figure_settings
def command(
    contrasts: pd.DataFrame,
    contrast: tuple[str, str],
    readers: pd.DataFrame,
    style: Style,
    pages: Pages,
) -> None:
    """Draw the difference between two arms per country."""
    pages.draw(with_main(contrasts), lambda rows: draw(rows, contrast, style, readers))
