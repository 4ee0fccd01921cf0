"""No step computes in parallel with PyTorch before each function that MKL computes was called with one element."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from families import tiny_model
from selfalign.demonstrations.encoders import encode
from selfalign.inference.local import infer
from selfalign.models import convert_model
from selfalign.warmup import AFFECTED, PRECISIONS, warm_up
from tiny import POLITICS, PRESS, table_of, tiny_tokenizer
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BertConfig, BertModel

LIBRARY = Path(infer.__file__).parents[2]
NAMES = {function.__name__ for function in AFFECTED}
"""As PyTorch's dispatcher names them."""
Call = tuple[str, torch.dtype, int]


class Recorder(TorchDispatchMode):
    """Records the affected functions that are called on the CPU: name, number format, number of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # noqa: ANN001, ANN204 - PyTorch's own form
        name = func.overloadpacket.__name__.rstrip("_")
        tensor = next((arg for arg in args if isinstance(arg, torch.Tensor)), None)
        if name in NAMES and tensor is not None and tensor.device.type == "cpu" and tensor.dtype in PRECISIONS:
            self.calls.append((name, tensor.dtype, tensor.numel()))
        return func(*args, **(kwargs or {}))


def too_early(calls: list[Call]) -> list[Call]:
    """First calls of a function in a number format that have more than one element."""
    first: dict[tuple[str, torch.dtype], int] = {}
    for name, dtype, size in calls:
        first.setdefault((name, dtype), size)
    return [(*key, size) for key, size in first.items() if size > 1]


@contextmanager
def recorded() -> Iterator[list[Call]]:
    with Recorder() as recorder:
        yield recorder.calls


def run_infer(kind: str, dtype: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        tiny_model("llama").save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
        table_of([([], PRESS), ([], POLITICS)], ("a", "b"), ("a", "b")).to_parquet(folder / "prompts.parquet")
        card = {"weights_sha256": "1", "context_length": 512}
        (folder / "card.json").write_text(json.dumps(card))
        options = {"prompts": folder / "prompts.parquet", "card": folder / "card.json", "weights": folder}
        options |= {"format": "chat", "dtype": dtype, "device": "cpu", "engine": kind, "row-tokens": 64, "threads": 1}
        options |= {"ledger": folder / "l.sqlite", "output": folder / "a.parquet"}
        line = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        done = CliRunner().invoke(infer.command, line, catch_exceptions=False)
        assert done.exit_code == 0, done.output

    return run


def run_encoder(folder: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=300, **sizes)).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    encode(["my family", "my friends"], "en", str(folder))


STEPS = {
    "infer packed": run_infer("packed", "float32"),
    "infer naive": run_infer("naive", "float32"),
    "infer first layers": run_infer("packed", "bfloat16"),
    "encoder": run_encoder,
}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_step_warms_up_before_it_computes(step: str, tmp_path: Path) -> None:
    with recorded() as calls:
        STEPS[step](tmp_path)
    assert {(name, dtype) for name, dtype, _ in calls} >= {(name, dtype) for name in NAMES for dtype in PRECISIONS}
    assert max(size for *_, size in calls) > 1  # the step computes
    assert too_early(calls) == []


@pytest.mark.slow
def test_recorder_sees_a_step_that_does_not_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfalign.inference.local.devices.warm_up", lambda: None)
    with recorded() as calls:
        STEPS["infer packed"](tmp_path)
    assert "cos" in {name for name, *_ in too_early(calls)}


def test_warm_up_calls_every_function_that_the_header_lists() -> None:
    header = Path(torch.__file__).parent / "include" / "ATen" / "cpu" / "vml.h"
    listed = set(re.findall(r"^IMPLEMENT_VML_MKL\((\w+), \w+\)", header.read_text(), re.M))
    assert len(listed) > 10
    assert listed == NAMES
    with recorded() as calls:
        warm_up()
    assert sorted(calls, key=str) == sorted(((n, dtype, 1) for n in NAMES for dtype in PRECISIONS), key=str)


def test_every_module_that_loads_a_model_warms_up() -> None:
    loads = re.compile(r"\b(AutoModel\w*\.from_pretrained|model_class\(config\)\.from_pretrained)\(")
    modules = {path: path.read_text(encoding="utf-8") for path in LIBRARY.rglob("*.py")}
    loading = {path.name for path, text in modules.items() if loads.search(text)}
    warm = {path.name for path, text in modules.items() if "warm_up()" in text}
    assert loading == {"devices.py", "encoders.py", "convert_model.py"}  # what calls devices.load_model is warm
    assert loading <= warm


def test_gguf_is_dequantised_after_the_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(convert_model, "warm_up", lambda: called.append("warm_up"))
    monkeypatch.setattr(convert_model.AutoConfig, "from_pretrained", lambda *_, **__: called.append("load") or 1 / 0)
    with pytest.raises(Exception, match="cannot be read as a GGUF"):
        convert_model.dequantize(tmp_path / "m.gguf", tmp_path)
    assert called == ["warm_up", "load"]
