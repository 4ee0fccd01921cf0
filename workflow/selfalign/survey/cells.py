"""The meaning of single cells of a table: numbers, counts, blanks, recodings, and values that are the same."""

import math
import re
import unicodedata
from collections.abc import Collection

NO_VALUE = frozenset({"", "na", "<na>", "nan", "n/a", "#n/a", "#null!", "null", "."})
"""How R, pandas, spreadsheets, SPSS and Stata write an empty cell into a text file, in lower case."""

STATA_MISSING = {".a": -1, ".b": -2, ".c": -3, ".d": -4, ".e": -5}
"""How the Stata releases of the World Values Survey write the missing codes."""

_LARGEST_WEIGHT = 1e12
WEIGHT_RANGE = "a number of 0 or more, and at most 1e12"
"""The weights that are accepted, in words. With larger ones, sums of squares could overflow."""

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"\d{1,3}([.,]\d{3})+")


def is_blank(text: str) -> bool:
    """Whether a cell is empty, or has a mark such as NA."""
    return text.strip().casefold() in NO_VALUE


def read_number(text: str) -> float | None:
    """A finite number, with a point or a comma before its decimals; None if the text is not a number."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))  # files with semicolons have a decimal comma
    return number if math.isfinite(number) else None


def read_weight(text: str) -> float | None:
    """The weight of a respondent; None if the text is not one."""
    weight = read_number(text)
    return weight if weight is not None and 0 <= weight <= _LARGEST_WEIGHT else None


def find_thousands(texts: Collection[str]) -> list[str]:
    """The numbers that have a separator of thousands, such as `1,234`, if decimals are unlikely.

    Decimals are unlikely if each separator has three digits behind it and 1 or more before it, and if the other
    numbers are below 1000, one of them at least 100.

    Args:
        texts: the numbers of a column.
    """
    marked = [text for text in texts if "." in text or "," in text]
    grouped = all(_THOUSANDS.fullmatch(text.strip()) and text.strip()[0] != "0" for text in marked)
    largest = max((int(text) for text in texts if text.strip().isdecimal()), default=0)
    return marked if grouped and 100 <= largest < 1000 else []


def read_count(text: str) -> int | None:
    """A number of people; None if the text is not one, or may have a separator of thousands: `1,000`."""
    number = read_number(text)
    if number is None or number < 0 or not number.is_integer() or _THOUSANDS.fullmatch(text.strip()):
        return None
    return int(number)


def tidy(value: str) -> str:
    """A value in the form in which values are compared: `1.0` and `01` are `1`; upper and lower case are the same."""
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    number = None if _THOUSANDS.fullmatch(text) else read_number(text)
    if number is not None:
        return repr(int(number)) if number.is_integer() else repr(number)
    return text.casefold()


def parse_recoding(codes: str) -> dict[int, int]:
    """A mapping of codes, from a text such as `0=2 1=1`."""
    pairs = (pair.split("=") for pair in codes.split())
    return {int(theirs): int(ours) for theirs, ours in pairs}
