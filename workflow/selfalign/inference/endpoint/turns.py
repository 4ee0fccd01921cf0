"""The tokens of an answer in a chat that an endpoint echoes. This module does not use the network."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile

from selfalign.errors import InputError
from selfalign.inference.endpoint.settings import Endpoint

_SEEN = "zq5qz"
INSTRUCTION, QUESTION, ANSWERED, ASKED_AGAIN = f"zq0qz {_SEEN}", "zq1qz", "zq2qz", "zq3qz"
"""The messages of a conversation that shows the template's own tokens. No template and no model's text has such words.

The instruction has two words, because endpoints do not give the text of a prompt's first token.
"""

_NAMES = {_SEEN: "instruction", QUESTION: "question", ANSWERED: "answer", ASKED_AGAIN: "next question"}

_BROKEN = re.compile("\ufffd+")
_REMEDY = "Set format: plain for this model, or readout: samples"


@dataclass(frozen=True)
class Turns:
    """How a chat template writes an answer.

    Attributes:
        lead: white space between the prompt and an answer.
        end: texts of the tokens that end an answer, wherever it stands.
    """

    lead: str
    end: tuple[str, ...]


def read_turns(longer: Sequence[str], shorter: Sequence[str], endpoint: Endpoint) -> Turns:
    """How a template writes an answer, by the rules of the local engine.

    Args:
        longer: texts of the tokens of a conversation that goes on after an answer.
        shorter: those of a conversation that ends with the answer.

    Raises:
        InputError: the template drops, repeats or moves a message, or the end of an answer cannot be read.
    """
    opening, _, _, between, prompt = _cut(longer, (_SEEN, QUESTION, ANSWERED, ASKED_AGAIN), endpoint)
    _, _, before, last = _cut(shorter, (_SEEN, QUESTION, ANSWERED), endpoint)
    written = "".join(before)
    lead = written.removeprefix("".join(prompt))
    if before[: len(prompt)] != prompt or lead.strip():
        problem = f"the endpoint's tokens before an answer are {before!r}, and those at the end of a prompt {prompt!r}"
        raise InputError(endpoint.url, problem, _REMEDY)
    return Turns(lead, _find_end(last, between, opening, endpoint))


def count_answer_tokens(tokens: Sequence[str], answer: str, turns: Turns, closed: bool) -> int | None:
    """Number of tokens of an answer, with its end if it is closed; None if they are not separate from others.

    Args:
        tokens: texts of the tokens after a prompt.
        answer: its words.
        turns: how the template writes an answer.
        closed: whether the answer has ended.
    """
    if not closed:
        return len(tokens) if is_text("".join(tokens), turns.lead + answer) else None
    size = len(turns.end)
    for words in range(1, len(tokens) - size + 1):
        ends = tuple(tokens[words : words + size]) == turns.end
        if ends and is_text("".join(tokens[:words]), turns.lead + answer):
            return words + size
    return None


def is_text(read: str, text: str) -> bool:
    """Whether the texts of tokens can be a text.

    Endpoints write U+FFFD for a piece of a character. Such pieces belong to characters outside ASCII: a piece has one
    to three bytes, and a character two to four. All other characters must be those of the text.
    """
    pattern, place = "", 0
    for broken in _BROKEN.finditer(read):
        pieces = len(broken[0])
        pattern += re.escape(read[place : broken.start()])
        pattern += f"[^\\x00-\\x7f]{{{math.ceil(pieces / 4)},{max(1, pieces * 3 // 2)}}}"
        place = broken.end()
    return re.fullmatch(pattern + re.escape(read[place:]), text) is not None


def _cut(tokens: Sequence[str], words: Sequence[str], endpoint: Endpoint) -> list[list[str]]:
    """The texts of the tokens before, between and after words, each of which must stand there once, in order.

    White space that begins the first token of a word is a text of its own.
    """
    text, gaps, start = "".join(tokens), [], 0
    for word in words:
        count, place = text.count(word), text.find(word, start)
        if count != 1 or place < 0:
            raise _misplaced(word, count, endpoint)
        gaps.append(_between(tokens, start, place, endpoint))
        start = place + len(word)
    return [*gaps, _between(tokens, start, len(text), endpoint)]


def _misplaced(word: str, count: int, endpoint: Endpoint) -> InputError:
    """The error of a template that writes a word of the conversation never, or several times, or in another place."""
    does = "drops" if not count else "repeats" if count > 1 else "moves"
    # If only the question stands too early, the instruction stands after it.
    name = _NAMES[_SEEN if word == QUESTION and does == "moves" else word]
    by_system = name == _NAMES[_SEEN] and endpoint.instruction == "system"
    remedy = "Set instruction: user for this model" if by_system else _REMEDY
    return InputError(endpoint.url, f"the endpoint's template {does} the {name} of a conversation", remedy)


def _between(tokens: Sequence[str], start: int, stop: int, endpoint: Endpoint) -> list[str]:
    """The texts of the tokens from one character to another."""
    ends = [0, *accumulate(map(len, tokens))]
    found = []
    for token, (first, end) in zip(tokens, pairwise(ends), strict=True):
        if end <= start or first >= stop:
            continue
        if first < start:
            problem = f"the endpoint's tokenizer joins the words of a message with the text after it ({token!r})"
            raise InputError(endpoint.url, problem, _REMEDY)
        found.append(token[: stop - first])
    return found


def _find_end(last: list[str], between: list[str], opening: list[str], endpoint: Endpoint) -> tuple[str, ...]:
    """The tokens that end an answer: those that follow it both at the end and before a turn.

    White space after a token that ends the turn is not part of it, because no model writes it. The beginning of the
    next turn is not part of it either; some templates write one after the last answer too.
    """
    common = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(last, between, strict=False))]
    end = _without_next_turn(common, opening) if _has_words(last[len(common) :]) else common
    if end is not None:
        while end and not end[-1].strip():
            end = end[:-1]
        space = list(takewhile(lambda token: not token.strip(), between))
        found = end or (space if last[: len(space)] == space else [])
        if found:
            return tuple(found)
    problem = (
        f"the endpoint's template writes {''.join(last)!r} after the last answer and {''.join(between)!r} after earlier"
        " ones, so the end of an answer cannot be read"
    )
    raise InputError(endpoint.url, problem, _REMEDY)


def _without_next_turn(common: list[str], opening: list[str]) -> list[str] | None:
    """The end of a turn without the beginning of the next one, if it has both; None if they cannot be separated.

    A turn begins as the first turn of the text does, or after a line break.
    """
    first = "".join(opening)  # endpoints do not give the text of the first token
    for place in range(1, len(common)):
        end, after = common[:place], common[place:]
        begins = first.startswith("".join(after)) or not common[place].strip()
        if begins and _has_words(end) and _has_words(after):
            return end
    return common if sum(map(bool, map(str.strip, common))) < 2 else None


def _has_words(tokens: Sequence[str]) -> bool:
    return bool("".join(tokens).strip())
