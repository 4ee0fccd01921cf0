"""The files of a model in a folder: which are taken, and whether they are a whole model."""

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from selfalign.errors import InputError

WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
UNWANTED = ("consolidated*",)  # a second copy of the weights, in the layout of their publisher

_POINTER = b"version https://git-lfs."
"""How a file begins that stands for a large file of a git repository."""


def is_wanted(name: str) -> bool:
    """Whether a file of a model is one to take: safetensors, configuration, tokenizer; never code or a pickle."""
    matches = [any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in (WANTED, UNWANTED)]
    return "/" not in name and matches == [True, False]


class Header(NamedTuple):
    """What the header of a file of weights says of a tensor: its shape and number format, such as BF16."""

    shape: tuple[int, ...]
    dtype: str


def read_headers(folder: Path) -> dict[str, Header]:
    """The tensors of a model's safetensors, by name. No weight is read, and PyTorch is not needed.

    Args:
        folder: of the model. Files that are not taken do not count; see `is_wanted`.

    Raises:
        InputError: a file is damaged.
    """
    tensors = {}
    for path in sorted(one for one in folder.glob("*.safetensors") if is_wanted(one.name)):
        try:
            with safe_open(path, framework="np") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    part = file.get_slice(name)
                    tensors[name] = Header(tuple(part.get_shape()), part.get_dtype())
        except (SafetensorError, OSError) as error:
            raise InputError(path, f"cannot be read as safetensors ({error})", "Fetch the model again") from error
    return tensors


def expand_home(folder: str) -> Path:
    """A path whose `~` is the user's home folder. A `~` without a home folder stays."""
    return Path(os.path.expanduser(folder))  # noqa: PTH111 (Path.expanduser fails without a home)


def list_inputs(folder: str) -> list[str]:
    """Paths of the files that are taken from a model's folder; none if it does not hold one model.

    Other files, such as a README or a log, do not count. The step `fetch_model` reports what is wrong with a folder.

    Args:
        folder: as for `list_model`.
    """
    try:
        _, names = list_model(folder, folder)
    except InputError:
        return []
    return [str(expand_home(folder) / name) for name in names]


def list_model(folder: str, place: str) -> tuple[Path, list[str]]:
    """The folder of a model, resolved, and the names of its files to take.

    These are its safetensors with their configuration and tokenizer, or its only GGUF.

    Args:
        folder: a path; a relative one starts at the working directory.
        place: name of the setting, for messages.

    Raises:
        InputError: there is no such folder, it does not hold one model in safetensors or GGUF, or a file is a pointer
            of Git LFS.
    """
    origin = expand_home(folder).resolve()
    if not origin.is_dir():
        is_file = f"{origin} is a file", f"Give its folder, {origin.parent}"
        raise InputError(place, *(is_file if origin.is_file() else (f"there is no folder {origin}", "Check the path")))
    present = sorted(path.name for path in origin.iterdir() if path.is_file())
    files = [name for name in present if is_wanted(name)]
    ggufs = [name for name in present if name.endswith(".gguf")]
    if ggufs and not any(name.endswith(".safetensors") for name in files):
        if len(ggufs) > 1:
            problem = f"{origin} holds {len(ggufs)} GGUF files, {', '.join(ggufs[:8])}; expected one"
            raise InputError(place, problem, "Give a folder with one of them; merge a GGUF that is in several files")
        files = ggufs
    elif not present and (inside := _find_models(origin)):
        raise InputError(place, f"{origin} holds no file", f"Give the folder of the model itself: {inside[0]}")
    else:
        require_weights(files, present, place, str(origin))
    _refuse_pointers(origin, files, place)
    return origin, files


def _find_models(folder: Path) -> list[Path]:
    """Folders of models inside a folder, such as those in the cache of the hub."""
    return sorted(path.parent for pattern in ("*", "*/*") for path in folder.glob(f"{pattern}/config.json"))


def _refuse_pointers(folder: Path, files: list[str], place: str) -> None:
    for name in files:
        with (folder / name).open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                problem = f"{folder / name} is a pointer of Git LFS, not the file"
                raise InputError(place, problem, "Run git lfs pull in this folder, or download the model again")


def require_weights(files: list[str], present: list[str], place: str, owner: str) -> None:
    """Raise InputError where the files to take are no model in safetensors.

    Args:
        files: names of those that are taken.
        present: names of all files.
        place: name of the setting, for messages.
        owner: the folder or repository that has them, for messages.
    """
    if any(name.endswith(".safetensors") for name in files) and "config.json" in files:
        return
    pickles = [name for name in present if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    remedy = "Give a model with config.json and *.safetensors"
    if pickles:
        remedy = f"Save it again with save_pretrained, as safetensors: {pickles[0]} may run code when it is loaded"
    got = ", ".join(present[:8]) + ", ..." * (len(present) > 8)
    raise InputError(place, f"{owner} holds {got or 'no file'}; expected config.json and *.safetensors", remedy)
