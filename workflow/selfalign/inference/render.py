"""From a prompt's messages to the text and the tokens that a model gets."""

import json
from dataclasses import dataclass

import pandas as pd
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from selfalign.errors import InputError

FORMATS = ("chat", "plain")
"""`chat`: the model's chat template, demonstrations as earlier turns; `plain`: bare text, for base models."""


@dataclass(frozen=True)
class Rendered:
    """A prompt as a model gets it: its text, its token ids, and the token ids of the two answers after it."""

    prompt: str
    text: str
    tokens: tuple[int, ...]
    answers: tuple[tuple[int, ...], tuple[int, ...]]


def render(prompts: pd.DataFrame, tokenizer: PreTrainedTokenizerBase, form: str, context: int | None) -> list[Rendered]:
    """Render every prompt for a model.

    A closed answer ends with what ends the model's turn (in bare text, the line), so that "would" does not also
    collect the probability of "would not".

    Args:
        prompts: a `Prompts` table.
        tokenizer: of the model.
        form: one of `FORMATS`.
        context: the most tokens that the model takes; None where it names no limit.

    Raises:
        InputError: the tokenizer has no chat template, a prompt is too long, or an answer does not stay apart from
            the text before it.
    """
    if form == "chat" and not tokenizer.chat_template:
        raise InputError(
            tokenizer.name_or_path,
            "the tokenizer has no chat template",
            "Set format: plain for this model (a base model)",
        )
    return [_render_one(prompt, tokenizer, form, context) for prompt in prompts.itertuples()]


def _render_one(prompt: tuple, tokenizer: PreTrainedTokenizerBase, form: str, context: int | None) -> Rendered:
    write, lead = (_chat, "") if form == "chat" else (_plain, " ")
    special = form == "plain"  # a chat template writes its special tokens itself
    text = write(prompt, None, tokenizer)
    tokens = tuple(tokenizer(text, add_special_tokens=special).input_ids)
    answers = []
    for answer in (prompt.answer_first, prompt.answer_second):
        whole = write(prompt, answer, tokenizer)
        both = tuple(tokenizer(whole, add_special_tokens=special).input_ids)
        # Some chat templates write thoughts before an answer, or the tokenizer joins it to what stands before it.
        if not whole.startswith(text + lead + answer) or both[: len(tokens)] != tokens or len(both) == len(tokens):
            raise InputError(
                f"prompt {prompt.prompt}",
                "the answer does not follow the prompt directly, as tokens of its own",
                "Choose other answers in the frame, or another format for this model",
                column="answer",
                value=answer,
            )
        answers.append(both[len(tokens) :])
    length = len(tokens) + max(map(len, answers))
    if context is not None and length > context:
        raise InputError(
            f"prompt {prompt.prompt}",
            f"has {length} tokens with its answer, the model takes {context}",
            "Use fewer shots or a model with a longer context; prompts are never cut",
        )
    return Rendered(prompt.prompt, text, tokens, (answers[0], answers[1]))


def _plain(prompt: tuple, answer: str | None, tokenizer: PreTrainedTokenizerBase) -> str:
    shown = [f"{question}\n{prompt.cue} {shown}" for question, shown in json.loads(prompt.shown)]
    text = "\n\n".join([prompt.system, *shown, f"{prompt.asked}\n{prompt.cue}"])
    return text if answer is None else f"{text} {answer}" + ("\n" if prompt.closed else "")


def _chat(prompt: tuple, answer: str | None, tokenizer: PreTrainedTokenizerBase) -> str:
    turns = [("system", prompt.system)]
    for question, shown in json.loads(prompt.shown):
        turns += [("user", question), ("assistant", shown)]
    turns.append(("user", prompt.asked))
    if answer is not None and prompt.closed:
        return _apply_template(tokenizer, [*turns, ("assistant", answer)]).removesuffix("\n")
    return _apply_template(tokenizer, turns) + (answer or "")


def _apply_template(tokenizer: PreTrainedTokenizerBase, turns: list[tuple[str, str]]) -> str:
    messages = [{"role": role, "content": content} for role, content in turns]
    to_answer = turns[-1][0] == "user"
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=to_answer)
    except TemplateError:
        # Some templates (Gemma's) refuse the system role: the instruction then opens the first user's turn.
        messages[1]["content"] = f"{turns[0][1]}\n\n{turns[1][1]}"
        return tokenizer.apply_chat_template(messages[1:], tokenize=False, add_generation_prompt=to_answer)
