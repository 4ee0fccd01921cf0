"""Options that all figures have."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from selfalign.errors import InputError
from selfalign.figures.style import ENGLISH, read_style
from selfalign.figures.theme import apply_theme, save
from selfalign.options import Command, Json, Words, give_options, readable, writable

contrasts_file_option = click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
verdicts_option = click.option(
    "--verdicts", type=readable, required=True, help="Verdicts (CSV), for the main intervals."
)
csv_option = click.option("--csv", "csv_file", type=writable, required=True, help="The numbers of the figure (CSV).")


def takes_figure_settings(command: Command) -> Command:
    """Give a command the options of all figures.

    The command gets `style`, a `Style` whose theme is applied, and `pages`, the files to draw (`Pages`).
    """

    @wraps(command)
    def with_style(
        style: dict[str, Any],
        texts: Path,
        font: Path | None,
        pages: dict[str, dict[str, list[str]]],
        figures: list[Path],
        **rest: Any,
    ) -> Any:
        look = read_style(style, texts, font)
        apply_theme(look)
        return command(style=look, pages=Pages(figures, pages), **rest)

    options = [
        click.option(
            "--style", type=Json(dict[str, Any]), required=True, help="Size, names, colours and intervals, as JSON."
        ),
        click.option("--texts", type=readable, default=ENGLISH, help="Texts of the figures (YAML)."),
        click.option("--font", type=readable, help="Font file that is tried before all others."),
        click.option("--figures", type=Words(Path), required=True, help="Files to write: PNG, PDF or SVG."),
        click.option(
            "--pages",
            type=Json(dict[str, dict[str, list[str]]]),
            default="{}",
            help="By file name, the models and languages on it, as JSON.",
        ),
    ]
    return give_options(with_style, options)


class Pages:
    """The files of a figure: one page in several formats, or several pages.

    Args:
        files: to write; the suffix is the format.
        shows: by file name without suffix, what the page shows: lists `models` and `languages`. A page that is not
            named shows everything.
    """

    def __init__(self, files: list[Path], shows: dict[str, dict[str, list[str]]]) -> None:
        self.files, self.shows = files, shows

    def draw(self, table: pd.DataFrame, draw: Callable[[pd.DataFrame], Figure]) -> None:
        """Draw each page and save it in its formats.

        Args:
            table: columns model and language, and what `draw` needs.
            draw: makes the figure of some rows of the table.
        """
        for name, rows in self._split(table):
            figure = draw(rows)
            save(figure, *(path for path in self.files if path.stem == name))
            plt.close(figure)

    def _split(self, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
        for name in dict.fromkeys(path.stem for path in self.files):
            shown = self.shows.get(name)
            if shown is None:
                yield name, table
                continue
            if unknown := shown.keys() ^ {"models", "languages"}:
                raise InputError("--pages", f"{name} has the keys {sorted(unknown)}", "Give models and languages")
            chosen = table["model"].isin(shown["models"]) & table["language"].isin(shown["languages"])
            yield name, table[chosen]
