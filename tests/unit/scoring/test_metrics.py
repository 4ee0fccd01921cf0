"""The metrics and what they are shown beside: by hand, by their properties, against scipy, and on real counts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK, BANK_FILE
from click.testing import CliRunner
from estimating import refuse
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from places import ROOT
from scipy import stats
from scipy.spatial import distance
from selfalign.cli import program
from selfalign.errors import InputError
from selfalign.probes.map_poles import map_poles
from selfalign.probes.map_scales import spread_people
from selfalign.probes.scales import read_scales
from selfalign.probes.schemas import PeopleScales, Poles
from selfalign.scoring import baselines
from selfalign.scoring.compute_metrics import Scorer
from selfalign.scoring.items import (
    cells_of_scales,
    cells_of_scores,
    nearest_of_poles,
    options_of_poles,
    people_of_poles,
)
from selfalign.scoring.metrics import (
    METRICS,
    agreement,
    alignment,
    from_both_ends,
    js_distance,
    js_divergence,
    mean_answer,
    mean_error,
    pearson,
    response_pattern,
    spearman,
    varying_items,
    wasserstein,
)
from selfalign.scoring.panels import build_panels
from selfalign.scoring.people import People
from selfalign.scoring.schemas import Metrics, ScaleScores, Scores
from selfalign.scoring.unanswered import COUNTS_AS
from selfalign.survey.schemas import Counts
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input, read_table, write_table

EXAMPLE = ROOT / "resources" / "survey" / "example" / "counts.csv"
SAMPLED = {"samples": 50, "seed": 1}
some = settings(max_examples=60, deadline=None, derandomize=True)


def near(value: object) -> object:
    return pytest.approx(value, abs=1e-9, nan_ok=True)


def on_scale(metric, p, q):
    """A metric of options in their order, whether it needs their positions or not."""
    places = np.arange(np.shape(p)[-1], dtype=float)
    return metric(p, q, places) if metric in (wasserstein, mean_error) else metric(p, q)


def distributions(count: int, least: int = 2, most: int = 6) -> st.SearchStrategy:
    """Some distributions over as many options, with exact zeros among them."""

    def of_size(k: int) -> st.SearchStrategy:
        weights = st.lists(st.integers(0, 20), min_size=k, max_size=k).filter(any)
        return st.tuples(*[weights.map(lambda parts: np.array(parts) / sum(parts))] * count)

    return st.integers(least, most).flatmap(of_size)


DISTANCES = [js_divergence, js_distance, wasserstein, mean_error]
LIKENESSES = [agreement, alignment]


# An item, by hand


def test_agreement_by_hand() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])
    q = np.array([[0.6, 0.1, 0.3], [0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
    assert agreement(p, q) == near([1, 0, 0.5, 0, np.nan])


def test_distances_by_hand() -> None:
    p, q, positions = np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.5, 0.0, 0.5]), np.array([1.0, 2, 3, 4])
    assert alignment(p, q) == near(0.5)
    # middle (1/4, 1/2, 0, 1/4): each side has 1/2 log2(2) + 1/2 log2(1) = 1/2 bit to it
    assert js_divergence(p, q) == near(0.5)
    assert js_distance(p, q) == near(np.sqrt(0.5))
    # a half walks from the first to the last of four places: 1/2 x 3, of a range of 3
    assert wasserstein(p, q, positions) == near(0.5)
    # means 1.5 and 3
    assert mean_answer(p, positions) == near(0.5 / 3) and mean_answer(q, positions) == near(2 / 3)
    assert mean_error(p, q, positions) == near(0.5)


def test_same_mean_is_not_same_answer() -> None:
    ends, middle, positions = np.array([0.5, 0.0, 0.5]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 2, 3])
    assert mean_error(ends, middle, positions) == near(0)
    assert wasserstein(ends, middle, positions) == near(0.5)


def test_scale_whose_codes_are_out_of_order() -> None:
    """Q56: 1 better, 2 worse, 3 about the same, which is the middle."""
    positions = np.array([0.0, 2.0, 1.0])
    better, worse, same = np.eye(3)
    assert wasserstein(better, worse, positions) == near(1) and wasserstein(better, same, positions) == near(0.5)
    assert mean_error(better, worse, positions) == near(1) and mean_error(same, worse, positions) == near(0.5)


def test_scale_with_uneven_places() -> None:
    positions = np.array([0.0, 1.0, 10.0])
    assert wasserstein(np.eye(3)[0], np.eye(3)[1], positions) == near(0.1)


def test_answer_outside_the_scale_is_left_out_and_the_rest_taken_as_a_whole() -> None:
    """The last option, `don't mind`, has no position."""
    positions = np.array([0.0, 1.0, np.nan])
    p, q = np.array([0.4, 0.1, 0.5]), np.array([0.2, 0.8, 0.0])
    assert mean_answer(p, positions) == near(0.2)
    assert wasserstein(p, q, positions) == near(0.6) and mean_error(p, q, positions) == near(0.6)
    assert np.isnan(wasserstein(np.array([0.0, 0, 1]), q, positions))
    assert js_divergence(p, q) > js_divergence(p[:2] / 0.5, q[:2])


@pytest.mark.parametrize("positions", [[np.nan] * 3, [np.nan, 2.0, np.nan], [2.0, 2.0, 2.0]])
def test_item_without_two_places_has_no_distance_on_a_scale(positions: list[float]) -> None:
    p, q, places = np.array([0.4, 0.1, 0.5]), np.array([0.2, 0.7, 0.1]), np.array(positions)
    assert np.isnan([wasserstein(p, q, places), mean_error(p, q, places), mean_answer(p, places)]).all()


def test_what_is_not_known_stays_unknown() -> None:
    p, q = np.full(3, np.nan), np.array([0.2, 0.7, 0.1])
    assert all(np.isnan(on_scale(metric, p, q)) for metric in DISTANCES + LIKENESSES)
    assert all(np.isnan(on_scale(metric, q, p)) for metric in DISTANCES + LIKENESSES)


# An item, by properties


@some
@given(distributions(2))
def test_metrics_are_within_their_bounds(pair: tuple) -> None:
    for metric in DISTANCES + LIKENESSES:
        value = on_scale(metric, *pair)
        assert np.isnan(value) or 0 <= value <= 1, metric.__name__


@some
@given(distributions(1))
def test_identity_is_the_best_value(one: tuple) -> None:
    (p,) = one
    assert [float(on_scale(metric, p, p)) for metric in DISTANCES] == near([0] * 4)
    assert alignment(p, p) == near(1)
    assert agreement(p, p) == near(1 if (p == p.max()).sum() == 1 else np.nan)


@some
@given(distributions(2))
def test_metrics_but_agreement_are_symmetric(pair: tuple) -> None:
    p, q = pair
    for metric in [*DISTANCES, alignment]:
        assert on_scale(metric, p, q) == near(on_scale(metric, q, p)), metric.__name__


@pytest.mark.parametrize("k", [2, 3, 4, 10])
def test_opposite_ends_of_the_scale_are_the_maximum(k: int) -> None:
    first, last = np.eye(k)[0], np.eye(k)[-1]
    assert [float(on_scale(metric, first, last)) for metric in DISTANCES] == near([1] * 4)
    assert [float(on_scale(metric, first, last)) for metric in LIKENESSES] == near([0] * 2)


@some
@given(distributions(1))
def test_reversed_distribution_is_not_the_same(one: tuple) -> None:
    """A distance over the probabilities taken as values is 0 for it: the same numbers in another order."""
    (p,) = one
    reverse = p[::-1]
    assume(not np.array_equal(p, reverse))
    assert stats.wasserstein_distance(p, reverse) == near(0)
    for metric in (js_divergence, js_distance, wasserstein):
        assert on_scale(metric, p, reverse) > 1e-6, metric.__name__
    assert alignment(p, reverse) < 1 - 1e-6


@pytest.mark.slow
@some
@given(distributions(2), st.randoms(use_true_random=False))
def test_order_of_the_options_changes_nothing_where_they_have_none(pair: tuple, random) -> None:
    p, q = pair
    order = list(range(len(p)))
    random.shuffle(order)
    for metric in (agreement, alignment, js_divergence, js_distance):
        assert metric(p[order], q[order]) == near(metric(p, q)), metric.__name__
    places = np.arange(len(p), dtype=float)  # nor does the order in which a scale's options are written down
    for metric in (wasserstein, mean_error):
        assert metric(p[order], q[order], places[order]) == near(metric(p, q, places)), metric.__name__


def test_order_of_the_options_counts_where_they_have_one() -> None:
    places = np.arange(3.0)
    for metric in (wasserstein, mean_error):
        next_to, far = (metric(np.eye(3)[0], np.eye(3)[other], places) for other in (1, 2))
        assert (next_to, far) == near((0.5, 1))
    assert js_divergence(np.eye(3)[0], np.eye(3)[1]) == js_divergence(np.eye(3)[0], np.eye(3)[2])


@pytest.mark.slow
@some
@given(distributions(2), st.floats(0.1, 50), st.floats(-20, 20))
def test_unit_and_origin_of_the_scale_do_not_matter(pair: tuple, unit: float, origin: float) -> None:
    p, q = pair
    places = np.arange(len(p), dtype=float)
    for metric in (wasserstein, mean_error):
        assert metric(p, q, origin + unit * places) == near(metric(p, q, places))
        assert metric(p, q, -places) == near(metric(p, q, places))


@pytest.mark.slow
@some
@given(distributions(3))
def test_distances_obey_the_triangle_inequality(three: tuple) -> None:
    p, q, r = three
    for metric in (js_distance, wasserstein, mean_error):
        assert on_scale(metric, p, r) <= on_scale(metric, p, q) + on_scale(metric, q, r) + 1e-9


@some
@given(distributions(2, most=2))
def test_with_two_poles_three_metrics_are_one_number(pair: tuple) -> None:
    p, q = pair
    gap = abs(p[0] - q[0])
    assert (1 - alignment(p, q), on_scale(wasserstein, p, q), on_scale(mean_error, p, q)) == near((gap,) * 3)


@some
@given(distributions(2))
def test_error_of_the_mean_is_never_above_wasserstein(pair: tuple) -> None:
    assert on_scale(mean_error, *pair) <= on_scale(wasserstein, *pair) + 1e-12


@pytest.mark.slow
@some
@given(distributions(2, most=4))
def test_items_of_fewer_options_may_be_filled_up(pair: tuple) -> None:
    p, q = pair
    places, more = np.arange(len(p), dtype=float), np.zeros(3)
    fuller = [np.append(values, more) for values in (p, q)]
    for metric in (agreement, alignment, js_divergence):
        assert metric(*fuller) == near(metric(p, q))
    for metric in (wasserstein, mean_error):
        assert metric(*fuller, np.append(places, more + np.nan)) == near(metric(p, q, places))


def test_leading_axes_broadcast() -> None:
    generator = np.random.default_rng(0)
    p, q = generator.dirichlet(np.ones(4), size=(5, 7)), generator.dirichlet(np.ones(4), size=7)
    places = np.array([[0.0, 1, 2, 3], [0, 2, 1, np.nan]] + [[np.nan] * 4] * 5)
    for metric in DISTANCES + LIKENESSES:
        scaled = metric in (wasserstein, mean_error)
        each = [
            [metric(a, b, x) if scaled else metric(a, b) for a, b, x in zip(one, q, places, strict=True)] for one in p
        ]
        whole = metric(p, q, places) if scaled else metric(p, q)
        assert whole.shape == (5, 7)
        assert whole == near(np.array(each))


# Against scipy


@pytest.mark.slow
@some
@given(distributions(2))
def test_distances_are_those_of_scipy(pair: tuple) -> None:
    p, q = pair
    places = np.arange(len(p))
    expected = 0 if np.array_equal(p, q) else distance.jensenshannon(p, q, base=2)
    assert js_distance(p, q) == pytest.approx(expected, abs=1e-7)
    assert js_divergence(p, q) == near(expected**2)
    work = stats.wasserstein_distance(places, places, p, q)
    assert wasserstein(p, q, places.astype(float)) == near(work / places[-1])


@pytest.mark.slow
@some
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=12))
def test_correlations_are_those_of_scipy(pairs: list) -> None:
    x, y = np.array(pairs, dtype=float).T / 10
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    assert pearson(x, y) == near(stats.pearsonr(x, y).statistic)
    assert spearman(x, y) == near(stats.spearmanr(x, y).statistic)
    holes = [np.insert(side, 1, value) for side, value in ((x, np.nan), (y, 0.3))]
    assert pearson(*holes) == near(pearson(x, y)) and spearman(*holes) == near(spearman(x, y))


# Across items


def test_correlations_by_hand() -> None:
    x, y = np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.2, 0.1, 0.5, 0.4])
    assert spearman(x, y) == near(1 - 6 * (1 + 1 + 1 + 1) / (4 * 15))  # rank differences 1, 1, 1, 1
    # from the midpoint: x -0.4 -0.3 -0.2 0.4; y -0.3 -0.4 0.0 -0.1
    cosine = (0.12 + 0.12 + 0 - 0.04) / np.sqrt((0.16 + 0.09 + 0.04 + 0.16) * (0.09 + 0.16 + 0 + 0.01))
    assert pearson(from_both_ends(x), from_both_ends(y)) == near(cosine)


def test_correlation_with_a_constant_is_not_defined() -> None:
    varied = np.array([0.1, 0.5, 0.7])
    for metric in (pearson, spearman):
        assert np.isnan(metric(varied, np.full(3, 0.1) + [0, 1e-17, 0])), metric.__name__
        assert np.isnan(metric(varied[:1], varied[:1])), metric.__name__
        assert metric(varied, 1 - varied) == near(-1)


@some
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=3, max_size=12))
def test_naming_the_other_end_high_changes_no_correlation_across_items(rows: list) -> None:
    x, y, turned = (np.array(column) for column in zip(*rows, strict=True))
    ends = from_both_ends(x), from_both_ends(y)
    other = [from_both_ends(np.where(turned, 1 - side, side)) for side in (x, y)]
    assert pearson(*other) == pytest.approx(pearson(*ends), abs=1e-6, nan_ok=True)


def test_plain_correlation_depends_on_which_end_is_named_high() -> None:
    x, y = np.array([0.9, 0.8, 0.6]), np.array([0.9, 0.6, 0.8])
    turned = [np.where([True, False, False], 1 - side, side) for side in (x, y)]
    assert pearson(x, y) < 0.4 and pearson(*turned) > 0.8


def profiles(seed: int, countries: int = 6, items: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).random((countries, items))


def test_response_pattern_by_its_definition() -> None:
    x, y = profiles(1), profiles(2)
    r, s = np.corrcoef(x, rowvar=False), np.corrcoef(y, rowvar=False)
    by_definition = 1 - np.trace(r @ s) / (np.linalg.norm(r) * np.linalg.norm(s))
    assert response_pattern(x, y) == near(by_definition)
    assert 0.1 < by_definition < 0.95


def test_response_pattern_by_hand() -> None:
    x = np.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])  # correlation 1
    y = np.array([[0.1, 0.2], [0.2, 0.5], [0.3, 0.2]])  # correlation 0
    assert response_pattern(x, y) == near(1 - 2 / np.sqrt(4 * 2))


def test_response_pattern_properties() -> None:
    x, y = profiles(1), profiles(2)
    assert response_pattern(x, x) == near(0)
    assert response_pattern(x, y) == near(response_pattern(y, x))
    turned = [np.where(np.arange(9) % 2, 1 - side, side) for side in (x, y)]
    assert response_pattern(*turned) == near(response_pattern(x, y)), "either end may be called high"
    order = [3, 1, 0, 2, 5, 4]
    assert response_pattern(x[order], y) == near(response_pattern(x, y)), "which country it is does not count"
    assert response_pattern(0.2 * x + 0.4, y) == near(response_pattern(x, y)), "nor how much answers vary"
    items = np.random.default_rng(0).permutation(9)
    assert response_pattern(x[:, items], y) != near(response_pattern(x, y)), "which items go together does"
    stacked = response_pattern(np.stack([x, y]), y)
    assert stacked == near(np.array([response_pattern(x, y), 0]))


def test_response_pattern_needs_three_countries_and_two_items_that_vary() -> None:
    x, y = profiles(1), profiles(2)
    assert np.isnan(response_pattern(x[:2], y[:2]))
    assert np.isnan(response_pattern(x[:, :1], y[:, :1]))
    assert np.isnan(response_pattern(np.full_like(x, 0.3), y)), "zero-shot, the same for every country"
    x[:, 0], y[2, 1] = 0.3, np.nan
    assert varying_items(x, y).tolist() == [False, False] + [True] * 7
    assert response_pattern(x, y) == near(response_pattern(x[:, 2:], y[:, 2:]))


# What is scored in the model's place


def shares_of(*countries: list[float]) -> np.ndarray:
    """Shares of two poles: countries x items x 2."""
    share = np.array(countries, dtype=float)
    return np.stack([share, 1 - share], axis=-1)


@pytest.mark.slow
@some
@given(distributions(1))
def test_uniform_policy_has_its_known_scores(one: tuple) -> None:
    (q,) = one
    k = len(q)
    p = baselines.uniform(np.ones((1, k), dtype=bool))[0]
    assert agreement(p, q) == near(1 / k if (q == q.max()).sum() == 1 else np.nan)
    assert alignment(p, q) == near(1 - np.abs(q - 1 / k).sum() / 2)
    entropy = stats.entropy((p + q) / 2, base=2) - (np.log2(k) + stats.entropy(q, base=2)) / 2
    assert js_divergence(p, q) == near(entropy)
    assert np.isnan(pearson(from_both_ends(np.full(5, 0.5)), from_both_ends(np.arange(5) / 9)))


def test_uniform_counts_an_items_own_options() -> None:
    assert baselines.uniform(np.array([[True, True, False], [True] * 3])) == near(
        np.array([[0.5, 0.5, 0], [1 / 3] * 3])
    )


def test_world_is_the_mean_of_the_others_each_weighing_the_same() -> None:
    shares = shares_of([0.9, 0.5, 0.1], [0.1, 0.3, np.nan], [0.3, np.nan, np.nan])
    world = baselines.rest_of_world(shares)
    assert world[..., 0] == near(np.array([[0.2, 0.3, np.nan], [0.6, 0.5, 0.1], [0.5, 0.4, 0.1]]))
    assert np.nansum(world, axis=-1)[~np.isnan(world[..., 0])] == near(1)


@pytest.mark.slow
def test_nearest_country_of_a_copy_is_the_copy() -> None:
    people = {**PEOPLE, "ZZZ": PEOPLE["DEU"]}
    poles = poles_of(people)
    assert nearest_of_poles(poles) == {"BOL": "IND", "DEU": "ZZZ", "IND": "BOL", "ZZZ": "DEU"}
    table = tabulate(scores_of(MODEL, poles), poles).loc[("own", "DEU")]
    assert set(table["nearest_country"]) == {"ZZZ"}
    best = {"agreement": 1, "alignment": 1, "pearson": 1, "spearman": 1}
    assert table["nearest"].to_dict() == near({metric: best.get(metric, 0) for metric in table.index})


def test_country_that_shares_no_probe_has_no_neighbour() -> None:
    apart = poles_of({"BOL": {"Q1": 0.9}, "DEU": {"Q1": 0.7}, "IND": {"Q4": 0.3}})
    assert nearest_of_poles(apart) == {"BOL": "DEU", "DEU": "BOL"}


def test_country_that_shares_few_probes_is_no_neighbour() -> None:
    probes = ["Q1", "Q4", "Q8", "Q29", "Q30"]
    far = dict.fromkeys(probes, 0.1)
    shares = {"BOL": dict.fromkeys(probes, 0.9), "DEU": far, "IND": {"Q1": 0.9, "Q4": 0.9}}
    assert nearest_of_poles(poles_of(shares)) == {"BOL": "DEU", "DEU": "BOL", "IND": "BOL"}, "2 of 5 are too few"
    shares["IND"]["Q8"] = 0.9
    assert nearest_of_poles(poles_of(shares)) == {"BOL": "IND", "DEU": "BOL", "IND": "BOL"}, "3 of 5 are enough"


def test_simple_sample_size_is_n_without_weights_and_less_with_uneven_ones() -> None:
    share, n = np.array([0.3, 0.3, 1.0]), np.array([900.0, 900.0, 900.0])
    error = np.sqrt(0.3 * 0.7 / 900) * np.array([1, 2, 0])
    assert baselines.simple_sample_size(share, error, n) == near([900, 225, 900])
    assert np.isnan(baselines.simple_sample_size(np.array([0.3]), np.array([np.nan]), np.array([np.nan])))


def ceiling_of(metric, share: float, size: float, samples: int = 20_000) -> float:
    q = np.array([share, 1 - share])
    return float(np.mean(on_scale(metric, baselines.second_sample(q, size, samples, np.random.default_rng(1)), q)))


@pytest.mark.parametrize("size", [100, 1000])
def test_second_sample_differs_by_the_errors_of_two_samples(size: int) -> None:
    q = np.array([0.3, 0.5, 0.2])
    again = baselines.second_sample(q, size, 20_000, np.random.default_rng(1))
    assert again.sum(axis=-1) == near(1)
    assert again.mean(axis=0) == pytest.approx(q, abs=4 / size)
    assert again.std(axis=0) == pytest.approx(np.sqrt(2 * q * (1 - q) / size), rel=0.03)


def test_ceiling_by_its_closed_form() -> None:
    """The expected gap of two samples of n is that of a normal variable with twice the variance of one."""
    error = np.sqrt(0.3 * 0.7 / 1000)
    assert ceiling_of(alignment, 0.3, 1000) == pytest.approx(1 - np.sqrt(2) * error * np.sqrt(2 / np.pi), abs=3e-4)
    error = np.sqrt(0.51 * 0.49 / 1000)
    assert ceiling_of(agreement, 0.51, 1000) == pytest.approx(stats.norm.cdf(0.01 / (np.sqrt(2) * error)), abs=0.015)


def test_ceiling_goes_to_one_with_the_number_of_people() -> None:
    for metric in (agreement, alignment):
        rising = [ceiling_of(metric, 0.52, size, 4000) for size in (10, 100, 1000, 10_000, 1_000_000)]
        assert rising == sorted(rising) and rising[-1] > 0.999 and rising[0] < 0.9


# The table


def scores_of(shares: dict[str, dict[str, float]], poles: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """A `Scores` table of p(A) by country and probe."""
    rows = [(country, probe, p) for country, probes in shares.items() for probe, p in probes.items()]
    table = pd.DataFrame(rows, columns=["country", "probe", "p_a"]).merge(poles, on=["country", "probe"])
    table = table.merge(BANK[["probe", "category", "battery"]], on="probe").assign(source=table["country"])
    chosen = np.select([table["p_a"] == 0.5, table["p_a"] > 0.5], [0.5, 1.0], 0.0)
    table["agreement"] = np.where(table["majority"] == "A", chosen, 1 - chosen)
    table["alignment"] = 1 - (table["p_a"] - table["share_a"]).abs()
    fixed = {"model": "m", "language": "en", "arm": "own", "seed": 0, "template": "words", "asks": "poles"}
    fixed |= {"readout": "option", "mass_outside": 0.1, "mass_open": 0.9, "order_gap": 0.1, "bound": False}
    table = table.assign(**{**fixed, "answered": True, "p_a_mean": table["p_a"], **columns})
    return Scores.validate(table[Scores.names()])


def poles_of(shares: dict[str, dict[str, float]], n: int | None = 1000) -> pd.DataFrame:
    """A `Poles` table of shares of pole A."""
    rows = [(country, probe, share) for country, probes in shares.items() for probe, share in probes.items()]
    table = pd.DataFrame(rows, columns=["country", "probe", "share_a"])
    error = np.sqrt(table["share_a"] * (1 - table["share_a"]) / n) if n else np.nan
    table = table.assign(n=n, neither=None, standard_error=error)
    table["majority"] = np.select([table["share_a"] == 0.5, table["share_a"] > 0.5], ["tie", "A"], "B")
    return Poles.validate(table[Poles.names()])


def tabulate(scores: pd.DataFrame, poles: pd.DataFrame, rule: str = "half") -> pd.DataFrame:
    """The table of metrics, by arm, country and metric."""
    people = People.lay_out(people_of_poles(poles), options_of_poles(BANK), nearest_of_poles(poles), **SAMPLED)
    table = Scorer(people, rule).compute(cells_of_scores(scores))
    return as_written(table, "poles").set_index(["arm", "country", "metric"])


def as_written(table: pd.DataFrame, asks: str) -> pd.DataFrame:
    """A table of metrics as the step writes it."""
    return Metrics.validate(table.assign(asks=asks)[Metrics.names()])


PROBES = ["Q1", "Q4", "Q8", "Q29", "Q174"]  # Q174 is nominal
PEOPLE = {
    "BOL": dict(zip(PROBES, [0.9, 0.2, 0.6, 0.3, 0.7], strict=True)),
    "DEU": dict(zip(PROBES, [0.7, 0.6, 0.4, 0.1, 0.2], strict=True)),
    "IND": dict(zip(PROBES, [0.8, 0.3, 0.7, 0.6, 0.6], strict=True)),
}
MODEL = {
    "BOL": dict(zip(PROBES, [0.6, 0.5, 0.3, 0.4, 0.9], strict=True)),
    "DEU": dict(zip(PROBES, [0.8, 0.4, 0.2, 0.3, 0.1], strict=True)),
    "IND": dict(zip(PROBES, [0.4, 0.7, 0.9, 0.2, 0.5], strict=True)),
}


def test_table_by_hand() -> None:
    poles = poles_of(PEOPLE)
    table = tabulate(scores_of(MODEL, poles), poles)
    row = table.loc[("own", "BOL")]
    assert row.loc["agreement", "value"] == near((1 + 0.5 + 0 + 1 + 1) / 5)
    assert row.loc["alignment", "value"] == near(1 - (0.3 + 0.3 + 0.3 + 0.1 + 0.2) / 5)
    assert row.loc["wasserstein", "value"] == near((0.3 + 0.3 + 0.3 + 0.1) / 4)
    assert row.loc["wasserstein", ["probes", "not_applicable"]].tolist() == [4, 1]
    assert row.loc["alignment", ["probes", "not_applicable"]].tolist() == [5, 0]
    assert row.loc["agreement", "uniform"] == near(0.5)
    assert row.loc["alignment", "uniform"] == near(1 - (0.4 + 0.3 + 0.1 + 0.2 + 0.2) / 5)
    assert row.loc["alignment", "world"] == near(1 - (0.15 + 0.25 + 0.05 + 0.05 + 0.3) / 5)
    assert row.loc["agreement", "world"] == near(4 / 5)  # Q174: the others are at 0.4
    assert set(row["nearest_country"]) == {"IND"}
    assert row.loc["alignment", "nearest"] == near(1 - (0.1 + 0.1 + 0.1 + 0.3 + 0.1) / 5)
    assert 0.97 < row.loc["alignment", "ceiling"] < 0.99
    assert table.loc[("own", "all", "alignment"), "value"] == near(table.xs("alignment", level=2)["value"][:3].mean())


def test_every_metric_has_a_row_for_every_country_even_where_it_is_not_defined() -> None:
    poles = poles_of(PEOPLE)
    table = tabulate(scores_of({"BOL": MODEL["BOL"]}, poles), poles)
    countries = {country: set(rows.index.get_level_values(2)) for country, rows in table.groupby(level=1)}
    assert countries == {"BOL": set(METRICS) - {"response_pattern"}, "all": set(METRICS)}
    pattern = table.loc[("own", "all", "response_pattern")]
    assert np.isnan(pattern["value"]) and (pattern["probes"], pattern["not_applicable"]) == (0, 5)


@pytest.mark.slow
def test_baseline_that_answers_as_the_model_scores_as_the_model() -> None:
    """Model and baselines have the same metrics: the same answers have the same values."""
    poles = poles_of(PEOPLE)
    shares = poles.pivot(index="country", columns="probe", values="share_a")
    world = {country: shares.drop(index=country).mean().to_dict() for country in shares.index}
    found = tabulate(scores_of(world, poles), poles).drop(index="response_pattern", level=2)
    assert found["value"].to_numpy() == pytest.approx(found["world"].to_numpy(), abs=1e-7)
    nearest = {"BOL": PEOPLE["IND"], "DEU": PEOPLE["BOL"], "IND": PEOPLE["BOL"]}
    found = tabulate(scores_of(nearest, poles), poles)
    assert found["value"].to_numpy() == pytest.approx(found["nearest"].to_numpy(), abs=1e-7)
    half = {country: dict.fromkeys(PROBES, 0.5) for country in PEOPLE}
    found = tabulate(scores_of(half, poles), poles)
    assert found["value"].to_numpy() == near(found["uniform"].to_numpy())
    assert found["value"].isna().groupby(level=2).all().to_dict() == {
        metric: metric in ("pearson", "spearman", "response_pattern") for metric in METRICS
    }


def test_model_that_answers_as_the_people_is_perfect() -> None:
    poles = poles_of(PEOPLE)
    table = tabulate(scores_of(PEOPLE, poles), poles)
    best = {"agreement": 1, "alignment": 1, "pearson": 1, "spearman": 1}
    assert table["value"].to_numpy() == near(table.index.get_level_values(2).map(best).fillna(0).to_numpy(float))
    assert (table["ceiling"] != table["value"]).any()


@pytest.mark.slow
def test_metric_is_averaged_over_runs_and_answers_are_not() -> None:
    """Two seeds that err to opposite sides: their mean answer would be the people's own."""
    poles = poles_of(PEOPLE)
    seeds = [{country: {probe: share + step for probe, share in probes.items()} for country, probes in PEOPLE.items()}
             for step in (0.1, -0.1)]  # fmt: skip
    scores = pd.concat(scores_of(seed, poles, seed=number) for number, seed in enumerate(seeds))
    table = tabulate(scores, poles)
    assert table.xs("alignment", level=2)["value"].to_numpy() == near(0.9)
    alone = [tabulate(scores_of(seed, poles), poles).xs("pearson", level=2)["value"] for seed in seeds]
    assert table.xs("pearson", level=2)["value"].to_numpy() == near((alone[0] + alone[1]).to_numpy() / 2)
    assert (table.xs("pearson", level=2)["value"] < 0.99).all()


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "agreement"), [("half", 3.5 / 5), ("wrong", 3 / 5), ("left_out", 3 / 4)])
def test_refusal_counts_by_the_rule_in_agreement_and_not_at_all_elsewhere(rule: str, agreement: float) -> None:
    """Of five probes the model is right on Q1, Q4 and Q174, wrong on Q8, and refuses Q29."""
    poles = poles_of(PEOPLE)
    model = {"BOL": {**MODEL["BOL"], "Q4": 0.4}}
    scores = scores_of(model, poles)
    row = tabulate(refuse(scores, scores["probe"] == "Q29", rule), poles, rule).loc[("own", "BOL")]
    assert row.loc["agreement", "value"] == near(agreement)
    assert row.loc["agreement", "probes"] == (4 if rule == "left_out" else 5)
    assert row.loc["agreement", "world"] == near((3 if rule == "left_out" else 4) / row.loc["agreement", "probes"])
    assert row.loc["alignment", ["value", "uniform"]].tolist() == near(
        [1 - (0.3 + 0.2 + 0.3 + 0.2) / 4, 1 - (0.4 + 0.3 + 0.1 + 0.2) / 4]
    )
    assert row.loc["alignment", ["probes", "not_applicable"]].tolist() == [4, 0]
    assert row.loc["wasserstein", ["probes", "not_applicable"]].tolist() == [3, 1]


