"""The process that programs of the tests are forked from."""

import json
import os
import socket
import subprocess
from pathlib import Path

import psutil
import pytest
from places import ROOT
from warm import suits, warm_programs


@pytest.fixture
def programs() -> Path:
    folder = warm_programs()
    if folder is None:
        pytest.skip("programs of the tests start from the disk on this system")
    return folder


def test_program_that_is_killed_while_it_asks_ends_no_other(programs: Path) -> None:
    task = json.dumps({"program": "selfalign"}).encode()
    for sent in (b"", len(task).to_bytes(8, "big"), len(task).to_bytes(8, "big") + task[:5]):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(programs / "socket"))
            link.sendall(sent)
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([programs / "selfalign", "--help"], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert psutil.pid_exists(int((programs / "pid").read_text())), "the server has ended"


def test_no_test_before_has_changed_the_environment() -> None:
    """Or else all programs would start from the disk."""
    assert suits(os.environ)
