"""The size of a test with few batteries: the share of studies without an effect that have p < 0.05."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from selfalign.contrasts import Contrast
from selfalign.scoring.bootstrap import Resampling, estimate
from selfalign.scoring.panels import Panel, contrast_panel


def draw_studies(batteries: int, arms: list[str], part: int) -> Panel:
    """A panel whose models are 500 studies: arms with a mean of 0.5, in equal batteries that matter."""
    rng = np.random.default_rng([batteries, part])
    home = np.repeat(np.arange(batteries), 2)
    names = [[f"study{number:05d}" for number in range(500)], ["en"], arms, ["agreement"]]
    series = pd.MultiIndex.from_product(names, names=["model", "language", "arm", "measure"]).to_frame(index=False)
    shared, own = (0.1 * rng.normal(size=(size, len(series))) for size in (batteries, len(home)))
    value = 0.5 + shared[home] + own
    probes, ones = np.array([f"Q{number:03d}" for number in range(len(home))]), np.ones(len(home))
    return Panel(probes, home.astype(str), 0.7 * ones, ones, series, value, np.zeros_like(value), {}, {})


NOBODY = pd.DataFrame({"country": ["BOL"], "probe": ["Q000"], "respondents": [pd.NA], "shares": [np.array([])]})


@pytest.mark.parametrize("kind", ["arm", "contrast"])
@pytest.mark.parametrize("batteries", [3, 8])
def test_nominal_five_percent_is_five_percent_with_few_equal_batteries(batteries: int, kind: str) -> None:
    """The share of 12,000 studies without an effect with p < 0.05, within 3 Monte Carlo errors (0.6 points).

    Without the factor G / (G - 1) it is 7.2 % with 3 batteries and 6.3 % with 8, and the same bound rejects that.
    """
    parts, null = [draw_studies(batteries, ["own"], part) for part in range(24)], 0.5
    if kind == "contrast":
        both = [draw_studies(batteries, ["own", "zero"], part) for part in range(24)]
        parts, null = [contrast_panel(panel, [Contrast(arm="own", against="zero")]) for panel in both], 0.0
    # Of 1000 draws, the error of a standard error is 2 %, which moves the share by 0.02 points.
    how = Resampling(NOBODY, draws=1000, level=0.95, seed=1, resample=["batteries"])
    made = pd.concat(estimate({"BOL": part}, how, differences=True, null={"agreement": null}) for part in parts)
    made = made[made["country"] == "BOL"]
    assert len(made) == 12_000 and (made["df"].round(9) == batteries - 1).all()
    narrow = made["standard_error"] * np.sqrt((batteries - 1) / batteries)
    as_before = 2 * stats.t.sf((made["estimate"] - null).abs() / narrow, made["df"])
    error = np.sqrt(0.05 * 0.95 / len(made))
    assert (made["p"] < 0.05).mean() == pytest.approx(0.05, abs=3 * error)
    assert (as_before < 0.05).mean() > 0.05 + 3 * error
