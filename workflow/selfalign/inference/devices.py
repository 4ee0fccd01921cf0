"""The devices of a job: found, leased so that no two jobs share a GPU, and a model put on them.

Snakemake counts GPUs but says to no job which are its own, and counts for one run of Snakemake only. So a job takes a
lease: a lock of the operating system on a file per device. The system frees it when the job ends, however it ends.
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
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from selfalign.errors import InputError

ATTENTIONS = ("sdpa", "eager")
"""Implementations of attention: PyTorch's fused one where the model's family has it, and plain matrix products."""

LEASES = Path("/tmp/selfalign-devices")
"""Folder of the lock files. Not TMPDIR or XDG_RUNTIME_DIR, which differ between users, sessions and jobs: all who
compute on a machine must look at the same files."""

_TRY_AGAIN = 1.0  # seconds between two looks at devices that were taken
_TELL_AGAIN = 60.0  # seconds between two messages of who holds them
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def find_devices(device: str) -> list[torch.device]:
    """The devices that a setting leaves to choose from.

    Args:
        device: `cpu`, `cuda` (any), `cuda:1` (this one), `mps`, or `auto`: CUDA where there is any, else the CPU.

    Raises:
        InputError: this machine has no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
        count = _count(place)
    except RuntimeError as error:
        raise InputError("--device", f"is no device ({_first_line(error)})", "Use auto", value=device) from None
    if place.index is None and place.type == "cuda":
        places = [torch.device("cuda", index) for index in range(count)]
    else:
        places = [place] if (place.index or 0) < count else []
    if not places:
        there = f"PyTorch sees {count} devices of this kind" if count else "PyTorch sees no such device"
        raise InputError("--device", f"{there} on this machine", "Use auto", value=device)
    return places


def _count(place: torch.device) -> int:
    if place.type == "cuda":
        return torch.cuda.device_count()
    return int(place.type == "cpu" or (place.type == "mps" and torch.backends.mps.is_available()))


@contextmanager
def lease(device: str, gpus: int = 1, holder: str = "", folder: Path = LEASES) -> Iterator[list[torch.device]]:
    """Devices for this job alone; waits, and says for whom, while too few are free. The CPU needs no lease.

    Args:
        device: see `find_devices`.
        gpus: how many GPUs to hold; all of them or none, so that two jobs never wait for each other.
        holder: what this job does, for the messages of those who wait.
        folder: folder of the lock files, local to the machine.

    Raises:
        InputError: the machine has fewer GPUs, or the folder cannot be used.
    """
    places = find_devices(device)
    if places[0].type == "cpu":
        yield places
        return
    if gpus > len(places):
        problem = f"asks for {gpus} GPUs; the device setting ({device}) leaves {len(places)} on this machine"
        raise InputError("--gpus", problem, "Ask for fewer, or use a machine with more")
    named = {_identity(place): place for place in places}
    with hold(list(named), gpus, holder, folder) as held:
        taken = [named[name] for name in held]
        if taken[0].type == "cuda":
            torch.cuda.set_device(taken[0])  # what names no device must not land on another job's
        yield taken


def _identity(place: torch.device) -> str:
    """Name of a device that is the same in every process: its number is not, under CUDA_VISIBLE_DEVICES."""
    if place.type != "cuda":
        return place.type
    return f"cuda-{getattr(torch.cuda.get_device_properties(place), 'uuid', place.index)}"


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def hold(
    names: Sequence[str], number: int, holder: str, folder: Path = LEASES, say: Callable[[str], None] = _say
) -> Iterator[list[str]]:
    """Hold `number` of some devices, by name, that nobody else holds; waits for them.

    Args:
        names: devices to choose from, the preferred first.
        number: how many; all of them or none are taken at a time.
        holder: what this job does, for the messages of those who wait.
        folder: folder of the lock files.
        say: takes the messages.

    Yields:
        The names of the devices that are held.

    Raises:
        InputError: the folder cannot be used.
    """
    told = -math.inf
    with ExitStack() as kept:
        while True:
            held, busy = _take(names, number, folder)
            if held:
                break
            if time.monotonic() - told > _TELL_AGAIN:
                told = time.monotonic()
                free = len(names) - len(busy)
                others = "; ".join(f"{name}: {who}" for name, who in busy.items())
                say(f"waiting for {number} of {len(names)} GPUs, {free} free now. In use are {others}")
            time.sleep(_TRY_AGAIN)
        for file in held.values():
            kept.callback(os.close, file)
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} of {_user()}, {holder}".encode(), 0)
        yield list(held)


