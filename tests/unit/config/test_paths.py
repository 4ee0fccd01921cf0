"""The files of a run follow from its config, without Snakemake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from configs import altered
from project import ROOT
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.config.sections import Config, Survey
from selfalign.config.surveys import find_surveys
from selfalign.errors import InputError


def paths_of(tmp_path: Path, **settings: object) -> Paths:
    """The paths of the default settings with others on top."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(settings))
    return Paths(read_config([path]))


@pytest.fixture(scope="module")
def default() -> Paths:
    """The paths of the default."""
    return Paths(altered())


def test_every_model_has_a_file_in_every_language(default: Paths) -> None:
    assert default.answers == [f"<run>/answers/smollm2-135m/{language}.parquet" for language in ("en", "es")]
    assert default.designs == ["<run>/design/en.parquet", "<run>/design/es.parquet"]
    models = default.each("{model}-{language}", models=["a", "b"])
    assert models == ["a-en", "a-es", "b-en", "b-es"]
    assert default.each("{model}-{language}", models=[]) == []


@pytest.mark.slow
def test_scores_across_models_are_those_of_the_languages_that_are_compared(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, figures={"asked_in": "es"})
    assert paths.scores_asked_in == ["<run>/scores/smollm2-135m/es.parquet"]
    first, *others = paths.scores_of_countries
    assert first == "<run>/scores/smollm2-135m/es.parquet"
    assert others == ["<run>/scores/smollm2-135m/en.parquet"]


@pytest.mark.slow
def test_tables_that_would_be_empty_are_not_made(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, languages={"en": {"arms": ["zero_shot"]}}, run={"languages": ["en"]})
    assert [Path(table).stem for table in paths.tables] == ["agreement", "worth", "metrics"]
    assert paths.figure_tables == []
    assert paths.latex == ["<run>/tables/latex/agreement.tex"]
    assert "contrasts" in paths.shown.skipped


@pytest.mark.slow
def test_file_that_the_run_skips_is_refused_if_it_is_asked_for(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, languages={"en": {"arms": ["zero_shot"]}}, run={"languages": ["en"]})
    paths.refuse_skipped([*paths.tables, *paths.figures, "results/default/people/map.csv", "results/default/run.json"])
    for file, reason in {
        "tables/verdicts.csv": "there are no two arms to compare",
        "figures/margins.png": "en runs no arm together with its other-country control",
        "tables/map_axes.csv": "scoring.map is off",
        "tables/latex/gains.tex": "en does not run its first arm",
        "tables/group_contrasts.csv": "run.groups is off",
    }.items():
        with pytest.raises(InputError, match=f"{Path(file).name}'?: this run does not make it: .*{reason}"):
            paths.refuse_skipped([f"results/default/{file}"])


@pytest.mark.slow
def test_figure_has_a_file_in_each_format(tmp_path: Path) -> None:
    paths = paths_of(tmp_path, figures={"style": {"formats": ["svg", "pdf"]}})
    assert paths.figure("gains") == ["<run>/figures/gains.svg", "<run>/figures/gains.pdf"]
    assert set(paths.figure("agreement")) <= set(paths.figures)


@pytest.mark.slow
def test_survey_of_respondents_has_tables_of_its_own(default: Paths, tmp_path: Path) -> None:
    folder = "results/shared/survey/example"
    assert default.responses == [f"{folder}/responses.parquet"]
    assert default.survey_tables == [f"{folder}/dictionary.csv", f"{folder}/quality.csv"]
    shares = Paths(altered("paper_shares"))
    assert shares.responses == shares.survey_tables == []


@pytest.mark.slow
def test_whole_scales_have_files_only_where_a_frame_asks_with_them(default: Paths, tmp_path: Path) -> None:
    assert default.spread == default.scale_scores == default.words("labels", "en") == []
    prompts, readouts = {"frames": ["words", "scale"]}, {"scale": "label"}
    paths = paths_of(tmp_path, prompts=prompts, scoring={"readouts": readouts}, run={"languages": ["en"]})
    assert paths.spread == ["results/default/people/scales.parquet"]
    assert paths.scale_scores == ["<run>/scales/smollm2-135m/en.parquet"]
    assert paths.words("labels", "en") == ["resources/survey/labels/en.csv"]
    assert set(paths.words("labels", "en")) <= set(paths.wordings)


@pytest.mark.slow
def test_words_are_those_of_all_languages_in_which_arms_speak(tmp_path: Path) -> None:
    arms = {"spanish": {"label": "Spanish", "shots": 5, "strategy": "chrf", "shown_in": "es"}}
    languages = {"en": {"arms": ["zero_shot", "spanish"]}}
    paths = paths_of(tmp_path, arms=arms, languages=languages, run={"languages": ["en"]})
    assert paths.words("texts", "en") == ["resources/probes/texts/en.csv", "resources/probes/texts/es.csv"]
    assert paths.words("personas", "en") == []
    assert paths.partly_read == {"resources/probes/probes.csv", *paths.words("texts", "en")}


def test_inputs_are_files_that_are_there_and_that_the_workflow_does_not_make(default: Paths) -> None:
    assert all((ROOT / file).is_file() for file in default.inputs)
    assert default.inputs == sorted(set(default.inputs))
    assert {"resources/probes/probes.csv", "resources/survey/scales.csv", "notebooks/explore.ipynb"} <= set(
        default.inputs
    )
    assert not any(file.startswith("results/") for file in default.inputs)


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ({"file": "mine.csv"}, "mine.csv"),
        ({"url": "https://example.org/a/b.zip?key=1#top", "sha256": "0"}, "<shared>/survey/s/download/b.zip"),
        ({"hub": "a/b", "revision": "0", "path": "data/c.json"}, "<shared>/survey/s/download/c.json"),
    ],
)
def test_file_of_a_survey_is_the_users_or_fetched(source: Mapping[str, Any], file: str) -> None:
    assert Survey.read({"source": source}, "s").file == file


def test_surveys_are_found_by_form_and_by_counts() -> None:
    surveys = {
        "a": {"form": "wvs7"},
        "b": {"form": "table"},
        "c": {"form": "table", "columns": {"count": "n"}},
    }
    config = Config.read({"surveys": surveys})
    assert find_surveys(config, "wvs7", "table") == ["a", "b", "c"]
    assert find_surveys(config, "table", counted=True) == ["c"]
    assert find_surveys(config, "table", counted=False) == ["b"]
