"""`selfalign ledger verify`: the checks of a whole ledger."""

import json
import sqlite3
from pathlib import Path

import pytest
from ledgers import FACTS, HOW, MARK, OTHER, entry, ledger_says, tampered, write
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.rows import digest_of
from selfalign.ledger.storage import Ledger


def test_verify_passes_an_intact_ledger(two: Path) -> None:
    assert ledger_says("verify", two) == f"{two}: 60 answers, all intact\n"
    assert json.loads(ledger_says("verify", two, "--json")) == [{"ledger": str(two), "answers": 60, "faults": []}]


def test_verify_names_each_fault_once_and_counts_what_is_too_many(two: Path) -> None:
    other = two.with_name("other.sqlite")
    write(other, [entry(0)])
    with tampered(two) as database:
        database.execute("UPDATE answers SET text = 'another' WHERE rowid > 10 AND rowid <= 35")
    told = ledger_says("verify", two, other, code=1)
    lines = told.splitlines()
    assert lines[0] == f"{two}: 60 answers, 25 faults"
    assert lines[1] == f"  row 11 of its answers, key {10:016x}, does not match its digest"
    assert [line.split()[1] for line in lines[1:21]] == [str(row) for row in range(11, 31)]
    assert lines[21:] == ["  and 5 more", f"{other}: 1 answers, all intact"]
    assert len(json.loads(ledger_says("verify", two, "--json", code=1))[0]["faults"]) == 25


def resealed(database: sqlite3.Connection, row: int, **columns: object) -> None:
    """Change a row of answers, and give it the digest that goes with that: damage that was there before it was kept."""
    for column, value in columns.items():
        database.execute(f"UPDATE answers SET {column} = ? WHERE rowid = ?", (value, row))
    (whole,) = database.execute("SELECT * FROM answers WHERE rowid = ?", (row,)).fetchall()
    database.execute("UPDATE answers SET digest = ? WHERE rowid = ?", (digest_of(*whole[:-1]), row))


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("scores", '{"log_p": [-1.0, 0.5]}', "has a log-probability above 0 (0.5)"),
        ("scores", '{"log_p": [-1.0, -Infinity]}', 'has a number in "log_p" that is not finite'),
        ("scores", '{"shares": [NaN]}', 'has a number in "shares" that is not finite'),
        ("scores", '{"log_p": [-1.0', "has scores that are not JSON"),
        ("scores", "[-1.0]", "has scores without names"),
    ],
)
def test_verify_finds_what_cannot_be_an_answer(column: str, value: str, fault: str, two: Path) -> None:
    with tampered(two) as database:
        resealed(database, 3, **{column: value})
    assert find_faults(two) == (60, [f"row 3 of its answers, key {2:016x}, {fault}"])


def test_verify_finds_answers_of_which_nothing_is_known(two: Path) -> None:
    with tampered(two) as database:
        database.execute("UPDATE models SET facts = replace(facts, 'float32', 'float64')")
    faults = find_faults(two)[1]
    assert f"40 answers are under the unknown fingerprint {MARK}" in faults
    assert f"the facts of fingerprint {MARK} have another fingerprint" in faults
    assert not any(OTHER in fault for fault in faults)
    with Ledger(two) as ledger, ledger.run(FACTS, **HOW):
        pass  # the next job writes them anew
    assert find_faults(two)[1] == []


def test_verify_goes_on_after_what_sqlite_cannot_read(two: Path) -> None:
    raw = bytearray(two.read_bytes())
    raw[-4096:] = b"x" * 4096
    two.write_bytes(raw)
    (found,) = json.loads(ledger_says("verify", two, "--json", code=1))
    assert found["faults"] and found["answers"] < 60
