"""The config: its models agree with its schema and with the configs that the project ships, and stay in their layer."""

import json
from pathlib import Path

import pytest
from configs import shipped
from nonempty import some
from project import ROOT, default_configs, read_settings, stack
from selfalign.config.commands import as_json
from selfalign.config.generate import SCHEMA, write_schema
from selfalign.config.languages import fill_language
from selfalign.config.read import check_settings
from selfalign.config.reference import PAGE, write_reference
from selfalign.config.sections import Config, HubFile
from selfalign.config.values import as_meant
from selfalign.contrasts import Contrast
from selfalign.provenance import import_closure
from selfalign.steps import BY_HAND, STEPS

LIBRARY = ROOT / "workflow" / "selfalign"


def test_schema_is_the_one_that_the_models_make() -> None:
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == write_schema(), "run python tools/schema.py"


def test_page_of_settings_is_the_one_that_the_models_make() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page == write_reference(), "run python tools/schema.py"
    noise = "| `scoring.readers.noise` | number above 0 and at most 0.5 | `0.1` | How often a demonstration does not"
    assert noise in page
    assert '| `arms.NAME.exclude` | list, each `siblings`, `battery`, `category` | `["siblings"]` |' in page
    assert "| `arms.NAME.label` | text | required |" in page
    assert "| `arms.NAME.sources` | list, each text |  |" in page
    assert "| `surveys.NAME.source.url` | text |  |" in page, "one of several forms"


SHIPPED = sorted({*(ROOT / "config").glob("*.yaml")} - {*default_configs()})


def test_models_have_the_defaults_that_a_run_gets() -> None:
    config = shipped()
    assert json.loads(as_json(Config.model_validate(config))) == config


@pytest.mark.parametrize("overlay", SHIPPED, ids=lambda path: path.stem)
def test_config_has_every_setting_of_a_shipped_file_as_it_was_given(overlay: Path) -> None:
    settings = read_settings(*(overlay.parent / name for name in stack(overlay.name)))
    check_settings(settings)
    found, checked = as_json(Config.read(settings)), as_json(Config.model_validate(settings))
    if primary := settings["scoring"]["primary"]:
        settings["scoring"]["primary"] = Contrast.read(primary).setting  # a pair and a mapping of two arms are the same
    assert found == as_json(settings)
    assert json.loads(checked) == settings, "the models refuse nothing that the schema lets pass"


def test_sections_are_read_as_they_are_written() -> None:
    endpoint = {"url": "https://example.org/v1", "model": "m", "temperature": 0, "extra": {"stop": ["x", None]}}
    settings = {
        "surveys": {"s": {"source": {"hub": "a/b", "revision": "0", "path": "c.csv"}}},
        "arms": {"own": {"label": "Own", "shots": 5, "seeds": [1, 2]}},
        "models": {"m": {"endpoint": endpoint, "template": {"thinking": False}}},
        "scoring": {"transfer": ["own", "other"], "mixed": [{"arm": "own", "against": "other", "beyond": ["a", "b"]}]},
    }
    config = Config.read(settings)
    assert [one.name for one in (config.surveys["s"], config.arms["own"], config.models["m"])] == ["s", "own", "m"]
    assert isinstance(config.surveys["s"].source, HubFile) and config.arms["own"].seeds == (1, 2)
    assert config.scoring.transfer == Contrast(arm="own", against="other")
    assert config.scoring.mixed == (Contrast(arm="own", against="other", beyond=("a", "b")),)
    found = config.models["m"].endpoint
    assert found.extra == endpoint["extra"] and str(found.temperature) == "0", "0.0 would have another fingerprint"
    assert as_json(config.models["m"].template) == '{"thinking": false}' and config.models["m"].template.date


def test_record_of_an_earlier_version_is_read_with_what_it_has() -> None:
    config = Config.read({"run": {"name": "old", "models": ["m"], "colour": "red"}, "scoring": {"level": 0.9}})
    assert config.run.name == "old" and config.run.groups is None and config.run.languages == ()
    assert config.scoring.level == 0.9 and config.scoring.draws == 2000 and config.scoring.contrasts == ()
    assert config.figures.style.language == "en" and config.arms == {}
    assert not hasattr(config.run, "survey") and not hasattr(config.run, "colour")


@pytest.mark.slow
def test_no_step_of_a_run_knows_the_config() -> None:
    for step in some(set(STEPS).difference(BY_HAND)):
        assert not [one for one in import_closure(STEPS[step]) if one.startswith("selfalign.config")], step


def test_language_is_filled_into_paths_in_one_place() -> None:
    assert fill_language("texts/{language}.csv", "en") == "texts/en.csv"
    places = [path for path in LIBRARY.rglob("*.py") if 'replace("{language}"' in path.read_text(encoding="utf-8")]
    assert places == [LIBRARY / "config" / "languages.py"]


@pytest.mark.parametrize("file", ["Snakefile", "workflow/rules/config.smk"])
def test_what_a_newcomer_reads_first_is_short(file: str) -> None:
    assert len(Path(ROOT, file).read_text(encoding="utf-8").splitlines()) <= 60


def test_number_in_a_section_that_may_be_null_is_read_from_text() -> None:
    schema = {"properties": {"readers": {"oneOf": [{"properties": {"noise": {"type": "number"}}}, {"type": "null"}]}}}
    assert as_meant({"readers": {"noise": "0.1"}}, schema) == {"readers": {"noise": 0.1}}
    assert as_meant({"readers": None}, schema) == {"readers": None}
