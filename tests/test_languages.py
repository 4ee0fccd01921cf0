"""The wording of probes, questions, labels and frames in every language that ships."""

import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
import yaml
from selfalign.probes.bank import BLANK, read_bank, read_texts
from selfalign.prompts.templates import read_template
from selfalign.survey.tables import Labels, Questions
from selfalign.tables import read_input

ROOT = Path(__file__).parent.parent
PROBES = ROOT / "resources" / "probes"
SURVEY = ROOT / "resources" / "survey"
LANGUAGES = sorted(path.stem for path in (PROBES / "texts").glob("*.csv"))
SCRIPTS = {
    **dict.fromkeys(["sr", "ru"], "CYRILLIC"),
    **dict.fromkeys(["fa", "ur"], "ARABIC"),
    **{"el": "GREEK", "bn": "BENGALI", "ko": "HANGUL", "zh": "CJK"},
}
"""The script of a language that is not written in Latin letters, as Unicode names it."""

NAMES = {"AIDS", "NATO", "Amnesty", "International", "Facebook", "WHO", "WTO", "IMF", "SNS"}
UNSEEN = re.compile("[\u00a0\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture(scope="module")
def bank() -> pd.DataFrame:
    return read_bank(PROBES / "probes.csv")


def pieces(language: str, bank: pd.DataFrame) -> dict[str, str]:
    """Every text of a language, by where it stands."""
    texts = read_texts(PROBES / "texts" / f"{language}.csv", bank)
    questions = read_input(SURVEY / "questions" / f"{language}.csv", Questions)
    labels = read_input(SURVEY / "labels" / f"{language}.csv", Labels)
    found = {f"{probe} {part}": texts.loc[probe, part] for probe in texts.index for part in texts.columns[:3]}
    found |= {f"question {row.question}": row.wording for row in questions.itertuples()}
    return found | {f"label {row.labels} {row.code}": row.label for row in labels.itertuples()}


def test_languages_of_the_config_are_those_that_ship() -> None:
    defined = yaml.safe_load((ROOT / "config" / "languages.yaml").read_text(encoding="utf-8"))["languages"]
    assert sorted(defined) == LANGUAGES
    for folder in (SURVEY / "questions", SURVEY / "labels", ROOT / "resources" / "templates"):
        assert sorted(path.stem for path in folder.iterdir()) == LANGUAGES, folder


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_probe_question_and_label_has_words(language: str, bank: pd.DataFrame) -> None:
    for name, table in (("questions", Questions), ("labels", Labels)):
        ours = read_input(SURVEY / name / f"{language}.csv", table)
        english = read_input(SURVEY / name / "en.csv", table)
        key = ["question"] if name == "questions" else ["labels", "code"]
        asked = english[key].apply(tuple, axis=1)
        if language != "en":  # what has no probe is in the English dictionary only
            asked = asked[[not re.fullmatch(r"Q15[2-7]|aims_4|priorities_4|goals_4", row[0]) for row in asked]]
        assert list(ours[key].apply(tuple, axis=1)) == list(asked)
        assert (ours["status"] == "reviewed").all()
    texts = read_texts(PROBES / "texts" / f"{language}.csv", bank)
    assert (texts["status"] == "reviewed").all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_composed_visible_and_in_their_script(language: str, bank: pd.DataFrame) -> None:
    for place, text in pieces(language, bank).items():
        assert text == unicodedata.normalize("NFC", text), place
        assert text == " ".join(text.split(" ")).strip() and "  " not in text, place
        assert not UNSEEN.search(text), place
        if language in SCRIPTS:
            words = set(re.findall("[A-Za-z]{2,}", text)) - NAMES
            assert not words, (place, words)
            bare = text.replace(BLANK, "")
            assert any(unicodedata.name(sign, "").startswith(SCRIPTS[language]) for sign in bare), place


@pytest.mark.parametrize("language", LANGUAGES)
def test_blank_stands_alone_and_options_are_a_pair(language: str, bank: pd.DataFrame) -> None:
    texts = read_texts(PROBES / "texts" / f"{language}.csv", bank)
    for probe, text in texts.iterrows():
        before, after = text["statement"].split(BLANK)
        if language not in ("ko", "zh"):  # written without spaces, or with particles set close
            assert not re.search(r"\w$", before) and not re.search(r"^\w", after), probe
        for option in (text["option_a"], text["option_b"]):
            assert BLANK not in option and not re.search(r"[.。।۔?!]$", option), probe
    assert texts["statement"].nunique() >= len(texts) - 2, "two probes say the same"


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_a_scale_differ(language: str) -> None:
    labels = read_input(SURVEY / "labels" / f"{language}.csv", Labels)
    assert not labels.duplicated(["labels", "label"]).any()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("frame", ["words", "letters"])
def test_frames_can_be_filled(language: str, frame: str) -> None:
    template = read_template(ROOT / "resources" / "templates" / f"{language}.yaml", frame)
    asked = template.ask("X ___ Y", "one", "two")
    assert all(asked.count(part) == 1 for part in ("X ___ Y", "one", "two"))
    assert template.labels == (("A", "B") if frame == "letters" else None)
    english = read_template(ROOT / "resources" / "templates" / "en.yaml", frame)
    assert language == "en" or (template.system != english.system and template.cue != english.cue)
