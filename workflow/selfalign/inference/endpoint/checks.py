"""Small requests that show how an endpoint's chat template writes a conversation: two in a job, in a chat.

This module does not use the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from selfalign.errors import InputError
from selfalign.inference.endpoint.requests import Request, requests_of
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.endpoint.turns import ANSWERED, ASKED_AGAIN, INSTRUCTION, QUESTION, Turns, read_turns
from selfalign.ledger.rows import CHECK, Entry

_SHORT = "Answer briefly."
_LONG = "Answer briefly. Use simple words, write one line only, and do not explain your answer to anybody."


@dataclass
class _Conversation:
    """A conversation in the form of a prompt."""

    system: str
    asked: str
    shown: str = "[]"
    prompt: str = CHECK
    cue: str = ""
    options: str = "[]"
    labels: str = '["A"]'
    premise: str = CHECK


def checks_of(endpoint: Endpoint, form: str) -> list[Request]:
    """The requests of a job that check the endpoint's template. Empty if there is nothing to check.

    With `echo`, one conversation goes on after an answer, and the other ends with the answer. Otherwise, one request
    has a short instruction, and the other a long one. A request without an instruction would not do, because some
    templates then write an instruction of their own.

    Args:
        form: `chat` or `plain`.
    """
    if form != "chat":
        return []
    if endpoint.readout == "echo":
        shown = f'[["{QUESTION}", "{ANSWERED}"]]'
        longer = requests_of(_Conversation(INSTRUCTION, ASKED_AGAIN, shown), endpoint, form)[0]
        closed = f'["{ANSWERED}"]'
        shorter = _Conversation(INSTRUCTION, QUESTION, options=closed, labels="[]")
        return [replace(one, check=True) for one in (longer, requests_of(shorter, endpoint, form)[1])]
    if endpoint.instruction == "user":
        return []
    return [
        _draw_one(requests_of(_Conversation(text, "Hello."), endpoint, form)[0], endpoint) for text in (_SHORT, _LONG)
    ]


def read_checks(answered: Mapping[str, Entry], endpoint: Endpoint, form: str) -> Turns | None:
    """How the template writes an answer and its end; None if the readout does not need it.

    If a check of the instruction has no answer, or no number of tokens, nothing is concluded.

    Args:
        answered: usable entries of the ledger, by key.
        form: `chat` or `plain`.

    Raises:
        InputError: the template drops the instruction, or the end of an answer cannot be read, or with `echo` a check
            has no answer.
    """
    entries = [answered.get(check.key) for check in checks_of(endpoint, form)]
    if not entries:
        return None
    if endpoint.readout == "echo":
        texts = [[text or "" for text, _ in entry.scores.get("tail", [])] for entry in entries if entry]
        if len(texts) < len(entries) or not all(texts):
            problem = "no answer to the requests that show how the chat template ends an answer"
            raise InputError(endpoint.url, problem, "Run the step ask again: it sends these two requests")
        return read_turns(texts[0], texts[1], endpoint)
    counts = [entry.scores["usage"][0] if entry else 0 for entry in entries]
    if counts[0] and counts[0] == counts[1]:
        problem = (
            "the endpoint's template drops the instruction: with a short and with a long instruction,"
            f" a prompt has {counts[0]} tokens"
        )
        raise InputError(endpoint.url, problem, "Set instruction: user for this model")
    return None


def _draw_one(request: Request, endpoint: Endpoint) -> Request:
    """The request for one reply only."""
    body = {name: value for name, value in request.body.items() if name != "n"} | endpoint.extra
    return replace(request, body=body, draws="0+1" if request.draws else "", check=True)
