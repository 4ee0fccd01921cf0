"""A copy of the project in a folder of its own, to run the real workflow in."""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from places import ROOT
from selfalign.config.defaults import DEFAULTS
from selfalign.yaml_files import load_yaml
from snakemake.utils import update_config
from warm import suits, warm_programs

BIN = Path(sys.executable).parent

ONE_THREAD = ["--set-threads", "infer=1", "convert_model=1"]
"""Arguments of Snakemake for a small model, which a second thread only slows down."""

BELOW = {"study_models.yaml": ["study.yaml"], "study_replies.yaml": ["study.yaml", "study_models.yaml"]}
"""Shipped configs that go above others."""


def stack(name: str) -> list[str]:
    """A shipped config and those below it, in the order of the command line."""
    return [*BELOW.get(name, []), name]


def default_configs() -> list[Path]:
    """The config files that the Snakefile reads."""
    return [ROOT / path for path in DEFAULTS]


def read_settings(*overlays: Path) -> dict[str, Any]:
    """The project's own settings as Snakemake merges them, with more config files on top."""
    config: dict[str, Any] = {}
    for path in [*default_configs(), *overlays]:
        update_config(config, load_yaml(path.read_text(encoding="utf-8")))
    return config


@dataclass(frozen=True)
class Run:
    """What a run of Snakemake came to: its exit code and all that it printed."""

    code: int
    output: str

    def finished(self) -> Counter[str]:
        """Jobs that ended well, by rule."""
        return Counter(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", self.output, re.MULTILINE))

    def planned(self) -> Counter[str]:
        """Jobs of the plan that a run prints first, by rule; nothing of it for a run without jobs."""
        stats = re.search(r"^Job stats:\n.*\n-.*\n((?:\w+ +\d+\n)+)", self.output, re.MULTILINE)
        rows = [line.split() for line in stats[1].splitlines()] if stats else []
        return Counter({rule: int(count) for rule, count in rows if rule != "total"})

    def lines_of_ours(self) -> list[str]:
        """Lines in which a step (or the Snakefile) tells a mistake."""
        lines = [line.strip() + "\n" for line in self.output.splitlines()]
        skipped = r"selfalign: no \w+: "  # an output that would be empty is no mistake
        return [line for line in lines if line.startswith("selfalign: ") and not re.match(skipped, line)]


@dataclass
class Project:
    """A copy of the project; its jobs run the copy's code, with the environment of the tests."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def checkout(cls, folder: Path) -> "Project":
        """Copy what git tracks or would track, neither results nor caches, and compile the library.

        A copy of the copy keeps the times of files, so that Python takes the compiled modules there too.
        """
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        compileall.compile_dir(folder / "workflow" / "selfalign", quiet=1)
        return cls(folder)

    def copy(self, folder: Path) -> "Project":
        """A copy with all results and Snakemake's records, links and times of files as they are."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, dict(self.environment))

    def command(self, *arguments: str, config: dict | None = None) -> list[str]:
        """A command line of Snakemake; `config` are settings on top of the project's own."""
        overlay = []
        if config is not None:
            path = self.folder / "overlay.yaml"
            path.write_text(json.dumps(config))
            overlay = ["--configfile", "overlay.yaml"]
        return [str(BIN / "snakemake"), *arguments, "--cores", "2", *ONE_THREAD, *overlay]

    def variables(self) -> dict[str, str]:
        """Environment variables of a run: the copy's library comes before the installed one."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        mine = {"PATH": path, "PYTHONPATH": str(self.folder / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
        mine["OMP_WAIT_POLICY"] = "PASSIVE"  # or else PyTorch's threads are slow by a factor of ten on a busy machine
        return {**os.environ, **mine, **self.environment}

    def snakemake(self, *arguments: str, config: dict | None = None, warm: bool = True) -> Run:
        """Run Snakemake to its end.

        Args:
            arguments: of the command line.
            config: settings on top of the project's own.
            warm: whether Snakemake and its jobs may be forks of a process that has their libraries.
        """
        _, *rest = self.command(*arguments, config=config)
        variables = self.variables()
        done = subprocess.run(
            [_programs(variables, warm) / "snakemake", *rest],
            cwd=self.folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Run(done.returncode, done.stdout)

    def selfalign(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program `selfalign` in the project's folder, as a fork of a process that has its libraries."""
        variables = self.variables()
        command = [_programs(variables) / "selfalign", *arguments]
        return subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True)


def _programs(variables: Mapping[str, str], warm: bool = True) -> Path:
    """The folder of the programs: those that are forks, where they may be used, or else the installed ones."""
    folder = warm_programs() if warm and suits(variables) else None
    return folder or BIN


@dataclass
class Batch:
    """Runs of Snakemake in one process, which imports its libraries once."""

    project: Project

    def runs(self, configs: dict[str, dict], *arguments: str) -> dict[str, tuple[Run, set[str]]]:
        """Each run by the name of its config, and the files of results that it changed or deleted.

        Args:
            configs: settings on top of the project's own, by name.
            arguments: of the command line, the same for each run.
        """
        script = self.project.folder / "batch.py"
        script.write_text(_BATCH, encoding="utf-8")
        given = json.dumps({"configs": configs, "arguments": [*arguments, "--cores", "2"]})
        variables = self.project.variables()
        done = subprocess.run(
            [_programs(variables) / "python", script],
            input=given,
            cwd=self.project.folder,
            env=variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        return {name: (Run(code, output), set(lost)) for name, (code, output, lost) in found.items()}


_BATCH = """
import contextlib, io, json, pathlib, sys
from snakemake.cli import main

def states():
    return {str(path): path.lstat().st_mtime_ns for path in pathlib.Path("results").rglob("*") if path.is_file()}

given, found = json.load(sys.stdin), {}
for name, config in given["configs"].items():
    pathlib.Path("overlay.yaml").write_text(json.dumps(config))
    before, output, code = states(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            main([*given["arguments"], "--configfile", "overlay.yaml"])
        except SystemExit as stopped:
            code = stopped.code
    after = states()
    found[name] = code or 0, output.getvalue(), [path for path in before if after.get(path) != before[path]]
print(json.dumps(found))
"""