def _take(names: Sequence[str], number: int, folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Locked files of the first free devices, by name: as many as asked, or none; and who holds the others."""
    held: dict[str, int] = {}
    busy: dict[str, str] = {}
    with ExitStack() as tried:
        gate = _open(folder, "gate")
        tried.callback(os.close, gate)
        # One job looks at a time: two that each need two of three would else take one each, and let go, for ever.
        fcntl.flock(gate, fcntl.LOCK_EX)
        for name in names:
            file = _open(folder, name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy[name] = os.pread(file, 1000, 0).decode(errors="replace") or "a process that is starting"
                os.close(file)
                continue
            held[name] = file
            if len(held) == number:
                return held, busy
        for file in held.values():
            os.close(file)
    return {}, busy


def _open(folder: Path, name: str) -> int:
    """A lock file, made where it is not there, that every user of the machine may lock and write."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    umask = os.umask(0)
    try:
        folder.mkdir(mode=0o1777, parents=True, exist_ok=True)
        try:
            # First without O_CREAT, which Linux refuses on another user's file in a folder that all may write to.
            return os.open(folder / name, flags)
        except FileNotFoundError:
            return os.open(folder / name, flags | os.O_CREAT, 0o666)
    except OSError as error:
        problem = f"a GPU cannot be leased: {error.strerror}"
        raise InputError(folder / name, problem, "Let every user of this machine write there") from None
    finally:
        os.umask(umask)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may give no name to its user
        return f"user {os.getuid()}"


def load_model(weights: Path, dtype: str, places: Sequence[torch.device], attention: str = "sdpa") -> PreTrainedModel:
    """Causal language model of a local folder of safetensors on one device, or spread over several, for inference.

    Args:
        weights: folder of the model.
        dtype: name of PyTorch's number format.
        places: devices that this job holds; over several, the layers are spread evenly.
        attention: one of `ATTENTIONS`.

    Raises:
        InputError: the model is an encoder-decoder, or does not fit.
    """
    require_decoder(weights)
    free = {place: _free_bytes(place) for place in places}
    needed = model_bytes(weights, dtype)
    if needed > sum(free.values()):
        raise _too_large(weights, dtype, needed, free)
    if len(places) == 1:
        spread: dict[str, object] = {"device_map": {"": places[0]}}
    else:
        # What is not named here is not used; a tenth stays free for activations.
        spread = {"device_map": "auto", "max_memory": {p.index: int(0.9 * size) for p, size in free.items()}}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            weights,
            dtype=getattr(torch, dtype),
            # Left to itself, transformers takes sdpa where it can; asked for it, it refuses families without (BLOOM).
            attn_implementation=None if attention == "sdpa" else attention,
            use_safetensors=True,
            **spread,
            **_LOCAL,
        )
    except (torch.OutOfMemoryError, MemoryError):
        raise _too_large(weights, dtype, needed, free) from None
    if any(parameter.is_meta for parameter in model.parameters()):
        raise _too_large(weights, dtype, needed, free)  # accelerate would read what found no room from the disk
    return model.eval()


def require_decoder(weights: Path) -> None:
    """Refuse a model that has an encoder, by its configuration alone: no weight is read.

    Raises:
        InputError: the model is an encoder-decoder, such as a T5 or a BART.
    """
    config = AutoConfig.from_pretrained(weights, **_LOCAL)
    if config.is_encoder_decoder:
        raise InputError(
            weights,
            f"the model ({config.model_type}) is an encoder-decoder; expected a model that continues text",
            "Choose a causal language model, such as a Llama, a Qwen, a Gemma or a BLOOM",
        )


def model_bytes(weights: Path, dtype: str) -> int:
    """Bytes of a model's weights in a number format, by the headers of its files: no weight is read."""
    numbers = 0
    for path in weights.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            numbers += sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
    return numbers * getattr(torch, dtype).itemsize


def _free_bytes(place: torch.device) -> int:
    if place.type == "cuda":
        return torch.cuda.mem_get_info(place)[0]
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _too_large(weights: Path, dtype: str, needed: int, free: dict[torch.device, int]) -> InputError:
    there = " and ".join(f"{place} has {size / 1e9:.3g} GB" for place, size in free.items())
    remedies = [] if dtype != "float32" else ["dtype: bfloat16, which halves it"]
    if all(place.type == "cuda" for place in free):
        # A tenth of each GPU is for activations, and layers are not split: hence at least one more than there were.
        enough = max(len(free) + 1, math.ceil(needed / (0.9 * min(free.values()))))
        remedies.append(f"gpus: {enough}, which spreads it over as many")
    remedy = f"Set {', or '.join(remedies)}" if remedies else "Use a machine with more memory, or a smaller model"
    return InputError(weights, f"the model needs {needed / 1e9:.3g} GB in {dtype}, and {there}", remedy)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
