"""The wording of a test probe, from the wording of a question of an opinion table."""

import re
from dataclasses import dataclass

from selfalign.probes.bank import BLANK
from selfalign.probes.opinion_cuts import UnclearError

_LETTERED = re.compile(r"(?P<stem>.+?[?.:!…])\s+[a-z]{1,2}\.\s+(?P<item>\S.*)")
_DOTTED = re.compile(r"(?P<stem>.+?)\s*(?:\.\.\.|…)\s*(?P<item>\S.*)")
_GAP = re.compile(r"_{2,}")
_COUNTRY = re.compile(r"\(survey (?:country|public|nation)\)", re.IGNORECASE)
_TO_FILL_IN = re.compile(r"[(\[]\s*(?:survey|insert|read)\b[^)\]]*[)\]]", re.IGNORECASE)


@dataclass(frozen=True)
class WordedQuestion:
    """A question as a statement.

    Attributes:
        statement: the question with the blank after it.
        stem: what it shares with the other questions of its list; empty if it is not part of a list.
    """

    statement: str
    stem: str


def word_question(wording: str) -> WordedQuestion:
    """A question of an opinion table as a statement with one blank at its end.

    A question of a list repeats the stem of the list, and ends with its item: "Do you approve of ____? b. the tax". The
    item fills the gap. "(survey country)" becomes "our country", because all countries see the same words.

    Args:
        wording: the question in the source's words.

    Raises:
        UnclearError: the question has a gap that nothing fills.
    """
    text = " ".join(wording.split())
    listed = _LETTERED.fullmatch(text) or _DOTTED.fullmatch(text)
    stem = listed["stem"] if listed else ""
    if _GAP.search(text):
        if not listed or len(_GAP.findall(stem)) != 1 or _GAP.search(listed["item"]):
            raise UnclearError("the question has a gap that nothing fills")
        text = _GAP.sub(lambda _: listed["item"].rstrip(" ."), stem)
    text = _COUNTRY.sub(_name_country, text)
    if _TO_FILL_IN.search(text):
        raise UnclearError("the question has a word to fill in")
    return WordedQuestion(f"{text} {BLANK}", stem)


def _name_country(found: re.Match[str]) -> str:
    before = found.string[: found.start()].rstrip()
    return "Our country" if not before or before[-1] in ".?!" else "our country"
