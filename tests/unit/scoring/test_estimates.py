"""Estimates: means by hand, standard errors against theory, pairs that are paired, families that are corrected."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK_FILE, DEFAULT_BANK
from estimating import SETTINGS, complete, people, refuse, scores
from nonempty import some
from refusal import Refused
from scipy import stats
from selfalign.contrasts import Contrast
from selfalign.probes.schemas import Poles, Replicates
from selfalign.scoring.bootstrap import Resampling, estimate
from selfalign.scoring.choices import CHANCE
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_agreement import estimate_agreement
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_transfer import estimate_transfer
from selfalign.scoring.estimate_worth import count_respondents, estimate_worth
from selfalign.scoring.families import correct, correct_holm
from selfalign.scoring.fit_mixed import fit, fit_mixed
from selfalign.scoring.measures import COMPARED, CONTRASTED, MEASURES
from selfalign.scoring.panels import build_panels, contrast_panel
from selfalign.scoring.schemas import Contrasts, Estimates, Mixed, Scores, Transfer, Worth
from selfalign.scoring.unanswered import AGREEMENTS, COUNTS_AS, add_agreements
from selfalign.tables import read_table, write_table
from surveys import run


def estimate_all(table: pd.DataFrame, resample: tuple[str, ...] = CHANCE, **settings: object) -> pd.DataFrame:
    return estimate_agreement(table, Resampling(people(table), resample=resample, **{**SETTINGS, **settings}))


def contrast(
    table: pd.DataFrame, *pairs: object, measures: tuple[str, ...] = CONTRASTED, **settings: object
) -> pd.DataFrame:
    compared = [Contrast.read(pair) for pair in pairs]
    return estimate_contrasts(table, compared, Resampling(people(table), **{**SETTINGS, **settings}), measures)


OWN_ZERO = Contrast(arm="own", against="zero")
INTERVAL = ["estimate", "low", "high"]
FEW = DEFAULT_BANK[DEFAULT_BANK["battery"].isin(DEFAULT_BANK["battery"].unique()[:10])]
"""Ten batteries, where the number of probes does not matter."""


# Estimates


def test_estimate_is_the_plain_mean_and_all_the_mean_of_countries() -> None:
    table = scores({"own": 0.1}, ("BOL", "DEU", "USA")).query("not (country == 'USA' and battery == 'child_qualities')")
    made = estimate_all(table).query("measure == 'alignment'").set_index("country")
    means = table.groupby("country")["alignment"].mean()
    assert set(made.index) == {"all", "BOL", "DEU", "USA"}
    for country, mean in means.items():
        assert made.loc[country, "estimate"] == pytest.approx(mean)
    assert made.loc["all", "estimate"] == pytest.approx(means.mean())
    sizes = table.groupby("country")[["probe", "battery"]].nunique()
    for country in means.index:
        assert list(made.loc[country, ["probes", "batteries"]]) == list(sizes.loc[country])
    assert list(made.loc["all", ["probes", "batteries"]]) == [len(DEFAULT_BANK), DEFAULT_BANK["battery"].nunique()]
    assert list(made.loc[["BOL", "all"], "respondents"]) == [1000, 3000]


def test_probe_counts_once_however_many_seeds_and_sources_it_has() -> None:
    table = scores({"zero": 0, "other": 0.1, "random": 0.2})
    panel = build_panels(add_agreements(table), MEASURES)["BOL"]
    assert panel.value.shape == (len(DEFAULT_BANK), 3 * len(MEASURES))
    column = panel.series.query("arm == 'other' and measure == 'alignment'").index[0]
    cells = table.query("arm == 'other' and country == 'BOL' and probe == 'Q4'")["alignment"]
    assert len(cells) == 2 and panel.value[list(panel.probes).index("Q4"), column] == pytest.approx(cells.mean())


@pytest.mark.slow
def test_standard_error_is_that_of_means_of_independent_probes_where_batteries_are_single() -> None:
    bank = DEFAULT_BANK.assign(battery=DEFAULT_BANK["probe"])
    table = scores({"own": 0.1}, ("BOL",), bank=bank)
    made = estimate_all(table, draws=20_000).query("country == 'BOL' and measure == 'alignment'").iloc[0]
    assert made["standard_error"] == pytest.approx(table["alignment"].std() / np.sqrt(len(bank)), rel=0.03)
    assert made["df"] == len(bank) - 1
    reach = stats.t.ppf(0.975, len(bank) - 1) * made["standard_error"]
    assert [made["low"], made["high"]] == pytest.approx([made["estimate"] - reach, made["estimate"] + reach])


def test_batteries_are_counted_by_country_and_the_mean_takes_each_country_s_factor() -> None:
    """Batteries of one probe, 12 in Bolivia, of which Mexico has 2: the factors are 12 / 11 and 2 / 1, by hand."""
    bank = DEFAULT_BANK.assign(battery=DEFAULT_BANK["probe"]).iloc[:12]
    table = scores({"own": 0.0}, ("BOL", "MEX"), bank=bank)
    table = table[(table["country"] == "BOL") | table["probe"].isin(bank["probe"].iloc[:2])]
    made = estimate_all(table, draws=40_000, resample=("batteries",)).query("measure == 'alignment'")
    values = table.pivot(index="probe", columns="country", values="alignment")
    drawn = np.random.default_rng(99).multinomial(12, np.full(12, 1 / 12), size=40_000)
    apart = {}
    for country, batteries in (("BOL", 12), ("MEX", 2)):
        has = values[country].notna().to_numpy()
        part, weights = values.loc[has, country], drawn[:, has]
        sums = weights @ (part - part.mean()).to_numpy()
        apart[country] = np.sqrt(batteries / (batteries - 1)) * sums / np.maximum(weights.sum(axis=1), 1)
    apart["all"] = (apart["BOL"] + apart["MEX"]) / 2
    for country, error in some(made).set_index("country")["standard_error"].items():
        assert error == pytest.approx(np.std(apart[country]), rel=0.02), country


def test_probes_that_answer_as_one_count_as_one_battery() -> None:
    values = scores({"own": 0.0}, ("BOL",)).assign(p_a=lambda cells: cells.groupby("battery")["p_a"].transform("first"))
    alike = estimate_all(complete(values)).query("country == 'BOL' and measure == 'alignment'").iloc[0]
    apart = estimate_all(scores({"own": 0.0}, ("BOL",))).query("country == 'BOL' and measure == 'alignment'").iloc[0]
    assert alike["standard_error"] > 1.5 * apart["standard_error"]
    sizes = DEFAULT_BANK.groupby("battery").size()
    assert alike["df"] == pytest.approx((sizes**2).sum() ** 2 / (sizes**4).sum(), rel=0.05)
    assert apart["df"] > 2 * alike["df"]


@pytest.mark.slow
def test_interval_widens_with_its_level_and_stays_a_share() -> None:
    table = scores({"own": 0.49})
    narrow, wide = (estimate_all(table, level=level).set_index(["country", "measure"]) for level in (0.5, 0.999))
    assert (wide["low"] <= narrow["low"]).all() and (narrow["high"] <= wide["high"]).all()
    assert (wide["high"] <= 1).all() and (wide["low"] >= 0).all()


@pytest.mark.slow
def test_estimates_depend_on_values_and_seed_only() -> None:
    table = scores({"own": 0.1, "random": 0})
    one = estimate_all(table)
    pd.testing.assert_frame_equal(one, estimate_all(table.sample(frac=1, random_state=1)))
    other = estimate_all(table, seed=2)
    assert not one["low"].equals(other["low"])
    assert np.allclose(one["low"], other["low"], atol=0.05)
    pd.testing.assert_series_equal(one["estimate"], other["estimate"])


@pytest.mark.slow
def test_language_and_model_are_estimated_separately() -> None:
    both = scores({"zero": 0, "own": 0.2}, languages=("en", "es"))
    both = pd.concat([both, both.assign(model="n", p_a=0.9, agreement=1.0)])
    together = estimate_all(both)
    alone = estimate_all(both.query("model == 'm' and language == 'es'"))
    same = together.query("model == 'm' and language == 'es'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, same, rtol=1e-4)
    assert (together.query("model == 'n' and measure == 'agreement'")[INTERVAL] == 1).all().all()


def test_one_battery_has_an_estimate_and_no_interval() -> None:
    made = estimate_all(scores({"own": 0.1}).assign(battery="only"))
    assert made["estimate"].notna().all()
    assert made[["standard_error", "low", "high", "p"]].isna().all().all()


def test_battery_that_a_country_lacks_leaves_its_estimates_finite() -> None:
    few = DEFAULT_BANK[DEFAULT_BANK["battery"].isin(DEFAULT_BANK["battery"].unique()[:3])]
    table = scores({"own": 0.1}, bank=few).query("country != 'MEX' or battery != 'neighbours'")
    assert np.isfinite(estimate_all(table)[INTERVAL].to_numpy()).all()


def test_mean_without_any_variation_has_no_p() -> None:
    """Each country has one battery, so the mean of the countries does not vary. Rounding errors are no variation."""
    first, second = DEFAULT_BANK["battery"].value_counts().index[:2]
    table = scores({"own": 0.1, "zero": 0})
    table = table[table["battery"] == table["country"].map({"BOL": first, "MEX": second})]
    made = contrast(table, ["own", "zero"]).query("country == 'all' and measure in ('agreement', 'alignment')")
    assert (made["standard_error"] < 1e-6).all() and (made["estimate"] != 0).all()
    assert len(made) == 2 and made["p"].isna().all()


def test_p_agrees_with_the_interval() -> None:
    made = estimate_all(scores({"zero": 0, "own": 0.03, "random": 0.1}))
    known = made[made["measure"] == "agreement"]
    excluded = (known["low"] > 0.5) | (known["high"] < 0.5)
    assert excluded.any() and not excluded.all()
    assert list(known["p"] < 0.05) == list(excluded)
    assert made.loc[made["measure"] != "agreement", "p"].isna().all()


# What else is left to chance


def test_people_widen_the_interval_of_close_majorities_as_in_theory() -> None:
    """A model that always says A: its agreement is the share of probes whose majority is A, which few people tell."""
    table = complete(scores({"own": 0.0}, ("BOL",)).assign(p_a=1.0, share_a=0.51, majority="A"))
    drawn = people(table, spread=0.02, size=4000)
    made = {
        chance: estimate(build_panels(table, CONTRASTED), Resampling(drawn, **SETTINGS, resample=[chance]))
        .query("country == 'BOL'")
        .set_index("measure")["standard_error"]
        for chance in ("batteries", "respondents")
    }
    flips = stats.norm.cdf(-0.01 / 0.02)
    assert made["batteries"]["agreement"] == 0
    assert made["respondents"]["agreement"] == pytest.approx(np.sqrt(flips * (1 - flips) / len(DEFAULT_BANK)), rel=0.1)
    assert made["respondents"]["alignment"] == pytest.approx(0.02 / np.sqrt(len(DEFAULT_BANK)), rel=0.1)


def test_change_with_the_people_is_that_of_scoring_again() -> None:
    table = scores({"own": 0.0, "random": 0.2}, ("BOL",))
    panel = build_panels(table, CONTRASTED)["BOL"]
    turned = build_panels(complete(table.assign(majority="B", share_a=0.69)), CONTRASTED)["BOL"]
    change = np.where(panel.series["measure"] == "agreement", -1, -0.01)
    far = (table.groupby("probe")["p_a"].agg(lambda p: (p - 0.695).abs().min()) > 0.01).to_numpy()
    np.testing.assert_allclose(turned.value[far], (panel.value + panel.slope * change)[far])


def test_country_without_replicates_has_the_interval_of_its_probes() -> None:
    table = scores({"own": 0.1}, ("BOL",))
    none = people(table).assign(method="none", respondents=pd.NA, shares=[np.array([], np.float32)] * len(DEFAULT_BANK))
    panels = build_panels(table, CONTRASTED)
    made = estimate(panels, Resampling(none, **SETTINGS))
    pd.testing.assert_frame_equal(
        made.drop(columns="respondents"),
        estimate(panels, Resampling(people(table), **SETTINGS, resample=["batteries"])).drop(columns="respondents"),
    )
    assert made["respondents"].isna().all()


def with_templates(main: float, own: float, seed: int = 1) -> pd.DataFrame:
    """Three templates whose alignment differs by a main effect, and by one of their own on every probe."""
    rng = np.random.default_rng(seed)
    table = scores({"own": 0.0}, ("BOL",))
    effects = main * np.array([-1.0, 0.0, 1.0])
    parts = [
        table.assign(template=f"t{number}", p_a=0.4 + effect + own * rng.normal(size=len(table)))
        for number, effect in enumerate(effects)
    ]
    return complete(pd.concat(parts, ignore_index=True))


def spread_of_templates(table: pd.DataFrame) -> float:
    """What templates add to the variance of the alignment."""
    errors = [
        estimate_all(table, resample=chance)
        .query("country == 'BOL' and measure == 'alignment'")["standard_error"]
        .item()
        for chance in (("batteries",), ("batteries", "templates"))
    ]
    return errors[1] ** 2 - errors[0] ** 2


def test_templates_add_the_variance_of_their_means() -> None:
    assert spread_of_templates(with_templates(0.05, 0.0)) == pytest.approx(0.05**2 / 3, rel=1e-3)


@pytest.mark.slow
def test_templates_that_differ_by_probe_only_add_little() -> None:
    added = [spread_of_templates(with_templates(0.0, 0.05, seed)) for seed in range(20)]
    assert np.mean(added) < 0.05**2 / 3 / len(DEFAULT_BANK)


def test_one_template_adds_nothing() -> None:
    assert spread_of_templates(scores({"own": 0.1}, ("BOL",))) == 0


def test_templates_of_fixed_batteries_count_with_all_their_differences() -> None:
    """The estimate is then about these batteries, so the templates' means have all the chance that there is."""
    table = with_templates(0.02, 0.3)
    means = table.groupby("template")["alignment"].mean()
    made = estimate_all(table, resample=("templates",)).query("country == 'BOL' and measure == 'alignment'")
    assert made["standard_error"].item() == pytest.approx(np.sqrt(means.var(ddof=1) / 3))
    assert made["df"].item() == 2


