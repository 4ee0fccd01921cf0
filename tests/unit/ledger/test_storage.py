"""What a ledger keeps, and what it survives."""

import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import (
    FACTS,
    HOW,
    MARK,
    OTHER,
    OTHER_FACTS,
    as_version_1,
    beside,
    by_key,
    damage_of,
    entry,
    ledger_says,
    read,
    tampered,
    write,
    write_and_leave_journal,
)
from refusal import Refused
from selfalign.errors import InputError
from selfalign.ledger import ledger as commands
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.merge import merge
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.rows import Entry
from selfalign.ledger.storage import Ledger, input_errors


def test_recorded_answers_survive_reopening(tmp_path: Path) -> None:
    path, entries = tmp_path / "new" / "ledger.sqlite", [entry(number) for number in range(5)]
    write(path, entries, batch=2)
    write(path, [entry(0, -7.0)], OTHER_FACTS)
    assert read(path) == by_key(entries)
    assert read(path, OTHER) == by_key([entry(0, -7.0)])
    assert read(path, "1" * 16) == {}
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.floats(max_value=0, allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=40))
def test_numbers_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, log_p: list[float | None]) -> None:
    path = tmp_path_factory.mktemp("numbers") / "ledger.sqlite"
    write(path, [entry(0, *log_p)])
    (answer,) = read(path).values()
    assert list(map(repr, answer.scores["log_p"])) == list(map(repr, log_p))


def test_scores_of_an_endpoint_come_back_as_they_were(tmp_path: Path) -> None:
    scores = {"samples": 20, "counts": [3, 17], "replies": {"A": 3, "Ｂ": 17}, "log_p": [-1.5, None]}
    write(tmp_path / "ledger.sqlite", [Entry("k", "p", "{}", 1, scores)])
    assert read(tmp_path / "ledger.sqlite")["k"].scores == scores


def test_batch_that_fails_is_absent_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger, ledger.run(FACTS, **HOW) as run:
        run.record([entry(0)])
        with pytest.raises(sqlite3.IntegrityError):
            run.record([entry(1), entry(0)])
        assert ledger.answered(MARK) == by_key([entry(0)])
    assert describe_ledger(path)["models"][0]["runs"][0]["prompts"] == 1


@pytest.mark.parametrize("number", [float("nan"), float("-inf"), 1e-9])
def test_number_that_cannot_be_a_log_probability_is_not_recorded(number: float, tmp_path: Path) -> None:
    path, wrong = tmp_path / "ledger.sqlite", entry(1, -1.0, number)
    with pytest.raises(InputError, match=f"prompt {wrong.prompt}: .* not recorded"):
        write(path, [entry(0), wrong])
    assert read(path) == {}


