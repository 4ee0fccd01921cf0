"""Step `convert_model`: a model's weights as safetensors, with its tokenizer, and a card that says which they are."""

import hashlib
import json
import os
from pathlib import Path

import click
import torch
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from selfalign.errors import InputError
from selfalign.hub import file_digest
from selfalign.models.fetch_model import is_wanted, made_aside

LOCAL = {"local_files_only": True, "trust_remote_code": False}
TOKENIZER_FILES = {
    "added_tokens.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
}


def link_weights(source: Path, folder: Path) -> None:
    """Link to the files of a model that is in safetensors already.

    The links are relative, so that a folder of results can be moved, or seen under another path in a container.

    Args:
        source: folder of the model.
        folder: folder to write to, a sibling of the one that it becomes.

    Raises:
        InputError: a file of weights is damaged, or the index names one that is missing.
    """
    origin = Path(os.path.relpath(source.resolve(), folder.resolve()))
    for path in sorted(source.iterdir()):
        if is_wanted(path.name):
            (folder / path.name).symlink_to(origin / path.name)
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(source / path.name, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise InputError(
                source / path.name, f"cannot be read as safetensors ({error})", "Fetch the model again"
            ) from error
    for index in folder.glob("*.safetensors.index.json"):
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if missing := sorted(shard for shard in shards if not (source / shard).exists()):
            raise InputError(
                source / index.name, f"names {missing[0]}, which is not there", "Complete the model's files"
            )


def dequantize(gguf: Path, folder: Path) -> None:
    """Write a GGUF as safetensors in float32, with its tokenizer.

    Args:
        gguf: the file.
        folder: folder to write to.

    Raises:
        InputError: the file is damaged, or of an architecture that cannot be read or used.
    """
    options = LOCAL | {"gguf_file": gguf.name}
    plain = {"dtype": torch.float32, "quantization_config": GgufConfig(dequantize=True)}
    try:
        config = AutoConfig.from_pretrained(gguf.parent, **options)
        require_decoder(config, gguf)
        options["config"] = config  # or else it is parsed anew each time, in seconds
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **options)
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, **options, **plain)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged file fails anywhere in its parsing, with whatever that line raises
        raise InputError(
            gguf,
            f"cannot be read as a GGUF ({type(error).__name__}: {_first_line(error)})",
            "Fetch the model again; if it fails as before, give it as safetensors",
        ) from error
    tie_head(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def tie_head(model: PreTrainedModel) -> None:
    """Tie an output head that equals the embedding but is stored apart: a small model is then a third smaller."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or head.weight is embedding.weight or not torch.equal(head.weight, embedding.weight):
        return
    model.config.tie_word_embeddings = True
    model.tie_weights()


def require_decoder(config: PreTrainedConfig, place: Path) -> None:
    """Refuse a model that does not continue a text.

    Raises:
        InputError: the model has an encoder, or fills in masks.
    """
    names = getattr(config, "architectures", None) or []
    masked = any("MaskedLM" in name for name in names)
    if config.is_encoder_decoder or masked:
        kind = "fills in masks" if masked else "is an encoder-decoder"
        raise InputError(
            place,
            f"the model ({', '.join(names) or config.model_type}) {kind}; expected a causal language model",
            "Choose a model that continues text, such as a Llama, a Qwen or a Gemma",
        )


def load_tokenizer(folder: Path, source: Path) -> PreTrainedTokenizerBase:
    """The tokenizer beside the weights.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    remedy = "Add tokenizer.json and tokenizer_config.json, or tokenizer.model, from the model's publisher"
    if not any((folder / name).exists() for name in TOKENIZER_FILES - {"tokenizer_config.json", "added_tokens.json"}):
        raise InputError(source, "the model has no tokenizer", remedy)
    try:
        return AutoTokenizer.from_pretrained(folder, **LOCAL)
    except Exception as error:  # the tokenizers library raises no narrower class
        raise InputError(source, f"the tokenizer cannot be read ({_first_line(error)})", remedy) from error


def load_config(folder: Path, source: Path) -> PreTrainedConfig:
    """The configuration beside the weights.

    Raises:
        InputError: it cannot be read, needs the publisher's own code, or is not of a causal language model.
    """
    try:
        config = AutoConfig.from_pretrained(folder, **LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            source / "config.json",
            f"cannot be read ({_first_line(error)})",
            "Choose a model whose architecture transformers knows; code that comes with a model is never run",
        ) from error
    require_decoder(config, source)
    return config


def count_parameters(config: PreTrainedConfig, source: Path) -> int:
    """Number of parameters, tied ones counted once; no weight is read.

    Raises:
        InputError: transformers has no causal language model for the configuration.
    """
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False).num_parameters()
    except ValueError as error:
        raise InputError(
            source, f"is not a causal language model ({_first_line(error)})", "Choose a model that continues text"
        ) from error


