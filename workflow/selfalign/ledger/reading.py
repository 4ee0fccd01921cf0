"""Queries about a ledger that change nothing: entries, keys, costs, and a description of all that it holds."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from selfalign.ledger.rows import COLUMNS, Entry, LedgerRow, check_row
from selfalign.ledger.storage import opened


def read_keys(path: Path, fingerprint: str) -> dict[str, list[str]]:
    """Keys of the answers under a fingerprint, by the id of their prompt.

    Raises:
        InputError: the file is missing, a job is using it, or it cannot be read.
    """
    keys: dict[str, list[str]] = {}
    with opened(path) as database:
        rows = database.execute("SELECT prompt, key FROM answers WHERE fingerprint = ?", (fingerprint,))
        with closing(rows):
            for prompt, key in rows:
                keys.setdefault(prompt, []).append(key)
    return keys


def read_entries(path: Path, fingerprint: str) -> dict[str, Entry]:
    """Answers under a fingerprint, by key. Their digests are not checked.

    Raises:
        InputError: as `read_keys`.
    """
    with opened(path) as database:
        rows = database.execute(f"SELECT {COLUMNS} FROM answers WHERE fingerprint = ?", (fingerprint,)).fetchall()
    return {row.key: Entry.from_row(row) for row in map(LedgerRow._make, rows)}


def read_intact_entries(path: Path, fingerprint: str) -> dict[str, Entry]:
    """Answers under a fingerprint that pass `check_row`, by key. The others are left out.

    Raises:
        InputError: as `read_keys`.
    """
    entries = {}
    with opened(path) as database:
        for row in map(LedgerRow._make, database.execute(f"SELECT {COLUMNS} FROM answers NOT INDEXED")):
            if row.fingerprint == fingerprint and _is_intact(row):
                entries[row.key] = Entry.from_row(row)
    return entries


def _is_intact(row: LedgerRow) -> bool:
    try:
        check_row(row)
    except ValueError:
        return False
    return True


def list_runs(database: sqlite3.Connection) -> list[tuple[str, int]]:
    """Start of each run (ISO 8601, UTC) and the number of its answers, from the first to the last run."""
    return database.execute("SELECT started, prompts FROM runs ORDER BY started, rowid").fetchall()


def sum_usage(database: sqlite3.Connection) -> tuple[int, int] | None:
    """Tokens sent and received for all answers, as an endpoint counts them. None if no endpoint counted."""
    usage = ", ".join(f"sum(json_extract(scores, '$.usage[{place}]'))" for place in (0, 1))
    sent, received = database.execute(f"SELECT {usage} FROM answers").fetchone()
    return None if sent is None else (sent, received)


def describe_ledger(path: Path) -> dict[str, Any]:
    """The content of a ledger: its size, and by fingerprint the facts, the number of answers, and the runs in order.

    Raises:
        InputError: as `read_keys`.
    """
    with opened(path) as database:
        answers = dict(database.execute("SELECT fingerprint, count(*) FROM answers GROUP BY fingerprint"))
        facts = dict(database.execute("SELECT fingerprint, facts FROM models"))
        table = database.execute("SELECT * FROM runs ORDER BY started, run")
        runs = [dict(zip([column for column, *_ in table.description], row, strict=True)) for row in table]
    models = [
        {
            "fingerprint": mark,
            "facts": parse(facts.get(mark)),
            "answers": answers.get(mark, 0),
            "runs": [{**run, "versions": parse(run["versions"])} for run in runs if run["fingerprint"] == mark],
        }
        for mark in sorted(facts.keys() | answers.keys())
    ]
    return {"ledger": str(path), "bytes": path.stat().st_size, "models": models}


def parse(text: str | None) -> object:
    """A JSON value. None if the text is missing or damaged: `selfalign ledger verify` reports the damage."""
    try:
        return json.loads(text or "null")
    except json.JSONDecodeError:
        return None
