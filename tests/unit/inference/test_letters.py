"""Replies are compared with options by the letters and the case rules of their language."""

import csv
import unicodedata
from pathlib import Path

import pytest
from project import ROOT
from selfalign.inference.letters import fold, which_option

TEXTS = sorted((ROOT / "resources" / "probes" / "texts").glob("*.csv"))
LABELS = sorted((ROOT / "resources" / "survey" / "labels").glob("*.csv"))


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def capitals(text: str, language: str) -> str:
    """A text in capitals, as the language writes them."""
    if language == "tr":
        return text.replace("i", "İ").upper()
    text = text.upper()
    if language == "el":  # capitals have no tonos
        text = "".join(letter for letter in unicodedata.normalize("NFD", text) if letter != "\u0301")
    return unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("A", 1),
        ("b", 2),
        (" B.\n", 2),
        ("Important!", 1),
        ("UNIMPORTANT", 2),
        ("A.。", 1),
        ("A।", 1),
        ("B۔", 2),
        ("**A**", 1),
        ("**A.**", 1),
        ("_important_", 1),
        ("`B`", 2),
        ('"important"', 1),
        ("“unimportant.”", 2),
        ("«Important»", 1),
        ("»Important«", 1),  # as German and Danish books have it
        ("”unimportant”", 2),  # as Finnish and Swedish have it
        ("’B’", 2),
        ("「A」", 1),
        ("(A)", 1),
        ("A)", 1),
        ("Ａ", 1),
        ("А", 1),  # Cyrillic
        ("Β", 2),  # Greek
        ("\u200fA.\u200f", 1),
        ("<think>\n\n</think>\n\nA", 1),
        ("<think>B or A?</think> important", 1),
        ("<think>A", None),
        ("Perhaps A, perhaps B.\n</think>\n\nB", 2),  # the template wrote the beginning of the thought
        ("[THINK]B or A?[/THINK]A", 1),
        ("<|channel>thought\nB or A?<channel|>A", 1),  # Gemma 4
        ("<|channel>thought\nA", None),
        ("<thinking>B</thinking> **A**", 1),
        ("A <think>or B?</think> B", None),
        ("A: important", None),
        ("A, because it is", None),
        ("Answer: A", None),
        ("not important", None),
        ("very important", None),
        ("A or B", None),
        ("Б", None),
        ("", None),
        ("...", None),
    ],
)
@pytest.mark.parametrize("language", ["en", ""])
def test_reply_is_an_option_only_if_it_is_its_label_or_its_words(reply: str, place: int | None, language: str) -> None:
    if reply == "Б" and not language:
        place = 2  # by the rules of Serbian
    assert which_option(reply, ["A", "B"], ["important", "unimportant"], language) == place


def test_reply_that_could_be_two_options_is_none() -> None:
    assert which_option("a", ["A", "B"], ["b", "a"]) is None
    assert which_option("a lot", [], ["a lot", "a lot."]) is None


