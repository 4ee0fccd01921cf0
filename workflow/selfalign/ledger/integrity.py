"""Checks of a whole ledger: every digest, every number, every fingerprint, and SQLite's own check."""

import sqlite3
from collections import Counter
from pathlib import Path

from selfalign.ledger.reading import parse
from selfalign.ledger.rows import COLUMNS, LedgerRow, check_row, has_fingerprint
from selfalign.ledger.storage import damaged, opened


def find_faults(path: Path) -> tuple[int, list[str]]:
    """Number of answers that can be read, and all faults of the ledger, one sentence each.

    Raises:
        InputError: the ledger cannot be opened.
    """
    with opened(path) as database:
        known, faults = _check_models(database)
        count = 0
        unknown: Counter[str] = Counter()
        try:
            for number, *columns in database.execute(f"SELECT rowid, {COLUMNS} FROM answers NOT INDEXED"):
                count += 1
                try:
                    check_row(LedgerRow(*columns))
                except ValueError as error:
                    faults.append(f"row {number} of its answers, key {columns[1]}, {error}")
                else:
                    unknown[columns[0]] += columns[0] not in known
        except sqlite3.DatabaseError as error:
            faults.append(f"the answers after the first {count} cannot be read ({error})")
        faults += [f"{n} answers are under the unknown fingerprint {mark}" for mark, n in unknown.items() if n]
        faults += [f"SQLite: {line}" for line in _check_file(database) if line != "ok"]
    return count, faults


def require_intact(path: Path) -> None:
    """Check that a ledger has no fault.

    Raises:
        InputError: it has one.
    """
    if faults := find_faults(path)[1]:
        raise damaged(path, f"{faults[0]}; `selfalign ledger verify` lists all faults")


def _check_file(database: sqlite3.Connection) -> list[str]:
    try:
        return [line for (text,) in database.execute("PRAGMA integrity_check") for line in str(text).splitlines()]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _check_models(database: sqlite3.Connection) -> tuple[set[str], list[str]]:
    """Fingerprints with known facts, and the faults of the tables of models and runs."""
    known, faults = set(), []
    try:
        for mark, facts in database.execute("SELECT fingerprint, facts FROM models"):
            if has_fingerprint(facts, mark):
                known.add(mark)
            else:
                faults.append(f"the facts of fingerprint {mark} have another fingerprint")
        for run, mark, versions in database.execute("SELECT run, fingerprint, versions FROM runs"):
            if not isinstance(parse(versions), dict):
                faults.append(f"run {run} has versions that are not JSON")
            if mark not in known:
                faults.append(f"run {run} is under the unknown fingerprint {mark}")
    except sqlite3.DatabaseError as error:
        faults.append(f"its models and runs cannot be read ({error})")
    return known, faults