@pytest.mark.slow
def test_chance_in_a_single_share_counts_three_times_with_batteries_and_respondents() -> None:
    """Owen (2007): drawing rows and columns counts the chance of their cells three times; docs/intervals.md says so."""
    size, error = 400, 0.05
    rng = np.random.default_rng(4)
    bank = pd.DataFrame({"probe": [f"P{number}" for number in range(size)], "category": "c"})
    table = scores({"own": 0.0}, ("BOL",), bank=bank.assign(battery=bank["probe"]))
    table = complete(table.assign(p_a=0.9, share_a=0.4 + error * rng.normal(size=size)))
    drawn = people(table, spread=error, size=4000)
    made = {
        chance: estimate(build_panels(table, ["alignment"]), Resampling(drawn, 4000, 0.95, 1, chance))
        .query("country == 'BOL'")["standard_error"]
        .item()
        for chance in (("batteries",), ("respondents",), ("batteries", "respondents"))
    }
    counted = {chance: size * (found / error) ** 2 for chance, found in made.items()}
    assert list(counted.values()) == pytest.approx([1, 1, 3], rel=0.12)


# Contrasts


def test_contrast_of_an_arm_with_itself_is_zero() -> None:
    made = contrast(scores({"own": 0.2}), ["own", "own"])
    assert len(made) == 2 * 3
    assert (made[INTERVAL] == 0).all().all() and (made["p"] == 1).all()


