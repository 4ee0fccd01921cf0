"""The small requests that check an endpoint's template, sent to a server on loopback."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import endpoint_server
import pytest
from asking import SAMPLES, arguments, ask, count_answers, endpoint_of, table_of, write_prompts
from click.testing import CliRunner
from echoing import speaking
from endpoint_server import serving
from refusal import Refused
from rendering import TURNS, byte_tokenizer
from selfalign.inference.endpoint.ask import command
from selfalign.inference.endpoint.checks import checks_of
from selfalign.inference.endpoint.requests import requests_of

DROPS = TURNS.replace("for m in messages", "for m in messages if m.role != 'system'")
OWN = "{% if messages[0].role != 'system' %}<|system|>Be a helpful assistant of a company.<|end|>{% endif %}" + TURNS
READOUTS = {"logprobs": {}, "samples": SAMPLES, "several samples": SAMPLES | {"samples_per_request": 3}}


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return write_prompts(tmp_path)


def known(template: str) -> endpoint_server.Endpoint:
    """A server that counts the tokens of this template, and otherwise answers as usual."""
    tokenizer = byte_tokenizer(template)

    def says(body: dict, attempt: int) -> tuple:
        said = speaking(tokenizer)(body, attempt)[1]
        top = [{"token": token, "logprob": -1.0} for token in "AB"]
        choice = {
            "message": {"content": "A"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"top_logprobs": top}]},
        }
        return 200, said | {"choices": [choice] * body.get("n", 1)}

    return endpoint_server.Endpoint(says=says)


def forget_checks(ledger: Path) -> None:
    """Make a ledger as an earlier version wrote it."""
    with closing(sqlite3.connect(ledger)) as database, database:
        database.execute("DELETE FROM answers WHERE prompt = 'check'")


@pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
def test_dropped_instruction_stops_the_job_after_two_small_requests(
    readout: dict, prompts: Path, stops: Refused
) -> None:
    tells = ["the endpoint's template drops the instruction", "Set instruction: user"]
    with serving(known(DROPS)) as server:
        words = arguments(prompts, server.url, instruction="system", **readout)
        stops(*words, tells=[server.url, *tells])
        assert server.outcomes["said"] == 2
        assert count_answers(prompts.parent / "run.sqlite") == 2
        stops(*words, tells=tells)  # the two answers are in the ledger
        assert server.outcomes["said"] == 2
        ask(prompts, server.url, "user", instruction="user", **readout)


@pytest.mark.parametrize("template", [TURNS, OWN], ids=["none", "an own one"])
@pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
def test_instruction_that_is_written_passes_also_if_the_template_has_one_of_its_own(
    template: str, readout: dict, prompts: Path
) -> None:
    with serving(known(template)) as server:
        table = ask(prompts, server.url, instruction="system", **readout)
        sent = server.outcomes["said"]
        ask(prompts, server.url, instruction="system", **readout)
        assert server.outcomes["said"] == sent
    assert sent == 2 + sum(
        len(requests_of(prompt, endpoint_of(**readout), "chat")) for prompt in table_of().itertuples()
    )
    assert set(table["prompt"]) == set(table_of()["prompt"][:12])


def test_server_that_counts_no_tokens_is_not_refused(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(usage=False)) as server:
        assert ask(prompts, server.url, instruction="system")["label"].notna().all()
        assert sum(server.answered.values()) == 14


def test_ledger_that_has_every_answer_needs_no_check(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        ask(prompts, server.url, instruction="system")
        ledger = prompts.parent / "run.sqlite"
        forget_checks(ledger)
        assert count_answers(ledger) == 12
        result = CliRunner().invoke(command, arguments(prompts, server.url, instruction="system"))
        assert "12 requests: 0 to make, 12 in the ledger" in result.output
        assert sum(server.answered.values()) == 14


def test_checks_count_towards_the_budget(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint()) as server:
        tells = ["max_requests: 5"]
        stops(*arguments(prompts, server.url, instruction="system", max_requests=5), tells=tells)
        assert sum(server.answered.values()) == count_answers(prompts.parent / "run.sqlite") == 5


@pytest.mark.parametrize("readout", ["logprobs", "samples", "echo"])
def test_checks_are_small_and_two(readout: str) -> None:
    checks = checks_of(endpoint_of(readout=readout, samples=9, samples_per_request=9), "chat")
    assert len({check.key for check in checks}) == 2
    assert all(len(json.dumps(check.body)) < 500 and "n" not in check.body for check in checks)
    assert checks_of(endpoint_of(readout=readout), "plain") == []
    without = checks_of(endpoint_of(readout=readout, instruction="user"), "chat")
    assert len(without) == (2 if readout == "echo" else 0)


def test_template_that_echo_cannot_read_stops_before_an_answer_is_paid_for(prompts: Path, stops: Refused) -> None:
    with serving(endpoint_server.Endpoint(says=speaking(byte_tokenizer(DROPS)))) as server:
        tells = ["drops the instruction", "Set instruction: user"]
        stops(*arguments(prompts, server.url, instruction="system", readout="echo"), tells=tells)
        assert server.outcomes["said"] == 2


def test_echo_of_an_old_ledger_needs_the_two_checks_only(prompts: Path) -> None:
    with serving(endpoint_server.Endpoint(says=speaking(byte_tokenizer(TURNS)))) as server:
        first = ask(prompts, server.url, readout="echo")
        sent = server.outcomes["said"]
        forget_checks(prompts.parent / "run.sqlite")
        assert ask(prompts, server.url, readout="echo").equals(first)
        assert server.outcomes["said"] == sent + 2
    assert first["option"].notna().all()
