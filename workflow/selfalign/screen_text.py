"""Text for the screen: aligned tables, durations and sizes."""

import unicodedata
from collections.abc import Collection, Sequence


def align(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Rows of cells as lines.

    Args:
        rows: as many cells in each.
        left: places of the columns that are aligned on the left; the others are aligned on the right.
    """
    widths = [max(map(width_in_terminal, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        gaps = [" " * (width - width_in_terminal(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            cell + gap if place in left else gap + cell for place, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def width_in_terminal(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def duration(seconds: float) -> str:
    """A duration in words, in the two largest of its units, as in `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 else "")
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def about_hours(hours: float) -> str:
    """An estimated duration, in seconds, minutes or hours, as in `12.3 h`."""
    if hours < 1 / 60:
        return f"{3600 * hours:.0f} s"
    return f"{60 * hours:.0f} min" if hours < 2 else f"{hours:,.1f} h" if hours < 100 else f"{hours:,.0f} h"


def size(number: float, decimals: int = 0) -> str:
    """Bytes in MB or GB.

    Args:
        number: of bytes.
        decimals: of a size in MB; a size in GB has one.
    """
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.{decimals}f} MB"