@pytest.mark.slow
def test_contrast_is_the_difference_of_the_estimates_and_changes_sign_with_its_order() -> None:
    table = scores({"zero": 0, "own": 0.2})
    single = estimate_all(table).set_index(["arm", "country", "measure"])["estimate"]
    made = contrast(table, ["own", "zero"], ["zero", "own"]).set_index(["arm", "country", "measure"])
    for country in ("BOL", "MEX", "all"):
        for measure in CONTRASTED:
            forth, back = made.loc[("own", country, measure)], made.loc[("zero", country, measure)]
            difference = single["own", country, measure] - single["zero", country, measure]
            assert forth["estimate"] == pytest.approx(difference)
            assert [back["estimate"], back["low"], back["high"]] == pytest.approx(
                [-forth["estimate"], -forth["high"], -forth["low"]]
            )


def test_contrast_is_paired_so_what_both_arms_share_does_not_widen_it() -> None:
    table = scores({"zero": 0})
    shifted = table.assign(arm="shifted", alignment=table["alignment"] - 0.125)
    made = contrast(pd.concat([table, shifted]), ["shifted", "zero"], resample=["batteries"])
    np.testing.assert_allclose(made.query("measure == 'alignment'")[INTERVAL], -0.125)


@pytest.mark.parametrize("seeds", [(4, 5, 6), (4, 5), (1, 2, 3)])
def test_arms_add_the_variances_of_their_own_seeds(seeds: tuple[int, ...]) -> None:
    """By hand: of each arm the variance of its seeds' means / their number; with the same seeds, of the differences."""
    rng = np.random.default_rng(7)
    table = scores({"random": 0.0, "category": 0.0}, ("BOL",)).assign(p_a=0.4)
    parts = []
    for arm, own in (("random", (1, 2, 3)), ("category", seeds)):
        cells = table[table["arm"] == arm].drop_duplicates("probe")
        parts += [cells.assign(seed=seed, p_a=0.4 + rng.uniform(-0.1, 0.1)) for seed in own]
    table = complete(pd.concat(parts, ignore_index=True))
    made = estimate(
        {
            country: contrast_panel(panel, [Contrast(arm="random", against="category")])
            for country, panel in build_panels(table, ["alignment"], ["seed"]).items()
        },
        Resampling(people(table), **SETTINGS, resample=["seeds"]),
        differences=True,
    ).query("country == 'BOL'")
    means = table.groupby(["arm", "seed"])["alignment"].mean()
    first, second = means["random"], means["category"]
    apart = first.var(ddof=1) / 3 + second.var(ddof=1) / len(seeds)
    paired = (first - second).var(ddof=1) / 3
    expected = paired if seeds == (1, 2, 3) else apart
    assert made["standard_error"].item() == pytest.approx(np.sqrt(expected))
    assert made["estimate"].item() == pytest.approx(first.mean() - second.mean())


def test_contrast_leaves_out_probes_that_one_arm_lacks() -> None:
    table = scores({"zero": 0, "own": 0.2}).query("not (arm == 'own' and probe in ['Q4', 'Q258'])")
    made = contrast(table, ["own", "zero"]).query("country == 'BOL' and measure == 'agreement'").iloc[0]
    common = table.query("country == 'BOL' and probe not in ['Q4', 'Q258']").groupby("arm")["agreement"].mean()
    assert made["estimate"] == pytest.approx(common["own"] - common["zero"])
    assert made["probes"] == len(DEFAULT_BANK) - 2


