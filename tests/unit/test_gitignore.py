"""Git hides licensed survey data and shows every other new file."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from project import ROOT

LICENSED = [
    "WVS_Cross-National_Wave_7_csv_v6_0.zip",
    "WVS_Cross-National_Wave_7_csv_v6_0.csv",
    "F00011356-WVS_Cross-National_Wave_7_csv_v6_0.zip",
    "F00010734-WVS_Cross-National_Wave_7_Stata_v5_0.dta",
    "EVS_WVS_Joint_Csv_v5_0.csv",
    "WVS_TimeSeries_4_0.sav",
    "ZA7505_v5-0-0.csv",
    "mine.sav",
    "mine.dta",
    "mine.zip",
    "wvs7/answers.rds",
    "private/answers.csv",
]
CONTRIBUTED = [
    "crosswalk.csv",
    "scales.csv",
    "trends.csv",
    "wave8.csv",
    "questions/no.csv",
    "labels/sw.csv",
    "wave8/questions/en.csv",
    "shares/README.md",
    "latinobarometro.yaml",
    "example/counts.csv",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository that has this project's .gitignore and no other rule."""
    subprocess.run(["git", "init", "--quiet", "--template=", str(tmp_path)], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    return tmp_path


def is_ignored(repository: Path, name: str) -> bool:
    """Whether git ignores a file, whatever the user's own git configuration says."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", f"core.excludesFile={os.devnull}", "check-ignore", "--quiet", name]
    code = subprocess.run(command, cwd=repository, env={**os.environ, **own}).returncode
    assert code in (0, 1)
    return code == 0


@pytest.mark.parametrize("name", LICENSED)
def test_licensed_survey_data_stay_out_of_git(name: str, repository: Path) -> None:
    assert is_ignored(repository, f"resources/survey/{name}")


@pytest.mark.parametrize("name", CONTRIBUTED)
def test_contributed_survey_resources_are_shown(name: str, repository: Path) -> None:
    assert not is_ignored(repository, f"resources/survey/{name}")


@pytest.mark.slow
def test_no_tracked_file_of_the_project_is_ignored(repository: Path) -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    assert not [name for name in names if name.startswith("resources/") and is_ignored(repository, name)]
