"""Survey files under the names that their sites give them, and the languages that a config means."""

from pathlib import Path

import pytest
from selfalign.config.check_files import check_files
from selfalign.config.defaults import DEFAULTS, fill_in, locate_files
from selfalign.config.read import read_config
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.home import HOME
from selfalign.survey.find_file import find_file, suggest_files

PLAIN = "WVS_Cross-National_Wave_7_csv_v6_0.zip"
NUMBERED = f"F00011356-{PLAIN}"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(("asked", "there"), [(PLAIN, PLAIN), (PLAIN, NUMBERED), (NUMBERED, PLAIN)])
def test_file_is_found_with_and_without_the_number_of_its_download(asked: str, there: str, tmp_path: Path) -> None:
    touch(tmp_path, there, "F00011931-WVS_Time_Series_1981-2022_csv_v5_0.zip", "F00011356.zip")
    assert find_file(tmp_path / asked) == tmp_path / there


def test_exact_name_comes_first_and_two_numbers_are_not_guessed(tmp_path: Path) -> None:
    touch(tmp_path, NUMBERED, f"F00010736-{PLAIN}")
    assert find_file(tmp_path / PLAIN) is None
    assert f"F00010736-{PLAIN}, {NUMBERED}" in suggest_files(tmp_path / PLAIN)
    touch(tmp_path, PLAIN)
    assert find_file(tmp_path / PLAIN) == tmp_path / PLAIN


@pytest.mark.parametrize(
    "there",
    [
        "F00010736-WVS_Cross-National_Wave_7_csv_v5_0.zip",
        "F00011357-WVS_Cross-National_Wave_7_spss_v6_0.zip",
        "F00011356-WVS_Cross-National_Wave_7_csv_v6_0 (1).zip",
        "WVS_Cross-National_Wave_7_csv_v6_0.csv",
        "wvs_cross-national_wave_7_csv_v6_0.ZIP",
        "F00011356-WVS_Cross-National_Wave_7_csv_v6_0/WVS_Cross-National_Wave_7_csv_v6_0.csv",
    ],
    ids=["version", "format", "copy", "unzipped", "case", "folder"],
)
def test_near_names_are_named_and_not_taken(there: str, tmp_path: Path) -> None:
    touch(tmp_path, there, "readme.txt", "ZA7505_v4-0-0.sav")
    assert find_file(tmp_path / PLAIN) is None
    assert (
        suggest_files(tmp_path / PLAIN)
        == f"{tmp_path} has {there}. If this is the file, write its name into the config"
    )


def test_nothing_is_suggested_for_a_file_unlike_all_others(tmp_path: Path) -> None:
    touch(tmp_path, "ZA7505_v4-0-0.sav")
    assert suggest_files(tmp_path / PLAIN) == suggest_files(tmp_path / "none" / PLAIN) == ""


@pytest.mark.slow
def test_run_reads_the_numbered_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, f"resources/survey/{NUMBERED}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        "run: {survey: wvs7}\nlanguages: {en: {countries: [DEU, JPN, TUR]}}\n", encoding="utf-8"
    )
    config = read_config([Path("mine.yaml")])
    assert config.survey.file == f"resources/survey/{NUMBERED}"
    assert config.run.languages == ("en",)


def test_error_of_a_missing_file_lists_existing_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "resources/survey/WVS_Cross-National_Wave_7_csv_v5_0.zip")
    monkeypatch.chdir(tmp_path)
    config = {"run": {"survey": "wvs7"}}
    fill_in(config, [HOME / file for file in DEFAULTS])
    locate_files(config, HOME)
    with pytest.raises(
        InputError, match=r"no such file\. resources/survey has WVS_Cross-National_Wave_7_csv_v5_0\.zip"
    ):
        check_files(Config.read(config))


@pytest.mark.parametrize(
    ("settings", "languages"),
    [
        ({}, ["en", "es"]),
        ({"languages": {"en": {"countries": ["DEU", "JPN"]}}}, ["en"]),
        ({"languages": {"de": {"countries": ["DEU"]}, "en": {"countries": ["DEU", "JPN"]}}}, ["de", "en"]),
        ({"languages": {"en": {"arms": ["zero_shot", "chrf"]}}}, ["en", "es"]),
        ({"languages": {"en": {"countries": ["DEU"]}}, "run": {"languages": ["en", "de"]}}, ["en", "de"]),
        ({"languages": {"en": {"countries": ["DEU"]}}, "run": {"survey": "wvs7"}}, ["en"]),
    ],
    ids=["default", "one", "two", "arms only", "named", "other keys of run"],
)
def test_languages_are_those_whose_countries_a_config_names(settings: dict, languages: list[str]) -> None:
    fill_in(settings, [HOME / file for file in DEFAULTS])
    assert settings["run"]["languages"] == languages


def test_an_empty_mapping_replaces_a_list_of_the_defaults() -> None:
    """Snakemake's `update_config` keeps the list, so that a run would have models that its config does not name."""
    settings = {"run": {"models": {}}}
    fill_in(settings, [HOME / file for file in DEFAULTS])
    assert settings["run"]["models"] == {}
