"""Step `convert_model`: a model's weights as safetensors, with its tokenizer, and a card that identifies them."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, TypedDict

import click
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.integrations.mistral import convert_tekken_tokenizer
from transformers.integrations.mistral.constants import TEKKEN_VOCAB_FILE
from transformers.utils import logging

from selfalign.digests import digest_file
from selfalign.errors import InputError
from selfalign.models.fetch_model import made_aside
from selfalign.models.folder import is_wanted, read_headers
from selfalign.models.tokenizer_files import load_exact_tokenizer
from selfalign.warmup import warm_up
from selfalign.weight_checks import build_empty, check_report, check_weights, require_decoder, weight_of

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
_TOKENIZERS = TOKENIZER_FILES - {"tokenizer_config.json", "added_tokens.json"}


def link_weights(source: Path, folder: Path) -> None:
    """Link to the files of a model that is in safetensors already.

    The links are relative, so that a folder of results can be moved, or seen under another path in a container.

    Args:
        source: folder of the model.
        folder: folder to write to, a sibling of the one that it becomes.

    Raises:
        InputError: a file of weights is damaged, the index names one that is missing, the folder holds an adapter, or
            more or less than one set of weights.
    """
    require_one_set(source)
    origin = Path(os.path.relpath(source.resolve(), folder.resolve()))
    for path in sorted(source.iterdir()):
        if is_wanted(path.name):
            (folder / path.name).symlink_to(origin / path.name)
    read_headers(source)


def convert_tekken(source: Path, folder: Path) -> None:
    """Write a tokenizer of Mistral's own format as tokenizer.json, where a model has no other: Mistral Small 3.2.

    Args:
        source: folder of the model.
        folder: folder to write to.

    Raises:
        InputError: the file cannot be read.
    """
    file = source / TEKKEN_VOCAB_FILE
    if not file.is_file() or any((source / name).exists() for name in _TOKENIZERS):
        return
    try:
        tokenizer = convert_tekken_tokenizer(str(file))
        # As Mistral's own encoder does. In transformers, the setter does not follow its property, so mypy misses it.
        tokenizer.add_bos_token = True  # type: ignore[misc]
        tokenizer.save_pretrained(folder)
    except Exception as error:  # a damaged file fails anywhere in its parsing, with whatever that line raises
        raise InputError(
            file,
            f"cannot be read as a tokenizer of Mistral ({type(error).__name__}: {_first_line(error)})",
            "Add tokenizer.json and tokenizer_config.json from a model with the same tokenizer",
        ) from error


def require_one_set(source: Path) -> None:
    """Refuse a folder from which it is not clear which weights are loaded.

    A set of weights is a file, or an index with the files that it names. Files that are never fetched do not count:
    `consolidated*.safetensors` holds the same weights again, in the layout of their publisher.

    Raises:
        InputError: the folder holds an adapter, several sets, or one that `transformers` would not find.
    """
    names = {path.name for path in source.iterdir() if is_wanted(path.name)}
    adapters = sorted(name for name in names if name.startswith("adapter_"))
    if adapters:
        raise InputError(
            source / adapters[0],
            "belongs to an adapter, which changes another model",
            "Merge the adapter into its base (merge_and_unload), and give the folder of the merged model",
        )
    loose, sets = {name for name in names if name.endswith(".safetensors")}, []
    for index in sorted(name for name in names if name.endswith(".safetensors.index.json")):
        shards = _read_index(source / index)
        if missing := sorted(shards - loose):
            raise InputError(source / index, f"names {missing[0]}, which is not there", "Complete the model's files")
        sets.append((index, shards))
    indexed = {shard for _, shards in sets for shard in shards}
    sets += [(name, {name}) for name in sorted(loose - indexed)]
    if len(sets) > 1:
        raise InputError(
            source,
            f"holds {len(sets)} sets of weights: {', '.join(name for name, _ in sets)}; expected one",
            "Keep the files of one set in a folder of their own, and give that folder as the source",
        )
    if sets and sets[0][0] not in ("model.safetensors", "model.safetensors.index.json"):
        raise InputError(
            source / sets[0][0],
            "is not the name of a model's weights; expected model.safetensors or model.safetensors.index.json",
            "Give the folder of the model as save_pretrained wrote it",
        )


def _read_index(path: Path) -> set[str]:
    """Names of the files of a sharded set of weights."""
    try:
        return set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "is not an index of safetensors", "Fetch the model again") from error


def dequantize(gguf: Path, folder: Path) -> None:
    """Write a GGUF as safetensors in float32, with its tokenizer.

    Args:
        folder: folder to write to.

    Raises:
        InputError: the file is damaged, lacks tensors, or is of an architecture that cannot be read or used.
    """
    warm_up()
    options = LOCAL | {"gguf_file": gguf.name}
    plain = {"dtype": torch.float32, "quantization_config": GgufConfig(dequantize=True)}
    try:
        config = AutoConfig.from_pretrained(gguf.parent, **options)
        require_decoder(config, gguf)
        options["config"] = config  # otherwise each call parses it again, in seconds
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **options)
        loaded: Any = AutoModelForCausalLM.from_pretrained(  # a pair, because of output_loading_info
            gguf.parent, **options, **plain, output_loading_info=True, ignore_mismatched_sizes=True
        )
        model, report = loaded
        check_report(report, config, gguf)
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
    """Tie an output head that equals the embedding but is stored separately. A small model is then a third smaller."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or head.weight is embedding.weight or not torch.equal(weight_of(head), weight_of(embedding)):
        return
    model.config.tie_word_embeddings = True
    model.tie_weights()


