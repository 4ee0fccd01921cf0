"""Fonts of the figures: every machine draws a character with the same file."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font

from selfalign.errors import InputError

DEFAULT = "DejaVu Sans"
"""The font of all text whose characters it has; it comes with matplotlib."""

PACKAGES = ("noto_cjk_sans_jp_regular", "manimgx_fonts")
"""Python packages with fonts for the scripts that the default font lacks; docs/dependencies.md describes them."""

REMEDY = "Rename the label, or set figures.style.font to the file of a font that has the characters"


def choose_fonts(texts: Iterable[str], own: Path | None = None, place: str = "labels in a figure") -> list[Path]:
    """Font files that the texts need beyond the default font.

    The user's font comes first and draws all characters that it has. Of the shipped fonts, only those are chosen that
    have a character which no earlier font has, so that figures in Latin script do not depend on them.

    Args:
        texts: what a figure shows.
        own: the user's font file (setting figures.style.font).
        place: what the texts are, for the error.

    Returns:
        Files in the order in which a character looks for its glyph; the user's font is the first, if there is one.

    Raises:
        InputError: no font has a glyph for a character, or the user's file is not a font.
    """
    characters = sorted({character for text in texts for character in text if _is_drawn(character)})
    chosen = [] if own is None else [own]
    default = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    known = _characters(default).union(*(_characters(path) for path in chosen))
    missing = [character for character in characters if ord(character) not in known]
    while missing:
        covered = {path: sum(ord(each) in _characters(path) for each in missing) for path in _shipped()}
        best = max(covered, key=covered.__getitem__, default=None)  # the first of several equal ones
        if best is None or not covered[best]:
            names = ", ".join(describe_character(character) for character in missing)
            raise InputError(place, f"no font has a glyph for {names}", REMEDY)
        chosen.append(best)
        missing = [character for character in missing if ord(character) not in _characters(best)]
    return chosen


def register_font(path: Path) -> str:
    """Make a font file known to matplotlib.

    Returns:
        The name of its family. The name is made from the path, so that no other font of the machine can have it.
    """
    name = f"selfalign {path}"
    if name not in {entry.name for entry in font_manager.fontManager.ttflist}:
        entry = font_manager.ttfFontProperty(_open(path))
        # Under both weights: matplotlib writes a warning when a bold title finds only a regular font.
        same = [replace(entry, fname=str(path), name=name, style="normal", weight=weight) for weight in (400, 700)]
        font_manager.fontManager.ttflist.extend(same)
    return name


def describe_character(character: str) -> str:
    """A character with its code point and name, for messages."""
    name = unicodedata.name(character, "no name")
    return f'"{character}" (U+{ord(character):04X}, {name})'


def _is_drawn(character: str) -> bool:
    """Whether a character needs a glyph: spaces, joiners and other format characters do not."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


@cache
def _shipped() -> list[Path]:
    """The font files of the packages, found without importing them. Emoji and symbols come last."""
    folders = [
        Path(folder)
        for package in PACKAGES
        if (spec := find_spec(package)) is not None
        for folder in spec.submodule_search_locations or []
    ]
    files = [path for folder in folders for path in sorted(folder.glob("*.[ot]tf")) if "Italic" not in path.name]
    return sorted(files, key=lambda path: "Symbols" in path.name or "Emoji" in path.name)


@cache
def _characters(path: Path) -> frozenset[int]:
    """Code points that a font has glyphs for."""
    return frozenset(_open(path).get_charmap())


def _open(path: Path) -> FT2Font:
    try:
        return FT2Font(path)
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"cannot be read as a font ({str(error).splitlines()[0].rstrip('.')})"
        raise InputError(
            "config: figures.style.font", problem, "Give a TrueType or OpenType file", value=str(path)
        ) from error
