"""Bodies of an endpoint's answers: each becomes an entry of the ledger, or an error that says why not.

Every recorded answer is checked here, so that later steps can rely on it. This module does not use the network.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from selfalign.errors import InputError
from selfalign.inference.endpoint.refusals import PassingError, explain_refusal, quote, read_refusal
from selfalign.inference.endpoint.requests import Request
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.ledger.rows import Entry

LEAST_LOG_P = -745.0
"""A log-probability below it is a probability of 0. Servers write numbers such as -9999 for omitted tokens."""

_ROUNDING = 1e-4  # a smaller number above 0 is a log-probability of 0 that the server rounded
_ENDS = {
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "complete": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "safety": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
}
"""Other words for how a reply ended."""

_INSTEAD = ("reasoning_content", "reasoning", "tool_calls", "function_call")
"""Parts of a message that are no reply. Some servers send an empty text with them, and others none."""

_OTHER_ANSWERS = ("candidates", "content", "output", "message")
"""Where Gemini, Anthropic, OpenAI's responses and Ollama have their answers in their own interfaces."""


def read_answer(content: bytes, request: Request, endpoint: Endpoint, key: str) -> Entry:
    """Read the body of an answer with status 200, for the ledger.

    Args:
        request: the answered request.
        key: of the endpoint. No message may contain it.

    Raises:
        PassingError: the answer is incomplete or impossible. Another attempt may succeed.
        InputError: it is a permanent error or the answer of another interface, or the log-probabilities are missing.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        if content.startswith(b"data:") and b'"error"' not in content:
            remedy = "Set extra: {stream: false} for this model, or turn streaming off at the server"
            raise InputError(endpoint.url, "the endpoint sends its answer in pieces (a stream)", remedy) from None
        said = read_refusal(content, key).said
        raise PassingError(f'the answer was cut short, or no JSON ("{said}")' if said else "no body") from None
    if keys := _find_other_interface(body):
        problem = f"the answer has the keys {', '.join(keys)} and no choices, so this is another interface"
        remedy = "Give the url of the OpenAI-compatible interface. It often ends with /v1"
        raise InputError(endpoint.url, problem, remedy)
    error = _find_error(body)
    if error is not None:
        return withheld(request, explain_refusal(read_refusal(error, key), request, endpoint))
    try:
        return entry_of(request, body, endpoint)
    except PassingError as wrong:
        raise PassingError(quote(str(wrong), key)) from None


def entry_of(request: Request, body: Mapping[str, Any], endpoint: Endpoint) -> Entry:
    """Entry of an answer that has at least one choice without an error.

    Raises:
        PassingError: a value is impossible.
        InputError: the log-probabilities are missing.
    """
    choices = [choice for choice in body["choices"] if not _has_failed(choice)]
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    tokens = [_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))]
    kept = {"samples": _keep_replies, "logprobs": _keep_top, "echo": _keep_tail}[endpoint.readout]
    return Entry(request.key, request.prompt, request.text, tokens[0], kept(request, body, choices) | {"usage": tokens})


def withheld(request: Request, reason: str) -> Entry:
    """Entry of a request that the endpoint refused to answer."""
    return Entry(request.key, request.prompt, request.text, 0, {"withheld": reason, "usage": [0, 0]})


def is_sound(scores: object, readout: str) -> bool:
    """Whether a ledger's entry could have been recorded by this version; earlier ones recorded without checks."""
    if not isinstance(scores, dict) or tokens_of(scores) is None:
        return False
    if "withheld" in scores:
        return isinstance(scores["withheld"], str)
    try:
        return {"samples": _are_replies, "logprobs": _is_top, "echo": _is_tail}[readout](scores)
    except (KeyError, TypeError, ValueError):
        return False


def tokens_of(scores: object) -> int | None:
    """Number of tokens that an entry was charged for; None if the entry does not say."""
    usage = scores.get("usage") if isinstance(scores, dict) else None
    if not isinstance(usage, list) or len(usage) != 2:
        return None
    return sum(usage) if all(_count(one) == one for one in usage) else None


def _find_other_interface(body: object) -> list[str]:
    """The keys of an answer of another interface than OpenAI's chat completions; empty if it is none."""
    if not isinstance(body, dict) or "choices" in body or body.get("error"):
        return []
    found = [name for name in _OTHER_ANSWERS if isinstance(body.get(name), list | dict)]
    return sorted(body)[:10] if found else []


