"""The steps of a run, run again from its raw inputs: each into a scratch folder, then compared with the record."""

import contextlib
import importlib
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import pandas as pd
from tqdm import tqdm

from selfalign.audit.jobs import Job
from selfalign.audit.verify.answers import MissingError, answers_of_endpoint, answers_of_weights, check_ledger
from selfalign.audit.verify.differences import compare_files, compare_tables
from selfalign.audit.verify.findings import Difference, Findings
from selfalign.errors import InputError
from selfalign.inference.schemas import Answers
from selfalign.steps import STEPS
from selfalign.tables import write_table

TOLERANCE = 2e-6
"""Numbers that differ by at most this are the same, because the steps that estimate round to 1e-6."""

APART = {
    "fetch_survey": "downloads a file",
    "fetch_model": "downloads or links a model",
    "convert_model": "is checked by the digests in model.json",
    "record_run": "is checked against this computer",
}
"""Steps that are not run again, and why."""

UNREPEATED = {".ipynb"}
"""Files of steps that are run again, but which are not compared: a notebook names its own files."""

_STORED: dict[str, Callable[[dict[str, Any], Path, Findings], tuple[pd.DataFrame, set[str]]]] = {
    "infer": answers_of_weights,
    "ask": answers_of_endpoint,
}
"""Steps whose answers are cut from the ledger again."""


class Rerun:
    """A run that is computed again in a scratch folder, from its raw inputs.

    Each step reads the outputs of the steps that were run again before it. So only a file that was changed differs, and
    the files that depend on it do not. If a step cannot be run again, later steps read its recorded files.

    Args:
        jobs: of the run, each after those that it depends on.
        scratch: an empty folder.
        tolerance: largest difference of two numbers that counts as rounding.
    """

    def __init__(self, jobs: list[Job], scratch: Path, tolerance: float = TOLERANCE) -> None:
        self.jobs, self.scratch, self.tolerance = jobs, scratch, tolerance
        self.made: dict[str, str] = {}

    def run(self, findings: Findings) -> None:
        """Run all steps again that can be, and compare their files with the recorded ones."""
        with tqdm(self.jobs, unit="step", desc="verify", leave=False) as progress:
            for job in progress:
                progress.set_postfix_str(job.step, refresh=True)
                if job.step in APART:
                    continue
                if gone := [path for path in job.inputs if not Path(self.current(path)).exists()]:
                    findings.skipped.append(f"{_outputs(job)}: not made again, because {gone[0]} is not there any more")
                    continue
                self._run_one(job, findings)

    def current(self, path: str) -> str:
        """The file to read for a recorded file: made again where it could be."""
        return self.made.get(path, path)

    def arguments(self, job: Job, other: dict[str, str] | None = None) -> list[str]:
        """Arguments of a job, with the files that were made again in place of the recorded ones.

        Args:
            job: of the run.
            other: files to name instead of a recorded file, by the recorded path.
        """
        paths = self.made | {path: str(self._place(path)) for path in job.outputs} | (other or {})
        return [_replace(argument, paths) for argument in job.arguments[1:]]

    def _place(self, path: str) -> Path:
        return self.scratch / path.lstrip("/")

    def _run_one(self, job: Job, findings: Findings) -> None:
        try:
            if job.step in _STORED:
                self._read_stored(job, findings)
            else:
                run_step(job.step, self.arguments(job))
                self._compare(job, findings)
        except MissingError as missing:
            findings.skipped.append(f"{_outputs(job)}: not made again, because {missing}")
            return
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            problem = f"the step {job.step} cannot be run again: {reason}"
            findings.differences += [Difference(path, problem=problem) for path in job.outputs[:1]]
            return
        findings.checked["steps run again"] += 1
        self.made |= {path: str(self._place(path)) for path in job.outputs}

    def _compare(self, job: Job, findings: Findings) -> None:
        for path in job.outputs:
            if Path(path).suffix in UNREPEATED:
                continue
            self._forget_scratch(self._place(path))
            findings.differences += compare_files(path, Path(path), self._place(path), self.tolerance)
            findings.checked["files made again"] += 1

    def _forget_scratch(self, path: Path) -> None:
        """Write the names of files in a record as the run has them, without the scratch folder."""
        if path.suffix == ".json":
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(f"{self.scratch}/", ""), encoding="utf-8")

    def _read_stored(self, job: Job, findings: Findings) -> None:
        """Cut the answers of a model from its ledger again, and compare them with the table."""
        options, recorded = read_options(job.step, self.arguments(job)), Path(job.outputs[0])
        check_ledger(options["ledger_path"], findings)
        if not recorded.is_file():
            raise MissingError(f"{recorded} is missing")
        answers, lacking = _STORED[job.step](options, recorded, findings)
        write_table(answers, options["output"], Answers)
        before, now = pd.read_parquet(recorded), pd.read_parquet(options["output"])
        before = before[~before["prompt"].isin(lacking)].reset_index(drop=True)
        findings.differences += compare_tables(str(recorded), before, now, self.tolerance)
        findings.checked["answers compared with a ledger"] += len(now)
        if lacking:
            raise MissingError(f"its ledger lacks answers to {len(lacking)} of its prompts")


def run_step(step: str, arguments: list[str]) -> None:
    """Run a step in this process, without its messages.

    Raises:
        Exception: whatever the step raises.
    """
    command = importlib.import_module(STEPS[step]).command
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        command.main(arguments, standalone_mode=False)


def read_options(step: str, arguments: Iterable[str]) -> dict[str, Any]:
    """Options of a step's command, by the names of its parameters."""
    command: click.Command = importlib.import_module(STEPS[step]).command
    try:
        return dict(command.make_context(step, list(arguments)).params)
    except click.ClickException as error:
        raise InputError(f"step {step}", error.format_message(), "Run snakemake again with this version") from None


def _replace(argument: str, paths: dict[str, str]) -> str:
    """An argument, which may list files or name a language before a file, with other files for some."""
    if argument in paths:
        return paths[argument]
    return re.sub(r"[^\s=]+", lambda found: paths.get(found[0], found[0]), argument)


def _outputs(job: Job) -> str:
    more = f" and {len(job.outputs) - 1} more" if len(job.outputs) > 1 else ""
    return f"{job.outputs[0]}{more}"