@pytest.mark.slow
def test_arm_that_refuses_everything_has_an_agreement_and_no_other_metric() -> None:
    poles = poles_of(PEOPLE)
    scores = scores_of(MODEL, poles)
    row = tabulate(refuse(scores, scores["probe"].notna(), "half"), poles).loc[("own", "BOL")]
    assert row.loc["agreement", ["value", "probes"]].tolist() == [0.5, 5]
    assert row.drop(index="agreement")["value"].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize("rule", COUNTS_AS)
def test_agreement_and_alignment_are_those_of_the_estimates(rule: str) -> None:
    """One name, one number: uneven numbers of sources and seeds, a cell that is not asked, and refusals."""
    poles = poles_of(PEOPLE)
    parts = [
        scores_of(MODEL, poles),
        scores_of(MODEL, poles, arm="other", source="XXX"),
        scores_of(PEOPLE, poles, arm="other", source="YYY", seed=1),
        scores_of(PEOPLE, poles, arm="other", source="YYY", seed=2).iloc[2:],
    ]
    scores = pd.concat(parts, ignore_index=True)
    refused = (scores["probe"] == "Q29") & (scores["arm"] == "own") | (scores["probe"] == "Q8") & (scores["seed"] == 2)
    scores = refuse(scores, refused & scores["country"].isin(["BOL", "DEU"]), rule)
    means = {
        (row.arm, country, row.measure): np.nanmean(panel.value[:, place])
        for country, panel in build_panels(scores, ["agreement", "alignment"]).items()
        for place, row in enumerate(panel.series.itertuples())
    }
    means = pd.Series(means)
    table = tabulate(scores, poles, rule)["value"]
    assert len(means) == 12
    assert table[means.index].to_numpy() == near(means.to_numpy())


