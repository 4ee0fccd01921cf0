"""A step that a person runs is as fast as one that Snakemake runs: the program sets the same variables."""

import json
import os
import re
import subprocess
import sys

import pytest
from selfalign.cpu_environment import FAST

pytestmark = pytest.mark.slow

CODE = """
import ctypes, json, sys

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

def is_mapped(size):
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Info
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    before = library.mallinfo2().hblks
    library.malloc(size)
    return library.mallinfo2().hblks > before

from selfalign.cli import main
sys.argv = ["selfalign", "infer", "--help"]
before = is_mapped(2**24)
try:
    main()
except SystemExit:
    print(json.dumps([before, is_mapped(2**24), "torch" in sys.modules]))
"""


@pytest.fixture(scope="module")
def by_hand() -> subprocess.CompletedProcess:
    """The help of `infer`, in a process whose user has set one of the variables."""
    kept = {name: value for name, value in os.environ.items() if name not in FAST}
    given = kept | {"OMP_DISPLAY_ENV": "VERBOSE", "GOMP_SPINCOUNT": "77"}
    return subprocess.run([sys.executable, "-c", CODE], env=given, capture_output=True, text=True, check=True)


def test_threads_of_a_step_run_by_hand_soon_sleep_by_default(
    by_hand: subprocess.CompletedProcess,
) -> None:
    read = dict(re.findall(r"(OMP_WAIT_POLICY|GOMP_SPINCOUNT) = '(\w+)'", by_hand.stderr))
    assert read == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "77"}


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has the variables")
def test_step_run_by_hand_keeps_freed_memory(by_hand: subprocess.CompletedProcess) -> None:
    before, after, imported = json.loads(by_hand.stdout.splitlines()[-1])
    assert imported
    assert before, "a block of 16 MiB is the operating system's at the start"
    assert not after, "and the job's own afterwards"
