"""The marks that models put around their thoughts."""

import re

_WORDS = "(?:think|thinking|thought|reasoning)"

OPENED = re.compile(rf"<\|?(?:\w+:)?(?:start_|begin_of_)?{_WORDS}\|?>|\[think\]|◁think▷", re.IGNORECASE)
"""The beginning of a thought."""

CLOSED = re.compile(rf"<\|?(?:/(?:\w+:)?|end_|end_of_){_WORDS}\|?>|\[/think\]|◁/think▷", re.IGNORECASE)
"""The end of a thought."""


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
