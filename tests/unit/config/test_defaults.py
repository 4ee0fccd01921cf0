"""The files that settings name."""

from pathlib import Path

import pytest
from selfalign.config.defaults import list_files


def test_files_that_settings_name_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("mine.csv", "other.csv", "results/shared/arora/probes.csv", "arora/en.csv", "arora/log/en.txt"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text("x")
    settings = {
        "surveys": {
            "mine": {"form": "table", "source": {"file": "mine.csv"}, "questions": "gone.csv"},
            "other": {"source": {"file": "other.csv"}},
        },
        "probes": {"bank": "results/shared/arora/probes.csv", "texts": "texts/{language}.csv", "arora": "arora"},
        "models": {"local": {"source": {"folder": "arora"}}},
        "scoring": {"map": None},
    }
    assert list_files(settings, ["mine"]) == ["arora/en.csv", "arora/log/en.txt", "mine.csv"]


def test_text_that_is_no_path_may_be_long(tmp_path: Path) -> None:
    """A name of a file has at most 255 bytes. A citation of the WVS has more before its first slash."""
    (tmp_path / "mine.csv").touch()
    mine = {"source": {"file": str(tmp_path / "mine.csv")}, "citation": "Haerpfer, C., Inglehart, R. et al. " * 20}
    assert list_files({"surveys": {"mine": mine}}, ["mine"]) == [str(tmp_path / "mine.csv")]
