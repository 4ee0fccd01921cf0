"""What a job that asks a model refuses."""

import sqlite3
from pathlib import Path

import pytest
from bad_input import design, take
from refusal import Refused


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the prompts of four probes."""
    take(monkeypatch, *design(tmp_path, {"zero_shot": {"shots": 0}}))
    return tmp_path


def infer(folder: Path, model: Path, device: str = "cpu") -> list[object]:
    """Arguments that ask a model the prompts of a folder."""
    inputs = ["--prompts", folder / "prompts.parquet", "--card", model.parent / "model.json", "--weights", model]
    settings = ["--format", "chat", "--dtype", "float32", "--device", device, "--engine", "packed"]
    outputs = ["--ledger", folder / "ledger.sqlite", "--output", folder / "answers.parquet"]
    return ["infer", *inputs, *settings, "--row-tokens", 100, "--threads", 1, *outputs]


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_device_that_is_not_there_is_refused(device: str, asked: Path, smollm2: Path, refused: Refused) -> None:
    (asked / "ledger.sqlite").touch()
    refused(*infer(asked, smollm2, device), tells=[device])


def fill_ledger(path: Path) -> None:
    from selfalign.ledger.rows import Entry
    from selfalign.ledger.storage import Ledger

    scores = {"log_p": [-1.0, -1.0]}
    with Ledger(path) as ledger, ledger.run({}, device="cpu", threads=1, versions={}) as run:
        run.record([Entry(f"{number:016x}", f"{number:016x}", "text " * 50, 50, scores) for number in range(2000)])


@pytest.mark.parametrize("damage", ["header", "pages", "columns"])
def test_damaged_ledger_is_refused_and_kept(damage: str, asked: Path, smollm2: Path, refused: Refused) -> None:
    path = asked / "ledger.sqlite"
    if damage == "columns":
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE answers (something TEXT)")
        database.close()
    else:
        fill_ledger(path)
        raw = bytearray(path.read_bytes())
        raw[:64] = b"x" * 64 if damage == "header" else raw[:64]
        if damage == "pages":
            raw[4096:] = b"x" * (len(raw) - 4096)
        path.write_bytes(raw)
    before = path.read_bytes()
    refused(*infer(asked, smollm2), tells=[str(path), "damaged", "delete it"])
    assert path.read_bytes()[100:] == before[100:]  # before, SQLite counts how often it was opened to write


def test_second_writer_of_a_ledger_is_refused(asked: Path, smollm2: Path, refused: Refused) -> None:
    from selfalign.ledger.rows import Entry, fingerprint_of
    from selfalign.ledger.storage import Ledger

    with Ledger(asked / "ledger.sqlite") as ledger, ledger.run({}, device="cpu", threads=1, versions={}) as run:
        run.record([Entry("0" * 16, "0" * 16, "text", 1, {"log_p": [-1.0, -1.0]})])
        refused(*infer(asked, smollm2), tells=[str(ledger.path), "another job", "Wait for it"])
    with Ledger(asked / "ledger.sqlite") as ledger:
        assert len(ledger.answered(fingerprint_of({}))) == 1
