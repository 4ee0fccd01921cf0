"""Numbers of each arm of a cultural map, for points whose distances are known."""

import numpy as np
import pandas as pd
import pytest
from map_summary import MEASURES, estimate, measure_distance_gap, summarise
from scipy import stats
from selfalign.scoring.map_schemas import PEOPLE

HOME = {"AAA": (0.0, 0.0), "BBB": (4.0, 0.0), "CCC": (0.0, 2.0), "DDD": (4.0, 2.0)}
"""The people: a rectangle."""


def points_of(model: str, arm: str, places: dict[str, tuple[float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(places, index=["survival", "traditional"]).T.rename_axis("country").reset_index()
    return table.assign(model=model, arm=arm, language="" if model == PEOPLE else "en", view="options")


@pytest.fixture
def points() -> pd.DataFrame:
    """A model that goes half of the way on the survival axis, from the middle of the people, and none on the other."""
    half = {country: (1 + x / 2, 1.0) for country, (x, _) in HOME.items()}
    middle = dict.fromkeys(HOME, (2.0, 1.0))
    return pd.concat([points_of(PEOPLE, "", HOME), points_of("m", "zero_shot", middle), points_of("m", "chrf", half)])


def test_measures_of_a_known_map(points: pd.DataFrame) -> None:
    found = summarise(points).set_index("arm")
    assert list(found["countries"]) == [4, 4]
    assert found.loc["zero_shot", "distance"] == pytest.approx(np.sqrt(5))
    row = found.loc["chrf"]
    assert row["distance"] == pytest.approx(np.sqrt(2))
    assert row["nearer"] == pytest.approx(np.sqrt(5) - np.sqrt(2))
    assert row["arrow"] == pytest.approx(1)
    assert row["distance_gap"] == pytest.approx((np.sqrt(2) + 2 * np.sqrt(10)) / 3 - np.sqrt(2))
    assert row[["survival", "traditional"]].to_list() == pytest.approx([0.5, 0])
    assert found.loc["zero_shot", [name for name in MEASURES if name != "distance"]].isna().all()


def test_distance_gap_is_0_where_points_do_not_depend_on_the_country() -> None:
    people = np.array(list(HOME.values()))
    anywhere = np.tile([7.0, -3.0], (4, 1))
    assert measure_distance_gap(anywhere, people, anywhere) == pytest.approx(0)


def test_interval_of_a_mean_is_that_of_the_t_test() -> None:
    here = np.random.default_rng(1).normal(size=(19, 2))
    zero = np.zeros_like(here)
    value, low, high = estimate(MEASURES["arrow"], here, zero, zero)
    lengths = np.sqrt((here**2).sum(axis=1))
    expected = stats.t.interval(0.95, 18, lengths.mean(), stats.sem(lengths))
    assert (value, low, high) == pytest.approx((lengths.mean(), *expected))


def test_country_without_a_point_is_left_out(points: pd.DataFrame) -> None:
    uneven = points["country"].map({"AAA": 0.1, "BBB": 0.2, "CCC": 0.3, "DDD": 0.4})
    lost = (points["arm"] == "chrf") & (points["country"] == "DDD")
    moved = points.assign(
        survival=(points["survival"] + uneven).mask(lost), traditional=points["traditional"] + uneven**2
    )
    found = summarise(moved).set_index("arm")
    assert found["countries"].to_dict() == {"zero_shot": 4, "chrf": 3}