@pytest.mark.slow
def test_contrast_across_languages_is_of_the_countries_that_both_have() -> None:
    both = scores({"own": 0.2}, ("BOL", "MEX", "USA"), ("en", "es")).query("language == 'en' or country != 'USA'")
    made = contrast(both, {"arm": "own", "against": "own", "against_language": "en"})
    assert set(made["language"]) == {"es"} and set(made["against_language"]) == {"en"}
    assert set(made["country"]) == {"BOL", "MEX", "all"}
    means = both.groupby(["language", "country"])["alignment"].mean()
    one = made.query("country == 'BOL' and measure == 'alignment'")["estimate"].item()
    assert one == pytest.approx(means["es", "BOL"] - means["en", "BOL"])


@pytest.mark.slow
def test_difference_that_two_entries_name_is_estimated_once() -> None:
    table = scores({"own": 0.1, "other": 0.0}, languages=("en", "es"))
    across = {"arm": "own", "against": "other", "against_language": "en"}
    once, twice = contrast(table, ["own", "other"]), contrast(table, ["own", "other"], across)
    within = twice[twice["language"] == twice["against_language"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        within[["language", "country", "estimate"]], once[["language", "country", "estimate"]]
    )


def test_contrast_keeps_to_the_language_that_it_names() -> None:
    table = scores({"own": 0.2, "zero": 0}, languages=("en", "es", "de"))
    entry = Contrast(arm="own", against="zero", language="es")
    panel = contrast_panel(build_panels(table, CONTRASTED)["BOL"], [entry])
    assert set(panel.series["language"]) == set(panel.series["against_language"]) == {"es"}
    crossed = contrast_panel(build_panels(table, CONTRASTED)["BOL"], [entry.replace(against_language="de")])
    assert set(crossed.series["language"]) == {"es"} and set(crossed.series["against_language"]) == {"de"}


@pytest.mark.slow
def test_contrast_of_models_is_of_the_same_probes_in_the_same_language() -> None:
    weak, strong = scores({"own": 0.2}, languages=("en", "es")), scores({"own": 0.4}, languages=("en", "es"))
    table = pd.concat([weak.assign(model="weak"), strong.assign(model="strong")], ignore_index=True)
    made = contrast(table, {"arm": "own", "against": "own", "against_model": "weak"})
    assert set(made["model"]) == {"strong"} and set(made["against_model"]) == {"weak"}
    assert (made["language"] == made["against_language"]).all() and set(made["language"]) == {"en", "es"}
    means = table.groupby(["model", "language", "country"])["alignment"].mean()
    one = made.query("country == 'BOL' and measure == 'alignment' and language == 'es'")["estimate"].item()
    assert one == pytest.approx(means["strong", "es", "BOL"] - means["weak", "es", "BOL"])
    back = contrast(table, {"arm": "own", "against": "own", "model": "weak", "against_model": "strong"})
    assert set(back["model"]) == {"weak"} and len(back) == len(made)


# Cells without an answer


def four_probes(rule: str) -> pd.DataFrame:
    """Probes of one country: arm `own` is right on two and refuses two; arm `zero` is right on one of the two, and
    on one of the others."""
    bank = DEFAULT_BANK[DEFAULT_BANK["probe"].isin(["Q4", "Q6", "Q8", "Q22"])]
    table = scores({"zero": 0, "own": 0}, ("BOL",), bank=bank)
    p_a = {("own", "Q4"): 0.9, ("own", "Q6"): 0.8, ("zero", "Q4"): 0.9, ("zero", "Q8"): 0.6}
    table["p_a"] = [p_a.get(key, 0.2) for key in zip(table["arm"], table["probe"], strict=True)]
    return refuse(complete(table), (table["arm"] == "own") & table["probe"].isin(["Q8", "Q22"]), rule)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "main", "difference", "probes"),
    [("half", 0.75, 0.25, 4), ("wrong", 0.5, 0.0, 4), ("left_out", 1.0, 0.5, 2)],
)
def test_arm_that_is_right_on_two_of_four_probes_and_refuses_two(
    rule: str, main: float, difference: float, probes: int
) -> None:
    made = estimate_all(four_probes(rule)).query("country == 'BOL' and arm == 'own'").set_index("measure")
    by_hand = {"agreement_half": 0.75, "agreement_wrong": 0.5, "agreement_answered": 1.0, "answered": 0.5}
    for measure, value in {**by_hand, "agreement": main}.items():
        assert made.loc[measure, "estimate"] == pytest.approx(value), measure
    assert made.loc["alignment", "estimate"] == pytest.approx(((1 - 0.2) + (1 - 0.1)) / 2)
    assert list(made.loc[["agreement_answered", "alignment", "answered"], "probes"]) == [2, 2, 4]
    made = contrast(four_probes(rule), ["own", "zero"], measures=COMPARED)
    made = made.query("country == 'BOL'").set_index("measure")
    assert list(made.loc["agreement", ["estimate", "probes"]]) == pytest.approx([difference, probes])
    by_hand = {"agreement_half": 0.25, "agreement_wrong": 0.0, "agreement_answered": 0.5, "answered": -0.5}
    for measure, value in by_hand.items():
        assert made.loc[measure, "estimate"] == pytest.approx(value), measure
    assert list(made.loc[["alignment", "agreement_answered", "agreement_half"], "probes"]) == [2, 2, 4]


@pytest.mark.slow
def test_chance_is_no_yardstick_where_refusals_count_as_wrong() -> None:
    known = {rule: estimate_all(four_probes(rule)).query("measure == 'agreement'")["p"] for rule in COUNTS_AS}
    assert known["half"].notna().any() and known["wrong"].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize("rule", COUNTS_AS)
def test_rows_that_are_repeated_are_those_of_a_bootstrap(rule: str) -> None:
    table = scores({"zero": 0, "own": 0.1, "random": 0.2})
    for cells in (table["p_a"] < -1, table["p_a"].between(0.3, 0.5)):
        added = add_agreements(refuse(table, cells, rule))
        made = estimate_all(added).set_index(["arm", "country", "measure"])
        panels = build_panels(added, list(AGREEMENTS), ["seed", "template"])
        bootstrapped = estimate(panels, Resampling(people(added), **SETTINGS))
        for row in some(bootstrapped).itertuples():
            kept = made.loc[(row.arm, row.country, row.measure), ["standard_error", "low", "high", "df"]]
            assert list(kept) == pytest.approx([row.standard_error, row.low, row.high, row.df], rel=1e-4)