def test_run_is_recorded_with_its_cost(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger, ledger.run(FACTS, device="cuda:1", threads=7, versions={"torch": "2"}) as run:
        run.record([entry(0), entry(1)], tokens=30, peak_memory=500)
        time.sleep(0.02)
        run.record([entry(2)], tokens=5, peak_memory=400)
    (model,) = describe_ledger(path)["models"]
    (told,) = model["runs"]
    assert (model["facts"], model["answers"]) == (FACTS, 3)
    assert (told["prompts"], told["tokens"], told["peak_memory"]) == (3, 35, 500)
    assert (told["device"], told["threads"], told["versions"]) == ("cuda:1", 7, {"torch": "2"})
    assert 0.02 < told["seconds"] < 20
    assert told["started"] <= told["ended"]


def test_largest_difference_between_the_engines_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger, ledger.run(FACTS, **HOW) as run:
        for nats in (2e-5, 3.04e-5, 1e-5):
            run.note_difference(nats)
        run.record([entry(0)])
        run.note_difference(2.9e-5)
        run.record([entry(1)])
    assert describe_ledger(path)["models"][0]["runs"][0]["difference"] == 3.04e-5
    listed = CliRunner().invoke(commands.command, ["list", str(path)]).output.splitlines()
    assert listed[1].endswith("  difference")
    assert listed[2].endswith("  3.0e-05")


def test_ledger_of_version_1_is_read_and_gets_the_column(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write(path, [entry(0)])
    as_version_1(path)
    before = path.read_bytes()
    (told,) = describe_ledger(path)["models"][0]["runs"]
    assert "difference" not in told
    assert find_faults(path) == (1, [])
    assert path.read_bytes() == before
    assert CliRunner().invoke(commands.command, ["list", str(path)]).output.splitlines()[2].endswith("  -")
    write(path, [entry(1)])
    assert read(path) == by_key([entry(0), entry(1)])
    assert [run["difference"] for run in describe_ledger(path)["models"][0]["runs"]] == [None, None]


def test_run_that_fails_keeps_its_answers_and_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(KeyboardInterrupt), Ledger(path) as ledger, ledger.run(FACTS, **HOW) as run:
        run.record([entry(0)])
        raise KeyboardInterrupt
    (told,) = describe_ledger(path)["models"][0]["runs"]
    assert (told["prompts"], told["ended"]) == (1, None)
    assert read(path) == by_key([entry(0)])


EARLIER = """CREATE TABLE answers (fingerprint TEXT, prompt TEXT, text TEXT, tokens INTEGER, log_p_first REAL,
log_p_second REAL, PRIMARY KEY (fingerprint, prompt)) WITHOUT ROWID"""


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        pytest.param(
            [EARLIER, "PRAGMA journal_mode=WAL"], "an earlier version of this program. Move the file", id="earlier"
        ),
        pytest.param(["CREATE TABLE answers (a)", "PRAGMA user_version=9"], "a later version", id="later"),
        pytest.param(
            ["CREATE TABLE photographs (a)"],
            r"not a ledger, or damaged: expected .* found photographs\. Check",
            id="of another program",
        ),
    ],
)
def test_ledger_of_another_kind_is_refused_and_kept(statements: list[str], told: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with tampered(path) as database:
        for statement in statements:
            database.execute(statement)
    before = path.read_bytes()
    with pytest.raises(InputError, match=told), Ledger(path):
        pass
    with pytest.raises(InputError, match=told):
        describe_ledger(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("replaced_by", ["merged", "earlier", "nothing"])
def test_journal_of_a_ledger_that_was_replaced_is_refused_and_kept(
    replaced_by: str, tmp_path: Path, refused: Refused
) -> None:
    """SQLite would write the journal into the other ledger, whose own answers would be lost."""
    path, other = tmp_path / "ledger.sqlite", tmp_path / f"{replaced_by}.sqlite"
    write(path, [entry(number) for number in range(30)])
    write(other, [entry(number) for number in range(100, 150)])
    write_and_leave_journal(path, [entry(number) for number in range(30, 50)])
    assert set(beside(path)) == {"ledger.sqlite", "ledger.sqlite-wal"}
    if replaced_by == "merged":
        assert merge([path], other) == (50, 100)
    if replaced_by == "nothing":
        path.unlink()
    else:
        other.rename(path)
    before, problem = beside(path), r"ledger\.sqlite-wal: this journal is of another ledger .* Move the journal away\."
    with pytest.raises(InputError, match=problem), Ledger(path):
        pass
    if path.exists():
        refused("ledger", "list", path, tells=["this journal is of another ledger than the present ledger.sqlite"])
    assert beside(path) == before
    path.with_name("ledger.sqlite-wal").unlink()  # as the error says
    assert len(read(path)) == {"merged": 100, "earlier": 50, "nothing": 0}[replaced_by]


def test_journal_that_cannot_be_read_is_named_as_the_reason(tmp_path: Path) -> None:
    """In a folder without the right to write, which does not stop an administrator, who may run this test."""
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorname = "SQLITE_CANTOPEN"
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(InputError, match="cannot be opened or written"), input_errors(path):
        raise error
    write_and_leave_journal(path, [entry(0)])
    with pytest.raises(InputError, match=r"latest answers are in a journal .* Copy both files"), input_errors(path):
        raise error


def test_journal_is_found_where_a_link_to_its_ledger_leads(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    write_and_leave_journal(folder / "ledger.sqlite", [entry(0)])
    link = tmp_path / "link.sqlite"
    link.symlink_to(folder / "ledger.sqlite")
    assert read(link) == by_key([entry(0)])
    write(link, [entry(1)])
    (folder / "ledger.sqlite-wal").write_bytes(b"of another ledger")
    with pytest.raises(InputError, match="this journal is of another ledger"):
        read(link)


def test_ledger_that_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    for command in (["list"], ["prune", "--keep", MARK], ["merge", "--into", tmp_path / "new.sqlite"]):
        refused("ledger", *command, tmp_path / "no.sqlite", tells=["no.sqlite: there is no such ledger"])
    told = ledger_says("verify", tmp_path / "no.sqlite", code=1)
    assert "0 answers, 1 fault\n" in told and "there is no such ledger" in told


@pytest.mark.slow
@pytest.mark.parametrize("column", ["fingerprint", "key", "prompt", "text", "tokens", "scores", "digest"])
def test_damaged_row_is_never_served(column: str, tmp_path: Path, refused: Refused) -> None:
    path, entries = tmp_path / "ledger.sqlite", [entry(number) for number in range(30)]
    write(path, entries)
    with tampered(path) as database:
        # One digit or letter becomes another.
        values = {"tokens": "5", "scores": "replace(scores, '1', '2')"}
        value = values.get(column, f"'f' || substr({column}, 2)")
        database.execute(f"UPDATE answers SET {column} = {value} WHERE rowid = 8")
    with pytest.raises(InputError, match=r"row 8 .* does not match its digest.*Restore the file .* or delete it"):
        read(path)
    with pytest.raises(InputError, match="row 8 "):
        read(path, OTHER)  # it may have been of this fingerprint
    assert [fault for fault in find_faults(path)[1] if "row 8 " in fault]
    damaged = beside(path)
    refused("ledger", "prune", path, "--keep", MARK, "--yes", tells=["the ledger is damaged (row 8 ", "delete it"])
    assert beside(path) == damaged
    path.unlink()  # as the error says
    write(path, entries)
    assert read(path) == by_key(entries)


def test_ledger_with_a_page_that_sqlite_cannot_read_is_refused_with_a_remedy(tmp_path: Path, refused: Refused) -> None:
    path, target, entries = tmp_path / "ledger.sqlite", tmp_path / "all.sqlite", [entry(n) for n in range(150)]
    write(path, entries)
    whole, remedy = path.read_bytes(), "Restore the file from a copy, or delete it"
    seen: Counter[str] = Counter()
    for page in range(1, len(whole) // 4096, 3):
        path.write_bytes(whole[: page * 4096] + b"x" * 4096 + whole[(page + 1) * 4096 :])
        damaged = beside(path)
        refused("ledger", "merge", path, "--into", target, tells=[str(path), "the ledger is damaged (", remedy])
        assert beside(path) == damaged and not target.exists()
        try:
            assert read(path) == by_key(entries)
            seen["whole"] += 1  # the page has no answers: it is an index of models or of runs
        except InputError as error:
            assert remedy in str(error)
            seen["refused"] += 1
    assert seen["refused"] > 5 and seen["whole"] <= 2, seen


def outcome(path: Path, entries: list[Entry]) -> str:
    """What a job finds in a damaged ledger: it is refused, or serves intact answers only and takes the others."""
    expected = by_key(entries)
    try:
        answered = read(path)
    except InputError:
        return "refused"
    assert answered.items() <= expected.items()
    try:
        write(path, [one for one in entries if one.key not in answered])
        assert read(path) == expected
    except InputError:
        return "refused"
    return "whole" if len(answered) == len(expected) else "part"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "cases", "possible"),
    [
        ("flips", 150, {"refused", "whole"}),
        ("zeros", 40, {"refused", "whole"}),
        ("cut", 40, {"refused"}),
        ("cut at a page", 25, {"refused", "part"}),  # nothing is left of it, or too little
    ],
)
def test_damaged_ledger_is_refused_or_serves_what_is_intact(
    kind: str, cases: int, possible: set[str], tmp_path: Path
) -> None:
    whole, entries = tmp_path / "whole.sqlite", [entry(number) for number in range(150)]
    write(whole, entries)
    raw, rng, path = whole.read_bytes(), random.Random(4), tmp_path / "ledger.sqlite"
    seen: Counter[str] = Counter()
    for _ in range(cases):
        path.write_bytes(damage_of(kind, raw, rng))
        seen[outcome(path, entries)] += 1
        path.unlink()
    assert seen["refused"] and set(seen) <= possible, seen
