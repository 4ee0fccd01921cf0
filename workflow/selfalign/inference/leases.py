"""Leases: which job holds which device of a machine, among all jobs of all its users.

Snakemake counts GPUs but tells no job which are its own, and counts within one run of Snakemake only. So a job locks a
file per device; the operating system frees the lock when the job ends, however it ends.
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
"""Folder of the lock files. Not in TMPDIR or XDG_RUNTIME_DIR, which differ between users, sessions and jobs: all who
compute on a machine must look at the same files."""

_NOTE = 200  # bytes that say who holds a device
_TELL_AGAIN = 60.0  # seconds between two messages of who holds the devices


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
    """Hold some devices that nobody else holds; waits for them.

    Either all or none of them are held, so that two jobs never wait for each other. Who comes first is not served
    first: a job that needs one device may overtake a job that waits for two.

    Args:
        names: devices to choose from, the preferred first; a device has the same name in every process.
        number: how many to hold.
        holder: what this job does, for the messages of those who wait.
        folder: folder of the lock files, local to the machine.
        say: takes the messages.
        pause: seconds between two looks at devices that were taken.

    Yields:
        The names of the devices that are held.

    Raises:
        InputError: there are fewer devices, or the folder cannot be used.
    """
    if number > len(names):
        there = f"there {'is' if len(names) == 1 else 'are'} {len(names)}"
        raise InputError("--gpus", f"{there} to choose from", "Ask for fewer, or use another machine", value=number)
    told = -math.inf
    note = f"process {os.getpid()} of {_user()}, {holder}".encode()[:_NOTE]
    with ExitStack() as kept:
        kept.callback(os.close, _keep(folder))
        while True:
            held, busy = _take(names, number, note, folder)
            if held:
                break
            if time.monotonic() - told > _TELL_AGAIN:
                told = time.monotonic()
                others = "; ".join(f"{name} by {who}" for name, who in busy.items())
                say(f"waiting for {number} of {len(names)} devices, {len(names) - len(busy)} free. Held are {others}")
            time.sleep(pause)
        for file in held.values():
            kept.callback(os.close, file)
        yield list(held)


def _take(names: Sequence[str], number: int, note: bytes, folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Locked files of the first free devices, by name: as many as asked, or none; and who holds the others."""
    held: dict[str, int] = {}
    busy: dict[str, str] = {}
    with ExitStack() as tried:
        gate = _open(folder, "gate")
        tried.callback(os.close, gate)
        # One job looks at a time: two that each need two of three could else take one each and let go, for ever.
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
    """Within it, what is made may be read and written by every user, and a failure is told plainly."""
    umask = os.umask(0)
    try:
        yield
    except OSError as error:
        problem = f"no device can be leased ({error.strerror})"
        raise InputError(place, problem, "Let every user of this machine write there") from None
    finally:
        os.umask(umask)


def _keep(folder: Path) -> int:
    """The folder, made where it is not there, with a shared lock: systemd leaves a locked folder's old files alone."""
    with _open_to_all(folder):
        folder.mkdir(mode=0o1777, exist_ok=True)
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _open(folder: Path, name: str) -> int:
    """A lock file, made where it is not there, that every user of the machine may lock and write."""
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
    except (KeyError, OSError):  # a container may give no name to its user
        return f"user {os.getuid()}"
