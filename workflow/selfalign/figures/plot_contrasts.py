"""Step plot_contrasts: every contrast, for the mean of the countries."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import pycountry
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from selfalign.errors import InputError
from selfalign.figures.options import figure_options
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import INK, MEASURED, MUTED, Labels, apply_theme, panel_title, points, save
from selfalign.options import Json, readable
from selfalign.scoring.panels import Contrast, as_contrast
from selfalign.scoring.tables import ALL, Contrasts
from selfalign.tables import read_table

_NAME_WIDTH = 0.5  # of the figure's width, where a contrast's name breaks
_TITLE_WIDTH = 0.5


def draw(
    contrasts: pd.DataFrame, order: list[Contrast | list[str]], labels: Labels, width: float, height: float
) -> Figure:
    """A panel per model and language, a row per contrast: the mean of the countries with its interval, both measures.

    Args:
        contrasts: a `Contrasts` table.
        order: contrasts of the config, from top to bottom. Those that a language does not have are left out there.
        labels: names of models and arms.
        width: inches.
        height: inches of a row; rows are higher where their names have more lines.

    Raises:
        InputError: the table is empty.
    """
    means = contrasts[contrasts["country"] == ALL].fillna({"beyond": ""})
    if means.empty:
        raise InputError("config: scoring.contrasts", "no language runs both arms of any", "Run both arms of one")
    panels = [(key, _put_in_order(rows, order)) for key, rows in means.groupby(["model", "language"], sort=False)]
    names = [_row_names(rows, labels, _NAME_WIDTH * width) for _, rows in panels]
    titles = [panel_title(*key, labels, _TITLE_WIDTH * width) for key, _ in panels]
    sizes = [len(these) for these in names]
    height = max(height, _row_height([name for these in names for name in these]))
    further = height_of(sum(lines_of(title) - 1 for title in titles), "axes.titlesize")
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(width, height * (sum(size + 1.6 for size in sizes) + 2) + further),
        sharex=True,
        squeeze=False,
        height_ratios=sizes,
        layout="constrained",
    )
    for ax, (_, rows), title, these in zip(axes[:, 0], panels, titles, names, strict=True):
        ax.set_title(title)
        _draw_panel(ax, rows, these)
    axes[-1, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value)))
    axes[-1, 0].set_xlabel("Mean of the countries, percentage points")
    handles, measures = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, measures, loc="outside upper right", frameon=False, ncols=2)
    return figure


def _row_height(names: list[str]) -> float:
    """Inches that a row needs for the longest of the names; two lines fit without more."""
    lines = max(map(lines_of, names))
    return height_of(lines, "ytick.labelsize") + 0.06 if lines > 2 else 0


def _put_in_order(rows: pd.DataFrame, order: list[Contrast | list[str]]) -> pd.DataFrame:
    """The rows with a column `row`, their place from top to bottom; one that stands twice has its first."""
    entries = [as_contrast(entry) for entry in order]

    def place(row: tuple) -> int:
        return next(
            place
            for place, entry in enumerate(entries)
            if (entry["arm"], entry["against"]) == (row.arm, row.against)
            and entry.get("model", row.model) == row.model
            and entry.get("against_model", row.model) == row.against_model
            and entry.get("language", row.language) == row.language
            and entry.get("against_language", row.language) == row.against_language
            and " - ".join(entry.get("beyond", [])) == row.beyond
        )

    places = [place(row) for row in rows.itertuples()]
    return rows.assign(row=np.unique(places, return_inverse=True)[1])


def _row_names(rows: pd.DataFrame, labels: Labels, width: float) -> list[str]:
    """Names of the contrasts of a panel from top to bottom, in lines of at most `width` inches."""
    first = rows.drop_duplicates("row").sort_values("row")
    return [wrap(_name(row, labels), width, "ytick.labelsize") for row in first.itertuples()]


def _draw_panel(ax: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    ax.axvline(0, color=INK, linewidth=0.8)
    for (measure, (label, colour)), offset in zip(MEASURED.items(), (-0.16, 0.16), strict=True):
        shown = rows[rows["measure"] == measure]
        places = shown["row"] + offset
        ax.hlines(places, shown["low"], shown["high"], color=colour, linewidth=1.6, alpha=0.6)
        ax.plot(shown["estimate"], places, "o", ms=4.6, color=colour, label=label)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    for place in range(0, len(names), 2):
        ax.axhspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.10, linewidth=0)


def _name(row: tuple, labels: Labels) -> str:
    """What is subtracted from what."""
    arm, against = labels["arms"][row.arm], labels["arms"][row.against]
    if row.beyond:
        less = " \N{MINUS SIGN} ".join(labels["arms"][name] for name in row.beyond.split(" - "))
        return f"({arm} \N{MINUS SIGN} {against})\n\N{MINUS SIGN} ({less})"
    if row.against_model != row.model:
        arm, against = f"{arm} ({labels['models'][row.model]})", f"{against} ({labels['models'][row.against_model]})"
    if row.against_language != row.language:
        arm, against = (
            f"{name} ({pycountry.languages.get(alpha_2=language).name})"
            for name, language in ((arm, row.language), (against, row.against_language))
        )
    return f"{arm} \N{MINUS SIGN} {against}"


@click.command()
@click.option("--contrasts", type=readable, required=True, help="Contrasts (CSV).")
@click.option("--order", type=Json(), required=True, help="Contrasts of the config, from top to bottom, as JSON.")
@figure_options
def command(
    contrasts: Path,
    order: list[Contrast | list[str]],
    labels: Labels,
    font: Path | None,
    width: float,
    height: float,
    png: Path,
    pdf: Path,
) -> None:
    """Draw every difference between arms, for the mean of the countries."""
    apply_theme(labels, font)
    save(draw(read_table(contrasts, Contrasts), order, labels, width, height), png, pdf)