def read_tokenizer(folder: Path, source: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in the folder of the weights.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    remedy = "Add tokenizer.json and tokenizer_config.json, or tokenizer.model, from the model's publisher"
    if not any((folder / name).exists() for name in _TOKENIZERS):
        raise InputError(source, "the model has no tokenizer", remedy)
    try:
        return load_exact_tokenizer(folder)
    except InputError:
        raise
    except Exception as error:  # the tokenizers library raises no narrower class
        raise InputError(source, f"the tokenizer cannot be read ({_first_line(error)})", remedy) from error


def load_config(folder: Path, source: Path) -> PreTrainedConfig:
    """The configuration in the folder of the weights.

    Raises:
        InputError: it cannot be read, needs the publisher's own code, or is not of a causal language model.
    """
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(folder, **LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            source / "config.json",
            f"cannot be read ({_first_line(error)})",
            "Choose a model whose architecture transformers knows; code that comes with a model is never run",
        ) from error
    require_decoder(config, source)
    return config


def build_checked(config: PreTrainedConfig, folder: Path, source: Path) -> PreTrainedModel:
    """The model on PyTorch's device `meta`, if the files in its folder hold exactly its tensors; no weight is read.

    Raises:
        InputError: they do not, or `transformers` has no causal language model for the configuration.
    """
    try:
        model, unread = check_weights(config, folder, source)
    except RuntimeError as error:  # a quantiser that needs a GPU, which the machine of the inference may have
        reason = _first_line(error).rstrip(".")
        click.echo(f"{source}: the tensors are compared when the model is loaded, not now ({reason})", err=True)
        return build_empty(config, source)
    if unread:
        click.echo(f"{source}: {len(unread)} tensors are not read, since no text needs them: {unread[0]} ...", err=True)
    return model


def require_known_tokens(tokenizer: PreTrainedTokenizerBase, rows: int, source: Path) -> None:
    """Refuse a tokenizer that gives the model a token for which it has no embedding.

    Special tokens beyond the embedding are allowed if no prompt needs them: the tokenizer of Gemma 3 has one for
    images. `infer` refuses a prompt that has one nevertheless.

    Args:
        rows: number of the model's embeddings.
        source: where both come from, for messages.

    Raises:
        InputError: names the first such token.
    """
    special = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    template = json.dumps(tokenizer.chat_template or "", ensure_ascii=False)
    needed = {token for token in special if token in template} | {tokenizer.bos_token, tokenizer.eos_token}
    beyond = [
        (number, token)
        for token, number in tokenizer.get_vocab().items()
        if number >= rows and (token not in special or token in needed)
    ]
    if beyond:
        number, token = min(beyond)
        raise InputError(
            source,
            f"the tokenizer has {len(beyond)} tokens for which the model has no embedding: the first is {token!r} with "
            f"the number {number}, and the model has {rows} embeddings",
            "Give the tokenizer that belongs to these weights",
        )


def digest_files(paths: list[Path]) -> str:
    """SHA-256 over the names and digests of files, in the order of their names."""
    lines = [f"{path.name} {digest_file(path)}\n" for path in sorted(paths)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Card(TypedDict):
    """What a model's answers depend on."""

    model: str
    format: str
    weights_sha256: str
    config_sha256: str
    tokenizer_sha256: str
    chat_template_sha256: str | None
    parameters: int
    context_length: int | None
    architecture: str


def make_card(model: str, folder: Path, source: Path) -> Card:
    """The card of a model: everything that distinguishes its answers from those of another model.

    Args:
        model: the model's name in the configuration.
        folder: folder of its safetensors.
        source: where they come from, for messages.

    Returns:
        Name, format, digests of weights, configuration, tokenizer and chat template, parameters, context, architecture.

    Raises:
        InputError: the configuration, the weights or the tokenizer cannot be used, or do not belong together.
    """
    config = load_config(folder, source)
    tokenizer = read_tokenizer(folder, source)
    empty = build_checked(config, folder, source)
    require_known_tokens(tokenizer, weight_of(empty.get_input_embeddings()).shape[0], source)
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = json.dumps(template, sort_keys=True)
    return {
        "model": model,
        "format": "safetensors",
        "weights_sha256": digest_files(list(folder.glob("*.safetensors"))),
        "config_sha256": digest_files([folder / "config.json"]),
        "tokenizer_sha256": digest_files([path for path in folder.iterdir() if path.name in TOKENIZER_FILES]),
        "chat_template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else None,
        "parameters": empty.num_parameters(),
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
            convert_tekken(source, folder)
        elif len(ggufs) == 1:
            dequantize(ggufs[0], folder)
        else:
            raise InputError(
                source,
                f"holds no safetensors, and {len(ggufs)} GGUF files; expected safetensors or one GGUF",
                "Fetch the model again; a GGUF in several files must be merged first",
            )
        facts = make_card(model, folder, source)
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
    """Convert a model's weights to safetensors, and write the card that identifies them."""
    logging.disable_progress_bar()
    convert(model, source, output, card)
