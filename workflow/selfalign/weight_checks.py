"""Faults of a model's files: tensors that are missing, left over or of another shape, and unknown quantisations.

`transformers` fills missing tensors with random numbers, skips the others, and only warns. Here both are errors.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedConfig, PreTrainedModel
from transformers.quantizers import AutoHfQuantizer
from transformers.utils import logging

from selfalign.errors import InputError, listed
from selfalign.models.folder import read_headers

UNQUANTISED = "Use the unquantised weights of the model"

_UNREAD = re.compile(
    r"(^|\.)rotary_emb\.(inv_freq|cos_cached|sin_cached)$"  # computed from the configuration
    r"|(attn|attention)\.(bias|masked_bias)$"  # causal masks; biases of projections have other names
    r"|(^|\.)position_ids$"
    r"|(^|\.)mtp(_\w+)?\."  # heads that predict several tokens at once
    r"|(^|\.)(vision|visual|audio|image|multi_modal)(_\w+)?\."
)
"""Tensors that no text needs: older versions stored them, or they belong to parts that read images or sound."""

_SCALE = re.compile(r"(_scale(_inv|_2)?|\.scales?|\.biases|absmax|zeros?_?points?|qzeros|qweight|g_idx|_packed)$")
_BYTES = ("F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "I8", "U8")
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def check_weights(config: PreTrainedConfig, folder: Path, place: Path) -> tuple[PreTrainedModel, list[str]]:
    """Compare the headers of a model's files with the model that `transformers` builds from its configuration.

    The names are converted as in a real loading. No weight is read.

    Args:
        folder: of its safetensors: one set, as `choose_weights` checks.
        place: where they come from, for messages.

    Returns:
        The model on PyTorch's device `meta`, and the names of tensors that are not read because no text needs them.

    Raises:
        InputError: a tensor is missing, left over, or of another shape; the quantisation cannot be read; or
            `transformers` has no causal language model for the configuration.
        RuntimeError: the model is quantised, and this machine cannot build it: some methods need a GPU.
    """
    check_quantisation(config, folder, place)
    empty = build_empty(config, place)
    if about := getattr(config, "quantization_config", None):
        empty.config.quantization_config = about  # the text part of a model of texts and images may not repeat it
    try:
        with quiet():
            loaded: Any = type(empty).from_pretrained(  # a pair, because of output_loading_info
                None,
                config=empty.config,
                state_dict=_empty_tensors(folder, config, place),
                dtype=torch.float32,
                device_map={"": "meta"},
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                trust_remote_code=False,
            )
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, RuntimeError) and quantisation(config):
            raise
        raise cannot_load(error, place) from error
    model, report = loaded
    return model, check_report(report, config, place)


def require_decoder(config: PreTrainedConfig, place: Path) -> None:
    """Refuse a model that does not continue a text. No weights are read.

    Raises:
        InputError: the model has an encoder, such as a T5 or a BART, or fills in masks.
    """
    names = getattr(config, "architectures", None) or []
    masked = any("MaskedLM" in name for name in names)
    if config.is_encoder_decoder or masked:
        kind = "fills in masks" if masked else "is an encoder-decoder"
        raise InputError(
            place,
            f"the model ({', '.join(names) or config.model_type}) {kind}; expected a causal language model",
            "Choose a model that continues text, such as a Llama, a Qwen, a Gemma or a BLOOM",
        )


def build_empty(config: PreTrainedConfig, place: Path) -> PreTrainedModel:
    """A model with random weights of no size, on PyTorch's device `meta`.

    Raises:
        InputError: `transformers` has no causal language model for the configuration.
    """
    try:
        with torch.device("meta"):
            kind: Any = model_class(config)
            empty: PreTrainedModel = kind.from_config(config, trust_remote_code=False)
    except ValueError as error:
        raise cannot_load(error, place) from error
    return empty


def model_class(config: PreTrainedConfig) -> type[AutoModelForCausalLM] | type[AutoModelForImageTextToText]:
    """The class of `transformers` that loads a model which continues text.

    Some models read images as well and have no class for text alone, such as Mistral Small 3.2. They continue a text
    without images as other models do.
    """
    reads_images = type(config) in AutoModelForImageTextToText._model_mapping
    text_alone = type(config) in AutoModelForCausalLM._model_mapping
    return AutoModelForImageTextToText if reads_images and not text_alone else AutoModelForCausalLM


def weight_of(layer: nn.Module) -> torch.Tensor:
    """The weights of a layer: of an embedding, or of an output head."""
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    return weight


def check_quantisation(config: PreTrainedConfig, folder: Path, place: Path) -> None:
    """Refuse a quantisation that `transformers` does not know: it would skip the scales and only warn.

    Raises:
        InputError: the configuration names no method or an unknown one, or its only description is modelopt's file.
    """
    about = quantisation(config)
    if about is None:
        if (folder / "hf_quant_config.json").exists():
            raise InputError(
                place / "hf_quant_config.json",
                "the weights are quantised by modelopt, but config.json has no quantization_config, so their scales "
                "would not be read",
                UNQUANTISED,
            )
        return
    method = method_of(about)
    with quiet():
        known = method is not None and AutoHfQuantizer.supports_quant_method(dict(about))
    if not known:
        named = f'by "{method}", which transformers does not know' if method else "by an unnamed method"
        raise InputError(place / "config.json", f"the weights are quantised {named}", UNQUANTISED)


def quantisation(config: PreTrainedConfig) -> Mapping[str, object] | None:
    """What a model's configuration says about its quantisation; None if the model is not quantised."""
    found = [getattr(part, "quantization_config", None) for part in (config, config.get_text_config(decoder=True))]
    about: Any = next((part for part in found if part is not None), None)
    described: Mapping[str, object] | None = about.to_dict() if hasattr(about, "to_dict") else about
    return described


