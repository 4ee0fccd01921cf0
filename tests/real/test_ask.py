"""The step ask: what is asked of an endpoint, what its answers say, and what survives an endpoint that fails."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import endpoint_server
import pandas as pd
import pytest
from asking import KEY, SAMPLES, arguments, ask, count_answers, endpoint_of, first, table_of, write_prompts
from click.testing import CliRunner
from endpoint_server import serving, top_of
from project import Project, read_settings
from refusal import Refused
from selfalign.config.read import check_settings
from selfalign.errors import InputError
from selfalign.inference.choices import FORMATS
from selfalign.inference.endpoint.ask import command
from selfalign.inference.endpoint.bodies import entry_of
from selfalign.inference.endpoint.collect import collect_replies
from selfalign.inference.endpoint.requests import requests_of
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.local.engine import score
from selfalign.inference.local.render import PromptFormat, render
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import fingerprint_of
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table, write_table
from small_run import changed, write_small_inputs
from small_run import settings as small_settings
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.cli.serve import Serve
from warm import BIN, warm_programs


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return write_prompts(tmp_path)


# What is asked


def test_chat_is_asked_for_the_likeliest_first_tokens_in_the_words_of_the_prompt() -> None:
    (request,) = requests_of(list(table_of().itertuples())[1], endpoint_of(), "chat")
    assert request.route == "/chat/completions"
    assert request.body == {
        "model": "mini",
        "messages": [
            {"role": "system", "content": "Fill in the blank. Answer with A or B only."},
            {"role": "user", "content": "Work is ___."},
            {"role": "assistant", "content": "A"},
            {"role": "user", "content": "Subject 1 is ___.\nA: important\nB: unimportant"},
        ],
        "temperature": 0,
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 20,
    }
    assert json.loads(request.text) == request.body["messages"]


def test_base_model_is_asked_to_echo_the_prompt_alone_and_with_each_label_and_option() -> None:
    requests = requests_of(first(table_of()), endpoint_of(readout="echo"), "plain")
    text = "Fill in the blank. Answer with A or B only.\n\nSubject 0 is ___.\nA: important\nB: unimportant\nAnswer:"
    answers = ["", " A", " B", " important\n\nS", " unimportant\n\nS"]
    assert [request.body["prompt"] for request in requests] == [text + answer for answer in answers]
    assert {request.route for request in requests} == {"/completions"}


def test_instruction_may_open_the_first_message_of_the_user() -> None:
    (request,) = requests_of(first(table_of()), endpoint_of(instruction="user"), "chat")
    (message,) = request.body["messages"]
    assert message["role"] == "user"
    assert message["content"].startswith("Fill in the blank. Answer with A or B only.\n\nSubject 0 is ___.\n")


def test_samples_are_requests_of_their_own_with_seeds_of_their_own() -> None:
    endpoint = endpoint_of(readout="samples", samples=5, samples_per_request=2, seed=7)
    requests = requests_of(first(table_of()), endpoint, "chat")
    assert [request.body.get("n", 1) for request in requests] == [2, 2, 1]
    assert [request.body["seed"] for request in requests] == [7, 9, 11]
    alike = requests_of(first(table_of()), endpoint_of(readout="samples", samples=5), "chat")
    assert all(request.body == alike[0].body for request in alike)
    assert len({request.key for request in [*requests, *alike]}) == 8


def test_more_samples_keep_those_that_were_drawn() -> None:
    few, many = (
        {request.key for request in requests_of(first(table_of()), endpoint_of(readout="samples", samples=n), "chat")}
        for n in (4, 9)
    )
    assert few < many
    assert endpoint_of(samples=4).facts("chat") == endpoint_of(samples=9).facts("chat")


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"url": "https://other.example/v1"}, True),
        ({"model": "other"}, True),
        ({"readout": "samples"}, True),
        ({"temperature": 0.5}, True),
        ({"extra": {"top_k": 1}}, True),
        ({"concurrency": 1}, False),
        ({"max_requests": 1}, False),
        ({"requests_per_minute": 1}, False),
        ({"key_env": "OTHER"}, False),
        ({"timeout": 1}, False),
    ],
)
def test_fingerprint_has_exactly_the_facts_that_decide_an_answer(change: dict, counts: bool) -> None:
    usual = {"url": "https://lab.example/v1", "model": "mini"}
    before, after = (fingerprint_of(endpoint_of(**settings).facts("chat")) for settings in (usual, usual | change))
    assert (before != after) == counts


def test_fingerprints_are_the_recorded_ones() -> None:
    # The answers in users' ledgers are found under such fingerprints. These were recorded on 28 November 2026.
    endpoint = endpoint_of(url="https://lab.example/v1", extra={"top_k": 1})
    assert fingerprint_of(endpoint.facts("chat")) == "003a3259da3edbaa"
    assert fingerprint_of(endpoint.facts("chat", "message")) == "4125f8b4b84c9be6"
    greedy = endpoint_of(url="https://lab.example/v1", readout="samples", samples=1, temperature=0)
    assert fingerprint_of(greedy.facts("chat")) == "43fdd3f650f37840"  # a temperature of 0.0 has another


def test_every_setting_either_decides_an_answer_or_is_known_not_to() -> None:
    facts = endpoint_of().facts("chat")
    others = {"key_env", "samples", "concurrency", "requests_per_minute", "tokens_per_minute"}
    others |= {"max_requests", "max_tokens", "max_failed", "timeout", "retries"}
    assert Endpoint.model_fields.keys() - facts.keys() == others


# What answers say


def answer_with(
    readout: str, answers: list[dict], form: str = "chat", count: int = 1, **settings: object
) -> pd.DataFrame:
    """The table of one prompt that got these answers, in the order of its requests."""
    table, endpoint = table_of(count), endpoint_of(readout=readout, samples=len(answers), **settings)
    requests = requests_of(first(table), endpoint, form)
    entries = [entry_of(request, got, endpoint) for request, got in zip(requests, answers, strict=True)]
    read = collect_replies(table, {entry.key: entry for entry in entries}, endpoint, form, "-")
    return Answers.validate(read[read["prompt"] == table["prompt"][0]])


def top_answer(top: list[tuple[str, float]]) -> dict:
    tokens = [{"token": token, "logprob": log_p} for token, log_p in top]
    return {"choices": [{"message": {}, "logprobs": {"content": [tokens[0] | {"top_logprobs": tokens}]}}]}


def test_label_is_read_as_the_frame_writes_it_and_from_nothing_else() -> None:
    listed = [("A", -0.5), (" A", -1.5), ("a", -2.0), ("B", -2.5), ("A.", -4.0)]
    read = answer_with("logprobs", [top_answer(listed)])
    assert list(read["label"]) == [-0.5, -2.5]
    assert read["option"].isna().all()
    assert read["mass_outside_labels"].iloc[0] == pytest.approx(1 - math.exp(-0.5) - math.exp(-2.5))


def test_two_tokens_of_the_same_letters_are_one_label() -> None:
    read = answer_with("logprobs", [top_answer([("A", math.log(0.5)), ("B", math.log(0.2)), ("A", math.log(0.1))])])
    assert list(read["label"]) == pytest.approx([math.log(0.6), math.log(0.2)])


def test_label_that_is_not_listed_is_at_most_the_last_that_is() -> None:
    read = answer_with("logprobs", [top_answer([("A", -1.0), ("The", -3.0), ("a", -5.0)])])
    assert list(read["label"]) == pytest.approx([-1.0, -5.0], abs=1e-5)
    assert list(read["label_bound"]) == [False, True]
    assert list(read["mass_outside_labels"]) == pytest.approx([1 - math.exp(-1.0)] * 2)


@pytest.mark.parametrize(
    ("listed", "most"),
    [
        pytest.param([("A", -0.01), ("The", -5.0)], 1 - math.exp(-0.01) - math.exp(-5.0), id="what the list leaves"),
        pytest.param([("A", 0.0), ("The", -0.2)], 0.0, id="a list that sums to more than 1"),
        pytest.param([("A", 0.0)], 0.0, id="a list of one that is certain"),
        pytest.param([("A", -1.0)], math.exp(-1.0), id="a list of one"),
    ],
)
def test_label_that_is_not_listed_is_less_likely_than_the_one_that_is(
    listed: list[tuple[str, float]], most: float
) -> None:
    read = answer_with("logprobs", [top_answer(listed)])
    chosen, other = read["label"]
    assert chosen > other
    assert math.exp(other) == pytest.approx(most, abs=1.1e-4)  # the margin for rounded numbers
    assert read["mass_outside_labels"].between(0, 1).all()


@pytest.mark.parametrize("start", [" ", "▁", "Ġ"])
def test_labels_are_read_with_the_space_that_the_template_writes(
    start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Llama 2's and Mixtral's: llama.cpp and vLLM list " A", LMDeploy lists the vocabulary's sign.
    listed = [(f"{start}A", -0.1), (f"{start}B", -3.0), ("B", -6.0), ("A", -8.0)]
    read = answer_with("logprobs", [top_answer(listed)])
    assert list(read["label"]) == pytest.approx([-0.1, -3.0])
    assert not read["label_bound"].any()
    assert f"labels are read as '{start}A'" in capsys.readouterr().err


def test_one_prompt_of_many_does_not_decide_about_the_space() -> None:
    table, endpoint = table_of(2), endpoint_of()
    asked = [request for prompt in table.itertuples() for request in requests_of(prompt, endpoint, "chat")]
    lists = [[("A", -0.1), (" A", -3.0), ("B", -4.0)], [(" A", -1.0), ("A", -1.1), (" B", -2.0), ("B", -3.0)]]
    entries = [entry_of(one, top_answer(top), endpoint) for one, top in zip(asked, lists, strict=True)]
    read = collect_replies(table, {entry.key: entry for entry in entries}, endpoint, "chat", "-")
    assert list(read["label"]) == pytest.approx([-0.1, -4.0, -1.1, -3.0])


@pytest.mark.parametrize("form", FORMATS)
def test_labels_are_null_if_none_is_listed(form: str) -> None:
    read = answer_with("logprobs", [top_answer([("The", -0.1), ("a", -3.0)])], form)
    assert read["label"].isna().all()
    assert not read["label_bound"].any()


@pytest.mark.parametrize("start", ["1", "\ufffd"])
def test_label_that_may_have_begun_in_the_list_has_no_bound(start: str) -> None:
    table, endpoint = table_of(1, labels=("A", "10")), endpoint_of()
    (request,) = requests_of(first(table), endpoint, "chat")
    entry = entry_of(request, top_answer([(start, -0.2), ("A", -2.0)]), endpoint)
    read = collect_replies(table, {entry.key: entry}, endpoint, "chat", "-")
    assert read["label"].isna().tolist() == [False, True]
    assert not read["label_bound"].any()


def test_list_of_tokens_is_kept() -> None:
    endpoint = endpoint_of()
    (request,) = requests_of(first(table_of()), endpoint, "chat")
    assert entry_of(request, top_answer([("A", -0.01), ("The", -5.0)]), endpoint).scores["top"][-1] == ["The", -5.0]


def test_bare_text_takes_its_labels_after_a_space() -> None:
    answer = {"choices": [{"text": " A", "logprobs": {"top_logprobs": [{" A": -0.5, "A": -3.0, " B": -1.0}]}}]}
    assert list(answer_with("logprobs", [answer], "plain")["label"]) == [-0.5, -1.0]


def echoed(tokens: list[str], log_p: list[float | None]) -> dict:
    logprobs = {"tokens": [*tokens, "x"], "token_logprobs": [*log_p, -9.0]}
    return {"choices": [{"text": "".join(tokens) + "x", "logprobs": logprobs}]}


PROMPT = ["Fill", " in", ":"]
LOG_P = [None, -1.0, -2.0]


@pytest.mark.parametrize(
    ("end", "log_p"),
    [(["\n\n", "S"], [-0.25, -7.0]), (["\n\n", "\ufffd", "\ufffd"], [-0.25, -7.0, -8.0])],
    ids=["letter", "pieces of a character"],
)
def test_option_is_the_sum_over_its_own_tokens_and_the_end_of_a_demonstration(
    end: list[str], log_p: list[float]
) -> None:
    answers = [
        echoed(PROMPT, LOG_P),
        echoed([*PROMPT, " A"], [*LOG_P, -0.25]),
        echoed([*PROMPT, " B"], [*LOG_P, -1.25]),
        echoed([*PROMPT, " import", "ant", *end], [*LOG_P, -1.0, -0.5, *log_p]),
        echoed([*PROMPT, " un", "important", *end], [*LOG_P, -2.0, -0.5, *log_p]),
    ]
    read = answer_with("echo", answers, "plain")
    assert list(read["label"]) == [-0.25, -1.25]
    assert list(read["option"]) == [-1.75, -2.75]
    assert list(read["answer_tokens"]) == [3, 3]


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param(["Fill", " in", ": import", "ant", "\n\n"], id="joined to the prompt"),
        pytest.param([*PROMPT, " import", "ance", "\n\n"], id="other words"),
        pytest.param(["Fill", " in"], id="shorter than the prompt"),
        pytest.param([*PROMPT, " important", "\n\nS"], id="joined to what follows"),
    ],
)
def test_options_with_the_same_tokens_are_refused(tokens: list[str]) -> None:
    answers = [echoed(PROMPT, LOG_P)] + [echoed([*PROMPT, label], [*LOG_P, -1.0]) for label in (" A", " B")]
    answers += [
        echoed(tokens, [-1.0] * len(tokens)),
        echoed([*PROMPT, " unimportant", "\n\n", "S"], [*LOG_P, -1.0, -1.0, -9.0]),
    ]
    with pytest.raises(InputError, match="'important'.*are not separate from the tokens of the prompt"):
        answer_with("echo", answers, "plain")


def test_server_that_ignores_echo_is_distinguished_from_one_that_echoes() -> None:
    endpoint = endpoint_of(readout="echo")
    request = requests_of(first(table_of()), endpoint, "plain")[1]
    with pytest.raises(InputError, match="without the log-probabilities .* Set readout: samples"):
        entry_of(request, echoed([], []), endpoint)  # as llama.cpp's server: of the generated token only


def drawn(*replies: str | None, finish: str = "stop") -> list[dict]:
    return [{"choices": [{"message": {"content": reply}, "finish_reason": finish}]} for reply in replies]


def test_share_of_the_replies_comes_with_its_number_and_standard_error() -> None:
    read = answer_with("samples", drawn("A", "a.", "important", "B", "Neither"))
    assert list(read["option"]) == pytest.approx([math.log(0.6), math.log(0.2)])
    assert list(read["label"]) == list(read["option"])
    assert list(read["samples"]) == [5, 5]
    assert list(read["standard_error"]) == pytest.approx([math.sqrt(0.24 / 5), math.sqrt(0.16 / 5)])
    assert read["mass_outside_options"].iloc[0] == pytest.approx(0.2)
    assert read[["per_token", "per_byte", "pmi", "greedy"]].isna().all(axis=None)


def test_option_that_no_reply_is_has_a_share_of_zero_not_a_small_number() -> None:
    read = answer_with("samples", drawn("A", "A", "A"))
    assert list(read["option"]) == [0, -math.inf]


def test_withheld_replies_are_missing_and_all_withheld_is_null() -> None:
    answers = [*drawn("A", "B", None), *drawn("", finish="length")]
    assert list(answer_with("samples", answers)["samples"]) == [2, 2]
    assert list(answer_with("samples", drawn("A", ""))["samples"]) == [2, 2]  # to say nothing is a reply
    read = answer_with("samples", drawn(None, None))
    assert read[["option", "samples", "standard_error"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("said", "finish", "reply", "replied"),
    [
        ("B", "stop", "B", 2),
        ("Important.", "stop", "Important.", 1),
        ("It depends", "stop", "It depends", None),
        ("B", "length", "B", None),
        (None, "stop", None, None),
    ],
)
def test_one_sample_at_temperature_0_is_a_greedy_reply(
    said: str | None, finish: str, reply: str | None, replied: int | None
) -> None:
    read = answer_with("samples", drawn(said, finish=finish), temperature=0)
    assert read["reply"].fillna("").tolist() == [reply or ""] * 2
    assert read["replied"].fillna(0).tolist() == [replied or 0] * 2


@pytest.mark.parametrize(("replies", "temperature"), [(["B", "B"], 0), (["B"], 0.5)])
def test_replies_that_are_drawn_are_not_greedy(replies: list[str], temperature: float) -> None:
    read = answer_with("samples", drawn(*replies), temperature=temperature)
    assert read[["reply", "replied"]].isna().all(axis=None)


def test_reply_that_was_cut_is_no_option() -> None:
    read = answer_with("samples", drawn("important") + drawn("important", finish="length"))
    assert list(read["option"]) == pytest.approx([math.log(0.5), -math.inf])


# The step, against an endpoint on loopback


@pytest.mark.parametrize("readout", [{"readout": "logprobs"}, SAMPLES], ids=["logprobs", "samples"])
def test_every_prompt_is_answered_once_and_the_second_run_asks_nothing(readout: dict, prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(delay=0.02)) as server:
        table = ask(prompts, server.url, **readout)
        each = readout.get("samples", 1)
        assert list(server.answered.values()) == [each] * 12
        before = (prompts.parent / "run.parquet").read_bytes()
        ask(prompts, server.url, **readout)
        assert sum(server.answered.values()) == 12 * each
    assert (prompts.parent / "run.parquet").read_bytes() == before
    assert list(table["prompt"].unique()) == list(table_of()["prompt"][:12])  # no premise
    assert server.most > 1


def test_table_has_the_endpoints_answers(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        read = ask(prompts, server.url)
    for prompt in list(table_of().itertuples())[:12]:
        (request,) = requests_of(prompt, endpoint_of(url=server.url, instruction="user"), "chat")
        top = dict(top_of(endpoint_server.name_of(request.body), 20))
        rows = read[read["prompt"] == prompt.prompt]
        assert list(rows["label"]) == pytest.approx([top["A"], top["B"]])
        assert rows["text"].iloc[0] == request.text


@pytest.mark.parametrize("readout", [{"readout": "logprobs"}, SAMPLES], ids=["logprobs", "samples"])
def test_endpoint_that_fails_in_every_way_gives_the_same_table_and_every_answer_once(
    readout: dict, prompts: Path
) -> None:
    each = readout.get("samples", 1)
    with serving(endpoint_server.Endpoint()) as server:
        port = int(server.url.split(":")[2].partition("/")[0])
        ask(prompts, server.url, "undisturbed", **readout)
    with serving(endpoint_server.Endpoint(faults=endpoint_server.FAULTS, delay=0.05), port) as server:
        ask(prompts, server.url, "disturbed", concurrency=8, **readout)
    assert set(server.outcomes) == {*endpoint_server.FAULTS, "answer"}
    assert list(server.answered.values()) == [each] * 12
    if each == 1:  # or else another sample's attempt is not told from the next of the same
        assert len(server.waits) == 3
        assert min(server.waits) >= 0.3  # Retry-After
    undisturbed, disturbed = (prompts.parent / f"{name}.parquet" for name in ("undisturbed", "disturbed"))
    assert disturbed.read_bytes() == undisturbed.read_bytes()
    assert count_answers(prompts.parent / "disturbed.sqlite") == 12 * each


def test_filtered_prompt_is_null_counted_and_not_asked_again(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(filtered="Subject 3 ")) as server:
        result = CliRunner().invoke(command, arguments(prompts, server.url))
        assert "1 of 12 prompts lack an answer: null, not imputed" in result.output
        attempts = sum(server.attempts.values())
        ask(prompts, server.url)
        assert sum(server.attempts.values()) == attempts
    read = read_table(prompts.parent / "run.parquet", Answers)
    missing = read[read["label"].isna()]
    assert list(missing["prompt"]) == [f"{4:016x}"] * 2
    assert len(read) == 24


def test_more_failures_than_may_be_stop_the_step_and_the_rest_follows_later(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(faults=("500",), each=3)) as server:
        port = int(server.url.split(":")[2].partition("/")[0])
        tells = [server.url, "failed, each 1 times", "status 500", "what was answered is kept"]
        stops(*arguments(prompts, server.url, retries=0), tells=tells)
    with serving(endpoint_server.Endpoint(), port) as server:
        assert ask(prompts, server.url)["label"].notna().all()
        assert sum(server.answered.values()) == 12


def test_failures_that_may_be_are_null(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(faults=("500",), each=1)) as server:
        read = ask(prompts, server.url, retries=0, max_failed=12)
    assert read["label"].isna().all()
    assert len(read) == 24


def test_budget_of_requests_stops_cleanly_and_a_larger_one_goes_on(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        tells = [server.url, "the budget of max_requests: 5 is used up", "Set a larger one and run again"]
        stops(*arguments(prompts, server.url, max_requests=5), tells=tells)
        assert count_answers(prompts.parent / "run.sqlite") == 5
        stops(*arguments(prompts, server.url, max_requests=5), tells=tells)
        assert sum(server.attempts.values()) == 5
        assert ask(prompts, server.url, max_requests=12)["label"].notna().all()
        assert sum(server.attempts.values()) == 12


def test_attempts_that_fail_count_towards_the_budget(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(faults=("500",), each=9)) as server:
        stops(*arguments(prompts, server.url, max_requests=6), tells=["max_requests: 6"])
        assert sum(server.attempts.values()) == 6


def test_budget_of_tokens_counts_those_of_earlier_runs(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        stops(*arguments(prompts, server.url, max_tokens=100, concurrency=1), tells=["max_tokens: 100"])
        done = count_answers(prompts.parent / "run.sqlite")
        assert 1 < done < 12
        stops(*arguments(prompts, server.url, max_tokens=100), tells=["max_tokens: 100"])
        assert count_answers(prompts.parent / "run.sqlite") == done
        ask(prompts, server.url, max_tokens=10_000)


def test_uncounted_tokens_cannot_be_a_budget(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(usage=False)) as server:
        tells = ["does not say how many tokens", "set max_requests"]
        stops(*arguments(prompts, server.url, max_tokens=100), tells=tells)
        assert ask(prompts, server.url)["tokens"].isna().all()


def test_requests_keep_to_their_rate(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        ask(prompts, server.url, requests_per_minute=600)
    gaps = [after - before for before, after in zip(server.started, server.started[1:], strict=False)]
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.2)


def test_requests_wait_for_the_tokens_of_those_before(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        read = ask(prompts, server.url, tokens_per_minute=12_000, concurrency=1)
    tokens = read.drop_duplicates("prompt")["tokens"].sum() + 11  # and one of each reply but the last
    assert server.started[-1] - server.started[0] >= (tokens - 40) * 60 / 12_000


# Refusals


def test_refused_key_stops_at_once_and_names_its_variable_but_not_the_key(
    prompts: Path, stops: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINI_KEY", KEY)
    with serving(endpoint_server.Endpoint(key="another")) as server:
        tells = [server.url, "refused the key (status 401)", "Check the variable MINI_KEY"]
        said = stops(*arguments(prompts, server.url, key_env="MINI_KEY", concurrency=1), tells=tells)
        assert sum(server.attempts.values()) == 1
    assert KEY not in said


def test_key_is_sent_and_is_in_no_file_and_no_line(
    prompts: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("MINI_KEY", KEY)
    with serving(endpoint_server.Endpoint(key=KEY, faults=endpoint_server.FAULTS)) as server:
        arguments_ = arguments(prompts, server.url, key_env="MINI_KEY", concurrency=12)
        done = subprocess.run(
            [(warm_programs() or BIN) / "selfalign", "ask", *arguments_], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert len(server.answered) == 12
    assert KEY not in done.stdout + done.stderr
    made = [path for path in prompts.parent.rglob("*") if path.is_file()]
    assert {path.name for path in made} == {"prompts.parquet", "run.sqlite", "run.parquet"}
    assert not any(KEY.encode() in path.read_bytes() for path in made)


def test_key_of_another_service_is_not_sent(prompts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, KEY)
    with serving(endpoint_server.Endpoint()) as server:
        ask(prompts, server.url)
    assert len(server.headers) == 12 and all("Bearer none" in headers for headers in server.headers)
    assert not [headers for headers in server.headers if KEY in headers]
    assert not [headers for headers in server.headers if "openai-project" in headers.lower()]


def test_variable_that_is_not_set_is_named(prompts: Path, stops: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINI_KEY", raising=False)
    tells = ["the variable MINI_KEY is not set"]
    stops(*arguments(prompts, "http://127.0.0.1:9/v1", key_env="MINI_KEY"), tells=tells)


@pytest.mark.parametrize("key", ["sk-\u201cabc\u201d", "sk-a\nbc"], ids=["curly quotes", "two lines"])
def test_text_that_cannot_be_a_key_is_refused_and_not_quoted(
    key: str, prompts: Path, stops: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINI_KEY", key)
    said = stops(*arguments(prompts, "http://127.0.0.1:9/v1", key_env="MINI_KEY"), tells=["MINI_KEY", "curly quote"])
    assert "sk-" not in said


def test_error_of_a_missing_key_says_how_to_give_it(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(key=KEY)) as server:
        tells = [
            server.url,
            "wants a key, and none was given",
            "status 401",
            "write the name of the variable as key_env",
        ]
        stops(*arguments(prompts, server.url), tells=tells)


def test_unknown_model_is_reported(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        tells = [server.url, "The model `other` does not exist", "Check url and model"]
        stops(*arguments(prompts, server.url, model="other"), tells=tells)


def test_error_of_missing_log_probabilities_names_the_setting(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(logprobs=False)) as server:
        stops(*arguments(prompts, server.url), tells=[server.url, "logprobs", "Set readout: samples"])
        assert ask(prompts, server.url, **SAMPLES)["option"].notna().all()


def test_absent_endpoint_is_reported(prompts: Path, stops: Refused) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    stops(*arguments(prompts, url, retries=1), tells=[url, "failed, each 2 times", "ConnectError", "Check url"])


def test_frames_without_labels_are_refused_for_first_tokens(prompts: Path, refused: Refused) -> None:
    write_table(table_of(labels=()), prompts, Prompts)
    tells = ["no prompt shows labels", "readout: samples or echo"]
    refused("ask", *arguments(prompts, "http://127.0.0.1:9/v1"), tells=tells)


def test_unknown_setting_is_refused(prompts: Path, refused: Refused) -> None:
    refused("ask", *arguments(prompts, "-", temprature=1), tells=['"temprature"', 'Did you mean "temperature"?'])


# Killed


def test_killed_step_loses_only_what_was_on_its_way(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(delay=0.3)) as server:
        words = arguments(prompts, server.url, concurrency=2, timeout=5, **SAMPLES)
        process = subprocess.Popen([sys.executable, "-m", "selfalign", "ask", *words], stderr=subprocess.DEVNULL)
        while sum(server.answered.values()) < 20:
            time.sleep(0.01)
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        sent = sum(server.answered.values())
        kept = count_answers(prompts.parent / "run.sqlite")
        assert sent - 2 <= kept <= sent
        time.sleep(0.4)  # until it has answered those that nobody waits for
        before = sum(server.answered.values())
        read = ask(prompts, server.url, timeout=5, **SAMPLES)
        assert sum(server.answered.values()) - before == 48 - kept
    assert list(read["samples"].unique()) == [4]
    assert count_answers(prompts.parent / "run.sqlite") == 48


# In the workflow


def hosted(url: str) -> dict:
    """The small experiment of the tests, with a model behind an endpoint and a frame that shows labels."""
    endpoint = {"url": url, "model": "mini", "key_env": "MINI_KEY", "retries": 4, "timeout": 0.5}
    config = changed(
        small_settings(Path("no weights")), "models", value={"hosted": {"label": "H", "endpoint": endpoint}}
    )
    return changed(changed(config, "prompts", value={"frames": ["letters"]}), "run", "models", value=["hosted"])


def test_workflow_asks_the_endpoint_and_fetches_no_weights(plain: Project) -> None:
    write_small_inputs(plain)
    plain.environment["MINI_KEY"] = KEY
    with serving(endpoint_server.Endpoint(key=KEY, faults=endpoint_server.FAULTS)) as server:
        run = plain.snakemake("results/default/answers/hosted/en.parquet", config=hosted(server.url))
    assert run.code == 0, run.output
    assert set(run.finished()) == {"simulate_survey", "parse_wvs7", "weigh_answers", "select_probes", "map_poles"} | {
        "measure_similarity",
        "rank_demonstrations",
        "design_prompts",
        "ask",
    }
    read = read_table(plain.folder / "results/default/answers/hosted/en.parquet", Answers)
    assert read["label"].notna().all()
    assert KEY not in run.output
    files = [path for path in plain.folder.rglob("*") if path.is_file()]
    assert plain.folder / "results/default/logs/ask/hosted/en.log" in files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_greedy_replies_of_an_endpoint_are_compared_as_a_local_models(plain: Project) -> None:
    write_small_inputs(plain)
    config = hosted("http://127.0.0.1:1/v1")
    endpoint = config["models"]["hosted"]["endpoint"]
    for temperature, planned in ((0, 1), (0.5, 0)):
        greedy = {"readout": "samples", "samples": 1, "temperature": temperature}
        run = plain.snakemake(
            "--dry-run", config=changed(config, "models", "hosted", "endpoint", value=endpoint | greedy)
        )
        assert run.code == 0, run.output
        assert run.planned()["compare_replies"] == planned


def settings_of(model: dict) -> dict:
    """The project's own settings, with one more model."""
    config = read_settings()
    return config | {"models": config["models"] | {"hosted": {"label": "H"} | model}}


