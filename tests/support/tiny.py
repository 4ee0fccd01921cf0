"""A tiny random model, its tokenizer, and prompts for it."""

import json

import pandas as pd
import torch
from selfalign.inference.local.engine import score
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.prompts.schemas import Prompts
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SYSTEM = "Fill in the blank the way you see it. Answer with A or B only."
POLITICS = "To me, politics means ___.\nA: a lot\nB: little"
RELIGION = "Religion plays a ___ part in my life.\nA: big\nB: small"
PRESS = "The press ___ my confidence.\nA: has\nB: lacks"
Case = tuple[list[tuple[str, str]], str]
CASES: list[Case] = [
    ([], PRESS),
    ([], POLITICS),
    ([(POLITICS, "B")], PRESS),
    ([(POLITICS, "B"), (RELIGION, "A")], PRESS),
]
"""Demonstrations, and the question that is asked."""
PREMISE = "f" * 16


def tiny_tokenizer(
    chat_template: str | None = CHAT, merges: tuple[tuple[str, str], ...] = ()
) -> PreTrainedTokenizerFast:
    """A tokenizer of single bytes, and of merges if any; needs no download."""
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(merge) for merge in merges]
    tokenizer = Tokenizer(models.BPE({symbol: place for place, symbol in enumerate(symbols)}, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.chat_template = chat_template
    return fast


SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "initializer_range": 0.5,  # so that it has opinions
}


def tiny_llama() -> LlamaForCausalLM:
    """A random Llama, always the same."""
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SIZES)).eval()


def table_of(
    cases: list[Case], options: tuple[str, ...] = ("has", "lacks it"), labels: tuple[str, ...] = ("A", "B")
) -> pd.DataFrame:
    """A table of prompts, and their premise."""
    cases = [*cases, ([], "___")]
    table = {
        "prompt": [f"{place:016x}" for place in range(len(cases))],
        "system": SYSTEM,
        "shown": [json.dumps(shown) for shown, _ in cases],
        "asked": [asked for _, asked in cases],
        "cue": "Answer:",
        "options": json.dumps(options),
        "labels": [json.dumps(labels)] * (len(cases) - 1) + ["[]"],
        "premise": [PREMISE] * (len(cases) - 1) + [""],
        "demonstrations": "",
    }
    table = pd.DataFrame(table)
    table.loc[table["premise"] == "", "prompt"] = PREMISE
    return Prompts.validate(table)


def speak(
    tokenizer: PreTrainedTokenizerBase, table: pd.DataFrame, form: str = "chat", context: int = 8192
) -> list[Rendered]:
    """Prompts as a model would get them."""
    return render(table, PromptFormat(tokenizer, form), context)


def score_all(
    model: PreTrainedModel, prompts: list[Rendered], engine: str, row_tokens: int = 512, **more
) -> list[tuple]:
    """Scores of prompts, in their order."""
    scores = {
        prompt.key: scores
        for batch in score(model, prompts, engine, row_tokens, **more)
        for prompt, scores in batch.answers
    }
    return [scores[prompt.key] for prompt in prompts if prompt.key in scores]
