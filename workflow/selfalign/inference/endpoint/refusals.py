"""Refusals of an endpoint: decide whether to ask again, to leave the prompt unanswered, or to stop.

This module does not use the network.
"""

import html
import json
import re
from dataclasses import dataclass

from selfalign.errors import InputError
from selfalign.inference.endpoint.requests import Request
from selfalign.inference.endpoint.settings import Endpoint

_PASSING = (408, 409, 429)
_FILTERED = (
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "datainspectionfailed",
    "flagged_input",
)
_USED_UP = (
    "insufficient_quota",
    "billing_hard_limit",
    "billing_not_active",
    "insufficient_balance",
    "arrearage",
    "credit balance is too low",
)
_USED_UP_WORDS = ("insufficient quota", "insufficient balance", "insufficient credits", "perday", "per day")
_PERHAPS_USED_UP = ("current quota", "quota exceeded", "billing", "credits", "payment")
_WAIT = ("retrydelay", "retry in", "try again in", "per minute", "perminute", "per second", "persecond")
_FINAL = ("logprob", "api key", "not supported", "does not exist")  # in an error without a number
_MESSAGES = ("error", "errors", "message", "msg", "detail", "error_description", "raw", "metadata")
_PIECE = 4  # endpoints mask the middle of a key, and print its ends
_LONGEST = 300


class PassingError(Exception):
    """An answer cannot be used, but the next attempt may succeed. The message describes the answer."""


@dataclass(frozen=True)
class Refusal:
    """A response without an answer.

    Attributes:
        status: of HTTP, or the number in the body that stands for it; None if neither says.
        said: the endpoint's words on one line, shortened and without the key.
        body: the whole body in lower case.
        wait: whether a header says when to try again.
    """

    status: int | None
    said: str
    body: str
    wait: bool = False

    @property
    def filtered(self) -> bool:
        """Whether a filter of the endpoint refused the prompt."""
        return any(word in self.body for word in _FILTERED)

    @property
    def used_up(self) -> bool:
        """Whether a quota or a credit is used up, so that no waiting of minutes helps."""
        if self.status == 402 or any(word in self.body for word in _USED_UP):
            return True
        if self.status not in (None, 403, 429):  # others may quote the prompt
            return False
        told_to_wait = self.wait or any(word in self.body for word in _WAIT)
        words = _USED_UP_WORDS if told_to_wait else _USED_UP_WORDS + _PERHAPS_USED_UP
        return any(word in self.body for word in words)


def read_refusal(body: bytes | object, key: str, status: int | None = None, wait: bool = False) -> Refusal:
    """Read a response without an answer. Many forms are known.

    Args:
        body: bytes of the body, or the part of it that is the error, as JSON holds it.
        key: of the endpoint; no part of it is quoted.
        status: of HTTP; None: that in the body counts, because the status of HTTP was 200.
        wait: whether a header says when to try again.
    """
    raw = body.decode(errors="replace") if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False)
    if isinstance(body, bytes):
        body = _parse(raw)
    if status is None:
        status = _find_status(body)
    return Refusal(status, quote(_find_words(body) or _strip_tags(raw), key), raw.lower(), wait)


def explain_refusal(refusal: Refusal, request: Request, endpoint: Endpoint) -> str:
    """Decide what to do about a refusal.

    Returns:
        The reason why the prompt remains unanswered.

    Raises:
        PassingError: another attempt may succeed.
        InputError: no attempt can succeed, so the job must stop.
    """
    if refusal.filtered:
        return "content_filter"
    if refusal.used_up:
        remedy = "Raise the quota or the credit, then run again: what was answered is kept"
        raise InputError(endpoint.url, f"the quota is used up ({_describe(refusal)})", remedy)
    status, words = refusal.status, refusal.said.lower()
    passing = status in _PASSING or status >= 500 if status else not any(word in words for word in _FINAL)
    if passing:
        raise PassingError(_describe(refusal))
    raise _refuse(refusal, request, endpoint)


def _refuse(refusal: Refusal, request: Request, endpoint: Endpoint) -> InputError:
    """The error for a permanent refusal."""
    words, described = refusal.said.lower(), _describe(refusal)
    if refusal.status in (401, 403) or "api key" in words or "api_key_invalid" in refusal.body:
        if not endpoint.key_env:
            problem = f"the endpoint wants a key, and none was given ({described})"
            remedy = "Put the key into a variable of the environment, and write the name of the variable as key_env"
            return InputError(endpoint.url, problem, remedy)
        problem = f'the endpoint refused the key (status {refusal.status}): "{refusal.said}"'
        return InputError(endpoint.url, problem, f"Check the variable {endpoint.key_env}")
    if any(word in words for word in ("logprob", "echo", "top_n_tokens")) and endpoint.readout != "samples":
        remedy = (
            "Set readout: samples for this model, or a smaller top_logprobs. docs/endpoints.md lists what servers give"
        )
        return InputError(endpoint.url, f"the endpoint does not give these log-probabilities ({described})", remedy)
    if refusal.status == 404:
        remedy = f"Check url and model, and that the endpoint has the route {request.route}"
        return InputError(endpoint.url, f"the endpoint does not know this address or model ({described})", remedy)
    if any(word in words for word in ("reasoning", "thinking")):
        remedy = "Change reasoning_effort (or the like) in extra to a value that this model accepts"
    else:
        remedy = "Change the settings of this model, or the prompt"
    problem = f"{endpoint.url} refused the request ({described})"
    return InputError(f"prompt {request.prompt}", problem, f"{remedy}, then run again: what was answered is kept")


def _describe(refusal: Refusal) -> str:
    status = "an error" if refusal.status is None else f"status {refusal.status}"
    return f'{status}: "{refusal.said}"' if refusal.said else status


def quote(text: str, key: str) -> str:
    """An endpoint's words on one line: shortened, and without words that share a piece with the key."""
    pieces = {key[start : start + _PIECE] for start in range(max(1, len(key) - _PIECE + 1))} if key else set()
    words = ("".join(letter if letter.isprintable() else "\ufffd" for letter in word) for word in text.split())
    safe = " ".join("***" if any(piece in word for piece in pieces) else word for word in words)
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"


def _parse(raw: str) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _find_status(body: object) -> int | None:
    """The number that stands for a status in an error, such as OpenRouter's `code`."""
    if isinstance(body, list):
        return _find_status(body[0]) if body else None
    if not isinstance(body, dict):
        return None
    for name in ("code", "status", "status_code"):
        found = str(body.get(name))
        if re.fullmatch(r"[45]\d\d", found):
            return int(found)
    return _find_status(body.get("error"))


def _find_words(body: object) -> str:
    """The sentences in an error, which may be text, an object, or an array."""
    if isinstance(body, str):
        nested = _parse(body)  # a provider's own error, passed on as text
        return (isinstance(nested, dict | list) and _find_words(nested)) or body
    if isinstance(body, list):
        parts = [_find_words(part) for part in body[:3]]
    elif isinstance(body, dict):
        parts = [_find_words(body[name]) for name in _MESSAGES if name in body]
    else:
        return ""
    return ": ".join(dict.fromkeys(part for part in parts if part))


def _strip_tags(raw: str) -> str:
    """A page as text; JSON without a message stays as it is."""
    if "<" not in raw:
        return raw
    hidden = re.sub(r"<(script|style|head)\b.*?</\1>", " ", raw, flags=re.DOTALL | re.IGNORECASE)
    return html.unescape(re.sub(r"<[^>]*>", " ", hidden)).strip() or raw
