"""An OpenAI-compatible endpoint in miniature, on loopback, which also fails in all the ways that endpoints do."""

import hashlib
import json
import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("429", "500", "503", "hang", "cut", "drop", "short", "empty", "no choices")
"""What may go wrong before an answer arrives, and passes."""


_HALF = b'{"choices": [{"message": {"role": "assistant", "content": "A"}, "finish_reason": "st'


@dataclass
class Endpoint:
    """What an endpoint knows and does, and what was asked of it.

    Attributes:
        key: that it asks for, if any.
        model: that it serves.
        faults: that the first attempts of each request meet, one after the other; each request starts elsewhere.
        each: number of attempts that meet a fault, of each request.
        filtered: a word; prompts that hold it are not answered.
        logprobs: whether it gives log-probabilities.
        usage: whether it counts tokens.
        hang: seconds after which it answers nothing at all.
        delay: seconds that an answer takes, at most: it depends on the request, so that answers come out of order.
        says: gives the status and the body (bytes, or an object of JSON) for a request, and may add headers; None
            in place of them: the usual answer.
        attempts: number of attempts, by content of the request.
        answered: number of whole answers sent, by content of the request.
        outcomes: number of attempts, by outcome: a fault, or "answer".
        waits: seconds between an attempt that was told to wait and the next.
        most: largest number of requests at once.
        started: when each attempt came in.
        headers: of each attempt, as text.
    """

    key: str = ""
    model: str = "mini"
    faults: tuple[str, ...] = ()
    each: int = 2
    filtered: str = ""
    logprobs: bool = True
    usage: bool = True
    hang: float = 1.0
    delay: float = 0.0
    says: Callable[[dict, int], tuple | None] = lambda body, attempt: None
    attempts: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    most: int = 0
    started: list[float] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    url: str = ""
    _busy: int = 0
    _told: dict[str, float] = field(default_factory=dict)
    _drawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64  # the default of 5 delays some of many connections by a second


@contextmanager
def serving(endpoint: Endpoint, port: int = 0) -> Iterator[Endpoint]:
    """Serve an endpoint on a port of the loopback interface (a free one) while the context lasts."""
    handler = type("Handler", (_Handler,), {"endpoint": endpoint})
    with _Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield endpoint
        finally:  # a thread that still serves would take the connections of the next test's server
            server.shutdown()
            thread.join()


def name_of(body: object) -> str:
    """A request's name, which its content decides."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _number(*parts: object) -> float:
    """A number from 0 to 1 that these parts decide."""
    return int(name_of(parts)[:8], 16) / 0x100000000


class _Handler(BaseHTTPRequestHandler):
    endpoint: Endpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:  # noqa: N802
        state = self.endpoint
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = name_of(body)
        with state._lock:
            state.started.append(time.monotonic())
            state.headers.append(str(self.headers))
            state._busy += 1
            state.most = max(state.most, state._busy)
            attempt = state.attempts[name]
            state.attempts[name] += 1
            if name in state._told:
                state.waits.append(time.monotonic() - state._told.pop(name))
        try:
            time.sleep(state.delay * _number(name, "delay"))
            self._answer(name, attempt, body)
        finally:
            with state._lock:
                state._busy -= 1

    def _answer(self, name: str, attempt: int, body: dict) -> None:
        state = self.endpoint
        if state.key and self.headers["Authorization"] != f"Bearer {state.key}":
            self._refuse(401, f"Incorrect API key provided: {self.headers['Authorization'][7:]}.")
        elif body["model"] != state.model:
            self._refuse(404, f"The model `{body['model']}` does not exist.")
        elif not state.logprobs and ("logprobs" in body or "prompt_logprobs" in body):
            self._refuse(400, 'Invalid JSON payload received. Unknown name "logprobs": Cannot find field.')
        elif state.filtered and state.filtered in json.dumps(body, ensure_ascii=False):
            self._refuse(400, "The response was filtered.", code="content_filter")
        elif said := state.says(body, attempt):
            status, content, *headers = said
            with state._lock:
                state.outcomes["said"] += 1
            self._send(content if isinstance(content, bytes) else json.dumps(content).encode(), status, *headers)
        elif state.faults and attempt < state.each:
            first = list(state.attempts).index(name)  # in the order in which they came
            self._fail(name, state.faults[(first + attempt) % len(state.faults)])
        else:
            with state._lock:
                state.outcomes["answer"] += 1
                state.answered[name] += 1
            self._send(self._content(name, body))

    def _fail(self, name: str, fault: str) -> None:
        with self.endpoint._lock:
            self.endpoint.outcomes[fault] += 1
        if fault == "429":
            with self.endpoint._lock:
                self.endpoint._told[name] = time.monotonic()
            self._refuse(429, "Rate limit reached.", headers={"Retry-After": "0.3"})
        elif fault in ("500", "503"):
            self._refuse(int(fault), "The server had an error.")
        elif fault == "hang":
            time.sleep(self.endpoint.hang)
            self.close_connection = True
        elif fault == "drop":
            self.close_connection = True
        elif fault == "cut":  # well-formed HTTP around half of the JSON
            self._send(_HALF)
        elif fault == "short":  # half of the bytes that were promised
            self._send(_HALF, headers={"Content-Length": str(2 * len(_HALF))})
            self.close_connection = True
        elif fault == "empty":
            self._send(b"")
        elif fault == "no choices":
            self._send(json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}}).encode())

    def _content(self, name: str, body: dict) -> bytes:
        asked = json.dumps(body.get("messages") or body.get("prompt"), ensure_ascii=False)
        usage = {"prompt_tokens": len(asked.split()), "completion_tokens": 1}
        usage["total_tokens"] = sum(usage.values())
        choices = [self._choice(name, body) | {"index": place} for place in range(body.get("n", 1))]
        return json.dumps({"choices": choices} | ({"usage": usage} if self.endpoint.usage else {})).encode()

    def _choice(self, name: str, body: dict) -> dict:
        if "logprobs" in body and "messages" in body:
            top = [{"token": token, "logprob": log_p} for token, log_p in top_of(name, body["top_logprobs"])]
            return {
                "message": {"role": "assistant", "content": top[0]["token"]},
                "finish_reason": "length",
                "logprobs": {"content": [top[0] | {"top_logprobs": top}]},
            }
        with self.endpoint._lock:
            draw = self.endpoint._drawn[name]
            self.endpoint._drawn[name] += 1
        return {
            "message": {"role": "assistant", "content": REPLIES[int(_number(name, draw) * len(REPLIES))]},
            "finish_reason": "stop",
        }

    def _refuse(self, status: int, message: str, code: str | None = None, headers: dict | None = None) -> None:
        error = {"error": {"message": message, "code": code, "type": "error"}}
        self._send(json.dumps(error).encode(), status, headers)

    def _send(self, content: bytes, status: int = 200, headers: dict | None = None) -> None:
        self.send_response(status)
        sent = {"Content-Length": str(len(content)), "Content-Type": "application/json"} | (headers or {})
        for header in sent.items():
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(content)


REPLIES = ("A", "B", " a.", "B!", "A", "Neither.", "A, since I care")
"""What it replies when it draws."""


def top_of(name: str, count: int) -> list[tuple[str, float]]:
    """The likeliest first tokens of an answer to a request: A, B and others, with their log-probabilities."""
    weights = {token: 0.01 + _number(name, token) for token in ("A", "B", " A", "a", "The")}
    total = sum(weights.values()) * 1.1
    top = sorted(((token, math.log(weight / total)) for token, weight in weights.items()), key=lambda pair: -pair[1])
    return top[:count]
