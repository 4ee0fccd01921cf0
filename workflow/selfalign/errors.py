"""The one error that a user's mistake may raise."""

from difflib import get_close_matches
from typing import Iterable


class InputError(Exception):
    """A mistake in what the user gave, told as one paragraph: where, what, and what to do.

    The program prints it without a traceback and exits with code 1; any other exception is a bug.

    Args:
        file: the file (or setting) at fault.
        problem: what was got and what was expected, as a sentence without its full stop.
        remedy: what the user can do about it, as a sentence without its full stop.
        row: line of the file, counted from 1 with the header as line 1.
        column: name of the column.
        value: the value at fault.
    """

    def __init__(
        self,
        file: object,
        problem: str,
        remedy: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        place = [str(file)]
        if row is not None:
            place.append(f"line {row}")
        if column is not None:
            place.append(f'column "{column}"')
        if value is not None:
            place.append(f"value {value!r}" if isinstance(value, str) else f"value {value}")
        super().__init__(f"{', '.join(place)}: {problem}. {remedy}.")


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint such as `; did you mean "TUR"?`-less words: `did you mean "TUR"`, or the choices when none is near."""
    choices = sorted(choices)
    near = get_close_matches(word, choices, n=1)
    if near:
        return f'Did you mean "{near[0]}"'
    return "Known are: " + ", ".join(choices)
