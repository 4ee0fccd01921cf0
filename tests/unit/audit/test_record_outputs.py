"""The files that a run's manifest lists follow from the settings in its record, however many they are."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from project import ROOT
from selfalign.audit.jobs import SNAKEMAKE, read_jobs
from selfalign.cli import program
from selfalign.config.paths import Paths
from selfalign.config.read import read_settings
from selfalign.config.sections import Config


def make(path: str, command: str) -> None:
    """A file, and Snakemake's record of it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(path, encoding="utf-8")
    record = {"shellcmd": command, "input": [], "endtime": Path(path).stat().st_mtime}
    (SNAKEMAKE / "metadata").mkdir(parents=True, exist_ok=True)
    (SNAKEMAKE / "metadata" / urlsafe_b64encode(path.encode()).decode()).write_text(json.dumps(record))


def test_manifest_lists_the_results_of_the_recorded_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings([])
    of_run = ["scores/smollm2-135m/en.parquet", "tables/agreement.csv", "people/bank.json"]
    shared = "results/shared/survey/example/distributions.parquet"
    former = "scores/a_model_that_was_taken_out/en.parquet"
    for file in [*(f"results/default/{one}" for one in [*of_run, former]), shared]:
        make(file, f"selfalign make-a-file --output {file} 2> log")
    Path("results/default/run.json").write_text(json.dumps({"config": settings}), encoding="utf-8")
    options = {"--record": "run.json", "--manifest": "manifest.csv", "--jobs": "jobs.json"}
    arguments = [part for name, file in options.items() for part in (name, f"results/default/{file}")]
    result = CliRunner().invoke(program, ["record-outputs", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    expected = {f"results/default/{one}" for one in of_run} | {shared}
    listed = set(pd.read_csv("results/default/manifest.csv")["file"])
    assert listed == expected | {"results/default/jobs.json"}
    assert {path for job in read_jobs(Path("results/default/jobs.json")) for path in job.outputs} == expected


def test_command_names_no_results() -> None:
    """Their paths together can be longer than a command may be, which is 131,072 bytes on Linux."""
    paths = Paths(Config.read(read_settings([])))
    assert all(paths.fill(file).startswith(("results/default/", "results/shared/")) for file in paths.results)
    rule = (ROOT / "workflow/rules/audit.smk").read_text(encoding="utf-8").partition("rule record_outputs:")[2]
    assert "record-outputs" in rule and "{input}" not in rule and "{input.results}" not in rule
