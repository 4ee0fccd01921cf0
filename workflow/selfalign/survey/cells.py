"""The meaning of single cells of a survey file: numbers, counts, blanks, and values that are the same."""

import math
import re
import unicodedata

NO_VALUE = frozenset({"", "na", "<na>", "nan", "n/a", "#n/a", "#null!", "null", "."})
"""How R, pandas, spreadsheets, SPSS and Stata write an empty cell into a text file, in lower case."""

STATA_MISSING = {".a": -1, ".b": -2, ".c": -3, ".d": -4, ".e": -5}
"""How the Stata releases of the World Values Survey write the missing codes."""

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
