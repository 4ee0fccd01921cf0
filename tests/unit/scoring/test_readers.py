"""Readers of the demonstrations: a copier, an ideal reader, and the share of their contrasts that a model reaches."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from estimating import people, scores
from selfalign.contrasts import Contrast
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_readers import divide_with_interval, estimate_readers
from selfalign.scoring.main_intervals import choose_main
from selfalign.scoring.readers import (
    READERS,
    choose_a,
    choose_first,
    choose_shorter,
    name_cells,
    read_as_copier,
    read_as_ideal_reader,
)
from selfalign.scoring.schemas import ReaderContrasts
from selfalign.scoring.score_readers import score_readers
from selfalign.scoring.unanswered import COUNTS_AS

COUNTRIES = ["DEU", "MEX", "PAK", "USA"]
SHARES = pd.DataFrame(  # countries x probes: the people's share of pole A
    [[0.9, 0.8, 0.7, 0.6], [0.8, 0.7, 0.6, 0.1], [0.1, 0.2, 0.3, 0.4], [0.2, np.nan, 0.4, 0.9]],
    index=COUNTRIES,
    columns=["Q1", "Q2", "Q3", "Q46"],
)


def poles_of(shares: pd.DataFrame) -> pd.DataFrame:
    poles = shares.rename_axis("country").melt(ignore_index=False, var_name="probe", value_name="share_a").dropna()
    return poles.reset_index().assign(majority=lambda table: np.where(table["share_a"] > 0.5, "A", "B"))


def prompt_of(key: str, demonstrations: str, shown: list[str], options: list[str], labels: list[str] = []) -> dict:  # noqa: B006
    pairs = [["asked", answer] for answer in shown]
    row = {"prompt": key, "demonstrations": demonstrations, "shown": json.dumps(pairs)}
    return row | {"options": json.dumps(options), "labels": json.dumps(labels)}


def design_of(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Cells in both orders: country, probe, prompt in order AB, prompt in order BA."""
    cells = [(*row[:2], order, prompt) for row in rows for order, prompt in zip(("AB", "BA"), row[2:], strict=True)]
    table = pd.DataFrame(cells, columns=["country", "probe", "order", "prompt"])
    return table.assign(arm="chrf", source="DEU", seed=0, template="words", asks="poles")


def test_copier_counts_the_options_among_the_answers() -> None:
    prompts = pd.DataFrame(
        [
            prompt_of("p1", "", ["good", "good", "rare", "bad"], ["bad", "good"]),
            prompt_of("p2", "", ["rare"], ["bad", "good"]),
            prompt_of("p3", "", ["B", "B", "A"], ["bad", "good"], ["A", "B"]),
            prompt_of("other", "", ["bad"], ["bad", "good"]),
        ]
    )
    answers = read_as_copier(design_of([("DEU", "Q1", "p1", "p2"), ("DEU", "Q2", "p3", "p3")]), prompts)
    weights = answers.set_index(["prompt", "place"])["option"].unstack()
    assert list(weights.index) == ["p1", "p2", "p3"]
    assert np.exp(weights.to_numpy()) == pytest.approx(np.array([[1.5, 2.5], [0.5, 0.5], [1.5, 2.5]]))


def ideal(country: str, probe: str, demonstrations: str, noise: float = 0.1) -> float:
    """The ideal reader's share of pole A."""
    prompts = pd.DataFrame([prompt_of("p", demonstrations, [], ["a", "b"])])
    design = design_of([(country, probe, "p", "p")]).iloc[:1]
    answers = read_as_ideal_reader(design, prompts, poles_of(SHARES), noise)
    assert list(answers["prompt"]) == list(name_cells(design)) * 2
    return float(np.exp(answers["option"].iloc[0]))


def test_ideal_reader_weighs_the_other_countries_by_what_is_shown() -> None:
    assert ideal("DEU", "Q46", "Q1=A Q2=A Q3=A", noise=1e-6) == pytest.approx(0.1, abs=1e-4)  # as in Mexico
    # Pakistan differs in all three and Mexico in none; the USA differs in two, and was not asked Q2.
    weights = np.array([0.9**3, 0.1**3, 0.1**2 * 0.5])
    assert ideal("DEU", "Q46", "Q1=A Q2=A Q3=A") == pytest.approx(weights @ [0.1, 0.4, 0.9] / weights.sum())


