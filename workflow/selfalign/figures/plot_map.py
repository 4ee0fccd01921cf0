"""Step plot_map: people and models on the Inglehart-Welzel cultural map."""

from pathlib import Path
from typing import Protocol

import click
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy import stats

from selfalign.figures.country_rows import Surroundings, fit_figure
from selfalign.figures.figure_options import Pages, csv_option, takes_figure_settings
from selfalign.figures.looks import BLUE, BROWN, GREEN, GREY, ORANGE, PINK, SKY, VERMILLION
from selfalign.figures.panels_per_row import map_columns
from selfalign.figures.point_labels import place_labels
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, wrap
from selfalign.figures.theme import INK, Keywords
from selfalign.options import Json, Words, readable
from selfalign.scoring.map_schemas import PEOPLE, Map, MapAxes, MapPoints
from selfalign.tables import read_table, write_table

ZONES = {
    "african_islamic": (BROWN, "s"),
    "catholic_europe": (ORANGE, "D"),
    "confucian": (VERMILLION, "o"),
    "english_speaking": (GREEN, "^"),
    "latin_america": (PINK, "v"),
    "orthodox_europe": (BLUE, "P"),
    "protestant_europe": (SKY, "X"),
    "west_south_asia": (INK, "p"),
}
"""Colour and marker of each zone of the shipped list; other zones are grey."""

_LEFT, _RIGHT, _GAP, _TICKS = 0.5, 0.08, 0.42, 0.24
"""Inches: left and right of the panels, between two, and below each for the numbers of the axis."""

MOST_REGIONS = 8
"""Ellipses of countries in a panel. More of them cannot be distinguished."""

XY = ["survival", "traditional"]
START = "start"
"""Stands in place of a zone for the model without demonstrations, which is of no country."""


def choose_points(points: pd.DataFrame, arms: list[str], start: dict[str, str]) -> pd.DataFrame:
    """The points that the figure draws: people as models are seen, and the chosen arms of each model.

    Args:
        points: a `Map` table.
        arms: to draw.
        start: by language, the arm where arrows begin.

    Returns:
        A `MapPoints` table with the arms where arrows begin; without the rows that have no coordinates.
    """
    known = points[(points["view"] == "options") & points["survival"].notna()]
    keys = ["model", "language", "country"]
    first = known[known["arm"] == known["language"].map(start)].set_index(keys)[XY].add_prefix("from_")
    rows = known[(known["model"] == PEOPLE) | known["arm"].isin([*arms, *start.values()])]
    rows = rows.join(first, on=keys)
    return rows[MapPoints.names()].reset_index(drop=True)


