"""A full disk, and files that cannot be read or written: one paragraph with the file, not the traceback of a bug."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from bad_input import TEXTS
from bank import BANK_FILE
from refusal import Refused
from selfalign.errors import explain_system
from selfalign.tables import written_aside


def compare(output: Path) -> list[object]:
    """Arguments of a quick step with one output."""
    inputs = ["--bank", BANK_FILE, "--texts", TEXTS, "--language", "en", "--measure", "bm25"]
    return ["measure-similarity", *inputs, "--settings", '{"k1": 1.2, "b": 0.75}', "--output", output]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "tells"),
    [
        (errno.ENOSPC, "there is no space left. Free some space, then run again: recorded answers are kept."),
        (errno.EROFS, "cannot be written, because the file system is read-only. Work in a folder that can be written."),
    ],
)
def test_step_that_cannot_write_names_its_output(
    number: int, tells: str, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: pd.DataFrame, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(number, "the system's words")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", write)
    refused(*compare(tmp_path / "bm25.parquet"), tells=[f"selfalign: {tmp_path}/bm25.parquet: {tells}"])


@pytest.mark.slow
def test_file_in_the_place_of_a_folder_is_named(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "results").write_text("")
    tells = [f"selfalign: {tmp_path}/results: is a file, where a folder is expected. Move or delete the file."]
    refused(*compare(tmp_path / "results" / "bm25.parquet"), tells=tells)
    refused(*compare(tmp_path / "results" / "en" / "bm25.parquet"), tells=tells)


def test_missing_rights_are_reported() -> None:
    told = str(explain_system(PermissionError(errno.EACCES, "no", "a/b.csv")))
    assert told == (
        "a/b.csv: cannot be read or written, for lack of rights. Change the rights of the file and its folder, or work "
        "elsewhere."
    )
    assert str(explain_system(OSError(errno.ENOSPC, "no"))).startswith("the disk: there is no space left.")


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EPERM, "a signal"),
        ConnectionRefusedError(errno.ECONNREFUSED, "a server"),
        FileNotFoundError(errno.ENOENT, "a bug", "a.csv"),
        FileExistsError(errno.EEXIST, "a bug", "no/such/file"),
        OSError("no number"),
    ],
)
def test_other_errors_remain_errors_of_the_program(error: OSError) -> None:
    assert explain_system(error) is None


def test_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """So is a device: as root, a step with --output /dev/null would else leave a file in its place."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_text)
        with written_aside(pipe) as path:
            path.write_text("a\n")
        assert read.result(10) == "a\n"
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]
