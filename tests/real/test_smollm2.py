"""SmolLM2: its prompts, its options, and its answers in rows and alone."""

import json

import numpy as np
import pandas as pd
import pytest
from bank import bank_texts
from selfalign.inference.choices import FORMATS
from tiny import CASES, POLITICS, PRESS, RELIGION, SYSTEM, score_all, speak, table_of
from transformers import PreTrainedModel, PreTrainedTokenizerBase

CAPITALS = ("Has", "Lacks it")
"""Options that begin with a capital have fewer openings, so the naive engine computes fewer sequences."""


def test_chat_is_rendered_as_the_model_was_taught(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[:1]))
    assert prompt.text == (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{PRESS}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert speaker[1].decode(prompt.tokens) == prompt.text
    assert [speaker[1].decode(answer) for answer in prompt.answers] == ["A", "B", "has<|im_end|>", "lacks it<|im_end|>"]
    assert [len(answer) for answer in prompt.answers][:3] == [1, 1, 2]


def test_demonstrations_are_earlier_turns_of_a_chat(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[3:]))
    assert prompt.text == (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{POLITICS}<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n"
        f"<|im_start|>user\n{RELIGION}<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        f"<|im_start|>user\n{PRESS}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_plain_text_is_instruction_and_question_and_its_answer_follows_a_space(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase],
) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[:1]), "plain")
    assert prompt.text == f"{SYSTEM}\n\n{PRESS}\nAnswer:"
    assert [speaker[1].decode(answer) for answer in prompt.answers] == [" A", " B", " has\n\n", " lacks it\n\n"]
    assert [len(answer) for answer in prompt.answers] == [1, 1, 3, 4]


@pytest.mark.parametrize(("form", "answer"), [("chat", "{}<|im_end|>"), ("plain", " {}\n\n")])
def test_option_ends_where_the_models_turn_or_line_ends(
    form: str, answer: str, speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    table = table_of(CASES[:1], ("would", "would not"), labels=())
    prompt, *_ = speak(speaker[1], table, form)
    decoded = [speaker[1].decode(tokens) for tokens in prompt.answers]
    assert decoded == [answer.format("would"), answer.format("would not")]
    assert prompt.text == speak(speaker[1], table_of(CASES[:1]), form)[0].text


@pytest.mark.parametrize("form", FORMATS)
def test_no_real_option_begins_with_the_other(
    form: str, speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    texts = pd.concat(map(bank_texts, ("en", "es")))
    options = list(zip(texts["option_a"], texts["option_b"], strict=True))
    assert any(a.startswith(b) or b.startswith(a) for a, b in options)
    table = table_of([([], statement) for statement in texts["statement"]], labels=())
    table["options"] = [*map(json.dumps, options), table["options"].iloc[-1]]
    for prompt in speak(speaker[1], table, form)[:-1]:
        one, other = prompt.answers
        assert one[: len(other)] != other and other[: len(one)] != one


@pytest.fixture(scope="module")
def naive(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> np.ndarray:
    """Log-probabilities of A, B, the options and their openings by the naive engine (prompts x answers)."""
    model, tokenizer = speaker
    *prompts, _ = speak(tokenizer, table_of(CASES[1:3], CAPITALS))
    return np.array(score_all(model, prompts, "naive"))


@pytest.mark.parametrize("labels", [pytest.param(("A", "B"), id="letters"), pytest.param((), id="words")])
def test_rows_of_the_real_model_answer_as_single_prompts_do(
    labels: tuple[str, ...], speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], naive: np.ndarray
) -> None:
    model, tokenizer = speaker
    *prompts, _ = speak(tokenizer, table_of(CASES[1:3], CAPITALS, labels))
    packed = np.array(score_all(model, prompts, "packed"))
    assert np.abs(packed - naive[:, 2 - len(labels) :]).max() <= 1e-4
    assert np.std(packed, axis=0).min() > 0.01  # the prompts do matter
    assert (np.exp(packed)[:, :2].sum(axis=1) < 1).all()
    if labels:
        assert (np.exp(packed)[:, :2].sum(axis=1) > 0.1).all()
