"""Readers in the design of the study, without a model: the pages have the numbers of the fixed rules."""

import pandas as pd
import pytest
from project import ROOT
from readers import CONTRASTS, FRAME, estimate_of, score_symmetric
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from selfalign.home import HOME
from selfalign.plan.designs import Designer
from selfalign.plan.people import read_people
from selfalign.runs import Run
from selfalign.scoring.score_readers import score_readers

pytestmark = pytest.mark.slow
STUDY = ROOT / "config" / "study.yaml"


def test_the_pages_have_the_agreement_of_the_fixed_rules_and_of_the_baselines() -> None:
    found = estimate_of(STUDY, rules=True, draws=10_000).set_index("reader")
    assert (found["probes"] == 255).all()
    page = (ROOT / "docs" / "findings" / "demonstrations.md").read_text(encoding="utf-8")
    said = {"always_a": "Always pole A agrees on {} of the statements", "shorter_option": "the shorter option on {}"}
    for reader, text in said.items():
        value, low, high = 100 * found.loc[reader, ["estimate", "main_low", "main_high"]]
        assert text.format(f"{value:.1f} % [{low:.1f}, {high:.1f}]") in page
    page = (ROOT / "docs" / "findings" / "agreement.md").read_text(encoding="utf-8")
    kept = pd.read_csv(ROOT / "docs/findings/study/tables/metrics.csv").query(
        "arm == 'zero_shot' and metric == 'agreement'"
    )
    for name, text in {
        "world": "{} for the majority of all other countries",
        "nearest": "{} for the nearest one",
    }.items():
        value, low, high = 100 * found.loc[name, ["estimate", "main_low", "main_high"]]
        assert value == pytest.approx(100 * kept[name].iloc[0], abs=0.05)
        assert text.format(f"{value:.1f} % [{low:.1f}, {high:.1f}]") in page
    assert found.loc["first_option", "estimate"] == pytest.approx(0.5)


def test_the_symmetric_reader_differs_only_where_another_country_is_shown() -> None:
    settings = read_settings([STUDY])
    own, other = CONTRASTS[1].arm, CONTRASTS[1].against
    settings["languages"]["en"] |= {"countries": ["CHN", "DEU", "NGA"], "arms": [own, other]}
    run, config = Run(HOME / "results" / "study"), Config.read(settings)
    known, probes = read_people(config, run, on_scales=False)
    laid = Designer(config, known, probes, run).lay_out("en")
    assert set(laid.cells["template"]) == {FRAME}
    given = (laid.cells, laid.prompts, known.poles, known.bank, 0.1)
    keys = ["country", "arm", "source", "probe"]
    ideal = score_readers(*given).query("model == 'ideal_reader'").set_index(keys).sort_index()
    symmetric = score_symmetric(*given).set_index(keys).sort_index()
    pd.testing.assert_index_equal(ideal.index, symmetric.index)
    moved = (ideal["p_a"] - symmetric["p_a"]).abs() > 1e-9
    is_own = ideal.index.get_level_values("source") == ideal.index.get_level_values("country")
    assert not moved[is_own].any()
    assert moved[~is_own].mean() > 0.5
