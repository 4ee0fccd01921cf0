"""Step record_outputs: what becomes of the files of a run."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from selfalign.audit.jobs import SNAKEMAKE, Job, read_jobs, write_jobs
from selfalign.audit.manifest import make_manifest
from selfalign.audit.record_outputs import command

RUN = Path("results/default")
MANIFEST, JOBS = RUN / "manifest.csv", RUN / "jobs.json"


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs of a run that ended, in the present folder, without records of Snakemake."""
    monkeypatch.chdir(tmp_path)
    RUN.mkdir(parents=True)
    names = {"map_poles": "poles.csv", "estimate_agreement": "agreement.csv", "plot_agreement": "agreement.png"}
    jobs = [Job(step, (step.replace("_", "-"),), (), (str(RUN / name),)) for step, name in names.items()]
    for job in jobs:
        Path(job.outputs[0]).write_text(job.step, encoding="utf-8")
    JOBS.write_text(write_jobs(jobs), encoding="utf-8")
    make_manifest(jobs, {}).to_csv(MANIFEST, index=False)
    return jobs


def record(job: Job) -> None:
    """Write Snakemake's record of a job."""
    for path in job.outputs:
        file = SNAKEMAKE / "metadata" / urlsafe_b64encode(path.encode()).decode()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"shellcmd": f"selfalign {job.arguments[0]}", "input": []}), encoding="utf-8")


def end_again(*targets: str) -> tuple[str, set[str], list[str]]:
    """Run the step. Its messages, the files that the manifest lists then, and the steps of the jobs."""
    ran = CliRunner().invoke(command, [*targets, "--manifest", str(MANIFEST), "--jobs", str(JOBS)])
    assert ran.exit_code == 0, ran.output
    listed = {Path(file).name for file in pd.read_csv(MANIFEST)["file"]}
    return ran.output, listed, [job.step for job in read_jobs(JOBS)]


def test_files_without_a_record_of_snakemake_stay(ended: list[Job]) -> None:
    """Of a run whose .snakemake was deleted, or that was made in another checkout."""
    *unknown, redrawn = ended
    record(redrawn)
    told, listed, steps = end_again(*(path for job in ended for path in job.outputs))
    assert all(Path(path).is_file() for job in ended for path in job.outputs)
    assert listed == {"poles.csv", "agreement.csv", "agreement.png", "jobs.json"}
    assert steps == [job.step for job in ended]
    assert "Snakemake has no records of 2 files of this run (" in told and "snakemake --forceall" in told
    assert all(path in told for job in unknown for path in job.outputs)


def test_file_that_the_run_no_longer_makes_is_removed(ended: list[Job]) -> None:
    poles, table, figure = ended
    for job in ended:
        record(job)
    told, listed, steps = end_again(*poles.outputs, *table.outputs)
    assert told == f"selfalign: removed 1 files that the run no longer makes: {figure.outputs[0]}\n"
    assert listed == {"poles.csv", "agreement.csv", "jobs.json"}
    assert steps == [poles.step, table.step]


def test_job_that_was_taken_out_of_the_run_after_it_failed_is_not_listed(ended: list[Job]) -> None:
    """Snakemake deletes the files of a failed job, and its records of them."""
    *others, failed = ended
    Path(failed.outputs[0]).unlink()
    for job in others:
        record(job)
    told, listed, steps = end_again(*(path for job in others for path in job.outputs))
    assert told == ""
    assert listed == {"poles.csv", "agreement.csv", "jobs.json"}
    assert steps == [job.step for job in others]
