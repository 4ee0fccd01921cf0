"""A mistake in a config: its place, the mistake in words, and what to write instead."""

from pathlib import Path

import pytest
from places import ROOT
from pydantic import TypeAdapter, ValidationError
from selfalign.config.check_names import RESERVED_MODELS
from selfalign.config.read import read_config, refuse_misread
from selfalign.errors import InputError
from selfalign.forms import Country, Language, Name
from selfalign.probes.cultures import WORLD
from selfalign.scoring.map_schemas import PEOPLE
from selfalign.scoring.pooling import OWN, name_kind
from selfalign.scoring.readers import READERS
from selfalign.scoring.schemas import ALL, EVERY_ARM


def read(folder: Path, text: str) -> str:
    """The error of a config file, which goes above the smallest shipped one."""
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_config([ROOT / "config" / "minimal.yaml", path])
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "run: {models: smollm2-135m}",
            "config: run.models, value 'smollm2-135m': must be a list, each text. Write a list: [smollm2-135m].",
            id="a text for a list",
        ),
        pytest.param(
            "run: {name: 2024}",
            'config: run.name, value 2024: must be text. Put it in quotes: "2024".',
            id="a number for a text",
        ),
        pytest.param(
            "run: {name: My run}",
            "config: run.name, value 'My run': has the wrong form. Write it like this: my_run-2.",
            id="a space in a name",
        ),
        pytest.param(
            "run: {name: shared}", "config: run.name, value 'shared': is reserved. Choose another", id="a reserved name"
        ),
        pytest.param(
            "run: {groups: sex}",
            "config: run.groups, value 'sex': must be a mapping or null. Correct the value. Meaning: Ask about groups",
            id="a text for a section that may be null",
        ),
        pytest.param(
            "scoring: {map: true}",
            "config: scoring.map, value True: must be a mapping or null. YAML reads no, off, yes and on without quotes",
            id="a word of YAML for a section that may be null",
        ),
        pytest.param(
            "scoring: {primary: {arm: chrf}}",
            "config: scoring.primary.against: is missing. Add it. Meaning: The arm that is subtracted.",
            id="a contrast of one arm in a section that may be null",
        ),
        pytest.param(
            "run: {groups: {least: 5}}",
            "config: run.groups.by: is missing. Add it. Meaning: The variables of the groups",
            id="a missing key in a section that may be null",
        ),
        pytest.param(
            "scoring: {contrasts: [{arm: chrf}]}",
            "config: scoring.contrasts.0.against: is missing. Add it. Meaning: The arm that is subtracted.",
            id="a missing key in a list",
        ),
        pytest.param("run:", "config: run: is empty. Write its value, or take the key out.", id="an empty section"),
        pytest.param(
            "run: {models: []}", "config: run.models: the list is empty. Name at least one.", id="an empty list"
        ),
        pytest.param(
            "languages: {en: {arms: [chrf, zero_shot, chrf]}}",
            "config: languages.en.arms, value ['chrf', 'zero_shot', 'chrf']: names chrf twice. Name it once.",
            id="a name twice",
        ),
        pytest.param(
            "languages: {EN: {countries: [USA], arms: [zero_shot]}}",
            'config: languages: the key "EN" has the wrong form. Write it like this: en.',
            id="a language in capitals",
        ),
        pytest.param(
            "arms: {chrf: {shots: -1}}",
            "config: arms.chrf.shots, value -1: must be a whole number at least 0. Correct the value. Meaning: Number",
            id="a negative number",
        ),
        pytest.param(
            "arms: {mine: {shots: 5, strategy: chrf}}",
            "config: arms.mine.label: is missing. Add it. Meaning: Name of the arm in figures.",
            id="a missing key",
        ),
        pytest.param(
            "arms: {mine: {label: Mine, shots: 5, selector: chrf}}",
            'config: arms.mine.strategy: is missing, and "selector" is not a known key. Add it, with one of random, '
            "category, chrf, bm25, embedding.",
            id="a key under another name",
        ),
        pytest.param(
            "arms: {chrf: {countries: [DEU, MEX]}}",
            "config: arms.chrf.countries, value ['DEU', 'MEX']: has no country that en asks about: USA. Name one of",
            id="an arm for other countries",
        ),
        pytest.param(
            "languages: {en: {arms: [zero_shot, CHRF]}}",
            'config: languages.en.arms: "CHRF" is not defined. Did you mean "chrf"?',
            id="a name in capitals",
        ),
        pytest.param(
            "figures: {contrasts: {arms: [chrff]}}",
            'config: figures.contrasts.arms: "chrff" is not defined. Did you mean "chrf"?',
            id="a misspelt arm of a figure",
        ),
        pytest.param(
            "{run: {languages: [pt]}, languages: {pt: {countries: [USA], arms: [zero_shot]}}}",
            "/texts/pt.csv': there is no such file. Put it there, correct the path, or take pt out of run.languages.",
            id="a language without texts",
        ),
        pytest.param(
            "languages: {en: {countries: [USA, BRA], arms: [zero_shot, chrf, chrf_own_language]}}",
            "/texts/pt.csv': there is no such file. Put it there, correct the path, or take the arms out of the run "
            "that speak pt: chrf_own_language.",
            id="a country's own language without texts",
        ),
        pytest.param(
            "{languages: {en: {arms: [zero_shot, chrf, mine]}}, arms: {mine: {label: M, shots: 0, persona: pt}}}",
            "/personas/pt.csv': there is no such file. Put it there, correct the path, or take the arms out of the run "
            "that speak pt: mine.",
            id="a persona in a language without personas",
        ),
        pytest.param(
            "prompts: {frames: [stated], personas: '{language}.csv'}",
            "config: prompts.personas, value 'en.csv': there is no such file. Put it there, correct the path, or leave "
            "frames of shares out of prompts.frames.",
            id="a frame of shares without personas",
        ),
        pytest.param(
            "models: {smollm2-135m: {dtype: float}}",
            "value 'float': is not one of float32, bfloat16, float16. Did you mean \"float32\"?",
            id="a misspelt value",
        ),
        pytest.param(
            "languages: {en: {countries: [Germany]}}",
            '"Germany" is not an ISO 3166 alpha-3 code. It may stand for DEU, Germany.',
            id="the name of a country",
        ),
        pytest.param(
            "probes: {bank: resources/probes}",
            "value 'resources/probes': is a folder, not a file. Put it there, or correct the path.",
            id="a folder for a file",
        ),
        pytest.param(
            "run: {name: a}\nlanguages:\n  en: {arms: [zero_shot]}\n  en: {arms: [chrf]}",
            'mine.yaml, line 4: the key "en" is there a second time, and only the last one would count.',
            id="a language twice",
        ),
        pytest.param(
            "run: {name: a}\nscoring: {draws: 0200}",
            "mine.yaml, line 2: YAML reads 0200 as 128. Write a number without zeros before it",
            id="a number with a zero before it",
        ),
        pytest.param(
            "scoring: {draws: 10:30}", "mine.yaml, line 1: YAML reads 10:30 as 630.", id="a number with a colon"
        ),
        pytest.param(
            "run: {name: a}\nlanguages: &all\n  en: *all",
            "mine.yaml, line 2: the settings that begin here contain themselves, through an anchor (&) and",
            id="settings inside themselves",
        ),
        pytest.param(
            "run:\n  models: &all [a, *all]",
            "mine.yaml, line 2: the settings that begin here contain themselves, through an anchor",
            id="a list inside itself",
        ),
        pytest.param(
            f"run: {{name: {'a' * 300}}}",
            "': has 300 characters; a name of files has at most 100. Shorten it.",
            id="a name that is too long for a file",
        ),
        pytest.param("run: {name: [a}", "mine.yaml, line 1: is not YAML: expected ',' or ']'", id="a bracket"),
        pytest.param("run:\n\tname: a", "mine.yaml, line 2: is not YAML: found character '\\t'", id="a tab"),
        pytest.param("", "mine.yaml: has no settings at its top level.", id="an empty file"),
    ],
)
def test_mistake_is_explained(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert message in read(tmp_path, text)


def test_key_in_the_place_of_a_variable_is_not_shown(tmp_path: Path) -> None:
    message = read(tmp_path, "models: {mine: {label: M, endpoint: {url: 'http://x/v1', model: m, key_env: sk-7f}}}")
    assert message.startswith(
        "config: models.mine.endpoint.key_env: has the wrong form. Write it like this: MY_API_KEY"
    )
    assert "sk-7f" not in message


def test_same_key_in_two_mappings_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("arms: {a: {shots: 1}, b: {shots: 1}}\nmodels: [{a: 1}, {a: 2}]\n", encoding="utf-8")
    refuse_misread([path, tmp_path / "none.yaml"])


@pytest.mark.parametrize("name", [PEOPLE, *READERS, "all"])
def test_model_with_the_name_of_something_else_is_refused(name: str, tmp_path: Path) -> None:
    """A run that does not ask this model is refused too."""
    message = read(tmp_path, f"models: {{{name}: {{label: M, source: {{folder: /m}}}}}}")
    assert message.startswith(f"config: models.{name}: is a reserved name: it stands for {RESERVED_MODELS[name]}. Give")


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Name, EVERY_ARM), (Name, name_kind("english")), (Country, ALL), (Country, WORLD), (Language, OWN)],
)
def test_other_values_of_columns_of_names_are_no_names(kind: type, value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
