"""Requests to an OpenAI-compatible endpoint: several at once, within rates and a budget, and repeated after failures.

The `openai` client tries again after lost connections, timeouts, 408, 409, 429 and 5xx. It waits with exponential
backoff and jitter, or as long as the endpoint says (Retry-After). Two hooks do the rest. Before each attempt, one hook
checks rates and budget. After each attempt, the other hook reads the answer. If the answer cannot be used, the client
tries again. If the refusal is permanent, the job stops at once.
"""

import asyncio
import os
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import cache, partial
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient, OpenAIError

from selfalign.errors import InputError
from selfalign.inference.endpoint.bodies import read_answer, withheld
from selfalign.inference.endpoint.refusals import PassingError, explain_refusal, quote, read_refusal
from selfalign.inference.endpoint.requests import Request
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.ledger.rows import Entry

_asked: ContextVar[Request] = ContextVar("asked")
"""The request that a task has sent; the hooks of the client are given only HTTP."""


class _OutOfBudgetError(OpenAIError):
    """Raised in a hook; the client passes its own errors on without trying again."""


class _FinalError(OpenAIError):
    """Carries an InputError through the client, which passes its own errors on without trying again."""

    def __init__(self, error: InputError) -> None:
        super().__init__(str(error))
        self.error = error


class Gate:
    """Starts attempts one after the other, as fast as the rates allow, until the budget is used up.

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
    """The key of an endpoint, from the environment. If the endpoint needs no key, the word `none`.

    Raises:
        InputError: the variable is not set, or its value cannot be a key.
    """
    if not endpoint.key_env:
        return "none"  # without one, the client would send OPENAI_API_KEY to this endpoint, whatever its host
    key = os.environ.get(endpoint.key_env, "").strip()
    if not key:
        raise InputError(endpoint.url, f"the variable {endpoint.key_env} is not set", "Put the endpoint's key into it")
    if not (key.isascii() and key.isprintable()):
        problem = (
            f"the variable {endpoint.key_env} has a line break, a curly quote or another character that no key can have"
        )
        raise InputError(endpoint.url, problem, "Copy the key again, and nothing else")
    return key


def ask(requests: deque[Request], endpoint: Endpoint, gate: Gate, take: Callable[[Request, Entry], None]) -> list[str]:
    """Send requests, several at once, and pass on each answer when it arrives.

    Args:
        requests: to send, in this order; answers come in any order. `take` may add to them.
        gate: has rates and budget.
        take: gets each answer, as an entry of the ledger; the next request of this place waits for it.

    Returns:
        The reason of each request that failed at all attempts; at most `max_failed` reasons.

    Raises:
        InputError: the endpoint refuses the key, the model or a request; its quota is used up; more requests failed
            than may; or the budget is used up. All answers that came were handed over.
    """
    return asyncio.run(_ask(requests, endpoint, gate, take))


async def _ask(
    requests: deque[Request], endpoint: Endpoint, gate: Gate, take: Callable[[Request, Entry], None]
) -> list[str]:
    key = read_key(endpoint)
    secret = key if endpoint.key_env else ""
    failures: list[str] = []

    async def work() -> None:
        while requests:
            request = requests.popleft()
            try:
                take(request, await _send(client, request, endpoint, secret))
            except _OutOfBudgetError:
                return  # those on their way still arrive
            except PassingError as error:
                failures.append(str(error))
            except APIConnectionError as error:
                failures.append(quote(_explain(error), secret))
            if len(failures) > endpoint.max_failed:
                return

    async with _open_client(endpoint, gate, key, secret) as client:
        await _run_each([work() for _ in range(endpoint.concurrency)])
    if len(failures) > endpoint.max_failed:
        raise _too_many(failures, endpoint)
    if gate.refused:
        problem = gate.spent() or "the budget is used up"
        raise InputError(endpoint.url, problem, "Set a larger one and run again: what was answered is kept")
    return failures


async def _run_each(tasks: list[Coroutine[Any, Any, None]]) -> None:
    """Run tasks until all have ended, or one fails. A user's mistake is raised alone, without its group."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except ExceptionGroup as errors:
        for error in errors.exceptions:
            if isinstance(error, InputError):
                raise error from None
        raise


@cache
def _read_certificates() -> ssl.SSLContext:
    """The certificates that the client trusts by default, read once for the checks and the questions."""
    return httpx2.create_ssl_context()


def _open_client(endpoint: Endpoint, gate: Gate, key: str, secret: str) -> AsyncOpenAI:
    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [gate.enter],
        "response": [partial(_check, endpoint, secret)],
    }
    web = DefaultAsyncHttpxClient(event_hooks=hooks, timeout=endpoint.timeout, verify=_read_certificates())
    client = AsyncOpenAI(
        api_key=key, base_url=endpoint.url, max_retries=endpoint.retries, timeout=endpoint.timeout, http_client=web
    )
    if not secret:  # otherwise the client would also send OPENAI_ORG_ID and OPENAI_PROJECT_ID to this endpoint
        client.organization = client.project = None
    return client


async def _send(client: AsyncOpenAI, request: Request, endpoint: Endpoint, secret: str) -> Entry:
    """Ask until there is an answer that can be recorded, and return it.

    Raises:
        PassingError, APIConnectionError: all attempts failed.
        InputError: no attempt would succeed.
    """
    _asked.set(request)
    try:
        response = await client.post(request.route, cast_to=httpx2.Response, body=request.body)
    except _FinalError as final:
        raise final.error from None
    except APIStatusError as error:
        return _read(error.response, error.response.content, request, endpoint, secret)
    return _read(response, response.content, request, endpoint, secret)


async def _check(endpoint: Endpoint, secret: str, response: httpx2.Response) -> None:
    """If an answer cannot be recorded, raise an error: one after which the client tries again, or a final one."""
    content = await response.aread()
    try:
        _read(response, content, _asked.get(), endpoint, secret)
    except PassingError as error:
        if response.is_success:  # the client knows the others by their status
            raise httpx2.RemoteProtocolError(str(error), request=response.request) from None
    except InputError as error:
        raise _FinalError(error) from None


def _read(response: httpx2.Response, content: bytes, request: Request, endpoint: Endpoint, secret: str) -> Entry:
    if response.is_success:
        return read_answer(content, request, endpoint, secret)
    wait = "retry-after" in response.headers
    refusal = read_refusal(content, secret, response.status_code, wait)
    return withheld(request, explain_refusal(refusal, request, endpoint))


def _explain(error: APIConnectionError) -> str:
    cause = error.__cause__
    if isinstance(cause, httpx2.RemoteProtocolError):
        return str(cause)
    return f"{type(cause).__name__}: {cause}".strip(": ") if cause else str(error)


def _too_many(failures: list[str], endpoint: Endpoint) -> InputError:
    kinds = ", ".join(f"{count} x {kind}" for kind, count in Counter(failures).most_common(3))
    problem = f"{len(failures)} requests failed, each {endpoint.retries + 1} times ({kinds})"
    if all(failure.startswith("ConnectError") for failure in failures):
        remedy = "Check url, that the server runs, and the network with its proxy. Then run again"
    else:
        remedy = "Run again when the endpoint is well"
    more = "what was answered is kept. max_failed says how many may stay unanswered"
    return InputError(endpoint.url, problem, f"{remedy}: {more}")
