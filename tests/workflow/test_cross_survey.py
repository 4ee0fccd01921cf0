"""Test probes from an opinion table, demonstrations from the World Values Survey: a run of the real programs."""

import pandas as pd
from project import ROOT, Project
from selfalign.demonstrations.schemas import Ranking
from selfalign.prompts.schemas import Design
from selfalign.scoring.schemas import Contrasts
from selfalign.tables import read_table
from small_run import PROBES, settings
from two_surveys import write_second_survey

ARMS = ["zero_shot", "neutral", "random", "chrf", "chrf_other", "chrf_inverted"]
TARGETS = ["tables/contrasts.csv", "tables/demonstrations/en.csv", "people/bank.json", "run.json"]


def configure(project: Project, config: dict) -> dict:
    """The small experiment with invented test probes, and its files; three countries are in both surveys."""
    folder = project.folder / "tiny"
    folder.mkdir()
    counts = pd.read_csv(ROOT / "resources/survey/example/counts.csv")
    some = counts["country"].isin(["DEU", "GBR", "KEN"]) & counts["question"].isin(PROBES)
    counts[some].to_csv(folder / "counts.csv", index=False)
    write_second_survey(folder / "opinions.csv")
    return {
        **config,
        "surveys": {
            "example": {"source": {"file": "tiny/counts.csv"}},
            "second": {"form": "opinions", "source": {"file": "tiny/opinions.csv"}},
        },
        "probes": {"only": sorted(PROBES)},
        "test_probes": {"survey": "second"},
        "run": {**config["run"], "name": "crossed"},
        "languages": {"en": {"countries": ["DEU", "GBR", "KEN"], "arms": ARMS}},
        "arms": {name: {"shots": 1} for name in ARMS[1:]},
        "scoring": {**config["scoring"], "mixed": []},
    }


def test_run_tests_on_one_survey_and_shows_the_other(plain: Project, config: dict) -> None:
    mine = configure(plain, settings(config["models"]["local"]["source"]["folder"]))
    run = plain.snakemake(*(f"results/crossed/{target}" for target in TARGETS), config=mine)
    assert run.code == 0, run.output
    assert run.finished()["draft_opinion_probes"] == run.finished()["join_people"] == 1
    folder = plain.folder / "results" / "crossed"
    tests = set(pd.read_csv(folder / "probes" / "selected.csv")["probe"])
    assert len(tests) == 4 and not tests & PROBES
    design = read_table(folder / "design" / "en.parquet", Design)
    assert set(design["arm"]) == set(ARMS) and set(design["probe"]) == tests
    ranking = read_table(folder / "demonstrations" / "en" / "chrf.parquet", Ranking)
    assert set(ranking["candidate"]) == PROBES
    contrasts = read_table(folder / "tables" / "contrasts.csv", Contrasts)
    margin = contrasts[(contrasts["arm"] == "chrf") & (contrasts["against"] == "chrf_other")]
    assert margin["estimate"].notna().any() and margin["low"].notna().any()
    again = plain.snakemake(*(f"results/crossed/{target}" for target in TARGETS), config=mine)
    assert again.code == 0 and not again.finished(), again.output
