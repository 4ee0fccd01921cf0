"""How far a run is: which of its jobs have ended, and how many of its prompts the models have answered.

The Snakefile records each start of a run. The rest is read from files that are there anyway: Snakemake's markers of
jobs in progress, the jobs' logs and benchmarks, and the ledgers.
"""

import csv
import fcntl
import json
import re
import shlex
import shutil
import sqlite3
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.ledger.reading import list_runs, sum_usage
from selfalign.ledger.storage import opened

START_RECORD = Path("logs", "started.json")
"""The record of a start, in the folder of its run."""

ASKING = ("infer", "ask")
"""The rules that ask a model: on this machine, or behind an endpoint."""

DONE, RUNNING, CUT_OFF, FAILED, LEFT = "done", "running", "cut off", "failed", "left"
"""States of a job. A job is cut off if Snakemake ended before it."""

_HELD: list[TextIO] = []
_MARKERS = Path(".snakemake", "incomplete")
_LONGEST_NAME = 255  # bytes of a file's name, in the file systems of Linux and macOS
_COUNTS = re.compile(r"^(\d+) (?:prompts|replies|requests): \d+ to \w+, (\d+) in the ledger", re.MULTILINE)
_BAR = re.compile(r"(infer|reply|ask): +\d+%\|[^|]*\| (\d+)/\d+ \[(?:(\d+):)?(\d+):(\d+)<")


@dataclass(frozen=True)
class PlannedJob:
    """A job that Snakemake planned.

    Args:
        rule: its rule.
        wildcards: values of the rule's wildcards.
        output: files that it makes.
        log: its logs.
        benchmark: the file with its time, which is written when it ends well.
    """

    rule: str
    wildcards: dict[str, str]
    output: list[str]
    log: list[str]
    benchmark: str | None

    @property
    def name(self) -> str:
        """The rule and its wildcards, as in `infer smollm2-135m en`."""
        return " ".join([self.rule, *self.wildcards.values()])


@dataclass(frozen=True)
class Ask:
    """A model that the run asks in a language.

    Args:
        rule: that asks it.
        model: as named in the config.
        language: ISO 639-1.
        price: of a million tokens, `input` and `output`, if the model is behind an endpoint and the settings have it.
        replies: whether a model on this machine also gives a greedy reply to each prompt.
    """

    rule: str
    model: str
    language: str
    price: dict[str, float] | None = None
    replies: bool = False


@dataclass(frozen=True)
class Start:
    """The last start of a run.

    Args:
        command: command line of Snakemake.
        jobs: all that it planned, except those without a benchmark.
        asks: the models and languages of the run, whether a job for them was planned or not.
        time: when it started, in seconds since 1970, as the file system counts them.
        alive: whether Snakemake has not ended yet.
    """

    command: str
    jobs: list[PlannedJob]
    asks: list[Ask]
    time: float
    alive: bool


@dataclass(frozen=True)
class AnswerProgress:
    """How far a model is in a language of a run.

    Args:
        state: of the job that asks it.
        total: answers that the run needs: of a model on this machine, one to each prompt and premise, and its greedy
            replies; of an endpoint, one to each request. None where that is not known yet.
        done: how many of them are answered and kept; None where the last start has not asked the model yet.
        rate: answers per second of the last job that asked the model; None if it gave none.
        usage: tokens sent and received for all answers in the ledger, as an endpoint counts them; None where the
            ledger has none or cannot be read.
    """

    state: str
    total: int | None
    done: int | None = None
    rate: float | None = None
    usage: tuple[int, int] | None = None

    @property
    def left(self) -> int:
        """How many answers are missing, as far as that is known."""
        return (self.total or 0) - (self.done or 0)


# The record of a start


def record_start(folder: Path, jobs: Iterable[Any], config: Config, command: Sequence[str]) -> None:
    """Write down that a run starts. The record is locked until this process ends, however it ends.

    Args:
        folder: of the run.
        jobs: that Snakemake will run, as Snakemake has them.
        command: Snakemake's command line.
    """
    path = folder / START_RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    record = path.open("a+", encoding="utf-8")
    for _ in range(20):  # a reader holds the lock for an instant
        with suppress(OSError):
            fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.05)
    planned = [_copy(job) for job in jobs if job.benchmark]
    called = shlex.join([Path(command[0]).name, *command[1:]])
    asks = [
        Ask(
            ASKING[model.endpoint is not None],
            model.name,
            language,
            price=model.endpoint.price.given if model.endpoint and model.endpoint.price else None,
            replies=model.endpoint is None and model.gives_replies,
        )
        for model in config.asked_models
        for language in config.run.languages
    ]
    content = {"command": called, "asks": list(map(asdict, asks)), "jobs": list(map(asdict, planned))}
    record.truncate(0)
    json.dump(content, record, indent=1)
    record.flush()
    _HELD.append(record)


def _copy(job: Any) -> PlannedJob:
    wildcards = {name: str(value) for name, value in job.wildcards.items()}
    return PlannedJob(job.rule.name, wildcards, list(map(str, job.output)), list(map(str, job.log)), str(job.benchmark))


