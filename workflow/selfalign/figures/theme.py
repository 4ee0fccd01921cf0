"""The one look of all figures: fonts, sizes and lines, and files that are the same bytes each time."""

import re
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import seaborn
from matplotlib.figure import Figure

from selfalign.errors import InputError
from selfalign.figures.fonts import DEFAULT, REMEDY, choose_fonts, describe_character, register_font
from selfalign.figures.looks import BLUE, BROWN, GREEN, GREY, ORANGE, PINK, SKY, VERMILLION
from selfalign.figures.style import Style
from selfalign.tables import written_aside

INK = "#222222"
MUTED = GREY
Keywords = dict[str, Any]
"""Keywords of a function of matplotlib: how something is drawn."""

PALETTE = (BLUE, GREEN, VERMILLION, PINK, ORANGE, SKY, BROWN)
"""Okabe and Ito (2008), for readers of any colour vision."""

MEASURED = {"agreement": (BLUE, "o", False), "alignment": (ORANGE, "D", True)}
"""Colour, marker and whether it is an outline, of the measures of a difference."""

FURTHER = (
    (GREEN, "s", False),
    (PINK, "^", True),
    (VERMILLION, "v", False),
    (SKY, "P", True),
    (BROWN, "X", False),
    (GREY, "p", True),
    (INK, "*", False),
)
"""The same of further metrics, in the order of the registry; they repeat if there are more."""

DIVERGING = seaborn.blend_palette([VERMILLION, "#f7f7f7", BLUE], as_cmap=True)
"""From losses to gains."""

DPI = 300
"""Pixels per inch of PNG files."""


def apply_theme(style: Style | None = None) -> None:
    """Set the look of all figures, and draw without a screen.

    Args:
        style: decides the sizes of the text, and names the texts for which fonts are chosen.

    Raises:
        InputError: no font has a glyph for a character of a label, or the user's font is not a font.
    """
    style = style or Style({"models": {}, "arms": {}})
    families = [register_font(path) for path in choose_fonts(style.all_texts(), style.font)]
    families.insert(0 if style.font is None else 1, DEFAULT)
    matplotlib.use("agg")
    size = style.size
    seaborn.set_theme(
        style="ticks",
        context="paper",
        rc={
            "font.family": families,
            "font.size": size,
            "axes.titlesize": size + 1,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 3,
            "axes.labelsize": size,
            "axes.labelpad": 2,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.h_pad": 0.03,
            "figure.constrained_layout.w_pad": 0.03,
            "figure.constrained_layout.hspace": 0.0,
            "figure.constrained_layout.wspace": 0.0,
            "hatch.linewidth": 0.6,
            "legend.fontsize": size - 0.5,
            "legend.title_fontsize": size - 0.5,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": size - 0.5,
            "ytick.labelsize": size - 0.5,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "xtick.major.pad": 2,
            "ytick.major.pad": 2,
            "pdf.fonttype": 42,
        },
    )


def save(figure: Figure, *paths: Path) -> None:
    """Write a figure as PNG, PDF or SVG, by each path's suffix, in exactly its size.

    The files have no date, which would change the bytes.

    Raises:
        InputError: a text has a character without a glyph, which would be drawn as a box.
    """
    for path in paths:
        metadata = {} if path.suffix == ".png" else {"CreationDate": None} if path.suffix == ".pdf" else {"Date": None}
        with written_aside(path) as aside, matplotlib.rc_context({"svg.hashsalt": "selfalign"}):
            _draw_without_boxes(figure, aside, metadata)


def lighter(colour: str, part: float = 0.5) -> tuple[float, float, float]:
    """A colour mixed with white; `part` is the share of white."""
    red, green, blue = (value + (1 - value) * part for value in matplotlib.colors.to_rgb(colour))
    return red, green, blue


def _draw_without_boxes(figure: Figure, path: Path, metadata: dict[str, None]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"Glyph \d+ .* missing from font", category=UserWarning)
        try:
            figure.savefig(path, dpi=DPI, facecolor="white", metadata=metadata)
        except UserWarning as warning:
            if not (code := re.match(r"Glyph (\d+) ", str(warning))):
                raise
            problem = f"no font has a glyph for {describe_character(chr(int(code[1])))} next to its neighbours"
            raise InputError("a label in a figure", problem, REMEDY) from warning
