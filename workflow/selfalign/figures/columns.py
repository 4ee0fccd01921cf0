"""How many panels stand beside each other."""

from selfalign.figures.style import NARROW


def panel_columns(width: float) -> int:
    """Panels of the figure calibration that stand beside each other in a figure of so many inches."""
    return max(1, int((width - 0.46) / 0.93))


def grid_columns(width: float) -> int:
    """Small panels of contrasts that stand beside each other in a figure of so many inches."""
    return max(1, int((width - 0.6) / 0.85)) if width < NARROW else max(1, int((width - 0.9) / 1.1))


def map_columns(width: float) -> int:
    """Panels of the figure map that stand beside each other in a figure of so many inches."""
    return max(1, int(width / 3.2))
