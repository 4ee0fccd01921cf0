"""The probes of Arora et al. (2023): the tables about them, and their rows as probes of ours."""

import hashlib
import html
import re
import unicodedata
from typing import Any, NamedTuple

import pandas as pd
import pandera.pandas as pa

from selfalign.probes.bank import BLANK, parse_codes
from selfalign.tables import Table

MASK = "[MASK]"
_CODES = r"\d+(-\d+)?( \d+(-\d+)?)*"
_PUNCTUATION = re.compile(r"[.,;:!?،۔।]*$")
_NOUNS_HAVE_CAPITALS = {"de"}


class AroraRows(Table):
    """The question and the poles of each row of the release, without its words."""

    row: int = pa.Field(ge=0, unique=True, description="row of the release: its first column")
    probe: str = pa.Field(str_matches=r"^Q\d+[a-z]?$", unique=True, description="Q and the release's second column")
    question: str = pa.Field(str_matches=r"^Q\d+$", description="WVS-7 variable")
    pole_a: str = pa.Field(str_matches=rf"^({_CODES})?$", description="answer codes that the first label stands for")
    pole_b: str = pa.Field(str_matches=rf"^({_CODES})?$", description="answer codes that the second label stands for")
    neither: str = pa.Field(str_matches=rf"^({_CODES})?$", description="answer codes of no label")
    dropped: str = pa.Field(description="why the row is no probe of the bank; empty where it is one")

    @pa.dataframe_check(error="either codes of both labels or a reason to drop the row")
    @classmethod
    def codes_or_reason(cls, rows: pd.DataFrame) -> pd.Series:
        """A row is a probe with both poles, or has a reason why it is none."""
        return (rows["dropped"] == "") == ((rows["pole_a"] != "") & (rows["pole_b"] != ""))


class AroraRepairs(Table):
    """Known defects of the release, and their repairs in the project's words."""

    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1 code")
    rows: str = pa.Field(str_matches=rf"^{_CODES}$", description="rows that have this defect, such as `0-2 5`")
    column: str = pa.Field(
        isin=["statement", "blank", "option_a", "option_b"],
        description="statement: words are replaced; blank: the words it takes; options: what fills it",
    )
    words: str = pa.Field(
        str_matches=r"^(-?\d+:-?\d+)?$",
        description="of statement and blank: first and last word, from 0 for the mask, or from 1 where there is none",
    )
    was: str = pa.Field(str_matches=r"^[0-9a-f]{8}$", description="digest of what the release has there")
    repair: str = pa.Field(
        description="the new text; empty for a blank, for words to delete, and for a label that stays as it is"
    )
    defect: str = pa.Field(str_matches=r"^[a-z_]+$", description="what is wrong there")


class AroraLog(Table):
    """Changes to a user's copy, and the rows that were dropped."""

    row: int = pa.Field(ge=0, description="row of the release")
    probe: str = pa.Field(description="probe id")
    column: str = pa.Field(
        isin=["row", "sentence", "label_1", "label_2", "statement", "blank", "option_a", "option_b"],
        description="column of the release or of the texts that changed",
    )
    defect: str = pa.Field(str_length={"min_value": 1}, description="the defect of the old text")
    before: str = pa.Field(description="the old text")
    after: str = pa.Field(description="the new text")


class Change(NamedTuple):
    """A line of the log, without the row that it is about."""

    column: str
    defect: str
    before: str
    after: str


class ProbeWording(NamedTuple):
    """A probe's statement and options, and the changes that were made to the released texts."""

    statement: str
    option_a: str
    option_b: str
    changes: list[Change]


