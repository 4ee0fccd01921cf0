"""The scoring stage: a cell's score by hand, and intervals that cover what they promise."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.cli import program
from selfalign.errors import InputError
from selfalign.probes.bank import read_bank
from selfalign.scoring.bootstrap import average_cells, estimate
from selfalign.scoring.compare_readouts import compare
from selfalign.scoring.estimate_contrasts import pair_arms
from selfalign.scoring.score_answers import score
from selfalign.scoring.tables import MEASURES, Contrasts, Estimates, Scores
from selfalign.tables import read_table, write_table

ROOT = Path(__file__).parent.parent
BANK = read_bank(ROOT / "resources" / "probes" / "probes.csv")
SERIES = {"model": "m", "language": "en", "arm": "own", "measure": "agreement"}


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
    cell = {"arm": "own", "country": "BOL", "source": "BOL", "seed": 0, "template": "cloze"}
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


# Means and intervals


def clustered(seed: int = 1, countries: tuple[str, ...] = ("BOL", "DEU", "USA"), batteries: int = 20) -> pd.DataFrame:
    """Values of probes in batteries of one to four."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, batteries)
    battery = np.repeat([f"b{place}" for place in range(batteries)], sizes)
    probe = [f"Q{place}" for place in range(len(battery))]
    parts = [
        pd.DataFrame(
            {**SERIES, "country": country, "probe": probe, "battery": battery, "value": rng.random(len(probe))}
        )
        for country in countries
    ]
    return pd.concat(parts, ignore_index=True)


