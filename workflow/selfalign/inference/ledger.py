"""The ledger of answers: every prompt that a model has answered, kept from run to run in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from selfalign.errors import InputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    fingerprint TEXT NOT NULL,
    prompt TEXT NOT NULL,
    text TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    log_p_first REAL NOT NULL,
    log_p_second REAL NOT NULL,
    PRIMARY KEY (fingerprint, prompt)
) WITHOUT ROWID
"""

_OF_THE_DISK = ("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_READONLY")

Answer = tuple[str, str, int, float, float]
"""prompt, text, tokens, log_p_first, log_p_second"""


class Ledger:
    """Answers of one model in one language, by fingerprint and prompt; a context manager with a single writer.

    A batch that was recorded is on disk: a job that is killed loses the batch in hand and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Ledger":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._told_plainly():
            self._db = sqlite3.connect(self.path, timeout=5)
            # The lock is the operating system's, held until the connection ends: a killed job leaves none behind.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(_SCHEMA)
            self._db.commit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def answered(self, fingerprint: str) -> dict[str, Answer]:
        """Answers under a fingerprint, by prompt.

        Raises:
            InputError: the ledger is damaged.
        """
        query = "SELECT prompt, text, tokens, log_p_first, log_p_second FROM answers WHERE fingerprint = ?"
        with self._told_plainly():
            return {row[0]: row for row in self._db.execute(query, (fingerprint,))}

    def record(self, fingerprint: str, answers: Iterable[Answer]) -> None:
        """Write a batch of answers to disk, all of it or nothing.

        Raises:
            InputError: the ledger is damaged, or cannot be written.
        """
        with self._told_plainly(), self._db:
            self._db.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", [(fingerprint, *answer) for answer in answers]
            )

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # bugs of the caller
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise InputError(self.path, "another job is writing to this ledger", "Wait for it, or end it") from None
            if getattr(error, "sqlite_errorname", "").startswith(_OF_THE_DISK):
                raise InputError(
                    self.path,
                    f"the ledger cannot be opened or written ({error})",
                    "Check the folder's permissions and free space",
                ) from None
            raise InputError(
                self.path, f"the ledger is damaged ({error})", "Restore it, or delete it to answer all prompts anew"
            ) from None
