"""Answers of an endpoint are checked before they are recorded, whatever an endpoint may send."""

import json
import math
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import endpoint_server
import pandas as pd
import pytest
from asking import arguments, count_answers, endpoint_of, first, table_of, write_prompts
from click.testing import CliRunner
from endpoint_server import serving
from refusal import Refused
from selfalign.inference.endpoint.ask import command
from selfalign.inference.endpoint.bodies import is_sound
from selfalign.inference.endpoint.refusals import quote, read_refusal
from selfalign.inference.endpoint.requests import requests_of
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import Ledger
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table, write_table

KEY = f"sk-{os.urandom(12).hex()}"
Says = Callable[[dict, int], tuple | None]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return write_prompts(tmp_path, 2)


def run(prompts: Path, url: str, form: str = "chat", **settings: object) -> tuple[pd.DataFrame, str]:
    """Run the step twice on one ledger; the second run asks nothing and writes the same table."""
    words = arguments(prompts, url, **({"retries": 1, "timeout": 10} | settings))
    words[words.index("--format") + 1] = form
    said = ""
    for repeated in (False, True):
        result = CliRunner().invoke(command, [*words, "--language", "en"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert not repeated or " 0 to make" in result.output, said
        said += result.output
    return read_table(prompts.parent / "run.parquet", Answers), said


def always(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Says:
    return lambda body, attempt: (status, content, headers)


def top(*listed: tuple[object, object], said: object = "A", **more: object) -> dict:
    """A chat's answer with a list of first tokens."""
    tokens = [{"token": token, "logprob": log_p} for token, log_p in listed]
    logprobs = {"content": [{"token": said, "logprob": -0.1, "top_logprobs": tokens}]}
    return reply(said, finish_reason="length", logprobs=logprobs) | more


def reply(content: object, finish_reason: object = "stop", **more: object) -> dict:
    """A chat's answer with a reply."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
    return {"choices": [choice | more], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}


def raw(answer: dict, old: str, new: str) -> bytes:
    """An answer with a piece of JSON that Python would not write."""
    text = json.dumps(answer)
    assert old in text
    return text.replace(old, new).encode()


def each(answers: list[object], prompts: Path) -> Says:
    """One prompt for each of these answers."""
    write_table(table_of(len(answers)), prompts, Prompts)

    def says(body: dict, attempt: int) -> tuple[int, object]:
        (subject,) = re.findall(r"Subject (\d+)", body["messages"][-1]["content"])
        return 200, answers[int(subject)]

    return says


# Log-probabilities


MASKED = ["-9999", "-9999.0", "-9999.9", "-1e30", "-3.4028234663852886e+38", "-Infinity", "null", "-1e400"]


def test_masked_label_counts_as_one_that_is_not_listed(prompts: Path) -> None:
    answers = [raw(top(("A", -0.2), ("x", -3.0), ("B", -7.5)), "-7.5", masked) for masked in MASKED]
    with serving(endpoint_server.Endpoint(says=each(answers, prompts))) as server:
        read, said = run(prompts, server.url)
    assert list(read["label"]) == pytest.approx([-0.2, -3.0] * 8, abs=1e-5)
    assert list(read["label_bound"]) == [False, True] * 8
    assert list(read["mass_outside_labels"]) == pytest.approx([1 - math.exp(-0.2)] * 16)
    assert "8 of 8 prompts have a label that is not listed" in said


def test_certain_label_leaves_next_to_nothing_to_the_masked_one(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(top(("A", 0.0), ("B", -9999.0))))) as server:
        read, _ = run(prompts, server.url)
    assert list(read["label"]) == pytest.approx([0.0, math.log(1e-4)] * 2)


def test_log_probability_that_cannot_be_is_asked_for_again_and_never_recorded(prompts: Path, stops: Refused) -> None:
    wrong = ["NaN", "0.7", "Infinity", '"-0.2"', "true", "[-0.2]", "{}", "1e999"]
    answers = [raw(top(("A", -0.2), ("B", -7.5)), "-7.5", one) for one in wrong]
    with serving(endpoint_server.Endpoint(says=each(answers, prompts))) as server:
        tells = [server.url, "8 requests failed, each 2 times", "a log-probability is"]
        stops(*arguments(prompts, server.url, retries=1, concurrency=8, max_failed=7, timeout=10), tells=tells)
        assert count_answers(prompts.parent / "run.sqlite") == 0
        server.says = lambda body, attempt: None
        read, _ = run(prompts, server.url)
    assert read["label"].notna().all()


def test_log_probability_that_is_better_at_the_next_attempt_is_kept(prompts: Path) -> None:
    bad, good = raw(top(("A", -0.2), ("B", -7.5)), "-7.5", "NaN"), top(("A", -0.2), ("B", -2.0))
    with serving(endpoint_server.Endpoint(says=lambda body, attempt: (200, good if attempt else bad))) as server:
        read, _ = run(prompts, server.url)
        assert set(server.attempts.values()) == {2}
    assert list(read["label"]) == pytest.approx([-0.2, -2.0] * 2)


def test_failure_that_may_be_is_null(prompts: Path) -> None:
    bad = raw(top(("A", -0.2), ("B", -7.5)), "-7.5", "NaN")
    with serving(endpoint_server.Endpoint(says=always(bad))) as server:
        words = arguments(prompts, server.url, retries=0, max_failed=2)
        result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output.count("failed: a log-probability is nan") == 2
    assert read_table(prompts.parent / "run.parquet", Answers)["label"].isna().all()


def test_rounded_log_probability_just_above_0_is_0(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(top(("A", 1e-6), ("B", -15.0))))) as server:
        read, _ = run(prompts, server.url)
    assert list(read["label"]) == [0.0, -15.0] * 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply("A", "length", logprobs=None), id="null"),
        pytest.param(reply("A", "length"), id="missing"),
        pytest.param(reply("A", "length", logprobs={"content": []}), id="empty"),
        pytest.param(reply("A", "length", logprobs={"content": None}), id="content null"),
        pytest.param(reply("A", "length", logprobs="none"), id="text"),
        pytest.param(top(), id="no list"),
        pytest.param(reply("A", "length", logprobs={"content": [{"token": "A", "logprob": -0.1}]}), id="token only"),
        pytest.param(reply(None, "length", logprobs=None), id="thoughts"),
        pytest.param(reply("A", "length", logprobs={"top_logprobs": [None]}), id="list null"),
    ],
)
def test_answer_without_its_list_of_tokens_is_refused(answer: dict, prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(says=always(answer))) as server:
        tells = ["without the log-probabilities", "Set readout: samples"]
        stops(*arguments(prompts, server.url, concurrency=1), tells=tells)
        assert sum(server.attempts.values()) == 1
    assert count_answers(prompts.parent / "run.sqlite") == 0


def test_model_that_ends_its_turn_at_once_gives_no_answer(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(reply("", logprobs={"content": []})))) as server:
        read, said = run(prompts, server.url)
    assert read["label"].isna().all()
    assert "2 of 2 prompts lack an answer" in said


def echo(value: Callable[[str, int], object]) -> Says:
    """An endpoint that gives back bare text, with a log-probability of each token from its text and place."""

    def says(body: dict, attempt: int) -> tuple[int, dict]:
        tokens = re.findall(r" ?[^ \n]+|\n+", body["prompt"])
        log_p = [None, *(value(token, attempt) for token in tokens[1:])]
        logprobs = {"tokens": [*tokens, "x"], "token_logprobs": [*log_p, -9.0]}
        return 200, {"choices": [{"index": 0, "text": body["prompt"] + "x", "logprobs": logprobs}]}

    return says


@pytest.mark.parametrize("masked", [-9999.0, -1e30, None])
def test_answer_with_a_masked_token_is_null_when_it_is_given_as_text(masked: float | None, prompts: Path) -> None:
    says = echo(lambda token, attempt: masked if token == " unimportant" else -0.5)
    with serving(endpoint_server.Endpoint(says=says)) as server:
        read, said = run(prompts, server.url, "plain", readout="echo")
    assert list(read.loc[read["place"] == 1, "option"]) == [-1.0] * 3
    assert read.loc[read["place"] == 2, "option"].isna().all()
    assert not read["label_bound"].any()
    assert "3 of 3 prompts lack an answer" in said


def test_token_that_cannot_be_is_asked_for_again_when_it_is_given_as_text(prompts: Path) -> None:
    says = echo(lambda token, attempt: 0.5 if token == " unimportant" and not attempt else -0.5)
    with serving(endpoint_server.Endpoint(says=says)) as server:
        read, _ = run(prompts, server.url, "plain", readout="echo")
    assert list(read["option"]) == [-1.0] * 6


def test_lists_of_different_length_are_not_recorded(prompts: Path, stops: Refused) -> None:
    logprobs = {"tokens": ["a", "b", "c"], "token_logprobs": [None, -1.0]}
    answer = {"choices": [{"index": 0, "text": "abc", "logprobs": logprobs}]}
    with serving(endpoint_server.Endpoint(says=always(answer))) as server:
        words = arguments(prompts, server.url, retries=0, readout="echo")
        words[words.index("--format") + 1] = "plain"
        stops(*words, tells=["3 tokens with 2 log-probabilities"])
    assert count_answers(prompts.parent / "run.sqlite") == 0


# Texts of tokens


TOKENS = [
    {"token": None, "bytes": [65]},
    {"bytes": [65]},
    {"token": "", "bytes": [65]},
    {"token": "token_id:32", "bytes": [65]},
    {"token": "bytes:\\x41"},
    {"token": "A", "bytes": None},
    {"token": "A", "bytes": []},
]


def test_token_may_come_as_bytes(prompts: Path) -> None:
    answers = []
    for token in TOKENS:
        answers.append(top(("B", -2.0), ("x", -3.0)))
        answers[-1]["choices"][0]["logprobs"]["content"][0]["top_logprobs"].append({"logprob": -0.25} | token)
    with serving(endpoint_server.Endpoint(says=each(answers, prompts))) as server:
        read, _ = run(prompts, server.url)
    assert list(read["label"]) == [-0.25, -2.0] * 7


def test_half_a_surrogate_pair_is_a_token_without_letters(prompts: Path) -> None:
    answer = raw(top(("A", -0.2), ("half", -3.0), ("B", -4.0)), "half", "\\ud83d")
    with serving(endpoint_server.Endpoint(says=always(answer))) as server:
        read, _ = run(prompts, server.url)
    assert list(read["label"]) == pytest.approx([-0.2, -4.0] * 2)
    with closing(sqlite3.connect(prompts.parent / "run.sqlite")) as ledger:
        (scores,) = ledger.execute("SELECT DISTINCT scores FROM answers").fetchone()
    assert json.loads(scores)["top"][1] == ["\ufffd", -3.0]


@pytest.mark.parametrize(
    ("token", "tells"),
    [
        ({"token": None}, "a token has no text"),
        ({"token": 65}, "a token has no text"),
        ({"token": "", "bytes": [300]}, "a token has bytes that cannot be"),
    ],
)
def test_token_without_a_text_is_not_recorded(token: dict, tells: str, prompts: Path, stops: Refused) -> None:
    answer = top(("A", -0.2))
    answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"].append({"logprob": -0.3} | token)
    with serving(endpoint_server.Endpoint(says=always(answer))) as server:
        stops(*arguments(prompts, server.url, retries=0), tells=[tells])
    assert count_answers(prompts.parent / "run.sqlite") == 0


def test_tokens_as_numbers_are_refused(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(says=always(top(("token_id:32", -0.2))))) as server:
        stops(*arguments(prompts, server.url), tells=["numbers instead of the texts of tokens (token_id:32)"])
        assert count_answers(prompts.parent / "run.sqlite") == 0


# Replies

SAMPLES = {"readout": "samples", "samples": 2}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "B"}]}


PARTS = [
    [THOUGHT, {"type": "text", "text": "A"}],
    [{"type": "reasoning", "text": "B"}, {"type": "text", "text": "A"}],
    [{"text": "B", "thought": True}, {"text": "A"}],
    [{"type": "output_text", "text": "A"}],
    [{"type": "text", "text": {"value": "A", "annotations": []}}],
    [{"type": "text", "text": "impor"}, {"type": "text", "text": "tant"}],
    {"type": "text", "text": "A"},
    ["A"],
]
WITHHELD = [
    reply(None),
    reply(None, "tool_calls", tool_calls=[{"id": "1"}]),
    reply([THOUGHT]),
    reply([THOUGHT], "length"),
    reply([]),
    reply([{"type": "refusal", "refusal": "I cannot"}]),
    reply("", "length"),
    reply("A", "content_filter"),
    reply(None, "content_filter: PROHIBITED_CONTENT"),
    reply("A", "SAFETY"),
]


def test_reply_in_parts_is_its_text_without_its_thoughts(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=each(list(map(reply, PARTS)), prompts))) as server:
        read, _ = run(prompts, server.url, **SAMPLES)
    assert list(read["option"]) == [0, -math.inf] * 8
    assert list(read["samples"]) == [2] * 16


def test_reply_that_is_withheld_is_null(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=each(WITHHELD, prompts))) as server:
        read, said = run(prompts, server.url, **SAMPLES)
    assert read[["option", "samples"]].isna().all(axis=None)
    assert "10 of 10 prompts lack an answer" in said


def test_refusal_in_a_message_is_no_reply(prompts: Path) -> None:
    answer = reply("A")
    answer["choices"][0]["message"]["refusal"] = "I cannot"
    with serving(endpoint_server.Endpoint(says=always(answer))) as server:
        assert run(prompts, server.url, **SAMPLES)[0]["option"].isna().all()
        assert run(prompts, server.url)[0]["label"].isna().all()


def test_cut_reply_is_no_option_under_any_name_of_the_server(prompts: Path) -> None:
    answers = [reply("important", end) for end in ("length", "MAX_TOKENS", "max_tokens", "model_length")]
    with serving(endpoint_server.Endpoint(says=each(answers, prompts))) as server:
        read, _ = run(prompts, server.url, **SAMPLES)
    assert (read["option"] == -math.inf).all()
    assert (read["samples"] == 2).all()


def test_content_that_is_no_text_is_not_recorded(prompts: Path) -> None:
    contents = [7, True, [7], [{"type": "text"}], [{"type": "text", "text": 7}], {"a": 1}]
    with serving(endpoint_server.Endpoint(says=each(list(map(reply, contents)), prompts))) as server:
        words = arguments(prompts, server.url, retries=0, max_failed=12, **SAMPLES)
        result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.output.count("failed: the content of a reply is neither text nor a list of parts") == 12
    assert count_answers(prompts.parent / "run.sqlite") == 0


def test_half_a_surrogate_pair_in_a_reply_is_recorded_as_an_unknown_character(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(raw(reply("half"), "half", "A \\ude00")))) as server:
        read, _ = run(prompts, server.url, **SAMPLES)
    assert (read["option"] == -math.inf).all()


def test_strange_usage_counts_as_none(prompts: Path) -> None:
    strange = [None, [], "5", {"prompt_tokens": -1}, {"prompt_tokens": "5"}, {"prompt_tokens": 1e400}]
    answers = [reply("A") | {"usage": usage} for usage in strange]
    with serving(endpoint_server.Endpoint(says=each(answers, prompts))) as server:
        read, _ = run(prompts, server.url, **SAMPLES)
    assert read["tokens"].isna().all()
    assert list(read["samples"]) == [2] * 12


@pytest.mark.parametrize("most", [1, 2, 3])
def test_replies_that_did_not_come_are_asked_for_again(most: int, prompts: Path) -> None:
    def few(body: dict, attempt: int) -> tuple[int, dict]:
        choices = [reply("A")["choices"][0] | {"index": place} for place in range(min(most, body.get("n", 1)))]
        seeds.append((body["seed"], body.get("n", 1)))
        return 200, {"choices": choices, "usage": {"prompt_tokens": 5, "completion_tokens": 1}}

    seeds: list[tuple[int, int]] = []
    with serving(endpoint_server.Endpoint(says=few)) as server:
        read, said = run(prompts, server.url, readout="samples", samples=7, samples_per_request=5, seed=0)
    assert list(read["samples"]) == [7] * 4
    assert list(read["option"]) == [0, -math.inf] * 2
    starts = {1: [0, 1, 2, 3, 4, 5, 6], 2: [0, 2, 4, 5], 3: [0, 3, 5]}[most]
    assert sorted(seed for seed, _ in seeds) == sorted(starts * 2)
    assert f"{(len(starts) - 2) * 2} answers had fewer replies than asked for" in said
    assert count_answers(prompts.parent / "run.sqlite") == len(starts) * 2


def test_step_that_stopped_before_the_rest_goes_on_with_the_rest(prompts: Path, stops: Refused) -> None:
    settings = {"readout": "samples", "samples": 3, "samples_per_request": 3, "concurrency": 1}
    with serving(endpoint_server.Endpoint(says=always(reply("A")))) as server:
        stops(*arguments(prompts, server.url, max_requests=3, **settings), tells=["max_requests: 3"])
        read, _ = run(prompts, server.url, **settings)
        assert sum(server.attempts.values()) == 6
    assert list(read["samples"]) == [3] * 4


def test_choice_with_an_error_is_not_a_reply(prompts: Path) -> None:
    def half(body: dict, attempt: int) -> tuple[int, dict]:
        failed = {"index": 1, "message": {"content": ""}, "finish_reason": "error", "error": {"code": 502}}
        good = reply("A")
        return 200, good | {"choices": [*good["choices"], failed][: body.get("n", 1)]}

    with serving(endpoint_server.Endpoint(says=half)) as server:
        read, _ = run(prompts, server.url, readout="samples", samples=2, samples_per_request=2)
    assert list(read["samples"]) == [2] * 4
    assert list(read["option"]) == [0, -math.inf] * 2


# Errors

WORDS = "No such thing here"
ERROR = {"error": {"message": WORDS, "code": 400}}


@pytest.mark.parametrize(
    ("status", "content"),
    [
        pytest.param(200, ERROR, id="200 with an error"),
        pytest.param(200, ERROR | {"choices": []}, id="200 with an error and no choices"),
        pytest.param(200, ERROR | reply("A"), id="200 with an error and a reply"),
        pytest.param(200, [ERROR], id="200 with an array"),
        pytest.param(200, {"choices": [ERROR | {"finish_reason": "error"}]}, id="in the choice"),
        pytest.param(200, {"object": "error", "message": WORDS, "code": 400}, id="200 with bare fields"),
        pytest.param(400, ERROR, id="object"),
        pytest.param(400, [ERROR], id="array"),
        pytest.param(422, {"error": WORDS, "error_type": "validation"}, id="text field"),
        pytest.param(400, {"message": WORDS}, id="message"),
        pytest.param(400, {"detail": WORDS}, id="detail"),
        pytest.param(422, {"detail": [{"loc": ["body"], "msg": WORDS}]}, id="list of details"),
        pytest.param(400, {"error": True, "message": WORDS}, id="flag"),
        pytest.param(400, {"error": {"message": "Provider error", "metadata": {"raw": WORDS}}}, id="metadata"),
        pytest.param(400, {"error": {"message": json.dumps(ERROR)}}, id="JSON in JSON"),
        pytest.param(400, WORDS.encode(), id="plain text"),
        pytest.param(400, json.dumps(WORDS).encode(), id="JSON text"),
        pytest.param(400, f"<html><head><title>x</title></head><body><h1>{WORDS}</h1></body>".encode(), id="HTML"),
        pytest.param(400, {"status": {"reason": WORDS}}, id="unknown form"),
        pytest.param(413, WORDS.encode("utf-16"), id="other encoding"),
    ],
)
def test_final_refusal_stops_at_once_and_is_quoted(status: int, content: object, prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(says=always(content, status))) as server:
        words = "N" if content == WORDS.encode("utf-16") else WORDS
        stops(*arguments(prompts, server.url, concurrency=1), tells=["refused the request (status 4", words])
        assert sum(server.attempts.values()) == 1
    assert count_answers(prompts.parent / "run.sqlite") == 0


PASSING = [
    (200, {"error": {"message": WORDS, "code": 502}}, f'status 502: "{WORDS}"'),
    (200, {"error": {"message": WORDS}}, f'an error: "{WORDS}"'),
    (200, {"error": WORDS, "error_type": "overloaded"}, f'an error: "{WORDS}"'),
    (200, {"choices": [{"finish_reason": "error"}]}, "an error"),
    (200, {"choices": [None]}, 'an error: "an empty choice"'),
    (200, {"choices": []}, "an error"),
    (200, {}, 'an error: "an empty object"'),
    (200, [], 'an error: "[]"'),
    (200, b"null", 'an error: "null"'),
    (200, b"", "no body"),
    (200, f"<p>{WORDS}</p>".encode(), f'the answer was cut short, or no JSON ("{WORDS}")'),
    (200, b"[" * 100_000, "the answer was cut short, or no JSON"),
    (200, {"choices": [{"index": 0}]}, "neither a message nor a text"),
    (200, {"choices": [{"message": "A"}]}, "neither a message nor a text"),
    (503, f"<p>{WORDS}</p>".encode(), f'status 503: "{WORDS}"'),
    (429, {"error": {"message": WORDS}}, f'status 429: "{WORDS}"'),
]


def test_passing_faults_are_tried_again_and_then_quoted(prompts: Path) -> None:
    faults = each(PASSING, prompts)
    settings = {"readout": "samples", "samples": 1, "retries": 1, "concurrency": 16, "max_failed": 16}
    settings["timeout"] = 10
    with serving(endpoint_server.Endpoint(says=lambda body, attempt: faults(body, attempt)[1][:2])) as server:
        words = arguments(prompts, server.url, **settings)
        result = CliRunner().invoke(command, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert set(server.attempts.values()) == {2}
        failed = [line for line in result.output.splitlines() if line.startswith("failed: ")]
        assert len(failed) == 16
        for _, _, tells in PASSING:
            assert any(tells in line for line in failed), tells
        assert count_answers(prompts.parent / "run.sqlite") == 0
        server.says = lambda body, attempt: None if attempt > 2 else faults(body, attempt)[1][:2]
        read, _ = run(prompts, server.url, **settings)
    assert list(read["samples"]) == [1] * 32


GEMINI = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
        (429, {"message": "x", "type": "insufficient_quota"}),
        (429, {"message": GEMINI}),
        (429, {"message": "Rate limit reached: requests per day (RPD). Please try again in 7m12s."}),
        (429, {"message": f"{GEMINI} Please retry in 9s.", "details": [{"quotaId": "RequestsPerDayPerProject"}]}),
        (402, {"message": "Insufficient Balance"}),
        (402, {"message": "This request requires more credits", "code": 402}),
        (200, {"message": "Insufficient credits", "code": 402}),
        (200, {"message": GEMINI, "code": "insufficient_quota"}),
        (403, {"message": "Your credit balance is too low"}),
        (400, {"message": "Billing hard limit has been reached", "code": "billing_hard_limit_reached"}),
    ],
)
def test_quota_that_is_used_up_stops_at_once_and_keeps_what_was_answered(
    status: int, error: dict, prompts: Path, stops: Refused
) -> None:
    def says(body: dict, attempt: int) -> tuple[int, dict] | None:
        return (status, {"error": error}) if "Subject 1" in json.dumps(body) else None

    with serving(endpoint_server.Endpoint(says=says)) as server:
        tells = [server.url, "the quota is used up", error["message"][:40], "what was answered is kept"]
        stops(*arguments(prompts, server.url, concurrency=1), tells=tells)
        assert sum(server.attempts.values()) == 2
        assert count_answers(prompts.parent / "run.sqlite") == 1
        server.says = lambda body, attempt: None
        run(prompts, server.url)
        assert sum(server.attempts.values()) == 3


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        ({"message": f"{GEMINI} Please retry in 0.2s.", "details": [{"quotaId": "RequestsPerMinute"}]}, {}),
        ({"message": GEMINI, "details": [{"@type": "RetryInfo", "retryDelay": "0.2s"}]}, {}),
        ({"message": GEMINI}, {"Retry-After": "0.2"}),
        ({"message": "Rate limit reached for requests per minute"}, {}),
    ],
)
def test_limit_of_a_minute_is_waited_for(error: dict, headers: dict[str, str], prompts: Path) -> None:
    def says(body: dict, attempt: int) -> tuple | None:
        return None if attempt else (429, [{"error": error}], headers)

    with serving(endpoint_server.Endpoint(says=says)) as server:
        assert run(prompts, server.url)[0]["label"].notna().all()


@pytest.mark.parametrize(
    ("status", "error", "tells"),
    [
        (400, "Budget 0 is invalid. This model only works in thinking mode.", "Change reasoning_effort"),
        (400, "reasoning_effort: 'none' is not supported with this model", "Change reasoning_effort"),
        (400, "API key not valid. Please pass a valid API key.", "Check the variable MINI_KEY"),
        (403, "This key may not use the model", "Check the variable MINI_KEY"),
        (404, "No endpoints found that support logprobs", "Set readout: samples"),
        (200, "logprobs are not supported", "Set readout: samples"),
    ],
)
def test_refusal_names_the_setting_to_change(
    status: int, error: str, tells: str, prompts: Path, stops: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINI_KEY", KEY)
    says = always([{"error": {"message": error, "status": "INVALID_ARGUMENT"}}], status)
    with serving(endpoint_server.Endpoint(says=says)) as server:
        stops(*arguments(prompts, server.url, key_env="MINI_KEY", retries=0), tells=[error, tells])


@pytest.mark.parametrize(
    "content", [{"error": {"code": "data_inspection_failed"}}, {"error": {"code": "content_filter"}}]
)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_filtered_prompt_is_withheld_in_any_form(status: int, content: dict, prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(content, status))) as server:
        read, said = run(prompts, server.url)
    assert read["label"].isna().all()
    assert "2 of 2 prompts lack an answer" in said


# The key


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_no_piece_of_the_key_is_quoted(
    status: int, prompts: Path, stops: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINI_KEY", KEY)
    shown = [KEY, f"{KEY[:7]}****{KEY[-4:]}", f"'{KEY}'.", f"Bearer:{KEY}", KEY[:9], KEY[5:12]]
    says = always({"error": {"message": f"Who is {' '.join(shown)} then?"}}, status)
    with serving(endpoint_server.Endpoint(says=says)) as server:
        tells = [f"Who is {' '.join(['***'] * 6)} then?"]
        said = stops(*arguments(prompts, server.url, key_env="MINI_KEY", retries=0), tells=tells)
    assert not [start for start in range(len(KEY) - 5) if KEY[start : start + 6] in said]


def test_quotation_is_short_and_on_one_line() -> None:
    said = quote("a\n\tb \x1b[31m \ud83d" + " word" * 100, "")
    assert said.startswith("a b \ufffd[31m \ufffd word")
    assert len(said) == 300
    assert said.encode()
    assert quote("the key none", "") == "the key none"
    assert quote("key=ab!", "ab") == "***"


def test_page_is_quoted_as_its_text() -> None:
    page = b"<html><style>p {}</style><script>x()</script><body><p>Bad &amp; <b>gone</b></p></body></html>"
    assert read_refusal(page, "", 502).said == "Bad & gone"


# Ledgers of earlier versions

USAGE = {"usage": [5, 1]}
GOOD = {
    "logprobs": {"top": [["A", -0.1], ["B", -3.0]]} | USAGE,
    "samples": {"replies": [["A", "stop"]]} | USAGE,
    "echo": {"count": 3, "tail": [[None, None], ["x", -1.0], ["y", -0.5]]} | USAGE,
}
SPOILED = [
    ("logprobs", {"top": [["A", 0.0], ["B", -9999.0]]}),
    ("logprobs", {"top": [["A", 0.5], ["B", -3.0]]}),
    ("logprobs", {"top": [[None, -0.1]]}),
    ("logprobs", {"top": [["A", None]]}),
    ("logprobs", {"top": []}),
    ("logprobs", {}),
    ("samples", {"replies": [[[THOUGHT, {"type": "text", "text": "A"}], "stop"]]}),
    ("samples", {"replies": [[7, "stop"]]}),
    ("samples", {"replies": [["important", "MAX_TOKENS"]]}),
    ("samples", {"replies": []}),
    ("samples", {"replies": "A"}),
    ("samples", {"replies": [["A"]]}),
    ("echo", {"count": 3, "tail": [["x", -9999.0]]}),
    ("echo", {"count": 3, "tail": [[None, None]]}),
    ("echo", {"count": "3", "tail": []}),
]


@pytest.mark.parametrize("readout", GOOD)
def test_good_entry_is_used(readout: str) -> None:
    assert is_sound(GOOD[readout], readout)
    assert is_sound({"withheld": "content_filter", "usage": [0, 0]}, readout)


@pytest.mark.parametrize(("readout", "scores"), [*SPOILED, ("logprobs", []), ("samples", {"withheld": None})])
def test_entry_that_this_version_would_not_record_is_recognised(readout: str, scores: object) -> None:
    assert not is_sound(scores | USAGE if isinstance(scores, dict) else scores, readout)


@pytest.mark.parametrize("usage", [None, [5], ["5", 1], [-1, 0], {"prompt_tokens": 5}])
def test_entry_without_its_number_of_tokens_is_recognised(usage: object) -> None:
    assert not is_sound(GOOD["samples"] | {"usage": usage}, "samples")


@pytest.mark.parametrize(("readout", "scores"), [case for case in SPOILED if case[0] != "echo"])
def test_spoiled_entry_in_a_ledger_is_counted_and_asked_for_again(readout: str, scores: dict, prompts: Path) -> None:
    table = table_of(2)
    with serving(endpoint_server.Endpoint()) as server:
        endpoint = endpoint_of(url=server.url, readout=readout, samples=1, instruction="user")
        facts = endpoint.facts("chat")
        request = requests_of(first(table), endpoint, "chat")[0]
        entry = Entry(request.key, request.prompt, request.text, 5, scores | USAGE)
        with (
            Ledger(prompts.parent / "run.sqlite") as ledger,
            ledger.run(facts, device="endpoint", threads=1, versions={}) as old,
        ):
            old.record([entry], tokens=6)
        read, said = run(prompts, server.url, readout=readout, samples=1)
        assert sum(server.attempts.values()) == 2
    assert said.count("1 answers in the ledger cannot be used, and are asked for again") == 1
    assert read["label"].notna().all()
    assert not read["label_bound"].any()
    with Ledger(prompts.parent / "run.sqlite") as ledger:
        kept = ledger.answered(fingerprint_of(facts))
    assert len(kept) == 2
    assert all(is_sound(entry.scores, readout) for entry in kept.values())


def test_spoiled_entry_that_cannot_be_replaced_stays_unused(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=always(b"", 500))) as server:
        endpoint = endpoint_of(url=server.url, instruction="user")
        request = requests_of(first(table_of(2)), endpoint, "chat")[0]
        entry = Entry(request.key, request.prompt, request.text, 5, {"top": [["A", 0.0], ["B", -9999.0]]} | USAGE)
        with (
            Ledger(prompts.parent / "run.sqlite") as ledger,
            ledger.run(endpoint.facts("chat"), device="endpoint", threads=1, versions={}) as old,
        ):
            old.record([entry], tokens=6)
        words = arguments(prompts, server.url, retries=0, max_failed=2)
        assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    assert read_table(prompts.parent / "run.parquet", Answers)["label"].isna().all()
    assert count_answers(prompts.parent / "run.sqlite") == 1
