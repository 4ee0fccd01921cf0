"""One ledger in one SQLite file: its tables, the connection that writes, and the connection that reads."""

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from selfalign.errors import InputError
from selfalign.ledger.rows import COLUMNS, Entry, LedgerRow, check_scores, fingerprint_of, has_its_digest, to_json

LEDGER_VERSION = 2
"""Version of the tables below, in SQLite's `user_version`.

Version 0 had another table of answers, and is refused. Version 1 lacks the column `difference`: it can be read, and a
job that opens it to write adds the column.
"""

PATIENCE = 2
"""Seconds to wait for a short lock, such as that of `selfalign ledger list`. A job keeps its lock until it ends."""

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
    # The rows are stored in the order of recording, so that a batch changes few pages of the file.
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
    f"PRAGMA user_version = {LEDGER_VERSION}",
)
_TABLES = {"models", "runs", "answers"}
_RECOVER = "restore the file from a copy, or delete it. The next run then answers again the prompts that it lacks"
_DISK_ERRORS = ("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_READONLY")


class JobRecord:
    """The record of one job in a ledger: its answers, their cost, its start and its end."""

    def __init__(self, ledger: "Ledger", fingerprint: str, run: str) -> None:
        self._ledger, self._fingerprint, self._run = ledger, fingerprint, run
        self._began = time.monotonic()
        self._difference: float | None = None

    def record(self, entries: Iterable[Entry], *, tokens: int = 0, peak_memory: int = 0, replace: bool = False) -> None:
        """Write a batch of answers to disk. If this fails, none of them is recorded.

        Args:
            entries: the answers. The ledger has none of them under this fingerprint, except if `replace` is set.
            tokens: number of tokens that the model computed for the batch.
            peak_memory: of the job until now, in bytes.
            replace: whether to overwrite answers that an earlier version recorded and that cannot be used.

        Raises:
            InputError: a number of an answer is impossible, or the ledger is damaged or cannot be written.
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
        """Note a difference between the two engines. The next batch writes the job's largest difference.

        Args:
            nats: a difference between two log-probabilities of one answer.
        """
        self._difference = nats if self._difference is None else max(self._difference, nats)

    def _row(self, entry: Entry) -> LedgerRow:
        try:
            check_scores(entry.scores)
        except ValueError as error:
            raise InputError(
                f"prompt {entry.prompt}",
                f"the answer {error}, so it is not recorded",
                "Try another dtype or engine for this model",
            ) from None
        return entry.to_row(self._fingerprint)


class Ledger:
    """The recorded answers of one model in one language, open to write. Only one job at a time can have it open.

    A recorded batch is on disk: a killed job loses only the batch that it was computing. While the ledger is open, its
    latest answers are in a second file, `*-wal`. After it is closed, it is one file again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Ledger":
        with input_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_foreign_journal(self.path)
            self._db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            try:
                # The operating system holds this lock until the connection ends, so a killed job leaves no lock.
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.text_factory = _decode
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
        # If the disk is full, answers stay in the journal, and the next job moves them into the ledger.
        with suppress(sqlite3.DatabaseError):
            self._db.execute("PRAGMA journal_mode=DELETE")
            # Somebody who reads the ledger of a killed job leaves this file.
            self.path.with_name(f"{self.path.name}-shm").unlink(missing_ok=True)
        self._db.close()

    def _begin(self) -> None:
        """Take the lock. Make the tables if the file is new."""
        self._db.execute("BEGIN EXCLUSIVE")
        if not any(self._db.execute("SELECT 1 FROM sqlite_master")):
            for statement in _SCHEMA:
                self._db.execute(statement)
        _check_schema(self.path, self._db)
        if self._db.execute("PRAGMA user_version").fetchone()[0] < LEDGER_VERSION:
            self._db.execute("ALTER TABLE runs ADD COLUMN difference REAL")
            self._db.execute(f"PRAGMA user_version = {LEDGER_VERSION}")
        self._db.execute("COMMIT")

    def answered(self, fingerprint: str, texts: bool = True) -> dict[str, Entry]:
        """The answers under a fingerprint, by key.

        Args:
            fingerprint: of the answers.
            texts: whether to read the texts of the prompts, which need most of the memory. If not, they are empty.

        Raises:
            InputError: the ledger is damaged, under this fingerprint or another one.
        """
        with input_errors(self.path):
            return {
                row.key: Entry.from_row(row if texts else row._replace(text=""))
                for row in intact_rows(self.path, self._db)
                if row.fingerprint == fingerprint
            }

    @contextmanager
    def run(
        self, facts: dict[str, object], *, device: str, threads: int, versions: dict[str, str]
    ) -> Iterator[JobRecord]:
        """Start the record of a job. The job records its answers under the fingerprint of some facts.

        The ledger has the job from its start. If the job is killed or fails, the ledger has no end of it.

        Args:
            facts: the facts of the fingerprint, as JSON.
            device: that computes the answers.
            threads: number of CPU threads.
            versions: of the libraries that compute the answers.
        """
        fingerprint, run = fingerprint_of(facts), secrets.token_hex(8)
        with self.change() as database:
            database.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (fingerprint, to_json(facts)))
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, NULL, 0, 0, 0, 0, ?, ?, ?, NULL)",
                (run, fingerprint, _now(), device, threads, to_json(versions)),
            )
        yield JobRecord(self, fingerprint, run)
        with self.change() as database:
            database.execute("UPDATE runs SET ended = ? WHERE run = ?", (_now(), run))

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Change the ledger in one transaction. If anything fails, nothing is changed.

        Raises:
            InputError: the ledger is damaged, or cannot be written.
        """
        with input_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger to read it in its present state. The file is not changed.

    Raises:
        InputError: the file is missing, a job is using it, or it cannot be read.
    """
    if not path.is_file():
        raise InputError(path, "there is no such ledger", "Check the path")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with input_errors(path):
        _refuse_foreign_journal(path)
    with input_errors(path), closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
        database.text_factory = _decode
        database.execute("BEGIN")
        _check_schema(path, database)
        yield database


