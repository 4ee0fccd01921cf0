"""The widths of intervals that a plan expects."""

from itertools import dropwhile, takewhile

import numpy as np
import pandas as pd
import pytest
from planning import NEAR, NO_RUN, SHIPPED
from project import ROOT
from scipy import stats
from selfalign.config.read import read_config
from selfalign.plan import variances
from selfalign.plan.designs import Laid
from selfalign.plan.people import read_people
from selfalign.plan.precision import Series, Width, expect_width, expect_widths


@pytest.fixture(scope="module")
def expected(default_layout: Laid) -> dict[str, Width]:
    """The widths of the English part of the default, before it has scores."""
    config = read_config([])
    people, _ = read_people(config, NO_RUN, on_scales=False)
    widths = expect_widths({"en": default_layout}, people.poles, people.bank, config, NO_RUN, SHIPPED)
    return {one.name: one for one in widths}


def rows_of(title: str) -> list[list[str]]:
    """The rows of the table in docs/study_size.md that follows a line."""
    lines = (ROOT / "docs/study_size.md").read_text(encoding="utf-8").partition(title)[2].splitlines()
    table = list(takewhile(lambda line: line.startswith("|"), dropwhile(lambda line: not line.startswith("|"), lines)))
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in table[2:]]


@pytest.mark.slow
def test_widths_of_the_default_are_near_those_that_it_had(expected: dict[str, Width]) -> None:
    rows = rows_of("The half widths of the default")
    assert len(rows) == 12
    near = 0
    for name, planned, measured, *_ in rows:
        middle, low, high = (100 * half for half in expected[name].main)
        assert middle == pytest.approx(float(planned), abs=0.051), name
        assert low < float(measured) < high, name
        near += abs(middle / float(measured) - 1) < NEAR
    assert near >= 9


def test_main_interval_is_by_category_where_categories_share_more_than_batteries() -> None:
    poles, home = np.where(np.arange(72).reshape(36, 2) % 3, 1.0, -1.0), np.arange(36) // 3
    table = variances.read_variances(SHIPPED)
    rows = table[table["kind"] == "similar, own - similar, other"]
    by_battery = variances.expect_errors(rows, poles, home)
    same = variances.expect_by_category(rows.assign(**{variances.RATIO: 1.0}), poles, home, home)
    np.testing.assert_allclose(same, by_battery)  # categories of one battery each

    def expect(ratio: float, categories: int) -> Width:
        series = Series("en", "chrf", "", "country", poles, home, home % categories)
        return expect_width(series, rows.assign(**{variances.RATIO: ratio}), "same contrast")

    alike, apart, few = expect(1.5, 6), expect(0.2, 6), expect(1.5, 5)
    assert apart.main == apart.mean == few.main == few.mean == alike.mean
    error, freedom = variances.expect_by_category(rows.assign(**{variances.RATIO: 1.5}), poles, home, home % 6)
    assert (error == pytest.approx(1.5 * by_battery[0])) and (freedom <= 5).all()
    assert alike.main[0] == pytest.approx(np.median(stats.t.ppf(0.975, freedom) * error))
    assert alike.found == pytest.approx(np.median(variances.reach(error, freedom, 0.95)))
    assert apart.found == few.found == pytest.approx(np.median(variances.reach(*by_battery, 0.95)))
    assert few.found < alike.found


def test_width_of_a_country_is_from_the_probes_that_it_was_asked() -> None:
    poles, home = np.ones((8, 2)), np.array([0, 0, 1, 1, 2, 2, 3, 4])
    poles[4:, 0] = poles[:4, 1] = np.nan
    table = variances.read_variances(SHIPPED)
    rows = table[table["kind"] == "similar, own - similar, other"]

    def of_country(poles: np.ndarray, home: np.ndarray) -> tuple[float, float, float]:
        return expect_width(Series("en", "chrf", "", "", poles, home, home), rows, "scores").country

    first, second = of_country(poles[:4, :1], home[:4]), of_country(poles[4:, 1:], home[4:] - 2)
    both = of_country(poles, home)
    assert min(first[0], second[0]) < both[0] < max(first[0], second[0])
    alike = np.where(np.isnan(poles[:, [0, 0]]), np.nan, 1.0)  # two countries that were asked the same probes
    assert of_country(alike, home) == pytest.approx(first)
    poles[5:, 1] = np.nan  # one battery is left, which has no interval
    assert of_country(poles, home) == pytest.approx(first)
    assert np.isnan(of_country(poles[:, 1:], home)).all()


def test_components_of_a_run_count_once_for_all_ratios() -> None:
    poles, home = np.where(np.arange(24).reshape(12, 2) % 3, 1.0, -1.0), np.arange(12) // 2
    rows = variances.read_variances(SHIPPED).query("family == 'country'").head(1).drop(columns=variances.RATIO)
    repeated = rows.merge(pd.DataFrame({variances.RATIO: [0.9, 1.0, 1.3]}), how="cross")
    width = expect_width(Series("en", "chrf - chrf_other", "", "country", poles, home, home), repeated, "scores")
    assert width.rows == 1 and width.mean.low == width.mean.high < width.main.high
