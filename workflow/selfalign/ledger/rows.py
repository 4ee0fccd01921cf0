"""A recorded answer as a row of a ledger: its columns, its digest, and the rules for its numbers."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple


class LedgerRow(NamedTuple):
    """A row of the table `answers`, in the order of its columns. The digest is of the other columns."""

    fingerprint: str
    key: str
    prompt: str
    text: str
    tokens: int
    scores: str
    digest: str


COLUMNS = ", ".join(LedgerRow._fields)
"""The columns of a row, for SQL. SQLite refuses a table that lacks one of them."""

CHECK = "check"
"""Stands for the prompt's id in an answer that is of no prompt, but shows how an endpoint's template works."""


@dataclass(frozen=True)
class Entry:
    """One answered prompt.

    Args:
        key: hash of the model's input.
        prompt: id of the prompt.
        text: the model's input as text.
        tokens: length of the input in tokens.
        scores: the answer, as JSON. The name `log_p` has log-probabilities in nats, with None for an unknown one.
            Other names are free.
    """

    key: str
    prompt: str
    text: str
    tokens: int
    scores: dict[str, Any]

    @classmethod
    def from_row(cls, row: LedgerRow) -> "Entry":
        """The answer that a row of a ledger records."""
        return cls(row.key, row.prompt, row.text, row.tokens, json.loads(row.scores))

    def to_row(self, fingerprint: str) -> LedgerRow:
        """The row of the answer under a fingerprint, with its digest."""
        columns = (fingerprint, self.key, self.prompt, self.text, self.tokens, to_json(self.scores))
        return LedgerRow(*columns, digest_of(*columns))


def fingerprint_of(facts: dict[str, object]) -> str:
    """Hash of all facts that decide an answer, except the model's input: 16 hexadecimal digits.

    Args:
        facts: digests of the model's files, and settings of its computation, as JSON.
    """
    return _hash_facts(to_json(facts))


def has_fingerprint(facts: str, fingerprint: str) -> bool:
    """Whether facts, as the text that a ledger stores, have this fingerprint."""
    return _hash_facts(facts) == fingerprint


def _hash_facts(facts: str) -> str:
    return hashlib.sha256(_encode(facts)).hexdigest()[:16]


def digest_of(*columns: object) -> str:
    """Hash of a row's columns: 32 hexadecimal digits. The length of each column is hashed before the column."""
    parts = [_encode(str(column)) for column in columns]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()[:32]


def has_its_digest(row: LedgerRow) -> bool:
    """Whether a row is the same as when it was recorded."""
    return row.digest == digest_of(*row[:-1])


def check_row(row: LedgerRow) -> None:
    """Check that a row is the same as when it was recorded, and that its numbers can be an answer.

    Raises:
        ValueError: a check fails. The message is the end of a sentence about the row.
    """
    if not has_its_digest(row):
        raise ValueError("does not match its digest")
    try:
        scores = json.loads(row.scores)
    except json.JSONDecodeError:
        raise ValueError("has scores that are not JSON") from None
    check_scores(scores)


def check_scores(scores: dict[str, Any]) -> None:
    """Check the numbers of an answer.

    Raises:
        ValueError: a number is not finite, or a log-probability is above 0.
    """
    if not isinstance(scores, dict):
        raise ValueError("has scores without names")
    for name, value in scores.items():
        numbers = list(_numbers(value))
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f'has a number in "{name}" that is not finite')
        if name == "log_p" and any(number > 0 for number in numbers):
            raise ValueError(f"has a log-probability above 0 ({max(numbers)!r})")


def to_json(value: object) -> str:
    """A value as the JSON text that a ledger stores."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _numbers(value: object) -> Iterator[float]:
    """All numbers in a JSON value."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, dict):
        yield from _numbers(list(value.values()))
