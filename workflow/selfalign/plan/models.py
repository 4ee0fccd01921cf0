"""A model before it runs: its size, its tokenizer, its answers so far, and its speed."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfalign.config.sections import Hub, Model
from selfalign.errors import InputError, did_you_mean
from selfalign.models.folder import read_headers
from selfalign.runs import CARD, LEDGER

_NAMED = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([bBmM])(?![a-zA-Z])")
"""A number of parameters in a name, such as 0.5b or 135M."""

_TOKENIZER = [
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model", "*.jinja",
    "chat_template*", "config.json", "generation_config.json",
]  # fmt: skip
"""Files of a model that make its tokenizer, without weights."""

_WIDTH = {"float32": 4, "bfloat16": 2, "float16": 2}
_LEAST = 2000
"""Tokens that a run in a ledger must have computed, so that its rate counts. A shorter run is mostly loading."""


@dataclass(frozen=True)
class Size:
    """Parameters of a model, and how they are known: `card`, `weights`, `hub` or `name`."""

    parameters: float
    source: str


def find_size(model: Model, card: Path, listed: float | None = None) -> Size | None:
    """Parameters of a model; None if they are not known.

    Args:
        model: of the config, with a source.
        card: the record of its files, if the workflow has prepared the model.
        listed: bytes of the safetensors that the hub lists.
    """
    if known := find_size_of_card(card):
        return Size(known, "card")
    if model.folder and (tensors := read_headers(Path(model.folder))):
        return Size(sum(math.prod(tensor.shape) for tensor in tensors.values()), "weights")
    if listed:
        return Size(listed / 2, "hub")
    texts = [model.name, model.label, *map(str, model.source.given.values() if model.source else ())]
    for number, unit in (found.groups() for text in texts for found in _NAMED.finditer(text)):
        return Size(float(number) * (1e9 if unit in "bB" else 1e6), "name")
    return None


def find_tokenizer(model: Model, weights: Path) -> Path | None:
    """A folder on this machine that has the model's tokenizer; None where there is none.

    Args:
        weights: folder where the workflow puts its weights.
    """
    places = [weights, Path(model.folder)] if model.folder else [weights]
    return next((place for place in places if (place / "tokenizer.json").is_file()), None)


def fetch_tokenizer(name: str, source: Hub) -> tuple[Path, float]:
    """Fetch a model's tokenizer from the hub into the hub's own cache, without weights.

    Returns:
        Folder of the tokenizer, and bytes of the model's safetensors as the hub lists them.

    Raises:
        InputError: the hub is out of reach, or has no such model.
    """
    from huggingface_hub import HfApi, RepoFile, snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    from selfalign.hub import hub_access, hub_errors

    disable_progress_bars()
    access, repo, revision = hub_access(), source.hub, source.revision
    with hub_errors("model", repo, revision, f"config: models.{name}.source"):
        tree = [one for one in HfApi(**access).list_repo_tree(repo, revision=revision) if isinstance(one, RepoFile)]
        size = sum(one.size for one in tree if one.path.endswith(".safetensors"))
        folder = snapshot_download(repo, revision=revision, allow_patterns=_TOKENIZER, **access)
    return Path(str(folder)), float(size)


def find_device(model: Model) -> str:
    """Kind of device that a model runs on here: `cpu`, `cuda` or `mps`."""
    kind = model.device.partition(":")[0]
    return ("cuda" if Path("/dev/nvidiactl").exists() else "cpu") if kind == "auto" else kind


def read_answered(ledger: Path, card: Path, model: Model, device: str) -> dict[str, list[str]]:
    """Keys of the answers that a ledger has for a model as it would run now, by the id of their prompt.

    Raises:
        InputError: a job is using the ledger, or it cannot be read.
    """
    if not (ledger.is_file() and card.is_file()):
        return {}
    from selfalign.inference.local.setup import Setup  # PyTorch takes seconds to import
    from selfalign.ledger.reading import read_keys
    from selfalign.ledger.rows import fingerprint_of

    about = json.loads(card.read_text(encoding="utf-8"))
    return read_keys(
        ledger, fingerprint_of(Setup.of_model(dict(model) | {"template": model.template.given}).facts(about, device))
    )


@dataclass(frozen=True)
class Rate:
    """Tokens that a model computes in a second.

    Attributes:
        tokens_per_second: the rate.
        source: where it is from: `given`, `ledger`, `scaled` (from another model's ledger) or `table`.
        place: the model, or the hardware, that was measured.
        memory: peak memory in bytes of the runs in the model's own ledgers; 0 where there are none.
    """

    tokens_per_second: float
    source: str
    place: str
    memory: int = 0


@dataclass(frozen=True)
class Speeds:
    """Measured speeds of models, and the machine that a run will be on.

    Attributes:
        measured: on this machine, as `read_rates` returns it.
        table: the shipped rates.
        hardware: a name of the table, if the run will be on another machine; None: this machine.
        cores: of the CPU that runs a model.
    """

    measured: pd.DataFrame
    table: pd.DataFrame
    hardware: str | None
    cores: int


def find_rate(model: Model, size: Size | None, speeds: Speeds) -> Rate | None:
    """The speed of a model; None if it is not known.

    Args:
        speeds: those that are known.
    """
    device = find_device(model)
    if speeds.hardware is None:
        measured = speeds.measured
        here = measured[(measured["dtype"] == model.dtype) & (measured["device"] == device)]
        here = here[here["engine"] == model.engine]
        own = here[here["model"] == model.name]
        if len(own):
            return Rate(own["tokens"].sum() / own["seconds"].sum(), "ledger", model.name, int(own["peak_memory"].max()))
        others = here.dropna(subset="parameters")
        if size and len(others):
            near = others.loc[(others["parameters"] / size.parameters).map(math.log).abs().idxmin()]
            rate = near["tokens"] / near["seconds"] * near["parameters"] / size.parameters
            return Rate(rate, "scaled", near["model"])
    hardware = speeds.hardware or ("h200" if device == "cuda" else device)
    return _look_up(speeds.table, hardware, model.dtype, size, speeds.cores)


def _look_up(table: pd.DataFrame, hardware: str, dtype: str, size: Size | None, cores: int) -> Rate | None:
    """A rate from the table: between two sizes in proportion on logarithmic scales; beyond them as 1 / parameters."""
    rows = table[table["hardware"] == hardware]
    same = rows[rows["dtype"] == ("bfloat16" if dtype == "float16" else dtype)]
    rows = (same if len(same) else rows).sort_values("parameters")
    if size is None or rows.empty:
        return None
    low, high = rows["parameters"].iloc[[0, -1]]
    known = np.log(rows[["parameters", "tokens_per_second"]].to_numpy(float))
    rate = np.exp(np.interp(np.log(size.parameters), *known.T))  # beyond the sizes: the rate of the nearest one
    if size.parameters > low or hardware == "cpu":  # a GPU is idle between small models' kernels
        rate *= np.clip(size.parameters, low, high) / size.parameters
    if hardware == "cpu":
        rate *= min(cores, 16) / rows["cores"].iloc[0]
    return Rate(float(rate), "table", hardware)


def read_table_of_rates(path: Path, hardware: str | None) -> pd.DataFrame:
    """The shipped rates.

    Raises:
        InputError: the table has no such hardware.
    """
    table = pd.read_csv(path)
    if hardware is not None and hardware not in set(table["hardware"]):
        remedy = f"{did_you_mean(hardware, set(table['hardware']))} Or give rates: --rate MODEL=TOKENS_PER_SECOND"
        raise InputError("--hardware", "no rate was measured on this", remedy, value=hardware)
    return table


def read_rates(shared: Path) -> tuple[pd.DataFrame, list[str]]:
    """What the runs in this machine's ledgers measured.

    Args:
        shared: folder of what runs share.

    Returns:
        A row per model and way of running it: model, dtype, device, engine, parameters, tokens, seconds, peak_memory;
        and a sentence for each ledger that could not be read.
    """
    from selfalign.ledger.reading import describe_ledger

    rows, notes = [], []
    for path in sorted(shared.glob(LEDGER.format(model="*", language="*"))):
        try:
            ledger = describe_ledger(path)
        except InputError as error:
            notes.append(f"not read: {error}")
            continue
        size = find_size_of_card(shared / CARD.format(model=path.parent.name))
        rows += [{"model": path.parent.name, "parameters": size} | row for row in _rows(ledger)]
    columns = ["model", "parameters", "dtype", "device", "engine", "tokens", "seconds", "prompts", "peak_memory"]
    table = pd.DataFrame(rows, columns=columns)
    keys = ["model", "dtype", "device", "engine"]
    sums = {"parameters": "first", "tokens": "sum", "seconds": "sum", "prompts": "sum", "peak_memory": "max"}
    table = table.groupby(keys, as_index=False, dropna=False).agg(sums)
    return table, notes


def _rows(ledger: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for model in ledger["models"]:
        facts = model["facts"] if isinstance(model["facts"], dict) else {}
        settings = {name: facts.get(name) for name in ("dtype", "device", "engine")}
        for run in model["runs"]:
            if run["seconds"] and (run["tokens"] >= _LEAST or run["device"] == "endpoint"):
                yield settings | {name: run[name] for name in ("tokens", "seconds", "prompts", "peak_memory")}


def find_size_of_card(card: Path) -> float | None:
    """Parameters of a model that the workflow has prepared; None for others."""
    return json.loads(card.read_text(encoding="utf-8"))["parameters"] if card.is_file() else None


def estimate_memory(size: Size, model: Model, device: str) -> float:
    """Peak memory in bytes of a job, within some 10 % of what was measured (docs/plan.md).

    That is the weights in the model's number format, what a row of the packed engine takes, and on a CPU the program.
    """
    row = 150_000 * (model.row_tokens if model.engine == "packed" else 512)
    return 1.05 * size.parameters * _WIDTH[model.dtype] + row + (5e8 if device == "cpu" else 0)


def estimate_disk(size: Size, model: Model, card: Path) -> float:
    """Bytes of disk that the model itself still needs: its files as they come, and its weights.

    A GGUF file is unpacked to float32. Safetensors are linked, and those of a local folder need no disk.
    """
    if card.is_file() or model.folder:
        return 0.0
    return size.parameters * (2 if isinstance(model.source, Hub) else 4 + 0.6)
