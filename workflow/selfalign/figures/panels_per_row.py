"""Numbers of panels in a row, by the width of a figure."""

from selfalign.figures.style import NARROW


def panel_columns(width: float) -> int:
    """Panels in a row of the figure calibration; width in inches."""
    return max(1, int((width - 0.46) / 0.93))


def grid_columns(width: float) -> int:
    """Small panels in a row of the figure contrasts; width in inches."""
    return max(1, int((width - 0.6) / 0.85)) if width < NARROW else max(1, int((width - 0.9) / 1.1))


def map_columns(width: float) -> int:
    """Panels in a row of the figure map; width in inches."""
    return max(1, int(width / 3.2))