def test_ideal_reader_reads_any_number_of_demonstrations() -> None:
    """Likelihoods such as exp(-1926) are too small for a number, and their ratios still count."""
    against = "Q1=A Q1=B Q3=A Q3=B " * 400
    assert ideal("DEU", "Q46", against) == pytest.approx(np.mean([0.1, 0.4, 0.9]))
    assert ideal("DEU", "Q46", f"{against} Q1=A") == pytest.approx(np.average([0.1, 0.4, 0.9], weights=[0.9, 0.1, 0.1]))
    # The USA were not asked Q2, so they weigh nothing there, although they are nearest.
    assert ideal("DEU", "Q2", "Q1=B Q3=B Q46=A " * 400) == pytest.approx(0.2)


def test_ideal_reader_without_demonstrations_is_the_mean_of_the_other_countries() -> None:
    assert ideal("DEU", "Q46", "") == pytest.approx(np.mean([0.1, 0.4, 0.9]))
    assert ideal("DEU", "Q46", "ice=A shadow=B") == pytest.approx(np.mean([0.1, 0.4, 0.9]))
    assert ideal("DEU", "Q46", "Q1=A Q2=A", noise=0.5) == pytest.approx(np.mean([0.1, 0.4, 0.9]))
    assert ideal("DEU", "Q2", "Q1=B") == pytest.approx((0.1 * 0.7 + 0.9 * 0.2) / (0.1 + 0.9))  # the USA were not asked


def test_tie_is_no_evidence_about_a_country_for_either_pole() -> None:
    """Pakistan ties in Q1, so an answer to it has a probability of one half there."""
    tied = SHARES.copy()
    tied.loc["PAK", "Q1"] = 0.5
    prompts = pd.DataFrame([prompt_of(shown, f"Q1={shown}", [], ["a", "b"]) for shown in ("A", "B")])
    cells = design_of([("DEU", "Q46", "A", "A"), ("DEU", "Q46", "B", "B")])
    answers = read_as_ideal_reader(cells[cells["order"] == "AB"], prompts, poles_of(tied), 0.1)
    found = np.exp(answers.loc[answers["place"] == 1, "option"].to_numpy())
    shares = np.array([0.1, 0.4, 0.9])  # Mexico, Pakistan, the USA
    assert found == pytest.approx([np.average(shares, weights=one) for one in ([0.9, 0.5, 0.1], [0.1, 0.5, 0.9])])


def test_probe_that_no_other_country_was_asked_has_no_answer() -> None:
    shares = SHARES.assign(Q47=[0.3, np.nan, np.nan, np.nan])
    prompts = pd.DataFrame([prompt_of("p", "Q1=A", [], ["a", "b"])])
    cells = design_of([("DEU", "Q46", "p", "p"), ("DEU", "Q47", "p", "p")])
    answers = read_as_ideal_reader(cells[cells["probe"] == "Q47"], prompts, poles_of(shares), 0.1)
    assert answers.empty


def test_policies_choose_by_length_place_or_pole() -> None:
    prompts = pd.DataFrame(
        [
            prompt_of("short first", "", [], ["да", "нет, никогда"]),
            prompt_of("long first", "", [], ["нет, никогда", "да"], ["A", "B"]),
            prompt_of("same length", "", [], ["über", "kaum"]),
            prompt_of("not asked", "", [], ["a", "b"]),
        ]
    )
    cells = design_of([("DEU", "Q1", "short first", "long first"), ("MEX", "Q2", "same length", "same length")])
    found = choose_shorter(cells, prompts).set_index(["prompt", "place"])["option"].unstack()
    assert list(np.exp(found.loc["short first"])) == pytest.approx([1, 0], abs=1e-8)
    assert list(np.exp(found.loc["long first"])) == pytest.approx([0, 1], abs=1e-8), "the labels do not count"
    assert list(np.exp(found.loc["same length"])) == pytest.approx([0.5, 0.5])
    assert len(found) == 3
    first = choose_first(cells).set_index(["prompt", "place"])["option"].unstack()
    assert np.exp(first.to_numpy()) == pytest.approx(np.array([[1, 0]] * 3), abs=1e-8)
    of_a = choose_a(cells.iloc[:2]).set_index(["prompt", "place"])["option"].unstack()
    assert list(np.exp(of_a.loc["short first"])) == pytest.approx([1, 0], abs=1e-8)
    assert list(np.exp(of_a.loc["long first"])) == pytest.approx([0, 1], abs=1e-8), "pole A stands second there"


