"""Where a run is found, and the settings that it was made with."""

import json
from pathlib import Path

import pytest
from configs import altered, shipped
from project import ROOT, read_settings
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.errors import InputError
from selfalign.runs import Run, find_run


def test_run_is_found_by_name_or_folder(tmp_path: Path) -> None:
    for name in ("default", "trial", "shared"):
        (tmp_path / name).mkdir()
    assert find_run("trial", tmp_path) == find_run(f"{tmp_path}/trial/") == Run(tmp_path / "trial")
    assert Run(tmp_path / "trial").name == "trial"
    assert Run(tmp_path / "trial").shared == tmp_path / "shared"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("trail", 'Did you mean "trial"?'),
        ("shared", "Known are: default, trial."),
        ("x", "Known are"),
        ("", "Known are"),
    ],
)
def test_unknown_run_is_refused_with_those_that_there_are(name: str, remedy: str, tmp_path: Path) -> None:
    for folder in ("default", "trial", "shared"):
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError) as refusal:
        find_run(name, tmp_path)
    assert f'there is no run "{name}"' in str(refusal.value)
    assert remedy in str(refusal.value)


@pytest.mark.parametrize("inside", ["tables", "tables/agreement.csv", "none.csv"])
def test_path_inside_a_run_is_refused_with_the_name_of_the_run(inside: str, tmp_path: Path) -> None:
    (tmp_path / "trial" / "tables").mkdir(parents=True)
    (tmp_path / "trial" / "run.json").write_text("{}")
    (tmp_path / "trial" / "tables" / "agreement.csv").write_text("")
    with pytest.raises(InputError, match=r'is a path inside the run "trial"\. Name the run: trial\.$'):
        find_run(f"{tmp_path}/trial/{inside}", tmp_path)


def test_missing_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Run snakemake first"):
        find_run("default", tmp_path / "results")


def test_settings_of_a_run_are_in_its_record(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(InputError, match=r"run\.json.* is not there"):
        _ = run.config
    (tmp_path / "run.json").write_text(json.dumps({"config": {"run": {"name": "trial"}}}))
    assert run.config == {"run": {"name": "trial"}}
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="is not the record of a run"):
        _ = run.config


@pytest.mark.slow
def test_config_is_the_one_of_snakemake(tmp_path: Path) -> None:
    config = shipped("study")
    mine = read_settings(ROOT / "config/study.yaml")
    assert config["run"] == {**config["run"], **mine["run"], "name": "study", "languages": ["en"]}
    assert config["scoring"]["second_samples"] == 200, "the schema's defaults are filled in"
    (tmp_path / "trial.yaml").write_text("run: {name: trial}")
    assert read_config([ROOT / "config/study.yaml", tmp_path / "trial.yaml"]).run.name == "trial"


@pytest.mark.parametrize("text", ["run: [", "- 1", ""])
def test_config_file_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match="mine.yaml"):
        read_config([tmp_path / "mine.yaml"])
    with pytest.raises(InputError, match="there is no such config file"):
        read_config([tmp_path / "other.yaml"])


@pytest.mark.parametrize("name", ["shared", "My run", "../up", "", "a/b"])
def test_name_that_is_no_folder_of_a_run_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps({"run": {"name": name}}))
    with pytest.raises(InputError, match=r"run\.name"):
        read_config([tmp_path / "mine.yaml"])


@pytest.mark.slow
def test_each_shipped_config_has_a_name_of_its_own() -> None:
    names = {"config.yaml", "surveys.yaml", "languages.yaml", "models.yaml", "arms.yaml", "study_models.yaml"}
    studies = [path for path in sorted((ROOT / "config").glob("*.yaml")) if path.name not in names]
    assert [read_settings(path)["run"]["name"] for path in studies] == [path.stem for path in studies]
    assert read_settings()["run"]["name"] == "default"


def test_a_run_has_the_files_that_the_rules_make() -> None:
    config = altered()
    run, paths = Run(Path("results") / config.run.name), Paths(config)
    pairs = [(model, language) for model in config.run.models for language in config.run.languages]
    assert paths.answers == [filled(run.answers(*pair)) for pair in pairs]
    assert paths.scores() == [filled(run.scores(*pair)) for pair in pairs]
    assert paths.designs == [filled(run.design(language)) for language in config.run.languages]
    assert filled(run.table("agreement")) in paths.tables
    assert paths.survey == str(run.survey(config.run.survey))
    assert {str(run.card(model)) for model in config.run.models} <= set(paths.intermediate)


def filled(path: Path) -> str:
    """A file in the folder of a run, as Snakemake's path variables name it."""
    return f"<run>/{Path(*path.parts[2:])}"