def by_country(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("country")[["estimate", "low", "high"]]


def test_estimate_is_the_plain_mean_and_all_the_mean_of_countries() -> None:
    values = clustered().query("not (country == 'USA' and battery in ['b1', 'b2', 'b3'])")
    table = estimate(values, draws=200, level=0.95, seed=1).set_index("country")
    means = values.groupby("country")["value"].mean()
    assert set(table.index) == {"all", "BOL", "DEU", "USA"}
    for country, mean in means.items():
        assert table.loc[country, "estimate"] == pytest.approx(mean)
    assert table.loc["all", "estimate"] == pytest.approx(means.mean())
    sizes = values.groupby("country")[["probe", "battery"]].nunique()
    for country in means.index:
        assert list(table.loc[country, ["probes", "batteries"]]) == list(sizes.loc[country])
    assert list(table.loc["all", ["probes", "batteries"]]) == [values["probe"].nunique(), 20]


def test_interval_contains_the_estimate_and_widens_with_its_level() -> None:
    narrow, wide = (by_country(estimate(clustered(), 500, level, 1)) for level in (0.5, 0.95))
    assert (wide["low"] < narrow["low"]).all() and (narrow["high"] < wide["high"]).all()
    for table in (narrow, wide):
        assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()


def test_estimates_depend_on_values_and_seed_only() -> None:
    values = clustered()
    one = estimate(values, 300, 0.95, seed=1)
    pd.testing.assert_frame_equal(one, estimate(values.sample(frac=1, random_state=1), 300, 0.95, seed=1))
    other = estimate(values, 300, 0.95, seed=2)
    assert not one["low"].equals(other["low"])
    assert np.allclose(one["low"], other["low"], atol=0.05)
    pd.testing.assert_series_equal(one["estimate"], other["estimate"])


def test_single_battery_has_an_interval_of_no_width() -> None:
    values = clustered().assign(battery="only")
    table = by_country(estimate(values, 50, 0.95, 1))
    np.testing.assert_allclose(table["low"], table["estimate"])
    np.testing.assert_allclose(table["high"], table["estimate"])


def test_interval_is_that_of_whole_batteries_by_hand() -> None:
    # Two batteries, means 0 and 1: a resample is all 0, all 1, or both, with probability 1/4, 1/4 and 1/2.
    values = pd.DataFrame(
        {**SERIES, "country": "BOL", "probe": list("abcd"), "battery": list("xyyy"), "value": [0, 1, 1, 1]}
    )
    wide, narrow = (by_country(estimate(values, 4000, level, 1)).loc["BOL"] for level in (0.9, 0.4))
    assert list(wide) == [0.75, 0, 1]
    assert list(narrow) == [0.75, 0.75, 0.75]


def test_same_batteries_are_drawn_for_all_countries() -> None:
    one = clustered(countries=("BOL",))
    mirrored = one.assign(country="DEU", value=1 - one["value"])
    table = by_country(estimate(pd.concat([one, mirrored]), 300, 0.95, 1))
    np.testing.assert_allclose(table.loc["all"], 0.5)
    assert table.loc["BOL", "high"] - table.loc["BOL", "low"] > 0.05


def test_battery_that_a_country_lacks_leaves_its_estimates_finite() -> None:
    values = clustered(batteries=3).query("country != 'USA' or battery == 'b0'")
    table = by_country(estimate(values, 500, 0.95, 1))
    assert np.isfinite(table.to_numpy()).all()
    assert table.loc["USA", "low"] == pytest.approx(table.loc["USA", "high"])


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """500 studies of 40 batteries whose probes are alike; an interval that takes probes as independent covers 75 %."""
    studies, batteries, truth = 500, 40, 0.6
    rng = np.random.default_rng(5)
    battery = np.repeat(np.arange(batteries), rng.integers(1, 5, batteries))
    shared, own = rng.normal(0, 0.3, (studies, batteries)), rng.normal(0, 0.1, (studies, len(battery)))
    values = pd.DataFrame(
        {
            "study": np.repeat(np.arange(studies), len(battery)),
            "country": "BOL",
            "probe": np.tile(np.arange(len(battery)), studies),
            "battery": np.tile(battery, studies),
            "value": (truth + shared[:, battery] + own).ravel(),
        }
    )
    table = estimate(values, 1000, 0.95, 1).query("country == 'BOL'")
    assert len(table) == studies
    coverage = ((table["low"] <= truth) & (truth <= table["high"])).mean()
    assert 0.90 <= coverage <= 0.98
    alone = estimate(values.assign(battery=values["probe"]), 1000, 0.95, 1).query("country == 'BOL'")
    assert ((alone["low"] <= truth) & (truth <= alone["high"])).mean() < 0.85


# From scores to tables


def scores(
    arms: dict[str, float], countries: tuple[str, ...] = ("BOL", "MEX"), languages: tuple[str, ...] = ("en",)
) -> pd.DataFrame:
    """Random scores; the number of an arm is added to its p_a. An arm `other` has two sources, `random` two seeds."""
    rng = np.random.default_rng(3)
    rows = []
    for language in languages:
        for arm, shift in arms.items():
            for country in countries:
                for source in ("DEU", "USA") if arm == "other" else (country,):
                    for seed in (1, 2) if arm == "random" else (0,):
                        part = BANK[["probe", "category", "battery"]].assign(
                            language=language, arm=arm, country=country
                        )
                        part = part.assign(source=source, seed=seed, p_a=np.clip(rng.random(len(BANK)) + shift, 0, 1))
                        rows.append(part)
    table = pd.concat(rows, ignore_index=True).assign(model="m", template="cloze", share_a=0.7, majority="A")
    table["agreement"] = (table["p_a"] > 0.5).astype(float)
    table["alignment"] = 1 - (table["p_a"] - 0.7).abs()
    return table.assign(readout="label", mass_outside=0.1, order_gap=0.2)[list(Scores.to_schema().columns)]


def run(*arguments: object) -> None:
    CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)


BOOTSTRAP = ["--draws", 200, "--level", 0.95, "--seed", 1]


def test_probe_counts_once_however_many_seeds_and_sources_it_has() -> None:
    table = scores({"zero": 0, "other": 0.1, "random": 0.2})
    values = average_cells(table, list(MEASURES))
    assert len(values) == 3 * 2 * len(BANK) * len(MEASURES)
    q4 = values.query("arm == 'other' and country == 'BOL' and probe == 'Q4' and measure == 'alignment'")[
        "value"
    ].item()
    cells = table.query("arm == 'other' and country == 'BOL' and probe == 'Q4'")["alignment"]
    assert len(cells) == 2 and q4 == pytest.approx(cells.mean())


def test_table_of_agreement_has_every_measure_of_every_arm_and_country(tmp_path: Path) -> None:
    table = scores({"zero": 0, "own": 0.2})
    write_table(table, tmp_path / "en.parquet", Scores)
    run("estimate-agreement", tmp_path / "en.parquet", *BOOTSTRAP, "--output", tmp_path / "agreement.csv")
    made = read_table(tmp_path / "agreement.csv", Estimates).set_index(["arm", "country", "measure"])
    assert len(made) == 2 * 3 * len(MEASURES)
    for (arm, country), cells in table.groupby(["arm", "country"]):
        for measure in MEASURES:
            assert made.loc[(arm, country, measure), "estimate"] == pytest.approx(cells[measure].mean(), abs=1e-6)
    assert set(made["probes"]) == {len(BANK)} and set(made["batteries"]) == {BANK["battery"].nunique()}


