"""The one look of all figures: style, colours, names, and files that are the same bytes each time."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import matplotlib
import pycountry
import seaborn
from matplotlib.figure import Figure

from selfalign.countries import country_name
from selfalign.errors import InputError
from selfalign.figures.fonts import DEFAULT, REMEDY, choose_fonts, describe, register
from selfalign.figures.text import wrap
from selfalign.scoring.tables import ALL
from selfalign.tables import written_aside

INK = "#222222"
MUTED = "#8a8f98"
PALETTE = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#7f5f3f")
"""Okabe and Ito (2008), for readers of any colour vision; arms take them in the order in which the run lists them."""

MARKERS = "os^D"

MEASURED = {"agreement": ("Agreement with the majority", PALETTE[0]), "alignment": ("Soft alignment", PALETTE[4])}
"""How the measures of a difference are called, and their colours."""

DIVERGING = seaborn.blend_palette([PALETTE[2], "#f7f7f7", PALETTE[0]], as_cmap=True)
"""From losses to gains."""

MEAN_OF_COUNTRIES = "Mean of countries"


class Labels(TypedDict):
    """How models and arms are called in figures, by name, in the order in which the run lists them."""

    models: dict[str, str]
    arms: dict[str, str]


def apply_theme(labels: Labels | None = None, font: Path | None = None) -> None:
    """Set the style of all figures, and draw without a screen.

    Args:
        labels: names of models and arms, for which fonts are chosen.
        font: the user's font file (setting figures.font).

    Raises:
        InputError: no font has a glyph for a character of a label, or `font` is not a font.
    """
    texts = [label for names in (labels or {}).values() for label in names.values()]
    families = [register(path) for path in choose_fonts(texts, font)]
    families.insert(0 if font is None else 1, DEFAULT)
    matplotlib.use("agg")
    seaborn.set_theme(
        style="ticks",
        context="paper",
        rc={
            "font.family": families,
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "pdf.fonttype": 42,
        },
    )


def looks(arms: Sequence[str], labels: Labels) -> dict[str, tuple[str, str]]:
    """Colour and marker of some arms: the run's first, which others are compared with, is grey; of the rest no two look
    alike up to 28."""
    first = next(iter(labels["arms"]))
    rest = [arm for arm in arms if arm != first]
    return {first: (MUTED, MARKERS[0])} | {
        arm: (PALETTE[place % len(PALETTE)], MARKERS[place // len(PALETTE) % len(MARKERS)])
        for place, arm in enumerate(rest)
    }


def row_name(country: str) -> str:
    """Name of a country, or of their mean."""
    return MEAN_OF_COUNTRIES if country == ALL else country_name(country)


def points(value: float, form: str = "+.3g") -> str:
    """A difference in percentage points, with its sign."""
    text = f"{100 * value:{form}}"
    return "0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def panel_title(model: str, language: str, labels: Labels, width: float) -> str:
    """Title of a panel, in lines of at most `width` inches: the model, and the language that it is asked in."""
    title = f"{labels['models'][model]}, asked in {pycountry.languages.get(alpha_2=language).name}"
    return wrap(title, width, "axes.titlesize", "bold")


def save(figure: Figure, *paths: Path) -> None:
    """Write a figure as PNG, PDF or SVG, by each path's suffix, without the date that would change the bytes.

    Raises:
        InputError: a text has a character without a glyph, which would be drawn as a box.
    """
    for path in paths:
        metadata = {} if path.suffix == ".png" else {"CreationDate": None} if path.suffix == ".pdf" else {"Date": None}
        with written_aside(path) as aside, matplotlib.rc_context({"svg.hashsalt": "selfalign"}):
            _draw_without_boxes(figure, aside, metadata)


def _draw_without_boxes(figure: Figure, path: Path, metadata: dict[str, None]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"Glyph \d+ .* missing from font", category=UserWarning)
        try:
            figure.savefig(path, dpi=200, bbox_inches="tight", facecolor="white", metadata=metadata)
        except UserWarning as warning:
            if not (code := re.match(r"Glyph (\d+) ", str(warning))):
                raise
            problem = f"no font has a glyph for {describe(chr(int(code[1])))} beside its neighbours"
            raise InputError("a label in a figure", problem, REMEDY) from warning