def method_of(about: Mapping[str, object]) -> str | None:
    """Name of a quantisation; models of bitsandbytes may not name it."""
    bits = about.get("load_in_4bit") or about.get("load_in_8bit")
    method = about.get("quant_method") or ("bitsandbytes" if bits else None)
    return str(getattr(method, "value", method)) if method else None


def check_report(
    report: Mapping[str, Collection[Any]], config: PreTrainedConfig, place: Path, layers: int | None = None
) -> list[str]:
    """Refuse a model of which a tensor is missing, left over, or of another shape.

    Args:
        report: from `transformers`, by `output_loading_info`.
        place: of the weights, for messages.
        layers: how many layers were wanted, from the first on; None: all. Tensors of the others are left over.

    Returns:
        Names of tensors that are not read because no text needs them.

    Raises:
        InputError: names the tensors.
    """
    extra = sorted(report["unexpected_keys"])
    unread = [name for name in extra if _UNREAD.search(name) or _beyond(name, config, layers)]
    extra = [name for name in extra if name not in unread]
    if report["mismatched_keys"]:
        raise _refuse_shapes(report["mismatched_keys"], place)
    if missing := sorted(report["missing_keys"]):
        left = f"; it has {_listed(extra)}, which the model does not have" if extra else ""
        raise InputError(place, f"the model lacks {_listed(missing)}{left}", _remedy(extra))
    if extra:
        raise InputError(place, f"the model does not read {_listed(extra)}", _remedy(extra))
    return unread


def check_encoder_weights(report: Mapping[str, Collection[Any]], model: PreTrainedModel, place: Path) -> None:
    """Refuse an encoder whose last hidden states depend on a tensor that is missing, left over, or of another shape.

    Heads on top of the encoder are not computed: they may be left over, and the pooler may be missing.

    Args:
        report: from `transformers`, by `output_loading_info`.
        place: of the weights, for messages.

    Raises:
        InputError: names the tensors.
    """
    modules = {name for name, _ in model.named_modules() if name}
    needed = {key for key in report["missing_keys"] if not re.search(r"(^|\.)pooler\.", key)}
    left = {key for key in report["unexpected_keys"] if key.rpartition(".")[0] in modules}
    check_report({**report, "missing_keys": needed, "unexpected_keys": left}, model.config, place)


def _beyond(name: str, config: PreTrainedConfig, layers: int | None) -> bool:
    """Whether a tensor belongs to a layer that was not wanted, or to one that only predicts tokens in advance."""
    number = re.search(r"\.(\d+)\.", name)
    if number is None:
        return False
    text = config.get_text_config()
    count = getattr(text, "num_hidden_layers", None)
    advance = getattr(text, "num_nextn_predict_layers", None) or 0
    layer = int(number[1])
    return (layers is not None and layer >= layers) or (count is not None and count <= layer < count + advance)


def _refuse_shapes(mismatched: Collection[tuple[str, torch.Size, torch.Size]], place: Path) -> InputError:
    shapes = [
        f"{name} ({' x '.join(map(str, got))}, by config.json {' x '.join(map(str, expected))})"
        for name, got, expected in sorted(mismatched, key=lambda row: row[0])
    ]
    return InputError(
        place,
        f"the shapes of {_listed(shapes)} differ from config.json",
        "Give the config.json that belongs to these weights",
    )


def _remedy(extra: list[str]) -> str:
    if any(name.startswith("base_model.model.") for name in extra):
        return "Merge the adapter into its base (merge_and_unload), and save that model with save_pretrained"
    if any(_SCALE.search(name) for name in extra):
        return f"These are scales of quantised weights. {UNQUANTISED}"
    return "Fetch the model again, or save it again with save_pretrained, so that files and config.json agree"


def cannot_load(error: Exception, place: Path) -> InputError:
    """The error that `transformers` cannot load a model, in words."""
    reason = " ".join(str(error).split()) or "no reason given"
    if isinstance(error, ValueError) and reason.startswith("Unrecognized configuration class"):
        first = reason.partition(". Model type should be")[0]
        return InputError(place, f"is not a causal language model ({first})", "Choose a model that continues text")
    reason = f"{type(error).__name__}: {reason[:300].rstrip('.')}"
    if isinstance(error, ImportError):
        remedy = f"{UNQUANTISED}, or install the library that the message names"
        return InputError(place, f"needs a library that is not installed ({reason})", remedy)
    return InputError(
        place, f"cannot be loaded ({reason})", "Fetch the model again, or choose a model that transformers can load"
    )


def _empty_tensors(folder: Path, config: PreTrainedConfig, place: Path) -> dict[str, torch.Tensor]:
    """Tensors without content, with the names, shapes and number formats of a model's files."""
    tensors = {}
    for name, (shape, kind) in read_headers(folder).items():
        if kind in _BYTES and name.endswith("weight") and quantisation(config) is None:
            problem = f"{name} has the number format {kind}, but config.json has no quantization_config"
            raise InputError(place, problem, UNQUANTISED)
        dtype = _DTYPES.get(kind, torch.float32)  # only the shape counts
        tensors[name] = torch.empty(shape, dtype=dtype, device="meta")
    return tensors


def _listed(names: list[str]) -> str:
    return f"{len(names)} tensor{'s' * (len(names) > 1)}: {listed(names, 3)}"


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, `transformers` logs errors only."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
