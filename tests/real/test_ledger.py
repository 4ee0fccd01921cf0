"""The ledger of answers in jobs: kills, a full disk, damage, and two jobs at once. tests/unit/ledger has the rest."""

import json
import random
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
from jobs import Job
from ledgers import FACTS, MARK, beside, damage_of, entry, ledger_says, read, tampered, write
from places import TESTS
from refusal import Refused, assert_one_paragraph
from selfalign.inference.local import engine
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.rows import Entry
from tiny import POLITICS, speak, table_of, tiny_llama, tiny_tokenizer

# Writers that are killed


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


# Faults of real jobs

CASES = [([(f"Who {n % 7}?", "A")] * (n % 3), f"What {n}? {'Really? ' * (n % 5)}") for n in range(150)]


def test_what_is_left_after_any_batch_is_computed_to_the_same_bit() -> None:
    model, prompts = tiny_llama(), speak(tiny_tokenizer(), table_of(CASES))
    batches = [batch.answers for batch in engine.score(model, prompts, "packed", 100)]
    whole = {prompt.key: scores for batch in batches for prompt, scores in batch}
    done: set[str] = set()
    for number, batch in enumerate(batches):
        done |= {prompt.key for prompt, _ in batch}
        if number % 16 == 0:
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
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A job with a tiny random model and 151 prompts."""
    folder = tmp_path_factory.mktemp("task")
    tiny_llama().save_pretrained(folder / "weights")
    tiny_tokenizer().save_pretrained(folder / "weights")
    (folder / "model.json").write_text(json.dumps({"weights_sha256": "1" * 64, "context_length": 4096}))
    table_of(CASES).to_parquet(folder / "prompts.parquet")
    task = Task(folder, folder / "weights", folder / "model.json", 1, 100)
    assert (job := task.start(folder)).wait() == 0, job.said()
    return task


def refusal(job: Job, *tells: str) -> None:
    """Assert that a job refuses with one paragraph, after whatever it told before."""
    assert job.wait(30) == 1, job.said()
    said = job.said()
    assert_one_paragraph(said[said.rindex("selfalign: ") :], list(tells))
    assert "Traceback" not in said


def halt(job: Job, ledger: Path, answers: int) -> None:
    """Bring a job to a halt once it has recorded so many answers, however fast the machine is.

    The job stands still while its answers are counted, and runs on if they are too few.
    """
    journal, counted = ledger.with_name(f"{ledger.name}-wal"), -1
    while job.wait(0.002) is None:
        written = journal.stat().st_mtime_ns if journal.exists() else 0
        if written != counted:
            job.send(signal.SIGSTOP)
            if count(ledger) >= answers:
                return
            counted = written
            job.send(signal.SIGCONT)
    raise AssertionError(f"it ended before it had {answers} answers: {job.said()}")


def test_killed_job_resumes_to_the_same_tables(task: Task, tmp_path: Path) -> None:
    kept = []
    for answers in [0, 1, 40, 120]:
        folder = tmp_path / str(answers)
        folder.mkdir()
        job = task.start(folder)
        halt(job, folder / "l" / "ledger.sqlite", answers)
        job.send(signal.SIGKILL)
        assert job.wait() == -signal.SIGKILL
        kept.append(count(folder / "l" / "ledger.sqlite"))
        task.finish(folder)
    assert kept[0] == 0
    assert kept == sorted(kept)
    assert 0 < kept[1] < kept[-1] < len(task.answered()), kept  # killed between its first batch and its last


def spoken(weights: Path, folder: Path) -> Task:
    """A job with the default model. Labels and other spellings of the options would double what it compares first."""
    shown: list[list[tuple[str, str]]] = [[], [(POLITICS, "No")]]
    asked = [f"Do you trust the {name}?" for name in ["press", "police", "church"]]
    cases = [(examples, question) for examples in shown for question in asked]
    table_of(cases, ("Yes", "No"), labels=()).to_parquet(folder / "prompts.parquet")
    return Task(folder, weights, weights.parent / "model.json", 1, 120)


def test_killed_job_of_the_default_model_resumes_to_the_same_tables(smollm2: Path, tmp_path: Path) -> None:
    killed, task = tmp_path / "killed", spoken(smollm2, tmp_path)
    killed.mkdir()
    job = task.start(tmp_path)
    assert job.wait() == 0, job.said()
    job = task.start(killed)
    while "nats from the naive one" not in job.said() and job.wait(0.01) is None:
        pass
    halt(job, killed / "l" / "ledger.sqlite", 1)
    job.send(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert 0 < count(killed / "l" / "ledger.sqlite") < len(task.answered())
    task.finish(killed)


@pytest.fixture
def stopped(task: Task, tmp_path: Path) -> Iterator[tuple[Job, Path]]:
    """A job that is at a halt in mid-work, and its ledger."""
    job, path = task.start(tmp_path), tmp_path / "l" / "ledger.sqlite"
    halt(job, path, 1)
    yield job, path
    job.send(signal.SIGKILL)


def test_ledger_of_a_running_job_is_left_alone(
    stopped: tuple[Job, Path],
    task: Task,
    tmp_path: Path,
    two: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("selfalign.ledger.storage.PATIENCE", 0.1)
    job, path = stopped
    before = beside(path)
    second = Job(task.arguments(tmp_path), tmp_path / "second.log")
    refusal(second, str(path), "another job is using this ledger", "Wait for it")
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
    task.compare(tmp_path)


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
def test_job_on_a_full_disk_resumes_when_there_is_space(size: str, task: Task, tmp_path: Path) -> None:
    with mounted(tmp_path / "l", size) as remount:
        refusal(task.start(tmp_path), "ledger.sqlite", "full", "free space", "what was recorded is kept")
        refusal(task.start(tmp_path), "ledger.sqlite", "full")  # a rerun without space loses nothing either
        assert not (tmp_path / "answers.parquet").exists()
        remount("size=10m")
        kept = count(tmp_path / "l" / "ledger.sqlite")
        task.finish(tmp_path)
    assert kept > 0 or size == "8k"


def test_job_with_a_read_only_folder_is_refused_and_resumes_when_it_may_write(task: Task, tmp_path: Path) -> None:
    source = task.folder / "l" / "ledger.sqlite"
    with mounted(tmp_path / "l", "10m") as remount:
        remount("ro")
        refusal(task.start(tmp_path), "ledger.sqlite", "cannot be opened or written", "permissions")
        remount("rw")
        shutil.copy(source, tmp_path / "l")
        with tampered(tmp_path / "l" / "ledger.sqlite") as database:
            database.execute("DELETE FROM answers WHERE rowid > 50")
            database.execute("UPDATE runs SET prompts = 50")
        before = beside(tmp_path / "l" / "ledger.sqlite")
        remount("ro")
        refusal(task.start(tmp_path), "ledger.sqlite", "cannot be opened or written", "readonly")
        assert count(tmp_path / "l" / "ledger.sqlite") == 50
        assert ledger_says("verify", tmp_path / "l" / "ledger.sqlite").endswith("50 answers, all intact\n")
        assert beside(tmp_path / "l" / "ledger.sqlite") == before
        remount("rw")
        task.finish(tmp_path)


@pytest.mark.parametrize("kind", ["flips", "cut", "cut at a page"])
def test_job_with_a_damaged_ledger_refuses_or_comes_to_the_same_tables(kind: str, task: Task, tmp_path: Path) -> None:
    source, rng, refused = task.folder / "l" / "ledger.sqlite", random.Random(8), 0
    for number in range(5):
        path = tmp_path / str(number) / "l" / "ledger.sqlite"
        path.parent.mkdir(parents=True)
        path.write_bytes(damage_of(kind, source.read_bytes(), rng))
        job = task.start(tmp_path / str(number))
        if job.wait() == 0:
            written = (tmp_path / str(number) / "answers.parquet").read_bytes()
            assert written == (task.folder / "answers.parquet").read_bytes()
            continue
        refused += 1
        refusal(job, str(path), "the ledger is damaged")
        assert " fault" in ledger_says("verify", path, code=1)
        assert not (tmp_path / str(number) / "answers.parquet").exists()
    assert refused > 1
