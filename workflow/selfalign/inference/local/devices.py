"""Devices of a job: find them, lease them so that no two jobs share a GPU, and load a model onto them."""

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from selfalign.errors import InputError
from selfalign.inference.local.heads import widen_head
from selfalign.inference.local.leases import hold
from selfalign.models.folder import read_headers
from selfalign.warmup import warm_up
from selfalign.weight_checks import cannot_load, check_quantisation, check_report, model_class, quiet, require_decoder

_FILLED = 0.9  # of each of several GPUs, for weights; the rest is for activations
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def kind_of(device: str) -> str:
    """Kind of a device: `cpu`, `cuda` or `mps`. This machine need not have one: answers may be in the ledger already.

    Args:
        device: see `find_devices`.

    Raises:
        InputError: there is no such kind.
    """
    return _read(device).type


def find_devices(device: str) -> list[torch.device]:
    """The devices that a setting allows.

    Args:
        device: `cpu`, `cuda` (any), `cuda:1` (this one), `mps`, or `auto`: CUDA if there is any, otherwise the CPU.

    Raises:
        InputError: this machine has no such device.
    """
    place = _read(device)
    count = _count(place)
    if place.index is None and place.type == "cuda":
        places = [torch.device("cuda", index) for index in range(count)]
    else:
        places = [place] if (place.index or 0) < count else []
    if not places:
        there = f"PyTorch sees {count} devices of this kind" if count else "PyTorch sees no such device"
        raise InputError("--device", f"{there} on this machine", "Use auto", value=device)
    return places


def _read(device: str) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise InputError("--device", f"is no device ({_first_line(error)})", "Use auto", value=device) from None


def _count(place: torch.device) -> int:
    if place.type == "cuda":
        return torch.cuda.device_count()
    return int(place.type == "cpu" or (place.type == "mps" and torch.backends.mps.is_available()))


@contextmanager
def lease(device: str, gpus: int, holder: str) -> Iterator[list[torch.device]]:
    """Devices for this job only. If too few are free, this function waits and reports who holds them.

    The CPU needs no lease.

    Args:
        device: see `find_devices`.
        gpus: how many GPUs to hold.
        holder: a description of this job, for the messages of waiting jobs.

    Raises:
        InputError: this machine has no such device, or fewer; or the devices cannot be leased.
    """
    places = find_devices(device)
    if places[0].type == "cpu":
        yield places
        return
    named = {_identity(place): place for place in places}
    with hold(list(named), gpus, holder) as held:
        taken = [named[name] for name in held]
        if taken[0].type == "cuda":
            torch.cuda.set_device(taken[0])  # code that names no device must not use another job's GPU
        yield taken


def _identity(place: torch.device) -> str:
    """Name of a device that is the same in every process. CUDA_VISIBLE_DEVICES can change its number."""
    if place.type != "cuda":
        return place.type
    return f"cuda-{getattr(torch.cuda.get_device_properties(place), 'uuid', place.index)}"


