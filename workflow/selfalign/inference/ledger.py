"""The ledger of answers: every prompt that a model has answered, kept from run to run in one SQLite file."""

import hashlib
import json
import math
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from selfalign.errors import InputError

VERSION = 2
"""Of the tables below: SQLite's `user_version`.

Ledgers of version 0 had another table of answers. Those of version 1 lack the column `difference`. They can be
read, and a job that opens one adds the column.
"""

PATIENCE = 2
"""Seconds to wait for a passing lock, as of `selfalign ledger list`; a job holds its own to its end."""

_SCHEMA = (
    """CREATE TABLE models (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    facts TEXT NOT NULL
)""",
    """CREATE TABLE runs (
    run TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    prompts INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    peak_memory INTEGER NOT NULL,
    device TEXT NOT NULL,
    threads INTEGER NOT NULL,
    versions TEXT NOT NULL,
    difference REAL
)""",
    # Rows lie in the order in which they came, so that a batch touches few pages; the index is small.
    """CREATE TABLE answers (
    fingerprint TEXT NOT NULL,
    key TEXT NOT NULL,
    prompt TEXT NOT NULL,
    text TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    scores TEXT NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (fingerprint, key)
)""",
    f"PRAGMA user_version = {VERSION}",
)
_TABLES = {"models", "runs", "answers"}
_OF_THE_DISK = ("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_READONLY")

Row = tuple[str, str, str, str, int, str, str]
"""A row of `answers`, in the order of its columns."""


@dataclass(frozen=True)
class Entry:
    """One answered prompt.

    Args:
        key: hash of what the model was given.
        prompt: id of the prompt that it was asked for.
        text: what the model was given, as text.
        tokens: number of tokens of it.
        scores: what came back, as JSON would hold it: {"log_p": [...]} has log-probabilities in nats, None for one
            that is not known; other names are free.
    """

    key: str
    prompt: str
    text: str
    tokens: int
    scores: dict[str, Any]


def fingerprint(facts: dict[str, object]) -> str:
    """Hash of all that decides an answer beside what the model is given: 16 hexadecimal digits."""
    return _hash_facts(_json(facts))


def stands_for(fingerprint: str, facts: str) -> bool:
    """Whether facts, as a ledger keeps them, are those that a fingerprint is the hash of."""
    return _hash_facts(facts) == fingerprint


def _hash_facts(facts: str) -> str:
    return hashlib.sha256(_encode(facts)).hexdigest()[:16]


def check_row(row: Row) -> None:
    """Check that a row is what was once recorded, and can be an answer.

    Raises:
        ValueError: it is not; says why, as the end of a sentence on the row.
    """
    if row[-1] != _digest(*row[:-1]):
        raise ValueError("does not match its digest")
    try:
        scores = json.loads(row[5])
    except json.JSONDecodeError:
        raise ValueError("has scores that are no JSON") from None
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


class Run:
    """One job's share of a ledger: its answers, what they cost, and when it began and ended."""

    def __init__(self, ledger: "Ledger", mark: str, run: str) -> None:
        self._ledger, self._mark, self._run = ledger, mark, run
        self._began = time.monotonic()
        self._difference: float | None = None

    def record(self, entries: Iterable[Entry], *, tokens: int = 0, peak_memory: int = 0, replace: bool = False) -> None:
        """Write a batch of answers to disk, all of it or nothing.

        Args:
            entries: the ledger has none of them under this fingerprint, unless `replace` is set.
            tokens: number that the model computed for the batch.
            peak_memory: bytes, of the job so far.
            replace: whether to write over answers that an earlier version recorded and that cannot be used.

        Raises:
            InputError: an answer has a number that cannot be, or the ledger is damaged or cannot be written.
        """
        rows = [self._row(entry) for entry in entries]
        spent = (len(rows), tokens, time.monotonic() - self._began, peak_memory, self._difference, self._run)
        with self._ledger.change() as database:
            insert = "INSERT OR REPLACE" if replace else "INSERT"
            database.executemany(f"{insert} INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute(
                "UPDATE runs SET prompts = prompts + ?, tokens = tokens + ?, seconds = ?,"
                " peak_memory = max(peak_memory, ?), difference = ? WHERE run = ?",
                spent,
            )

    def note_difference(self, nats: float) -> None:
        """Note a difference between the engines. The largest one of the job is written with its next batch.

        Args:
            nats: a difference between two log-probabilities of one answer.
        """
        self._difference = nats if self._difference is None else max(self._difference, nats)

    def _row(self, entry: Entry) -> Row:
        try:
            check_scores(entry.scores)
        except ValueError as error:
            raise InputError(
                f"prompt {entry.prompt}",
                f"the answer {error}, so it is not recorded",
                "Try another dtype or engine for this model",
            ) from None
        columns = (self._mark, entry.key, entry.prompt, entry.text, entry.tokens, _json(entry.scores))
        return (*columns, _digest(*columns))


