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
from selfalign.figures.theme import INK, MEASURED, MUTED, Labels, apply_theme, panel_title, points, save
from selfalign.options import Json, readable
from selfalign.scoring.panels import Contrast, as_contrast
from selfalign.scoring.tables import ALL, Contrasts
from selfalign.tables import read_table


def draw(
    contrasts: pd.DataFrame, order: list[Contrast | list[str]], labels: Labels, width: float, height: float
) -> Figure:
    """A panel per model and language, a row per contrast: the mean of the countries with its interval, both measures.

    Args:
        contrasts: a `Contrasts` table.
        order: contrasts of the config, from top to bottom. Those that a language does not have are left out there.
        labels: names of models and arms.
        width: inches.
        height: inches of a row.

    Raises:
        InputError: the table is empty.
    """
    means = contrasts[contrasts["country"] == ALL].fillna({"beyond": ""})
    if means.empty:
        raise InputError("config: scoring.contrasts", "no language runs both arms of any", "Run both arms of one")
    panels = [(key, _put_in_order(rows, order)) for key, rows in means.groupby(["model", "language"], sort=False)]
    sizes = [rows["row"].nunique() for _, rows in panels]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(width, height * (sum(size + 1.6 for size in sizes) + 2)),
        sharex=True,
        squeeze=False,
        height_ratios=sizes,
        layout="constrained",
    )
    for ax, ((model, language), rows) in zip(axes[:, 0], panels, strict=True):
        ax.set_title(panel_title(model, language, labels))
        _draw_panel(ax, rows, labels)
    axes[-1, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value)))
    axes[-1, 0].set_xlabel("Mean of the countries, percentage points")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", frameon=False, ncols=2)
    return figure


def _put_in_order(rows: pd.DataFrame, order: list[Contrast | list[str]]) -> pd.DataFrame:
    """The rows with a column `row`, their place from top to bottom; one that stands twice has its first."""
    entries = [as_contrast(entry) for entry in order]

    def place(row: tuple) -> int:
        return next(
            place
            for place, entry in enumerate(entries)
            if (entry["arm"], entry["against"]) == (row.arm, row.against)
            and entry.get("against_language", row.language) == row.against_language
            and " - ".join(entry.get("beyond", [])) == row.beyond
        )

    places = [place(row) for row in rows.itertuples()]
    return rows.assign(row=np.unique(places, return_inverse=True)[1])


def _draw_panel(ax: Axes, rows: pd.DataFrame, labels: Labels) -> None:
    ax.axvline(0, color=INK, linewidth=0.8)
    for (measure, (label, colour)), offset in zip(MEASURED.items(), (-0.16, 0.16), strict=True):
        shown = rows[rows["measure"] == measure]
        places = shown["row"] + offset
        ax.hlines(places, shown["low"], shown["high"], color=colour, linewidth=1.6, alpha=0.6)
        ax.plot(shown["estimate"], places, "o", ms=4.6, color=colour, label=label)
    first = rows.drop_duplicates("row").sort_values("row")
    ax.set_yticks(first["row"], [_name(row, labels) for row in first.itertuples()])
    ax.set_ylim(len(first) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    for place in range(0, len(first), 2):
        ax.axhspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.10, linewidth=0)


def _name(row: tuple, labels: Labels) -> str:
    """What is subtracted from what."""
    arm, against = labels["arms"][row.arm], labels["arms"][row.against]
    if row.beyond:
        less = " \N{MINUS SIGN} ".join(labels["arms"][name] for name in row.beyond.split(" - "))
        return f"({arm} \N{MINUS SIGN} {against})\n\N{MINUS SIGN} ({less})"
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
    width: float,
    height: float,
    png: Path,
    pdf: Path,
) -> None:
    """Draw every difference between arms, for the mean of the countries."""
    apply_theme()
    save(draw(read_table(contrasts, Contrasts), order, labels, width, height), png, pdf)
