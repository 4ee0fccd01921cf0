"""Inputs of steps with one mistake."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from bank import BANK
from project import ROOT
from selfalign.cli import main

TEXTS = ROOT / "resources" / "probes" / "texts" / "en.csv"
TEMPLATES = ROOT / "resources" / "templates" / "en.yaml"


def design(folder: Path, arms: dict, templates: Path = TEMPLATES, frames: str | None = None) -> list[object]:
    """Arguments that design prompts over four probes which two countries answered."""
    bank, texts = BANK.head(4), pd.read_csv(TEXTS).head(4)
    poles = pd.DataFrame(
        [(country, probe, 100, 0, 0.3, 0.05, "B") for country in ("DEU", "MEX") for probe in bank["probe"]],
        columns=["country", "probe", "n", "neither", "share_a", "standard_error", "majority"],
    )
    (folder / "in").mkdir()
    bank.to_csv(folder / "in" / "probes.csv", index=False)
    texts.to_csv(folder / "in" / "en.csv", index=False)
    poles.to_parquet(folder / "in" / "poles.parquet")
    pairs = [(test, shown) for test in bank["probe"] for shown in bank["probe"] if test != shown]
    ranking = pd.DataFrame(pairs, columns=["probe", "candidate"])
    ranking = ranking.assign(seed=0, rank=ranking.groupby("probe").cumcount() + 1, similarity=50.0)
    ranking = ranking.assign(sibling=False, same_battery=False, same_category=True)
    columns = ["probe", "seed", "rank", "candidate", "similarity", "sibling", "same_battery", "same_category"]
    ranking[columns].to_parquet(folder / "in" / "chrf.parquet")
    inputs = [
        "--bank",
        folder / "in/probes.csv",
        f"--texts=en={folder / 'in/en.csv'}",
        "--poles",
        folder / "in/poles.parquet",
    ]
    settings = [
        "--arms",
        json.dumps(arms),
        "--countries",
        "DEU MEX",
        "--frames",
        frames or FRAME,
        f"--templates=en={templates}",
    ]
    outputs = ["--language", "en", "--design", folder / "design.parquet", "--prompts", folder / "prompts.parquet"]
    return ["design-prompts", folder / "in/chrf.parquet", *inputs, *settings, *outputs]


FRAME = "letters"


def take(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run the program, and see that it takes its input."""
    monkeypatch.setattr(sys, "argv", ["selfalign", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
