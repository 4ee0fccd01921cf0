"""The ledger of answers: what it keeps, what it survives, and the commands that look after it."""

import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs import Job
from places import TESTS
from refusal import Refused, assert_one_paragraph
from selfalign.errors import InputError
from selfalign.inference.local import engine
from selfalign.ledger import ledger as commands
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.merge import merge
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import Ledger
from tiny import POLITICS, PRESS, RELIGION, speak, table_of, tiny_llama, tiny_tokenizer

FACTS = {"weights_sha256": "0123456789abcdef" * 4, "dtype": "float32"}
OTHER_FACTS = {"weights_sha256": "fedcba9876543210" * 4, "dtype": "bfloat16"}
MARK, OTHER = fingerprint_of(FACTS), fingerprint_of(OTHER_FACTS)
HOW = {"device": "cpu", "threads": 1, "versions": {"torch": "2.13.0"}}


def entry(number: int, *log_p: float | None) -> Entry:
    text = f"text {number}\nó 어느 정도 " * 9
    return Entry(f"{number:016x}", f"{number + 99:016x}", text, 3, {"log_p": list(log_p or (-0.1 - number, -1e-300))})


def write(path: Path, entries: list[Entry], facts: dict[str, object] = FACTS, batch: int = 10) -> None:
    """Record answers, some at a time."""
    with Ledger(path) as ledger, ledger.run(facts, **HOW) as run:
        for start in range(0, len(entries), batch):
            run.record(entries[start : start + batch], tokens=100, peak_memory=10**9 + start)


def read(path: Path, mark: str = MARK) -> dict[str, Entry]:
    with Ledger(path) as ledger:
        return ledger.answered(mark)


def by_key(entries: list[Entry]) -> dict[str, Entry]:
    return {entry.key: entry for entry in entries}


