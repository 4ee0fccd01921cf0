"""The union of several ledgers, for example after two machines answered parts of a run."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfalign.errors import InputError
from selfalign.ledger.integrity import require_intact
from selfalign.ledger.rows import LedgerRow, has_fingerprint
from selfalign.ledger.storage import Ledger, intact_rows, opened

SAME = 1e-9
"""Nats by which two scores of the same prompt may differ, if the user sets no other bound."""


def merge(sources: list[Path], target: Path, within: float = SAME) -> tuple[int, int]:
    """Add the answers and runs that a ledger lacks from other ledgers. If they contradict, nothing is added.

    Args:
        sources: ledgers, which are not changed.
        target: the ledger to add to. It is made if it does not exist.
        within: nats by which two scores of the same prompt may differ. The target's scores are kept.

    Returns:
        The number of added answers, and the number of answers that the target has now.

    Raises:
        InputError: a ledger is damaged or in use, or two ledgers have different answers.
    """
    for source in sources:
        if target.exists() and source.exists() and source.samefile(target):
            raise InputError(source, "is both a source and the target", "Name it once")
        require_intact(source)
    for _ in _new_rows(sources, {}, within):
        pass  # finds contradictions before the target is made, so that a refusal leaves no new file
    with Ledger(target) as ledger, ledger.change() as database:
        known = {(row.fingerprint, row.key): (row.scores, target) for row in intact_rows(target, database)}
        before = len(known)
        database.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", _new_rows(sources, known, within))
        for source in sources:
            _add_runs(source, database)
    return len(known) - before, len(known)


def _new_rows(
    sources: list[Path], known: dict[tuple[str, str], tuple[str, Path]], within: float
) -> Iterator[LedgerRow]:
    """Rows of ledgers that are not known yet. Each row that is yielded is added to the known ones.

    Args:
        sources: the ledgers.
        known: by fingerprint and key, the scores and the ledger that has them.
        within: nats by which two scores of the same prompt may differ.

    Raises:
        InputError: a row has other scores than the known row.
    """
    for source in sources:
        with opened(source) as database:
            for row in intact_rows(source, database):
                answer = row.fingerprint, row.key
                if answer not in known:
                    known[answer] = row.scores, source
                    yield row
                    continue
                other, where = known[answer]
                if not _agree(json.loads(row.scores), json.loads(other), within):
                    raise InputError(
                        source,
                        f"key {row.key} (prompt {row.prompt}) under fingerprint {row.fingerprint}"
                        f" has the scores {row.scores}, but {other} in {where}",
                        "Nothing is merged. If they differ only by rounding, keep the target's: --within 0.001."
                        " Otherwise prune one of the two, or keep the ledgers apart",
                    )


def _agree(one: object, other: object, within: float) -> bool:
    """Whether two JSON values are the same, except for numbers that differ by at most `within`."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= within
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_agree(*pair, within) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_agree(one[name], other[name], within) for name in one)
    return one == other


def _add_runs(source: Path, target: sqlite3.Connection) -> None:
    """Add the models and runs of a ledger. If both ledgers have a run, the record with more prompts is kept."""
    with opened(source) as database:
        models, runs = (database.execute(f"SELECT * FROM {table}").fetchall() for table in ("models", "runs"))
    known = {row[0]: _progress(row) for row in target.execute("SELECT * FROM runs")}
    later = [row for row in runs if row[0] not in known or _progress(row) > known[row[0]]]
    target.executemany(
        "INSERT OR IGNORE INTO models VALUES (?, ?)", (row for row in models if has_fingerprint(row[1], row[0]))
    )
    whole = [(*row, None)[:12] for row in later]  # a ledger of version 1 has 11 columns
    target.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", whole)


def _progress(run: tuple[Any, ...]) -> tuple[int, bool]:
    """Number of prompts of a run, and whether it ended."""
    _, _, _, ended, prompts, *_ = run
    return prompts, ended is not None
