"""Numbers and sizes of panels, in inches. The config needs them too, because it plans the pages of figures."""

from selfalign.figures.style import NARROW

WIDEST = 2.6
"""Sides of a panel of the figure calibration, at most."""


def row_of_dots(arms: int) -> float:
    """Height of a row of the figure agreement that has room for a dot per arm."""
    return 0.05 + 0.034 * arms


def panel_columns(width: float) -> int:
    """Panels in a row of the figure calibration; width in inches."""
    return max(1, int((width - 0.46) / 0.93))


def grid_columns(width: float) -> int:
    """Small panels in a row of the figure contrasts; width in inches."""
    return max(1, int((width - 0.6) / 0.85)) if width < NARROW else max(1, int((width - 0.9) / 1.1))


def map_columns(width: float) -> int:
    """Panels in a row of the figure map; width in inches."""
    return max(1, int(width / 3.2))
