"""The workflow in other people's hands: as the catalogue lists it, as a module, and deployed by snakedeploy."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from project import ROOT, Project

MODULE = """
configfile: "config/config.yaml"

module selfalign:
    snakefile: "{snakefile}"
    config: config

use rule * from selfalign

onstart: selfalign.onstart()
onsuccess: selfalign.onsuccess()
onerror: selfalign.onerror()
"""
"""What docs/module.md tells users to write."""


def test_repository_has_what_the_catalogue_asks_for() -> None:
    for name in ("workflow/Snakefile", "workflow/rules", "workflow/schemas/config.schema.yaml", "config/README.md"):
        assert (ROOT / name).exists(), name
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}


def test_case_of_the_catalogue_is_planned(plain: Project) -> None:
    run = plain.snakemake("--dry-run", "--directory", ".test", "--configfile", ".test/config/config.yaml")
    assert run.code == 0, run.output
    assert run.planned()["infer"] == 1


def test_module_runs_its_jobs_and_its_hooks(plain: Project, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text("run: {name: mine}\n", encoding="utf-8")
    snakefile = MODULE.format(snakefile=plain.folder / "workflow" / "Snakefile")
    (folder / "Snakefile").write_text(snakefile, encoding="utf-8")
    run = Project(folder, plain.variables()).snakemake("results/mine/run.json")
    assert run.code == 0, run.output
    assert (folder / "results" / "mine" / "run.json").is_file()
    assert (folder / "results" / "mine" / "logs" / "started.json").is_file(), "no hook at the start"
    assert 'Run "mine": the files that you asked for are there' in run.output, "no hook at the end"


@pytest.fixture(scope="session")
def snakedeploy() -> Path:
    """Folder of the packages of requirements/tools.lock, which is kept from run to run."""
    lock = ROOT / "requirements" / "tools.lock"
    folder = ROOT / ".cache" / "tests" / f"tools-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not folder.exists():
        made = folder.with_name(f"{folder.name}-{os.getpid()}")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--target",
            str(made),
        ]
        subprocess.run([*pip, "--requirement", str(lock)], check=True)
        made.rename(folder)
    return folder


@pytest.mark.downloads
def test_workflow_is_deployed_from_a_local_path(snakedeploy: Path, plain: Project, tmp_path: Path) -> None:
    deploy = [sys.executable, "-c", "from snakedeploy.client import main; main()", "deploy-workflow"]
    deploy += [str(plain.folder), "study", "--tag", "v0.1.0", "--name", "selfalign"]
    path = os.pathsep.join([str(snakedeploy), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(deploy, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    study = Project(tmp_path / "study", plain.variables())
    snakefile = study.folder / "workflow" / "Snakefile"
    text, declared = snakefile.read_text(encoding="utf-8"), '"workflow/Snakefile"'
    assert text.count(declared) == 1, "snakedeploy names the Snakefile in another way than docs/module.md says"
    snakefile.write_text(text.replace(declared, f'"{plain.folder}/workflow/Snakefile"'), encoding="utf-8")
    settings = study.folder / "config" / "config.yaml"
    content = yaml.safe_load(settings.read_text(encoding="utf-8"))
    content["run"]["languages"] = ["en"]
    settings.write_text(yaml.safe_dump(content), encoding="utf-8")
    run = study.snakemake("--dry-run")
    assert run.code == 0, run.output
    assert run.planned()["infer"] == 1, "the copy's settings are not read"
