"""The marks that models put around their thoughts."""

import re

_WORDS = "(?:think|thinking|thought|reasoning)"

OPENED = re.compile(
    rf"<\|?(?:\w+:)?(?:start_|begin_of_)?{_WORDS}\|?>|<\|channel>{_WORDS}\b|\[think\]|◁think▷", re.IGNORECASE
)
"""The beginning of a thought. Gemma 4 writes `<|channel>thought`."""

CLOSED = re.compile(rf"<\|?(?:/(?:\w+:)?|end_|end_of_){_WORDS}\|?>|<channel\|>|\[/think\]|◁/think▷", re.IGNORECASE)
"""The end of a thought. Gemma 4 writes `<channel|>`."""


def is_open(text: str) -> bool:
    """Whether a text opens a thought and does not close it."""
    return len(OPENED.findall(text)) > len(CLOSED.findall(text))


def is_closed_thought(text: str) -> bool:
    """Whether a text is a thought from its beginning to its end, with white space around it at most."""
    text = text.strip()
    ends = [mark.end() for mark in CLOSED.finditer(text)]
    return OPENED.match(text) is not None and ends[-1:] == [len(text)]


def after_thought(reply: str) -> str:
    """A reply without the thought before it.

    A template may write the beginning of the thought into the prompt. The reply then has the end alone.
    """
    closed = CLOSED.search(reply)
    if closed is None:
        return reply
    opened = OPENED.search(reply, 0, closed.start())
    answered = opened is not None and reply[: opened.start()].strip()
    return reply if answered else reply[closed.end() :]
