"""What the tests share: a small language model, fetched and converted once; copies of the project; refusals."""

import gc
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock
from ledgers import OTHER_FACTS, entry, write
from places import ROOT, TESTS
from project import Project
from refusal import Refused, assert_one_paragraph
from selfalign.cli import main
from selfalign.cpu_environment import apply
from selfalign.provenance import code_digest
from small_run import run_from_scratch, settings
from smollm2 import SMOLLM2
from warm import start_server

apply()  # before a test imports PyTorch, whose idle threads would take the cores of the other tests
gc.disable()  # until all test files are imported: the collector would go through all that they import


ORDER = ["workflow", "real", "simulation", "unit"]
"""Folders of tests. Those with long files come first, so that no worker waits for another at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its folder, and start with the files that take longest."""
    folders = {item: item.path.relative_to(TESTS).parts[0] for item in items}
    for item, folder in folders.items():
        if folder not in ORDER:
            raise pytest.UsageError(f"{item.path}: expected a file in tests/{', tests/'.join(ORDER)}")
        item.add_marker(folder)
    first = {"test_reruns.py", "test_rehearsal.py"}
    items.sort(key=lambda item: (item.path.name not in first, ORDER.index(folders[item])))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the server of warm programs if a test may need it, and spare later garbage collections.

    These would go through all objects of the libraries that the test files have imported: millions.
    """
    if {"workflow", "real"} & {item.path.relative_to(TESTS).parts[0] for item in session.items}:
        start_server()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # the default looks for garbage after every 700 new objects
    gc.enable()


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """Folder of SmolLM2's weights as the workflow makes them; its parent holds source/, weights/ and model.json.

    Kept from one run of the tests to the next, under a name that changes with the code and the model.
    """
    key = sha256(f"{code_digest('convert_model')} {SMOLLM2['sha256']}".encode()).hexdigest()[:16]
    cached = ROOT / ".cache" / "tests" / f"smollm2-{key}"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cached.parent) as scratch:
            make_smollm2(Path(scratch, "model"))
            try:
                Path(scratch, "model").rename(cached)
            except OSError:  # another run of the tests was quicker
                if not cached.exists():
                    raise
        for other in cached.parent.glob("smollm2-*"):
            if time.time() - other.stat().st_mtime > 86_400:  # a younger one may be in use by tests of other code
                shutil.rmtree(other, ignore_errors=True)
    return cached / "weights"


def make_smollm2(folder: Path) -> None:
    """Run both steps of the models stage, as the workflow does."""
    from selfalign.models.convert_model import convert
    from selfalign.models.fetch_model import fetch

    fetch("smollm2", SMOLLM2, folder / "source")
    convert("smollm2", folder / "source", folder / "weights", folder / "model.json")


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A function that gives a folder by its name. The first worker that asks for a folder makes it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def give(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                made.touch()
        return folder

    return give


@pytest.fixture(scope="session")
def checkout(once: Once) -> Project:
    """A copy of the project as it is now, to be copied again."""
    return Project(once("checkout", Project.checkout))


@pytest.fixture(scope="session")
def model(smollm2: Path, once: Once) -> Path:
    """A small random model with the default model's tokenizer. A test may change the times of its files."""
    from small_model import write_small_model  # here, because it imports PyTorch, which most test files do not need

    return once("model", lambda folder: write_small_model(folder, smollm2))


@pytest.fixture(scope="session")
def config(model: Path) -> dict:
    """Settings of the small experiment."""
    return settings(model)


@pytest.fixture(scope="session")
def undisturbed(checkout: Project, config: dict, once: Once) -> Project:
    """The small experiment, run once from beginning to end; not to be changed.

    Its programs are forks that have their libraries. Runs that are killed start every program from the disk, and must
    give the same bytes.
    """
    return Project(once("undisturbed", lambda folder: run_from_scratch(checkout, folder, config, [])))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread in the tests of a file. Tiny models are slower with more threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def finished(undisturbed: Project, tmp_path: Path) -> Project:
    """A copy of the finished run, to change."""
    return undisturbed.copy(tmp_path / "project")


@pytest.fixture
def plain(checkout: Project, tmp_path: Path) -> Project:
    """A copy of the project without results."""
    return checkout.copy(tmp_path / "project")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A ledger with 40 answers of one model and 20 of another."""
    write(tmp_path / "two.sqlite", [entry(number) for number in range(40)])
    write(tmp_path / "two.sqlite", [entry(number) for number in range(20)], OTHER_FACTS)
    return tmp_path / "two.sqlite"


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Refused:
    """A function that runs the program, sees that it refuses as promised, and returns the paragraph."""

    def run(*arguments: object, tells: list[str]) -> str:
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["selfalign", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr().err
        assert stopped.value.code == 1, said
        assert_one_paragraph(said, tells)
        assert sorted(tmp_path.rglob("*")) == before, "something is left behind"
        return said

    return run


@pytest.fixture
def stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Refused:
    """A function that runs the step, sees that it stops with a paragraph and no table, and returns all that it said."""

    def run(*arguments: object, tells: list[str]) -> str:
        monkeypatch.setattr(sys, "argv", ["selfalign", "ask", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        out, said = capfd.readouterr()
        assert stopped.value.code == 1, said
        assert_one_paragraph(said[said.index("selfalign: ") :], tells)
        assert not list(tmp_path.glob("run.parquet"))
        assert not list(tmp_path.glob("*aside*"))
        return out + said

    return run
