"""Figures with one row per model and one dot per pair of arms: gains, and own minus other country."""

from collections.abc import Mapping, Sequence
from functools import wraps
from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.baselines import (
    choose_baselines,
    draw_baselines,
    explain_baselines,
    gains_of_others,
    room_for_margins,
)
from selfalign.figures.chosen import choose_pairs, mean_of_countries
from selfalign.figures.figure_options import contrasts_option, csv_option
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import draw_arm, draw_zero, format_points, handle_of
from selfalign.figures.names import name_language
from selfalign.figures.readers import (
    draw_readers,
    explain_readers,
    readers_of_gains,
    readers_of_pairs,
    takes_readers,
)
from selfalign.figures.rows import spread
from selfalign.figures.style import Style
from selfalign.option_sets import give_options
from selfalign.options import Command, Json, readable
from selfalign.scoring.schemas import Contrasts, Metrics
from selfalign.tables import read_table, write_table

Pairs = Sequence[Sequence[str]]
"""Pairs of arms; the second is subtracted."""


class Differences:
    """The numbers of both figures, gains and margins, which have the same axis.

    Args:
        contrasts: a `Contrasts` table.
        metrics: a `Metrics` table.
        gains: each selector with the arm that is subtracted.
        margins: each arm with the arm in which other countries answer the same demonstrations.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`); None for no marks.
    """

    def __init__(
        self,
        contrasts: pd.DataFrame,
        metrics: pd.DataFrame,
        gains: Pairs,
        margins: Pairs,
        language: str,
        readers: pd.DataFrame | None = None,
    ) -> None:
        self._contrasts, self._language = contrasts, language
        self.gains, self.margins = gains, margins
        both = self.rows([*gains, *margins])
        firsts = {against for _, against in gains}
        self.over_first = choose_baselines(gains_of_others(metrics, firsts), both)
        self.over_others = choose_baselines(room_for_margins(metrics, {arm for pair in margins for arm in pair}), both)
        self.readers_over_first = self.readers_over_others = None
        if readers is not None:
            readers = readers[(readers["language"] == language) & (readers["measure"] == "agreement")]
            readers = mean_of_countries(readers)
            self.readers_over_first = readers_of_gains(readers, gains) if gains else readers.iloc[:0]
            self.readers_over_others = readers_of_pairs(readers, margins) if margins else readers.iloc[:0]
        read = [marks[["value"]] for marks in (self.readers_over_first, self.readers_over_others) if marks is not None]
        self.axis = limits(both, self.over_first, self.over_others, *read)

    def rows(self, pairs: Pairs) -> pd.DataFrame:
        """The differences between some pairs of arms, for the mean of the countries."""
        return mean_of_countries(choose_pairs(self._contrasts, pairs, self._language))

    def write(self, pairs: Pairs, csv_file: Path) -> pd.DataFrame:
        """Write the rows of some pairs as the numbers of a figure, and return them."""
        rows = self.rows(pairs)
        write_table(rows, csv_file, Contrasts)
        return rows


def options_by_model(command: Command) -> Command:
    """Give a command the options of both figures. The command gets `differences` and `csv_file`."""

    @wraps(command)
    def with_differences(
        contrasts: Path,
        metrics: Path,
        gains: list[tuple[str, str]],
        margins: list[tuple[str, str]],
        language: str,
        readers: pd.DataFrame | None,
        **rest: object,
    ) -> None:
        tables = read_table(contrasts, Contrasts), read_table(metrics, Metrics)
        differences = Differences(*tables, gains, margins, language, readers)
        command(differences=differences, **rest)

    options = [
        contrasts_option,
        click.option("--metrics", type=readable, required=True, help="Metrics (CSV), for the baselines."),
        click.option(
            "--gains",
            type=Json(list[tuple[str, str]]),
            required=True,
            help="Each selector and the arm that is subtracted, as JSON.",
        ),
        click.option(
            "--margins", type=Json(list[tuple[str, str]]), required=True, help="Each arm and its control, as JSON."
        ),
        click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1."),
        csv_option,
    ]
    return takes_readers(give_options(with_differences, options))


def draw_by_model(
    rows: pd.DataFrame,
    pairs: Mapping[tuple[str, str], str],
    baselines: pd.DataFrame,
    axis: tuple[float, float],
    label: str,
    style: Style,
    readers: pd.DataFrame | None = None,
) -> Figure:
    """A row per model, and in it a dot with its interval per pair of arms, and marks of baselines.

    Args:
        rows: one per model and pair, of one language, for the mean of the countries: columns model, language, country,
            arm, against, estimate, low, high.
        pairs: names of the pairs of arms, for the legend.
        baselines: by model, language and country, a column per mark.
        axis: both ends of the x axis.
        label: of the x axis.
        style: of the figure.
        readers: of the pairs (`draw_readers`); None for no marks.
    """
    models = [model for model in style.labels["models"] if model in set(rows["model"])]
    shown = [pair for pair in pairs if (rows[["arm", "against"]] == list(pair)).all(axis=1).any()]
    rows = rows.assign(row=rows["model"].map(models.index))
    handles = {pairs[pair]: handle_of(style, pair[0]) for pair in shown} | explain_baselines(baselines, style)
    handles |= {} if readers is None else explain_readers(readers, style)
    title = name_language(rows["language"].iloc[0], style)
    note = f"{style.bars()} {style.text('zero')}"
    height = 0.08 + 0.11 * len(shown)
    names = [style.model(model) for model in models]
    figure, (ax,) = lay_out_grid([title], names, style, height, label, note, handles)
    draw_zero(ax)
    draw_baselines(ax, rows, baselines)
    for pair, offset in zip(shown, spread(len(shown)), strict=True):
        these = rows[(rows[["arm", "against"]] == list(pair)).all(axis=1)]
        if readers is not None:
            draw_readers(ax, these, readers, offset, style.look(pair[0]).colour)
        draw_arm(ax, these, offset, style, pair[0])
    ax.set_xlim(*axis)
    format_points(ax, style)
    return figure


def limits(rows: pd.DataFrame, *marks: pd.DataFrame) -> tuple[float, float]:
    """The least and the greatest value of an axis that shows all estimates, all intervals, all marks and zero.

    Args:
        rows: columns estimate, low, high.
        marks: tables of values.
    """
    others = [table[name] for table in marks for name in table]
    values = pd.concat([rows["low"], rows["high"], rows["estimate"], *others, pd.Series([0.0])])
    low, high = values.min(), values.max()
    space = 0.04 * (high - low) or 0.01
    return low - space, high + space
