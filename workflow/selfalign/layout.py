"""Text for the screen: aligned tables and durations."""


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