SOURCE = {"folder": "weights"}
ENDPOINT = {"url": "https://lab.example/v1", "model": "mini"}


def test_model_behind_an_endpoint_is_a_setting() -> None:
    settings = settings_of({"endpoint": ENDPOINT})
    check_settings(settings)
    model = settings["models"]["hosted"]
    assert model["endpoint"].items() >= ENDPOINT.items() and model.get("source") is None
    with pytest.raises(InputError, match="endpont"):
        check_settings(settings_of({"endpont": ENDPOINT}))


@pytest.mark.parametrize(
    ("model", "tells"),
    [
        pytest.param({}, ["models.hosted", "no source", "endpoint"], id="neither"),
        pytest.param({"source": SOURCE, "endpoint": ENDPOINT}, ["both a source and an endpoint"], id="both"),
        pytest.param({"endpoint": {"url": "https://lab.example"}}, ["models.hosted.endpoint", "model"], id="no model"),
        pytest.param({"endpoint": ENDPOINT | {"key": KEY}}, ['"key"', 'Did you mean "key_env"?'], id="a key"),
        pytest.param({"endpoint": ENDPOINT | {"readout": "logits"}}, ["endpoint.readout", "logits"], id="a readout"),
        pytest.param({"endpoint": ENDPOINT | {"url": f"https://lab.example/v1?key={KEY}"}}, ["url"], id="in a query"),
        pytest.param({"endpoint": ENDPOINT | {"url": f"https://me:{KEY}@lab.example/v1"}}, ["key_env"], id="a login"),
    ],
)
def test_mistake_in_an_endpoint_is_reported_before_anything_runs(model: dict, tells: list[str]) -> None:
    with pytest.raises(InputError) as refusal:
        check_settings(settings_of(model))
    assert all(part in str(refusal.value) for part in tells), refusal.value
    assert KEY not in str(refusal.value)


