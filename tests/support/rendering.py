"""Tokenizers and tables of prompts to render."""

import json

import pandas as pd
from selfalign.prompts.schemas import Prompts
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

TURNS = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SYSTEM = "Choose one.\n\nBe brief."
SHOWN = [("first one (big / small)", "big"), ("second one (big / small)", "small")]
ASKED = "third one (small / big)"
SPECIAL = ["<|end|>", "<|start|>", "<|system|>", "<|user|>", "<|assistant|>", "<|over|>"]


def byte_tokenizer(
    template: str | None = TURNS, merges: tuple[str, ...] = (), pattern: str = "", adds: str = ""
) -> PreTrainedTokenizerFast:
    """A tokenizer of single bytes and of pairs of them, written as the byte-level alphabet does (Ċ: a line break).

    Args:
        template: chat template.
        merges: pairs of bytes that are one token.
        pattern: what is cut apart before bytes are merged; empty: nothing.
        adds: `start` or `end`: the special token that the tokenizer adds to a text.
    """
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet()) + list(merges)
    vocabulary = {symbol: place for place, symbol in enumerate(symbols)}
    made = Tokenizer(models.BPE(vocabulary, [tuple(pair) for pair in merges]))
    cut = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [*cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    if adds:
        token = f"<|{adds}|>"
        single = f"{token} $A" if adds == "start" else f"$A {token}"
        made.post_processor = processors.TemplateProcessing(
            single=single, special_tokens=[(token, made.token_to_id(token))]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>", bos_token="<|start|>")
    fast.chat_template = template
    return fast


def table_of(
    shown: list[tuple[str, str]] | None = None,
    options: tuple[str, ...] = ("small", "big"),
    labels: tuple[str, ...] = (),
    system: str = SYSTEM,
) -> pd.DataFrame:
    """A prompt, and its premise."""
    premise = "f" * 16
    row = {"prompt": "0" * 16, "system": system, "shown": json.dumps(SHOWN if shown is None else shown)}
    row |= {"asked": ASKED, "cue": "Answer:", "options": json.dumps(options), "labels": json.dumps(labels)}
    row |= {"premise": premise, "demonstrations": ""}
    alone = row | {"prompt": premise, "shown": "[]", "asked": "___", "labels": "[]", "premise": ""}
    return Prompts.validate(pd.DataFrame([row, alone]))
