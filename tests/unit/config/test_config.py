"""The config: its models agree with its schema and with the configs that the project ships, and stay in their layer."""

import json
from pathlib import Path

import pytest
from configs import shipped
from project import ROOT
from selfalign.config.generate import SCHEMA, write_schema
from selfalign.config.languages import fill_language
from selfalign.config.reference import PAGE, write_reference
from selfalign.config.sections import Config
from selfalign.config.values import as_meant
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


def test_models_have_the_defaults_that_a_run_gets() -> None:
    config = shipped()
    dumped = json.loads(Config.model_validate(config).model_dump_json(exclude_unset=True))
    assert dumped == config


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minimal", "study", "paper_shares", "models_2026"])
def test_models_accept_shipped_configs(name: str) -> None:
    Config.model_validate(shipped(name))


@pytest.mark.slow
def test_no_step_of_a_run_knows_the_config() -> None:
    for step in set(STEPS) - BY_HAND:
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
