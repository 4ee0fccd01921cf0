"""The scoring stage: a cell's score by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from answering import answers_of
from bank import BANK
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.errors import InputError
from selfalign.scoring import cells
from selfalign.scoring.cells import Comparison
from selfalign.scoring.schemas import Unanswered
from selfalign.scoring.score_answers import score_options


def score_one(
    ab: tuple[float, float], ba: tuple[float, float], share_a: float, majority: str, **columns: object
) -> pd.Series:
    """Score of a cell from the log-probabilities of the first and second label in both orders."""
    cell = {"arm": "own", "country": "BOL", "probe": "Q4", "source": "BOL", "seed": 0, "template": "cloze"}
    design = pd.DataFrame([{**cell, "order": "AB", "prompt": "1"}, {**cell, "order": "BA", "prompt": "2"}])
    poles = pd.DataFrame({"country": ["BOL"], "probe": ["Q4"], "share_a": [share_a], "majority": [majority]})
    answers = answers_of({"2": ba, "1": ab}).assign(**columns)
    scored, unanswered = score_options(design, answers, Comparison(poles, BANK), {"cloze": "label"})
    (_, row), *rest = scored.iterrows()
    assert not rest and unanswered.empty
    return row


def log(*probabilities: float) -> tuple[float, ...]:
    return tuple(np.log(probabilities))


def logistic(log_odds: float) -> float:
    return 1 / (1 + np.exp(-log_odds))


# A cell


def test_score_of_a_cell_by_hand() -> None:
    # The first label is pole A's in order AB: p(A) = .6 / (.6 + .2) = .75; pole B's in order BA: p(A) = .3 / .5 = .6.
    row = score_one(log(0.6, 0.2), log(0.2, 0.3), share_a=0.7, majority="A")
    assert row["p_a"] == pytest.approx(logistic((np.log(3) + np.log(1.5)) / 2))
    assert row["p_a_mean"] == pytest.approx((0.75 + 0.6) / 2)
    assert row["order_gap"] == pytest.approx(0.15)
    assert row["mass_outside"] == pytest.approx((0.2 + 0.5) / 2)
    assert row["agreement"] == 1
    assert row["alignment"] == pytest.approx(1 - (0.7 - logistic(np.log(4.5) / 2)))
    assert row["answered"] and not row["bound"] and np.isnan(row["mass_open"])
    assert (row["category"], row["battery"]) == ("social_values", "importance_in_life")


@pytest.mark.parametrize(
    ("ab", "ba", "majority", "agreement"),
    [
        pytest.param((0.6, 0.2), (0.2, 0.3), "B", 0, id="disagrees"),
        pytest.param((0.2, 0.6), (0.3, 0.2), "B", 1, id="agrees on B"),
        pytest.param((0.9, 0.1), (0.4, 0.6), "A", 1, id="both orders say A"),
        pytest.param((0.9, 0.1), (0.8, 0.2), "A", 1, id="orders disagree, the stronger wins"),
        pytest.param((0.6, 0.4), (0.8, 0.2), "A", 0, id="orders disagree, the stronger says B"),
        pytest.param((0.5, 0.5), (0.25, 0.25), "A", 0.5, id="no opinion"),
        pytest.param((0.5, 0.5), (0.25, 0.25), "B", 0.5, id="no opinion, majority B"),
    ],
)
def test_agreement_is_with_the_more_probable_pole_of_both_orders(
    ab: tuple[float, float], ba: tuple[float, float], majority: str, agreement: float
) -> None:
    share = 0.8 if majority == "A" else 0.2
    assert score_one(log(*ab), log(*ba), share, majority)["agreement"] == agreement


def test_log_odds_are_averaged_so_a_preference_for_a_place_does_not_move_p_a_to_a_half() -> None:
    """True log-odds of 2, and 4 nats for the first place: 6 where pole A is first, and -2 where it is second."""
    row = score_one((-0.5, -6.5), (-0.5, -2.5), 0.9, "A")
    assert row["p_a"] == pytest.approx(0.8808, abs=1e-4)
    assert row["p_a_mean"] == pytest.approx(0.5584, abs=1e-4)
    assert row["order_gap"] == pytest.approx(logistic(6) - logistic(-2))
    assert row["alignment"] == pytest.approx(1 - (0.9 - 0.8808), abs=1e-4)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.floats(-20, 20), st.floats(-40, 40), st.floats(0, 1))
def test_no_preference_for_a_place_changes_p_a(opinion: float, preference: float, share: float) -> None:
    labels = [np.array([side, -side]) / 2 - 50 for side in (opinion + preference, -opinion + preference)]
    row = score_one(*labels, share, "A")
    assert row["p_a"] == pytest.approx(logistic(opinion), abs=1e-12)
    assert row["alignment"] == pytest.approx(1 - abs(logistic(opinion) - share), abs=1e-12)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.floats(-60, 60), st.floats(0, 1))
def test_preference_for_a_label_or_a_place_cancels(preference: float, share: float) -> None:
    biased = (-70 + preference, -70 - preference)
    row = score_one(biased, biased, share, "A")
    assert row["p_a"] == pytest.approx(0.5)
    assert row["alignment"] == pytest.approx(1 - abs(0.5 - share))
    assert row["order_gap"] == pytest.approx(abs(np.tanh(preference)))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.floats(-60, 60))
def test_model_that_only_prefers_a_label_agrees_half(preference: float) -> None:
    biased = (-70 + preference, -70 - preference)
    assert score_one(biased, biased, 0.8, "A")["agreement"] == 0.5


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(*[st.floats(-50, 0)] * 4, st.floats(0, 1))
def test_exchange_of_the_poles_changes_no_score_but_p_a(a: float, b: float, c: float, d: float, share: float) -> None:
    one = score_one((a, b), (c, d), share, "A")
    other = score_one((c, d), (a, b), 1 - share, "B")  # what was pole A is now pole B, and stands where it stood
    assert other["p_a"] == pytest.approx(1 - one["p_a"])
    for measure in ("alignment", "mass_outside", "order_gap"):
        assert other[measure] == pytest.approx(one[measure])
    if abs(one["p_a"] - 0.5) > 1e-9:
        assert other["agreement"] == one["agreement"]


@pytest.mark.parametrize(("sure", "p_a"), [(-800.0, 1.0), (800.0, 0.0)])
def test_extreme_log_probabilities_give_exact_scores(sure: float, p_a: float) -> None:
    labels = (-1000.0, -1000.0 + sure) if sure < 0 else (-1000.0 - sure, -1000.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = score_one(labels, labels[::-1], 0.25, "B")
    assert row["p_a"] == p_a and row["order_gap"] == 0
    assert row["agreement"] == 1 - p_a
    assert row["mass_outside"] == 1


def test_extreme_log_probabilities_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_one((-800.0, -0.0), (-0.0, -800.0), 0.25, "B")


def score_pair(labels: dict[str, tuple[float, float]], rule: str = "half") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of two countries' cells that use the same first prompt, and the prompts without an answer."""
    cell = {"arm": "own", "probe": "Q4", "seed": 0, "template": "cloze"}
    rows = [
        {**cell, "country": country, "source": country, "order": order, "prompt": prompt}
        for country, prompts in {"BOL": "12", "DEU": "13"}.items()
        for order, prompt in zip(("AB", "BA"), prompts, strict=True)
    ]
    poles = pd.DataFrame({"country": ["BOL", "DEU"], "probe": "Q4", "share_a": 0.7, "majority": "A"})
    return score_options(pd.DataFrame(rows), answers_of(labels), Comparison(poles, BANK, rule), {"cloze": "label"})


