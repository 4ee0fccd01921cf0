"""The network: requests to an OpenAI-compatible endpoint, several at once, paced, counted and tried again.

The `openai` client tries again by itself after lost connections, timeouts, 408, 409, 429 and 5xx: with exponential
backoff and jitter, or when the endpoint says (Retry-After). Two hooks add what it lacks: before each attempt, rates and
budget; after it, a look whether the answer is whole, so that one that is cut short is tried again as well.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError

from selfalign.errors import InputError
from selfalign.inference.questions import Endpoint, Request

Answer = dict[str, Any]
"""Body of an endpoint's answer, or {"withheld": reason} of a request that it refused to answer."""

_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
_FOR_LATER = (408, 409, 429)


class _OutOfBudgetError(OpenAIError):
    """Raised in a hook; the client passes its own errors on without trying again."""


class Gate:
    """Lets one attempt after the other through: as fast as the rates allow, as long as the budget lasts.

    Args:
        endpoint: has the rates and the budget.
        requests: number made before.
        tokens: number used before.
    """

    def __init__(self, endpoint: Endpoint, requests: int, tokens: int) -> None:
        self.requests, self.tokens, self.refused = requests, tokens, False
        self._endpoint = endpoint
        self._free = {"requests": 0.0, "tokens": 0.0}  # when the next attempt may start, by what limits it

    def spent(self) -> str | None:
        """The part of the budget that is used up, in words; None while it lasts."""
        for name, used in (("max_requests", self.requests), ("max_tokens", self.tokens)):
            limit = getattr(self._endpoint, name)
            if limit is not None and used >= limit:
                return f"the budget of {name}: {limit} is used up"
        return None

    async def enter(self, _: httpx2.Request) -> None:
        """Wait for a place within the rates.

        Raises:
            _OutOfBudgetError: the budget is used up.
        """
        if self.spent():
            self.refused = True
            raise _OutOfBudgetError
        self.requests += 1
        start = max(time.monotonic(), *self._free.values())
        self._push("requests", 1, start)
        await asyncio.sleep(start - time.monotonic())

    def count(self, tokens: int) -> None:
        """Note the tokens that an answer took: the next attempts wait for them."""
        self.tokens += tokens
        self._push("tokens", tokens, max(time.monotonic(), self._free["tokens"]))

    def _push(self, what: str, amount: float, start: float) -> None:
        rate = getattr(self._endpoint, f"{what}_per_minute")
        if rate is not None:
            self._free[what] = start + amount * 60 / rate


def read_key(endpoint: Endpoint) -> str:
    """The key of an endpoint, from the environment; a word in its place where it needs none.

    Raises:
        InputError: the variable is not set.
    """
    if not endpoint.key_env:
        return "none"  # the client wants one, and would take OPENAI_API_KEY for an endpoint of any other host
    key = os.environ.get(endpoint.key_env, "").strip()
    if not key:
        raise InputError(endpoint.url, f"the variable {endpoint.key_env} is not set", "Put the endpoint's key into it")
    return key


def ask(
    requests: Iterable[Request], endpoint: Endpoint, gate: Gate, take: Callable[[Request, Answer], None]
) -> list[str]:
    """Send requests, some at once, and hand over each answer as soon as it is there.

    Args:
        requests: to send; in this order, but answers come in any.
        endpoint: where to.
        gate: holds rates and budget.
        take: gets each answer; the next request of this place waits for it.

    Returns:
        What became of requests that failed for good, one entry each; no more than `max_failed`.

    Raises:
        InputError: the endpoint refuses the key, the model or a request; more requests failed than may; or the budget
            is used up. All answers that came were handed over.
    """
    return asyncio.run(_ask(iter(requests), endpoint, gate, take))


