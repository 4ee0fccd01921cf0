"""The config snippets of the documentation: each is planned as it is written."""

import re
from pathlib import Path

import pytest
import yaml
from project import ROOT, Batch, Project, Run
from selfalign.config.generate import make_schema

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *(ROOT / "config").glob("*.md")])
SECTIONS = set(make_schema()["properties"])
STAND_INS = {"<full commit hash>": "a" * 40, "<64 digits>": "a" * 64}
"""What stands for a value that only the reader knows."""


def find_configs() -> dict[str, dict]:
    """Every YAML block of the documentation that is a config, by page and line."""
    found = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^```yaml.*\n((?:.*\n)*?)```", text, re.MULTILINE):
            written = block[1]
            for placeholder, value in STAND_INS.items():
                written = written.replace(placeholder, value)
            try:
                config = yaml.safe_load(written)
            except yaml.YAMLError:
                continue  # several forms of one key below each other, as config/models.md lists them
            if isinstance(config, dict) and set(config) <= SECTIONS:
                line = text.count("\n", 0, block.start()) + 1
                found[f"{page.relative_to(ROOT)}:{line}"] = config
    return found


CONFIGS = find_configs()


def make_files(project: Project) -> None:
    """Files and folders that the snippets name and the user has to bring; a dry run does not read them."""
    for config in CONFIGS.values():
        for survey in config.get("surveys", {}).values():
            if file := survey.get("source", {}).get("file"):
                (project.folder / file).parent.mkdir(parents=True, exist_ok=True)
                (project.folder / file).touch()
        for model in config.get("models", {}).values():
            folder = project.folder / model.get("source", {}).get("folder", "")
            if folder != project.folder and folder.is_relative_to(project.folder):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "model.gguf").touch()


@pytest.fixture(scope="module")
def planned(checkout: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    project = checkout.copy(tmp_path_factory.mktemp("snippets") / "project")
    make_files(project)
    runs = Batch(project).runs(CONFIGS, "--dry-run", "--printshellcmds")
    return {name: run for name, (run, _) in runs.items()}


def test_snippets_are_found() -> None:
    pages = {Path(name.partition(":")[0]).name for name in CONFIGS}
    assert {"running.md", "official_survey.md", "devices.md", "endpoints.md"} <= pages


@pytest.mark.parametrize("name", [name for name, config in CONFIGS.items() if "run" in config])
def test_config_of_another_study_has_a_name_of_its_own(name: str) -> None:
    """Without `run.name`, it would replace the results of the run `default`."""
    run = CONFIGS[name]["run"]
    if "name" not in run:
        assert not run.keys() & {"survey", "models", "languages"}


@pytest.mark.parametrize("name", [name for name in CONFIGS if "arora" not in name])
def test_config_of_the_documentation_is_planned_as_written(name: str, planned: dict[str, Run]) -> None:
    assert planned[name].code == 0, planned[name].output[-2000:]


def test_snippet_with_an_own_copy_asks_for_the_copy(planned: dict[str, Run]) -> None:
    runs = [planned[name] for name in CONFIGS if "arora" in name]
    assert runs
    for run in runs:
        assert "config: probes.arora, value '/data/arora': there is no such folder" in run.output


def test_own_survey_asks_about_the_countries_that_it_names(planned: dict[str, Run]) -> None:
    names = [name for name, config in CONFIGS.items() if config.get("run", {}).get("survey") == "wvs7"]
    assert names
    for name in names:
        named = {one for language in CONFIGS[name]["languages"].values() for one in language["countries"]}
        assert re.findall(r"map-poles .*--countries '([A-Z ]+)'", planned[name].output) == [" ".join(sorted(named))]
        assert "answers/smollm2-135m/es" not in planned[name].output
