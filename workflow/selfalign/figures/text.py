"""Text of users in figures: shown as it is written, and broken into lines where it is long."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import Literal

import matplotlib
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

LINE = 1.2
"""Height of a line of text, in multiples of the font size."""

FontSize = float | Literal["axes.labelsize", "axes.titlesize", "legend.fontsize", "xtick.labelsize", "ytick.labelsize"]
"""Size of a font: points, or a setting of matplotlib that has them."""

_BREAK_AFTER = "-/_,;:.|"
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "BOPOMOFO")
"""Scripts whose lines may break between any two characters, as the names of their characters begin."""


def plain(text: str) -> str:
    """A text that matplotlib shows as it is written; without this, text between two dollars is set as mathematics."""
    return text.replace("$", r"\$")


def wrap(text: str, width: float, size: FontSize, weight: str = "normal") -> str:
    """A text in lines that are at most so wide, ready to be drawn.

    Lines break at spaces, then after punctuation and between the characters of scripts without spaces. A longer piece
    breaks where the line ends, but never before a combining mark.

    Args:
        text: one or more lines.
        width: inches.
        size: of the font, in points or by matplotlib's name.
        weight: of the font.
    """
    font = FontProperties(size=_points(size), weight=weight)
    return "\n".join(plain(line) for long in text.split("\n") for line in _break(long, 72 * width, font))


def width_of(text: str, size: FontSize, weight: str = "normal") -> float:
    """Width of the longest line of a text, in inches."""
    font = FontProperties(size=_points(size), weight=weight)
    return max(_width(line.replace(r"\$", "$"), font) for line in text.split("\n")) / 72


def lines_of(text: str) -> int:
    """Number of lines of a text."""
    return text.count("\n") + 1


def height_of(lines: int, size: FontSize) -> float:
    """Height of some lines of text, in inches."""
    return lines * LINE * _points(size) / 72


def _break(text: str, limit: float, font: FontProperties) -> Iterator[str]:
    if _width(text.rstrip(), font) <= limit:
        yield text.rstrip()
        return
    line = ""
    for piece in _pieces(text):
        if _width(line + piece.rstrip(), font) > limit:
            if line:
                yield line.rstrip()
                line = ""
            *full, piece = _cut(piece, limit, font)
            yield from full
        line += piece
    yield line.rstrip()


def _cut(piece: str, limit: float, font: FontProperties) -> Iterator[str]:
    """A piece between whose characters no line should break, cut where the line ends if it is longer than a line."""
    clusters = list(_clusters(piece))
    while _width("".join(clusters).rstrip(), font) > limit and len(clusters) > 1:
        fits = bisect_right(range(1, len(clusters)), limit, key=lambda n: _width("".join(clusters[:n]), font)) or 1
        yield "".join(clusters[:fits])
        clusters = clusters[fits:]
    yield "".join(clusters)


def _pieces(text: str) -> Iterator[str]:
    """Parts of a text between which a line may break; not after the point of a decimal number."""
    piece, clusters = "", list(_clusters(text))
    for place, cluster in enumerate(clusters):
        if piece and (_is_unspaced(cluster) or _is_unspaced(piece[-1]) or (piece[-1] == " " and cluster != " ")):
            yield piece
            piece = ""
        piece += cluster
        if (
            len(piece) > 6
            and cluster in _BREAK_AFTER
            and not (cluster == "." and "".join(clusters[place + 1 : place + 2]).isdigit())
        ):
            yield piece
            piece = ""
    if piece:
        yield piece


def _clusters(text: str) -> Iterator[str]:
    """Characters, each with the marks and joiners that follow it."""
    cluster = ""
    for character in text:
        joined = unicodedata.category(character)[0] == "M" or character == "\N{ZERO WIDTH JOINER}"
        if cluster and not joined and not cluster.endswith("\N{ZERO WIDTH JOINER}"):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _is_unspaced(text: str) -> bool:
    return unicodedata.name(text[0], "").startswith(_UNSPACED)


@cache
def _width(text: str, font: FontProperties) -> float:
    """Width of a line of plain text, in points. The pages of a figure have most of their lines in common."""
    return _renderer().get_text_width_height_descent(text, font, ismath=False)[0] if text else 0.0


def _points(size: FontSize) -> float:
    return float(matplotlib.rcParams[size]) if isinstance(size, str) else size


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, 72)