@pytest.mark.parametrize("rule", COUNTS_AS)
def test_change_of_a_refusal_with_the_people_is_none(rule: str) -> None:
    """Scoring again with the other majorities: a refusal counts the same."""
    table = scores({"own": 0.0, "random": 0.2}, ("BOL",))
    cells = pd.Series(np.random.default_rng(5).random(len(table)) < 0.3)
    names = ["agreement", *AGREEMENTS]
    panel = build_panels(add_agreements(refuse(table, cells, rule)), names)["BOL"]
    turned = complete(table.assign(majority="B"))
    turned = build_panels(add_agreements(refuse(turned, cells, rule)), names)["BOL"]
    assert np.isnan(panel.value).any() and (panel.slope == 0).any()
    np.testing.assert_allclose(turned.value, panel.value - panel.slope)


def test_probe_s_value_is_that_of_its_answered_cells() -> None:
    """Of two seeds one refuses: it has no part in soft alignment, and a half in agreement."""
    table = scores({"random": 0.0}, ("BOL",))
    some = refuse(table, (table["probe"] == "Q4") & (table["seed"] == 2))
    panel = build_panels(some, ["agreement", "alignment"], ["seed"])["BOL"]
    place = list(panel.probes).index("Q4")
    answered = table[(table["probe"] == "Q4") & (table["seed"] == 1)].iloc[0]
    assert list(panel.value[place]) == pytest.approx([(answered["agreement"] + 0.5) / 2, answered["alignment"]])
    assert list(panel.levels["seed"][:, place, 1]) == [0, 0]


@pytest.mark.slow
def test_transfer_is_paired_on_probes_that_both_arms_answered() -> None:
    table = scores({"own": 0.1, "other": 0}, ("BOL",))
    cells = (table["arm"] == "own") & (table["probe"] == "Q4") | (table["source"] == "DEU") & (table["probe"] == "Q6")
    made = transfer(refuse(table, cells, "left_out")).xs("BOL", level="country")
    assert made.loc[("agreement", "DEU"), "probes"] == made.loc[("alignment", "DEU"), "probes"] == len(DEFAULT_BANK) - 2
    assert made.loc[("agreement", "USA"), "probes"] == len(DEFAULT_BANK) - 1
    shown = table[(table["source"] == "DEU") & ~table["probe"].isin(["Q4", "Q6"])]
    for measure in CONTRASTED:
        assert made.loc[(measure, "DEU"), "shown"] == pytest.approx(shown[measure].mean())
    made = transfer(refuse(table, cells, "half")).xs("BOL", level="country")
    assert list(made.loc["agreement", "probes"]) == [len(DEFAULT_BANK)] * 2


@pytest.mark.slow
def test_mixed_model_follows_the_rule() -> None:
    table = scores({"zero": 0, "own": 0.2}, bank=FEW)
    cells = (table["arm"] == "own") & (table["p_a"] < 0.4)
    for rule in ("wrong", "left_out"):
        some = refuse(table, cells, rule)
        estimates = contrast(some, ["own", "zero"])
        made = fit_mixed(some, estimates, [OWN_ZERO], 0.95).set_index("measure")
        expected = estimates.query("country == 'all'").set_index("measure")["estimate"]
        assert made["bootstrap"].to_dict() == expected.to_dict()
        assert (made["difference"].abs() < 1).all()


@pytest.mark.slow
def test_measure_that_was_not_read_has_no_rows_and_a_bound_has_some() -> None:
    table = scores({"own": 0.1}).assign(mass_open=np.nan)
    assert set(MEASURES) - set(estimate_all(table)["measure"]) == {"mass_open", "bound"}
    made = estimate_all(table.assign(bound=table["probe"] == "Q4")).query("measure == 'bound'")
    assert list(made["estimate"]) == pytest.approx([1 / len(DEFAULT_BANK)] * 3)


# Families


DIFFERENCES = {"arm": "own", "against": "other", "beyond": ["random", "zero"]}


@pytest.mark.slow
def test_difference_of_differences_is_by_hand_and_on_the_probes_that_all_four_arms_have() -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0.05, "random": 0.1})
    table = table.query("not (arm == 'random' and battery == 'child_qualities')")
    made = contrast(table, DIFFERENCES).set_index(["country", "measure"])
    assert set(made["beyond"]) == {"random - zero"}
    for country, cells in table.groupby("country"):
        value = cells.groupby(["probe", "arm"])["alignment"].mean().unstack().dropna()
        by_hand = ((value["own"] - value["other"]) - (value["random"] - value["zero"])).mean()
        assert made.loc[(country, "alignment"), "estimate"] == pytest.approx(by_hand)
        assert made.loc[(country, "alignment"), "probes"] == len(value) < len(DEFAULT_BANK)


@pytest.mark.slow
def test_difference_of_differences_is_paired() -> None:
    table = scores({"zero": 0, "own": 0.2})
    more = [table.assign(arm=table["arm"].map({"zero": zero, "own": own})) for zero, own in (("other", "random"),)]
    made = contrast(pd.concat([table, *more]), {"arm": "own", "against": "zero", "beyond": ["random", "other"]})
    assert (made["estimate"] == 0).all() and (made["standard_error"] == 0).all()


@pytest.mark.slow
def test_difference_of_differences_changes_no_other_contrast() -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0.05, "random": 0.1})
    alone, beside = contrast(table, ["own", "other"]), contrast(table, ["own", "other"], DIFFERENCES)
    pd.testing.assert_frame_equal(alone, beside[beside["beyond"] == ""].reset_index(drop=True))
    assert len(beside) == 2 * len(alone)


def transfer(table: pd.DataFrame) -> pd.DataFrame:
    made = estimate_transfer(table, ("own", "other"), Resampling(people(table), **SETTINGS))
    return made.set_index(["measure", "country", "source"])


@pytest.mark.slow
def test_transfer_is_the_contrast_with_each_source_by_itself() -> None:
    table = scores({"own": 0.1, "other": 0, "zero": 0})
    made = transfer(table)
    assert set(made.index) == {(m, c, s) for m in CONTRASTED for c in ("all", "BOL", "MEX") for s in ("DEU", "USA")}
    for source in ("DEU", "USA"):
        alone = contrast(table[(table["arm"] != "other") | (table["source"] == source)], ["own", "other"])
        rows = made.xs(source, level="source").loc[list(zip(alone["measure"], alone["country"], strict=True))]
        names = ["estimate", "standard_error", "low", "high", "p", "probes", "batteries", "respondents"]
        pd.testing.assert_frame_equal(rows[names].reset_index(drop=True), alone[names])
        assert set(rows["arm"]) == {"own"} and set(rows["against"]) == {"other"}


