"""Models that transformers would load wrongly, with a warning only, are refused before and while they are loaded."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from families import CONFIGS, tiny_model
from safetensors.torch import load_file, save_file
from selfalign.errors import InputError
from selfalign.inference.local.devices import load_model
from selfalign.models.convert_model import convert
from selfalign.weight_checks import check_weights
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

Tensors = dict[str, torch.Tensor]
CPU = torch.device("cpu")
PLACE = Path("weights")


def tiny_tokenizer(words: int, special: str | None = None, template: str | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer of numbered words, with one special token more, if any."""
    tokenizer = Tokenizer(models.WordLevel({f"w{number}": number for number in range(words)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0", eos_token="w1")
    if special:
        made.add_special_tokens({"additional_special_tokens": [special]})
    made.chat_template = template
    return made


def saved(folder: Path, family: str = "llama") -> Path:
    """Folder of a tiny model with its tokenizer."""
    tiny_model(family).save_pretrained(folder)
    tiny_tokenizer(300).save_pretrained(folder)
    return folder


def change_weights(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Write other tensors into the file of a model's weights."""
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def change_config(folder: Path, **keys: object) -> None:
    """Set keys of a model's config.json."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


def without(part: str) -> Callable[[Path], None]:
    """A fault: no tensor whose name has this part."""
    return lambda folder: change_weights(folder, lambda t: {k: v for k, v in t.items() if part not in k})


def with_scales(folder: Path) -> None:
    """A fault: scales of quantised weights beside weights that look as others."""
    more = {"model.layers.0.mlp.up_proj.weight_scale": torch.ones(1)}
    change_weights(folder, lambda tensors: tensors | more)


def in_eight_bits(folder: Path) -> None:
    """A fault: weights of 8 bits, and no word on how they are scaled."""
    change_weights(
        folder, lambda t: {k: v.to(torch.float8_e4m3fn) if k.endswith("proj.weight") else v for k, v in t.items()}
    )


def renamed(prefix: str) -> Callable[[Path], None]:
    """A fault: a prefix before all names."""
    return lambda folder: change_weights(folder, lambda t: {prefix + k: v for k, v in t.items()})


def quantised(**about: object) -> Callable[[Path], None]:
    """A fault: a quantisation in config.json."""
    return lambda folder: change_config(folder, quantization_config=about)


FAULTS = {
    "head": (without("lm_head"), r"lacks 1 tensor: lm_head\.weight\. "),
    "layer": (without(".layers.1."), r"lacks 9 tensors: model\.layers\.1\.input_layernorm\.weight, .* and 6 more"),
    "prefix": (renamed("base_model.model."), r"it has 30 tensors: base_model\.model\.lm_head.*Merge the adapter"),
    "scales": (with_scales, r"does not read 1 tensor: model\.layers\.0\.mlp\.up_proj\.weight_scale.*unquantised"),
    "shape": (
        lambda folder: change_config(folder, vocab_size=320),
        r"lm_head\.weight \(300 x 32, by config\.json 320 x 32\), model\.embed_tokens\.weight",
    ),
    "modelopt": (quantised(quant_method="modelopt", quant_algo="FP8"), 'quantised by "modelopt", which transformers'),
    "unnamed": (quantised(bits=4, group_size=64), "by an unnamed method. Use the unquantised weights"),
    "bitsandbytes": (quantised(quant_method="bitsandbytes", load_in_4bit=True), "not installed .*bitsandbytes"),
    "gptq": (quantised(quant_method="gptq", bits=4, group_size=128), "not installed .*optimum"),
    "awq": (quantised(quant_method="awq", bits=4, group_size=128, version="gemm"), "not installed .*gptqmodel"),
    "compressed": (
        quantised(quant_method="compressed-tensors", format="float-quantized"),
        "not installed .*compressed",
    ),
    "hf_quant_config": (
        lambda folder: (folder / "hf_quant_config.json").write_text("{}"),
        r"hf_quant_config\.json: the weights are quantised by modelopt",
    ),
}
"""By name: what is wrong with a model's folder, and what the user reads."""


@pytest.mark.parametrize("fault", FAULTS)
def test_model_that_would_be_loaded_wrongly_is_refused_twice(fault: str, tmp_path: Path) -> None:
    spoil, told = FAULTS[fault]
    folder = saved(tmp_path / "source")
    spoil(folder)
    with pytest.raises(InputError, match=told):
        convert("m", folder, tmp_path / "out", tmp_path / "card")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=told):
        load_model(folder, "float32", [CPU])


def rename(old: str, new: str) -> Callable[[Path], None]:
    """A fault: a file under another name."""
    return lambda folder: (folder / old).rename(folder / new)


def copied(folder: Path, shard: str = "model-00001-of-00001.safetensors") -> None:
    """A fault: the same weights again, with an index."""
    (folder / shard).write_bytes((folder / "model.safetensors").read_bytes())
    names = dict.fromkeys(load_file(folder / shard), shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (in_eight_bits, "has the number format F8_E4M3, but config.json has no quantization_config"),
        (rename("model.safetensors", "adapter_model.safetensors"), "adapter_model.safetensors: belongs to an adapter"),
        (
            lambda folder: (folder / "adapter_config.json").write_text("{}"),
            "adapter_config.json: belongs to an adapter",
        ),
        (copied, "holds 2 sets of weights: model.safetensors.index.json, model.safetensors; expected one"),
        (
            lambda folder: (folder / "model.fp16.safetensors").write_bytes(b"x"),
            "holds 2 sets of weights: model.fp16.safetensors, model.safetensors; expected one",
        ),
        (
            rename("model.safetensors", "weights.safetensors"),
            "weights.safetensors: is not the name of a model's weights",
        ),
        (lambda folder: (folder / "model.safetensors.index.json").write_text("[]"), "is not an index of safetensors"),
    ],
    ids=["eight bits", "adapter", "adapter beside", "two sets", "variant", "name", "index"],
)
def test_folder_without_one_set_of_weights_is_refused(spoil: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "source")
    spoil(folder)
    with pytest.raises(InputError, match=told):
        convert("m", folder, tmp_path / "out", tmp_path / "card")


def test_second_copy_in_the_publishers_layout_is_left_out(tmp_path: Path) -> None:
    folder = saved(tmp_path / "source")
    (folder / "consolidated.safetensors").write_bytes(b"not read")
    copied(folder)
    (folder / "model.safetensors").unlink()
    convert("m", folder, tmp_path / "out", tmp_path / "card")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.safetensors*")) == [
        "model-00001-of-00001.safetensors",
        "model.safetensors.index.json",
    ]


@pytest.mark.parametrize("family", CONFIGS)
def test_files_of_every_family_agree_with_its_model(family: str, tmp_path: Path) -> None:
    model = tiny_model(family)
    model.save_pretrained(tmp_path)
    empty, unread = check_weights(AutoConfig.from_pretrained(tmp_path), tmp_path, PLACE)
    assert unread == []
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    assert empty.num_parameters() == model.num_parameters()


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe"])
def test_expert_that_is_missing_is_refused(family: str, tmp_path: Path) -> None:
    tiny_model(family).save_pretrained(tmp_path)
    without(".layers.1.mlp.experts.2." if family == "qwen3_moe" else ".layers.1.block_sparse_moe.experts.2.")(tmp_path)
    with pytest.raises(InputError, match=r"layers\.1\.mlp\.experts"):
        check_weights(AutoConfig.from_pretrained(tmp_path), tmp_path, PLACE)


UNREAD = {
    "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4),
    "model.layers.0.self_attn.masked_bias": torch.ones(()),
    "vision_tower.encoder.layers.0.weight": torch.ones(2, 2),
    "mtp.layers.0.weight": torch.ones(2, 2),
}


def test_tensors_that_no_text_needs_are_counted_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path / "source")
    change_weights(folder, lambda tensors: tensors | UNREAD)
    convert("m", folder, tmp_path / "out", tmp_path / "card")
    assert f"{len(UNREAD) - 1} tensors are not read" in capsys.readouterr().err  # transformers drops inv_freq itself
    load_model(tmp_path / "out", "float32", [CPU])


