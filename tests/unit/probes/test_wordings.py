"""The wording of everything that is put to a model, in every language that ships."""

import re
import unicodedata
from functools import cache

import pandas as pd
import pycountry
import pytest
import yaml
from bank import LANGUAGES, bank_texts
from nonempty import some
from places import ROOT
from selfalign.countries import CODES
from selfalign.probes.bank import BLANK
from selfalign.prompts.frames import Frame, Item, read_frame
from selfalign.prompts.wording import read_countries, read_neutral, read_personas
from selfalign.survey.schemas import CodeLabels, Questions
from selfalign.tables import read_input

RESOURCES = ROOT / "resources"
SURVEY = RESOURCES / "survey"
SCRIPTS = {
    **dict.fromkeys(["sr", "ru"], "CYRILLIC"),
    **dict.fromkeys(["fa", "ur"], "ARABIC"),
    **{"el": "GREEK", "bn": "BENGALI", "ko": "HANGUL", "zh": "CJK"},
}
"""The script of a language that is not written in Latin letters, as Unicode names it."""

LABELS = {
    **{"words": None, "letters": ("A", "B"), "numbers": ("1", "2")},
    **{"words_short": None, "words_opinion": None, "scale": None, "stated": None},
}
"""The frames of every language, with their labels."""

UNREAD = {"Q154", "Q155", "priorities_4"}
"""Probes, questions and labels whose texts nobody has read a second time."""

NAMES = {"AIDS", "NATO", "Amnesty", "International", "Facebook", "WHO", "WTO", "IMF", "SNS"}
UNSEEN = re.compile("[\u00a0\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


read_once = cache(read_input)


@cache
def defined() -> dict[str, dict]:
    """The languages of the config."""
    return yaml.safe_load((ROOT / "config" / "languages.yaml").read_text(encoding="utf-8"))["languages"]


@cache
def frames(language: str) -> dict[str, Frame]:
    """The frames of a language, by name."""
    path = RESOURCES / "templates" / f"{language}.yaml"
    return {name: read_frame(path, name) for name in LABELS}


def ask(frame: Frame, statement: str, first: str, second: str) -> str:
    """A frame's question with two options."""
    return frame.ask(Item(statement, ("A", "B"), (first, second), (first, second)))


@cache
def neutral(language: str) -> pd.DataFrame:
    """The neutral demonstrations of a language, by item."""
    return read_neutral(RESOURCES / "neutral" / f"{language}.csv").set_index("item")


@cache
def personas(language: str) -> pd.Series:
    """The personas of a language, by country."""
    return read_personas(RESOURCES / "personas" / f"{language}.csv")


def pieces(language: str, bank: pd.DataFrame) -> dict[str, str]:
    """Every text of a language, by where it stands."""
    texts = bank_texts(language)
    questions = read_once(SURVEY / "questions" / f"{language}.csv", Questions)
    labels = read_once(SURVEY / "labels" / f"{language}.csv", CodeLabels)
    found = {f"{probe} {part}": texts.loc[probe, part] for probe in texts.index for part in texts.columns[:3]}
    found |= {f"question {row.question}": row.wording for row in questions.itertuples()}
    found |= {f"label {row.labels} {row.code}": row.label for row in labels.itertuples()}
    for name, frame in frames(language).items():
        lines = [frame.system.replace("{place}", BLANK), frame.cue, *ask(frame, BLANK, BLANK, BLANK).split("\n")]
        found[f"frame {name}"] = " ".join(lines)
    facts = neutral(language)
    found |= {f"neutral {item} {part}": facts.loc[item, part] for item in facts.index for part in facts.columns[:3]}
    return found | {f"persona {country}": text for country, text in personas(language).items()}


def test_languages_of_the_config_are_those_that_ship() -> None:
    assert sorted(defined()) == LANGUAGES
    for folder in ("survey/questions", "survey/labels", "templates", "personas", "roles", "neutral"):
        assert sorted(path.stem for path in (RESOURCES / folder).iterdir()) == LANGUAGES, folder


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_probe_question_and_label_has_words(language: str, bank: pd.DataFrame) -> None:
    for name, table in (("questions", Questions), ("labels", CodeLabels)):
        ours = read_once(SURVEY / name / f"{language}.csv", table)
        english = read_once(SURVEY / name / "en.csv", table)
        key = ["question"] if name == "questions" else ["labels", "code"]
        asked = english[key].apply(tuple, axis=1)
        if language != "en":  # what has no probe is in the English dictionary only
            asked = asked[[not re.fullmatch(r"Q15[2367]|aims_4|goals_4", row[0]) for row in asked]]
        assert list(ours[key].apply(tuple, axis=1)) == list(asked)
        read = ours["status"] == "reviewed"
        assert set(ours.loc[~read, key[0]]) == (set() if language == "en" else UNREAD & set(ours[key[0]]))
    texts = bank_texts(language)
    assert set(texts.index[texts["status"] != "reviewed"]) == UNREAD & set(texts.index)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_composed_visible_and_in_their_script(language: str, bank: pd.DataFrame) -> None:
    for place, text in some(pieces(language, bank)).items():
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
    texts = bank_texts(language)
    for place, text in pd.concat([texts, neutral(language)]).iterrows():
        before, after = text["statement"].split(BLANK)
        if language not in ("ko", "zh"):  # written without spaces, or with particles set close
            assert not re.search(r"\w$", before) and not re.search(r"^\w", after), place
        for option in (text["option_a"], text["option_b"]):
            assert BLANK not in option and not re.search(r"[.。।۔?!]$", option), place
        assert text["option_a"] != text["option_b"], place
    assert texts["statement"].nunique() >= len(texts) - 2, "two probes say the same"


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_a_scale_differ(language: str) -> None:
    labels = read_once(SURVEY / "labels" / f"{language}.csv", CodeLabels)
    assert not labels.duplicated(["labels", "label"]).any()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LABELS)
