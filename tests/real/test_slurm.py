"""A cluster, for real: SLURM on this machine runs the workflow, loses jobs in mid-inference, and gives the same bytes.

Skipped where SLURM or Snakemake's executor for it is missing, or the daemons cannot be started. To run it, as root:

    make slurm
    tests/slurm/one_node.sh install
    pytest tests/real/test_slurm.py
"""

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from project import ROOT, Project, Run

SCRIPT = ROOT / "tests" / "slurm" / "one_node.sh"
PROBES = [
    f"Q{number}" for number in (4, 6, 8, 22, 29, 60, 71, 94, 113, 119, 121, 149, 164, 167, 176, 182, 199, 235, 253)
]
LANGUAGES = ("en", "es")
MADE = ("answers/**/*", "scores/**/*", "tables/*", "figures/*", "audit/*.csv", "design/*", "prompts/*", "people/*")
SUBMITTED = re.compile(r"^Job (\d+) has been submitted with SLURM jobid (\d+)", re.MULTILINE)


def why_not() -> str | None:
    """What a cluster cannot be had for here."""
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "Snakemake's executor for SLURM is not installed: make slurm"
    missing = [name for name in ("sbatch", "slurmctld", "slurmd", "munged") if shutil.which(name) is None]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)}): tests/slurm/one_node.sh install"
    if Path("/etc/slurm/slurm.conf").exists():
        return "this machine is in a cluster already: /etc/slurm/slurm.conf"
    return None if os.geteuid() == 0 else "the daemons of SLURM are started as root"


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def settings(model: Path) -> dict:
    """The embedded default, cut down: some of its probes, two countries, three arms; Spanish to zero-shot."""
    return {
        "probes": {
            "categories": [],
            "only": PROBES,
        },
        "models": {"local": {"label": "SmolLM2", "source": {"folder": str(model)}, "device": "cpu", "row_tokens": 320}},
        "run": {"models": ["local"], "languages": list(LANGUAGES)},
        "languages": {
            "en": {"countries": ["BOL", "MEX"], "arms": ["zero_shot", "chrf", "chrf_other"]},
            "es": {"countries": ["BOL", "MEX"], "arms": ["zero_shot"]},
        },
        "scoring": {"draws": 100, "contrasts": [["chrf", "zero_shot"], ["chrf", "chrf_other"]]},
        "figures": {"calibration": {"arms": ["zero_shot", "chrf"]}},
    }


def slurm(*command: str) -> str:
    """Run a program of SLURM's and return what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def details(job: str) -> str:
    """All that SLURM tells of a job."""
    return slurm("scontrol", "show", "--details", "job", job)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of one node, as long as the test runs."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # a short name: that of a socket has 107 letters at most
    try:
        subprocess.run([SCRIPT, "start", folder], check=True, timeout=120)
        yield
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=True, timeout=120)
        shutil.rmtree(folder)


class Submission:
    """A run of Snakemake on the cluster, under way."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.project = project
        options = ["--profile", "profiles/slurm", "--configfile", "overlay.yaml", "--set-threads", "infer=2"]
        options += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "7"]
        self.printed = project.folder / f"snakemake-{time.monotonic_ns()}.txt"
        with self.printed.open("w") as output:
            self.process = subprocess.Popen(
                [*project.command()[:1], *options, *arguments],
                cwd=project.folder,
                env=project.variables(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Submission":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for(self, event: Callable[[], object], seconds: int = 240) -> object:
        """Wait until something is so, and return it."""
        end = time.monotonic() + seconds
        while not (seen := event()):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < end, self.output()
            time.sleep(0.2)
        return seen

    def output(self) -> str:
        return self.printed.read_text()

    def end(self) -> Run:
        return Run(self.process.wait(timeout=400), self.output())

    def jobs(self) -> list[str]:
        """SLURM's numbers of the jobs submitted so far, in order."""
        return [number for _, number in SUBMITTED.findall(self.output())]


def rows(project: Project, language: str, scratch: Path) -> set[tuple]:
    """Answers in a ledger, whoever holds it; read from a copy, so that it stays as the job left it."""
    ledger = project.folder / "results/shared/ledger/local" / f"{language}.sqlite"
    if not ledger.exists():
        return set()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for path in ledger.parent.glob(f"{ledger.name}*"):
            shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder, ledger.name))) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone():
                return set()
            return set(database.execute("SELECT * FROM answers"))