def digest(text: str) -> str:
    """Eight hexadecimal digits that identify a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def clean_cell(cell: str) -> str:
    """A cell in Unicode's composed form, with single blanks, and characters in place of HTML's escapes."""
    return " ".join(html.unescape(unicodedata.normalize("NFC", cell)).split())


def per_row(repairs: pd.DataFrame, language: str) -> dict[int, list[Any]]:
    """Repairs of a language by row: named tuples of an `AroraRepairs` table, whose `Index` is the line less 2."""
    found: dict[int, list[Any]] = {}
    for repair in repairs[repairs["language"] == language].itertuples():
        for row in sorted(parse_codes(repair.rows)):
            found.setdefault(row, []).append(repair)
    return found


def find_old(sentence: str, label_1: str, label_2: str, repair: Any) -> str:
    """The text that a repair replaces. Cells are clean."""
    if repair.column in ("option_a", "option_b"):
        return {"option_a": label_1, "option_b": label_2}[repair.column]
    words = sentence.split()
    return " ".join(words[_place(words, repair)])


def word_probe(sentence: str, label_1: str, label_2: str, repairs: list[Any], language: str) -> ProbeWording:
    """A row of the release as a statement with one blank and two options.

    Letters stuck to the mask become part of the options, and a full stop or comma after the first label becomes part of
    the statement. Options begin with a capital at the start of a statement. Elsewhere only German nouns do.

    Args:
        sentence: with the mask, clean.
        label_1: what fills the mask for pole A, clean.
        label_2: the same for pole B.
        repairs: of this row, as `per_row` gives them.
        language: ISO 639-1 code.

    Returns:
        The statement has no blank where the sentence has no mask, and no repair says which words the blank takes.
    """
    changes = _Changes()
    words = sentence.split()
    places = {repair.Index: _place(words, repair) for repair in repairs}
    own = {repair.column: repair for repair in repairs if repair.column != "statement"}
    options = {
        "option_a": changes.note("label_1", "punctuation", label_1, _bare(label_1)),
        "option_b": changes.note("label_2", "punctuation", label_2, _bare(label_2)),
    }
    blank = places[own["blank"].Index] if "blank" in own else slice(0, 0)
    taken = " ".join(words[blank])
    for repair in repairs:
        if repair.column == "statement":
            place = places[repair.Index]
            words[place] = _pad(changes.note("statement", repair.defect, " ".join(words[place]), repair.repair), place)
    masked = next((place for place, word in enumerate(words) if MASK in word), None)
    if "blank" in own:
        changes.note("blank", own["blank"].defect, taken, BLANK)
        words = [word.replace(MASK, label_1) for word in words]
        filled = " ".join(filter(None, words[blank]))
        options["option_a"] = _bare(filled)
        words[blank] = _pad(BLANK + _end(filled), blank)
    elif masked is not None:
        for column, option in _join(words[masked], options).items():
            if column not in own:
                options[column] = changes.note(column, "affix", options[column], option)
        words[masked] = BLANK + (_end(words[masked]) or _end(label_1))
    for column in [column for column in options if column in own and own[column].repair]:
        options[column] = changes.note(column, own[column].defect, options[column], own[column].repair)
    statement = " ".join(filter(None, words))
    opens = statement.startswith(BLANK)
    keeps_capital = language in _NOUNS_HAVE_CAPITALS and options["option_a"][:1].isupper()
    if opens or not keeps_capital:
        for column, option in options.items():
            options[column] = changes.note(column, "capital", option, _begin(option, capital=opens))
    return ProbeWording(statement, options["option_a"], options["option_b"], list(changes))


class _Changes(list[Change]):
    def note(self, column: str, defect: str, before: str, after: str) -> str:
        """The text after a change, which is noted if the text changed."""
        if before != after:
            self.append(Change(column, defect, before, after))
        return after


def _place(words: list[str], repair: Any) -> slice:
    """Places of the words that a repair is about; of none where the sentence is too short."""
    if not repair.words:
        return slice(0, 0)
    origin = next((place for place, word in enumerate(words) if MASK in word), -1)
    first, last = (origin + int(offset) for offset in repair.words.split(":"))
    return slice(first, last + 1) if 0 <= first <= last < len(words) else slice(0, 0)


def _pad(text: str, place: slice) -> list[str]:
    """A text in the place of some words, so that the words after them keep their places."""
    return [text, *[""] * (place.stop - place.start - 1)]


def _bare(text: str) -> str:
    """A text without the full stop or comma at its end."""
    return _PUNCTUATION.sub("", text)


def _end(text: str) -> str:
    """The full stop or comma at the end of a text."""
    return text.removeprefix(_bare(text))[:1]


def _join(masked: str, options: dict[str, str]) -> dict[str, str]:
    """Options with the letters that are stuck to the mask, unless the second has them already."""
    before, after = _bare(masked).split(MASK, maxsplit=1)
    joined = {column: f"{before}{option}{after}" if option else "" for column, option in options.items()}
    if joined["option_a"].casefold() in options["option_b"].casefold():
        joined["option_b"] = options["option_b"]
    return joined


def _begin(text: str, capital: bool) -> str:
    """A text with its first letter in the case asked for."""
    return (text[:1].upper() if capital else text[:1].lower()) + text[1:]
