"""Prompts from the literature: texts that name a country, in every language, and their controls."""

import json
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from project import ROOT
from selfalign.arms import Arm, Speech
from selfalign.config.outputs import list_contrasts, list_margins
from selfalign.config.read import read_config
from selfalign.errors import InputError
from selfalign.inference.local.render import PromptFormat, render
from selfalign.prompts.design_prompts import Experiment, word_personas
from selfalign.prompts.frames import Frame, Item
from selfalign.prompts.schemas import Prompts
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Roles, Wording, read_personas, read_roles
from transformers import AutoTokenizer

ROLES = ROOT / "resources" / "roles"
LANGUAGES = sorted(path.stem for path in ROLES.iterdir())
CONTROLS = {
    "persona": "persona_other",
    "cultural": "cultural_other",
    "anthropological": "anthropological_other",
    "persona_chrf": "persona_chrf_other",
    "cultural_chrf": "cultural_chrf_other",
}


def texts_of(language: str, role: str) -> pd.Series:
    """A role with the name of each country."""
    roles, personas = (
        read_roles(ROLES / f"{language}.yaml"),
        read_personas(ROOT / f"resources/personas/{language}.csv"),
    )
    return personas.map(lambda sentence: roles.fill(role, sentence, "here"))


def test_every_language_with_personas_has_roles() -> None:
    assert sorted(path.stem for path in (ROOT / "resources/personas").iterdir()) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_roles_name_every_country(language: str) -> None:
    roles = read_roles(ROLES / f"{language}.yaml")
    assert list(roles.texts) == ["cultural", "anthropological"]
    for role in roles.texts:
        texts = texts_of(language, role)
        assert len(texts) == 66 and texts.is_unique
        for text in texts:
            assert text == unicodedata.normalize("NFC", text) and text == " ".join(text.split(" ")).strip()
            assert not set(text) & set("{}\n")
    points = texts_of(language, "anthropological").iloc[0]
    digits = "۱۲۳۴۵۶۷" if language == "fa" else "1234567"
    assert [points.count(f"{digit}.") for digit in digits] == [1] * 7, "seven points"
    sentence = read_personas(ROOT / f"resources/personas/{language}.csv").iloc[0]
    assert points.startswith(sentence)


def test_cultural_prompting_has_the_words_of_its_paper() -> None:
    assert texts_of("en", "cultural")["MDV"] == (
        "You are an average human being born in the Maldives and living in the Maldives "
        "responding to the following survey question."
    )
    assert texts_of("de", "cultural")["PHL"].startswith("Sie sind ein durchschnittlicher Mensch von den Philippinen,")


# In prompts

FRAME = Frame("words", "Choose.", "{statement} ({first} / {second})", "Answer:", None)
ITEM = Item("It is ___.", ("A", "B"), ("big", "small"), ("big", "small"))
POLES = pd.DataFrame(
    [(country, "Q1", share, "A") for country, share in (("DEU", 0.6), ("MEX", 0.7), ("USA", 0.8))],
    columns=["country", "probe", "share_a", "majority"],
)
PERSONAS = {"en": {"DEU": "You are from Germany.", "MEX": "You are from Mexico.", "USA": "You are from the USA."}}
LANGUAGE = DesignLanguages(
    "en",
    {"en": Wording({"words": FRAME}, {"Q1": ITEM})},
    personas=PERSONAS,
    roles={"en": Roles({"guest": "Be a guest in {place}."}, "You are from {place}.")},
)


def lay(**settings: object) -> pd.DataFrame:
    """Cells of an arm about two countries, with their instruction."""
    arm = Arm.read({"shots": 0, "persona": "asked", **settings}, "me")
    design, prompts = Experiment({"me": arm}, ["DEU", "USA"], Surveyed(POLES), {}, LANGUAGE, premises=False).lay_out()
    return design[design["order"] == "AB"].merge(prompts, on="prompt").set_index(["country", "source"])["system"]


def test_role_stands_before_the_instruction() -> None:
    assert lay(role="guest").to_dict() == {
        ("DEU", ""): "Be a guest in Germany.\nChoose.",
        ("USA", ""): "Be a guest in the USA.\nChoose.",
    }


def test_control_names_each_other_country_in_turn() -> None:
    assert lay(role="guest", named="other").to_dict() == {
        ("DEU", "USA"): "Be a guest in the USA.\nChoose.",
        ("USA", "DEU"): "Be a guest in Germany.\nChoose.",
    }
    assert lay(named="other", sources=("MEX",)).tolist() == ["You are from Mexico.\nChoose."] * 2


