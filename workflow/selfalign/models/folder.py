"""The files of a model in a folder: which are taken, and whether they are a whole model."""

from fnmatch import fnmatchcase
from pathlib import Path

from selfalign.errors import InputError

WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
UNWANTED = ("consolidated*",)  # a second copy of the weights, in their publisher's own layout


def is_wanted(name: str) -> bool:
    """Whether a file of a model is one to take: safetensors, configuration, tokenizer; never code or a pickle."""
    matches = [any(fnmatchcase(name, pattern) for pattern in patterns) for patterns in (WANTED, UNWANTED)]
    return "/" not in name and matches == [True, False]


def list_model(folder: str, place: str) -> tuple[Path, list[str]]:
    """The folder of a model, resolved, and the names of its files to take: safetensors with what belongs to them, or
    its one GGUF.

    Args:
        folder: a path; a relative one starts at the working directory.
        place: name of the setting, for messages.

    Raises:
        InputError: there is no such folder, or it does not hold one model in safetensors or GGUF.
    """
    origin = Path(folder).expanduser().resolve()
    if not origin.is_dir():
        raise InputError(place, f"there is no folder {origin}", "Check the path")
    present = sorted(path.name for path in origin.iterdir() if path.is_file())
    files = [name for name in present if is_wanted(name)]
    ggufs = [name for name in present if name.endswith(".gguf")]
    if len(ggufs) == 1 and not any(name.endswith(".safetensors") for name in files):
        return origin, ggufs
    require_weights(files, present, place, str(origin))
    return origin, files


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
