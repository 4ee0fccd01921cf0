"""Comparison of replies with options, by the letters and the case rules of the prompts' language."""

import re
import unicodedata

from selfalign.inference.thoughts import after_thought

_DOTS = str.maketrans({"I": "ı", "İ": "i"})
_GREEK = str.maketrans("", "", "\u0300\u0301\u0308\u0342")
_ROMANIAN = str.maketrans("şţ", "șț")
_RUSSIAN = str.maketrans("ё", "е")
_SERBIAN = str.maketrans(
    dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True))
    | {"љ": "lj", "њ": "nj", "џ": "dž", "ǉ": "lj", "ǌ": "nj", "ǆ": "dž"}
)
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_VOWELS = dict.fromkeys([0x0640, *range(0x064B, 0x0653), *range(0x0656, 0x0660), 0x0670])
_PERSIAN = str.maketrans("يىكە", "ییکه") | _VOWELS
_URDU = str.maketrans("يىكهةە", "ییکہۃہ") | _VOWELS

_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_SIGNS = str.maketrans("’‘ʼ´‐‑–", "''''---") | _WIDE
_OPENING = "\"'*_`¡¿"

# Capital letters that are printed alike in Cyrillic, Greek and Latin.
_LOOKS = str.maketrans("АВСЕНІЈКМОРТХΑΒΕΗΙΚΜΝΟΡΤΧ", "ABCEHIJKMOPTXABEHIKMNOPTX")


def fold(text: str, language: str = "") -> str:
    """Text without the differences that a reader of its language overlooks. Equal results are the same answer.

    In every language: case, Unicode's composed and decomposed forms, full-width forms, invisible characters, forms of
    the apostrophe and the hyphen, forms of digits, and the amount of white space. By language:

    - tr, az: I is the capital of ı, and İ is the capital of i.
    - el: ς is σ; tonos and dialytika do not count, because capitals drop the one and may add the other.
    - de: ß, ẞ and ss are the same.
    - ro: ş and ţ with a cedilla are ș and ț with a comma.
    - ru: ё is е.
    - sr: Cyrillic is Latin.
    - fa, ur: Arabic forms of yeh, kaf and heh are those of the language; short vowels, the zero-width non-joiner and
      spaces do not count.
    - bn: ৎ is ত with virama and joiner, its older encoding.
    - vi: the place of the tone mark in a syllable does not count (hoà, hòa).

    Args:
        text: an option, a label, or a reply.
        language: code of the language, such as `tr` or `tr-TR`; empty: only the rules of every language.
    """
    language = language.partition("-")[0].lower()
    text = unicodedata.normalize("NFC", text).translate(_SIGNS)
    if language in ("tr", "az"):
        text = text.translate(_DOTS)
    text = unicodedata.normalize("NFC", text.casefold())
    text = _RULES.get(language, _keep)(text)
    text = "".join(_digit(letter) for letter in text if unicodedata.category(letter) != "Cf")
    return " ".join(text.split())


def which_option(reply: str, labels: list[str], options: list[str], language: str = "") -> int | None:
    """Place (from 1) of the option that a reply means; None if it means no option, or could mean two.

    A reply is an option if it is the option's label or its words, both folded by the rules of the language. White
    space, quotation marks, brackets and marks of emphasis around the reply do not count. Punctuation at its end does
    not count, nor does a thought before it (`selfalign.inference.thoughts`). "A, because ..." and "Answer: A" do
    not count as an option, because finding an answer in free text is interpretation.

    Args:
        reply: the model's reply.
        labels: of the options, in their order; empty if none are shown.
        options: in words, in the order shown.
        language: code of the options' language; empty: a reply counts if the rules of all languages together leave
            exactly one option.
    """
    languages = [language] if language else ["", "tr", *_RULES]
    places = {_match(reply, labels, options, one) for one in languages} - {None}
    return places.pop() if len(places) == 1 else None


def _match(reply: str, labels: list[str], options: list[str], language: str) -> int | None:
    """Place of the only option that a reply is under the rules of one language."""
    if len({fold(_bare(option), language) for option in options}) < len(options):
        language = ""  # the rules would merge two options
    said = _forms(reply, language) - {""}
    names = [{fold(_bare(option), language)} for option in options]
    for name, label in zip(names, labels, strict=False):
        name |= _forms(label, language)
    places = [place for place, name in enumerate(names, start=1) if said & name]
    return places[0] if len(places) == 1 else None


def _forms(text: str, language: str) -> set[str]:
    """A text as it compares with others; a single letter also as the Latin letter that is printed alike."""
    bare = _bare(text)
    return {fold(bare, language)} | ({fold(bare.translate(_LOOKS), language)} if len(bare) == 1 else set())


def _bare(text: str) -> str:
    """Text without a thought before it, and without what only surrounds or ends it."""
    text = unicodedata.normalize("NFC", after_thought(text)).translate(_SIGNS)
    start, end = 0, len(text)
    while end and (_is_blank(text[end - 1]) or unicodedata.category(text[end - 1])[0] == "P" or text[end - 1] == "`"):
        end -= 1
    while start < end and (
        _is_blank(text[start]) or unicodedata.category(text[start]) in ("Ps", "Pi", "Pf") or text[start] in _OPENING
    ):
        start += 1
    return text[start:end]


def _is_blank(letter: str) -> bool:
    """Whether a letter is white space or invisible; a joiner belongs to the letter before it."""
    return letter not in "\u200c\u200d" and unicodedata.category(letter) in ("Zs", "Zl", "Zp", "Cc", "Cf")


def _keep(text: str) -> str:
    return text


def _digit(letter: str) -> str:
    return str(unicodedata.decimal(letter)) if unicodedata.category(letter) == "Nd" else letter


def _fold_greek(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).translate(_GREEK))


def _fold_arabic(text: str, letters: dict[int, str | int | None]) -> str:
    # Decomposed first, because the hamza on an Arabic yeh is one character, and on a Persian yeh it is two.
    return re.sub(r"[\s\u200c\u200d]", "", unicodedata.normalize("NFD", text).translate(letters))


def _fold_vietnamese(text: str) -> str:
    return re.sub(r"\S+", _end_with_tones, unicodedata.normalize("NFD", text.replace("ð", "đ")))


def _end_with_tones(word: re.Match[str]) -> str:
    tones = [letter for letter in word[0] if letter in _TONES]
    return "".join(letter for letter in word[0] if letter not in _TONES) + "".join(tones)


_RULES = {
    "el": _fold_greek,
    "ro": lambda text: text.translate(_ROMANIAN),
    "ru": lambda text: text.translate(_RUSSIAN),
    "sr": lambda text: text.translate(_SERBIAN),
    "fa": lambda text: _fold_arabic(text, _PERSIAN),
    "ur": lambda text: _fold_arabic(text, _URDU),
    "bn": lambda text: text.replace("ত্\u200d", "ৎ"),
    "vi": _fold_vietnamese,
}
"""What each language adds after the case is folded."""