@pytest.mark.slow
def test_transfer_has_the_agreement_with_each_source_on_the_same_probes() -> None:
    table = scores({"own": 0.1, "other": 0}).query(
        "not (arm == 'own' and country == 'MEX' and battery == 'child_qualities')"
    )
    made = transfer(table)
    own = table[table["arm"] == "own"].set_index(["country", "probe"])["alignment"]
    for source in ("DEU", "USA"):
        cells = table[(table["arm"] == "other") & (table["source"] == source)].set_index(["country", "probe"])[
            "alignment"
        ]
        both = pd.concat({"own": own, "shown": cells}, axis=1).dropna().groupby("country").mean()
        rows = made.loc["alignment"].xs(source, level="source")
        for country in ("BOL", "MEX"):
            assert rows.loc[country, "shown"] == pytest.approx(both.loc[country, "shown"])
            assert rows.loc[country, "estimate"] == pytest.approx(both.loc[country, "own"] - both.loc[country, "shown"])
        assert rows.loc["all", "shown"] == pytest.approx(both["shown"].mean())


def test_corrections_by_hand_within_each_family() -> None:
    table = pd.DataFrame(
        {"country": ["BOL", "DEU", "all", "USA"], "measure": "agreement", "p": [0.01, 0.04, 0.03, 0.03]}
    )
    made = correct(table, ["measure", "scope"])
    assert list(made["family"]) == [f"agreement, {kind}" for kind in ("single countries",) * 2] + [
        "agreement, mean of countries",
        "agreement, single countries",
    ]
    assert list(made["p_holm"]) == pytest.approx([0.03, 0.06, 0.03, 0.06])
    assert list(made["p_bh"]) == pytest.approx([0.03, 0.04, 0.03, 0.04])


def test_rows_without_p_are_in_no_family_of_tests() -> None:
    table = pd.DataFrame({"country": ["BOL", "DEU"], "measure": "agreement", "p": [0.01, np.nan]})
    made = correct(table, [])
    assert made.loc[0, "p_holm"] == 0.01 and made.loc[1, ["p_holm", "p_bh"]].isna().all()


def test_correction_after_holm_is_its_definition() -> None:
    p = np.round(np.random.default_rng(3).random(60) ** 6, 3)
    assert len(set(p)) < 50 and (p == 0).any(), "some are equal"
    ordered = sorted(p)
    expected = {one: min(1, max(other * (60 - rank) for rank, other in enumerate(ordered[: place + 1])))
                for place, one in enumerate(ordered)}  # fmt: skip
    assert list(correct_holm(p)) == [expected[one] for one in p]
    assert list(correct_holm(p[:1])) == [p[0]]


# Worth


def test_worth_of_the_people_themselves_is_the_largest_tried() -> None:
    share = np.linspace(0.05, 0.95, 100)
    assert count_respondents(share, share, 0.95, 300) == 300


@pytest.mark.parametrize("people", [40, 160])
def test_worth_of_a_sample_grows_with_its_size(people: int) -> None:
    """A model that has seen n people: its intervals go wrong when k adds half as much variance as was there (C = 2)."""
    share = np.random.default_rng(1).uniform(0.2, 0.8, 3000)
    seen = np.random.default_rng(2).binomial(people, share) / people
    assert 0.4 * people <= count_respondents(seen, share, 0.95, 1000) <= 0.7 * people


def test_equal_error_is_the_size_of_a_sample_with_the_model_s_error() -> None:
    rng = np.random.default_rng(3)
    table = scores({"own": 0.0}, ("BOL",)).assign(share_a=lambda cells: rng.uniform(0.2, 0.8, len(cells)))
    table["p_a"] = rng.binomial(50, table["share_a"]) / 50
    poles = table[["country", "probe", "share_a"]].assign(standard_error=0.0)
    made = estimate_worth(complete(table), poles, 0.95, 1000).iloc[0]
    assert made["equal_error"] == pytest.approx(50, rel=0.2)
    assert made["probes"] == len(DEFAULT_BANK) and not made["capped"]


def test_worth_is_of_the_answered_probes() -> None:
    table = scores({"own": 0.0}, ("BOL",))
    poles = table[["country", "probe", "share_a"]].assign(standard_error=0.0)
    cells = table["battery"] == "child_qualities"
    some = estimate_worth(refuse(table, cells), poles, 0.95, 100)
    pd.testing.assert_frame_equal(some, estimate_worth(table[~cells], poles, 0.95, 100))
    assert some["probes"].item() == len(DEFAULT_BANK) - cells.sum()


# Mixed models


def crossed(gain: float, seed: int = 1) -> pd.DataFrame:
    """Differences with effects of battery and probe, in four countries."""
    rng = np.random.default_rng(seed)
    home = pd.factorize(DEFAULT_BANK["battery"])[0]
    shared = 0.1 * rng.normal(size=home.max() + 1)[home] + 0.1 * rng.normal(size=len(DEFAULT_BANK))
    parts = [
        DEFAULT_BANK[["probe", "battery"]].assign(
            country=country, value=gain + shared + 0.2 * rng.normal(size=len(DEFAULT_BANK))
        )
        for country in ("BOL", "DEU", "MEX", "USA")
    ]
    return pd.concat(parts, ignore_index=True)


def test_mixed_model_finds_what_was_planted() -> None:
    made = fit(crossed(0.2), 0.95)
    assert made["converged"]
    assert made["low"] < 0.2 < made["high"] and made["p"] < 0.001
    assert [made["battery_sd"], made["probe_sd"], made["residual_sd"]] == pytest.approx([0.1, 0.1, 0.2], abs=0.03)


@pytest.mark.parametrize("batteries", [3, 5, 12])
def test_mixed_model_of_equal_batteries_in_one_country_is_the_t_test_of_their_means(batteries: int) -> None:
    """Restricted maximum likelihood then is the analysis of variance, whose test of the mean is known."""
    rng = np.random.default_rng(batteries)
    home = np.repeat(np.arange(batteries), 6)
    value = 0.1 + 0.2 * rng.normal(size=batteries)[home] + 0.1 * rng.normal(size=len(home))
    values = pd.DataFrame({"country": "BOL", "probe": range(len(home)), "battery": home, "value": value})
    made = fit(values, 0.9)
    by_hand = stats.ttest_1samp(values.groupby("battery")["value"].mean(), 0)
    ends = by_hand.confidence_interval(0.9)
    assert made["battery_sd"] > 0 and made["df"] == batteries - 1
    assert [made["p"], made["low"], made["high"]] == pytest.approx([by_hand.pvalue, ends.low, ends.high], rel=1e-3)