def draw(rows: pd.DataFrame, people: pd.DataFrame, axes: pd.DataFrame, arms: list[str], style: Style) -> Figure:
    """A panel per model, language and arm: people as marks, and arrows from no demonstrations to those of a country.

    Args:
        rows: a `MapPoints` table of models.
        people: the same of people.
        axes: a `MapAxes` table.
        arms: to draw, in this order.

    Returns:
        Without points of models, a figure that says why it has no panels.
    """
    panels = _list_panels(rows, arms, style)
    if not panels:
        figure = plt.figure(figsize=(style.width, 1))
        fit_figure(figure, style, 0.0, Surroundings(note=style.text("map.empty")))
        return figure
    columns = min(map_columns(style.width), len(panels))
    lines = -(-len(panels) // columns)
    side = (style.width - _LEFT - _RIGHT - (columns - 1) * _GAP) / columns
    titles = [wrap(title, side, style.size, "bold") for title, *_ in panels]
    head = height_of(max(map(lines_of, titles)), style.size) + 0.08
    under = height_of(1, style.size) + 0.06
    shape = 1.0 if columns > 1 else 0.86
    body = lines * (head + shape * side + _TICKS) + under
    figure = plt.figure(figsize=(style.width, 3))
    least = lines * (head + 0.6 * side + _TICKS) + under
    around = Surroundings(note=_note(axes, rows, style), handles=_handles(people, style))
    top, bottom = fit_figure(figure, style, body, around, least)
    height = figure.get_figheight()
    tall = (height - top - bottom - under - 0.06) / lines - head - _TICKS
    regions = pd.concat([_regions(shown, start) for _, shown, start in panels])
    limits = _limits(rows, people, regions, style.level, side / tall)
    for place, ((_, shown, start), title) in enumerate(zip(panels, titles, strict=True)):
        line, column = divmod(place, columns)
        low = height - top - (line + 1) * (head + tall) - line * _TICKS
        left = _LEFT + column * (side + _GAP)
        ax = figure.add_axes((left / style.width, low / height, side / style.width, tall / height))
        ax.set_title(title, fontsize=style.size)
        _draw_panel(ax, shown, start, people, limits, style)
    names = {axis: style.text(f"map.{axis}") for axis in XY}
    figure.text(0.5, (bottom + 0.05) / height, names["survival"], ha="center", fontsize=style.size)
    middle = (height - top + bottom + under) / 2 / height
    name = wrap(names["traditional"], height - top - bottom - under, style.size)
    figure.text(0.05 / style.width, middle, name, ha="left", va="center", rotation=90, fontsize=style.size)
    return figure


def _find_start(rows: pd.DataFrame) -> pd.DataFrame:
    """The row of the arm where the arrows of a model begin; the arm is the same for all countries. It has no zone."""
    at_start = (rows["survival"] == rows["from_survival"]) & (rows["traditional"] == rows["from_traditional"])
    return rows[at_start].drop_duplicates(XY).assign(zone=START)


def _list_panels(rows: pd.DataFrame, arms: list[str], style: Style) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Titles, points and starts of the panels, in the order of the run."""
    found = []
    for (model, language), of_model in rows.groupby(["model", "language"], sort=False):
        for arm in arms:
            shown = of_model[of_model["arm"] == arm]
            if len(shown):
                asked = style.text("asked", model=style.model(model), language=style.language_name(language))
                found.append((f"{asked}: {style.arm(arm)}", shown, _find_start(of_model)))
    return found


def _limits(
    rows: pd.DataFrame, people: pd.DataFrame, regions: pd.DataFrame, level: float, ratio: float
) -> tuple[tuple[float, float], ...]:
    """Limits of both axes with all points and ellipses, so that one unit is as long on both.

    Args:
        rows: `MapPoints` of models.
        people: `MapPoints` of people.
        regions: the points that have an ellipse.
        level: coverage of the ellipses.
        ratio: width of a panel, in multiples of its height.
    """
    points = np.concatenate([rows[XY], people[XY], rows[["from_survival", "from_traditional"]].dropna()])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, (high - low) / 2 * 1.16 + 0.05
    sides = np.sqrt(stats.chi2.ppf(level, 2)) * regions[["survival_se", "traditional_se"]].to_numpy(float)
    reach = np.maximum(reach, (np.abs(regions[XY].to_numpy(float) - middle) + 1.02 * sides).max(axis=0, initial=0))
    reach = np.maximum(reach, [reach[1] * ratio, reach[0] / ratio])
    return tuple(zip(middle - reach, middle + reach, strict=True))


def _draw_panel(
    ax: Axes,
    shown: pd.DataFrame,
    start: pd.DataFrame,
    people: pd.DataFrame,
    limits: tuple[tuple[float, float], ...],
    style: Style,
) -> None:
    ax.set(xlim=limits[0], ylim=limits[1])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: style.number(value, ".3g")))
    for value, line in ((0, ax.axvline), (0, ax.axhline)):
        line(value, color=GREY, linewidth=0.5, alpha=0.5, zorder=0)
    size = 3.4 if style.narrow else 4.4
    for row in people.itertuples():
        colour, marker = _look(row.zone)
        ax.plot(row.survival, row.traditional, marker, color=colour, markersize=size, markeredgewidth=0, zorder=4)
    for row in shown.itertuples():
        _draw_arrow(ax, row, size)
    for row in _regions(shown, start).itertuples():
        add_ellipse(ax, row, style.level)
    starts = start[XY].to_numpy()
    ax.plot(*starts.T, "*", color=INK, markersize=2.2 * size, markeredgecolor="white", markeredgewidth=0.5, zorder=5)
    points = np.concatenate([people[XY], shown[XY]])
    texts = [*people["country"], *(code.lower() for code in shown["country"])]
    colours = [_look(zone)[0] for zone in [*people["zone"], *shown["zone"]]]
    place_labels(ax, points, texts, colours, 5.0 if style.narrow else 6.0, np.concatenate([points, starts]))


class MapPoint(Protocol):
    """A row of `MapPoints`: a point of the map, with standard errors and their correlation."""

    zone: object
    survival: float
    traditional: float
    survival_se: float
    traditional_se: float
    correlation: float


class _Moved(MapPoint, Protocol):
    """A point, and from where demonstrations moved it."""

    from_survival: float
    from_traditional: float


def choose_regions(shown: pd.DataFrame) -> pd.DataFrame:
    """The points of a panel that get an ellipse: all, or of more than `MOST_REGIONS` the one whose area is the median.

    Args:
        shown: `MapPoints` of one arm. A point without standard errors has no ellipse.
    """
    spread = _with_spread(shown)
    if len(spread) <= MOST_REGIONS:
        return spread
    area = spread["survival_se"] * spread["traditional_se"] * np.sqrt(1 - spread["correlation"].fillna(0) ** 2)
    return spread.loc[area.sort_values(kind="stable").index[[(len(spread) - 1) // 2]]]


def _regions(shown: pd.DataFrame, start: pd.DataFrame) -> pd.DataFrame:
    """The points of a panel that have an ellipse, the start among them."""
    return pd.concat([choose_regions(shown), _with_spread(start)])


def _with_spread(points: pd.DataFrame) -> pd.DataFrame:
    return points.dropna(subset=["survival_se", "traditional_se"])


def _draw_arrow(ax: Axes, row: _Moved, size: float) -> None:
    """An arrow to the point of a country's demonstrations."""
    colour, _ = _look(row.zone)
    end = (row.survival, row.traditional)
    if not np.isnan(row.from_survival):
        look = {"arrowstyle": "-|>,head_length=0.25,head_width=0.12", "color": colour, "linewidth": 0.6, "alpha": 0.65}
        look |= {"shrinkA": 0, "shrinkB": 0}
        ax.annotate("", end, (row.from_survival, row.from_traditional), arrowprops=look, zorder=3)
    ax.plot(*end, "o", color=colour, markersize=0.45 * size, markeredgewidth=0, zorder=4)


def add_ellipse(ax: Axes, row: MapPoint, level: float) -> None:
    """The region that covers a point with a probability, if its errors are normal.

    Args:
        ax: of the panel.
        row: the point, with its standard errors.
        level: coverage.
    """
    width, height, angle = shape_of_ellipse(row.survival_se, row.traditional_se, row.correlation, level)
    colour, _ = _look(row.zone)
    centre = (row.survival, row.traditional)
    look: Keywords = {"facecolor": "none", "edgecolor": colour, "alpha": 0.4, "linewidth": 0.5, "zorder": 1}
    ax.add_patch(Ellipse(centre, width, height, angle=angle, **look))


def shape_of_ellipse(x: float, y: float, correlation: float, level: float) -> tuple[float, float, float]:
    """Width, height and angle (degrees) of an ellipse from two standard errors and their correlation."""
    shared = 0.0 if np.isnan(correlation) else correlation * x * y
    size, vectors = np.linalg.eigh([[x**2, shared], [shared, y**2]])
    reach = 2 * np.sqrt(stats.chi2.ppf(level, 2) * np.maximum(size, 0))
    return float(reach[1]), float(reach[0]), float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))


