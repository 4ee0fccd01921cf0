"""The requests for each prompt to an endpoint. This module does not use the network."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from selfalign.inference.messages import Prompt, messages_of, plain_text, without_system

VERSION = "1"
"""Part of the fingerprint of an answer: raise it when a change here changes what is asked or kept."""

_CHAT, _TEXT = "/chat/completions", "/completions"
_DECIDING = (
    "url",
    "model",
    "readout",
    "top_logprobs",
    "samples_per_request",
    "temperature",
    "reply_tokens",
    "seed",
    "limit_name",
    "instruction",
    "extra",
)
"""Settings that decide an answer. A new name here gives every answer another fingerprint, so ledgers lose theirs."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as the config describes it; config/models.md explains every key.

    Fields and defaults are those of `selfalign.config.sections.Endpoint`, without the price. A step does not import it,
    because its code would then depend on the whole config.
    """

    url: str
    model: str
    key_env: str | None = None
    readout: str = "logprobs"
    top_logprobs: int = 20
    samples: int = 20
    samples_per_request: int = 1
    temperature: float = 1.0
    reply_tokens: int = 32
    seed: int | None = None
    limit_name: str = "max_tokens"
    instruction: str = "system"
    extra: dict[str, Any] = field(default_factory=dict)
    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_requests: int | None = None
    max_tokens: int | None = None
    max_failed: int = 0
    timeout: float = 120
    retries: int = 8

    @property
    def greedy(self) -> bool:
        """Whether the answer is one greedy reply per prompt."""
        return gives_reply(asdict(self))

    def facts(self, form: str, shown: str = "turns") -> dict[str, object]:
        """Settings that decide an answer, except the prompt. Rates and the number of samples are not among them.

        Args:
            form: chat or plain.
            shown: where the demonstrations are in a chat.
        """
        settings = {name: getattr(self, name) for name in _DECIDING} | {"format": form, "version": VERSION}
        return settings if shown == "turns" else settings | {"shown": shown}


def without_price(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an endpoint without its price, which changes no answer."""
    return {name: value for name, value in settings.items() if name != "price"}


def gives_reply(settings: Mapping[str, Any]) -> bool:
    """Whether an endpoint with these settings gives one greedy reply per prompt."""
    return bool(settings["readout"] == "samples" and settings["samples"] == 1 and settings["temperature"] == 0)


@dataclass(frozen=True)
class Request:
    """One request: the prompt that it is for, where it goes and what it holds.

    Attributes:
        prompt: id of the prompt.
        route: path below the endpoint's address.
        body: what is sent, as JSON would hold it.
        draws: the samples that it asks for. They distinguish requests with the same body.
        answer: of a readout by echo, the label or option in it; None: none.
    """

    prompt: str
    route: str
    body: dict[str, Any]
    draws: str = ""
    answer: str | None = None

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
        endpoint: the endpoint.
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
        endpoint: the endpoint.
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
