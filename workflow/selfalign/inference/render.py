"""From a prompt's messages to the text and the tokens that a model gets."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
from jinja2 import TemplateError
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from selfalign.errors import InputError
from selfalign.inference.messages import messages_of, plain_text, without_system

FORMATS = ("chat", "plain")
"""`chat`: the model's chat template, demonstrations as earlier turns; `plain`: bare text, for base models."""


@dataclass(frozen=True)
class Rendered:
    """A prompt as a model gets it: its text, its token ids, and the token ids of each answer after it: the labels, if
    any are shown, then the options."""

    prompt: str
    text: str
    tokens: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]

    @cached_property
    def key(self) -> str:
        """Hash of exactly what the model is asked: 16 hexadecimal digits. A template that writes today's date makes
        another key every day, and an edited one makes other keys, so an old answer is never taken for a new one."""
        return hashlib.sha256(json.dumps([self.tokens, self.answers]).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Speech:
    """How a model is spoken to: its tokenizer, one of `FORMATS`, and what its chat template is given beside the
    messages, such as a date."""

    tokenizer: PreTrainedTokenizerBase
    form: str
    template: Mapping[str, object] = field(default_factory=dict)


def render(prompts: pd.DataFrame, speech: Speech, context: int | None) -> list[Rendered]:
    """Render every prompt for a model.

    An option ends with what ends the model's turn (in bare text, the line), so that "would" does not also collect the
    probability of "would not". A label does not: it is what the model's answer begins with.

    Args:
        prompts: a `Prompts` table.
        speech: how the model is spoken to.
        context: the most tokens that the model takes; None where it names no limit.

    Raises:
        InputError: the tokenizer has no chat template, a prompt is too long, or an answer does not stay apart from
            the text before it.
    """
    if speech.form == "chat" and not speech.tokenizer.chat_template:
        raise InputError(
            speech.tokenizer.name_or_path,
            "the tokenizer has no chat template",
            "Set format: plain for this model (a base model)",
        )
    shown = tqdm(prompts.itertuples(), total=len(prompts), unit="prompt", mininterval=5, delay=5, desc="render")
    return [_render_one(prompt, speech, context) for prompt in shown]


def _render_one(prompt: tuple, speech: Speech, context: int | None) -> Rendered:
    text = _write(prompt, speech)
    tokens = _tokenize(text, speech)
    answers = tuple(
        _render_answer(prompt, answer, closed, text, tokens, speech)
        for answers, closed in ((prompt.labels, False), (prompt.options, True))
        for answer in json.loads(answers)
    )
    length = len(tokens) + max(map(len, answers))
    if context is not None and length > context:
        raise InputError(
            f"prompt {prompt.prompt}",
            f"has {length} tokens with its answer, the model takes {context}",
            "Use fewer shots or a model with a longer context; prompts are never cut",
        )
    return Rendered(prompt.prompt, text, tokens, answers)


def _render_answer(
    prompt: tuple, answer: str, closed: bool, text: str, tokens: tuple[int, ...], speech: Speech
) -> tuple[int, ...]:
    whole = _write(prompt, speech, answer, closed)
    both = _tokenize(whole, speech)
    lead = "" if speech.form == "chat" else " "
    # Some chat templates write thoughts before an answer, or the tokenizer joins it to what stands before it.
    if not whole.startswith(text + lead + answer) or both[: len(tokens)] != tokens or len(both) == len(tokens):
        raise InputError(
            f"prompt {prompt.prompt}",
            "the answer does not follow the prompt directly, as tokens of its own",
            "Choose other answers in the frame, or another format for this model",
            column="answer",
            value=answer,
        )
    return both[len(tokens) :]


def _tokenize(text: str, speech: Speech) -> tuple[int, ...]:
    # A chat template writes its special tokens itself.
    return tuple(speech.tokenizer(text, add_special_tokens=speech.form == "plain").input_ids)


def _write(prompt: tuple, speech: Speech, answer: str | None = None, closed: bool = False) -> str:
    """Text of a prompt, and of an answer to it."""
    return plain_text(prompt, answer, closed) if speech.form == "plain" else _chat(prompt, speech, answer, closed)


def _chat(prompt: tuple, speech: Speech, answer: str | None, closed: bool) -> str:
    messages = messages_of(prompt)
    if answer is not None and closed:
        return _apply_template(speech, [*messages, {"role": "assistant", "content": answer}]).removesuffix("\n")
    return _apply_template(speech, messages) + (answer or "")


def _apply_template(speech: Speech, messages: list[dict[str, str]]) -> str:
    settings = {"tokenize": False, "add_generation_prompt": messages[-1]["role"] == "user", **speech.template}
    try:
        return speech.tokenizer.apply_chat_template(messages, **settings)
    except TemplateError:
        # Some templates (Gemma's) refuse the system role: the instruction then opens the first user's turn.
        return speech.tokenizer.apply_chat_template(without_system(messages), **settings)
