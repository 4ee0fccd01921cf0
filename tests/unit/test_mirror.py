"""The order of the tests themselves: what is read once for all of them."""

import ast
import re

import pytest
from places import TESTS

PATH = re.compile(r"(ROOT|RESOURCES|BANK_FOLDER)\b.*\bprobes\.csv")
"""An expression that makes the path of the shipped bank, which is `BANK_FILE`."""

READERS = {
    "support/bank.py": "reads it for all tests",
    "unit/probes/test_probes.py": "writes the bank with fewer lines into a file",
    "unit/scoring/test_specifications.py": "writes a copy into a folder without kinds.csv",
    "unit/test_bad_input.py": "writes banks with one mistake into files",
    "workflow/test_arora.py": "writes the bank with fewer lines into a file",
}
"""The files of tests that read the file of the shipped bank, and why. All others use `BANK`."""


def reads_bank(source: str) -> bool:
    """Whether code gives `BANK_FILE` to a function that reads, calls its methods that read, or makes its path again."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and PATH.search(ast.unparse(node)):
            return True
        if isinstance(node, ast.Call):
            *owner, name = ast.unparse(node.func).split(".")
            given = [ast.unparse(one) for one in node.args] + owner
            if re.match("read|open", name) and "BANK_FILE" in given:
                return True
    return False


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("bank = read_bank(BANK_FILE)", True),
        ("bank = pd.read_csv(BANK_FILE, dtype=str)", True),
        ("lines = BANK_FILE.read_text().splitlines()", True),
        ('bank = read_bank(RESOURCES / "probes" / "probes.csv")', True),
        ('SHIPPED = ROOT / "resources/probes/probes.csv"', True),
        ('run("map-poles", "--bank", BANK_FILE)', False),
        ('bank = read_bank(tmp_path / "probes.csv")', False),
    ],
)
def test_reads_of_the_bank_are_found(source: str, reads: bool) -> None:
    assert reads_bank(source) == reads


def test_shipped_bank_is_read_once_for_all_tests() -> None:
    files = {path.relative_to(TESTS).as_posix(): path for path in TESTS.rglob("*.py")}
    reading = {name for name, path in files.items() if reads_bank(path.read_text(encoding="utf-8"))}
    assert reading == set(READERS)
