"""The output layer of a model in a short number format: see `heads.widen_head`."""

from pathlib import Path

import pytest
import torch
from accelerate import dispatch_model
from families import CONFIGS, tiny_model
from selfalign.inference.local.devices import load_model
from selfalign.inference.local.heads import widen_head
from torch import nn
from transformers import PreTrainedModel

CPU = torch.device("cpu")
TOKENS = torch.arange(5, 21)[None]


def run(model: PreTrainedModel) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What goes into the output layer, what comes out of it, and the model's logits."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = model.get_output_embeddings().register_forward_hook(lambda _, given, out: seen.append((given[0], out)))
    with torch.inference_mode():
        logits = model(input_ids=TOKENS, use_cache=False).logits
    hook.remove()
    return *seen[0], logits


@pytest.mark.parametrize(
    ("family", "dtype"), [("llama", torch.float16), *((family, torch.bfloat16) for family in CONFIGS)]
)
def test_output_layer_computes_in_float32(family: str, dtype: torch.dtype) -> None:
    model = tiny_model(family).to(dtype)
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    weights = head.weight.detach().double()
    hidden, short, _ = run(model)
    widen_head(model)
    _, wide, logits = run(model)
    exact = hidden.double() @ weights.T
    assert wide.dtype == logits.dtype == torch.float32
    assert (wide - exact).abs().max() < 1e-5 < (short - exact).abs().max() / 10
    assert embedding.weight.dtype == dtype, "a head that was tied to it has weights of its own"


@pytest.mark.parametrize(("dtype", "expected"), [("bfloat16", torch.float32), ("float32", None)])
def test_loaded_model_has_such_a_layer_in_short_formats(
    dtype: str, expected: torch.dtype | None, tmp_path: Path
) -> None:
    tiny_model("gemma").save_pretrained(tmp_path)  # its head is tied to its embedding
    model = load_model(tmp_path, dtype, [CPU])
    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    assert embedding.dtype == model.dtype == getattr(torch, dtype)
    assert head.dtype == (expected or embedding.dtype) and torch.equal(head, embedding.to(head.dtype))
    assert (head is embedding) == (expected is None)


def test_layer_on_another_device_than_the_first_computes_in_float32() -> None:
    parts = {"model.embed_tokens": "cpu", "model.layers": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu"}
    model = tiny_model("gemma2").to(torch.bfloat16)
    spread = dispatch_model(model, parts | {"lm_head": "cpu"}, main_device="cpu", force_hooks=True)
    widen_head(spread)
    assert run(spread)[2].dtype == torch.float32


def test_layer_that_is_not_plainly_linear_stays_as_it_is() -> None:
    class Quantised(nn.Linear):
        """As libraries of quantisation have it: a class of its own, whose weights are not what it computes with."""

    model = tiny_model("llama").to(torch.bfloat16)
    model.set_output_embeddings(Quantised(32, 300, bias=False, dtype=torch.bfloat16))
    widen_head(model)
    assert run(model)[2].dtype == torch.bfloat16