def _look(zone: object) -> tuple[str, str]:
    return (INK, "*") if zone == START else ZONES.get(str(zone), (GREY, "o"))


def _handles(people: pd.DataFrame, style: Style) -> dict[str, Line2D]:
    """Marks of the zones and of the model, by their names."""
    size = 3.4 if style.narrow else 4.4
    there = set(people["zone"].dropna())
    zones = [*(zone for zone in ZONES if zone in there), *sorted(there - {*ZONES, ""})]
    looks = {style.texts.get(f"zones.{zone}", zone): _look(zone) for zone in zones}
    handles = {
        name: Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=size, markeredgewidth=0)
        for name, (colour, marker) in looks.items()
    }
    star = Line2D([], [], color=INK, marker="*", linestyle="none", markersize=2 * size, markeredgewidth=0)
    return handles | {style.text("map.start"): star}


def _note(axes: pd.DataFrame, rows: pd.DataFrame, style: Style) -> str:
    level, units = axes[["level", "units"]].iloc[0]
    kept = axes["reason"].fillna("") == ""
    spread = _with_spread(rows)
    sentences = [style.text("map.note")]
    sentences.append(style.text("map.ellipses" if len(spread) else "map.no_ellipse", level=style.level_name()))
    if spread.groupby(["model", "language", "arm"]).size().max() > MOST_REGIONS:
        sentences.append(style.text("map.one_ellipse"))
    sentences.append(style.text(f"map.{level}", count=style.whole(units), items=int(kept.sum())))
    return " ".join(sentences)


@click.command()
@click.option("--points", type=readable, required=True, help="Points of the map (CSV).")
@click.option("--axes", type=readable, required=True, help="Axes of the map (CSV).")
@click.option("--arms", type=Words(), required=True, help="Arms to draw.")
@click.option(
    "--start", type=Json(dict[str, str]), required=True, help="By language, the arm where arrows begin, as JSON."
)
@csv_option
@takes_figure_settings
def command(
    points: Path, axes: Path, arms: list[str], start: dict[str, str], csv_file: Path, style: Style, pages: Pages
) -> None:
    """Draw people and models on the cultural map."""
    rows, described = choose_points(read_table(points, Map), arms, start), read_table(axes, MapAxes)
    write_table(rows, csv_file, MapPoints)
    people = rows[rows["model"] == PEOPLE]
    pages.draw(rows[rows["model"] != PEOPLE], lambda shown: draw(shown, people, described, arms, style))
