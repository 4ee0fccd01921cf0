"""A prompt as words: the messages of a chat, or bare text."""

import json
from typing import Protocol

import pandas as pd

from selfalign.errors import InputError

BREAK = "\n\n"
"""The end of an answer in bare text: the blank line before the next question."""


class Prompt(Protocol):
    """A row of a `Prompts` table, as a named tuple."""

    prompt: str
    system: str
    shown: str
    asked: str
    cue: str
    options: str
    labels: str
    premise: str


def messages_of(prompt: Prompt) -> list[dict[str, str]]:
    """Messages of a chat: the instruction, the demonstrations as earlier turns, the question."""
    turns = [("system", prompt.system)]
    for question, shown in json.loads(prompt.shown):
        turns += [("user", question), ("assistant", shown)]
    turns.append(("user", prompt.asked))
    return [{"role": role, "content": content} for role, content in turns]


def without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The messages for a model without a system role (Gemma): the instruction opens the first user's turn."""
    first = {"role": "user", "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return [first, *messages[2:]]


def plain_text(prompt: Prompt, answer: str | None = None, closed: bool = False) -> str:
    """Bare text of a prompt, and of an answer to it.

    A closed answer ends like a demonstration's: `BREAK` and the first character of a question follow. They are needed
    because some tokenizers split white space differently at the end of a text.

    Args:
        prompt: a row of a `Prompts` table.
        answer: text after the prompt, if any.
        closed: whether the answer ends there.
    """
    text = BREAK.join([prompt.system, *_demonstrate(prompt), asked_after(prompt)])
    return text if answer is None else f"{text} {answer}" + (BREAK + prompt.asked[:1] if closed else "")


def plain_ends(prompt: Prompt) -> list[int]:
    """The place in the bare text of a prompt where the answer of each demonstration ends, in characters."""
    ends, place = [], len(prompt.system)
    for shown in _demonstrate(prompt):
        place += len(BREAK) + len(shown)
        ends.append(place)
    return ends


def asked_after(prompt: Prompt) -> str:
    """The question of a prompt in bare text, with the cue after it."""
    return f"{prompt.asked}\n{prompt.cue}"


def _demonstrate(prompt: Prompt) -> list[str]:
    return [f"{question}\n{prompt.cue} {answer}" for question, answer in json.loads(prompt.shown)]


def place_demonstrations(prompts: pd.DataFrame, shown: str, form: str) -> pd.DataFrame:
    """Prompts with their demonstrations in the place that the setting `shown` names.

    In one message, the demonstrations come first, one per line. The question follows after an empty line. A line has
    the demonstration's question, its other lines in brackets, the cue and the answer: "Family is ___ in my
    life. (A: important / B: unimportant) Answer: A". A prompt without demonstrations is the same in both forms.

    Args:
        prompts: a `Prompts` table.
        shown: one of `choices.SHOWN`.
        form: `chat` or `plain`.

    Returns:
        A `Prompts` table. Its prompts keep their ids.

    Raises:
        InputError: the prompts are bare text, which has no messages.
    """
    if shown == "turns":
        return prompts
    if form == "plain":
        problem = "message does not go with the format plain, because bare text has no messages"
        raise InputError("--shown", problem, "Set shown: turns, or format: chat, for this model")
    asked = [_in_one_message(prompt) for prompt in prompts.itertuples()]
    return prompts.assign(asked=asked, shown="[]")


def _in_one_message(prompt: Prompt) -> str:
    lines = [f"{_on_one_line(question)} {prompt.cue} {answer}" for question, answer in json.loads(prompt.shown)]
    return "\n".join([*lines, "", prompt.asked]) if lines else prompt.asked


def _on_one_line(question: str) -> str:
    first, *rest = question.split("\n")
    return f"{first} ({' / '.join(rest)})" if rest else first
