"""Pages of prompts as SmolLM2 reads them."""

import random
import sys
from pathlib import Path

import pytest
from places import ROOT
from rendering import byte_tokenizer, table_of
from selfalign.inference.local.render import PromptFormat, _Reader, render
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast


def piece_tokenizer(kind: type, pieces: list) -> PreTrainedTokenizerFast:
    """A tokenizer that writes a space before every text and ▁ for each space, as those made by SentencePiece do.

    Args:
        kind: of its model, BPE or Unigram.
        pieces: merges of BPE; pieces of Unigram, longer ones are likelier.
    """
    letters = [*sorted({chr(code) for code in range(33, 127)} | set("\n▁é大"))]
    if kind is models.BPE:
        names = ["<unk>", *letters, *("".join(pair) for pair in pieces)]
        model = models.BPE({name: place for place, name in enumerate(names)}, pieces, unk_token="<unk>")
    else:
        model = models.Unigram([("<unk>", -20.0), *((one, -9.0 + len(one)) for one in letters + pieces)], 0, False)
    made = Tokenizer(model)
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Replace("▁", " ")
    made.add_special_tokens([AddedToken("<|end|>", special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>")


@pytest.mark.parametrize("kind", ["bytes", "blank line", "space before a text", "pieces", "default"])
def test_short_end_of_a_bare_text_gives_the_tokens_of_the_whole(
    kind: str, smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizers = {
        "bytes": lambda: byte_tokenizer(None, ("Ġs", "al", "Ċt", "e.")),
        "blank line": lambda: byte_tokenizer(None, ("ĊĊ", ".Ċ", ":Ġ"), r"\s+(?!\S)|\s+"),
        "space before a text": lambda: piece_tokenizer(models.BPE, [("▁", "s"), ("l", "l"), ("▁", "▁")]),
        "pieces": lambda: piece_tokenizer(models.Unigram, ["▁s", "▁sm", "mall", "all", "ird", "\n\n"]),
        "default": lambda: AutoTokenizer.from_pretrained(smollm2, local_files_only=True),
    }
    draw = random.Random(4)

    def some() -> str:
        parts = draw.choices(["small", "third", " ", "\n", ". ", "é", "大", "7", ": ", "s", "'s", "\n\n", "!\n"], k=8)
        return "".join([draw.choice("smTé大"), draw.choice([" ", "s"]), *parts, draw.choice("stl.?")])

    tables = [table_of([(some(), "big")] * (n % 3)).assign(asked=[some(), "___"]) for n in range(20)]
    prompt_format = PromptFormat(tokenizers[kind](), "plain")
    short = [render(table, prompt_format, None) for table in tables]
    starts: list[str | None] = []
    cut = _Reader._cut_tail
    monkeypatch.setattr(_Reader, "_cut_tail", lambda *given: starts.append(cut(*given)))
    assert [render(table, prompt_format, None) for table in tables] == short
    texts = [prompt.text for prompts in short for prompt in prompts if prompt.prompt != "f" * 16]
    shortened = [start for start, text in zip(starts[::2], texts, strict=True) if start and len(start) < len(text) / 2]
    assert len(shortened) > 10  # or else the whole was compared with itself


def test_page_of_readings_shows_what_the_code_does(smollm2: Path) -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    from readings import MARK, PAGE, write_examples

    _, _, shown = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert shown == "\n" + write_examples(AutoTokenizer.from_pretrained(smollm2))
