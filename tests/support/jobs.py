"""Real jobs of the program in processes of their own, to be killed, stopped and starved."""

import signal
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from warm import BIN, list_forks, warm_programs


class Job:
    """A job of the program, which writes what it prints to a file.

    It is a fork of the process that has the libraries, if there is one, and starts in milliseconds.
    """

    def __init__(self, arguments: list[object], log: Path) -> None:
        self.log = log
        self._folder = TemporaryDirectory()  # where it runs, by which its fork is found
        self._warm = warm_programs()
        command = [(self._warm or BIN) / "selfalign", *map(str, arguments)]
        with log.open("w") as file:
            self._process = psutil.Popen(command, cwd=self._folder.name, stdout=file, stderr=subprocess.STDOUT)
        self._fork: psutil.Process | None = None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        while self._warm and not self._fork and self._process.poll() is None:
            self._fork = next(iter(list_forks(Path(self._folder.name))), None)
            time.sleep(0.001)
        if self._process.poll() is None:
            (self._fork or self._process).send_signal(number)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code; None if it runs for longer than that."""
        try:
            return self._process.wait(seconds)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            return None

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")