def test_frames_can_be_filled(language: str, name: str) -> None:
    frame = frames(language)[name]
    asked = ask(frame, "X ___ Y", "one", "two")
    assert asked.count("X ___ Y") == asked.count("two") == 1
    assert asked.count("one") == (2 if name == "stated" else 1), "the option whose share is asked for is named again"
    assert asked.index("one") < asked.index("two")
    assert frame.labels == LABELS[name]
    for label in frame.labels or ():
        assert label in frame.system and re.search(rf"^{label}[:：]", asked, re.MULTILINE), "labelled, and asked for"
    english = frames("en")[name]
    assert language == "en" or (frame.system != english.system and frame.cue != english.cue)


@pytest.mark.parametrize("language", LANGUAGES)
def test_wordings_of_the_frame_differ_in_instruction_and_lay_out(language: str) -> None:
    path = RESOURCES / "templates" / f"{language}.yaml"
    assert list(yaml.safe_load(path.read_text(encoding="utf-8"))) == list(LABELS)
    found = frames(language).values()
    assert len({frame.system for frame in found}) == len({frame.question for frame in found}) == len(LABELS)


def test_every_country_of_the_survey_has_a_language_of_its_own() -> None:
    languages = read_countries(RESOURCES / "countries.csv")
    assert set(languages.index) <= CODES and len(languages) == 66
    assert all(pycountry.languages.get(alpha_2=code) for code in languages)
    asked = {country for settings in defined().values() for country in settings["countries"]}
    for data in ("example/counts.csv", "shares/shares.csv"):
        asked |= set(pd.read_csv(SURVEY / data)["country"])
    assert asked <= set(languages.index)
    for language, settings in defined().items():
        if language != "en":  # in English, any country is asked about
            assert set(languages[settings["countries"]]) == {language}


@pytest.mark.parametrize("language", LANGUAGES)
def test_personas_name_every_country_apart(language: str) -> None:
    told = personas(language)
    assert list(told.index) == list(read_countries(RESOURCES / "countries.csv").index)
    assert told.is_unique
    stops = ".。।۔"
    assert all(text[-1] in stops and not set(text[:-1]) & set(stops) for text in told), "one sentence"
    assert language == "en" or not set(told) & set(personas("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_neutral_demonstrations_are_the_same_in_every_language(language: str) -> None:
    facts, english = neutral(language), neutral("en")
    pd.testing.assert_series_equal(facts["answer"], english["answer"])
    assert facts["answer"].value_counts().to_dict() == {"A": 10, "B": 10}
    assert facts["statement"].is_unique
    if language != "en":
        words = facts.columns.drop("answer")
        assert not (facts[words] == english[words]).any(axis=None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_neutral_statements_are_as_long_as_probes(language: str, bank: pd.DataFrame) -> None:
    probes = bank_texts(language)["statement"].str.len()
    facts = neutral(language)["statement"].str.len()
    assert facts.between(probes.min(), probes.max()).all()
    assert probes.quantile(0.25) <= facts.median() <= probes.quantile(0.75)
