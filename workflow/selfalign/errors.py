"""The one error that a user's mistake may raise, and how the user sees it."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TypedDict, Unpack

TERMINAL = "SELFALIGN_TERMINAL"
"""Variable of the environment: the number of the open file that leads to the user's screen. A job's own stderr is
often a log file. The Snakefile sets the variable for every job."""

LISTED = 20
"""At most so many places or mistakes are listed; the rest is counted."""


_FULL = ("there is no space left", "Free some space, then run again: recorded answers are kept")
_RIGHTS = (
    "cannot be read or written, for lack of rights",
    "Change the rights of the file and its folder, or work elsewhere",
)
_IN_THE_WAY = ("is a file, where a folder is expected", "Move or delete the file")
_OF_SYSTEM = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: ("cannot be written, because the file system is read-only", "Work in a folder that can be written"),
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
}
"""What is wrong with the user's system, and the remedy, by the number of the error."""


class Place(TypedDict, total=False):
    """Where in a file a mistake is: keywords of `InputError`."""

    row: int | None
    column: str | None
    value: object


class InputError(Exception):
    """A mistake in what the user gave, as one paragraph: the place, the problem and the remedy.

    The program prints it without a traceback and exits with code 1; any other exception is a bug.

    Args:
        file: the file (or setting) at fault.
        problem: what was got and what was expected, as a sentence without its full stop.
        remedy: what the user can do about it; a last full stop may be left out.
        row: line of the file, counted from 1 with the header as line 1.
        column: name of the column.
        value: the value at fault.
    """

    def __init__(self, file: object, problem: str, remedy: str, **where: Unpack[Place]) -> None:
        place = [str(file)]
        if (row := where.get("row")) is not None:
            place.append(f"line {row}")
        if (column := where.get("column")) is not None:
            place.append(f'column "{column}"')
        if (value := where.get("value")) is not None:
            place.append(f"value {value!r}" if isinstance(value, str) else f"value {value}")
        end = "" if remedy.endswith((".", "?")) else "."
        paragraph = f"{', '.join(place)}: {problem}. {remedy}{end}"
        super().__init__(re.sub(r"\s*\n\s*(\))?", lambda found: found[1] or " ", paragraph))


class Faults:
    """Mistakes in what the user gave, which are reported together."""

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


def explain_system(error: OSError) -> InputError | None:
    """The paragraph for a full disk, and for a file or folder that cannot be read or written; None for other errors.

    Args:
        error: of the system. A full disk may have no file name; other errors without one are not about files.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if error.errno not in _OF_SYSTEM or (error.filename is None and not full):
        return None
    problem, remedy = _OF_SYSTEM[error.errno]
    place = Path(os.fsdecode(error.filename)) if error.filename is not None else None
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        place = next((one for one in (place, *place.parents) if one.is_file()), None) if place else None
        if place is None:
            return None
    return InputError(place or "the disk", problem, remedy)


def listed(items: list[str], most: int = LISTED) -> str:
    """Some items with commas between them, and the number of the rest."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A remedy: the choice that is nearest to a word, or the choices when none is near, at most 30 of them.

    A choice that differs only in capitals is the nearest.
    """
    choices = sorted(choices)
    same = [choice for choice in choices if choice.casefold() == word.casefold()]
    if near := same or get_close_matches(word, choices, n=1):
        return f'Did you mean "{near[0]}"?'
    if not choices:
        return "There are none."
    return f"Known are: {listed(choices, 30)}."


@contextmanager
def exit_on_mistake() -> Iterator[None]:
    """Within it, a user's mistake is printed as one paragraph, and ends the program with exit code 1.

    So is a full disk, and a file that cannot be read or written.
    """
    try:
        yield
    except (InputError, OSError) as error:
        refusal = error if isinstance(error, InputError) else explain_system(error)
        if refusal is None:
            raise
        show(str(refusal))
        sys.exit(1)


def show(message: str) -> None:
    """Print a message to stderr, and also to the user's screen if stderr is the log file of a job.

    Snakemake reports a failed job only after the job has ended, and not at all with `--quiet`.
    So this message comes first, and always.
    """
    line = f"selfalign: {message}\n"
    print(line, end="", file=sys.stderr, flush=True)
    with suppress(KeyError, ValueError, OSError):
        if stat.S_ISREG(os.fstat(2).st_mode):
            os.write(int(os.environ[TERMINAL]), line.encode("utf-8", "backslashreplace"))
