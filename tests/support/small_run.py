"""The small experiment: four probes, two countries, three arms, and one model from the disk."""

import re
from copy import deepcopy
from pathlib import Path

import pandas as pd
from project import ROOT, Project

PROBES = {"Q4", "Q8", "Q164", "Q167"}
ANSWERS = "results/default/answers/local/en.parquet"


def settings(model: Path) -> dict:
    """An experiment of seconds: four probes, two countries, three arms, one model from the disk."""
    return {
        "surveys": {"example": {"source": {"file": "tiny/counts.csv"}}},
        "probes": {"bank": "tiny/probes.csv", "texts": "tiny/{language}.csv", "categories": [], "only": []},
        "models": {"local": {"label": "Small", "source": {"folder": str(model)}, "device": "cpu", "row_tokens": 160}},
        "run": {"models": ["local"], "languages": ["en"]},
        "languages": {"en": {"countries": ["MEX", "NGA"], "arms": ["zero_shot", "chrf", "chrf_other"]}},
        "arms": {name: {"shots": 1} for name in ("chrf", "chrf_other", "chrf_inverted")},
        "scoring": {"draws": 100, "readers": None, "contrasts": [["chrf", "zero_shot"], ["chrf", "chrf_other"]]},
        "figures": {"style": {"formats": ["png", "svg"]}, "calibration": {"arms": ["zero_shot", "chrf"]}},
    }


def write_small_inputs(project: Project) -> None:
    """Cut the bank and the English wordings down to a few probes, the survey to them and three countries."""
    (project.folder / "tiny").mkdir()
    for name, source in {"probes.csv": "probes.csv", "en.csv": "texts/en.csv"}.items():
        header, *rows = (project.folder / "resources" / "probes" / source).read_text(encoding="utf-8").splitlines(True)
        kept = [row for row in rows if row.partition(",")[0] in PROBES]
        assert len(kept) == len(PROBES)
        (project.folder / "tiny" / name).write_text(header + "".join(kept), encoding="utf-8")
    counts = pd.read_csv(ROOT / "resources/survey/example/counts.csv")
    some = counts["country"].isin(["DEU", "MEX", "NGA"]) & counts["question"].isin(PROBES)
    counts[some].to_csv(project.folder / "tiny" / "counts.csv", index=False)


def run_from_scratch(checkout: Project, folder: Path, config: dict, targets: list[str]) -> Project:
    """Run the small experiment in a new copy of the project."""
    project = checkout.copy(folder)
    write_small_inputs(project)
    run = project.snakemake(*targets, config=config)
    assert run.code == 0, run.output
    assert run.finished() == run.planned()
    assert not re.search("papermill|is extended by", run.output), "a warning that means nothing"
    return project


def changed(config: dict, *keys: str, value: object) -> dict:
    """Settings with one of them changed."""
    config = deepcopy(config)
    place = config
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    return config