def test_mixed_model_of_equal_batteries_in_several_countries_is_the_t_test_of_their_means() -> None:
    rng = np.random.default_rng(2)
    home, countries = np.repeat(np.arange(8), 5), ("BOL", "DEU", "MEX", "USA")
    shared = 0.3 * rng.normal(size=8)[home] + 0.2 * rng.normal(size=40)
    values = pd.concat(
        pd.DataFrame({"country": country, "probe": range(40), "battery": home, "value": place + shared + noise})
        for place, (country, noise) in enumerate(zip(countries, 0.2 * rng.normal(size=(4, 40)), strict=True))
    )
    made, means = fit(values, 0.9), values.groupby("battery")["value"].mean()
    by_hand = stats.ttest_1samp(means, 0)
    assert made["battery_sd"] > 0 and made["probe_sd"] > 0
    assert [made["estimate"], made["standard_error"]] == pytest.approx([means.mean(), means.sem()], rel=1e-5)
    assert made["p"] == pytest.approx(by_hand.pvalue, rel=1e-4)


def test_mixed_model_finds_that_a_variance_is_nil() -> None:
    """Without differences between probes, all values are independent given their country."""
    values = crossed(0.2)
    values["value"] -= values.groupby("probe")["value"].transform("mean") - 0.1
    made = fit(values, 0.95)
    left = values["value"] - values.groupby("country")["value"].transform("mean")
    error = np.sqrt((left**2).sum() / (len(values) - 4) / len(values))
    assert made["converged"] and [made["battery_sd"], made["probe_sd"]] == pytest.approx([0, 0], abs=1e-6)
    assert [made["estimate"], made["standard_error"]] == pytest.approx([0.1, error], rel=1e-6)


@pytest.mark.slow
def test_mixed_model_has_the_largest_restricted_likelihood() -> None:
    """Against the covariance matrix of all values, where countries lack probes and batteries have many sizes."""
    values = crossed(0.2).sample(frac=0.6, random_state=3)
    made = fit(values, 0.95)
    ones, y = np.ones((len(values), 1)), values["value"].to_numpy()
    countries = pd.get_dummies(values["country"], dtype=float).to_numpy()
    x = np.hstack([ones, countries[:, :-1] - countries[:, -1:]])
    same = [
        np.equal.outer(one, one).astype(float) for one in (values["battery"].to_numpy(), values["probe"].to_numpy())
    ]

    def fitted(*deviations: float) -> tuple[float, float, float]:
        battery, probe, residual = np.square(deviations)
        inverse = np.linalg.inv(battery * same[0] + probe * same[1] + residual * np.eye(len(y)))
        of_means = np.linalg.inv(x.T @ inverse @ x)
        left = y - x @ (of_means @ x.T @ inverse @ y)
        determinants = np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(of_means)[1]
        return (determinants - left @ inverse @ left) / 2, (of_means @ x.T @ inverse @ y)[0], np.sqrt(of_means[0, 0])

    found = np.array([made["battery_sd"], made["probe_sd"], made["residual_sd"]])
    best, mean, error = fitted(*found)
    assert [made["estimate"], made["standard_error"]] == pytest.approx([mean, error], rel=1e-6)
    assert all(fitted(*(found * step))[0] < best for step in 1 + 0.02 * np.vstack([np.eye(3), -np.eye(3)]))


def test_failed_fit_of_a_mixed_model_is_reported() -> None:
    for values in (crossed(0.2).assign(value=0.1), crossed(0.2).assign(battery="only")):
        made = fit(values, 0.95)
        assert not made["converged"] and "not fitted" in made["note"] and np.isnan(made["estimate"])


@pytest.mark.slow
def test_mixed_models_are_compared_with_the_bootstrap() -> None:
    table = scores({"zero": 0, "own": 0.2})
    made = fit_mixed(table, contrast(table, ["own", "zero"]), [OWN_ZERO], 0.95)
    assert list(made["measure"]) == list(CONTRASTED)
    assert made["same_verdict"].all() and (made["difference"].abs() < 1).all()


@pytest.mark.slow
def test_mixed_model_without_a_fit_has_no_verdict() -> None:
    table = scores({"zero": 0, "own": 0.2}).assign(battery="only")
    made = fit_mixed(table, contrast(table, ["own", "zero"]), [OWN_ZERO], 0.95)
    assert not made["converged"].any() and made["same_verdict"].isna().all()
    assert Mixed.validate(made)["note"].str.startswith("not fitted").all()


# The main interval, and one primary hypothesis


def choose(table: pd.DataFrame, pairs: list[object], primary: object = None) -> pd.DataFrame:
    """Verdicts on contrasts of agreement."""
    made, compared = contrast(table, *pairs), [Contrast.read(pair) for pair in pairs]
    asked = None if primary is None else Contrast.read(primary)
    return choose_intervals(table, made, compared, asked, Resampling(people(table), **SETTINGS), ["agreement"])


@pytest.mark.slow
def test_main_interval_is_the_wider_of_two_with_six_categories_and_more() -> None:
    table = scores({"zero": 0, "own": 0.2})
    batteries = pd.Series(pd.factorize(table["battery"])[0], table.index)
    pairs = [["own", "zero"]]
    for categories, main in ((batteries % 7, None), (batteries % 5, "fewer than 6 categories")):
        some = table.assign(category=categories.astype(str))
        (row,) = choose(some, pairs).to_dict("records")
        by_category = contrast(some.assign(battery=some["category"]), *pairs).query("country == 'all'")
        by_category = by_category.set_index("measure").loc["agreement"]
        assert row["categories"] == categories.nunique()
        assert [row["category_low"], row["category_high"]] == pytest.approx(list(by_category[["low", "high"]]))
        wider = row["category_high"] - row["category_low"] > row["high"] - row["low"]
        chosen = "category" if wider and not main else "battery"
        assert row["main"] == chosen
        assert row["reason"] == (main or f"wider by {chosen}")
        kind = "category_" if chosen == "category" else ""
        assert (row["main_low"], row["main_high"], row["main_p"]) == tuple(
            row[f"{kind}{n}"] for n in ("low", "high", "p")
        )