# Real servers


def local_answers(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], table: pd.DataFrame, form: str
) -> dict[str, tuple[float, ...]]:
    """Log-probabilities of labels and options by the reference engine of this project, by prompt."""
    model, tokenizer = speaker
    batches = score(model, render(table, PromptFormat(tokenizer, form), None), "naive", 512)
    return {prompt.prompt: answers for batch in batches for prompt, answers in batch.answers}


@pytest.fixture(scope="module")
def transformers_server(smollm2: Path) -> Iterator[str]:
    """Address of `transformers serve`, which serves SmolLM2 in a thread of this process."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = Serve(str(smollm2), host="127.0.0.1", port=port, device="cpu", dtype="float32", non_blocking=True)
    try:
        while not serve.server.started:
            assert serve._thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        serve.kill_server()


def test_shares_of_a_real_servers_replies_are_the_local_engines_probabilities(
    transformers_server: str,
    smollm2: Path,
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase],
    prompts: Path,
) -> None:
    table = table_of(1, labels=()).assign(system="A or B?", asked="C?", options='["A", "B"]')
    table["shown"] = ['[["D?", "B"]]', "[]"]
    write_table(table, prompts, Prompts)
    # It draws only if told to, in its own words, whatever the temperature.
    drawing = {"do_sample": True, "top_k": 0, "eos_token_id": 2, "pad_token_id": 2}
    settings = {"readout": "samples", "samples": 16, "reply_tokens": 3, "seed": 1, "concurrency": 1, "timeout": 60}
    settings |= {"model": str(smollm2), "extra": {"generation_config": json.dumps(drawing)}}
    read = ask(prompts, transformers_server, **settings)
    exact = local_answers(speaker, table.head(1), "chat")
    assert list(read["samples"]) == [16] * 2
    expected = [math.exp(exact[row.prompt][row.place - 1]) for row in read.itertuples()]
    bounds = [3 * math.sqrt(p * (1 - p) / 16) + 0.02 for p in expected]  # the seed is fixed
    assert max(bounds) < max(expected), "a server that gives other replies would pass"
    assert max(bounds) < 1 - max(expected), "a server that always gives the likeliest reply would pass"
    assert max(expected) - min(expected) > min(bounds), "a server that exchanges them would pass"
    for share, p, bound in zip(read["option"].map(math.exp), expected, bounds, strict=True):
        assert abs(share - p) <= bound


@pytest.mark.skipif("SELFALIGN_TEST_ENDPOINT" not in os.environ, reason="no server to ask: docs/endpoints.md says how")
@pytest.mark.parametrize(
    ("form", "readout"), [("chat", "logprobs"), ("plain", "logprobs"), ("plain", "echo"), ("chat", "echo")]
)
def test_log_probabilities_of_a_real_server_are_the_local_engines(
    form: str, readout: str, speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], prompts: Path
) -> None:
    table = table_of(6)
    write_table(table, prompts, Prompts)
    settings = {"readout": readout, "model": os.environ.get("SELFALIGN_TEST_MODEL", "smollm2"), "timeout": 120}
    settings |= {"top_logprobs": 5} if (form, readout) == ("plain", "logprobs") else {}
    words = arguments(prompts, os.environ["SELFALIGN_TEST_ENDPOINT"], **settings)
    words[words.index("--format") + 1] = form
    assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    read = read_table(prompts.parent / "run.parquet", Answers)
    exact = local_answers(speaker, table, form)
    compared = 0
    for row in read.itertuples():
        answers = exact[row.prompt]
        labels, options = (answers[:2], answers[2:]) if len(answers) == 4 else ((math.nan, math.nan), answers)
        for got, expected in ((row.label, labels[row.place - 1]), (row.option, options[row.place - 1])):
            if not math.isnan(got):
                assert got == pytest.approx(expected, abs=2e-4)  # each engine is within 1e-4
                compared += 1
    assert compared >= 12 if readout == "logprobs" and form == "chat" else compared >= 6
