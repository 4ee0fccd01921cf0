"""Bodies of an endpoint's answers that are of another interface than the one that was asked."""

import json

import pytest
from selfalign.errors import InputError
from selfalign.inference.endpoint.bodies import read_answer
from selfalign.inference.endpoint.refusals import PassingError
from selfalign.inference.endpoint.requests import Request
from selfalign.inference.endpoint.settings import Endpoint

ENDPOINT = Endpoint(url="http://host/v1", model="mini", readout="samples")
REQUEST = Request("0" * 16, "/chat/completions", {"messages": []}, "0+1")
STREAM = b'data: {"choices": [{"delta": {"content": "A"}}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("body", "tells"),
    [
        ({"content": [{"type": "text", "text": "A"}], "stop_reason": "end_turn"}, "keys content, stop_reason"),
        ({"message": {"role": "assistant", "content": "A"}, "done": True}, "keys done, message"),
        ({"candidates": [{"content": {"parts": [{"text": "A"}]}}]}, "keys candidates"),
        ({"object": "response", "output": [{"type": "message"}]}, "keys object, output"),
    ],
    ids=["Anthropic", "Ollama", "Gemini", "OpenAI's responses"],
)
def test_answer_of_another_interface_stops_the_job(body: dict, tells: str) -> None:
    with pytest.raises(InputError, match=f"^http://host/v1: the answer has the {tells} and no choices.*ends with /v1"):
        read_answer(json.dumps(body).encode(), REQUEST, ENDPOINT, "")


@pytest.mark.parametrize("part", ["reasoning_content", "reasoning", "tool_calls", None])
@pytest.mark.parametrize("text", ["", None, "A"])
def test_thoughts_and_calls_without_a_reply_are_no_answer(text: str | None, part: str | None) -> None:
    message = {"role": "assistant", "content": text} | ({part: "The first is A."} if part else {})
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    (reply,) = read_answer(json.dumps(body).encode(), REQUEST, ENDPOINT, "").scores["replies"]
    assert reply == [text if part is None else text or None, "stop"]


@pytest.mark.parametrize("listed", [["A", "B"], ["B"]], ids=["usual", "LMDeploy"])
def test_generated_token_is_in_the_list_once(listed: list[str]) -> None:
    likely = {"A": -0.1, "B": -3.0}
    top = [{"token": token, "logprob": likely[token]} for token in listed]
    position = {"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": top}
    body = {"choices": [{"message": {"content": "A"}, "logprobs": {"content": [position]}}]}
    endpoint = Endpoint(url="http://host/v1", model="mini", readout="logprobs")
    assert read_answer(json.dumps(body).encode(), REQUEST, endpoint, "").scores["top"] == [["A", -0.1], ["B", -3.0]]


def test_stream_stops_the_job() -> None:
    with pytest.raises(InputError, match=r"in pieces \(a stream\).*extra: {stream: false}"):
        read_answer(STREAM, REQUEST, ENDPOINT, "")


@pytest.mark.parametrize(
    "content",
    [b'data: {"error": {"message": "overloaded"}}\n\n', b'{"message": "try later"}', b'{"output": null}', b"{}"],
    ids=["error in a stream", "message of an error", "no output", "empty"],
)
def test_error_that_may_pass_is_asked_again(content: bytes) -> None:
    with pytest.raises(PassingError):
        read_answer(content, REQUEST, ENDPOINT, "")
