"""Colours, markers, and the look of an arm."""

from dataclasses import dataclass

GREY = "#8a8f98"
BLUE, GREEN, VERMILLION, PINK = "#0072b2", "#009e73", "#d55e00", "#cc79a7"
ORANGE, SKY, BROWN = "#e69f00", "#56b4e9", "#7f5f3f"
"""Okabe and Ito (2008), for readers of any colour vision. Brown replaces their yellow, which is too light for lines."""

MARKERS = "osD^vPX<>*phd"
"""Markers that variants of an arm take, in this order."""


@dataclass(frozen=True)
class Look:
    """How the dots of an arm look.

    Attributes:
        colour: hexadecimal, such as #0072b2.
        marker: matplotlib's sign of the marker.
        open: whether the marker is an outline. Arms that show no answers of the country's own people are open.
    """

    colour: str = GREY
    marker: str = "o"
    open: bool = False