@pytest.mark.slow
def test_pattern_of_an_average_over_other_countries_has_no_value() -> None:
    """The mean of the others varies between countries as the country itself: it would score perfectly."""
    poles = poles_of(PEOPLE)
    others = pd.concat(
        scores_of({country: PEOPLE[other]}, poles, arm="other", source=other)
        for country in PEOPLE for other in PEOPLE if other != country
    )  # fmt: skip
    mean = others.groupby(["country", "probe"])["p_a"].mean().unstack().to_numpy()
    own = pd.DataFrame(PEOPLE).T[sorted(PROBES)].to_numpy()
    assert response_pattern(mean, own) == near(0)
    row = tabulate(others, poles).loc[("other", "all", "response_pattern")]
    assert np.isnan(row["value"]) and np.isnan(row["world"]) and row["nearest"] > 0.01


def test_survey_without_numbers_of_people_has_no_ceiling() -> None:
    poles = poles_of(PEOPLE, n=None)
    table = tabulate(scores_of(MODEL, poles), poles)
    assert table["ceiling"].isna().all() and table["value"].notna().all()


@pytest.mark.slow
def test_ceiling_of_a_country_does_not_depend_on_the_others() -> None:
    poles = poles_of(PEOPLE)
    both, alone = scores_of(MODEL, poles), scores_of({"DEU": MODEL["DEU"]}, poles)
    keys = ("own", "DEU")
    assert tabulate(both, poles).loc[keys, "ceiling"].equals(tabulate(alone, poles).loc[keys, "ceiling"])
    few = poles[poles["country"] == "DEU"]
    assert tabulate(both, poles).loc[keys, "ceiling"].equals(tabulate(alone, few).loc[keys, "ceiling"])


