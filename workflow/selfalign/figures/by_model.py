"""Figures with one row per model and one dot per pair of arms: gains, and own minus other country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import NamedTuple

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
    NO_READERS,
    draw_readers,
    explain_readers,
    readers_of_gains,
    readers_of_pairs,
    takes_readers,
)
from selfalign.figures.rows import Surroundings, spread
from selfalign.figures.style import Style
from selfalign.options import Command, Json, give_options, readable
from selfalign.scoring.schemas import Contrasts, Metrics
from selfalign.tables import read_table, write_table

Pairs = Sequence[Sequence[str]]
"""Pairs of arms; the second is subtracted."""


@dataclass(frozen=True)
class Differences:
    """The numbers of one figure: differences between pairs of arms, and marks of what others score.

    Attributes:
        pairs: of arms.
        contrasts: a `Contrasts` table with the pairs.
        language: that the models are asked in, ISO 639-1.
        baselines: by model, language and country, a column per mark.
        readers: of the demonstrations (`draw_readers`).
        axis: both ends of the x axis.
    """

    pairs: Pairs
    contrasts: pd.DataFrame
    language: str
    baselines: pd.DataFrame
    readers: pd.DataFrame
    axis: tuple[float, float]

    @property
    def rows(self) -> pd.DataFrame:
        """The differences between the pairs of arms, for the mean of the countries.

        Raises:
            InputError: the table has none.
        """
        return mean_of_countries(choose_pairs(self.contrasts, self.pairs, self.language))

    def write(self, csv_file: Path) -> pd.DataFrame:
        """Write the rows as the numbers of the figure, and return them."""
        rows = self.rows
        write_table(rows, csv_file, Contrasts)
        return rows


class Both(NamedTuple):
    """The numbers of both figures, which have the same axis."""

    gains: Differences
    margins: Differences


def find_differences(
    contrasts: pd.DataFrame,
    metrics: pd.DataFrame,
    gains: Pairs,
    margins: Pairs,
    language: str,
    readers: pd.DataFrame = NO_READERS,
) -> Both:
    """The numbers of both figures.

    Args:
        contrasts: a `Contrasts` table.
        metrics: a `Metrics` table.
        gains: each selector with the arm that is subtracted.
        margins: each arm with the arm in which other countries answer the same demonstrations.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`).

    Raises:
        InputError: the contrasts have none of the pairs.
    """
    rows = mean_of_countries(choose_pairs(contrasts, [*gains, *margins], language))
    of_gains = gains_of_others(metrics, {against for _, against in gains})
    of_margins = room_for_margins(metrics, {arm for pair in margins for arm in pair})
    over_first, over_others = (choose_baselines(one, rows) for one in (of_gains, of_margins))
    readers = mean_of_countries(readers[(readers["language"] == language) & (readers["measure"] == "agreement")])
    read_first, read_others = readers_of_gains(readers, gains), readers_of_pairs(readers, margins)
    axis = limits(rows, over_first, over_others, read_first[["value"]], read_others[["value"]])
    return Both(
        Differences(gains, contrasts, language, over_first, read_first, axis),
        Differences(margins, contrasts, language, over_others, read_others, axis),
    )


def takes_gains_and_margins(command: Command) -> Command:
    """Give a command the options of both figures. The command gets `both` (`Both`) and `csv_file`."""

    @wraps(command)
    def with_differences(
        contrasts: Path,
        metrics: Path,
        gains: list[tuple[str, str]],
        margins: list[tuple[str, str]],
        language: str,
        readers: pd.DataFrame,
        **rest: object,
    ) -> None:
        tables = read_table(contrasts, Contrasts), read_table(metrics, Metrics)
        command(both=find_differences(*tables, gains, margins, language, readers), **rest)

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
    rows: pd.DataFrame, differences: Differences, pairs: Mapping[tuple[str, str], str], label: str, style: Style
) -> Figure:
    """A row per model, and in it a dot with its interval per pair of arms, and marks of baselines.

    Args:
        rows: one per model and pair, of one language, for the mean of the countries: columns model, language, country,
            arm, against, estimate, low, high.
        differences: decides the axis and the marks.
        pairs: names of the pairs of arms, for the legend.
        label: of the x axis.
        style: of the figure.
    """
    models = [model for model in style.labels["models"] if model in set(rows["model"])]
    shown = [pair for pair in pairs if (rows[["arm", "against"]] == list(pair)).all(axis=1).any()]
    rows = rows.assign(row=rows["model"].map(models.index))
    handles = {pairs[pair]: handle_of(style, pair[0]) for pair in shown}
    handles |= explain_baselines(differences.baselines, style) | explain_readers(differences.readers, style)
    title = name_language(rows["language"].iloc[0], style)
    note = f"{style.bars()} {style.text('zero')}"
    height = 0.08 + 0.11 * len(shown)
    names = [style.model(model) for model in models]
    figure, (ax,) = lay_out_grid([title], names, Surroundings(label, note, handles), style, height)
    draw_zero(ax)
    draw_baselines(ax, rows, differences.baselines)
    for pair, offset in zip(shown, spread(len(shown)), strict=True):
        these = rows[(rows[["arm", "against"]] == list(pair)).all(axis=1)]
        draw_readers(ax, these, differences.readers, offset, style.look(pair[0]).colour)
        draw_arm(ax, these, offset, style, pair[0])
    ax.set_xlim(*differences.axis)
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