def load_model(
    weights: Path, dtype: str, places: Sequence[torch.device], attention: str = "sdpa", layers: int | None = None
) -> PreTrainedModel:
    """Causal language model of a local folder of safetensors on one device, or spread over several, for inference.

    Args:
        weights: folder of the model.
        dtype: name of PyTorch's number format.
        places: devices that this job holds; over several, the layers are spread evenly.
        attention: one of `choices.ATTENTIONS`.
        layers: how many of its layers, from the first on; None: all.

    Raises:
        InputError: the model is an encoder-decoder, does not fit, or cannot be loaded; or its files lack tensors of the
            model, or have unknown ones.
    """
    warm_up()
    config = read_model_config(weights)
    check_quantisation(config, weights, weights)
    if layers is not None:
        _keep_layers(config.get_text_config(), layers)
    room = {place: _room(place) for place in places}
    needed = model_bytes(weights, dtype, layers)
    if needed > sum(room.values()):
        raise too_large(weights, dtype, needed, room)
    if len(places) == 1:
        spread: dict[str, object] = {"device_map": {"": places[0]}}
    else:  # only these: a device without a name here gets no weights
        spread = {"device_map": "auto", "max_memory": {p.index: int(_FILLED * size) for p, size in room.items()}}
    try:
        with quiet():  # the report comes back as well
            loaded: Any = model_class(config).from_pretrained(  # a pair, because of output_loading_info
                weights,
                config=config,
                dtype=getattr(torch, dtype),
                # By default, transformers uses sdpa where it can. Asked for sdpa, it refuses families without it.
                attn_implementation=None if attention == "sdpa" else attention,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **spread,
                **_LOCAL,
            )
        model, report = loaded
        if dtype != "float32":
            widen_head(model)
    except Exception as error:
        if is_out_of_memory(error):
            raise too_large(weights, dtype, needed, room) from None
        raise cannot_load(error, weights) from error
    check_report(report, config, weights, layers)
    if any(parameter.is_meta for parameter in model.parameters()):
        raise too_large(
            weights, dtype, needed, room
        )  # accelerate would read the other weights from the disk at every pass
    ready: PreTrainedModel = model.eval()
    return ready


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out. PyTorch has a class of errors for GPUs, and a message for CPUs."""
    words = ("not enough memory", "t allocate memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(word in str(error) for word in words)


def _keep_layers(config: PreTrainedConfig, layers: int) -> None:
    """Shorten a configuration, and its lists with one value per layer, to the first layers."""
    for name, value in vars(config).copy().items():
        if isinstance(value, list) and len(value) == config.num_hidden_layers:
            setattr(config, name, value[:layers])
    config.num_hidden_layers = layers


def read_model_config(weights: Path) -> PreTrainedConfig:
    """The configuration of a model that continues text. No weights are read.

    Raises:
        InputError: the model does not continue text.
    """
    config: PreTrainedConfig = AutoConfig.from_pretrained(weights, **_LOCAL)
    require_decoder(config, weights)
    return config


def model_bytes(weights: Path, dtype: str, layers: int | None = None) -> int:
    """Bytes of a model's weights in a number format, from the headers of its files. No weights are read.

    Args:
        weights: folder of the model.
        dtype: the number format.
        layers: how many of its layers, from the first on; None: all.
    """
    tensors = read_headers(weights).items()
    numbers = sum(math.prod(tensor.shape) for name, tensor in tensors if layers is None or _layer(name) < layers)
    return numbers * int(getattr(torch, dtype).itemsize)


def _layer(name: str) -> int:
    """Layer of a weight, such as `model.layers.3.mlp.up_proj.weight`; -1 if it belongs to no layer."""
    number = re.search(r"\.(\d+)\.", name)
    return int(number[1]) if number else -1


def _room(place: torch.device) -> int:
    if place.type == "cuda":
        return torch.cuda.mem_get_info(place)[0]
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def too_large(weights: Path, dtype: str, needed: int, room: dict[torch.device, int]) -> InputError:
    """The error that a model does not fit, with the settings that would help.

    Args:
        weights: folder of the model.
        dtype: its number format.
        needed: its bytes.
        room: bytes of each device: the free ones of a GPU, all of a CPU.
    """
    there = " and ".join(
        f"{place} has {size / 1e9:.3g} GB {'free' if place.type == 'cuda' else 'in all'}"
        for place, size in room.items()
    )
    remedies = ["dtype: bfloat16, which halves it"] if dtype == "float32" else []
    if all(place.type == "cuda" for place in room):
        # Layers are not split, and activations need memory too: so at least one more GPU than now.
        enough = max(len(room) + 1, math.ceil(needed / (_FILLED * min(room.values()))))
        remedies.append(f"gpus: {enough}, which spreads it over as many")
    remedy = f"Set {', or '.join(remedies)}" if remedies else "Use a machine with more memory, or a smaller model"
    return InputError(weights, f"does not fit: needs {needed / 1e9:.3g} GB in {dtype}; {there}", remedy)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
