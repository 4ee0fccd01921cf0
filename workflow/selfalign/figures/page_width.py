"""Tables in LaTeX that are wider than a page: smaller letters, names in several lines, and columns in parts.

Widths are estimates in points, from the letters of Computer Modern. They decide only which layout a table has.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

TEXT_WIDTH = 345.0
r"""The \textwidth of the class article with 10 points, the narrowest of the usual ones."""

_SMALL = 0.85
r"""Width of letters in \footnotesize, in multiples of the usual width."""

_SMALL_GAP = 3.0
r"""\tabcolsep of a table in small letters. LaTeX has it on both sides of a column."""

_GAP = 6.0
_SPARE = 1.04
"""Widths of words in columns that break lines are larger by so much, because an estimate may be too small."""

_WIDTHS = (
    dict.fromkeys("ijlI.,:;!'|[]", 2.8)
    | dict.fromkeys(" ftrs()-/", 3.6)
    | dict.fromkeys("mw%&+−", 8.0)
    | dict.fromkeys("MW", 9.5)
)


@dataclass(frozen=True)
class Part:
    """Columns of a table that fit on a page together.

    Attributes:
        names: width of each column of names; None where no name has to break.
        heads: width of each column of numbers, by its head.
    """

    names: list[float | None]
    heads: dict[str, float]


def is_wide(table: pd.DataFrame) -> bool:
    """Whether a table is wider than a page.

    Args:
        table: texts, with the names of rows in its index.
    """
    flat = table.reset_index()
    return sum(max(map(_width, _texts(flat, column))) + 2 * _GAP for column in flat) > TEXT_WIDTH


def split(table: pd.DataFrame) -> list[Part]:
    """The columns of a wide table in as few parts as possible, each as wide as a page at most, in small letters.

    Args:
        table: texts, with the names of rows in its index.
    """
    names = table.index.to_frame(index=False)
    whole = [_SMALL * max(map(_width, _texts(names, column))) for column in names]
    least = [_SMALL * _SPARE * max(map(_longest_word, _texts(names, column))) for column in names]
    numbers = {
        head: _SMALL * max([_SPARE * _longest_word(head), *map(_width, table[head])]) + 2 * _SMALL_GAP
        for head in table.columns
    }
    room = TEXT_WIDTH - 1 - 2 * _SMALL_GAP * len(whole)  # a point less, because widths are rounded
    chunks = next(found for found in _chunks(list(numbers)) if _fit(found, numbers, room - sum(least)))
    return [
        Part(
            _share_room(least, whole, room - sum(numbers[head] for head in chunk)),
            {head: numbers[head] - 2 * _SMALL_GAP for head in chunk},
        )
        for chunk in chunks
    ]


def count_lines(table: pd.DataFrame, part: Part) -> int:
    """How many lines the rows of a table have, if its names break.

    Args:
        table: texts, with the names of rows in its index.
        part: of the table.
    """
    heights = [
        [max(1, -(-_SMALL * _width(name) // width)) if width else 1 for name in table.index.get_level_values(level)]
        for level, width in enumerate(part.names)
    ]
    return int(sum(map(max, zip(*heights, strict=True))))


def _texts(flat: pd.DataFrame, column: str) -> list[str]:
    return [column, *flat[column]]


def _width(text: str) -> float:
    """Width of a line at the usual size, in points."""
    return sum(_width_of(letter) for letter in text)


def _width_of(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 10.0
    return _WIDTHS.get(letter, 7.4 if letter.isupper() else 5.1)


def _longest_word(text: str) -> float:
    """Width of the longest part of a text in which LaTeX breaks no line."""
    return max(map(_width, re.findall(r"[^\s-]+-?|-", text)), default=0)


def _chunks(heads: list[str]) -> Iterator[list[list[str]]]:
    """The heads in one list, in two lists, and so on."""
    for count in range(1, len(heads) + 1):
        size = -(-len(heads) // count)
        yield [heads[start : start + size] for start in range(0, len(heads), size)]


def _fit(chunks: list[list[str]], numbers: dict[str, float], room: float) -> bool:
    """Whether every list of columns has room, or is one column."""
    return all(len(chunk) == 1 or sum(numbers[head] for head in chunk) <= room for chunk in chunks)


def _share_room(least: list[float], whole: list[float], room: float) -> list[float | None]:
    """Widths of the columns of names, the last one first: its names differ in every row."""
    widths: list[float | None] = []
    spare = room - sum(least)
    for low, high in zip(reversed(least), reversed(whole), strict=True):
        more = max(0.0, min(spare, _SPARE * high - low))
        spare -= more
        widths.append(None if low + more >= high else low + more)
    return widths[::-1]
