"""Figures with one row per model and one dot per pair of arms: gains, and own minus other country."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from selfalign.figures.country_rows import Surroundings, spread
from selfalign.figures.difference_rows import choose_pairs, mean_of_countries
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
        rows: `Contrasts` of the pairs in one language, for the mean of the countries.
        baselines: by model, language and country, a column per mark.
        readers: of the demonstrations (`draw_readers`).
    """

    pairs: Pairs
    rows: pd.DataFrame
    baselines: pd.DataFrame
    readers: pd.DataFrame

    @property
    def axis(self) -> tuple[float, float]:
        """Both ends of the x axis."""
        return limits(self.rows, self.baselines, self.readers[["value"]])

    def write(self, csv_file: Path) -> pd.DataFrame:
        """Write the rows as the numbers of the figure, and return them."""
        write_table(self.rows, csv_file, Contrasts)
        return self.rows


def find_gains(
    contrasts: pd.DataFrame, metrics: pd.DataFrame, pairs: Pairs, language: str, readers: pd.DataFrame = NO_READERS
) -> Differences:
    """The numbers of the figure of gains.

    Args:
        contrasts: a `Contrasts` table.
        metrics: a `Metrics` table.
        pairs: each selector with the arm that is subtracted.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`).

    Raises:
        InputError: the contrasts have none of the pairs.
    """
    others = gains_of_others(metrics, {against for _, against in pairs})
    read = readers_of_gains(_of_countries(readers, language), pairs)
    return _join(contrasts, pairs, language, others, read)


def find_margins(
    contrasts: pd.DataFrame, metrics: pd.DataFrame, pairs: Pairs, language: str, readers: pd.DataFrame = NO_READERS
) -> Differences:
    """The numbers of the figure of margins, as `find_gains` has those of gains.

    Args:
        contrasts: a `Contrasts` table.
        metrics: a `Metrics` table.
        pairs: each arm with the arm in which other countries answer the same demonstrations.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`).
    """
    room = room_for_margins(metrics, {arm for pair in pairs for arm in pair})
    read = readers_of_pairs(_of_countries(readers, language), pairs)
    return _join(contrasts, pairs, language, room, read)


def _of_countries(readers: pd.DataFrame, language: str) -> pd.DataFrame:
    """The readers' agreement in a language, for the mean of the countries."""
    return mean_of_countries(readers[(readers["language"] == language) & (readers["measure"] == "agreement")])


def _join(
    contrasts: pd.DataFrame, pairs: Pairs, language: str, baselines: pd.DataFrame, readers: pd.DataFrame
) -> Differences:
    rows = mean_of_countries(choose_pairs(contrasts, pairs, language))
    return Differences(pairs, rows, choose_baselines(baselines, rows), readers)


def takes_differences(find: Callable[..., Differences]) -> Callable[[Command], Command]:
    """Give a command the options of one of these figures. The command gets `differences` and `csv_file`.

    Args:
        find: `find_gains` or `find_margins`.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_differences(
            contrasts: Path,
            metrics: Path,
            pairs: list[tuple[str, str]],
            language: str,
            readers: pd.DataFrame,
            **rest: object,
        ) -> None:
            tables = read_table(contrasts, Contrasts), read_table(metrics, Metrics)
            command(differences=find(*tables, pairs, language, readers), **rest)

        options = [
            contrasts_option,
            click.option("--metrics", type=readable, required=True, help="Metrics (CSV), for the baselines."),
            click.option(
                "--pairs",
                type=Json(list[tuple[str, str]]),
                required=True,
                help="Each arm and the arm that is subtracted, as JSON.",
            ),
            click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1."),
            csv_option,
        ]
        return takes_readers(give_options(with_differences, options))

    return decorate


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