def test_language_and_model_are_estimated_as_if_alone(tmp_path: Path) -> None:
    both = scores({"zero": 0, "own": 0.2}, languages=("en", "es"))
    both = pd.concat([both, both.assign(model="n", p_a=0.5, agreement=0.5)])
    values = average_cells(both, ["agreement"])
    together = estimate(values, 100, 0.95, 1)
    alone = estimate(values.query("model == 'm' and language == 'es'"), 100, 0.95, 1)
    same = together.query("model == 'm' and language == 'es'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, same)
    assert (together.query("model == 'n'")[["estimate", "low", "high"]] == 0.5).all().all()


def contrast(table: pd.DataFrame, *pairs: list[str]) -> pd.DataFrame:
    return estimate(pair_arms(average_cells(table, ["agreement", "alignment"]), list(pairs)), 200, 0.95, 1)


def test_contrast_of_an_arm_with_itself_is_zero() -> None:
    table = contrast(scores({"own": 0.2}), ["own", "own"])
    assert len(table) == 2 * 3
    assert (table[["estimate", "low", "high"]] == 0).all().all()


def test_contrast_is_the_difference_of_the_estimates_and_changes_sign_with_its_order() -> None:
    table = scores({"zero": 0, "own": 0.2})
    singles = estimate(average_cells(table, ["agreement", "alignment"]), 200, 0.95, 1)
    single = singles.set_index(["arm", "country", "measure"])["estimate"]
    made = contrast(table, ["own", "zero"], ["zero", "own"]).set_index(["arm", "country", "measure"])
    for country in ("BOL", "MEX", "all"):
        for measure in ("agreement", "alignment"):
            forth, back = made.loc[("own", country, measure)], made.loc[("zero", country, measure)]
            difference = single["own", country, measure] - single["zero", country, measure]
            assert forth["estimate"] == pytest.approx(difference)
            assert back["estimate"] == pytest.approx(-difference)
            assert [back["low"], back["high"]] == pytest.approx([-forth["high"], -forth["low"]])


def test_contrast_is_paired_so_what_both_arms_share_does_not_widen_it() -> None:
    table = scores({"zero": 0})
    better = table.assign(arm="own", alignment=table["alignment"] / 2 + 0.25)
    shifted = table.assign(arm="shifted", alignment=table["alignment"] - 0.125)
    made = contrast(pd.concat([table, better, shifted]), ["shifted", "zero"]).query("measure == 'alignment'")
    np.testing.assert_allclose(made[["estimate", "low", "high"]], -0.125)


def test_contrast_leaves_out_probes_that_one_arm_lacks() -> None:
    table = scores({"zero": 0, "own": 0.2}).query("not (arm == 'own' and probe in ['Q4', 'Q258'])")
    made = contrast(table, ["own", "zero"]).query("country == 'BOL' and measure == 'agreement'").iloc[0]
    common = table.query("country == 'BOL' and probe not in ['Q4', 'Q258']").groupby("arm")["agreement"].mean()
    assert made["estimate"] == pytest.approx(common["own"] - common["zero"])
    assert made["probes"] == len(BANK) - 2


def contrasts_csv(folder: Path, table: pd.DataFrame, pairs: list[list[str]]) -> pd.DataFrame:
    write_table(table, folder / "en.parquet", Scores)
    run(
        "estimate-contrasts",
        folder / "en.parquet",
        "--contrasts",
        json.dumps(pairs),
        *BOOTSTRAP,
        "--output",
        folder / "c.csv",
    )
    return read_table(folder / "c.csv", Contrasts)


def test_contrast_of_which_a_language_runs_one_arm_has_no_rows_there(tmp_path: Path) -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0}, languages=("en", "es"))
    table = table[(table["language"] == "en") | (table["arm"] != "other")]
    made = contrasts_csv(tmp_path, table, [["own", "zero"], ["own", "other"]])
    assert set(zip(made["language"], made["against"], strict=True)) == {("en", "zero"), ("es", "zero"), ("en", "other")}


def test_contrasts_of_which_no_language_runs_both_arms_give_an_empty_table(tmp_path: Path) -> None:
    assert contrasts_csv(tmp_path, scores({"zero": 0}), [["own", "zero"]]).empty