def test_arms_from_the_literature_have_controls() -> None:
    arms = read_config([]).arms
    for own, control in CONTROLS.items():
        assert arms[control].is_control_of(arms[own]) and not arms[own].is_control_of(arms[control])
        assert not arms["zero_shot"].is_control_of(arms[own])
        assert not arms[control].has_cells(["DEU"]) and arms[control].has_cells(["DEU", "USA"])
    assert not arms["cultural_other"].is_control_of(arms["anthropological"])


def test_controls_are_contrasts_and_margins_of_a_run(tmp_path: Path) -> None:
    run = tmp_path / "run.yaml"
    arms = ["zero_shot", *CONTROLS, *CONTROLS.values()]
    run.write_text(json.dumps({"languages": {"en": {"arms": arms}, "es": {"arms": ["zero_shot", "chrf"]}}}))
    config = read_config([run])
    pairs = [[own, other] for own, other in CONTROLS.items()]
    assert [one for one in list_contrasts(config) if one.setting in pairs]
    assert [one.setting for one in list_margins(config)] == pairs


def test_files_of_roles_follow_from_the_arm() -> None:
    assert Arm.read({"shots": 0, "persona": "asked"}, "me").speech("en", ["DEU"], {}).roles == ()
    cultural = Arm.read({"shots": 0, "persona": "own", "role": "cultural"}, "me")
    assert cultural.speech("en", ["DEU"], {"DEU": "de"}) == Speech(personas=("de",), roles=("de",))


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ({"shots": 0, "role": "cultural"}, ["arms.me.role", "needs a language", "persona: asked"]),
        ({"shots": 0, "named": "other"}, ["arms.me.named", "needs a language"]),
        ({"shots": 0, "answers": "other"}, ["arms.me.answers", "needs demonstrations, and shots is 0", "Take it out"]),
        (
            {"shots": 5, "strategy": "chrf", "persona": "asked", "named": "other"},
            ["arms.me.named", "have the answers own", "answers: other"],
        ),
        ({"shots": 0, "persona": "asked", "role": "cultura"}, ["arms.me.role", "no such text", "cultural"]),
    ],
)
def test_arm_that_cannot_be_worded_is_refused(arm: dict, words: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run.yaml"
    languages = {"en": {"arms": ["zero_shot", "me"]}}
    run.write_text(json.dumps({"arms": {"me": {"label": "Me", **arm}}, "languages": languages}))
    with pytest.raises(InputError) as refusal:
        read_config([run])
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_sentence_without_the_form_of_the_roles_is_refused() -> None:
    odd = DesignLanguages("en", {}, personas={"en": {"DEU": "Be German."}}, roles=LANGUAGE.roles)
    arm, countries = Arm.read({"shots": 0, "persona": "asked", "role": "guest"}, "me"), pd.Series(["DEU"])
    with pytest.raises(InputError, match=r'"Be German." does not have the form "You are from \{place\}."'):
        word_personas(arm, countries, countries, odd)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cultural: no field", "must have the fields"),
        ("cultural: '{persona} {country}'", "must have the fields"),
        ("cultural: '{place'", "must have the fields"),
        ("cultural: [1]", "a text for each name"),
        ("form: no place\ncultural: '{place}'", "field {place} once"),
        ("{", "is not YAML"),
    ],
)
def test_faulty_file_of_roles_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "en.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as refusal:
        read_roles(file)
    assert problem in str(refusal.value)


def test_roles_stand_once_in_a_chat_of_a_real_model(smollm2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)
    pairs = [(language, role) for language in LANGUAGES for role in ("cultural", "anthropological")]
    systems = {f"{number:016x}": f"{texts_of(*pair)['DEU']}\nChoose." for number, pair in enumerate(pairs)}
    same = {"shown": '[["one", "big"]]', "asked": "two", "cue": ":", "options": '["big", "small"]', "labels": "[]"}
    same |= {"premise": "", "demonstrations": ""}
    rows = [{"prompt": key, "system": system, **same} for key, system in systems.items()]
    table = Prompts.validate(pd.DataFrame(rows)[Prompts.names()])
    for form in ("chat", "plain"):
        prompts = render(table, PromptFormat(tokenizer, form, {}), None)
        assert len(prompts) == len(systems)
        for prompt in prompts:
            assert tokenizer.decode(prompt.tokens).count(systems[prompt.prompt]) == 1
