"""The requests for each prompt to an endpoint. This module does not use the network."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.messages import Prompt, messages_of, plain_text, without_system

_CHAT, _TEXT = "/chat/completions", "/completions"


@dataclass(frozen=True)
class Request:
    """One request: the prompt that it is for, where it goes and what it holds.

    Attributes:
        prompt: id of the prompt.
        route: path below the endpoint's address.
        body: what is sent, as JSON would hold it.
        draws: the samples that it asks for. They distinguish requests with the same body.
        answer: of a readout by echo, the label or option in it; None: none.
        check: whether it checks the endpoint's template. All tokens of an echo are then kept.
    """

    prompt: str
    route: str
    body: dict[str, Any]
    draws: str = ""
    answer: str | None = None
    check: bool = False

    @property
    def key(self) -> str:
        """Hash of all that is sent, and of its draws: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps([self.route, self.body, self.draws], sort_keys=True).encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """What the model is given: bare text, or messages as JSON."""
        return self.body.get("prompt") or json.dumps(self.body["messages"], ensure_ascii=False)


def requests_of(prompt: Prompt, endpoint: Endpoint, form: str) -> list[Request]:
    """The requests that answer a prompt. Empty if the readout skips the prompt.

    The readouts `logprobs` and `samples` skip premises, `logprobs` also prompts that show no labels.

    Args:
        prompt: a row of a `Prompts` table, as a named tuple.
        form: `chat` or `plain`.
    """
    if endpoint.readout == "echo":
        return [_given(prompt, endpoint, form, *answer) for answer in [(None, False), *answers_of(prompt)]]
    if not prompt.premise:
        return []
    if endpoint.readout == "logprobs":
        return [_first_token(prompt, endpoint, form)] if json.loads(prompt.labels) else []
    starts = range(0, endpoint.samples, endpoint.samples_per_request)
    return [_draw(prompt, endpoint, form, start) for start in starts]


def rest_of(request: Request, came: int, endpoint: Endpoint) -> Request | None:
    """The request for the replies that are missing in an answer; None if all came.

    Args:
        request: the answered request, with readout `samples`.
        came: number of replies in the answer.
    """
    start, wanted = (int(number) for number in request.draws.split("+"))
    if came >= wanted:
        return None
    body = request.body | ({"seed": request.body["seed"] + came} if "seed" in request.body else {})
    if wanted - came > 1:
        body["n"] = wanted - came
    elif "n" not in endpoint.extra:
        body.pop("n", None)
    return replace(request, body=body | endpoint.extra, draws=f"{start + came}+{wanted - came}")


def answers_of(prompt: Prompt) -> list[tuple[str, bool]]:
    """Labels and options of a prompt, and whether each is closed: an option ends there, a label is a beginning."""
    labels, options = json.loads(prompt.labels), json.loads(prompt.options)
    return [*((label, False) for label in labels), *((option, True) for option in options)]


def _first_token(prompt: Prompt, endpoint: Endpoint, form: str) -> Request:
    # At temperature 0 the drawn token is the likeliest, so it does not replace another token of the list.
    if form == "chat":
        asked = {"logprobs": True, "top_logprobs": endpoint.top_logprobs}
    else:
        asked = {"logprobs": endpoint.top_logprobs}
    return _request(prompt, endpoint, form, {"temperature": 0, endpoint.limit_name: 1} | asked)


def _draw(prompt: Prompt, endpoint: Endpoint, form: str, start: int) -> Request:
    count = min(endpoint.samples_per_request, endpoint.samples - start)
    asked: dict[str, Any] = {"temperature": endpoint.temperature, endpoint.limit_name: endpoint.reply_tokens}
    asked |= {"n": count} if count > 1 else {}  # not every endpoint knows this setting
    asked |= {"seed": endpoint.seed + start} if endpoint.seed is not None else {}
    asked |= {"stop": ["\n"]} if form == "plain" else {}
    return _request(prompt, endpoint, form, asked, draws=f"{start}+{count}")


def _given(prompt: Prompt, endpoint: Endpoint, form: str, answer: str | None, closed: bool) -> Request:
    """A prompt with an answer after it. The endpoint returns the log-probability of each token."""
    asked: dict[str, Any] = {"temperature": 0, endpoint.limit_name: 1}
    if form == "plain":
        text = plain_text(prompt, answer, closed)
        return _request(prompt, endpoint, form, asked | {"prompt": text, "echo": True, "logprobs": 1}, answer=answer)
    asked |= {"prompt_logprobs": 0}
    if answer is not None:
        messages = [*_messages(prompt, endpoint), {"role": "assistant", "content": answer}]
        asked |= {"messages": messages, "add_generation_prompt": False, "continue_final_message": not closed}
    return _request(prompt, endpoint, form, asked, answer=answer)


def _request(prompt: Prompt, endpoint: Endpoint, form: str, asked: dict[str, Any], **more: Any) -> Request:
    given = {"messages": _messages(prompt, endpoint)} if form == "chat" else {"prompt": plain_text(prompt)}
    body = {"model": endpoint.model} | given | asked | endpoint.extra
    return Request(prompt.prompt, _CHAT if form == "chat" else _TEXT, body, **more)


def _messages(prompt: Prompt, endpoint: Endpoint) -> list[dict[str, str]]:
    messages = messages_of(prompt)
    return messages if endpoint.instruction == "system" else without_system(messages)
