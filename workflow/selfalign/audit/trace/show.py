"""Text for a terminal: sections, paragraphs and tables in 100 columns."""

import textwrap
from collections.abc import Sequence

from selfalign.screen_text import align, width_in_terminal

WIDTH = 100
"""Columns."""

_LEAST = 20  # columns for the text that is shortened


def section(title: str, *blocks: str, line: str = "-") -> str:
    """A heading, underlined, with what stands below it."""
    heading = f"{title}\n{line * min(width_in_terminal(title), WIDTH)}"
    return "\n".join([heading, *(block for block in blocks if block)])


def paragraph(text: str, first: str = "", later: str = "") -> str:
    """A text in lines of at most `WIDTH` columns. Words are never broken, so that ids and paths can be copied.

    Args:
        text: one paragraph.
        first: what the first line begins with.
        later: what every other line begins with.
    """
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def table(rows: Sequence[Sequence[str]], head: Sequence[str], left: Sequence[int] = (0,), flexible: int = -1) -> str:
    """Rows below their heads, in aligned columns.

    Args:
        rows: cells as text.
        head: a name for each column.
        left: places of the columns that are aligned on the left; the others are aligned on the right.
        flexible: place of the column that is shortened where the lines are too long; -1: none.
    """
    cells = [list(head), *(list(row) for row in rows)]
    if flexible >= 0:
        widths = [max(map(width_in_terminal, column)) for column in zip(*cells, strict=True)]
        room = max(WIDTH - sum(widths) + widths[flexible] - 2 * (len(head) - 1), _LEAST)
        for row in cells:
            row[flexible] = shorten(row[flexible], room)
        cells[0][flexible] = cells[0][flexible].ljust(min(widths[flexible], room))
    return "\n".join(align(cells, {*left, flexible}))


def shorten(text: str, width: int) -> str:
    """A text on one line of at most `width` columns; an ellipsis stands for the rest."""
    text = " ".join(text.split())
    if width_in_terminal(text) <= width:
        return text
    while text and width_in_terminal(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}\N{HORIZONTAL ELLIPSIS}"


def first_rows(rows: list[list[str]], limit: int | None) -> tuple[list[list[str]], str]:
    """The first rows, and a line that counts the rest; the line is empty where all are shown."""
    if limit is None or len(rows) <= limit:
        return rows, ""
    return rows[:limit], f"... and {len(rows) - limit} more: --all shows them, --csv FILE or --json FILE writes them."


def percent(value: float) -> str:
    """A share, or `-` where it is not known."""
    return "-" if value != value else f"{value:.1%}"


def points(value: float) -> str:
    """A contribution in percentage points, with its sign."""
    return f"{100 * value:+.3f}" if abs(value) > 5e-9 else "0"