def digest_files(paths: list[Path]) -> str:
    """SHA-256 over the names and digests of files, in the order of their names."""
    lines = [f"{path.name} {file_digest(path)}\n" for path in sorted(paths)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def describe(model: str, folder: Path, source: Path) -> dict[str, str | int | None]:
    """The card of a model: what its answers depend on, so that they can be told from another model's.

    Args:
        model: the model's name in the configuration.
        folder: folder of its safetensors.
        source: where they come from, for messages.

    Returns:
        Name, format, digests of weights, configuration, tokenizer and chat template, parameters, context, architecture.

    Raises:
        InputError: the configuration or the tokenizer cannot be used.
    """
    config = load_config(folder, source)
    template = load_tokenizer(folder, source).chat_template
    if isinstance(template, dict):
        template = json.dumps(template, sort_keys=True)
    return {
        "model": model,
        "format": "safetensors",
        "weights_sha256": digest_files(list(folder.glob("*.safetensors"))),
        "config_sha256": digest_files([folder / "config.json"]),
        "tokenizer_sha256": digest_files([path for path in folder.iterdir() if path.name in TOKENIZER_FILES]),
        "chat_template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else None,
        "parameters": count_parameters(config, source),
        "context_length": getattr(config.get_text_config(), "max_position_embeddings", None),
        "architecture": (config.architectures or [config.model_type])[0],
    }


def convert(model: str, source: Path, output: Path, card: Path) -> None:
    """Make the folder of a model's weights, and its card, whole or not at all.

    Args:
        model: the model's name in the configuration.
        source: folder with safetensors, or with one GGUF.
        output: folder to make; what is there is replaced.
        card: JSON file to write.

    Raises:
        InputError: the source holds no model, or one that cannot be used.
    """
    ggufs = sorted(source.glob("*.gguf"))
    with made_aside(output) as folder, made_aside(card) as written:
        folder.mkdir()
        if any(source.glob("*.safetensors")):
            link_weights(source, folder)
        elif len(ggufs) == 1:
            dequantize(ggufs[0], folder)
        else:
            raise InputError(
                source,
                f"holds no safetensors, and {len(ggufs)} GGUF files; expected the one or the other",
                "Fetch the model again; a GGUF in several files must be merged first",
            )
        facts = describe(model, folder, source)
        written.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    click.echo(f"{model}: {facts['architecture']}, {facts['parameters']:,} parameters, {facts['weights_sha256'][:16]}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@click.command("convert-model")
@click.option("--model", required=True, help="Name of the model in the configuration.")
@click.option("--source", required=True, type=click.Path(path_type=Path, exists=True), help="Folder that was fetched.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder of the weights, to make.")
@click.option("--card", required=True, type=click.Path(path_type=Path), help="JSON file to write.")
def command(model: str, source: Path, output: Path, card: Path) -> None:
    """Bring a model's weights into safetensors, and write the card that says which they are."""
    logging.disable_progress_bar()
    convert(model, source, output, card)
