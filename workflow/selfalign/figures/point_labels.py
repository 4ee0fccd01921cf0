"""Labels of points, placed so that they overlap neither each other nor the points."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke

from selfalign.figures.text import LINE, width_of
from selfalign.figures.theme import Keywords

_RADII = (4.0, 6.0, 9.0, 13.0, 18.0, 24.0, 31.0, 39.0, 48.0, 58.0)
_ANGLES = np.arange(0, 2 * np.pi, np.pi / 12)
_LEADER = 10.0
"""Points: distances from a point to the middle of its label that are tried, and from which a line joins the two."""


def place_labels(
    ax: Axes, points: np.ndarray, texts: Sequence[str], colours: Sequence[str], size: float, around: np.ndarray
) -> None:
    """Write each text near its point, where it overlaps no other text and few points.

    Isolated points are labelled first. A label that is far from its point gets a line to it.

    Args:
        ax: its limits must be final.
        points: n x 2, in data.
        around: m x 2, in data: marks that labels should not cover.
    """
    scale = 72 / ax.figure.dpi
    at, marks = (ax.transData.transform(each) * scale for each in (points, around))
    box = ax.get_window_extent()
    inside = np.array([box.x0, box.y0, box.x1, box.y1]) * scale
    height = 0.5 * LINE * size
    taken: list[np.ndarray] = []
    for number in _order(at):
        half = np.array([36 * width_of(texts[number], size) + 0.6, height])
        own = at[number]
        others = marks[np.abs(marks - own).max(axis=1) > 0.01]
        places = _places(own, half)
        place = places[_find_best(places, own, half, taken, others, inside)]
        taken.append(np.concatenate([place - half, place + half]))
        _write(ax, texts[number], at[number], place, half, colours[number], size)


def _order(at: np.ndarray) -> list[int]:
    """Points by the density of points around them, the lowest first."""
    near = np.exp(-((at[:, None] - at[None]) ** 2).sum(axis=2) / 400).sum(axis=1)
    return list(np.argsort(near, kind="stable"))


def _places(point: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Middles of a label around a point, from near to far: n x 2."""
    shape = half / half.max() + 0.35
    return np.array(
        [
            point + (half * 0.8 + radius) * shape / shape.max() * [np.cos(angle), np.sin(angle)]
            for radius, angle in product(_RADII, _ANGLES)
        ]
    )


def _find_best(
    places: np.ndarray,
    own: np.ndarray,
    half: np.ndarray,
    taken: list[np.ndarray],
    marks: np.ndarray,
    inside: np.ndarray,
) -> int:
    """The place where a label meets the fewest texts and leaves the fewest sides; the nearest of them to its own mark.

    Other marks that a label covers, or is nearer to, count as a greater distance.
    """
    low, high = places - half, places + half
    boxes = np.array(taken).reshape(-1, 4)
    met = ((low[:, None] < boxes[:, 2:]) & (boxes[:, :2] < high[:, None])).all(axis=2).sum(axis=1)
    out = (low < inside[:2]).sum(axis=1) + (high > inside[2:]).sum(axis=1)
    covered = ((marks > low[:, None] - 1) & (marks < high[:, None] + 1)).all(axis=2).sum(axis=1)
    away = np.hypot(*(places - own).T)
    gaps = np.sqrt(((marks - places[:, None]) ** 2).sum(axis=2))
    nearest = gaps.min(axis=1) if len(marks) else away
    distance = 12.0 * covered + away + 2.0 * np.maximum(0.0, away - nearest)
    return int(np.lexsort((distance, met + out))[0])  # the first of equal places


def _write(
    ax: Axes, text: str, point: np.ndarray, place: np.ndarray, half: np.ndarray, colour: str, size: float
) -> None:
    away = place - point
    edge = place - away * min(1.0, 0.9 * float(np.min(half / np.maximum(np.abs(away), 1e-9))))
    look: Keywords = {"fontsize": size, "color": colour, "ha": "center", "va": "center", "zorder": 6}
    origin = ax.transData.inverted().transform(point * ax.figure.dpi / 72)
    halo = [Stroke(linewidth=1.2, foreground="white"), Normal()]
    ax.annotate(
        text,
        tuple(origin),
        xytext=tuple(away),
        textcoords="offset points",
        annotation_clip=False,
        path_effects=halo,
        **look,
    )
    if np.hypot(*(edge - point)) > _LEADER:
        ends = ax.transData.inverted().transform(np.array([point, edge]) * ax.figure.dpi / 72)
        ax.plot(*ends.T, color=colour, linewidth=0.4, alpha=0.7, zorder=2)
