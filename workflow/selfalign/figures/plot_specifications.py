"""Step plot_specifications: own minus other country in every specification, sorted, with the choices below."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from selfalign.errors import InputError
from selfalign.figures.country_rows import Surroundings, fit_figure
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap
from selfalign.figures.theme import INK, MUTED, PALETTE, Keywords, lighter
from selfalign.options import readable
from selfalign.scoring.schemas import Specifications
from selfalign.tables import read_table, write_table

CHOICES = (
    "model",
    "form",
    "frame",
    "selector",
    "pool",
    "shots",
    "sequence",
    "shown_in",
    "persona",
    "readout",
    "order",
    "cut",
    "probe_kind",
)
"""The columns of `Specifications` that are choices, in the order of the rows of the figure."""

_SIGNS = {"above": PALETTE[0], "neither": MUTED, "below": PALETTE[2]}
"""Colour of a specification whose interval is above 0, includes 0 or is missing, and is below 0."""

_EDGE, _TITLE, _TICKS, _GAP = 0.05, 0.22, 0.1, 0.08  # inches


def choose_rows(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """The specifications of the agreement in one language, from the lowest to the highest estimate.

    Args:
        table: a `Specifications` table.
        language: ISO 639-1.

    Raises:
        InputError: there are none.
    """
    rows = table[(table["measure"] == "agreement") & (table["language"] == language)]
    if rows.empty:
        problem = f"no specification is in the language {language}"
        raise InputError("specifications", problem, "Choose figures.asked_in among the languages of the run")
    return rows.sort_values(["estimate", *CHOICES, "arm"], ignore_index=True)


def list_choices(rows: pd.DataFrame) -> list[tuple[str, list[str | int]]]:
    """The choices that differ between specifications: their column and their values.

    Args:
        rows: of a `Specifications` table.
    """
    found: list[tuple[str, list[str | int]]] = []
    for column in CHOICES:
        values = list(rows[column].unique())
        ordered = sorted(values) if column == "shots" else _in_order(column, values)
        if len(values) > 1:
            found.append((column, [*ordered]))
    return found


def _in_order(column: str, values: Sequence[str]) -> list[str]:
    """Values with those of the main analysis first, where one of them is."""
    main = {"pool": "all", "order": "both", "cut": "bank", "probe_kind": "all", "readout": "option", "persona": "none"}
    return sorted(values, key=lambda value: (value != main.get(column), value))


def draw(rows: pd.DataFrame, style: Style) -> Figure:
    """A curve of sorted estimates with their intervals, and below it a row per choice with the specifications it is in.

    Args:
        rows: as `choose_rows` returns them.
    """
    names, members, heads = _list_rows(rows, style)
    curve = 1.3 if style.narrow else 1.7
    label = wrap(style.text("specifications.axis"), curve - 0.1, "axes.labelsize")
    shares = [style.percent((rows.loc[member, "estimate"] > 0).mean()) for member in members if member is not None]
    above = style.text("specifications.above")
    weights = ["bold" if head else "normal" for head in heads]
    widths = [width_of(name, "ytick.labelsize", weight) for name, weight in zip(names, weights, strict=True)]
    named = max(widths, default=0.0)  # one specification has no choice that differs, so no row
    axis = height_of(lines_of(label), "axes.labelsize") + width_of(style.points(-0.25), "ytick.labelsize") + 0.1
    left = max(named, axis) + 0.1
    right = max(width_of(text, "ytick.labelsize") for text in [*shares, above]) + 0.1
    row = height_of(1, "ytick.labelsize") + 0.02
    figure = plt.figure(figsize=(style.width, 3))
    fixed = _TITLE + curve + _GAP + _TICKS
    around = Surroundings(note=_note(rows, style), handles=_handles(rows, style))
    top, bottom = fit_figure(figure, style, fixed + row * len(names), around)
    height = figure.get_figheight()
    wide = 1 - (left + right) / style.width
    title = style.text("gains.asked", language=style.language_name(rows["language"].iloc[0]))
    if rows["model"].nunique() == 1:
        title = style.text(
            "asked",
            model=style.model(rows["model"].iloc[0]),
            language=style.language_name(rows["language"].iloc[0]),
        )
    figure.text(_EDGE / style.width, 1 - (top + 0.03) / height, title, va="top", size=style.size + 1, weight="bold")
    base = height - top - _TITLE - curve
    ax = figure.add_axes((left / style.width, base / height, wide, curve / height))
    _draw_curve(ax, rows, style, label)
    lower = base - _GAP - row * len(names)
    if names:
        matrix = figure.add_axes((left / style.width, lower / height, wide, row * len(names) / height), sharex=ax)
        _draw_choices(matrix, names, members, heads, len(rows))
        _write_shares(matrix, members, shares, above, style)
    return figure


def _list_rows(rows: pd.DataFrame, style: Style) -> tuple[list[str], list[np.ndarray | None], list[bool]]:
    """Names of the rows of the matrix; which specifications each has, None for a heading; whether it is a heading."""
    names: list[str] = []
    members: list[np.ndarray | None] = []
    for column, values in list_choices(rows):
        names.append(style.text(f"specifications.{column}"))
        members.append(None)
        for value in values:
            names.append(_name_choice(column, value, style))
            members.append((rows[column] == value).to_numpy())
    return names, members, [member is None for member in members]


def _name_choice(column: str, value: str | int, style: Style) -> str:
    """A choice in words. A value without a text, such as a frame of the user, is shown with its own name."""
    if column == "model":
        return style.model(str(value))
    known = style.texts.get(f"choices.{column}_{value}")
    return known or str(value).replace("_", " ")


def _note(rows: pd.DataFrame, style: Style) -> str:
    number = int((rows["estimate"] > 0).sum())
    share = style.percent(number / len(rows))
    counts = style.text("specifications.note", number=number, count=len(rows), share=share)
    covers = tuple(name for name in style.covers if name != "templates")  # each frame is a specification
    return f"{counts} {replace(style, covers=covers).bars()}"


def _signs(rows: pd.DataFrame) -> pd.Series:
    sign = np.select([rows["low"] > 0, rows["high"] < 0], ["above", "below"], "neither")
    return pd.Series(sign, rows.index)


def _handles(rows: pd.DataFrame, style: Style) -> dict[str, Line2D]:
    signs = set(_signs(rows.dropna(subset=["low", "high"])))
    look: Keywords = {"marker": "o", "linestyle": "solid", "linewidth": 1.0, "markersize": 3}
    return {
        style.text(f"specifications.{sign}_zero", level=style.level_name()): Line2D([], [], color=colour, **look)
        for sign, colour in _SIGNS.items()
        if sign in signs
    }


def _draw_curve(ax: Axes, rows: pd.DataFrame, style: Style, label: str) -> None:
    signs, many = _signs(rows), len(rows) > 400
    ax.axhline(0, color=INK, linewidth=0.8, zorder=1)
    size = float(np.clip(72 * 2.0 / len(rows), 0.3, 3.0))
    for sign, colour in _SIGNS.items():
        chosen = rows[signs == sign]
        ax.vlines(
            chosen.index,
            chosen["low"],
            chosen["high"],
            color=lighter(colour, 0.6),
            linewidth=size * 0.7,
            zorder=2,
            rasterized=many,
        )
        ax.plot(
            chosen.index,
            chosen["estimate"],
            "o",
            markersize=max(size, 1.2),
            markeredgewidth=0,
            color=colour,
            zorder=3,
            rasterized=many,
        )
    ax.set_xlim(-0.5 - 0.01 * len(rows), len(rows) - 0.5 + 0.01 * len(rows))
    ax.tick_params(axis="x", bottom=False, labelbottom=False)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.points(value)))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.set_ylabel(label)
    ax.spines["bottom"].set_visible(False)


def _draw_choices(
    ax: Axes, names: Sequence[str], members: Sequence[np.ndarray | None], heads: Sequence[bool], count: int
) -> None:
    """A row per choice: a mark in the column of each specification that has it. Many columns become shades."""
    ink = LinearSegmentedColormap.from_list("ink", [(1, 1, 1, 0), to_rgba(INK)])
    for place, member in enumerate(members):
        if member is not None:
            sides = (-0.5, count - 0.5, place + 0.36, place - 0.36)
            ax.imshow(
                member[None].astype(float),
                cmap=ink,
                vmin=0,
                vmax=1,
                extent=sides,
                aspect="auto",
                zorder=2,
                interpolation="antialiased",
            )
            ax.axhline(place, color=MUTED, linewidth=0.3, alpha=0.5, zorder=0)
    ax.set_yticks(range(len(names)), names)
    for label, head in zip(ax.get_yticklabels(), heads, strict=True):
        label.set_fontweight("bold" if head else "normal")
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="both", length=0, labelbottom=False)
    for side in ax.spines.values():
        side.set_visible(False)


def _write_shares(
    ax: Axes, members: Sequence[np.ndarray | None], shares: Sequence[str], above: str, style: Style
) -> None:
    """Right of each choice, the share of its specifications that are above 0."""
    places = [place for place, member in enumerate(members) if member is not None]
    for place, text in [(-1, above), *zip(places, shares, strict=True)] if places else []:
        ax.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            size=style.size - 0.5,
            annotation_clip=False,
        )


@click.command()
@click.option("--table", type=readable, required=True, help="Specifications (CSV).")
@click.option("--language", required=True, help="The language that the models are asked in, ISO 639-1.")
@csv_option
@takes_figure_settings
def command(table: Path, language: str, csv_file: Path, style: Style, pages: Pages) -> None:
    """Draw own minus other country in every specification, sorted, with the choices below."""
    rows = choose_rows(read_table(table, Specifications), language)
    write_table(rows, csv_file, Specifications)
    pages.draw(rows, lambda shown: draw(shown, style))
