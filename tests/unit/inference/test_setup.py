"""The facts behind the fingerprint of a local model's answers: the same for infer, for a plan and for verify."""

from dataclasses import fields, replace

import pytest
from selfalign.audit.verify.rerun import read_options
from selfalign.inference.local import setup
from selfalign.inference.local.setup import Setup
from selfalign.ledger.rows import fingerprint_of

CARD = {"weights_sha256": "1", "tokenizer_sha256": "2", "chat_template_sha256": "3", "context_length": 512}
USUAL = Setup("chat", "float32", "packed", "sdpa", {"enable_thinking": False}, "turns")


def test_fingerprint_is_the_recorded_one() -> None:
    # The answers in users' ledgers are found under such fingerprints. This one was recorded on 28 November 2026.
    assert fingerprint_of(USUAL.facts(CARD, "cpu")) == "963b0d46b022e447"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_answers_by_a_rounded_output_layer_are_not_used_again(dtype: str) -> None:
    facts = replace(USUAL, dtype=dtype).facts(CARD, "cpu")
    assert facts.pop("head") == "float32"
    assert "head" not in USUAL.facts(CARD, "cpu")
    assert fingerprint_of(facts) != fingerprint_of(replace(USUAL, dtype=dtype).facts(CARD, "cpu"))


def test_facts_change_only_with_causes_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = fingerprint_of(USUAL.facts(CARD, "cpu"))
    assert usual == fingerprint_of(USUAL.facts(dict(reversed(CARD.items())) | {"parameters": 5}, "cpu"))
    changes = {one.name: {} if one.name == "template" else "other" for one in fields(Setup)}
    others = [replace(USUAL, **{name: value}).facts(CARD, "cpu") for name, value in changes.items()]
    others += [USUAL.facts(CARD | {key: "9"}, "cpu") for key in CARD if "sha256" in key]
    others.append(USUAL.facts(CARD, "cuda"))
    monkeypatch.setattr(setup, "VERSION", setup.VERSION + "+")
    others.append(USUAL.facts(CARD, "cpu"))
    assert len({usual, *map(fingerprint_of, others)}) == 1 + len(changes) + 3 + 2


def test_settings_of_a_model_and_options_of_infer_give_the_same_setup() -> None:
    settings = {
        "label": "A model",
        "format": "plain",
        "dtype": "bfloat16",
        "device": "auto",
        "engine": "naive",
        "attention": "eager",
        "template": {"enable_thinking": False},
        "shown": "message",
    }
    options = ["--format", "plain", "--dtype", "bfloat16", "--device", "auto", "--engine", "naive"]
    options += ["--attention", "eager", "--template", '{"enable_thinking": false}', "--shown", "message"]
    files = {"prompts": "p.parquet", "card": "m.json", "weights": "w", "ledger": "l.sqlite", "output": "a.parquet"}
    for name, file in files.items():
        options += [f"--{name}", file]
    read = read_options("infer", [*options, "--row-tokens", "64", "--threads", "1"])
    expected = Setup("plain", "bfloat16", "naive", "eager", {"enable_thinking": False}, "message")
    assert Setup.of_model(settings) == Setup.of_options(read) == expected
