"""Code that imports the project again, in a fork of this process, which has the libraries already."""

import gc
import io
import multiprocessing
import sys
from contextlib import redirect_stdout
from multiprocessing.connection import Connection


def run_fresh(code: str) -> str:
    """What a code prints that runs as if no module of the project had been imported.

    A new process would import pandas, PyTorch and the rest again, which takes seconds. Use one where a process is the
    promise. The code must not compute with PyTorch, whose threads do not survive a fork.

    Raises:
        AssertionError: the code fails.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(code, there))
    process.start()
    there.close()
    try:
        printed = here.recv()
    except EOFError:
        printed = ""
    process.join()
    assert process.exitcode == 0, "the code failed: see its traceback above"
    return printed


def _run(code: str, answer: Connection) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "selfalign"]:
        del sys.modules[name]
    gc.disable()  # a collection would copy every page that the fork shares
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, {"__name__": "__main__"})
    answer.send(printed.getvalue())