@pytest.mark.parametrize(("rule", "agreement"), [("half", 0.5), ("wrong", 0.0), ("left_out", np.nan)])
@pytest.mark.parametrize("nothing", [(np.nan, np.nan), (-1.0, np.nan), (-np.inf, -np.inf)])
def test_cell_without_an_answer_in_one_order_is_kept_and_counts_by_the_rule(
    nothing: tuple[float, float], rule: str, agreement: float
) -> None:
    scores, unanswered = score_pair({"1": log(0.6, 0.2), "2": log(0.2, 0.3), "3": nothing}, rule)
    assert list(zip(scores["country"], scores["answered"], strict=True)) == [("BOL", True), ("DEU", False)]
    assert scores["agreement"].to_numpy() == pytest.approx([1, agreement], nan_ok=True)
    assert scores.loc[1, ["p_a", "p_a_mean", "alignment", "order_gap"]].isna().all()
    listed = unanswered[["country", "order", "prompt", "reason"]].to_numpy().tolist()
    assert listed == [["DEU", "BA", "3", "no answer"]]


# Sampled replies


def sampled(first: int, second: int, replies: int) -> tuple[float, float]:
    with np.errstate(divide="ignore"):
        return tuple(np.log(np.array([first, second]) / replies))


def test_option_that_no_sampled_reply_chose_has_half_a_reply() -> None:
    """Haldane's and Anscombe's correction: 16 replies for A and none for B of 20; then none for B first and 8 for A."""
    row = score_one(sampled(16, 0, 20), sampled(0, 8, 20), 0.9, "A", samples=20)
    assert row["p_a"] == pytest.approx(logistic((np.log(16.5 / 0.5) + np.log(8.5 / 0.5)) / 2))
    assert row["order_gap"] == pytest.approx(16.5 / 17 - 8.5 / 9)
    assert row["answered"] and row["agreement"] == 1


