"""Progress bars of long steps, with the time that is left."""

import os
import stat
from collections.abc import Iterable
from typing import Any, TextIO, TypeVar, overload

from tqdm import tqdm

from selfalign.errors import TERMINAL

T = TypeVar("T")

_DELAY = 5  # seconds: shorter steps show no bar


@overload
def show_progress(description: str, unit: str, total: int) -> "tqdm[None]": ...


@overload
def show_progress(description: str, unit: str, total: int | None = None, *, items: Iterable[T]) -> "tqdm[T]": ...


def show_progress(
    description: str, unit: str, total: int | None = None, *, items: Iterable[Any] | None = None
) -> "tqdm[Any]":
    """A progress bar that appears after some seconds, on the user's screen and not in a job's log.

    Args:
        description: of the step.
        unit: of its parts.
        total: number of parts; if not given, the number of `items`.
        items: the parts, to be iterated over; without them, call `update` for each part.
    """
    return tqdm(items, description, total, unit=unit, mininterval=_DELAY, delay=_DELAY, file=_screen())


def _screen() -> TextIO | None:
    """The open file that leads to the user's screen if stderr is a job's log; None (stderr) otherwise."""
    try:
        if stat.S_ISREG(os.fstat(2).st_mode):
            return open(int(os.environ[TERMINAL]), "w", encoding="utf-8", closefd=False)
    except (KeyError, ValueError, OSError):
        pass
    return None
