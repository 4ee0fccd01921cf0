"""Real jobs of the program in processes of their own, to be killed, stopped and starved."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
# A job is forked from a process that has imported PyTorch already: it starts in milliseconds, not seconds.
_CONTEXT.set_forkserver_preload(["selfalign.inference.local.infer"])


class Job:
    """A job of the program, which writes what it prints to a file."""

    def __init__(self, arguments: list[object], log: Path) -> None:
        self.log = log
        log.write_text("", encoding="utf-8")  # what an earlier job said
        self._process: BaseProcess = _CONTEXT.Process(target=_work, args=(list(map(str, arguments)), str(log)))
        self._process.start()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code; None if it runs for longer than that."""
        self._process.join(seconds)
        return self._process.exitcode

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


def _work(arguments: list[str], log: str) -> None:
    with Path(log).open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from selfalign.cli import main

    sys.argv = ["selfalign", *arguments]
    main()