def test_country_alone_in_its_survey_has_neither_world_nor_neighbour() -> None:
    poles = poles_of({"BOL": PEOPLE["BOL"]})
    table = tabulate(scores_of({"BOL": MODEL["BOL"]}, poles), poles)
    assert table[["world", "nearest"]].isna().all(axis=None) and set(table["nearest_country"]) == {""}


def test_answer_without_counts_of_its_country_and_probe_is_refused() -> None:
    poles = poles_of(PEOPLE)
    for strange in ({"country": "XXX"}, {"probe": "Q2"}):
        with pytest.raises(KeyError):
            tabulate(scores_of(MODEL, poles).assign(**strange), poles)


def test_mean_of_the_countries_is_empty_where_one_has_no_value() -> None:
    poles = poles_of(PEOPLE)
    model = {**MODEL, "IND": dict.fromkeys(PROBES, 0.5)}
    table = tabulate(scores_of(model, poles), poles).xs("pearson", level=2)["value"].droplevel(0)
    assert table.isna().to_dict() == {"BOL": False, "DEU": False, "IND": True, "all": True}


def test_distributions_over_whole_scales() -> None:
    """A table over codes: four on a scale, three out of order, three nominal."""
    codes = {"Q1": [0, 1, 2, 3], "Q56": [0, 2, 1], "Q42": [np.nan] * 3}
    options = pd.DataFrame(
        [(item, code, place) for item, places in codes.items() for code, place in enumerate(places, start=1)],
        columns=["item", "option", "position"],
    )
    generator = np.random.default_rng(0)
    drawn = {(country, item): generator.dirichlet(np.ones(len(codes[item]))) for country in PEOPLE for item in codes}
    people = pd.DataFrame(
        [(*key, code, share, 500.0) for key, q in drawn.items() for code, share in enumerate(q, start=1)],
        columns=["country", "item", "option", "share", "size"],
    )
    cells = people.rename(columns={"share": "p"}).drop(columns="size")
    cells["p"] = cells.groupby(["country", "item"])["p"].transform(lambda p: p.to_numpy()[::-1])
    cells = cells.assign(model="m", language="en", arm="own", source=cells["country"], seed=0, template="words")
    table = Scorer(People.lay_out(people, options, {"BOL": "DEU"}, **SAMPLED)).compute(cells)
    table = as_written(table, "scale").set_index(["country", "metric"])
    q = {item: drawn["BOL", item] for item in codes}
    by_hand = {
        "agreement": np.mean([agreement(q[item][::-1], q[item]) for item in codes]),
        "js_divergence": np.mean([js_divergence(q[item][::-1], q[item]) for item in codes]),
        "wasserstein": np.mean([wasserstein(q[i][::-1], q[i], np.array(codes[i], float)) for i in ("Q1", "Q56")]),
    }
    for metric, value in by_hand.items():
        assert table.loc[("BOL", metric), "value"] == near(value), metric
    assert table.loc[("BOL", "wasserstein"), ["probes", "not_applicable"]].tolist() == [2, 1]
    assert table.loc[("BOL", "agreement"), "uniform"] == near((1 / 4 + 1 / 3 + 1 / 3) / 3)
    assert table.loc[("all", "response_pattern"), "probes"] == 2
    assert table["ceiling"].notna().all() and (table.loc["BOL", "ceiling"]["alignment"] > 0.9)
    again = People.lay_out(people, options, {}, **SAMPLED).ceiling(0)
    assert again.sum(axis=-1) == near(1), "of items with fewer options too"


