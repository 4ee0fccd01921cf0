"""Own minus other country in groups of probes by the number of demonstrations with their options."""

from pathlib import Path

import pandas as pd
import pytest
import shared_options
from pages import read_page
from project import ROOT
from selfalign.runs import Run

TABLES = ROOT / "docs" / "findings"
READERS = ["copier", "ideal_reader"]


def read_kept() -> pd.DataFrame:
    return pd.read_csv(TABLES / "programs/tables/shared_options.csv", keep_default_na=False, na_values=[""])


def test_probes_are_grouped_by_their_mean_over_countries(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = pd.DataFrame({"probe": ["Q1", "Q1", "Q2", "Q2", "Q3"], "a": [0, 1, 1, 0, 3], "b": [0, 0, 0, 1, 2]})
    monkeypatch.setattr(shared_options, "count_own_options", lambda *_: counts)
    groups = shared_options.group_probes(Run(Path("none")), "en", "chrf")
    assert groups == {"none": {"Q1"}, "1 to 3": {"Q2"}, "4 or 5": {"Q3"}}


def test_kept_groups_make_up_the_margin_of_the_run() -> None:
    table = read_kept()
    run = pd.read_csv(TABLES / "study_replies/tables/verdicts.csv").query("measure == 'agreement' and beyond.isna()")
    run = run.set_index(["model", "arm", "against"])["estimate"]
    models = table[~table["model"].isin(READERS)]
    margins = models.groupby(["model", "arm", "against"])
    assert margins.ngroups == 8
    for key, rows in margins:
        assert rows["probes"].sum() == 255
        mean = (rows["estimate"] * rows["probes"]).sum() / 255
        assert mean == pytest.approx(run[key], abs=0.001), "countries lack few probes"


def test_the_page_has_the_margins_of_the_groups() -> None:
    page = read_page("findings/demonstrations.md")
    table = read_kept().set_index(["arm", "group"]).sort_index()
    models = table[~table["model"].isin(READERS)]
    none, some, most = (
        100 * models.loc[("chrf", group)].set_index("model")[["estimate", "main_low", "main_high"]]
        for group in shared_options.GROUPS
    )
    least, *_, largest = none.sort_values("estimate").to_numpy()
    said = "{:.1f} [{:.1f}, {:.1f}]"
    assert f"the models have {said.format(*least)} to {said.format(*largest)}, and no interval ends above" in page
    assert f"no interval ends above {none['main_high'].max():.1f} points." in page
    assert (none["main_low"] < 0).all()
    ideal = table[table["model"] == "ideal_reader"].loc[("chrf", "none"), ["estimate", "main_low", "main_high"]]
    assert f"The ideal reader has {said.format(*(100 * ideal.to_numpy().ravel()))} there" in page
    ends = (
        f"{some['estimate'].min():.1f} to {some['estimate'].max():.1f} points**, and two of four intervals exclude 0."
    )
    assert f"the models have {ends}" in page and (some["main_low"] > 0).sum() == 2
    ends = f"{most['estimate'].min():.1f} to {most['estimate'].max():.1f} points, and no interval excludes 0."
    assert f"they have {ends}" in page and (most["main_low"] < 0).all()
    others = models.loc["chrf_without_battery"]
    (outside,) = others[(others["main_low"] > 0) | (others["main_high"] < 0)].reset_index().to_dict("records")
    assert len(others) == 8 and (outside["model"], outside["group"]) == ("qwen2.5-coder-0.5b", "none")
    points = said.format(*(100 * outside[name] for name in ("estimate", "main_low", "main_high")))
    assert f"Qwen-0.5B has {points} in the first group (*p* = {outside['main_p']:.3f})" in page
