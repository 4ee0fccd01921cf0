"""Text for the screen: aligned tables, durations and sizes."""


def align(rows: list[list[str]], left: int = 1, last_left: bool = False) -> list[str]:
    """Rows of cells as lines.

    Args:
        rows: as many cells in each.
        left: how many of the first columns are aligned to the left; the others are aligned to the right.
        last_left: whether the last column is aligned to the left as well.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    to_left = {*range(left), *([len(widths) - 1] if last_left else [])}
    return [
        "  ".join(
            cell.ljust(width) if place in to_left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


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
