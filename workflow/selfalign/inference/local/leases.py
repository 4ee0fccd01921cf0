"""Leases of devices: each job holds devices that no other job of any user on this machine can hold.

Snakemake counts GPUs, but it does not assign them to jobs, and it counts within one run only. So a job locks one file
per device. The operating system frees the lock when the job ends or is killed.
"""

import fcntl
import getpass
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from selfalign.errors import InputError

FOLDER = Path("/tmp/selfalign-devices")
"""Folder of the lock files. Not in TMPDIR or XDG_RUNTIME_DIR, which differ between users, sessions and jobs:
all jobs on a machine must use the same files."""

_NOTE = 200  # bytes of the holder's description
_SAY_AGAIN = 60.0  # seconds between two messages


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def hold(
    names: Sequence[str],
    number: int,
    holder: str,
    folder: Path = FOLDER,
    say: Callable[[str], None] = _say,
    pause: float = 1.0,
) -> Iterator[list[str]]:
    """Hold devices that no other job holds. This function waits until enough of them are free.

    A job holds all its devices or none, so that two jobs never wait for each other. The order of arrival does not
    count: a job that needs one device may overtake a job that waits for two.

    Args:
        names: devices to choose from, the preferred first; a device has the same name in every process.
        number: how many to hold.
        holder: a description of this job, for the messages of waiting jobs.
        folder: folder of the lock files, local to the machine.
        say: function that prints a message.
        pause: seconds between two attempts.

    Yields:
        The names of the devices that are held.

    Raises:
        InputError: there are too few devices, or the folder cannot be used.
    """
    if number > len(names):
        there = f"there {'is' if len(names) == 1 else 'are'} {len(names)}"
        raise InputError("--gpus", f"{there} to choose from", "Ask for fewer, or use another machine", value=number)
    said = -math.inf
    note = f"process {os.getpid()} of {_user()}, {holder}".encode()[:_NOTE]
    with ExitStack() as kept:
        kept.callback(os.close, _keep(folder))
        while True:
            held, busy = _take(names, number, note, folder)
            if held:
                break
            if time.monotonic() - said > _SAY_AGAIN:
                said = time.monotonic()
                others = "; ".join(f"{name} by {who}" for name, who in busy.items())
                say(f"waiting for {number} of {len(names)} devices, {len(names) - len(busy)} free. Held are {others}")
            time.sleep(pause)
        for file in held.values():
            kept.callback(os.close, file)
        yield list(held)


def _take(names: Sequence[str], number: int, note: bytes, folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Lock the files of the first free devices. Returns them by name, all or none, and the holders of the others."""
    held: dict[str, int] = {}
    busy: dict[str, str] = {}
    with ExitStack() as tried:
        gate = _open(folder, "gate")
        tried.callback(os.close, gate)
        # One job at a time: otherwise two jobs that each need two of three devices could take and free one for ever.
        fcntl.flock(gate, fcntl.LOCK_EX)
        for name in names:
            file = _open(folder, name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy[name] = os.pread(file, _NOTE, 0).decode(errors="replace")
                os.close(file)
                continue
            held[name] = file
            if len(held) == number:
                break
        if len(held) == number:
            for file in held.values():
                os.ftruncate(file, 0)
                os.pwrite(file, note, 0)
            return held, busy
        for file in held.values():
            os.close(file)
    return {}, busy


@contextmanager
def _open_to_all(place: Path) -> Iterator[None]:
    """Inside this context, every user may read and write new files, and a failure raises an `InputError`."""
    umask = os.umask(0)
    try:
        yield
    except OSError as error:
        problem = f"no device can be leased ({error.strerror})"
        raise InputError(place, problem, "Let every user of this machine write there") from None
    finally:
        os.umask(umask)


def _keep(folder: Path) -> int:
    """Make the folder if it is missing, and lock it for shared use: systemd deletes no files in a locked folder."""
    with _open_to_all(folder):
        folder.mkdir(mode=0o1777, exist_ok=True)
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _open(folder: Path, name: str) -> int:
    """Open a lock file that every user may lock and write. It is made if it is missing."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    with _open_to_all(folder / name):
        try:
            # Without O_CREAT, which Linux refuses on another user's file in a folder that all may write to.
            return os.open(folder / name, flags)
        except FileNotFoundError:
            return os.open(folder / name, flags | os.O_CREAT, 0o666)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        return f"user {os.getuid()}"