def read_start(folder: Path) -> Start:
    """The last start of a run.

    Args:
        folder: of the run.

    Raises:
        InputError: there is no record of one.
    """
    path = folder / START_RECORD
    try:
        with path.open(encoding="utf-8") as record:
            alive = not _free(record)
            text, started = json.load(record), path.stat().st_mtime
        jobs, asks = [PlannedJob(**job) for job in text["jobs"]], [Ask(**ask) for ask in text["asks"]]
        return Start(text["command"], jobs, asks, started, alive)
    except FileNotFoundError:
        raise InputError(path, "there is no record of a start of this run", "Start it with snakemake") from None
    except (ValueError, TypeError, KeyError):
        raise InputError(path, "the record of the run's start cannot be read", "Wait a second and ask again") from None


def _free(record: TextIO) -> bool:
    """Whether no process holds the record."""
    try:
        fcntl.flock(record, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks; Snakemake's own are files
        return not is_locked()
    fcntl.flock(record, fcntl.LOCK_UN)
    return True


def is_locked() -> bool:
    """Whether Snakemake has locked the working folder. Its locks stay if it is killed."""
    return any(Path(".snakemake", "locks").glob("*.lock"))


# Jobs


def state_of(job: PlannedJob, start: Start) -> str:
    """State of a job: one of `DONE`, `RUNNING`, `CUT_OFF`, `FAILED` and `LEFT`."""
    if any(_marker(file).exists() for file in job.output):
        return RUNNING if start.alive else CUT_OFF
    if _since(job.benchmark, start) and all(Path(file).exists() for file in job.output):
        return DONE
    return FAILED if any(_since(file, start) for file in job.log) else LEFT


def _since(file: str | None, start: Start) -> bool:
    """Whether a file was written after a start."""
    try:
        return file is not None and Path(file).stat().st_mtime >= start.time
    except OSError:
        return False


def _marker(output: str) -> Path:
    """The file that Snakemake keeps while the job that makes an output runs, as `snakemake.persistence` names it."""
    name = urlsafe_b64encode(output.encode()).decode()
    size = _LONGEST_NAME - 1
    *folders, last = (name[i : i + size] for i in range(0, len(name), size))
    return _MARKERS.joinpath(*(f"@{folder}" for folder in folders), last)


def began(job: PlannedJob) -> float | None:
    """When a running job began, in seconds since 1970."""
    times = [_marker(file).stat().st_mtime for file in job.output if _marker(file).exists()]
    return min(times, default=None)


def last_seconds(job: PlannedJob) -> float | None:
    """Seconds that a job took when it last ended well; None if it never did."""
    with suppress(OSError, KeyError, ValueError, StopIteration), Path(job.benchmark or "").open() as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    return None


# Answers


def count_answers(state: str, start: Start, log: Path, ledger: Path) -> AnswerProgress:
    """How far a model is in a language.

    Args:
        state: of the job that asks the model.
        start: the last start.
        log: the job's log.
        ledger: where the answers are kept.
    """
    runs, usage = read_ledger(ledger, busy=state == RUNNING)
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    counts = [(int(total), int(known)) for total, known in _COUNTS.findall(text)]
    if state == LEFT or not counts:
        return AnswerProgress(state, None, usage=usage)
    total, known = (sum(column) for column in zip(*counts, strict=True))
    if state == DONE:
        return AnswerProgress(state, total, total, _rate(counts, text), usage)
    new = [prompts for started, prompts in runs if _in_seconds(started) >= int(start.time)]
    recorded = known + (new[-1] if new else 0)
    return AnswerProgress(state, total, min(total, max(recorded, _shown(counts, text))), _rate(counts, text), usage)


def _bars(text: str) -> dict[str, tuple[int, int]]:
    """The last state of each progress bar of a log: answers, and seconds since it began."""
    return {
        name: (int(n), 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds))
        for name, n, hours, minutes, seconds in _BAR.findall(text)
    }


def _shown(counts: list[tuple[int, int]], text: str) -> int:
    """Number of answers that a log shows: its bars, and what was known of the counts without a bar."""
    bars = _bars(text)
    return sum(n for n, _ in bars.values()) + sum(known for _, known in counts[len(bars) :])


def _rate(counts: list[tuple[int, int]], text: str) -> float | None:
    """Answers per second since the last progress bar of a log began."""
    bars = list(_bars(text).values())
    if not bars:
        return None
    (n, seconds), (_, known) = bars[-1], counts[min(len(bars), len(counts)) - 1]
    return (n - known) / seconds if seconds and n > known else None


def _in_seconds(moment: str) -> float:
    """A moment as ledgers have it, in seconds since 1970."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


def read_ledger(ledger: Path, busy: bool = False) -> tuple[list[tuple[str, int]], tuple[int, int] | None]:
    """The jobs that a ledger knows, and the tokens that its answers took.

    Args:
        ledger: its file.
        busy: whether a job holds it. SQLite lets nobody else read it then, so a copy is read.

    Returns:
        When each job started and how many prompts it answered, first to last: none if the ledger cannot be read.
        And tokens sent and received, if an endpoint has counted them.
    """
    with suppress(InputError, OSError, sqlite3.DatabaseError), ExitStack() as kept:
        if busy:
            folder = Path(kept.enter_context(TemporaryDirectory()))
            for file in (ledger, ledger.with_name(f"{ledger.name}-wal")):
                if file.exists():
                    shutil.copyfile(file, folder / file.name)
            ledger = folder / ledger.name
        database = kept.enter_context(opened(ledger))
        return list_runs(database), sum_usage(database)
    return [], None
