"""Tables over which a test loops: an empty one would let the test pass without a check."""

from collections.abc import Sized
from typing import TypeVar

Table = TypeVar("Table", bound=Sized)


def some(table: Table) -> Table:
    """The table, list or dictionary that is given, which must not be empty."""
    assert len(table), "nothing is left to check"
    return table