def _find_error(body: object) -> object:
    """The part of an answer that is an error; None if there is a choice that can be read."""
    if not isinstance(body, dict) or body.get("error"):
        return "null" if body is None else body
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        return {name: value for name, value in body.items() if name != "usage"} or "an empty object"
    if all(map(_has_failed, choices)):
        return "an empty choice" if choices[0] is None else choices[0]
    return None


def _has_failed(choice: object) -> bool:
    return not isinstance(choice, dict) or bool(choice.get("error")) or _end(choice) == "error"


def _keep_replies(request: Request, body: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The replies that were drawn, and how each ended; None in place of one that was withheld."""
    return {"replies": [[_read_reply(choice), _end(choice)] for choice in choices]}


def _read_reply(choice: Mapping[str, Any]) -> str | None:
    message, end = choice.get("message"), _end(choice)
    if not isinstance(message, dict):
        if "text" not in choice:
            raise PassingError(f"a choice has neither a message nor a text: {choice!r}")
        return None if end == "content_filter" else _read_text(choice["text"])
    text = _read_text(message.get("content"))
    # A reply that was cut off without any text used all its tokens for thoughts.
    unsaid = not text and (end != "stop" or any(message.get(name) for name in _INSTEAD))
    return None if end == "content_filter" or message.get("refusal") or unsaid else text


def _read_text(content: object) -> str | None:
    """The words of a reply, which may have several parts. Thoughts, calls of tools and pictures do not count."""
    if content is None:
        return None
    said = []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict):
            kind = part.get("type", "text")
            if kind == "refusal":
                return None
            if kind not in ("text", "output_text") or part.get("thought") is True:
                continue
            part = part.get("text")
            part = part.get("value") if isinstance(part, dict) else part
        if not isinstance(part, str):
            raise PassingError(f"the content of a reply is neither text nor a list of parts: {content!r}")
        said.append(part)
    return _whole("".join(said)) if said else None


def _keep_top(request: Request, body: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The likeliest first tokens, each with its log-probability, and those that the endpoint masked."""
    choice = choices[0]
    message = _part(choice, "message")
    if _end(choice) == "content_filter" or message.get("refusal"):
        return {"withheld": "content_filter" if _end(choice) == "content_filter" else "refusal"}
    listed = _list_top(choice.get("logprobs"))
    if not listed:
        if _end(choice) == "stop" and not (message.get("content") or choice.get("text")):
            return {"withheld": "empty"}  # the model ended its turn at once
        raise _no_logprobs(request)
    read = [(_read_token(token, request), _read_log_p(log_p)) for token, log_p in listed]
    generated = _find_generated(choice.get("logprobs"))
    # LMDeploy leaves the generated token out of its list. At temperature 0 it is the likeliest one.
    if generated and (said := _read_token(generated, request)) not in [token for token, _ in read]:
        read.append((said, _read_log_p(generated.get("logprob"))))
    known = [(token, log_p) for token, log_p in read if log_p is not None]
    top = [list(pair) for pair in sorted(known, key=lambda pair: (-pair[1], pair[0]))]
    masked = sorted(token for token, log_p in read if log_p is None)
    if not top:
        raise PassingError(f"no token of the list has a log-probability: {listed!r}")
    return {"top": top} | ({"masked": masked} if masked else {})


def _list_top(logprobs: object) -> list[tuple[object, object]]:
    """Tokens and log-probabilities of the first position, in any of the forms that servers use; empty if there are
    none."""
    if not isinstance(logprobs, dict):
        return []
    position = logprobs.get("content") or logprobs.get("top_logprobs")
    position = position[0] if isinstance(position, list) and position else None
    if isinstance(position, dict) and "top_logprobs" in position:
        position = position["top_logprobs"]
    elif logprobs.get("content"):
        return []
    if isinstance(position, dict):
        return list(position.items())
    if isinstance(position, list) and all(isinstance(one, dict) for one in position):
        return [(one, one.get("logprob")) for one in position]
    return []


def _find_generated(logprobs: object) -> dict[str, Any]:
    """The first generated token with its log-probability; empty if an answer has it only in its list."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    return first if isinstance(first, dict) and first.get("token") else {}


def _read_token(token: object, request: Request) -> str:
    """Text of a token, from its bytes if the text is missing or incomplete."""
    text, given = (token.get("token"), token.get("bytes")) if isinstance(token, dict) else (token, None)
    numbered = isinstance(text, str) and re.fullmatch(r"token_id:\d+", text)
    if isinstance(text, str) and re.fullmatch(r"bytes:(\\x[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text[len("bytes:") :].replace("\\x", "")).decode(errors="replace")
    if isinstance(given, list) and (not text or numbered or _whole(str(text)) != text):
        try:
            return bytes(given).decode(errors="replace")
        except (TypeError, ValueError):
            raise PassingError(f"a token has bytes that cannot be: {given!r}") from None
    if numbered:
        problem = f"the endpoint gives numbers instead of the texts of tokens ({text})"
        raise InputError(f"prompt {request.prompt}", problem, "Turn that off at the server or in extra")
    if not isinstance(text, str):
        raise PassingError(f"a token has no text: {token!r}")
    return _whole(text)


def _read_log_p(value: object) -> float | None:
    """A log-probability; None for a token that the server masked. JSON has no infinity: servers write null for it."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value > _ROUNDING:
        raise PassingError(f"a log-probability is {value!r}")
    return None if value < LEAST_LOG_P else min(0.0, float(value))


def _keep_tail(request: Request, body: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Number of tokens of a given text, and its last tokens with log-probabilities, including all of the answer."""
    given = _list_given(body, choices[0])
    if len(given) < 2:  # a server that ignores `echo` gives the generated token only
        raise _no_logprobs(request)
    # A token has at least one byte. The eight are for the tokens that end a turn.
    needed = len(request.answer.encode()) + 8 if request.answer is not None else 0
    last = len(given) if request.check else needed
    start = max(0, len(given) - last)
    tail = [[_read_token(token, request), _read_log_p(log_p)] for token, log_p in given[max(1, start) :] if last]
    return {"count": len(given), "tail": [[None, None], *tail] if last and start == 0 else tail}


def _list_given(body: Mapping[str, Any], choice: Mapping[str, Any]) -> list[tuple[object, object]]:
    """Text and log-probability of each token of the given text; the first token has none."""
    if "text" not in choice:
        positions = body.get("prompt_logprobs")
        tokens = [_first_value(position) for position in positions] if isinstance(positions, list) else []
        return [(token.get("decoded_token"), token.get("logprob")) for token in tokens]
    logprobs = _part(choice, "logprobs")
    texts, log_p = (logprobs.get(name) or [] for name in ("tokens", "token_logprobs"))
    if not isinstance(texts, list) or not isinstance(log_p, list):
        return []
    if len(texts) != len(log_p):
        raise PassingError(f"the answer has {len(texts)} tokens with {len(log_p)} log-probabilities")
    return list(zip(texts, log_p, strict=True))[:-1]  # the last is generated


def _part(choice: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a choice that has parts itself; empty if the choice has another value there."""
    part = choice.get(name)
    return part if isinstance(part, dict) else {}


def _first_value(position: object) -> dict[str, Any]:
    value = next(iter(position.values()), None) if isinstance(position, dict) else None
    return value if isinstance(value, dict) else {}


def _no_logprobs(request: Request) -> InputError:
    return InputError(
        f"prompt {request.prompt}",
        "the endpoint answered without the log-probabilities that were asked for",
        "Set readout: samples for this model; docs/endpoints.md lists what servers give",
    )


def _end(choice: Mapping[str, Any]) -> str | None:
    return _normal_end(choice.get("finish_reason"))


def _normal_end(said: object) -> str | None:
    """How a reply ended, in the words of OpenAI; Gemini adds a reason after a colon."""
    if not isinstance(said, str):
        return None
    word = said.lower().partition(":")[0].strip()
    return _ENDS.get(word, word)


def _whole(text: str) -> str:
    """Text with U+FFFD instead of half a surrogate pair, which cannot be written to a file."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(value: object) -> int:
    """A number of tokens; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _are_replies(scores: dict[str, Any]) -> bool:
    return bool(scores["replies"]) and all(
        (text is None or isinstance(text, str)) and end == _normal_end(end) for text, end in scores["replies"]
    )


def _is_top(scores: dict[str, Any]) -> bool:
    return bool(scores["top"]) and all(isinstance(token, str) and _is_log_p(log_p) for token, log_p in scores["top"])


def _is_tail(scores: dict[str, Any]) -> bool:
    """Whether these are tokens of a given text, of which only the first may lack its text."""
    sound = [isinstance(token, str) and (log_p is None or _is_log_p(log_p)) for token, log_p in scores["tail"]]
    whole = len(scores["tail"]) == scores["count"]
    return _count(scores["count"]) >= 2 and all(sound[1:] if whole else sound)


def _is_log_p(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and LEAST_LOG_P <= value <= 0