@pytest.mark.slow
def test_effect_of_categories_makes_them_the_main_clusters() -> None:
    table = scores({"zero": 0, "own": 0})
    number = pd.Series(pd.factorize(table["battery"])[0] % 8, table.index)
    agrees = np.where((table["arm"] == "own") & (number < 4), 1.0, np.where(table["arm"] == "own", 0.0, 0.5))
    (row,) = choose(table.assign(category=number.astype(str), agreement=agrees), [["own", "zero"]]).to_dict("records")
    assert (row["main"], row["reason"]) == ("category", "wider by category")
    assert row["category_standard_error"] > 1.5 * row["standard_error"]


@pytest.mark.slow
def test_primary_hypothesis_is_not_corrected_for_the_others() -> None:
    table = scores({"zero": 0, "own": 0.1, "other": 0.05})
    pairs = [["own", "other"], ["own", "zero"], ["other", "zero"]]
    made = choose(table, pairs, ["own", "other"])
    assert list(made["role"]) == ["primary", "secondary", "secondary"]
    first, rest = made.iloc[0], made.iloc[1:]
    assert (first["arm"], first["against"]) == ("own", "other")
    assert first["main_p_holm"] == first["main_p"]
    smallest, largest = sorted(rest["main_p"])
    assert sorted(rest["main_p_holm"]) == pytest.approx([min(2 * smallest, 1), min(max(2 * smallest, largest), 1)])
    assert set(choose(table, pairs, {"arm": "own", "against": "other", "language": "xx"})["role"]) == {"secondary"}


# From scores to tables


def steps(folder: Path, table: pd.DataFrame, pairs: list[object]) -> Path:
    """Run all steps of the estimates on scores."""
    write_table(table, folder / "s.parquet", Scores)
    write_table(people(table), folder / "people.parquet", Replicates)
    poles = table.drop_duplicates(["country", "probe"]).assign(n=900, neither=0, standard_error=0.01)
    write_table(poles[Poles.names()], folder / "poles.parquet", Poles)
    common = ["--people", folder / "people.parquet", "--draws", 200, "--level", 0.95, "--seed", 1]
    common += ["--resample", "batteries respondents", "--families", "measure scope", "--bank", BANK_FILE]
    contrasts = ["--contrasts", json.dumps(pairs)]
    run("estimate-agreement", folder / "s.parquet", *common, "--output", folder / "agreement.csv")
    run("estimate-contrasts", folder / "s.parquet", *contrasts, *common, "--output", folder / "contrasts.csv")
    transfer = ["--pair", json.dumps(["own", "other"]), *common, "--output", folder / "transfer.csv"]
    run("estimate-transfer", folder / "s.parquet", *transfer)
    fits = [*contrasts, "--estimates", folder / "contrasts.csv", "--level", 0.95, "--bank", BANK_FILE]
    run("fit-mixed", folder / "s.parquet", *fits, "--output", folder / "mixed.csv")
    options = [word for word in common if word not in ("--families", "measure scope")]
    options += [*contrasts, "--estimates", folder / "contrasts.csv"]
    run("choose-intervals", folder / "s.parquet", *options, "--primary", "null", "--output", folder / "verdicts.csv")
    worth = ["--poles", folder / "poles.parquet", "--level", 0.95, "--largest", 100, "--output", folder / "worth.csv"]
    run("estimate-worth", folder / "s.parquet", *worth)
    return folder


@pytest.mark.slow
def test_difference_of_differences_is_cross_checked(tmp_path: Path) -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0.05, "random": 0.1}, bank=FEW)
    folder = steps(tmp_path, table, [["own", "other"], DIFFERENCES])
    made = read_table(folder / "mixed.csv", Mixed)
    assert sorted(made["beyond"].fillna("")) == ["", "", "random - zero", "random - zero"]
    assert made["difference"].abs().max() < 1


@pytest.mark.slow
def test_tables_have_every_measure_arm_and_country(tmp_path: Path) -> None:
    table = scores({"zero": 0, "own": 0.2}, bank=FEW)
    folder = steps(tmp_path, table, [["own", "zero"]])
    made = read_table(folder / "agreement.csv", Estimates).set_index(["arm", "country", "measure"])
    assert len(made) == 2 * 3 * (len(MEASURES) - 1)  # no p(A) is a bound
    table = add_agreements(table)
    for (arm, country), cells in table.groupby(["arm", "country"]):
        for measure in set(MEASURES) - {"bound"}:
            assert made.loc[(arm, country, measure), "estimate"] == pytest.approx(cells[measure].mean(), abs=1e-6)
    differences = read_table(folder / "contrasts.csv", Contrasts)
    assert len(differences) == 3 * len(COMPARED)
    assert set(differences.loc[differences["p"].notna(), "measure"]) == set(CONTRASTED)
    assert len(read_table(folder / "mixed.csv", Mixed)) == 2
    assert len(read_table(folder / "worth.csv", Worth)) == 2 * 2


@pytest.mark.slow
def test_transfer_has_a_row_per_country_source_and_measure(tmp_path: Path) -> None:
    table = scores({"own": 0.2, "other": 0}, bank=FEW)
    made = read_table(steps(tmp_path, table, [["own", "other"]]) / "transfer.csv", Transfer)
    assert len(made) == 3 * 2 * 2 and set(made["family"]) == set(made["measure"] + ", mean of countries") | set(
        made["measure"] + ", single countries"
    )


@pytest.mark.slow
def test_contrast_of_which_a_language_runs_one_arm_has_no_rows_there(tmp_path: Path) -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0}, languages=("en", "es"), bank=FEW)
    table = table[(table["language"] == "en") | (table["arm"] != "other")]
    made = read_table(steps(tmp_path, table, [["own", "zero"], ["own", "other"]]) / "contrasts.csv", Contrasts)
    assert set(zip(made["language"], made["against"], strict=True)) == {("en", "zero"), ("es", "zero"), ("en", "other")}


@pytest.mark.slow
def test_contrasts_of_which_no_language_runs_both_arms_give_empty_tables(tmp_path: Path) -> None:
    folder = steps(tmp_path, scores({"zero": 0}, bank=FEW), [["own", "zero"]])
    assert read_table(folder / "contrasts.csv", Contrasts).empty
    assert read_table(folder / "transfer.csv", Transfer).empty
    assert read_table(folder / "mixed.csv", Mixed).empty


def test_file_of_gains_of_a_run_without_gains_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "scores.parquet").touch()
    files = [
        tmp_path / "scores.parquet",
        "--people",
        tmp_path / "scores.parquet",
        "--bank",
        tmp_path / "scores.parquet",
    ]
    told = ["figures.selectors", "the run has no gains", "Run both arms"]
    refused("estimate-categories", *files, "--pairs", "[]", tells=told)