def test_tied_head_may_be_left_out(tmp_path: Path) -> None:
    folder = saved(tmp_path / "source", "gemma")
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    convert("m", folder, tmp_path / "out", tmp_path / "card")


@pytest.mark.parametrize(
    ("words", "special", "template", "told"),
    [
        (300, None, None, None),
        (305, None, None, "has 5 tokens for which .* the first is 'w300' with the number 300, .* 300 embeddings"),
        (300, "<image>", "{{ messages }}", None),
        (300, "<turn>", "<turn>{{ messages }}", "has 1 tokens for which .* the first is '<turn>'"),
    ],
)
def test_tokens_of_a_tokenizer_must_have_embeddings(
    words: int, special: str | None, template: str | None, told: str | None, tmp_path: Path
) -> None:
    folder = saved(tmp_path / "source")
    tiny_tokenizer(words, special, template).save_pretrained(folder)
    if told is None:
        convert("m", folder, tmp_path / "out", tmp_path / "card")
    else:
        with pytest.raises(InputError, match=told):
            convert("m", folder, tmp_path / "out", tmp_path / "card")


def write_tekken(folder: Path) -> None:
    """Replace the tokenizer of a folder by a tiny one in Mistral's own format."""
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    pieces = [bytes([number]) for number in range(256)] + [b"\n\n"]
    vocab = [{"rank": rank, "token_bytes": b64encode(piece).decode()} for rank, piece in enumerate(pieces)]
    size = {"default_vocab_size": len(special) + len(vocab), "default_num_special_tokens": len(special)}
    config = {"pattern": r"\p{L}+|\p{N}|\s+|.", "num_vocab_tokens": len(vocab), "version": "v11"} | size
    control = [{"rank": rank, "token_str": token, "is_control": True} for rank, token in enumerate(special)]
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    content = {"config": config, "vocab": vocab, "special_tokens": control}
    (folder / "tekken.json").write_text(json.dumps(content))


@pytest.mark.slow
def test_model_of_images_with_mistrals_own_tokenizer_is_used_for_text(tmp_path: Path) -> None:
    folder = saved(tmp_path / "source", "mistral3")
    write_tekken(folder)
    convert("tiny", folder, tmp_path / "weights", tmp_path / "model.json")
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["architecture"] == "Mistral3ForConditionalGeneration" and card["tokenizer_sha256"]
    model = load_model(tmp_path / "weights", "float32", [CPU])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "weights")
    ids = tokenizer("[INST]a b[/INST]", return_tensors="pt").input_ids
    assert ids.tolist() == [[1, 3, 5 + ord("a"), 5 + ord(" "), 5 + ord("b"), 4]]
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<s>", "</s>")
    expected = tiny_model("mistral3")(input_ids=ids).logits
    assert torch.equal(model(input_ids=ids).logits, expected)


def test_damaged_tokenizer_of_mistral_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "source", "mistral3")
    write_tekken(folder)
    (folder / "tekken.json").write_text('{"config": {}}')
    with pytest.raises(
        InputError, match=r"tekken.json: cannot be read as a tokenizer of Mistral \(.+Add tokenizer.json"
    ):
        convert("tiny", folder, tmp_path / "weights", tmp_path / "model.json")
    assert not (tmp_path / "weights").exists()
