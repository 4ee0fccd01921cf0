"""Figures with one row per model and one dot per pair of arms: gains, and own minus other country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.baselines import (
    NO_BASELINES,
    choose_baselines,
    draw_baselines,
    explain_baselines,
    gains_of_others,
)
from selfalign.figures.country_rows import Surroundings, spread
from selfalign.figures.difference_rows import choose_pairs, mean_of_countries
from selfalign.figures.figure_options import csv_option
from selfalign.figures.grid import lay_out_grid
from selfalign.figures.looks import MARKERS
from selfalign.figures.main_contrasts import takes_main_contrasts
from selfalign.figures.marks import draw_arm, draw_zero, format_points, handle_of
from selfalign.figures.names import name_language, name_pair
from selfalign.figures.readers import (
    NO_READERS,
    draw_readers,
    explain_readers,
    readers_of_gains,
    readers_of_pairs,
    takes_readers,
)
from selfalign.figures.style import Style
from selfalign.options import Command, Json, give_options
from selfalign.scoring.join_verdicts import with_main
from selfalign.scoring.schemas import MainContrasts
from selfalign.tables import write_table

Pairs = Sequence[Sequence[str]]
"""Pairs of arms; the second is subtracted."""


@dataclass(frozen=True)
class Differences:
    """The numbers of one figure: differences between pairs of arms, and marks of what others score.

    Attributes:
        pairs: of arms.
        rows: `MainContrasts` of the pairs in one language.
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
        return limits(with_main(self.rows), self.baselines, self.readers[["value"]])

    def write(self, csv_file: Path) -> pd.DataFrame:
        """Write the rows as the numbers of the figure, and return them."""
        write_table(self.rows[MainContrasts.names()], csv_file, MainContrasts)
        return self.rows


def find_gains(
    contrasts: pd.DataFrame, metrics: pd.DataFrame, pairs: Pairs, language: str, readers: pd.DataFrame = NO_READERS
) -> Differences:
    """The numbers of the figure of gains.

    Args:
        contrasts: as `read_main_contrasts` returns them.
        metrics: a `Metrics` table.
        pairs: each selector with the arm that is subtracted.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`).

    Raises:
        InputError: the contrasts have none of the pairs.
    """
    rows = choose_pairs(mean_of_countries(contrasts), pairs, language)
    others = choose_baselines(gains_of_others(metrics, {against for _, against in pairs}), rows)
    return Differences(pairs, rows, others, readers_of_gains(_of_countries(readers, language), pairs))


def find_margins(
    contrasts: pd.DataFrame, pairs: Pairs, language: str, readers: pd.DataFrame = NO_READERS
) -> Differences:
    """The numbers of the figure of margins, which has no baselines.

    Args:
        contrasts: as `read_main_contrasts` returns them.
        pairs: each arm with the arm in which other countries answer the same demonstrations.
        language: that the models are asked in, ISO 639-1.
        readers: of the demonstrations (`choose_readers`).
    """
    rows = choose_pairs(mean_of_countries(contrasts), pairs, language)
    return Differences(pairs, rows, NO_BASELINES, readers_of_pairs(_of_countries(readers, language), pairs))


def _of_countries(readers: pd.DataFrame, language: str) -> pd.DataFrame:
    """The readers' agreement in a language, for the mean of the countries."""
    return mean_of_countries(readers[(readers["language"] == language) & (readers["measure"] == "agreement")])


def takes_contrasts(command: Command) -> Command:
    """Give a command the options of both figures.

    The command gets `contrasts` (`read_main_contrasts`), `pairs`, `language`, `readers` (`choose_readers`) and
    `csv_file`.
    """
    options = [
        click.option(
            "--pairs",
            type=Json(list[tuple[str, str]]),
            required=True,
            help="Each arm and the arm that is subtracted, as JSON.",
        ),
        click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1."),
        csv_option,
    ]
    return takes_readers(takes_main_contrasts(give_options(command, options)))


def draw_by_model(
    rows: pd.DataFrame, differences: Differences, pairs: Mapping[tuple[str, str], str], label: str, style: Style
) -> Figure:
    """A row per model, and in it a dot with its interval per pair of arms, and marks of baselines.

    Args:
        rows: `MainContrasts`, one per model and pair, of one language.
        differences: decides the axis and the marks.
        pairs: names of the pairs of arms, for the legend.
        label: of the x axis.
    """
    models = style.models_in(rows["model"])
    shown = [pair for pair in pairs if (rows[["arm", "against"]] == list(pair)).all(axis=1).any()]
    rows = with_main(rows).assign(row=rows["model"].map(models.index))
    styles = _tell_apart(shown, style)
    handles = {_name_pair(pair, pairs, style): handle_of(styles[pair], pair[0]) for pair in shown}
    handles |= explain_baselines(differences.baselines, style) | explain_readers(differences.readers, style)
    title = name_language(rows["language"].iloc[0], style)
    note = f"{style.main_bars()} {style.text('zero')}"
    height = 0.08 + 0.11 * len(shown)
    names = [style.model(model) for model in models]
    figure, (ax,) = lay_out_grid([title], names, Surroundings(label, note, handles), style, height)
    draw_zero(ax)
    draw_baselines(ax, rows, differences.baselines)
    for pair, offset in zip(shown, spread(len(shown)), strict=True):
        these = rows[(rows[["arm", "against"]] == list(pair)).all(axis=1)]
        draw_readers(ax, these, differences.readers, offset, style.look(pair[0]).colour)
        draw_arm(ax, these, offset, styles[pair], pair[0])
    ax.set_xlim(*differences.axis)
    format_points(ax, style)
    return figure


def _name_pair(pair: tuple[str, str], pairs: Mapping[tuple[str, str], str], style: Style) -> str:
    """The name of a pair; both arms of a pair whose first arm has several controls."""
    alike = [other for other in pairs if other[0] == pair[0]]
    return pairs[pair] if len(alike) == 1 else name_pair(*pair, style)


def _tell_apart(pairs: Sequence[tuple[str, str]], style: Style) -> dict[tuple[str, str], Style]:
    """The style of each pair. The first pair of an arm looks like the arm, and its other pairs take free markers."""
    taken = {style.look(arm) for arm, _ in pairs}
    seen: set[str] = set()
    styles = {}
    for arm, against in pairs:
        look = style.look(arm)
        if arm in seen:
            free = (replace(look, marker=marker) for marker in MARKERS)
            look = next((one for one in free if one not in taken), look)
        seen.add(arm)
        taken.add(look)
        styles[arm, against] = replace(style, looks={**style.looks, arm: look})
    return styles


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
