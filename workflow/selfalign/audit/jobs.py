"""The jobs behind a run's files, from the records that Snakemake keeps of each file that it made."""

import json
import os
import shlex
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from selfalign.errors import InputError

SNAKEMAKE = Path(".snakemake")
"""Folder of Snakemake's records, in the folder that the workflow runs in."""

CLOSE = 2.0
"""Seconds by which two times of one file may differ, because some file systems keep times in steps of two seconds."""

_ENDS = {"|", ">", "2>", "2>&1"}


@dataclass(frozen=True)
class Job:
    """A job that made files of a run.

    Attributes:
        step: name of the step, a key of `selfalign.steps.STEPS`.
        arguments: of the program `selfalign`, without the redirection of its messages.
        inputs: files and folders that it read.
        outputs: files and folders that it made.
    """

    step: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def refuse_read_only(folder: Path) -> None:
    """Refuse a folder in which Snakemake cannot keep its records and locks. Snakemake would stop with a traceback.

    Args:
        folder: that the workflow runs in.

    Raises:
        InputError: the folder, or Snakemake's folder in it, cannot be written.
    """
    records = folder / SNAKEMAKE
    place = records if records.exists() else folder
    if not os.access(place, os.W_OK | os.X_OK):
        problem = "cannot be written, and Snakemake writes its records and locks there, also in a dry run"
        remedy = (
            "Change its permissions, or work in a copy. `selfalign status`, `trace`, `verify` and `compare` only read"
        )
        raise InputError(place, problem, remedy)


class Records:
    """Snakemake's records of the files that it made in one folder.

    Args:
        folder: Snakemake's folder, `.snakemake`. Without records, nothing is known of any file.
    """

    def __init__(self, folder: Path = SNAKEMAKE) -> None:
        self._metadata, self._incomplete = folder / "metadata", folder / "incomplete"

    @cached_property
    def files(self) -> dict[str, dict[str, Any]]:
        """The record of each file, by path."""
        return {path: record for path, record in self._read(self._metadata) if record}

    @cached_property
    def incomplete(self) -> set[str]:
        """Files of jobs that did not end."""
        return {path for path, _ in self._read(self._incomplete)}

    def _read(self, folder: Path) -> Iterable[tuple[str, dict[str, Any]]]:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if file.is_file():
                parts = file.relative_to(folder).parts
                try:
                    name = urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
                    yield name, json.loads(file.read_text(encoding="utf-8"))
                except ValueError:
                    continue  # being written, or not a record

    def jobs_behind(self, targets: Iterable[str]) -> list[Job]:
        """The jobs that made some files, and those that made their inputs, each after the jobs that it depends on."""
        made_by: dict[str, list[str]] = {}
        for path, record in sorted(self.files.items()):
            made_by.setdefault(record.get("shellcmd") or "", []).append(path)
        found: dict[str, Job] = {}

        def visit(path: str) -> None:
            record = self.files.get(path)
            arguments = read_command(record.get("shellcmd") or "") if record else []
            if record is None or not arguments or record["shellcmd"] in found:
                return
            inputs = tuple(record.get("input") or ())
            job = Job(arguments[0].replace("-", "_"), tuple(arguments), inputs, tuple(made_by[record["shellcmd"]]))
            for file in inputs:
                visit(file)
            found[record["shellcmd"]] = job

        for target in targets:
            visit(str(target))
        return list(found.values())

    def was_changed(self, path: str) -> bool:
        """Whether a file's time is another than when its job ended. Unknown files and unfinished ones were not."""
        record = self.files.get(path)
        ended = record.get("endtime") if record else None
        if ended is None or path in self.incomplete or not Path(path).is_file():
            return False
        return bool(abs(Path(path).lstat().st_mtime - ended) > CLOSE)


def read_command(shell: str) -> list[str]:
    """Arguments of the program `selfalign` in a command of a rule; none if the rule runs something else."""
    try:
        words = shlex.split(shell)
    except ValueError:
        return []
    end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
    return words[1:end] if words[:1] == ["selfalign"] else []


def write_jobs(jobs: list[Job]) -> str:
    """Jobs as JSON, one after another."""
    return json.dumps([asdict(job) for job in jobs], indent=1, ensure_ascii=False) + "\n"


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a run, as `record_outputs` wrote them.

    Raises:
        InputError: the file is missing, or not a list of jobs.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return [Job(one["step"], *(tuple(one[key]) for key in ("arguments", "inputs", "outputs"))) for one in listed]
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Let snakemake finish this run") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(path, "not a list of jobs", "Delete it, and run snakemake again") from None
