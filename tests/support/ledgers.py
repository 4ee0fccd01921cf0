"""Ledgers of invented answers, and damage to them."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from click.testing import CliRunner
from selfalign.cli import program
from selfalign.errors import InputError
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import Ledger

FACTS = {"weights_sha256": "0123456789abcdef" * 4, "dtype": "float32"}
OTHER_FACTS = {"weights_sha256": "fedcba9876543210" * 4, "dtype": "bfloat16"}
MARK, OTHER = fingerprint_of(FACTS), fingerprint_of(OTHER_FACTS)
HOW = {"device": "cpu", "threads": 1, "versions": {"torch": "2.13.0"}}


def entry(number: int, *log_p: float | None) -> Entry:
    text = f"text {number}\nó 어느 정도 " * 9
    return Entry(f"{number:016x}", f"{number + 99:016x}", text, 3, {"log_p": list(log_p or (-0.1 - number, -1e-300))})


def write(path: Path, entries: list[Entry], facts: dict[str, object] = FACTS, batch: int = 10) -> None:
    """Record answers, some at a time."""
    with Ledger(path) as ledger, ledger.run(facts, **HOW) as run:
        for start in range(0, len(entries), batch):
            run.record(entries[start : start + batch], tokens=100, peak_memory=10**9 + start)


def write_and_leave_journal(path: Path, entries: list[Entry]) -> None:
    """Record answers as a job that is killed: they stay in the journal."""
    with Ledger(path) as ledger, ledger.run(FACTS, **HOW) as run:
        run.record(entries)
        left = beside(path)
    for name, content in left.items():
        path.with_name(name).write_bytes(content)


def read(path: Path, mark: str = MARK) -> dict[str, Entry]:
    with Ledger(path) as ledger:
        return ledger.answered(mark)


def by_key(entries: list[Entry]) -> dict[str, Entry]:
    return {entry.key: entry for entry in entries}


@contextmanager
def tampered(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger's database, to be changed behind the ledger's back."""
    with closing(sqlite3.connect(path)) as database, database:
        yield database


def beside(path: Path) -> dict[str, bytes]:
    """A ledger's file and what lies beside it, but for the index that readers of its journal share."""
    return {file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.suffix != ".sqlite-shm"}


def as_version_1(path: Path) -> None:
    """Make a ledger as the version before wrote it: without the column for the difference."""
    with tampered(path) as database:
        database.execute("ALTER TABLE runs DROP COLUMN difference")
        database.execute("PRAGMA user_version = 1")


def damage_of(kind: str, raw: bytes, rng: random.Random) -> bytes:
    """A file's bytes with a few flipped, cut off at some place, or with a stretch of zeros."""
    place = rng.randrange(len(raw))
    if kind == "cut":
        return raw[:place]
    if kind == "cut at a page":
        return raw[: place // 4096 * 4096]
    changed = bytearray(raw)
    if kind == "zeros":
        changed[place : place + 512] = bytes(len(changed[place : place + 512]))
        return bytes(changed)
    for _ in range(rng.choice([1, 1, 3])):
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def ledger_says(*arguments: object, code: int = 0) -> str:
    """What `selfalign ledger` prints."""
    result = CliRunner().invoke(program, ["ledger", *map(str, arguments)])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output