def test_answer_to_a_question_is_the_mean_of_its_probes() -> None:
    """Q42a and Q42b have other demonstrations, so other answers. None of them may be dropped, in any order of rows."""
    answers = {
        ("own", "Q42a"): [0.2, 0.3, 0.5],
        ("own", "Q42b"): [0.6, 0.3, 0.1],
        ("zero", "Q42a"): [0.1, 0.2, 0.7],
        ("zero", "Q42b"): [0.1, 0.2, 0.7],
        ("half_answered", "Q42a"): [np.nan] * 3,
        ("half_answered", "Q42b"): [0.6, 0.3, 0.1],
        ("silent", "Q42a"): [np.nan] * 3,
        ("silent", "Q42b"): [np.nan] * 3,
    }
    rows = [(arm, probe, code, p) for (arm, probe), ps in answers.items() for code, p in enumerate(ps, start=1)]
    scores = pd.DataFrame(rows, columns=["arm", "probe", "code", "p"])
    scores = scores.assign(model="m", language="en", country="BOL", source="", seed=0, template="t", question="Q42")
    expected = {
        "own": [0.4, 0.3, 0.3],
        "zero": [0.1, 0.2, 0.7],
        "half_answered": [0.6, 0.3, 0.1],
        "silent": [np.nan] * 3,
    }
    typed = scores.astype({"arm": "category", "question": "category"})
    for table in (scores, scores[::-1], typed):
        found = cells_of_scales(table).set_index(["arm", "item", "option"])["p"].sort_index()
        assert len(found) == 12
        for arm, p in expected.items():
            assert found.loc[arm, "Q42"].tolist() == near(p), arm


