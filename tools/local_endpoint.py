"""Serve an OpenAI-compatible endpoint on this machine, which answers by a rule, to rehearse a model behind an API.

    python tools/local_endpoint.py --port 8765 --model NAME

It has no language model. If the demonstrations gave one of the two options, it copies the more frequent of them.
Otherwise the statement decides. A tenth of its replies is the first option. A few are a refusal or an empty text.
One in 200 requests is refused once with the status 429, and the client must try again. Errors come as an array, as from
Gemini.

The key must be in the variable ENDPOINT_KEY, if the clients send one.
"""

import hashlib
import json
import os
import re
import signal
import threading
import time

import click
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

OPTIONS = re.compile(r"\((?P<first>[^()]+) / (?P<second>[^()]+)\)")
BUSY, COPIES, REFUSES = 200, 0.9, 0.03
"""One in so many requests is refused once; the part of replies that follow the rule; the part that refuse to choose."""


def number_of(*parts: object) -> float:
    """A number from 0 to 1 that these parts decide, on every machine."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0x100000000


def answer(messages: list[dict[str, str]]) -> str:
    """The reply to a chat.

    Args:
        messages: of the chat; the last asks, with two options in parentheses.
    """
    asked = messages[-1]["content"]
    found = list(OPTIONS.finditer(asked))
    if not found:
        return ""
    options = found[-1].groups()
    draw = number_of("reply", messages)
    if draw < REFUSES:
        return "" if draw < REFUSES / 3 else "I cannot choose."
    choice = options[0] if draw > COPIES else choose(asked[: found[-1].start()], options, messages)
    return f"{choice}." if number_of("form", messages) < 0.1 else choice


def choose(statement: str, options: tuple[str, str], messages: list[dict[str, str]]) -> str:
    """The option that the demonstrations gave more often; the statement decides between equals."""
    shown = [message["content"] for message in messages if message["role"] == "assistant"]
    first, second = (shown.count(option) for option in options)
    if first != second:
        return options[first < second]
    return sorted(options)[number_of("opinion", statement, sorted(options)) < 0.5]


def make_app(model: str, key: str) -> FastAPI:
    """The endpoint.

    Args:
        model: the name that requests must give.
        key: that they must send; empty: none.
    """
    app = FastAPI()
    refused: set[float] = set()

    def refuse(status: int, message: str) -> JSONResponse:
        headers = {"Retry-After": "0.2"} if status == 429 else None
        return JSONResponse([{"error": {"code": status, "message": message}}], status, headers)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"model": model}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> JSONResponse:
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return refuse(401, "The key is not valid.")
        body = await request.json()
        if body["model"] != model:
            return refuse(404, f"There is no model {body['model']}.")
        name = number_of("request", body)
        if name * BUSY < 1 and name not in refused:
            refused.add(name)
            return refuse(429, "Resource exhausted. Try again.")
        reply = answer(body["messages"])
        choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
        sent = sum(len(message["content"].split()) for message in body["messages"])
        usage = {"prompt_tokens": sent, "completion_tokens": len(reply.split())}
        usage["total_tokens"] = sum(usage.values())
        return JSONResponse({"object": "chat.completion", "model": model, "choices": [choice], "usage": usage})

    return app


def end_with(parent: int) -> None:
    """End this process when its parent has ended, even if the parent was killed."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


@click.command()
@click.option("--port", type=int, required=True, help="Port on the loopback interface.")
@click.option("--model", required=True, help="Name of the model that it serves.")
@click.option("--with-parent", is_flag=True, help="End when the program that started it has ended.")
def main(port: int, model: str, with_parent: bool) -> None:
    """Serve an endpoint that answers by a rule."""
    if with_parent:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    app = make_app(model, os.environ.get("ENDPOINT_KEY", ""))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
