"""Make the environment `.venv` from the lock files in requirements/: `make env`. Needs Python with pip, nothing else.

Run it again at any time: a finished environment stays, and an unfinished one is completed. PyTorch is the CPU build,
unless `--torch cuda` asks for the build of the package registry. Later runs then keep that build.
"""

from __future__ import annotations  # so that an old Python reaches the message about its version

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "environment.stamp"  # what .venv was made from
UNDERWAY = VENV / "environment.underway"  # is there during a run, and after one that was killed
LOG = VENV / "environment.log"

NO_CPU_TORCH = """\
no CPU build of PyTorch was found for Python {python} on {machine}: pip's index has none, and uv could fetch none from
PyTorch's index. {log} has the messages of both. Choose one of these:
- if the network failed, repeat the command
- if you have the wheel (requirements/torch-cpu.lock has its version): PIP_FIND_LINKS=ITS_FOLDER make env
- if this Python has no such wheel (3.11 to 3.14 have): make env PYTHON=python3.12
- to take the CUDA build (several gigabytes): make env TORCH=cuda"""


class SetupError(Exception):
    """A step did not work; the message says what to do."""


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(f"env: {text}", flush=True)


def run(*command: str | Path, **variables: str) -> bool:
    """Run a command with its output in the log, and print the progress of pip; return whether it worked."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"} | variables
    fetched = 0
    with LOG.open("a") as log:
        print("$", *command, file=log, flush=True)
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, errors="replace", **options)
        for line in process.stdout:
            log.write(line)
            if line.startswith(("Collecting ", "Processing ")):
                fetched += 1
                if fetched % 25 == 0:
                    say(f"  {fetched} packages fetched")
            elif line.startswith("Installing collected packages") and fetched > 25:
                say(f"  installing {fetched} packages")
    return process.wait() == 0


def pip(*arguments: str | Path, **variables: str) -> bool:
    """Install into .venv with the pip of .venv, or of this Python if .venv has none."""
    own = (VENV / "bin" / "pip").exists()
    command = (PYTHON, "-m", "pip") if own else (sys.executable, "-m", "pip", "--python", PYTHON)
    return run(*command, "install", "--no-deps", "--progress-bar=off", *arguments, **variables)


def lock(name: str) -> tuple[str | Path, ...]:
    """Return pip's arguments for a lock file; pip checks each download against its hash."""
    return "--require-hashes", "--requirement", LOCKS / f"{name}.lock"


def answers(code: str) -> str | None:
    """Return what .venv's Python prints for this code, or None where it fails."""
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def make_venv() -> None:
    """Make .venv, unless one works that was finished, or was begun with this version of Python."""
    this = "{}.{}".format(*sys.version_info)
    there = answers("import sys; print('{}.{}'.format(*sys.version_info))")
    if there and not UNDERWAY.exists() and (STAMP.exists() or there == this):
        return
    say(f"making .venv with Python {platform.python_version()}")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    bare = () if find_spec("ensurepip") else ("--without-pip",)  # Debian has another package for ensurepip
    if bare and not find_spec("pip"):
        raise SetupError("this Python has no pip. On Debian and Ubuntu, run `apt install python3-venv`")
    if not run(sys.executable, "-m", "venv", *bare, VENV):
        raise SetupError(f"Python's venv module failed: {LOG} has its messages")


def install_torch(asked: str | None) -> str:
    """Install PyTorch and return its build: the one asked for, or the installed one, or the one for CPUs."""
    there = answers("from importlib.metadata import version; print(version('torch'))")
    build_there = there and ("cpu" if "+cpu" in there else "cuda")
    build = asked or build_there or "cpu"
    if sys.platform == "darwin":  # the registry's build has no CUDA there
        build = build_there = "cuda"
    say("PyTorch: the CPU build (200 MB)" if build == "cpu" else "PyTorch: the package registry's build")
    replacing = ("--force-reinstall",) if build_there not in (None, build) else ()
    if pip(*replacing, *lock(f"torch-{build}")):
        return build
    if build == "cuda":
        raise SetupError(f"pip could not install requirements/torch-cuda.lock: see {LOG}")
    say("PyTorch: pip's index has no CPU build, asking uv for it")
    uv = (VENV / "bin" / "uv", "pip", "install", "--python", PYTHON, "--torch-backend=cpu", "--no-deps")
    if not run(*uv, *lock("torch-cpu")):
        machine = f"{platform.system()} {platform.machine()}"
        raise SetupError(NO_CPU_TORCH.format(python=platform.python_version(), machine=machine, log=LOG))
    return build


def install(asked: str | None) -> str:
    """Install the packages of the lock files into .venv; return PyTorch's build."""
    say("packages of requirements/base.lock")
    if not pip(*lock("base")):
        raise SetupError(f"pip could not install requirements/base.lock:\n{''.join(LOG.open().readlines()[-15:])}")
    no_compiler = {"CC": "true", "LDSHARED": "true"}  # immutables is then built as pure Python
    if not pip("--no-build-isolation", "--use-pep517", "--no-cache-dir", *lock("source"), **no_compiler):
        raise SetupError(f"pip could not install requirements/source.lock: see {LOG}")
    build = install_torch(asked)
    say("the project itself")
    if not pip("--no-build-isolation", "--editable", ROOT):
        raise SetupError(f"pip could not install the project: see {LOG}")
    return build


def digest() -> str:
    """Return the digest of everything that .venv is made from, with its path."""
    files = [*sorted(LOCKS.glob("*.lock")), ROOT / "pyproject.toml", Path(__file__)]
    return hashlib.sha256(b"\0".join([bytes(VENV), *(file.read_bytes() for file in files)])).hexdigest()


def main() -> None:
    """Make the environment, or say that it is up to date."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--torch", choices=["cpu", "cuda"], help="PyTorch's build (default: the one there, or cpu)")
    options.add_argument("--slurm", action="store_true", help="add Snakemake's executor for SLURM")
    options.add_argument("--tools", action="store_true", help="add the tools of developers")
    asked = options.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  (this runs on whatever Python there is)
        raise SetupError(
            f"this is Python {platform.python_version()}, 3.11 or newer is needed: make env PYTHON=python3.12"
        )
    made_from, _, build = STAMP.read_text().partition(" ") if STAMP.exists() else ("", "", "")
    if made_from == digest() and asked.torch in (None, build) and answers("") is not None:
        say(".venv is up to date")
    else:
        make_venv()
        STAMP.unlink(missing_ok=True)
        UNDERWAY.touch()
        try:
            build = install(asked.torch)
        except SetupError:
            UNDERWAY.unlink()
            raise
        STAMP.write_text(f"{digest()} {build}")
        UNDERWAY.unlink()
        say(".venv is ready")
    for name in ("slurm", "tools"):
        if getattr(asked, name) and not pip(*lock(name)):
            raise SetupError(f"pip could not install requirements/{name}.lock: see {LOG}")


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"env: {error}")
    except KeyboardInterrupt:
        sys.exit("env: stopped; repeat the command to go on")
