"""Write the lock files in requirements/ from the ranges in pyproject.toml: `make lock` (UPGRADE=1: newer versions).

One resolution for every Python from 3.11 on, on Linux and macOS, is laid out in files that are installed one by one.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
ABOUT = {
    "base": "All that the project and its tests need, but for PyTorch and what has no wheel.",
    "source": "No wheel to be had: built as pure Python, with the setuptools of base.lock and without a compiler.",
    "torch-cuda": "PyTorch as the package registry has it: on Linux with CUDA's libraries, on macOS for CPU and Metal.",
    "slurm": "What `make slurm` adds, for the profile profiles/slurm.",
    "tools": "What `make tools` adds: types, the API reference, coverage, pre-commit, and snakedeploy for its test.",
}
TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
NO_WHEEL = {"connection-pool": None, "immutables": "3.14"}  # from which Python on; None: none for any


def entries(text: str) -> dict[str, str]:
    """Return each package's paragraph (pin, hashes, who wants it), keyed by its name."""
    paragraphs = re.findall(r"^[a-z0-9].*\n(?: .*\n)*", text, re.MULTILINE)
    return {paragraph.split("==")[0]: paragraph for paragraph in paragraphs}


def resolve(*extras: str, upgrade: bool) -> dict[str, str]:
    """Resolve the project with these extras, keeping the locked versions unless `upgrade` is set."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "all.lock")
        locks = [LOCKS / f"{name}.lock" for name in ABOUT]
        output.write_text("".join(lock.read_text() for lock in locks if lock.exists()))
        command = ["uv", "pip", "compile", "pyproject.toml", "--output-file", str(output), "--quiet", "--no-header"]
        command += ["--universal", "--python-version=3.11", "--fork-strategy=fewest", "--generate-hashes"]
        command += [f"--extra={extra}" for extra in extras] + ["--upgrade"] * upgrade
        subprocess.run(command, cwd=ROOT, check=True)
        return entries(output.read_text())


def only(entry: str, marker: str) -> str:
    """Limit an entry that has no marker to the machines that the marker admits."""
    return entry.replace(" \\", f" ; {marker} \\", 1)


def write(name: str, packages: dict[str, str]) -> None:
    """Write one lock file, and say so."""
    head = f"# {ABOUT[name]}\n# Written by `make lock`; `make env` installs it as it stands, adding no dependency.\n"
    head += "" if name == "source" else "--only-binary :all:\n"
    (LOCKS / f"{name}.lock").write_text(head + "".join(packages.values()))
    print(f"requirements/{name}.lock: {len(packages)} packages")


def main() -> None:
    """Write the lock files, and check that the one for PyTorch's CPU build, kept by hand, is in step."""
    upgrade = "--upgrade" in sys.argv[1:]
    project = resolve("dev", upgrade=upgrade)
    base, source, torch = {}, {}, {}
    for name, entry in project.items():
        if TORCH.fullmatch(name):
            torch[name] = entry
        elif name not in NO_WHEEL:
            base[name] = entry
        elif python := NO_WHEEL[name]:
            base[name] = only(entry, f"python_full_version < '{python}'")
            source[name] = only(entry, f"python_full_version >= '{python}'")
        else:
            source[name] = entry
    for name, packages in {"base": base, "source": source, "torch-cuda": torch}.items():
        write(name, packages)
    for extra in ("slurm", "tools"):
        added = resolve("dev", extra, upgrade=False)
        write(extra, {name: entry for name, entry in added.items() if name not in project})
    version = project["torch"].split()[0]
    if f"{version}+cpu " not in (LOCKS / "torch-cpu.lock").read_text():
        sys.exit(f"requirements/torch-cpu.lock is not at {version}: its first lines say how to bring it there.")


if __name__ == "__main__":
    main()
