"""The ledger of answers: every prompt that a model has answered, kept from run to run in one SQLite file."""

import sqlite3
from collections.abc import Iterable
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

Answer = tuple[str, str, int, float, float]
"""prompt, text, tokens, log_p_first, log_p_second"""


class Ledger:
    """Answers of one model in one language, by fingerprint and prompt; a context manager with a single writer.

    A batch that was recorded is on disk: a job that is killed loses the batch in hand and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Ledger":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=5)
            # The lock is the operating system's, held until the connection ends: a killed job leaves none behind.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(_SCHEMA)
            self._db.commit()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(self.path, "another job is writing to this ledger", "Wait for it, or end it") from None
            raise InputError(
                self.path, f"the ledger cannot be opened ({error})", "Check the folder's permissions and free space"
            ) from None
        except sqlite3.DatabaseError as error:
            raise InputError(
                self.path, f"the ledger is damaged ({error})", "Restore it, or delete it to answer all prompts anew"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def answered(self, fingerprint: str) -> dict[str, Answer]:
        """Answers under a fingerprint, by prompt."""
        rows = self._db.execute(
            "SELECT prompt, text, tokens, log_p_first, log_p_second FROM answers WHERE fingerprint = ?", (fingerprint,)
        )
        return {row[0]: row for row in rows}

    def record(self, fingerprint: str, answers: Iterable[Answer]) -> None:
        """Write a batch of answers to disk, all of it or nothing."""
        with self._db:
            self._db.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", [(fingerprint, *answer) for answer in answers]
            )
