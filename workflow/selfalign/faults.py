"""Mistakes of a user that are collected and reported together."""

from typing import Unpack

from selfalign.errors import LISTED, InputError, Place


class Faults:
    """A collection of mistakes in what the user gave."""

    def __init__(self) -> None:
        self._found: list[InputError] = []

    def add(self, file: object, problem: str, remedy: str, **place: Unpack[Place]) -> None:
        """Note a mistake; the arguments are those of `InputError`."""
        self._found.append(InputError(file, problem, remedy, **place))

    def refuse(self) -> None:
        """Raise the mistakes as one `InputError`, if there are any."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise CollectedError(self._found)


class CollectedError(InputError):
    """Several mistakes in one paragraph."""

    def __init__(self, errors: list[InputError]) -> None:
        numbered = [f"({number}) {error}" for number, error in enumerate(errors[:LISTED], start=1)]
        more = [f"And {len(errors) - LISTED} more mistakes."] if len(errors) > LISTED else []
        Exception.__init__(self, " ".join([f"{len(errors)} mistakes were found.", *numbered, *more]))
