"""What is said of a ledger without a change to it."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import FACTS, HOW, MARK, OTHER, beside, by_key, entry, ledger_says, read, write
from selfalign.errors import InputError
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.storage import Ledger


def test_list_shows_models_answers_and_runs(two: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Ledger(two) as ledger, ledger.run(FACTS, **HOW):
        raise KeyboardInterrupt
    before = beside(two)
    told = ledger_says("list", two)
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    for mark, answers, runs, ended in ((MARK, 40, 2, 1), (OTHER, 20, 1, 1)):
        row = rf"^{mark} +{answers} +{runs} +{ended} +{time} +{time} +[\d,.]+ +[\d,.]+ +1\.0 GB +-$"
        assert re.search(row, told, re.M), told
    assert f"{MARK}: dtype float32, weights_sha256 0123456789ab\n" in told
    assert beside(two) == before
    ((listed,), described) = json.loads(ledger_says("list", "--json", two)), describe_ledger(two)
    assert listed == described
    assert {model["fingerprint"]: model["answers"] for model in listed["models"]} == {MARK: 40, OTHER: 20}


def test_list_reports_an_interrupted_change_and_the_next_job_undoes_it(tmp_path: Path) -> None:
    entries = [entry(number) for number in range(300)]
    write(tmp_path / "whole.sqlite", entries)
    whole, cut = tmp_path / "whole.sqlite", tmp_path / "cut.sqlite"
    with closing(sqlite3.connect(whole, isolation_level=None)) as database:
        for order in ("PRAGMA cache_size=2", "BEGIN EXCLUSIVE", "UPDATE answers SET text = 'half'"):
            database.execute(order)  # more than the cache holds: the file is changed, and the journal tells how it was
        for end in ("", "-journal"):
            shutil.copy(f"{whole}{end}", f"{cut}{end}")
        database.execute("ROLLBACK")
    assert b"half" in cut.read_bytes()
    with pytest.raises(InputError, match="cut off in the middle of a change .* Run the workflow again in a folder"):
        describe_ledger(cut)
    assert read(cut) == by_key(entries)
    assert describe_ledger(cut)["models"][0]["answers"] == len(entries)