def counts(project: Project, language: str) -> tuple[int, int, int]:
    """Prompts, those to answer, and those in the ledger, as the job of inference tells them."""
    log = (project.folder / f"results/default/logs/infer/local/{language}.log").read_text(encoding="utf-8")
    return tuple(map(int, re.search(r"(\d+) prompts: (\d+) to answer, (\d+) in the ledger", log).groups()))


def made(project: Project) -> dict[str, bytes]:
    """Bytes of all that a run is for, by path."""
    results = project.folder / "results"
    found = (path for pattern in MADE for path in results.glob(pattern) if path.is_file())
    return {str(path.relative_to(results)): path.read_bytes() for path in found}


def test_cancelled_jobs_go_on_and_the_cluster_gives_the_same_bytes_as_this_machine(
    cluster: None, checkout: Project, smollm2: Path, tmp_path: Path
) -> None:
    local = checkout.copy(tmp_path / "local")
    run = local.snakemake(config=settings(smollm2))
    assert run.code == 0, run.output
    project = checkout.copy(tmp_path / "slurm")
    shutil.copy(local.folder / "overlay.yaml", project.folder)
    victim = "en"

    # The job of a model is cancelled, with no retries: the run fails, and leaves a ledger and no answers.
    with Submission(project, "--retries", "0", "--set-resources", "infer:gpu=1") as submission:
        submission.wait_for(lambda: len(submission.jobs()) == 3)
        submission.wait_for(lambda: rows(project, victim, tmp_path))
        asked = next(told for told in map(details, submission.jobs()) if f"wildcards_local_{victim}" in told)
        slurm("scancel", re.search(r"JobId=(\d+)", asked)[1])
        run = submission.end()
    assert run.code == 1, run.output
    assert "CANCELLED" in run.output
    assert not (project.folder / f"results/default/answers/local/{victim}.parquet").exists()
    first = rows(project, victim, tmp_path)
    total = counts(local, victim)[0]
    assert 0 < len(first) < total

    # It asked for what the rule says: cores, memory from the model's card, time, a GPU.
    for wish in ("CPUs/Task=2", "MinMemoryNode=2672M", "TimeLimit=04:00:00", "TresPerJob=gres:gpu:1", "GRES=gpu:1"):
        assert wish in asked

    # The rerun resumes. Cancelled again, under the profile's own retries, the job is sent once more and asks for more.
    with Submission(project) as submission:
        (job,) = submission.wait_for(lambda: submission.jobs()[:1])
        submission.wait_for(lambda: len(rows(project, victim, tmp_path)) > len(first))
        assert counts(project, victim) == (total, total - len(first), len(first))
        slurm("scancel", job)
        again = details(submission.wait_for(lambda: submission.jobs()[1:])[0])
        second = rows(project, victim, tmp_path)
        run = submission.end()
    assert first < second
    assert "MinMemoryNode=5344M" in again
    assert "TimeLimit=08:00:00" in again
    assert run.code == 0, run.output
    assert len(first) < counts(project, victim)[2] < total

    # Every answer is there once, those of before as they were; and all bytes are those of the local run.
    for language in LANGUAGES:
        assert len(rows(project, language, tmp_path)) == counts(local, language)[0]
    assert second <= rows(project, victim, tmp_path)
    assert made(project) == made(local)
    assert {"figures/agreement.pdf", "tables/agreement.csv", "answers/local/es.parquet"} < made(local).keys()