@contextmanager
def tampered(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger's database, to be changed behind the ledger's back."""
    with closing(sqlite3.connect(path)) as database, database:
        yield database


def beside(path: Path) -> dict[str, bytes]:
    """A ledger's file and what lies beside it, but for the index that readers of its journal share."""
    return {file.name: file.read_bytes() for file in path.parent.glob(f"{path.name}*") if file.suffix != ".sqlite-shm"}


# What it keeps


def test_recorded_answers_survive_reopening(tmp_path: Path) -> None:
    path, entries = tmp_path / "new" / "ledger.sqlite", [entry(number) for number in range(5)]
    write(path, entries, batch=2)
    write(path, [entry(0, -7.0)], OTHER_FACTS)
    assert read(path) == by_key(entries)
    assert read(path, OTHER) == by_key([entry(0, -7.0)])
    assert read(path, "1" * 16) == {}
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


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


def test_run_is_remembered_with_what_it_cost(tmp_path: Path) -> None:
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


def as_version_1(path: Path) -> None:
    """Make a ledger as the version before wrote it: without the column for the difference."""
    with tampered(path) as database:
        database.execute("ALTER TABLE runs DROP COLUMN difference")
        database.execute("PRAGMA user_version = 1")


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


def test_ledgers_of_both_versions_are_merged(tmp_path: Path) -> None:
    old, new, target = (tmp_path / f"{name}.sqlite" for name in ("old", "new", "target"))
    write(old, [entry(0)])
    write(new, [entry(1)])
    as_version_1(old)
    for sources in ([old, new], [new, old]):
        assert merge(sources, target)[1] == 2
        assert find_faults(target) == (2, [])
        assert [run["prompts"] for run in describe_ledger(target)["models"][0]["runs"]] == [1, 1]
        target.unlink()


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


# Damage


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


def damage_of(kind: str, raw: bytes, rng: random.Random) -> bytes:
    """A file's bytes with a few flipped, cut off at some place, or with a stretch of zeros."""
    place = rng.randrange(len(raw))
    if kind == "cut":
        return raw[:place]
    if kind == "cut at a page":
        return raw[: place // 4096 * 4096]
    changed = bytearray(raw)
    if kind == "zeros":
        changed[place : place + 512] = bytes(len(changed[place : place + 512]))
        return bytes(changed)
    for _ in range(rng.choice([1, 1, 3])):
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(changed)


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


WRITER = """
import os, signal, sys, time
from itertools import count
from pathlib import Path
sys.path.insert(0, {tests!r})
from selfalign.ledger.rows import Entry
from selfalign.ledger.storage import Ledger
facts, size, batches = {facts!r}, {size}, {batches}
with Ledger(Path({path!r})) as ledger, ledger.run(facts, device="cpu", threads=1, versions={{}}) as run:
    for batch in range(batches) if batches else count():
        run.record([Entry(f"{{batch}}-{{row}}", "p", "text", 1, {{"log_p": [-1.0]}}) for row in range(size)])
        print(batch, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def writer(path: Path, size: int, batches: int = 0) -> subprocess.Popen:
    """A process that records batch after batch, and tells each when it is on disk; after the last it is killed."""
    script = WRITER.format(tests=str(TESTS / "support"), facts=FACTS, size=size, batches=batches, path=str(path))
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("delay", [0, 0.02, 0.06])  # seconds; a batch takes some 0.1
def test_killed_writer_leaves_whole_batches_and_no_lock(delay: float, tmp_path: Path) -> None:
    size, path = 20_000, tmp_path / "ledger.sqlite"
    process = writer(path, size)
    confirmed = int(process.stdout.readline())
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    confirmed = max([confirmed, *map(int, process.communicate()[0].split())])
    answered = read(path)
    assert len(answered) % size == 0
    assert len(answered) >= (confirmed + 1) * size
    write(path, [entry(0)])
    assert find_faults(path) == (len(answered) + 1, [])


@pytest.mark.parametrize("kind", ["cut", "flips", "zeros"])
def test_damaged_journal_loses_its_last_batches_and_no_more(kind: str, tmp_path: Path) -> None:
    killed, size, batches = tmp_path / "killed.sqlite", 20, 12
    writer(killed, size, batches).communicate()
    journal, rng = killed.with_name(f"{killed.name}-wal").read_bytes(), random.Random(6)
    left = Counter()
    for case in range(20):
        path = tmp_path / f"{case}.sqlite"
        shutil.copy(killed, path)
        path.with_name(f"{path.name}-wal").write_bytes(damage_of(kind, journal, rng))
        answered = set(read(path))
        whole = len(answered) // size
        assert answered == {f"{batch}-{row}" for batch in range(whole) for row in range(size)}
        left[whole] += 1
    assert len(left) > 3, left


# The commands


def ledger_says(*arguments: object, code: int = 0) -> str:
    """What `selfalign ledger` prints."""
    from click.testing import CliRunner
    from selfalign.cli import program

    result = CliRunner().invoke(program, ["ledger", *map(str, arguments)])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A ledger with 40 answers of one model and 20 of another."""
    write(tmp_path / "two.sqlite", [entry(number) for number in range(40)])
    write(tmp_path / "two.sqlite", [entry(number) for number in range(20)], OTHER_FACTS)
    return tmp_path / "two.sqlite"


def test_list_tells_models_answers_and_runs(two: Path) -> None:
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


def test_list_tells_of_a_change_that_was_cut_off_and_the_next_job_undoes_it(tmp_path: Path) -> None:
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


def test_list_reads_what_a_killed_job_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writer(path, 5, 3).communicate()
    before = beside(path)
    assert set(before) == {"ledger.sqlite", "ledger.sqlite-wal"}
    (model,) = describe_ledger(path)["models"]
    assert (model["answers"], model["runs"][0]["ended"]) == (15, None)
    assert find_faults(path) == (15, [])
    assert beside(path) == before
    assert len(read(path)) == 15
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_ledger_that_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    for command in (["list"], ["prune", "--keep", MARK], ["merge", "--into", tmp_path / "new.sqlite"]):
        refused("ledger", *command, tmp_path / "no.sqlite", tells=["no.sqlite: there is no such ledger"])
    told = ledger_says("verify", tmp_path / "no.sqlite", code=1)
    assert "0 answers, 1 fault\n" in told and "there is no such ledger" in told


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
    from selfalign.ledger.rows import digest_of

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


def test_merge_is_the_union_and_can_be_repeated(tmp_path: Path, two: Path) -> None:
    one, target = tmp_path / "one.sqlite", tmp_path / "folder" / "all.sqlite"
    write(one, [entry(number) for number in range(30, 50)])
    before = beside(one), beside(two)
    assert ledger_says("merge", one, two, "--into", target) == f"{target}: 70 answers added, 70 now\n"
    assert read(target) == by_key([entry(number) for number in range(50)])
    assert read(target, OTHER) == by_key([entry(number) for number in range(20)])
    assert find_faults(target) == (70, [])
    merged = describe_ledger(target)
    runs = {
        run["run"]: run for path in (one, two) for model in describe_ledger(path)["models"] for run in model["runs"]
    }
    assert {run["run"]: run for model in merged["models"] for run in model["runs"]} == runs
    assert ledger_says("merge", two, one, "--into", target) == f"{target}: 0 answers added, 70 now\n"
    assert describe_ledger(target) == merged
    assert (beside(one), beside(two)) == before


def test_merge_keeps_the_copy_of_a_run_that_came_farther(tmp_path: Path) -> None:
    path, early, target = (tmp_path / name for name in ("late.sqlite", "early.sqlite", "all.sqlite"))
    writer(path, 5, 1).communicate()
    for name in beside(path):
        shutil.copy(tmp_path / name, early.with_name(name.replace("late", "early")))
    with tampered(path) as database:
        database.execute("UPDATE runs SET ended = '2026-01-01T00:00:00+00:00'")
    for order in ([path, early], [early, path]):
        ledger_says("merge", *order, "--into", target)
        (told,) = describe_ledger(target)["models"][0]["runs"]
        assert told["ended"] == "2026-01-01T00:00:00+00:00"
        target.unlink()


def test_merge_takes_numbers_that_are_the_same_but_for_rounding(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sqlite", tmp_path / "other.sqlite"
    write(one, [entry(0, -1.0, None)])
    write(other, [entry(0, -1.0 + 5e-10, None)])
    assert ledger_says("merge", other, "--into", one) == f"{one}: 0 answers added, 1 now\n"
    assert read(one) == by_key([entry(0, -1.0, None)])


def test_merge_takes_numbers_within_the_bound_that_the_user_gives(tmp_path: Path, refused: Refused) -> None:
    one, other = tmp_path / "one.sqlite", tmp_path / "other.sqlite"
    write(one, [entry(0, -1.0, None)])
    write(other, [entry(0, -1.00002, None), entry(1, -3.0)])
    refused("ledger", "merge", other, "--into", one, tells=["Nothing is merged", "--within 0.001"])
    refused("ledger", "merge", "--within", "0.00001", other, "--into", one, tells=["Nothing is merged"])
    assert ledger_says("merge", "--within", "0.001", other, "--into", one) == f"{one}: 1 answers added, 2 now\n"
    assert read(one) == by_key([entry(0, -1.0, None), entry(1, -3.0)])


@pytest.mark.parametrize("into", ["new.sqlite", "one.sqlite"])
@pytest.mark.parametrize("scores", [(-1.0, -2.0 - 2e-9), (-1.0,), (-1.0, None)])
def test_merge_of_different_answers_changes_nothing(
    scores: tuple[float | None, ...], into: str, tmp_path: Path, refused: Refused
) -> None:
    one, other, target = tmp_path / "one.sqlite", tmp_path / "other.sqlite", tmp_path / into
    write(one, [entry(number, -1.0, -2.0) for number in range(9)])
    write(other, [*(entry(number) for number in range(20, 40)), entry(5, *scores)])
    before, kept = beside(other), (describe_ledger(one), read(one))
    sources = [one, other] if target != one else [other]
    tells = [f"{other}: key {5:016x} (prompt {104:016x}) under fingerprint {MARK}", f"-2.0]}} in {one}", "Nothing is"]
    refused("ledger", "merge", *sources, "--into", target, tells=tells)
    assert (beside(other), describe_ledger(one), read(one)) == (before, *kept)


def test_merge_of_a_damaged_ledger_is_refused(tmp_path: Path, two: Path, refused: Refused) -> None:
    one = tmp_path / "one.sqlite"
    write(one, [entry(50)])
    before = beside(one)
    with tampered(two) as database:
        database.execute("UPDATE answers SET text = 'another' WHERE rowid = 11")
    refused("ledger", "merge", two, "--into", one, tells=[str(two), "the ledger is damaged (row 11 "])
    assert beside(one) == before


def test_merge_into_one_of_the_sources_is_refused(two: Path, refused: Refused) -> None:
    refused("ledger", "merge", two, "--into", two.parent / "." / "two.sqlite", tells=["both a source and the target"])


def test_prune_lists_what_would_go_and_deletes_it_only_with_the_option(two: Path) -> None:
    before, size = beside(two), two.stat().st_size
    told = ledger_says("prune", two, "--keep", OTHER)
    assert re.search(rf"^{MARK} +40 +40 +0$", told, re.M) and re.search(rf"^{OTHER} +20 +0 +20$", told, re.M)
    assert told.endswith("40 answers would go; nothing is deleted without --yes.\n")
    assert beside(two) == before
    assert "40 answers deleted" in ledger_says("prune", two, "--keep", OTHER, "--yes")
    assert read(two) == {}
    assert read(two, OTHER) == by_key([entry(number) for number in range(20)])
    assert [model["fingerprint"] for model in describe_ledger(two)["models"]] == [OTHER]
    assert two.stat().st_size < size
    assert find_faults(two) == (20, [])


def test_prune_keeps_the_prompts_of_tables(two: Path) -> None:
    tables = [two.with_name(f"{name}.parquet") for name in "ab"]
    for table, number in zip(tables, (3, 30), strict=True):
        prompts = table_of([([], PRESS)])
        prompts["prompt"] = [entry(number).prompt, "f" * 16]
        prompts.to_parquet(table)
    arguments = [part for table in tables for part in ("--prompts", table)]
    assert "57 answers deleted" in ledger_says("prune", two, *arguments, "--yes")
    assert read(two) == by_key([entry(3), entry(30)])
    assert read(two, OTHER) == by_key([entry(3)])


def test_prune_of_what_is_not_there_or_not_said_is_refused(two: Path, refused: Refused) -> None:
    typo = MARK[:-1] + ("0" if MARK[-1] != "0" else "1")
    refused("ledger", "prune", two, "--keep", typo, "--yes", tells=["no answer is under", f'mean "{MARK}"'])
    refused("ledger", "prune", two, "--yes", tells=["nothing says what to keep"])


# Faults of real jobs

CASES = [([(f"Who {n % 7}?", "A")] * (n % 3), f"What {n}? {'Really? ' * (n % 5)}") for n in range(150)]


def test_what_is_left_after_any_batch_is_computed_to_the_same_bit() -> None:
    model, prompts = tiny_llama(), speak(tiny_tokenizer(), table_of(CASES))
    batches = [batch.answers for batch in engine.score(model, prompts, "packed", 100)]
    whole = {prompt.key: scores for batch in batches for prompt, scores in batch}
    done: set[str] = set()
    for number, batch in enumerate(batches):
        done |= {prompt.key for prompt, _ in batch}
        if number % 6 == 0:
            rest = [answer for batch in engine.score(model, prompts, "packed", 100, done) for answer in batch.answers]
            assert {prompt.key: scores for prompt, scores in rest} == {k: whole[k] for k in whole.keys() - done}


@dataclass(frozen=True)
class Task:
    """Prompts and a model, and what a job makes of them that nobody disturbs."""

    folder: Path
    weights: Path
    card: Path
    threads: int
    row_tokens: int

    def arguments(self, folder: Path) -> list[object]:
        """Arguments of the job whose ledger and answers lie in a folder."""
        inputs = ["--prompts", self.folder / "prompts.parquet", "--card", self.card, "--weights", self.weights]
        how = ["--format", "chat", "--dtype", "float32", "--device", "cpu", "--engine", "packed"]
        how += ["--row-tokens", self.row_tokens, "--threads", self.threads]
        return [
            "infer",
            *inputs,
            *how,
            "--ledger",
            folder / "l" / "ledger.sqlite",
            "--output",
            folder / "answers.parquet",
        ]

    def start(self, folder: Path) -> Job:
        return Job(self.arguments(folder), folder / "log")

    def finish(self, folder: Path) -> None:
        """Run the job to its end, and compare all that it leaves with the undisturbed one."""
        job = self.start(folder)
        assert job.wait() == 0, job.said()
        self.compare(folder)

    def compare(self, folder: Path) -> None:
        assert (folder / "answers.parquet").read_bytes() == (self.folder / "answers.parquet").read_bytes()
        assert find_faults(folder / "l" / "ledger.sqlite") == (len(self.answered()), [])
        (model,) = describe_ledger(folder / "l" / "ledger.sqlite")["models"]
        assert read(folder / "l" / "ledger.sqlite", model["fingerprint"]) == self.answered()
        assert sum(run["prompts"] for run in model["runs"]) == len(self.answered())  # each was computed once
        assert [file.name for file in (folder / "l").iterdir()] == ["ledger.sqlite"]
        assert not list(folder.glob(".*"))

    def answered(self) -> dict[str, Entry]:
        path = self.folder / "l" / "ledger.sqlite"
        return read(path, describe_ledger(path)["models"][0]["fingerprint"])


def count(path: Path) -> int:
    """Answers in what a killed job left, which stays as it is."""
    if not path.exists():
        return 0
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(path.parent, copy, dirs_exist_ok=True)
        with closing(sqlite3.connect(Path(copy, path.name))) as database:  # undoes what was half done
            there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone()
            return database.execute("SELECT count(*) FROM answers").fetchone()[0] if there else 0


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, float]:
    """A job with a tiny random model and 151 prompts, and the seconds that it takes."""
    folder = tmp_path_factory.mktemp("task")
    tiny_llama().save_pretrained(folder / "weights")
    tiny_tokenizer().save_pretrained(folder / "weights")
    (folder / "model.json").write_text(json.dumps({"weights_sha256": "1" * 64, "context_length": 4096}))
    table_of(CASES).to_parquet(folder / "prompts.parquet")
    task = Task(folder, folder / "weights", folder / "model.json", 1, 100)
    for _ in range(2):  # the first one also starts the process that others are forked from
        shutil.rmtree(folder / "l", ignore_errors=True)
        began = time.monotonic()
        assert (job := task.start(folder)).wait() == 0, job.said()
    return task, time.monotonic() - began


def refusal(job: Job, *tells: str) -> None:
    """Assert that a job refuses with one paragraph, after whatever it told before."""
    assert job.wait(30) == 1, job.said()
    said = job.said()
    assert_one_paragraph(said[said.rindex("selfalign: ") :], list(tells))
    assert "Traceback" not in said


def wait_for_writes(job: Job, journal: Path, number: int) -> None:
    """Wait until a job has written to a ledger's journal so many times, or has ended."""
    before = 0
    while number and job.wait(0.001) is None:
        now = journal.stat().st_mtime_ns if journal.exists() else 0
        number, before = number - (now != before), now


def test_killed_job_resumes_to_the_same_tables(task: tuple[Task, float], tmp_path: Path) -> None:
    (task, seconds), rng, kept = task, random.Random(20), []
    for number in range(11):
        folder = tmp_path / str(number)
        folder.mkdir()
        job = task.start(folder)
        if number < 5:
            time.sleep((number + rng.random()) / 5 * seconds)
        else:  # whatever else the machine does, it has recorded something
            wait_for_writes(job, folder / "l" / "ledger.sqlite-wal", number - 4)
        job.send(signal.SIGKILL)
        job.wait()
        kept.append(count(folder / "l" / "ledger.sqlite"))
        task.finish(folder)
    assert min(kept) == 0, kept  # some were killed before their first answer
    assert len({n for n in kept if 0 < n < len(task.answered())}) >= 3, kept  # and some between two batches


def spoken(weights: Path, folder: Path) -> Task:
    """A job with the default model."""
    shown = [[(POLITICS, "B")], [(RELIGION, "A")], [(POLITICS, "B"), (RELIGION, "A")]]
    names = ["press", "police", "church", "army", "parliament"]
    asked = [f"The {name} ___ my confidence.\nA: has\nB: lacks" for name in names]
    table_of([(examples, question) for examples in shown for question in asked]).to_parquet(folder / "prompts.parquet")
    return Task(folder, weights, weights.parent / "model.json", 2, 200)


def test_killed_job_of_the_default_model_resumes_to_the_same_tables(smollm2: Path, tmp_path: Path) -> None:
    killed, task = tmp_path / "killed", spoken(smollm2, tmp_path)
    killed.mkdir()
    job = task.start(tmp_path)
    assert job.wait() == 0, job.said()
    job = task.start(killed)
    while "nats from the naive one" not in job.said() and job.wait(0.01) is None:
        pass
    wait_for_writes(job, killed / "l" / "ledger.sqlite-wal", 2)  # its own last one, and its first batch
    job.send(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert 0 < count(killed / "l" / "ledger.sqlite") < len(task.answered())
    task.finish(killed)


@pytest.fixture
def stopped(task: tuple[Task, float], tmp_path: Path) -> Iterator[tuple[Job, Path]]:
    """A job that is at a halt in mid-work, and its ledger."""
    job, path = task[0].start(tmp_path), tmp_path / "l" / "ledger.sqlite"
    journal = path.with_name(f"{path.name}-wal")
    while not (journal.exists() and journal.stat().st_size > 50_000):
        assert job.wait(0.002) is None, job.said()
    job.send(signal.SIGSTOP)
    yield job, path
    job.send(signal.SIGKILL)


def test_ledger_of_a_running_job_is_left_alone(
    stopped: tuple[Job, Path], task: tuple[Task, float], tmp_path: Path, two: Path, refused: Refused
) -> None:
    job, path = stopped
    before = beside(path)
    began = time.monotonic()
    second = Job(task[0].arguments(tmp_path), tmp_path / "second.log")
    refusal(second, str(path), "another job is using this ledger", "Wait for it")
    assert time.monotonic() - began < 10
    commands = [["list", path], ["merge", path, "--into", two], ["merge", two, "--into", path]]
    commands += [["prune", path, "--keep", MARK, "--yes"]]
    for command in commands:
        refused("ledger", *command, tells=[str(path), "another job is using this ledger"])
    assert "another job is using this ledger" in ledger_says("verify", path, code=1)
    assert beside(path) == before
    job.send(signal.SIGCONT)
    assert job.wait() == 0, job.said()
    for file in (two, tmp_path / "second.log"):
        file.unlink()
    task[0].compare(tmp_path)


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A small file system in a folder, and a function that mounts it again with other options."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount on this machine")
    if done.returncode:
        pytest.skip(f"may not mount a file system here: {done.stderr.strip()}")
    try:
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("size", ["8k", "60k", "120k", "200k", "300k"])
def test_job_on_a_full_disk_resumes_when_there_is_space(size: str, task: tuple[Task, float], tmp_path: Path) -> None:
    with mounted(tmp_path / "l", size) as remount:
        refusal(task[0].start(tmp_path), "ledger.sqlite", "full", "free space", "what was recorded is kept")
        refusal(task[0].start(tmp_path), "ledger.sqlite", "full")  # a rerun without space loses nothing either
        assert not (tmp_path / "answers.parquet").exists()
        remount("size=10m")
        kept = count(tmp_path / "l" / "ledger.sqlite")
        task[0].finish(tmp_path)
    assert kept > 0 or size == "8k"


def test_job_with_a_read_only_folder_is_refused_and_resumes_when_it_may_write(
    task: tuple[Task, float], tmp_path: Path
) -> None:
    source = task[0].folder / "l" / "ledger.sqlite"
    with mounted(tmp_path / "l", "10m") as remount:
        remount("ro")
        refusal(task[0].start(tmp_path), "ledger.sqlite", "cannot be opened or written", "permissions")
        remount("rw")
        shutil.copy(source, tmp_path / "l")
        with tampered(tmp_path / "l" / "ledger.sqlite") as database:
            database.execute("DELETE FROM answers WHERE rowid > 50")
            database.execute("UPDATE runs SET prompts = 50")
        before = beside(tmp_path / "l" / "ledger.sqlite")
        remount("ro")
        refusal(task[0].start(tmp_path), "ledger.sqlite", "cannot be opened or written", "readonly")
        assert count(tmp_path / "l" / "ledger.sqlite") == 50
        assert ledger_says("verify", tmp_path / "l" / "ledger.sqlite").endswith("50 answers, all intact\n")
        assert beside(tmp_path / "l" / "ledger.sqlite") == before
        remount("rw")
        task[0].finish(tmp_path)


@pytest.mark.parametrize("kind", ["flips", "cut", "cut at a page"])
def test_job_with_a_damaged_ledger_refuses_or_comes_to_the_same_tables(
    kind: str, task: tuple[Task, float], tmp_path: Path
) -> None:
    source, rng, refused = task[0].folder / "l" / "ledger.sqlite", random.Random(8), 0
    for number in range(5):
        path = tmp_path / str(number) / "l" / "ledger.sqlite"
        path.parent.mkdir(parents=True)
        path.write_bytes(damage_of(kind, source.read_bytes(), rng))
        job = task[0].start(tmp_path / str(number))
        if job.wait() == 0:
            written = (tmp_path / str(number) / "answers.parquet").read_bytes()
            assert written == (task[0].folder / "answers.parquet").read_bytes()
            continue
        refused += 1
        refusal(job, str(path), "the ledger is damaged")
        assert " fault" in ledger_says("verify", path, code=1)
        assert not (tmp_path / str(number) / "answers.parquet").exists()
    assert refused > 1
