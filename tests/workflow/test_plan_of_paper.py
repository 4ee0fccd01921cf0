"""The plan of the paper: quick, small and complete."""

import subprocess
import sys
from pathlib import Path

import yaml
from places import ROOT
from project import Project, Run
from snakemake.utils import update_config

MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
sys.exit(status)
"""
"""Runs a command and prints its peak memory and CPU seconds. A child of the tests' own process would start with the
memory of that process, which counts as its peak."""


def test_dry_run_of_the_paper_is_quick_small_and_complete(plain: Project, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))
    survey = tmp_path / "survey.csv"
    survey.touch()
    update_config(config, {"surveys": {"wvs7": {"source": {"file": str(survey)}}}})
    command = [sys.executable, "-c", MEASURE, *plain.command("--dry-run", config=config)]
    run = subprocess.run(command, cwd=plain.folder, env=plain.variables(), capture_output=True, text=True)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    peak, seconds = map(float, run.stdout.splitlines()[-1].split())
    assert peak < 1e6 * (1024 if sys.platform == "darwin" else 1), "in KB: less than 1 GB"
    assert seconds < 20
    languages, models = len(config["run"]["languages"]), len(config["run"]["models"])
    expected = {"design_prompts": languages, "infer": (models - 1) * languages, "ask": languages}
    expected |= {"score_answers": models * languages, "rank_demonstrations": 3 * languages, "fetch_model": models - 1}
    planned = Run(0, output).planned()
    assert {rule: planned[rule] for rule in expected} == expected
    assert planned["estimate_contrasts"] == planned["plot_agreement"] == 1