@pytest.mark.slow
def test_model_that_spreads_as_the_people_do_is_perfect_on_whole_scales(tmp_path: Path) -> None:
    """Real counts of three questions: four answers, ten, and three of which the middle one is no pole."""
    answers = weigh(read_example({"Q1", "Q164", "Q56"}))
    bank = BANK[BANK["question"].isin({"Q1", "Q164", "Q56"})].reset_index(drop=True)
    codes = read_scales(ROOT / "resources/survey/scales.csv", bank)
    spread, poles = spread_people(answers, codes), map_poles(answers, bank)
    cells = spread.merge(bank[["probe", "question"]]).assign(model="m", language="en", arm="own", seed=0)
    cells = cells.assign(template="scale", readout="option", p=cells["share"], source=cells["country"])
    cells["p_mean"] = cells["p"]
    turned = cells.assign(
        arm="turned", p=cells.groupby(["country", "probe"])["p"].transform(lambda p: p.to_numpy()[::-1])
    )
    table = pd.concat([cells, turned])[ScaleScores.names()]
    write_table(table, tmp_path / "scales.parquet", ScaleScores)
    write_table(spread, tmp_path / "spread.parquet", PeopleScales)
    write_table(poles, tmp_path / "poles.parquet", Poles)
    shares = {one: dict(rows[["probe", "share_a"]].to_numpy()) for one, rows in poles.groupby("country")}
    scores = scores_of(shares, poles[poles["majority"] != "tie"], asks="scale", template="scale")
    write_table(scores, tmp_path / "scores.parquet", Scores)
    files = {"--scales": "scales.parquet", "--spread": "spread.parquet", "--poles": "poles.parquet"}
    command = [part for name, file in files.items() for part in (name, str(tmp_path / file))]
    command += ["--bank", str(BANK_FILE), "--samples", "20", "--seed", "1", "--rule", "half"]
    command = ["compute-metrics", str(tmp_path / "scores.parquet"), *command, "--output", str(tmp_path / "m.csv")]
    place = command.index("--spread")
    with pytest.raises(InputError, match="--spread: is not given, but --scales is given"):
        CliRunner().invoke(
            program, command[:place] + command[place + 2 :], catch_exceptions=False, standalone_mode=False
        )
    assert CliRunner().invoke(program, command, catch_exceptions=False).exit_code == 0
    found = read_table(tmp_path / "m.csv", Metrics)
    assert set(found["asks"]) == {"scale"}, "cells that ask with scales are not scored as two options"
    found = found.set_index(["arm", "country", "metric"])
    assert found.loc[("own", "BOL", "wasserstein"), "value"] == 0 == found.loc[("own", "BOL", "js_divergence"), "value"]
    assert found.loc[("own", "BOL", "agreement"), ["value", "probes"]].tolist() == [1, 3]
    assert (found.loc[("turned", "BOL", "wasserstein"), ["value", "uniform"]] > 0.05).all()
    ceilings = found.xs("alignment", level="metric")["ceiling"]
    assert ((ceilings > 0.9) & (ceilings < 1)).all()


