"""The environment's files agree: ranges, lock files, environment.yml, docs/dependencies.md, and what is installed."""

import re
import tomllib
from importlib.metadata import version

import pytest
import yaml
from nonempty import some
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from places import ROOT
from selfalign import __version__

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
GPU = re.compile(r"nvidia|cuda|cudnn|triton|rocm")


def requirements(lines):
    """Direct dependencies by canonical name."""
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


INSTALLED = requirements([*PROJECT["dependencies"], *EXTRAS["dev"]])
DIRECT = INSTALLED | requirements([*EXTRAS["slurm"], *EXTRAS["tools"]])


def locked(path):
    """Entries of a lock file: name, version, marker, number of hashes."""
    for entry in re.findall(r"^[a-z0-9].*\n(?: .*\n)*", path.read_text(), re.MULTILINE):
        requirement = Requirement(entry.split(" \\\n")[0])
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        yield requirement.name, Version(pin.version), requirement.marker, entry.count("--hash=sha256:")


def versions(*names):
    """Locked version of each package of these lock files."""
    return {name: pin for lock in names for name, pin, *_ in locked(ROOT / "requirements" / f"{lock}.lock")}


def conda():
    """Version of each package in environment.yml, by its name among Python packages."""
    *names, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pins = {CONDA_NAMES.get(name, name): pin for name, pin, *_ in (spec.split("=") for spec in names)}
    exact = requirements(line for line in pip["pip"] if line != "-e .")
    return pins | {name: str(requirement.specifier).removeprefix("==") for name, requirement in exact.items()}


def test_every_direct_dependency_has_a_range_with_both_ends():
    for name, requirement in DIRECT.items():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, name


def test_locked_versions_are_within_the_ranges():
    pins = versions("base", "source", "torch-cuda", "slurm", "tools")
    outside = {name: str(pins.get(name)) for name, req in DIRECT.items() if pins.get(name) not in req.specifier}
    assert not outside


def test_builds_of_torch_have_the_same_version():
    cpu, registry = versions("torch-cpu"), versions("torch-cuda")
    assert cpu["torch"].public == registry["torch"].public
    assert cpu["torch"].local == "cpu"


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    releases = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert __version__ == citation == releases[0]


def test_environment_yml_has_the_locked_versions():
    pins = versions("base", "source", "torch-cuda")
    ours = conda()
    assert Version(ours.pop("python")) in Requirement(f"python{PROJECT['requires-python']}").specifier
    assert ours == {name: str(pins[name]) for name in INSTALLED}


def test_every_direct_dependency_has_one_line_in_the_docs():
    lines = (ROOT / "docs" / "dependencies.md").read_text().split("## The lock files")[0].splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| ") and not line.startswith("| package ")]
    assert all(len(row[2].strip()) > 10 for row in rows)
    assert sorted(canonicalize_name(row[1].strip()) for row in rows) == sorted(DIRECT)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_locked_package_has_hashes(path):
    entries = list(locked(path))
    assert entries
    assert all(hashes for *_, hashes in entries)
    assert len({name for name, *_ in entries}) == len(entries)


def test_gpu_libraries_are_only_where_they_are_asked_for():
    for path in LOCKS:
        if path.stem != "torch-cuda":
            assert not [name for name, *_ in locked(path) if GPU.search(name)], path.name


def test_only_what_has_no_wheel_is_built():
    for path in some(LOCKS):
        assert ("--only-binary :all:" in path.read_text()) == (path.stem != "source")


def test_no_file_names_a_host():
    host = re.compile(r"\w+://\S+|--(?:extra-)?index\S*|--find-links|\b[\w-]+\.(?:org|com|io|net)\b")
    files = ["pyproject.toml", "Makefile", "environment.yml", ".ci/run", "tools/environment.py", "tools/lock.py"]
    files += [".pre-commit-config.yaml", ".snakemake-workflow-catalog.yml"]
    for path in [*LOCKS, *(ROOT / name for name in files), *(ROOT / ".github").rglob("*.*ml")]:
        assert not host.findall(path.read_text()), path.name


def test_installed_packages_are_the_locked_ones():
    pins = {
        name: pin
        for lock in ("base", "source")
        for name, pin, marker, _ in locked(ROOT / "requirements" / f"{lock}.lock")
        if marker is None or Marker(str(marker)).evaluate()
    }
    other = {name: found for name, pin in pins.items() if Version(found := version(name)) != pin}
    assert not other
    assert Version(Version(version("torch")).public) == versions("torch-cuda")["torch"]
