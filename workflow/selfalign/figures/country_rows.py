"""Figures with one row per country: panels for each model and language, one above the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap
from selfalign.figures.theme import MUTED
from selfalign.scoring.schemas import ALL

_TITLE, _TICKS, _RIGHT, _EDGE = 0.11, 0.2, 0.17, 0.05
"""Inches: around a panel's title, of the numbers below the last axis, right of panels, and at the figure's edge."""

_LEAST = 0.1
"""Inches of a row below which it cannot be read."""


@dataclass(frozen=True)
class Surroundings:
    """What is around the panels of a figure.

    Attributes:
        label: of the x axes, below the panels.
        note: at the bottom of the figure; explains lines and bars.
        handles: marks that the legend above the panels explains, by their names.
    """

    label: str = ""
    note: str = ""
    handles: Mapping[str, Artist] = field(default_factory=dict)


@dataclass(frozen=True)
class FigurePanel:
    """Rows of a figure under one title.

    Attributes:
        title: the model, and the languages that it is asked in.
        rows: of the table, with a column `row`: the place from top to bottom.
        names: of the rows, from top to bottom.
        mean: whether the first row is the mean of the others.
        single: whether the rows are languages that are each asked about one country.
    """

    title: str
    rows: pd.DataFrame
    names: list[str]
    mean: bool = False
    single: bool = False


def split_panels(table: pd.DataFrame, style: Style, merge: bool = True) -> list[FigurePanel]:
    """A panel per model and language. A model's languages that are asked about one country each share a panel.

    Args:
        table: columns model, language, country.
        style: decides names and order.
        merge: whether languages may share a panel.
    """
    panels = []
    for model in _in_order(table["model"], style.labels["models"]):
        rows = table[table["model"] == model]
        countries = rows[rows["country"] != ALL].groupby("language", sort=False)["country"].nunique()
        single = list(countries.index[countries == 1])
        if len(single) < 2 or not merge:
            single = []
        for language in countries.index.drop(single):
            panels.append(_panel_of_language(rows[rows["language"] == language], model, language, style))
        if single:
            panels.append(_panel_of_several(rows[rows["language"].isin(single)], model, style))
    return panels


def _in_order(names: Iterable[str], order: Iterable[str]) -> list[str]:
    """Distinct names, those that the run lists in its order."""
    found = list(dict.fromkeys(names))
    listed = [name for name in order if name in found]
    return listed + [name for name in found if name not in listed]


def _panel_of_language(rows: pd.DataFrame, model: str, language: str, style: Style) -> FigurePanel:
    countries = style.in_order(rows["country"])
    rows = rows[rows["country"].isin(countries)]
    place = {country: number for number, country in enumerate(countries)}
    title = style.text("asked", model=style.model(model), language=style.language_name(language))
    names = [style.country(country) for country in countries]
    return FigurePanel(title, rows.assign(row=rows["country"].map(place)), names, countries[0] == ALL)


def _panel_of_several(rows: pd.DataFrame, model: str, style: Style) -> FigurePanel:
    rows = rows[rows["country"] != ALL]
    order = {country: number for number, country in enumerate(style.in_order(rows["country"]))}
    keys = sorted(set(zip(rows["country"], rows["language"], strict=True)), key=lambda key: (order[key[0]], key[1]))
    place = {key: number for number, key in enumerate(keys)}
    names = [
        style.text(
            "country_in_language",
            country=style.country(country),
            language=language if style.narrow else style.language_name(language),
        )
        for country, language in keys
    ]
    places = [place[key] for key in zip(rows["country"], rows["language"], strict=True)]
    title = style.text("asked_in_several", model=style.model(model), count=rows["language"].nunique())
    return FigurePanel(title, rows.assign(row=places), names, single=True)


def stack_panels(
    panels: list[FigurePanel], around: Surroundings, style: Style, row: float, names_up_to: float = 0.42
) -> tuple[Figure, list[Axes]]:
    """A figure with the panels one above the other.

    Args:
        panels: from top to bottom.
        style: its width is the figure's width; its height is the most that the figure gets.
        row: height of a row in inches, where the page has room for it.
        names_up_to: share of the width where names of rows break.

    Returns:
        The figure, and the axes of each panel. The y axis has row i at i, downwards.
    """
    names = [[wrap(name, names_up_to * style.width, "ytick.labelsize") for name in panel.names] for panel in panels]
    left = max(width_of(name, "ytick.labelsize", "bold") for these in names for name in these) + 0.09
    titles = [wrap(panel.title, style.width - 0.1, "axes.titlesize", "bold") for panel in panels]
    tops = [height_of(lines_of(title), "axes.titlesize") + _TITLE for title in titles]
    label = wrap(around.label, style.width - _RIGHT - 0.12, "axes.labelsize")
    least = max(map(_least_row, names))
    row = max(row, least + 0.03)
    count = sum(len(these) for these in names)
    fixed = sum(tops) + height_of(lines_of(label), "axes.labelsize") + _TICKS
    figure = plt.figure(figsize=(style.width, 3))
    top, bottom = fit_figure(figure, style, fixed + row * count, around, fixed + least * count)
    height = figure.get_figheight()
    row = (height - top - bottom - fixed) / count
    axes: list[Axes] = []
    y = height - top
    for panel, title, above, these in zip(panels, titles, tops, names, strict=True):
        figure.text(_EDGE / style.width, (y - 0.05) / height, title, va="top", size=style.size + 1, weight="bold")
        y -= above + row * len(these)
        sides = left / style.width, y / height, 1 - (left + _RIGHT) / style.width, row * len(these) / height
        ax = figure.add_axes(sides, sharex=axes[0] if axes else None)
        frame_rows(ax, these, panel.mean)
        ax.tick_params(axis="x", labelbottom=panel is panels[-1])
        axes.append(ax)
    figure.text(1 - _RIGHT / style.width, (bottom + 0.03) / height, label, ha="right", size=style.size)
    return figure, axes


def _least_row(names: list[str]) -> float:
    """The least height of a row in inches, so that names of several lines do not overlap the names next to them."""
    lines = [1, *map(lines_of, names), 1]
    needed = [height_of(one + two, "ytick.labelsize") / 2 for one, two in pairwise(lines) if one + two > 2]
    return max([_LEAST, *needed])


def frame_rows(ax: Axes, names: list[str], mean: bool = False) -> None:
    """Name the rows of axes, and shade every second one; the mean of the others is bold."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    for place in range(0, len(names), 2):
        ax.axhspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.10, linewidth=0, zorder=0)
    if mean:
        ax.get_yticklabels()[0].set_fontweight("bold")


