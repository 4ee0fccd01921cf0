"""Own minus other country in groups of questions: models and readers of a run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import DEFAULT_BANK
from estimating import complete, people, scores
from pages import read_page
from project import ROOT
from question_groups import estimate_groups
from selfalign.probes.kinds import read_kinds
from selfalign.probes.schemas import Poles, Replicates
from selfalign.runs import Run
from selfalign.scoring.schemas import EVERY_ARM, Scores
from selfalign.tables import write_table

KINDS = read_kinds(ROOT / "resources/probes/kinds.csv")["kind"]


def write_run(folder: Path) -> None:
    """A run in which the model reads nothing, and the reader agrees with values if it sees own answers."""
    arms = [f"{arm}{other}" for arm in ("chrf", "chrf_without_battery") for other in ("", "_other")]
    cells = scores(dict.fromkeys(arms, 0.0)).assign(p_a=0.9)
    cells["source"] = cells["country"].where(~cells["arm"].str.endswith("_other"), "DEU")
    reads = cells["probe"].map(KINDS).eq("value") & cells["arm"].str.endswith("_other")
    copier = cells.assign(model="copier", p_a=np.where(reads, 0.1, 0.9))
    rule = cells[cells["arm"] == "chrf"].assign(model="always_a", arm=EVERY_ARM, source="")
    write_table(complete(cells), folder / "scores" / "m" / "en.parquet", Scores)
    write_table(complete(pd.concat([copier, rule])), folder / "readers" / "en.parquet", Scores)
    poles = pd.DataFrame([(c, p) for c in ("BOL", "DEU", "MEX") for p in DEFAULT_BANK["probe"]])
    poles = poles.set_axis(["country", "probe"], axis=1).assign(n=900, neither=0, share_a=0.7, standard_error=0.01)
    poles["majority"] = poles["country"].map({"BOL": "A", "DEU": "B", "MEX": "A"})
    write_table(poles[Poles.names()], folder / "people" / "poles.parquet", Poles)
    write_table(people(cells)[Replicates.names()], folder / "people" / "replicates.parquet", Replicates)
    scoring = {"level": 0.95, "seed": 1, "resample": ["batteries"], "families": ["measure", "scope"]}
    (folder / "run.json").write_text(json.dumps({"config": {"scoring": scoring}}), encoding="utf-8")


@pytest.mark.slow
def test_readers_have_the_groups_of_models(tmp_path: Path) -> None:
    write_run(tmp_path)
    table = estimate_groups(Run(tmp_path), "en", 50)
    assert set(table["model"]) == {"m", "copier"}, "a fixed rule has no arms"
    assert {"value", "attitude", "discriminating", "category:religion"} <= set(table["alternative"])
    margins = table.set_index(["model", "arm", "alternative"])["estimate"]
    assert (margins["m"] == 0).all()
    for arm in ("chrf", "chrf_without_battery"):
        assert margins["copier", arm, "value"] == 1 and margins["copier", arm, "attitude"] == 0
        assert 0 < margins["copier", arm, "main"] < 1


def test_kept_margins_of_all_probes_are_those_of_the_run() -> None:
    tables = ROOT / "docs" / "findings"
    margins = pd.read_csv(tables / "programs/tables/question_groups.csv")
    run = pd.read_csv(tables / "study_replies/tables/verdicts.csv").query("measure == 'agreement' and beyond.isna()")
    keys, ends = ["model", "arm", "against"], ["estimate", "main_low", "main_high"]
    both = margins.query("alternative == 'main'").merge(run, on=keys, suffixes=("", "_run"))
    assert len(both) == 2 * run["model"].nunique()
    for name in ends:
        assert both[name].to_numpy() == pytest.approx(both[f"{name}_run"].to_numpy(), abs=2e-6)
    models = margins[margins["model"].isin(["copier", "ideal_reader"]).eq(False)]
    groups = ["main", "value", "attitude", "value_attitude", "other", "without_forced", "discriminating"]
    others = models[(models["arm"] == "chrf_without_battery") & models["alternative"].isin(groups)]
    outside = others[(others["main_low"] > 0) | (others["main_high"] < 0)]
    assert outside[["model", "alternative"]].to_numpy().tolist() == [["qwen2.5-coder-0.5b", "discriminating"]]
    assert f"One of the models' {len(others)} intervals without the battery" in read_page("findings/questions.md")