def experiment() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Design, prompts, poles and bank: twelve countries of two kinds, and forty probes in twenty batteries."""
    draw = np.random.default_rng(5)
    bank = pd.DataFrame({"probe": [f"Q{n}" for n in range(1, 41)], "category": "c"})
    bank["battery"] = [f"b{n // 2}" for n in range(40)]
    names = [f"{letter}AA" for letter in "ABCDEFGHIJKL"]
    kinds = draw.uniform(0.1, 0.9, (2, 40)).round(2)
    shares = np.clip(kinds[np.arange(12) % 2] + draw.normal(0, 0.03, (12, 40)), 0.01, 0.99)
    poles = poles_of(pd.DataFrame(shares, names, bank["probe"]))
    majority = poles.set_index(["country", "probe"])["majority"]
    cells, prompts = [], {}
    for country, place in product(names, range(40)):
        asked = [f"Q{(place + step) % 40 + 1}" for step in (2, 4, 6, 8, 10)]
        for arm, source in [("own", country)] + [("other", one) for one in names if one != country]:
            text = " ".join(f"{probe}={majority[source, probe]}" for probe in asked)
            for order in ("AB", "BA"):
                key = f"{place} {order} {text}"
                prompts[key] = prompt_of(key, text, [pair[-1] for pair in text.split()], list(order))
                cells.append((arm, country, f"Q{place + 1}", source, order, key))
    design = pd.DataFrame(cells, columns=["arm", "country", "probe", "source", "order", "prompt"])
    return design.assign(seed=0, template="words", asks="poles"), pd.DataFrame(prompts.values()), poles, bank


@pytest.mark.slow
def test_model_that_is_a_reader_reaches_all_of_its_contrast() -> None:
    design, prompts, poles, bank = experiment()
    readers = score_readers(design, prompts, poles, bank, 0.1).assign(language="en")
    model = readers[readers["model"] == "ideal_reader"].assign(model="m")
    people = pd.DataFrame({"country": [], "probe": [], "shares": [], "respondents": []})
    table = estimate_readers(
        model, readers, [Contrast(arm="own", against="other")], Resampling(people, 200, 0.95, 1, ["batteries"])
    )
    table = table[(table["country"] == "all") & (table["measure"] == "agreement")].set_index(["reader", "against"])
    same = table.loc[("ideal_reader", "other")]
    assert same["estimate"] == same["reader_estimate"] > 0.15
    assert [same["share"], same["share_low"], same["share_high"]] == pytest.approx([1, 1, 1])
    alone = table.loc[("ideal_reader", "")]
    assert alone.loc[alone["arm"] == "own", "reader_estimate"].item() > 0.9
    assert alone["share"].isna().all()
    copied = table.loc[("copier", "other")]
    assert abs(copied["reader_estimate"]) < copied["reader_high"] - copied["reader_low"]
    assert np.isnan(copied["share"])  # the copier's contrast does not differ from 0


@pytest.mark.slow
def test_a_reader_without_an_answer_counts_by_the_rule_of_the_models() -> None:
    """Only Germany was asked Q2. So the ideal reader has no answer there, and one to Q1."""
    poles = poles_of(pd.DataFrame({"Q1": [0.9, 0.9], "Q2": [0.9, np.nan]}, pd.Index(["DEU", "MEX"], name="country")))
    bank = pd.DataFrame({"probe": ["Q1", "Q2"], "category": "c", "battery": ["Q1", "Q2"]})
    prompts = pd.DataFrame([prompt_of(f"{one} {order}", "", [], ["x", "y"]) for one in bank["probe"]
                            for order in ("AB", "BA")])  # fmt: skip
    design = design_of([("DEU", one, f"{one} AB", f"{one} BA") for one in bank["probe"]])
    for rule, unanswered in COUNTS_AS.items():
        scores = score_readers(design, prompts, poles, bank, 0.1, rule).query("model == 'ideal_reader'")
        scores = scores.set_index("probe")
        assert scores["answered"].to_dict() == {"Q1": True, "Q2": False}
        assert scores["agreement"].to_dict() == pytest.approx({"Q1": 1, "Q2": unanswered}, nan_ok=True)


@pytest.mark.slow
def test_policies_have_rows_without_arms_and_models() -> None:
    """Of three probes with options of two lengths, the shorter one is pole A in one."""
    shares = SHARES[["Q1", "Q2", "Q3"]].drop(index="USA")
    poles = poles_of(shares)
    bank = pd.DataFrame({"probe": list(shares), "category": "c", "battery": list(shares)})
    words = {"Q1": ["short", "very long"], "Q2": ["very long", "short"], "Q3": ["equal", "alike"]}
    prompts = [
        prompt_of(f"{probe} {order} {arm}", "Q1=A", ["short"], two[:: 1 if order == "AB" else -1])
        for (probe, two), order, arm in product(words.items(), ("AB", "BA"), ("near", "far"))
    ]
    cells = [
        design_of([(country, probe, f"{probe} AB {arm}", f"{probe} BA {arm}")]).assign(arm=arm)
        for country, probe, arm in product(shares.index, words, ("near", "far"))
    ]
    design = pd.concat(cells, ignore_index=True).assign(source=lambda table: table["country"])
    readers = score_readers(design, pd.DataFrame(prompts), poles, bank, 0.1).assign(language="en")
    assert set(readers["model"]) == set(READERS)
    policies = readers[readers["model"].isin([name for name, reader in READERS.items() if reader.is_policy])]
    assert set(policies["arm"]) == {"all arms"} and len(policies) == 3 * 9, "one row per country and probe"

    model = readers[readers["model"] == "copier"].assign(model="m")
    people = pd.DataFrame({"country": [], "probe": [], "shares": [], "respondents": []})
    how = Resampling(people, 200, 0.95, 1, ["batteries"])
    table = ReaderContrasts.validate(estimate_readers(model, readers, [Contrast(arm="near", against="far")], how))
    without = ReaderContrasts.validate(estimate_readers(model, readers, [], how))
    arms = table[table["against"] == ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, arms, check_dtype=False)  # a run that compares no arms has the other rows
    table = table[table["measure"] == "agreement"].set_index(["model", "reader", "arm", "against", "country"])
    assert sorted(set(table.loc["m"].index.get_level_values("reader"))) == ["copier", "ideal_reader"]
    found = table.loc[""].droplevel(["arm", "against"])
    assert found[["estimate", "low", "high", "share"]].isna().all(axis=None)
    assert found["probes"].unique() == [3]
    agree = found["reader_estimate"]  # in DEU and MEX all majorities are A, in PAK all are B
    assert agree["always_a"].to_dict() == pytest.approx({"DEU": 1, "MEX": 1, "PAK": 0, "all": 2 / 3})
    assert agree["shorter_option"].to_dict() == pytest.approx({"DEU": 0.5, "MEX": 0.5, "PAK": 0.5, "all": 0.5})
    assert (found.loc["first_option", ["reader_estimate", "reader_low", "reader_high"]] == 0.5).all(axis=None)
    assert found.loc[("shorter_option", "DEU"), "reader_high"] > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("categories", [7, 5])
def test_main_intervals_of_readers_are_the_wider_ones(categories: int) -> None:
    """Each of the intervals of the model, the reader and the share is chosen by the rule of verdicts.csv."""
    table = scores({"own": 0.3, "other": 0.0, "zero": 0.0}, ("BOL",))
    number = pd.Series(pd.factorize(table["battery"])[0] % categories, table.index).astype(str)
    table = table.assign(category=number)
    reader = table.assign(model="copier", p_a=(table["p_a"] + 0.1).clip(0, 1))
    reader = reader.assign(agreement=(reader["p_a"] > 0.5) * 1.0, alignment=1 - (reader["p_a"] - 0.7).abs())
    reader["agreement"] = reader["agreement"].mask((number == "0") & (table["arm"] == "own"), 0.0)
    how = Resampling(people(table), 300, 0.95, 1, ["batteries"])
    pairs = [Contrast(arm=arm, against="other") for arm in ("own", "zero")]
    keys = ["model", "reader", "arm", "against", "measure", "country"]
    found = ReaderContrasts.validate(estimate_readers(table, reader, pairs, how)).set_index(keys)
    again = [one.assign(battery=one["category"]) for one in (table, reader)]
    by_category = estimate_readers(*again, pairs, how).set_index(keys).loc[found.index]
    assert (found["categories"] == categories).all() and (by_category["batteries"] == categories).all()
    chosen = set()
    for of, start in (("", "estimate"), ("reader_", "reader_estimate"), ("share_", "share")):
        for (row, one), (_, other) in zip(found.iterrows(), by_category.iterrows(), strict=True):
            ends = [(one[f"{of}low"], one[f"{of}high"]), (other[f"{of}low"], other[f"{of}high"])]
            widths = [np.inf if np.isnan(low) else high - low for low, high in ends]
            main = 1 if categories >= 6 and widths[1] > widths[0] else 0
            if of == "share_" and row[3] == "":
                assert one[["share_main", "share_main_low", "share_main_high"]].isna().all()
                continue
            assert one[f"{of}main"] == ("battery", "category")[main]
            assert list(one[[f"{of}main_low", f"{of}main_high"]]) == pytest.approx(ends[main], nan_ok=True)
            chosen.add((of, one[f"{of}main"], bool(np.isnan(ends[main][0])), bool(np.isnan(one[start]))))
    assert {
        ("share_", "category" if categories == 7 else "battery", False, False),
        ("share_", "battery", True, True),
    } <= chosen
    assert {main for of, main, *_ in chosen if not of} == ({"battery", "category"} if categories == 7 else {"battery"})
    assert (found["reason"] == "fewer than 6 categories").all() == (categories == 5)


@pytest.mark.slow
def test_contrasts_over_different_probes_have_no_share() -> None:
    table = scores({"own": 0.3, "other": 0.0}, ("BOL",)).assign(category="c")
    reader, gone = table.assign(model="copier"), table["probe"] == table["probe"].iloc[0]
    fewer = table.assign(answered=~gone, p_a=table["p_a"].mask(gone), alignment=table["alignment"].mask(gone))
    how, pairs = Resampling(people(table), 200, 0.95, 1, ["batteries"]), [Contrast(arm="own", against="other")]
    for model, has in ((table, [True, True]), (fewer, [True, False])):
        found = ReaderContrasts.validate(estimate_readers(model, reader, pairs, how))
        found = found[(found["against"] == "other") & (found["country"] == "BOL")].set_index("measure")
        found = found.loc[["agreement", "alignment"]]  # a missing answer counts as half in agreement
        for column in ("share", "share_low", "share_high", "share_main_low"):
            assert list(found[column].notna()) == has, column
        assert found["reader_estimate"].notna().all()


def test_share_without_bounds_by_category_has_no_main_interval() -> None:
    ends = {"low": [0.2, -np.inf, -np.inf], "high": [0.6, np.inf, np.inf]}
    again = {"category_low": [-np.inf, 0.1, -np.inf], "category_high": [np.inf, 0.3, np.inf]}
    chosen = choose_main(pd.DataFrame({**ends, **again, "categories": 7}), ["batteries"])
    assert list(chosen["main"]) == ["category", "battery", "battery"]
    assert np.isinf(chosen[["main_low", "main_high"]]).all(axis=None) and "main_p" not in chosen


def test_interval_of_a_ratio_covers_it_in_95_of_100_samples() -> None:
    draw = np.random.default_rng(3)
    covariance = np.array([[1.0, 0.4], [0.4, 0.5]])
    drawn = draw.multivariate_normal([4.0, 8.0], covariance, size=4000)
    over, under = pd.Series(drawn[:, 0]), pd.Series(drawn[:, 1])
    constants = [pd.Series(np.full(4000, value)) for value in (1.0, 0.5, 0.4, 1.959964)]
    low, high = divide_with_interval(over, under, *constants)
    assert low.notna().all()
    assert ((low <= 0.5) & (high >= 0.5)).mean() == pytest.approx(0.95, abs=0.012)


def test_interval_of_a_ratio_has_no_bounds_where_the_divisor_may_be_0() -> None:
    one = pd.Series([1.0])
    low, high = divide_with_interval(one, one * 1.9, one, one, one * 0, one * 1.96)
    assert np.isnan(low.item()) and np.isnan(high.item())