def read_example(questions: set[str]) -> pd.DataFrame:
    """Answers of the example's people to some questions, each weighing 1."""
    counts = read_input(EXAMPLE, Counts)
    counts = counts[counts["question"].isin(questions) & counts["country"].isin(["BOL", "DEU", "IND"])]
    return counts.assign(n=counts["count"], weight=counts["count"], weight_squared=counts["count"])


@pytest.mark.slow
def test_command_writes_the_table(tmp_path: Path) -> None:
    poles = poles_of(PEOPLE)
    write_table(poles, tmp_path / "poles.parquet", Poles)
    write_table(scores_of(MODEL, poles), tmp_path / "scores.parquet", Scores)
    names = {"--poles": "poles.parquet", "--output": "metrics.csv"}
    arguments = [part for name, file in names.items() for part in (name, tmp_path / file)]
    arguments += ["--bank", BANK_FILE, "--samples", 50, "--seed", 1, "--rule", "half"]
    command = ["compute-metrics", tmp_path / "scores.parquet", *arguments]
    result = CliRunner().invoke(program, [str(part) for part in command], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    table = read_table(tmp_path / "metrics.csv", Metrics).set_index(["arm", "country", "metric"])
    expected = tabulate(scores_of(MODEL, poles), poles)
    assert list(table.index) == list(expected.index)
    assert table["value"].to_numpy() == pytest.approx(expected["value"].to_numpy(), abs=1e-6)


# Real counts


@pytest.fixture(scope="module")
def real() -> People:
    """What the people of the example's 19 countries answer to the bank."""
    counts = pd.read_csv(EXAMPLE)
    counts = counts[counts["code"] >= 0].assign(last_code=counts["code"], n=counts["count"])
    counts = counts.assign(weight=counts["n"].astype(float), weight_squared=counts["n"].astype(float))
    counts["share"] = counts["n"] / counts.groupby(["country", "question"])["n"].transform("sum")
    poles = map_poles(counts.drop(columns="count"), BANK)
    return People.lay_out(people_of_poles(poles), options_of_poles(BANK), nearest_of_poles(poles), **SAMPLED)


def test_neighbours_of_real_countries(real: People) -> None:
    names = {country: real.countries[near] for country, near in zip(real.countries, real.neighbours, strict=True)}
    pairs = [("AUS", "NZL"), ("BOL", "MEX"), ("RUS", "UKR")]
    assert all(names[one] == other and names[other] == one for one, other in pairs), names
    assert names["NGA"] in {"ZWE", "KEN", "ETH"} and names["KEN"] in {"NGA", "ZWE", "ETH"}


def test_distances_between_real_countries_obey_the_triangle_inequality(real: People) -> None:
    mean = np.array([[np.nanmean(js_distance(one, other)) for other in real.shares] for one in real.shares])
    asked = ~np.isnan(real.shares[..., 0])
    full = np.flatnonzero(asked.sum(axis=1) >= 250)
    between = mean[np.ix_(full, full)]
    assert len(full) >= 10
    assert (between[:, None, :] <= between[:, :, None] + between[None, :, :] + 0.01).all()


@pytest.mark.slow
def test_real_people_score_between_the_world_and_themselves(real: People) -> None:
    """On average over countries: uniform < world < nearest < the same people again."""
    scores = []
    for country, q in enumerate(real.shares):
        scores.append([np.nanmean(alignment(p, q)) for _, p in real.baselines(country)])
    uniform, world, nearest, ceiling = np.mean(scores, axis=0)
    assert uniform < world < nearest < ceiling < 1
    assert ceiling > 0.98
