"""From a prompt's messages to the text and the tokens that a model gets."""

from dataclasses import dataclass

import pandas as pd
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from selfalign.errors import InputError

FORMATS = ("chat", "plain")
"""`chat`: the model's own chat template with its generation prompt; `plain`: bare text, for base models."""


@dataclass(frozen=True)
class Rendered:
    """A prompt as a model gets it: its text, its token ids, and the token ids of the two labels after it."""

    prompt: str
    text: str
    tokens: tuple[int, ...]
    labels: tuple[tuple[int, ...], tuple[int, ...]]


def render(prompts: pd.DataFrame, tokenizer: PreTrainedTokenizerBase, form: str, context: int) -> list[Rendered]:
    """Render every prompt for a model.

    Args:
        prompts: a `Prompts` table.
        tokenizer: of the model.
        form: one of `FORMATS`.
        context: the most tokens that the model takes.

    Raises:
        InputError: the tokenizer has no chat template, a prompt is too long, or a label does not stay apart from
            the text before it when both are tokenized.
    """
    if form == "chat" and not tokenizer.chat_template:
        raise InputError(
            tokenizer.name_or_path,
            "the tokenizer has no chat template",
            "Set format: plain for this model (a base model)",
        )
    return [_render_one(prompt, tokenizer, form, context) for prompt in prompts.itertuples()]


def _render_one(prompt: tuple, tokenizer: PreTrainedTokenizerBase, form: str, context: int) -> Rendered:
    text, lead = _chat(prompt, tokenizer), ""
    if form == "plain":
        text, lead = f"{prompt.system}\n\n{prompt.user}", " "
    special = form == "plain"
    tokens = tuple(tokenizer(text, add_special_tokens=special).input_ids)
    labels = []
    for label in (prompt.label_first, prompt.label_second):
        whole = tuple(tokenizer(text + lead + label, add_special_tokens=special).input_ids)
        if whole[: len(tokens)] != tokens or len(whole) == len(tokens):
            raise InputError(
                f"prompt {prompt.prompt}",
                "the label merges with the text before it when tokenized",
                "Choose other labels in the template",
                column="labels",
                value=label,
            )
        labels.append(whole[len(tokens) :])
    if max(map(len, labels)) + len(tokens) > context:
        raise InputError(
            f"prompt {prompt.prompt}",
            f"has {len(tokens)} tokens, the model takes {context}",
            "Use fewer shots or a model with a longer context; prompts are never cut",
        )
    return Rendered(prompt.prompt, text, tokens, (labels[0], labels[1]))


def _chat(prompt: tuple, tokenizer: PreTrainedTokenizerBase) -> str:
    if not tokenizer.chat_template:
        return ""
    system, user = {"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}
    try:
        return tokenizer.apply_chat_template([system, user], tokenize=False, add_generation_prompt=True)
    except TemplateError:
        # Some templates (Gemma's) refuse the system role: the instruction then opens the user's turn.
        user["content"] = f"{prompt.system}\n\n{prompt.user}"
        return tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