async def _ask(
    requests: Iterator[Request], endpoint: Endpoint, gate: Gate, take: Callable[[Request, Answer], None]
) -> list[str]:
    key = read_key(endpoint)
    failures: list[str] = []

    async def work() -> None:
        for request in requests:  # one iterator for all: each takes what is next
            try:
                take(request, await _send(client, request))
            except _OutOfBudgetError:
                return  # those on their way still arrive
            except APIConnectionError as error:
                failures.append(_why(error))
            except APIStatusError as error:
                _raise_unless_passing(error, request, endpoint, key)
                failures.append(f"status {error.status_code}")
            if len(failures) > endpoint.max_failed:
                return

    async with _open_client(endpoint, gate, key) as client:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(endpoint.concurrency):
                    group.create_task(work())
        except ExceptionGroup as group:
            for error in group.exceptions:
                if isinstance(error, InputError):
                    raise error from None
            raise
    if len(failures) > endpoint.max_failed:
        raise _too_many(failures, endpoint)
    if gate.refused:
        raise InputError(endpoint.url, gate.spent(), "Set a larger one and run again: what was answered is kept")
    return failures


def _open_client(endpoint: Endpoint, gate: Gate, key: str) -> AsyncOpenAI:
    hooks = {"request": [gate.enter], "response": [_check_whole]}
    web = DefaultAsyncHttpxClient(event_hooks=hooks, timeout=endpoint.timeout)
    settings = {"max_retries": endpoint.retries, "timeout": endpoint.timeout, "http_client": web}
    return AsyncOpenAI(api_key=key, base_url=endpoint.url, **settings)


async def _send(client: AsyncOpenAI, request: Request) -> Answer:
    try:
        response = await client.post(request.route, cast_to=httpx2.Response, body=request.body)
    except APIStatusError as error:
        if any(word in str(error.body) for word in _FILTERED):
            return {"withheld": "content_filter"}
        raise
    return response.json()


async def _check_whole(response: httpx2.Response) -> None:
    """Raise what the client tries again after, unless an answer is JSON with a choice in it."""
    if not response.is_success:
        return
    try:
        choices = json.loads(await response.aread()).get("choices")
    except (ValueError, AttributeError):
        raise httpx2.RemoteProtocolError("the answer was cut short, or no JSON", request=response.request) from None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise httpx2.RemoteProtocolError("the answer was empty", request=response.request)


def _why(error: APIConnectionError) -> str:
    cause = error.__cause__
    told = f"{type(cause).__name__}: {cause}".strip(": ") if cause else str(error)
    return " ".join(told.split())


def _raise_unless_passing(error: APIStatusError, request: Request, endpoint: Endpoint, key: str) -> None:
    """Raise InputError for a refusal that no waiting would change."""
    status, said = error.status_code, " ".join(str(error.message).replace(key, "***").split())[:300]
    if status in _FOR_LATER or status >= 500:
        return
    if status in (401, 403):  # what it says may hold the key, or a part of it
        variable = f"the variable {endpoint.key_env}" if endpoint.key_env else "key_env, which names a variable"
        raise InputError(endpoint.url, f"the endpoint refused the key (status {status})", f"Check {variable}") from None
    if status == 404:
        remedy = f"Check url and model, and that it has the route {request.route}"
        raise InputError(endpoint.url, f'the endpoint does not know this address or model ("{said}")', remedy) from None
    if any(word in said.lower() for word in ("logprob", "echo")) and endpoint.readout != "samples":
        remedy = "Set readout: samples for this model; docs/endpoints.md tells which servers give what"
        raise InputError(endpoint.url, f'the endpoint gives no such log-probabilities ("{said}")', remedy) from None
    raise InputError(
        f"prompt {request.prompt}",
        f'{endpoint.url} refused the request (status {status}: "{said}")',
        "Change the settings of this model, or the prompt, then run again: what was answered is kept",
    ) from None


def _too_many(failures: list[str], endpoint: Endpoint) -> InputError:
    kinds = ", ".join(f"{count} x {kind}" for kind, count in Counter(failures).most_common(3))
    return InputError(
        endpoint.url,
        f"{len(failures)} requests failed, each {endpoint.retries + 1} times ({kinds})",
        "Run again when the endpoint is well: what was answered is kept. max_failed says how many may stay unanswered",
    )