@pytest.mark.parametrize(
    ("language", "option", "reply"),
    [
        ("tr", "ikinci plandadır", "İkinci plandadır"),
        ("tr", "ikinci plandadır", "İKİNCİ PLANDADIR"),
        ("tr", "ikinci plandadır", "I\u0307kinci plandadır"),
        ("tr", "ırk", "Irk"),
        ("tr-TR", "ırk", "IRK"),
        ("az", "iştirak", "İŞTİRAK"),
        ("el", "όχι", "ΟΧΙ"),
        ("el", "όχι", "Όχι"),
        ("el", "λίγος", "ΛΙΓΟΣ"),
        ("el", "άυλος", "ΑΫΛΟΣ"),
        ("el", "προϊόν", "ΠΡΟΪΟΝ"),
        ("el", "όχι", "\u1f79χι"),
        ("de", "groß", "GROSS"),
        ("de", "groß", "GROẞ"),
        ("ro", "puțin", "puţin"),
        ("ro", "și", "ŞI"),
        ("ru", "всё", "ВСЕ"),
        ("sr", "много", "mnogo"),
        ("sr", "Љубав", "ǈubav"),
        ("sr", "ништа", "NIŠTA"),
        ("fa", "خیلی", "خيلي"),
        ("fa", "کم", "كم"),
        ("fa", "می‌شود", "می شود"),
        ("fa", "می‌شود", "میشود"),
        ("fa", "مهم", "مُهِم"),
        ("ur", "ہے", "هے"),
        ("ur", "زیادہ", "زياده"),
        ("bn", "বেশি", "বে\u09b6ি"),
        ("bn", "\u09df", "\u09af\u09bc"),
        ("bn", "উচিৎ", "উচিত্\u200d"),
        ("ko", "크다", unicodedata.normalize("NFD", "크다")),
        ("vi", "hòa bình", "hoà bình"),
        ("vi", "thúy", "THUÝ"),
        ("vi", "nhiều", unicodedata.normalize("NFD", "Nhiều")),
        ("vi", "đúng", "Ðúng"),
        ("zh", "A组", "Ａ组。"),
        ("es", "importante", "¡Importante!"),
        ("tl", "'di mahalaga", "’Di mahalaga"),
        ("en", "well-off", "Well‑off"),
        ("en", "non-violent", "non–violent"),
        ("en", "can't be trusted", "Can´t be trusted"),
        ("en", "2", "２"),
        ("fa", "2", "۲"),
    ],
)
def test_reply_is_read_as_a_reader_of_the_language_does(language: str, option: str, reply: str) -> None:
    assert which_option(reply, [], [option, "x"], language) == 1
    assert which_option(reply, [], [option, "x"]) == 1
    assert which_option(reply, [], ["x", option], language) == 2


@pytest.mark.parametrize(
    ("language", "option", "reply"),
    [
        ("en", "irk", "ırk"),
        ("tr", "ırk", "irk"),
        ("de", "schon", "schön"),
        ("es", "sí", "si"),
        ("ro", "fată", "fata"),
        ("tr", "kâr", "kar"),
        ("fa", "آن", "ان"),
        ("vi", "ma", "mà"),
        ("vi", "mơ", "mo"),
        ("ru", "й", "и"),
        ("ko", "크다", "작다"),
        ("zh", "很輕", "很轻"),
    ],
)
def test_other_words_stay_other_words(language: str, option: str, reply: str) -> None:
    assert fold(option, language) != fold(reply, language)
    assert which_option(reply, [], [option, "x"], language) is None


def test_options_that_are_equal_when_folded_are_distinguished() -> None:
    assert which_option("ποτέ", [], ["ποτέ", "πότε"], "el") == 1
    assert which_option("Πότε", [], ["ποτέ", "πότε"], "el") == 2
    assert which_option("ΠΟΤΕ", [], ["ποτέ", "πότε"], "el") is None


@pytest.mark.slow
@named(TEXTS)
def test_every_shipped_option_is_found_in_each_way_to_write_it(path: Path) -> None:
    language, found = path.stem, 0
    for row in rows_of(path):
        options = [row["option_a"], row["option_b"]]
        if not all(options):
            continue
        assert fold(options[0], language) != fold(options[1], language)
        for place, option in enumerate(options, start=1):
            first = capitals(option[0], language) + option[1:]
            for reply in (option, first, capitals(option, language), f"**{first}.**"):
                assert which_option(reply, ["A", "B"], options, language) == place, (row["probe"], reply)
                found += 1
    assert found > 1000


@named(LABELS)
def test_folding_keeps_the_answers_of_every_scale_apart(path: Path) -> None:
    language, seen = path.stem, set()
    for row in rows_of(path):
        label = row["label"]
        assert (row["labels"], fold(label, language)) not in seen, row
        seen.add((row["labels"], fold(label, language)))
        assert fold(capitals(label, language), language) == fold(label, language)
    assert len(seen) > 20
