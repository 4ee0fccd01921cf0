"""The tokenizer of a model is the one in its file, whatever class its settings declare."""

import json
from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.models import tokenizer_files
from selfalign.models.tokenizer_files import SAMPLES, find_differing, load_exact_tokenizer
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
DIGITS = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"), BYTES])
WORDS = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def write(folder: Path, cut: pre_tokenizers.PreTokenizer, declared: str = "GPT2TokenizerFast") -> Tokenizer:
    """Write a tokenizer of bytes that cuts texts in a way of its own, and declare a class for it."""
    exact = Tokenizer(models.BPE())
    exact.pre_tokenizer = cut
    exact.decoder = decoders.ByteLevel()
    exact.add_special_tokens(["<|end|>"])
    kind = {"special_tokens": ["<|end|>"], "initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}
    exact.train_from_iterator([*SAMPLES, "12 12 12 2024 2024"] * 3, trainers.BpeTrainer(vocab_size=420, **kind))
    exact.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": declared, "eos_token": "<|end|>", "chat_template": "{{ messages[0]['content'] }}"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    return exact


def tokens(tokenizer: object, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False).input_ids  # type: ignore[operator]


def test_class_that_cuts_otherwise_than_the_file_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = write(tmp_path, DIGITS)
    declared = AutoTokenizer.from_pretrained(tmp_path)
    assert find_differing(declared, exact), "otherwise this test shows nothing"
    loaded = load_exact_tokenizer(tmp_path)
    for text in ("2024", "63 of 100", "a.\n\nb", *SAMPLES):
        assert tokens(loaded, text) == exact.encode(text, add_special_tokens=False).ids
    assert (loaded.eos_token, loaded.chat_template) == (declared.eos_token, declared.chat_template)
    said = capsys.readouterr().err
    assert f"tokenizer.json: GPT2Tokenizer cuts {len(find_differing(declared, exact))} of 19 samples otherwise" in said


def test_class_that_cuts_as_the_file_does_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, DIGITS, "PreTrainedTokenizerFast")
    assert type(load_exact_tokenizer(tmp_path)) is type(AutoTokenizer.from_pretrained(tmp_path))
    assert capsys.readouterr().err == ""


def test_tokenizer_that_differs_from_its_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, DIGITS)
    monkeypatch.setattr(tokenizer_files, "PreTrainedTokenizerFast", AutoTokenizer)
    with pytest.raises(InputError, match=r"tokenizer.json, value .+does not read this tokenizer as the"):
        load_exact_tokenizer(tmp_path)


def test_folder_without_the_file_keeps_what_transformers_builds(tmp_path: Path) -> None:
    exact = write(tmp_path, WORDS)
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary["vocab"]))
    (tmp_path / "merges.txt").write_text("\n".join(" ".join(pair) for pair in vocabulary["merges"]))
    (tmp_path / "tokenizer.json").unlink()
    loaded = load_exact_tokenizer(tmp_path)
    assert tokens(loaded, "very important") == exact.encode("very important", add_special_tokens=False).ids
