"""The tokenizer of a model, as its file `tokenizer.json` says.

For many models `transformers` builds the tokenizer from the class that `tokenizer_config.json` declares. It then takes
only the vocabulary from `tokenizer.json`, and not how the file cuts and changes a text before. If the class does
otherwise, the model reads tokens that it never met in training.
"""

from pathlib import Path

import click
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from selfalign.errors import InputError

SAMPLES = (
    "Of 100 people, 63 don't agree; I'LL see on 2024-07-26 (12345 cases).",
    "Question: ___?\n\nAnswer:  very\timportant.\n\n\nB",
    "A.\nB",
    "x\r\n y   z",
    "fiancé, fiance\u0301, ﬁne, Ａ％",
    "Güvenilmez İstanbul ılık",
    "Η οικογένεια είναι πολύ σημαντική.",
    "Семья очень важна, съёмка.",
    "الأسرة مهمة جداً؟",
    "خانواده می‌خواهد",
    "家庭很重要。\n\n问题",
    "家族はとても大切です。",
    "가족은 중요합니다.",
    "পরিবার গুরুত্বপূর্ণ ১২৩",
    "परिवार महत्वपूर्ण है।",
    "ครอบครัวสำคัญมาก",
    "Gia đình rất quan trọng",
    "👩‍👩‍👧 ½ ² …",
)
"""Texts that tokenizers cut differently: digits, apostrophes, line breaks, composed letters, scripts."""


def load_exact_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in a local folder.

    If `transformers` cuts a sample otherwise than `tokenizer.json` does, the file itself is loaded, and a line on
    stderr says so. Without this file, the tokenizer is the one that `transformers` builds.

    Args:
        folder: of the model.

    Raises:
        InputError: the file itself, loaded by `transformers`, cuts a sample otherwise too.
    """
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    file = folder / "tokenizer.json"
    if not file.is_file():
        return tokenizer
    exact = Tokenizer.from_file(str(file))
    differing = find_differing(tokenizer, exact)
    if not differing:
        return tokenizer
    plain: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    if still := find_differing(plain, exact):
        problem = "transformers does not read this tokenizer as the file says"
        raise InputError(file, problem, "Use a model with another tokenizer, or another release of it", value=still[0])
    click.echo(
        f"{file}: {type(tokenizer).__name__} cuts {len(differing)} of {len(SAMPLES) + 1} samples otherwise than this "
        "file, so the tokenizer is loaded from the file alone",
        err=True,
    )
    return plain


def find_differing(tokenizer: PreTrainedTokenizerBase, exact: Tokenizer) -> list[str]:
    """The samples of which a tokenizer makes other tokens than the one in a file does.

    Args:
        tokenizer: as `transformers` loads it.
        exact: as its file says.
    """
    special = tokenizer.eos_token or tokenizer.bos_token or ""
    samples = [*SAMPLES, f"A{special}B\n{special}\nC"]  # text after a special token may lose or gain a space
    return [one for one in samples if _tokens(tokenizer, one) != exact.encode(one, add_special_tokens=False).ids]


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    tokens: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return tokens
