"""Settings of a run with test probes from another survey than its demonstrations."""

from pathlib import Path

import pytest
import yaml
from project import ROOT
from refusal import assert_one_paragraph
from selfalign.config.paths import Paths
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.errors import InputError

PEW = ROOT / "config" / "pew.yaml"


def read(folder: Path, **settings: object) -> Config:
    """The shipped config of two surveys with other settings on top."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return read_config([PEW, path])


@pytest.mark.slow
def test_shipped_config_runs_arms_that_two_surveys_have(tmp_path: Path) -> None:
    paths = Paths(read(tmp_path))
    assert paths.tests is not None and paths.tests.source == "GAS"
    assert "<run>/tables/contrasts.csv" in paths.tables and "<run>/tables/readers.csv" in paths.tables
    assert "results/shared/survey/global_opinions/distributions.parquet" in paths.intermediate
    assert paths.survey_tables, "the survey of the demonstrations has respondents"
    assert paths.tested_responses == []


@pytest.mark.slow
def test_reviewed_table_takes_the_place_of_the_draft(tmp_path: Path) -> None:
    table = tmp_path / "reviewed.csv"
    table.write_text(
        "question,pole_a,pole_b,statement,option_a,option_b\nG1,1,2,Tea is ___.,good,bad\n", encoding="utf-8"
    )
    paths = Paths(read(tmp_path, test_probes={"table": str(table)}))
    assert paths.probes.test_table == str(table) and str(table) in paths.inputs
    assert Paths(read(tmp_path)).probes.test_table == "results/pew/probes/draft.csv"


@pytest.mark.slow
def test_one_survey_has_the_files_that_it_had() -> None:
    paths = Paths(read_config([]))
    assert paths.tests is None
    assert paths.probes.tested_bank == paths.probes.bank and paths.probes.texts("en") == paths.probes.bank_texts("en")
    assert paths.probes.all == "<run>/probes/selected.csv" and paths.all_poles == "<run>/people/poles.parquet"
    assert paths.tested_responses == paths.responses
    assert not any("draft" in file or "joined" in file for file in paths.intermediate)


@pytest.mark.slow
def test_map_is_skipped(tmp_path: Path) -> None:
    paths = Paths(read(tmp_path, scoring={"map": {}}))
    assert "World Values Survey" in paths.shown.skipped["map"]


TABLE = "question,pole_a,pole_b,battery,statement,option_a,option_b\nG1,1,2,child_qualities,Tea is ___.,good,bad\n"


@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        ({"test_probes": {"survey": "wvs7"}}, ["test_probes.survey", "'wvs7'", "form wvs7", "expected form opinions"]),
        ({"test_probes": {"survey": "pew"}}, ["test_probes.survey", "'pew'", "is not a survey"]),
        ({"run": {"survey": "global_opinions"}}, ["test_probes.survey", "also the survey of the demonstrations"]),
        ({"run": {"languages": ["en", "es"]}}, ["run.languages", "'es'", "in en only"]),
        (
            {"languages": {"en": {"arms": ["zero_shot", "chrf_without_battery"]}}},
            ["arms.chrf_without_battery.exclude", "'battery'", "shares no battery", "exclude: [siblings]"],
        ),
        ({"prompts": {"frames": ["scale"]}}, ["prompts.frames", "'scale'", "two poles only"]),
        ({"test_probes": {"table": "none.csv"}}, ["test_probes.table", "'none.csv'", "no such file", "the draft"]),
        ({"test_probes": {"table": "{folder}/t.csv"}}, ["t.csv", "line 2", "'child_qualities'", "share no battery"]),
        ({"test_probes": {"tabel": "t.csv"}}, ['"tabel"', 'Did you mean "table"']),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict, tells: list[str], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    filled = yaml.safe_load(yaml.safe_dump(settings).replace("{folder}", str(tmp_path)))
    with pytest.raises(InputError) as refused:
        read(tmp_path, **filled)
    assert_one_paragraph(f"selfalign: {refused.value}\n", tells)


@pytest.mark.slow
def test_siblings_that_no_demonstration_has_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE.replace("battery", "siblings").replace("child_qualities", "Q57 Q57a"))
    with pytest.raises(InputError) as refused:
        read(tmp_path, test_probes={"table": str(tmp_path / "t.csv")})
    tells = ["t.csv, line 2", "siblings", "'Q57a'", "no demonstration has these siblings", 'Did you mean "Q57"?']
    assert_one_paragraph(f"selfalign: {refused.value}\n", tells)
    (tmp_path / "t.csv").write_text(TABLE.replace("battery", "siblings").replace("child_qualities", "Q57 G1 Q234"))
    read(tmp_path, test_probes={"table": str(tmp_path / "t.csv")})


@pytest.mark.slow
def test_category_without_a_common_category_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE.replace("child_qualities", "tea"), encoding="utf-8")
    settings = {"languages": {"en": {"arms": ["zero_shot", "category"]}}}
    with pytest.raises(InputError, match=r"arms\.category, .*test probe G1 has 0 of the 5 candidates"):
        read(tmp_path, test_probes={"table": str(tmp_path / "t.csv")}, **settings)