def test_sampled_replies_that_follow_the_place_cancel() -> None:
    row = score_one(sampled(20, 0, 20), sampled(20, 0, 20), 0.9, "A", samples=20)
    assert row["p_a"] == 0.5 and row["agreement"] == 0.5
    assert row["order_gap"] == pytest.approx(20 / 21)


def test_sampled_replies_that_are_no_option_are_no_answer() -> None:
    row = score_one_or_none(sampled(20, 0, 20), sampled(0, 0, 20), samples=20)
    assert not row["answered"] and np.isnan(row["p_a"])


def score_one_or_none(ab: tuple[float, float], ba: tuple[float, float], **columns: object) -> pd.Series:
    """Score of a cell that may have no answer."""
    cell = {"arm": "own", "country": "BOL", "probe": "Q4", "source": "BOL", "seed": 0, "template": "cloze"}
    design = pd.DataFrame([{**cell, "order": "AB", "prompt": "1"}, {**cell, "order": "BA", "prompt": "2"}])
    poles = pd.DataFrame({"country": ["BOL"], "probe": ["Q4"], "share_a": [0.7], "majority": ["A"]})
    answers = answers_of({"1": ab, "2": ba}).assign(**columns)
    scores, unanswered = score_options(design, answers, Comparison(poles, BANK), {"cloze": "label"})
    Unanswered.validate(unanswered)
    return pd.Series({**scores.iloc[0].to_dict(), "reasons": list(unanswered["reason"])})


@pytest.mark.parametrize(
    ("ab", "ba", "p_a"),
    [
        pytest.param((-1, -np.inf), (-1, -2), 1.0, id="impossible in one order"),
        pytest.param((-1, -np.inf), (-1, -np.inf), 0.5, id="impossible in both, opposite poles"),
        pytest.param((-1, -np.inf), (-np.inf, -1), 1.0, id="impossible in both, one pole"),
    ],
)
def test_probability_of_exactly_zero_never_drops_a_cell(
    ab: tuple[float, float], ba: tuple[float, float], p_a: float
) -> None:
    assert score_one(ab, ba, 0.7, "A")["p_a"] == p_a


# Labels that an endpoint did not list


def bounds(*places: tuple[str, int]) -> list[bool]:
    """Column label_bound of the answers to prompts 1 and 2: whether prompt and place are among `places`."""
    return [(prompt, place) in places for prompt in "12" for place in (1, 2)]


def test_label_that_is_not_listed_leaves_the_choice_known_and_p_a_a_bound() -> None:
    row = score_one_or_none((-0.1, -4), (-3, -0.2), label_bound=bounds(("1", 2)))
    assert row["bound"] and row["answered"] and row["agreement"] == 1
    assert row["p_a"] == pytest.approx(logistic((3.9 + 2.8) / 2))
    assert row["alignment"] == pytest.approx(1 - abs(row["p_a"] - 0.7))


