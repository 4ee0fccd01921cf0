"""Components of variance, and the errors that follow from them."""

import numpy as np
import pandas as pd
import pytest
from planning import SHIPPED
from scipy import stats
from selfalign.config.read import read_config
from selfalign.contrasts import Contrast
from selfalign.plan import variances


def test_components_give_the_variance_of_a_mean() -> None:
    """Stances that countries share, help that they share, and chance: the planted variances are found again."""
    generator = np.random.default_rng(3)
    batteries, size, countries = 150, 4, 6
    home = np.repeat(np.arange(batteries), size)
    poles = generator.choice([-1.0, 1.0], (len(home), countries))
    stance = 0.5 * generator.normal(size=(batteries, 1))[home] + 0.6 * generator.normal(size=(len(home), 1))
    level = 0.3 * generator.normal(size=(batteries, 1))[home]
    chance = 0.4 * generator.normal(size=(len(home), countries))
    parts = variances.find_parts(poles * stance + level + chance, poles, home)
    planted = {"variance": 0.86, "probe_level": 0.09, "probe_stance": 0.61, "battery_level": 0.09}
    planted |= {"battery_stance": 0.25, "both_level": 0.09, "both_stance": 0.25}
    assert parts == pytest.approx(planted, abs=0.06)

    def error(countries: int, alike: float) -> float:
        drawn = np.where(generator.random((len(home), countries)) < alike, 1.0, -1.0)
        return variances.expect_errors(pd.DataFrame([planted]), drawn, home)[0][0]

    probes = len(home)
    assert error(1, 1.0) == pytest.approx(np.sqrt((0.86 + 3 * 0.34) / probes), rel=0.01)
    all_agree = 0.09 + 0.61 + 0.16 / 6 + 3 * 0.34  # of the stances, nothing averages out
    assert error(6, 1.0) == pytest.approx(np.sqrt(all_agree / probes), rel=0.01)
    unrelated = 0.09 + 0.61 / 6 + 0.16 / 6 + 3 * 0.09  # majorities that differ by chance average stances out
    assert error(6, 0.5) == pytest.approx(np.sqrt(unrelated / probes), rel=0.06)


def test_share_of_found_differences_is_the_plans_power() -> None:
    (found,) = variances.reach(np.array([0.04]), np.array([12.0]), 0.95)
    generator = np.random.default_rng(5)
    t = (found + 0.04 * generator.normal(size=40_000)) / (0.04 * np.sqrt(generator.chisquare(12, 40_000) / 12))
    assert np.mean(np.abs(t) > stats.t.ppf(0.975, 12)) == pytest.approx(0.8, abs=0.01)


def test_arms_that_never_differ_have_a_plan() -> None:
    poles, home = np.where(np.arange(24).reshape(12, 2) % 3, 1.0, -1.0), np.arange(12) // 3
    parts = pd.DataFrame([variances.find_parts(np.zeros((12, 2)), poles, home)])
    error, freedom = variances.expect_errors(parts, poles, home)
    assert error == [0] and freedom == [3]
    assert variances.reach(error, freedom, 0.95) == [0]


@pytest.mark.slow
def test_components_are_those_of_the_likest_contrasts() -> None:
    table = variances.read_variances(SHIPPED)
    arms = read_config([]).arms
    main = variances.describe_contrast(Contrast(arm="chrf", against="chrf_other"), arms)
    assert main == {"name": "chrf - chrf_other", "kind": "similar, own - similar, other", "family": "country"}
    rows, why = variances.find_rows(table, main["kind"], main["family"], ["smollm2-135m"])
    assert (list(rows["study"]), why) == (["study"], "same model")
    rows, why = variances.find_rows(table, main["kind"], main["family"], ["another"])
    assert (len(rows), why) == (4, "same contrast")
    family = variances.describe_contrast(Contrast(arm="bm25", against="embedding"), arms)
    rows, why = variances.find_rows(table, family["kind"] + "x", family["family"], ["smollm2-135m"])
    assert set(rows["family"]) == {"selection"} and why == "like contrasts"