def intact_rows(path: Path, database: sqlite3.Connection) -> Iterator[LedgerRow]:
    """All rows of answers in the order of recording, each checked against its digest.

    Raises:
        InputError: a row is damaged, or rows are missing.
    """
    count = 0
    # A damaged index could hide rows, so this does not use the index.
    for number, *columns in database.execute(f"SELECT rowid, {COLUMNS} FROM answers NOT INDEXED"):
        row, count = LedgerRow(*columns), count + 1
        if not has_its_digest(row):
            raise damaged(path, f"row {number} of its answers, key {row.key}, does not match its digest")
        yield row
    indexed = database.execute("SELECT count(fingerprint) FROM answers INDEXED BY sqlite_autoindex_answers_1")
    if (expected := indexed.fetchone()[0]) != count:
        raise damaged(path, f"it should have {expected} answers, and has {count}")


@contextmanager
def input_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the disk into an `InputError` about the ledger at `path`."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # bugs of the caller
    except sqlite3.DatabaseError as error:
        raise _explain(path, error) from None
    except OSError as error:
        raise _not_writable(path, error.strerror) from None


def _explain(path: Path, error: sqlite3.DatabaseError) -> InputError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return InputError(path, "another job is using this ledger", "Wait for it, or end it")
    if name == "SQLITE_READONLY_ROLLBACK":  # a connection that only reads cannot undo the change
        problem = "a job was cut off in the middle of a change to this ledger"
        remedy = "Run the workflow again in a folder that it may write to. It undoes this change and no other"
        return InputError(path, problem, remedy)
    if name == "SQLITE_CANTOPEN" and _has_content(_journal_of(path)):
        problem = "its latest answers are in a journal (*-wal), which can only be read in a writable folder"
        return InputError(path, problem, "Copy both files to such a folder, or change the folder's permissions")
    return _not_writable(path, error) if name.startswith(_DISK_ERRORS) else damaged(path, error)


def _not_writable(path: Path, reason: object) -> InputError:
    remedy = "Check the folder's permissions and the free space, then run again: what was recorded is kept"
    return InputError(path, f"the ledger cannot be opened or written ({reason})", remedy)


def damaged(path: Path, reason: object) -> InputError:
    """The error for a damaged ledger, with the ways to recover."""
    return InputError(path, f"the ledger is damaged ({reason})", _RECOVER[0].upper() + _RECOVER[1:])


def _check_schema(path: Path, database: sqlite3.Connection) -> None:
    """Check that an open file has the tables of a ledger, in a version that this program can read.

    Raises:
        InputError: it has not.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    columns = {row[1] for row in database.execute("PRAGMA table_info(answers)")}
    if "log_p_first" in columns or version > LEDGER_VERSION:
        raise InputError(
            path,
            f"the ledger was made by {'a later' if version else 'an earlier'} version of this program",
            "Move the file away to answer all prompts again, or use the version that made it",
        )
    if not 0 < version <= LEDGER_VERSION or tables != _TABLES:
        found = ", ".join(sorted(map(_printable, tables))) or "none"
        raise InputError(
            path,
            f"not a ledger, or damaged: expected the tables {', '.join(sorted(_TABLES))}; found {found}",
            f"Check the path. If it is a ledger, {_RECOVER}",
        )


def _refuse_foreign_journal(path: Path) -> None:
    """Check that a journal next to a ledger is not that of another file, which had the ledger's name before.

    SQLite would write the journal's pages into the ledger, and answers of the ledger would be lost without a message.
    A ledger that was closed has no journal, and its header says so: only a ledger in use has version 2 there.

    Raises:
        InputError: the ledger was replaced or deleted, and the journal was not.
    """
    journal, header = _journal_of(path), b""
    if not _has_content(journal):
        return
    if path.exists():
        with path.open("rb") as file:
            header = file.read(20)
    # A job that ends just now deletes its journal before it changes the header, so look again.
    if header[18:] in (b"", b"\1\1") and _has_content(journal):
        raise InputError(
            journal,
            f"this journal is of another ledger than the present {path.name}, which was replaced or deleted without it",
            "Move the journal away. To keep its answers, move it to the ledger that it belongs to, and add that ledger"
            " with `selfalign ledger merge`",
        )


def _journal_of(path: Path) -> Path:
    """The file with a ledger's latest answers. If the ledger is a link, SQLite looks where the link leads."""
    file = path.resolve()
    return file.with_name(f"{file.name}-wal")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _decode(raw: bytes) -> str:
    """Text of a column. Damaged bytes are kept, so that the digest of the row shows the damage."""
    return raw.decode("utf-8", "surrogateescape")


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
