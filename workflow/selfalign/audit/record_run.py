"""Step record_run: the settings, code, versions and inputs of a run."""

import json
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import click

from selfalign import __version__
from selfalign.digests import digest_file
from selfalign.errors import InputError
from selfalign.options import Json, readable, writable
from selfalign.provenance import code_digests
from selfalign.tables import written_aside

_LIBRARY = Path(__file__).parents[3]


def describe_run(name: str, config: dict[str, Any], inputs: Iterable[Path]) -> dict[str, Any]:
    """What a run is made from. Two identical runs have the same description: it holds no times.

    Args:
        name: of the run.
        config: its merged settings.
        inputs: files that it reads and does not make.

    Returns:
        run: the name. selfalign: version, commit (None outside a clone of the repository), edited (whether tracked
        files differ from that commit). python, machine: of this computer. packages: version of each installed
        package. code: digest of each step. inputs: bytes and SHA-256 of each file, by path. config: the settings.

    Raises:
        InputError: an input cannot be read.
    """
    return {
        "run": name,
        "selfalign": {"version": __version__, **find_commit(_LIBRARY)},
        **describe_environment(),
        "code": code_digests(),
        "inputs": {str(path): describe_file(path) for path in sorted(set(inputs))},
        "config": config,
    }


def describe_environment() -> dict[str, Any]:
    """Versions that decide how numbers are computed: python, machine, packages."""
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def describe_file(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return {"bytes": path.stat().st_size, "sha256": digest_file(path)}
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "Correct the path in the config") from None


def find_commit(folder: Path) -> dict[str, Any]:
    """The commit of a clone, and whether its tracked files were edited; None for both outside a clone."""
    unknown = {"commit": None, "edited": None}
    if not (folder / ".git").exists():  # the folder may be installed inside the clone of something else
        return unknown
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "edited": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return unknown


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True, text=True)
    return done.stdout.strip()


@click.command()
@click.argument("inputs", type=readable, nargs=-1, required=True)
@click.option("--run", "name", required=True, help="Name of the run.")
@click.option("--config", type=Json(dict[str, Any]), required=True, help="Merged settings (JSON).")
@click.option("--output", type=writable, required=True, help="Record of the run (JSON).")
def command(inputs: tuple[Path, ...], name: str, config: dict[str, Any], output: Path) -> None:
    """Record the settings, code, versions and inputs of a run; INPUTS are the files that it reads and does not make."""
    record = describe_run(name, config, inputs)
    with written_aside(output) as aside:
        aside.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