class Ledger:
    """Answers of one model in one language, by fingerprint and key; a context manager with a single writer.

    A batch that was recorded is on disk: a job that is killed loses the batch in hand and nothing else. While it is
    open, its latest answers are in a second file, `-wal`; when it is closed, it is a single file again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Ledger":
        with told_plainly(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            try:
                # The lock is the operating system's, held until the connection ends: a killed job leaves none behind.
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.text_factory = decode
                self._begin()
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
            except BaseException:
                self._db.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Where the disk is full, answers stay in the journal, and the next job brings them home.
        with suppress(sqlite3.DatabaseError):
            self._db.execute("PRAGMA journal_mode=DELETE")
            self.path.with_name(f"{self.path.name}-shm").unlink(missing_ok=True)  # of one who read what a kill left
        self._db.close()

    def _begin(self) -> None:
        """Take the lock, and make the tables where there are none."""
        self._db.execute("BEGIN EXCLUSIVE")
        if not any(self._db.execute("SELECT 1 FROM sqlite_master")):
            for statement in _SCHEMA:
                self._db.execute(statement)
        check_schema(self.path, self._db)
        if self._db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            self._db.execute("ALTER TABLE runs ADD COLUMN difference REAL")
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")

    def answered(self, fingerprint: str, texts: bool = True) -> dict[str, Entry]:
        """Answers under a fingerprint, by key.

        Args:
            fingerprint: of the answers.
            texts: whether the entries have their texts, which take most of the memory; they are empty if not.

        Raises:
            InputError: the ledger is damaged, here or under another fingerprint.
        """
        with told_plainly(self.path):
            return {
                key: Entry(key, prompt, text if texts else "", tokens, json.loads(scores))
                for mark, key, prompt, text, tokens, scores, _ in intact_rows(self.path, self._db)
                if mark == fingerprint
            }

    @contextmanager
    def run(self, facts: dict[str, object], *, device: str, threads: int, versions: dict[str, str]) -> Iterator[Run]:
        """A job that records answers under the fingerprint of some facts.

        It is in the ledger from its beginning; its end is there only if it came to it, not if it was killed or failed.

        Args:
            facts: what the fingerprint stands for, as JSON would hold it.
            device: that computes the answers.
            threads: of the CPU.
            versions: of the libraries that compute the answers.
        """
        mark, run = fingerprint(facts), secrets.token_hex(8)
        with self.change() as database:
            database.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (mark, _json(facts)))
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, NULL, 0, 0, 0, 0, ?, ?, ?, NULL)",
                (run, mark, _now(), device, threads, _json(versions)),
            )
        yield Run(self, mark, run)
        with self.change() as database:
            database.execute("UPDATE runs SET ended = ? WHERE run = ?", (_now(), run))

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A change of the ledger: on disk as a whole at the end, or not at all.

        Raises:
            InputError: the ledger is damaged, or cannot be written.
        """
        with told_plainly(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise


def decode(raw: bytes) -> str:
    """Text of a column; damaged bytes come through, to be told by the digest of their row."""
    return raw.decode("utf-8", "surrogateescape")


def check_schema(path: Path, database: sqlite3.Connection) -> None:
    """Check that an open file has the tables of a ledger, of this version.

    Raises:
        InputError: it has not.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    columns = {row[1] for row in database.execute("PRAGMA table_info(answers)")}
    if "log_p_first" in columns or version > VERSION:
        raise InputError(
            path,
            f"the ledger was made by {'a later' if version else 'an earlier'} version of this program",
            "Move it away to answer all prompts anew, or use the version that made it",
        )
    if not 0 < version <= VERSION or tables != _TABLES:
        raise InputError(
            path,
            "the ledger is damaged, or none: it has other tables than a ledger",
            "Restore it, or delete it to answer all prompts anew",
        )


def intact_rows(path: Path, database: sqlite3.Connection) -> Iterator[Row]:
    """Every row of answers, each compared with its digest, in the order in which they were recorded.

    Raises:
        InputError: a row is damaged, or rows are missing.
    """
    count = 0
    # Not by the index: a damaged index could hide rows.
    for number, *columns in database.execute("SELECT rowid, * FROM answers NOT INDEXED"):
        row, count = tuple(columns), count + 1
        if row[-1] != _digest(*row[:-1]):
            raise tell_damage(path, f"row {number} of its answers, key {row[1]}, does not match its digest")
        yield row
    indexed = database.execute("SELECT count(fingerprint) FROM answers INDEXED BY sqlite_autoindex_answers_1")
    if (expected := indexed.fetchone()[0]) != count:
        raise tell_damage(path, f"{count} answers are there of {expected}")


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Within it, what goes wrong with a ledger's file is told to the user."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # bugs of the caller
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise InputError(path, "another job is using this ledger", "Wait for it, or end it") from None
        if name == "SQLITE_READONLY_ROLLBACK":  # one who reads only may not undo it
            fault = "a job was cut off in the middle of a change to this ledger"
            remedy = "Run the workflow again, in a folder that it may write to: it undoes that change and no other"
            raise InputError(path, fault, remedy) from None
        if name.startswith(_OF_THE_DISK):
            raise _not_writable(path, error) from None
        raise tell_damage(path, error) from None
    except OSError as error:
        raise _not_writable(path, error.strerror) from None


def _not_writable(path: Path, reason: object) -> InputError:
    remedy = "Check the folder's permissions and free space, then run again: what was recorded is kept"
    return InputError(path, f"the ledger cannot be opened or written ({reason})", remedy)


def tell_damage(path: Path, reason: object) -> InputError:
    """The error that a ledger is damaged, with what can be done."""
    save = f"save what is intact (`selfalign ledger merge --intact {path} --into NEW`)"
    remedy = f"Restore it, or {save}, or delete it to answer all prompts anew"
    return InputError(path, f"the ledger is damaged ({reason})", remedy)


def _digest(*columns: object) -> str:
    """Hash of columns, each after its length, so that no two rows run together to the same."""
    parts = [_encode(str(column)) for column in columns]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()[:32]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _numbers(value: object) -> Iterator[float]:
    """All numbers in a value of JSON."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, dict):
        yield from _numbers(list(value.values()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
