"""Deletion of answers that are no longer wanted."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from selfalign.ledger import storage
from selfalign.ledger.rows import CHECK
from selfalign.ledger.storage import Ledger, input_errors


def find_superfluous(
    database: sqlite3.Connection, keep: set[str], prompts: set[str]
) -> tuple[list[int], list[list[str]]]:
    """Answers to delete.

    Args:
        database: an open ledger.
        keep: fingerprints to keep. If empty, all are kept.
        prompts: ids of the prompts to keep. If empty, all are kept. Answers to checks of a template are of no prompt,
            so they stay.

    Returns:
        The numbers of their rows. And for each fingerprint: its name, and how many answers it has, loses and keeps.
    """
    kept = prompts and prompts | {CHECK}
    rows: list[int] = []
    answers: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for number, mark, prompt in database.execute("SELECT rowid, fingerprint, prompt FROM answers"):
        answers[mark] += 1
        if (keep and mark not in keep) or (kept and prompt not in kept):
            gone[mark] += 1
            rows.append(number)
    cells = [[mark, *(f"{n:,}" for n in (answers[mark], gone[mark], answers[mark] - gone[mark]))] for mark in answers]
    return rows, sorted(cells)


def delete(path: Path, rows: list[int]) -> None:
    """Delete rows of answers, and models and runs that have no answers left. The file gets smaller.

    Raises:
        InputError: the ledger is in use, or cannot be written.
    """
    with Ledger(path) as ledger, ledger.change() as database:
        database.executemany("DELETE FROM answers WHERE rowid = ?", ((row,) for row in rows))
        for table in ("models", "runs"):
            database.execute(f"DELETE FROM {table} WHERE fingerprint NOT IN (SELECT fingerprint FROM answers)")
    with input_errors(path), closing(sqlite3.connect(path, timeout=storage.PATIENCE)) as database:
        database.execute("VACUUM")