def spread(count: int, reach: float = 0.36) -> np.ndarray:
    """Offsets of marks within a row, from top to bottom."""
    reach = min(reach, 0.16 * (count - 1))
    return np.linspace(-reach, reach, count) if count > 1 else np.zeros(1)


def layout_of(figure: Figure) -> ConstrainedLayoutEngine:
    """The layout of a figure that was made with layout="constrained"."""
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    return layout


def fit_figure(
    figure: Figure, style: Style, body: float, around: Surroundings, least: float = 0.0
) -> tuple[float, float]:
    """Give a figure its size: the width of the style, and the height of legend, body and note, at most the page's.

    Args:
        figure: a layout engine, if it has one, leaves room for legend and note.
        body: inches of all panels with their titles and axes.
        around: the panels. Its note and its legend are drawn here, its label is not.
        least: inches of the body below which the figure becomes higher than a page instead.

    Returns:
        Inches of the legend, and of the note.
    """
    top = _add_legend(figure, style, around.handles) if around.handles else 0.0
    size = style.size - 0.5
    note = wrap(around.note, style.width - 0.18, size)  # letters are wider in some resolutions
    bottom = height_of(lines_of(note), size) + 0.06 if note else 0.0
    needed = top + body + bottom + 0.06
    height = round(max(min(style.height, needed), needed - body + least), 2)
    figure.set_size_inches(style.width, height)
    if figure.get_layout_engine() is not None:
        layout_of(figure).set(rect=(0, bottom / height, 1, 1 - (top + bottom) / height))
    if note:
        text = figure.text(0.05 / style.width, 0.04 / height, note, fontsize=size, va="bottom", linespacing=1.15)
        text.set_in_layout(False)
    return top, bottom


def _add_legend(figure: Figure, style: Style, handles: Mapping[str, Artist]) -> float:
    """A legend at the top, in as many columns as the width has room for; returns its height in inches."""
    size = style.size - 0.5
    names = [wrap(name, 0.8 * style.width, "legend.fontsize") for name in handles]
    widths = [width_of(name, "legend.fontsize") for name in names]
    extra = (1.8 + 0.5 + 1.4) * size / 72  # of an entry: mark, its distance, distance of columns

    def width(columns: int) -> float:
        each, more = divmod(len(names), columns)
        sizes = [each + (place < more) for place in range(columns)]
        ends = np.cumsum(sizes)
        return sum(max(widths[end - count : end]) + extra for end, count in zip(ends, sizes, strict=True))

    columns = next((n for n in range(len(names), 0, -1) if width(n) < style.width), 1)
    legend = figure.legend(
        list(handles.values()),
        names,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        handlelength=1.8,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0.1,
        borderpad=0.3,
        labelspacing=0.3,
    )
    legend.set_in_layout(False)
    return float(legend.get_window_extent().height / figure.dpi + 0.04)
