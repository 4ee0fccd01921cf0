"""Own minus other country in groups of questions: models and readers of a run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import DEFAULT_BANK
from estimating import complete, people, scores
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
