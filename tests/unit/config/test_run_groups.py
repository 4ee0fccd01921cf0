"""Settings of groups of people: what a run then has, and what is refused before it starts."""

from pathlib import Path

import pytest
import yaml
from grouped import write_planted
from places import ROOT
from selfalign.config.outputs import find_shown, list_contrasts, own_languages
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.config.sections import Config, GroupSettings
from selfalign.errors import InputError
from selfalign.figures.style import ENGLISH, Style, read_figure_texts

ARMS = ["zero_shot", "chrf", "chrf_other", "chrf_other_group", "chrf_country"]


def config_of(
    tmp_path: Path, groups: dict | None, survey: dict | None = None, arms: list[str] = ARMS, **more: object
) -> Config:
    """Settings of a run about a survey in the official form."""
    file = write_planted(tmp_path / "survey.csv")
    settings = {
        "surveys": {"mine": survey or {"form": "wvs7", "source": {"file": str(file)}}},
        "run": {"name": "groups", "survey": "mine", "languages": ["en"], "groups": groups},
        "languages": {"en": {"countries": ["DEU", "NGA"], "arms": arms}},
        **more,
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(settings))
    return read_config([path])


def told(tmp_path: Path, *arguments: object, **settings: object) -> str:
    with pytest.raises(InputError) as refused:
        config_of(tmp_path, *arguments, **settings)
    return str(refused.value)


@pytest.mark.slow
def test_run_about_groups_has_their_tables_and_contrasts(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"by": ["sex", "age"]})
    assert config.run.groups == GroupSettings(by=("sex", "age"), least=100, small="refuse")
    pairs = [one.setting for one in list_contrasts(config)]
    assert [["chrf", control] in pairs for control in ARMS[2:]] == [True] * 3
    paths = Paths(config)
    assert paths.distributions == "results/groups/people/distributions.parquet"
    assert {"<run>/tables/groups.csv", "<run>/tables/group_contrasts.csv"} <= set(paths.tables)
    assert paths.crosswalk in paths.inputs and paths.crosswalk.endswith("resources/survey/groups/wvs7.csv")
    ranked = config_of(tmp_path, {"by": ["sex", "age"]}, scoring={"country_ranks": {"least": 0.8}})
    shown, skipped = find_shown(ranked)
    assert "groups" in shown and "whole countries" in skipped["country_ranks"] and not own_languages(ranked)


@pytest.mark.slow
def test_run_about_countries_has_none_of_it() -> None:
    config = read_config([])
    paths = Paths(config)
    assert config.run.groups is None and "groups" not in find_shown(config)[0]
    assert paths.distributions == "results/shared/survey/example/distributions.parquet" and not paths.members


def test_groups_need_respondents_who_were_asked(tmp_path: Path) -> None:
    counts = {"form": "counts", "source": {"file": str(ROOT / "resources/survey/example/counts.csv")}}
    message = told(tmp_path, {"by": ["sex"]}, counts)
    assert "run.groups: groups of people need microdata" in message and "simulated respondents of no sex" in message
    shares = {"form": "shares", "source": {"file": str(ROOT / "resources/survey/shares/shares.csv")}}
    assert "the survey mine (form shares) has no respondents" in told(tmp_path, {"by": ["sex"]}, shares)


def test_arms_that_need_groups_are_refused_without(tmp_path: Path) -> None:
    message = told(tmp_path, None)
    assert "arms.chrf_other_group.answers, value 'other_group': needs groups" in message and "{by: [sex]}" in message
    assert config_of(tmp_path, None, arms=["zero_shot", "chrf", "chrf_other"]).run.groups is None


@pytest.mark.slow
def test_unknown_variable_is_refused_before_the_run(tmp_path: Path) -> None:
    message = told(tmp_path, {"by": ["gender"]})
    assert "run.groups.by, value 'gender'" in message and "Known are: age, education, settlement, sex" in message
    file = tmp_path / "groups.csv"
    file.write_text("variable,group,column,values\ngender,women,Q260,2\ngender,men,Q260,1\n", encoding="utf-8")
    survey = {"form": "wvs7", "source": {"file": str(tmp_path / "survey.csv")}, "groups": str(file)}
    config = config_of(tmp_path, {"by": ["gender"]}, survey)
    assert Paths(config).crosswalk == str(file) and str(file) in Paths(config).inputs


def test_own_table_needs_a_file_of_groups(tmp_path: Path) -> None:
    survey = {"form": "table", "source": {"file": str(tmp_path / "survey.csv")}, "questions": "q.csv", "citation": "x"}
    message = told(tmp_path, {"by": ["sex"]}, survey | {"country": "DEU"})
    assert "surveys.mine.groups: no file says which values make which group" in message and "docs/groups.md" in message


def test_groups_have_names_in_figures() -> None:
    english = Style({}, texts=read_figure_texts(ENGLISH))
    assert english.country("DEU.sex.female") == "Germany, women"
    assert english.country("DEU.region.far_north") == "Germany, far north"
    german = Style({}, language="de", texts=read_figure_texts(ENGLISH.with_name("de.yaml")))
    assert german.country("DEU.age.50+") == "Deutschland, 50 und älter"
