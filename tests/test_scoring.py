"""The scoring stage: a cell's score by hand, and readouts compared."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.errors import InputError
from selfalign.probes.bank import read_bank
from selfalign.scoring.compare_readouts import compare
from selfalign.scoring.score_answers import score

ROOT = Path(__file__).parent.parent
BANK = read_bank(ROOT / "resources" / "probes" / "probes.csv")


def score_one(ab: tuple[float, float], ba: tuple[float, float], share_a: float, majority: str) -> pd.Series:
    """Score of a cell from the log-probabilities of the first and second label in both orders."""
    cell = {"arm": "own", "country": "BOL", "probe": "Q4", "source": "BOL", "seed": 0, "template": "cloze"}
    design = pd.DataFrame([{**cell, "order": "AB", "prompt": "1"}, {**cell, "order": "BA", "prompt": "2"}])
    poles = pd.DataFrame({"country": ["BOL"], "probe": ["Q4"], "share_a": [share_a], "majority": [majority]})
    scored, unanswered = score(design, answers_of({"2": ba, "1": ab}), poles, BANK, {"cloze": "label"})
    (_, row), *rest = scored.iterrows()
    assert not rest and unanswered.empty
    return row


def answers_of(labels: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Answers to prompts, of which the log-probabilities of two labels are known."""
    rows = [(prompt, place, p) for prompt, pair in labels.items() for place, p in enumerate(pair, start=1)]
    answers = pd.DataFrame(rows, columns=["prompt", "place", "label"])
    outside = {prompt: 1 - np.exp(pair).sum() for prompt, pair in labels.items()}
    return answers.assign(mass_outside_labels=answers["prompt"].map(outside))


def log(*probabilities: float) -> tuple[float, ...]:
    return tuple(np.log(probabilities))


# A cell


def test_score_of_a_cell_by_hand() -> None:
    # The first label is pole A's in order AB: p(A) = .6 / (.6 + .2) = .75; pole B's in order BA: p(A) = .3 / .5 = .6.
    row = score_one(log(0.6, 0.2), log(0.2, 0.3), share_a=0.7, majority="A")
    assert row["p_a"] == pytest.approx((0.75 + 0.6) / 2)
    assert row["order_gap"] == pytest.approx(0.15)
    assert row["mass_outside"] == pytest.approx((0.2 + 0.5) / 2)
    assert row["agreement"] == 1
    assert row["alignment"] == pytest.approx(1 - (0.7 - 0.675))
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


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(-60, 60), st.floats(0, 1))
def test_preference_for_a_label_or_a_place_cancels(preference: float, share: float) -> None:
    biased = (-70 + preference, -70 - preference)
    row = score_one(biased, biased, share, "A")
    assert row["p_a"] == pytest.approx(0.5)
    assert row["alignment"] == pytest.approx(1 - abs(0.5 - share))
    assert row["order_gap"] == pytest.approx(abs(np.tanh(preference)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(-60, 60))
def test_model_that_only_prefers_a_label_agrees_half(preference: float) -> None:
    biased = (-70 + preference, -70 - preference)
    assert score_one(biased, biased, 0.8, "A")["agreement"] == 0.5


@settings(max_examples=40, deadline=None, derandomize=True)
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


def score_pair(labels: dict[str, tuple[float, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of two countries' cells that use the same two prompts, and what is left out."""
    cell = {"arm": "own", "probe": "Q4", "seed": 0, "template": "cloze"}
    rows = [
        {**cell, "country": country, "source": country, "order": order, "prompt": prompt}
        for country, prompts in {"BOL": "12", "DEU": "13"}.items()
        for order, prompt in zip(("AB", "BA"), prompts, strict=True)
    ]
    poles = pd.DataFrame({"country": ["BOL", "DEU"], "probe": "Q4", "share_a": 0.7, "majority": "A"})
    return score(pd.DataFrame(rows), answers_of(labels), poles, BANK, {"cloze": "label"})


def test_cell_without_an_answer_in_one_order_is_left_out_and_counted() -> None:
    for nothing in ((np.nan, np.nan), (-1.0, np.nan), (-np.inf, -np.inf)):
        scores, unanswered = score_pair({"1": log(0.6, 0.2), "2": log(0.2, 0.3), "3": nothing})
        assert list(scores["country"]) == ["BOL"]
        assert unanswered[["country", "order", "prompt"]].to_numpy().tolist() == [["DEU", "BA", "3"]]


def test_option_that_no_sampled_reply_chose_has_no_share() -> None:
    scores, unanswered = score_pair({"1": (np.log(0.8), -np.inf), "2": (-np.inf, np.log(0.4)), "3": log(0.2, 0.2)})
    assert unanswered.empty
    assert list(scores["p_a"]) == pytest.approx([1.0, 0.75])


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
        score(design, answers, poles, BANK, readouts)


# Readouts


def test_readouts_that_choose_differently_are_counted() -> None:
    cell = {"arm": "own", "country": "BOL", "source": "BOL", "seed": 0, "template": "cloze", "asks": "poles"}
    rows = [
        {**cell, "probe": probe, "order": order, "prompt": probe + order}
        for probe in ("Q4", "Q6", "Q8", "Q22")
        for order in ("AB", "BA")
    ]
    # In order AB the first option is pole A's. The label always chooses A; the option does for two, and is torn once.
    options = {"Q4": (-1, -2), "Q6": (-1, -3), "Q8": (-2, -1), "Q22": (-1, -1)}
    answers = pd.DataFrame(
        [
            {"prompt": row["prompt"], "place": 1 + row["order"].index(pole), "label": label, "option": option}
            for row in rows
            for pole, label, option in zip("AB", (-1, -5), options[row["probe"]], strict=True)
        ]
    ).assign(per_token=lambda table: table["option"] / 2, per_byte=np.nan, pmi=np.nan)
    table = compare(pd.DataFrame(rows), answers).set_index(["readout", "against"])
    assert set(table.index) == {("label", "option"), ("label", "per_token"), ("option", "per_token")}
    assert table.loc[("label", "option"), ["cells", "differ"]].tolist() == [4, 0.5]
    assert np.isnan(table.loc[("label", "option"), "correlation"])  # the label is as sure of all
    assert table.loc[("option", "per_token"), ["differ", "correlation"]].tolist() == [0, pytest.approx(1)]
