"""A prompt as words: the messages of a chat, or bare text."""

import json


def messages_of(prompt: tuple) -> list[dict[str, str]]:
    """Messages of a chat: the instruction, the demonstrations as earlier turns, the question; of a premise, the cue
    in the question's place.

    Args:
        prompt: a row of a `Prompts` table, as a named tuple.
    """
    turns = [("system", prompt.system)]
    for question, shown in json.loads(prompt.shown):
        turns += [("user", question), ("assistant", shown)]
    turns.append(("user", prompt.asked or prompt.cue))
    return [{"role": role, "content": content} for role, content in turns]


def without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same messages for a model that knows no system role (Gemma): the instruction opens the first user's turn."""
    first = {"role": "user", "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return [first, *messages[2:]]


def plain_text(prompt: tuple, answer: str | None = None, closed: bool = False) -> str:
    """Bare text of a prompt, and of an answer to it; a closed answer ends with its line.

    Args:
        prompt: a row of a `Prompts` table, as a named tuple.
        answer: what follows the prompt, if anything.
        closed: whether the answer ends there.
    """
    shown = [f"{question}\n{prompt.cue} {shown}" for question, shown in json.loads(prompt.shown)]
    asked = f"{prompt.asked}\n{prompt.cue}" if prompt.asked else prompt.cue
    text = "\n\n".join([prompt.system, *shown, asked])
    return text if answer is None else f"{text} {answer}" + ("\n" if closed else "")