def test_label_that_ends_the_list_is_chosen_though_its_bound_is_a_tie() -> None:
    row = score_one_or_none((-0.1, -0.1), (-0.2, -0.2), label_bound=bounds(("1", 2), ("2", 1)))
    assert row["bound"] and row["agreement"] == 1 and row["p_a"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("ab", "ba", "unlisted", "reasons"),
    [
        # A by 1 or more, then B by 3: the mean may be for either.
        pytest.param((-1, -2), (-0.1, -3.1), [("1", 2)], ["choice left open"], id="weaker side is a bound"),
        pytest.param((-1, -2), (-1, -2), [("1", 2), ("2", 2)], ["choice left open"] * 2, id="bounds contradict"),
        pytest.param((-1, -1), (-1, -2), [("1", 1), ("1", 2)], ["no answer"], id="neither label is listed"),
    ],
)
def test_choice_that_the_listed_labels_leave_open_is_no_answer(
    ab: tuple[float, float], ba: tuple[float, float], unlisted: list[tuple[str, int]], reasons: list[str]
) -> None:
    row = score_one_or_none(ab, ba, label_bound=bounds(*unlisted))
    assert not row["answered"] and not row["bound"] and row["agreement"] == 0.5
    assert row["reasons"] == reasons


def test_bound_that_cannot_change_the_choice_is_answered() -> None:
    """A by 5 or more, then B by 2: the mean is for A, by 1.5 or more."""
    row = score_one_or_none((-0.1, -5.1), (-0.2, -2.2), label_bound=bounds(("1", 2)))
    assert row["bound"] and row["agreement"] == 1 and row["p_a"] == pytest.approx(logistic(1.5))


def test_mass_of_open_replies_is_averaged_over_the_orders() -> None:
    row = score_one_or_none((-1, -2), (-2, -1), mass_open=[0.9, 0.9, 0.6, 0.6])
    assert row["mass_open"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("readouts", "tells"),
    [({}, "the frame cloze has no readout"), ({"cloze": "option"}, "have no readout option. Choose label")],
)
def test_frame_without_its_readout_is_refused(readouts: dict[str, str], tells: str) -> None:
    cell = {"arm": "own", "country": "BOL", "probe": "Q4", "source": "BOL", "seed": 0, "template": "cloze"}
    design = pd.DataFrame([{**cell, "order": "AB", "prompt": "1"}, {**cell, "order": "BA", "prompt": "2"}])
    answers = answers_of({"1": (-1, -2), "2": (-1, -2)}).assign(option=np.nan, mass_outside_options=np.nan)
    poles = pd.DataFrame({"country": ["BOL"], "probe": ["Q4"], "share_a": [0.7], "majority": ["A"]})
    with pytest.raises(InputError, match=tells):
        score_options(design, answers, Comparison(poles, BANK), readouts)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 5, 100_000])
def test_scores_do_not_depend_on_how_many_arms_are_scored_together(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = {"country": "BOL", "probe": "Q4", "source": "BOL", "seed": 0, "template": "cloze"}
    arms = ["third", "first", "second", "fourth"]
    asked = [(arm, order, f"{2 * place + (order == 'BA')}") for place, arm in enumerate(arms) for order in ("AB", "BA")]
    design = pd.DataFrame([cell | {"arm": arm, "order": order, "prompt": prompt} for arm, order, prompt in asked])
    labels = {prompt: log(0.1 * (1 + place), 0.2) for place, (_, _, prompt) in enumerate(asked)}
    labels["4"] = (np.nan, np.nan)
    poles = pd.DataFrame({"country": ["BOL"], "probe": ["Q4"], "share_a": [0.7], "majority": ["A"]})
    expected = score_options(design, answers_of(labels), Comparison(poles, BANK), {"cloze": "label"})
    monkeypatch.setattr(cells, "_ROWS", rows)
    parts = cells.split_arms(design)
    assert len(parts) == {1: 4, 5: 2, 100_000: 1}[rows] and sum(map(len, parts)) == len(design)
    parted = score_options(design, answers_of(labels), Comparison(poles, BANK), {"cloze": "label"})
    for table, again in zip(expected, parted, strict=True):
        pd.testing.assert_frame_equal(table.reset_index(drop=True), again.reset_index(drop=True))
    assert list(expected[0]["arm"]) == sorted(arms) and list(expected[1]["arm"].unique()) == ["second"]
