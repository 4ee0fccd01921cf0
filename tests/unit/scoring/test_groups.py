"""Estimates for figures across models: by category, in each country's own language, by kind of model."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK_FILE, DEFAULT_BANK
from estimating import SETTINGS, people, scores
from scipy import stats
from selfalign.contrasts import Contrast
from selfalign.probes.schemas import Replicates
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_categories import estimate_categories
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_kinds import estimate_kinds
from selfalign.scoring.estimate_languages import estimate_languages
from selfalign.scoring.pooling import OWN, cells_of, name_kind
from selfalign.scoring.schemas import Categories, Kinds, Languages, Scores
from selfalign.tables import read_table, write_table
from surveys import run

pytestmark = pytest.mark.slow

PAIR = ["own", "zero"]
ROW = ["language", "against_language", "country", "measure"]


def gain(table: pd.DataFrame, measure: str = "alignment") -> pd.Series:
    """The mean gain of each country, by hand."""
    means = table.groupby(["country", "arm"])[measure].mean().unstack()
    return means["own"] - means["zero"]


# By category


def by_category(table: pd.DataFrame, **settings: object) -> pd.DataFrame:
    made = estimate_categories(table, [PAIR], Resampling(people(table), **{**SETTINGS, **settings}))
    return made.set_index(["category", "measure"])


def test_gain_of_a_category_is_the_mean_of_its_probes_and_of_the_countries() -> None:
    table = scores({"zero": 0, "own": 0.2, "other": 0.1})
    made = by_category(table)
    assert set(made["country"]) == {"all"} and set(made["arm"]) == {"own"}
    assert set(made.index.get_level_values("category")) == set(DEFAULT_BANK["category"])
    for category, probes in DEFAULT_BANK.groupby("category"):
        cells = table[table["category"] == category]
        for measure in ("agreement", "alignment"):
            row = made.loc[(category, measure)]
            assert row["estimate"] == pytest.approx(gain(cells, measure).mean())
            assert [row["probes"], row["batteries"]] == [len(probes), probes["battery"].nunique()]


@pytest.mark.parametrize("batteries", [2, 3, 6])
def test_interval_of_a_category_is_the_t_interval_of_its_batteries(batteries: int) -> None:
    """Batteries of two probes in one country: the t interval of their means, with one degree less than batteries."""
    bank = DEFAULT_BANK[["probe"]].iloc[: 2 * batteries + 8]
    place = np.arange(len(bank)) // 2
    bank = bank.assign(category=np.where(place < batteries, "few", "rest"), battery=place.astype(str))
    table = scores({"zero": 0, "own": 0.1}, ("BOL",), bank=bank)
    row = by_category(table, draws=40_000, resample=["batteries"]).loc[("few", "alignment")]
    cells = table[table["category"] == "few"].pivot(index=["battery", "probe"], columns="arm", values="alignment")
    means = (cells["own"] - cells["zero"]).groupby("battery").mean()
    by_hand = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert row["batteries"] == batteries and row["df"] == pytest.approx(batteries - 1)
    reach = (row["high"] - row["low"]) / 2 if batteries > 2 else stats.t.ppf(0.975, 1) * row["standard_error"]
    assert reach == pytest.approx((by_hand.high - by_hand.low) / 2, rel=0.02)


def test_category_of_one_battery_has_no_interval_and_of_two_a_wide_one() -> None:
    bank = DEFAULT_BANK.assign(
        category=np.where(DEFAULT_BANK["battery"] == DEFAULT_BANK["battery"].iloc[0], "one", "many")
    )
    made = by_category(scores({"zero": 0, "own": 0.1}, bank=bank))
    assert made.loc["one", ["standard_error", "low", "high", "p"]].isna().all().all()
    assert (made.loc["one", "batteries"] == 1).all() and made.loc["one", "estimate"].notna().all()
    assert made.loc["many", ["low", "high"]].notna().all().all()


# By language


SPOKEN = {"BOL": "es", "DEU": "de", "MEX": "es"}


def in_several_languages() -> pd.DataFrame:
    """Four countries in English, two in Spanish, one in German; Bolivia lacks the arm `own` in Spanish."""
    english = scores({"zero": 0, "own": 0.1, "other": 0}, ("BOL", "DEU", "MEX", "USA"), ("en",))
    spanish = scores({"zero": 0, "own": 0.3}, ("BOL", "MEX"), ("es",), seed=4)
    spanish = spanish[(spanish["country"] != "BOL") | (spanish["arm"] != "own")]
    return pd.concat([english, spanish, scores({"zero": 0.1, "own": 0.2}, ("DEU",), ("de",), seed=5)])


def by_language(table: pd.DataFrame) -> pd.DataFrame:
    return estimate_languages(table, [PAIR, ["other", "zero"]], "en", SPOKEN, Resampling(people(table), **SETTINGS))


def test_gains_in_both_languages_are_of_the_countries_that_have_both() -> None:
    table = in_several_languages()
    made = by_language(table)
    assert set(made["arm"]) == {"own"}, "no country has the other arm in its own language"
    assert set(made["country"]) == {"DEU", "MEX", "all"}, "Bolivia lacks an arm, the USA another language"
    made = made.set_index(ROW)["estimate"]
    english, spanish, german = (gain(table[table["language"] == one]) for one in ("en", "es", "de"))
    shared, own = english[["DEU", "MEX"]], pd.Series({"DEU": german["DEU"], "MEX": spanish["MEX"]})
    for country, language in (("DEU", "de"), ("MEX", "es")):
        assert made[("en", "en", country, "alignment")] == pytest.approx(shared[country])
        assert made[(language, language, country, "alignment")] == pytest.approx(own[country])
        assert made[(language, "en", country, "alignment")] == pytest.approx(own[country] - shared[country])
    assert made[("en", "en", "all", "alignment")] == pytest.approx(shared.mean())
    assert made[(OWN, OWN, "all", "alignment")] == pytest.approx(own.mean())
    assert made[(OWN, "en", "all", "alignment")] == pytest.approx((own - shared).mean())


def test_interval_of_one_country_s_own_language_is_that_of_its_contrast() -> None:
    table = in_several_languages()
    german = table[table["country"] == "DEU"]
    made, alone = (
        by_language(german),
        estimate_contrasts(german, [Contrast.read(PAIR)], Resampling(people(german), **SETTINGS)),
    )
    ends = ["estimate", "low", "high", "df"]
    for language in ("de", "en"):
        rows = made[(made["language"] == language) & (made["beyond"] == "") & (made["country"] == "DEU")]
        expected = alone[(alone["language"] == language) & (alone["country"] == "DEU")]
        np.testing.assert_allclose(rows[ends], expected[ends])


# By kind of model


KINDS = {"m": "english", "n": "multilingual", "o": "multilingual"}


def of_models() -> pd.DataFrame:
    """Three models with a kind and one without, in the languages of `in_several_languages`."""
    parts = []
    for place, model in enumerate(["m", "n", "o", "none"]):
        table = in_several_languages()
        shift = 0.1 * place * (table["arm"] == "own")
        parts.append(table.assign(model=model, alignment=(table["alignment"] - shift).clip(0, 1)))
    return pd.concat(parts, ignore_index=True)


def by_kind(table: pd.DataFrame, own: dict[str, str]) -> pd.DataFrame:
    return estimate_kinds(table, [PAIR], KINDS, "en", own, Resampling(people(table), **SETTINGS))


def test_kind_is_the_mean_of_its_models_in_both_languages() -> None:
    table = of_models()
    made = by_kind(table, SPOKEN)
    assert set(made["country"]) == {"all"} and "none" not in set(made["model"])
    keys = ["model", "against_model", "language", "measure"]
    rows = made.set_index(keys)
    assert not rows.index.duplicated().any()
    shared = table[table["language"] == "en"]
    own = table[(table["language"] == table["country"].map(SPOKEN)) & table["country"].isin(["DEU", "MEX"])]
    for language, cells in (("en", shared), (OWN, own)):
        gains = {model: gain(cells[cells["model"] == model]).mean() for model in KINDS}
        several = (gains["n"] + gains["o"]) / 2
        expected = {"m": gains["m"], "n": gains["n"], "o": gains["o"]}
        expected |= {name_kind("english"): gains["m"], name_kind("multilingual"): several}
        for model, value in expected.items():
            row = rows.loc[(model, model, language, "alignment")]
            assert row["estimate"] == pytest.approx(value), (model, language)
            assert row["models"] == (2 if model == "multilingual models" else 1)
            assert row["kind"] == KINDS.get(model, model.removesuffix(" models"))
        between = rows.loc[("multilingual models", "english models", language, "alignment"), "estimate"]
        assert between == pytest.approx(several - gains["m"])


def test_kind_without_own_languages_has_rows_of_the_shared_one() -> None:
    made = by_kind(of_models(), {})
    assert set(made["language"]) == {"en"}
    alike = made[(made["against_model"] == "english models") & (made["model"] == "english models")]
    single = made[made["model"] == "m"]
    ends = ["measure", "estimate", "low", "high", "df", "probes", "batteries"]
    pd.testing.assert_frame_equal(alike[ends].reset_index(drop=True), single[ends].reset_index(drop=True))


def test_columns_of_categories_change_nothing() -> None:
    table = of_models()
    names = [name for name in table if table[name].dtype == table["model"].dtype]
    small = table.astype(dict.fromkeys(names, "category"))
    assert len(names) > 5
    pd.testing.assert_frame_equal(by_kind(table, SPOKEN), by_kind(small, SPOKEN))
    pd.testing.assert_frame_equal(by_language(table), by_language(small))
    for cells in (small, table):
        picked = cells_of(cells, "multilingual models", OWN, SPOKEN, KINDS)
        assert set(picked["model"]) == {"n", "o"} and set(picked["language"]) == {"de", "es"}
    pd.testing.assert_frame_equal(by_category(table), by_category(small))


# As steps


def test_steps_write_tables_that_pass_their_schemas(tmp_path: Path) -> None:
    table = of_models()
    write_table(table, tmp_path / "s.parquet", Scores)
    write_table(people(table), tmp_path / "people.parquet", Replicates)
    common = [tmp_path / "s.parquet", "--pairs", json.dumps([PAIR]), "--people", tmp_path / "people.parquet"]
    common += ["--draws", 50, "--level", 0.95, "--seed", 1, "--resample", "batteries", "--families", "measure scope"]
    common += ["--bank", BANK_FILE]
    spoken = ["--asked-in", "en", "--own", json.dumps(SPOKEN)]
    steps = {"categories": ([], Categories), "languages": (spoken, Languages)}
    steps["kinds"] = ([*spoken, "--kinds", json.dumps(KINDS)], Kinds)
    for name, (more, schema) in steps.items():
        run(f"estimate-{name}", *common, *more, "--output", tmp_path / f"{name}.csv")
        made = read_table(tmp_path / f"{name}.csv", schema)
        assert len(made) and made.loc[made["p"].notna(), "p_holm"].notna().all()
    described = [column.description for column in Kinds.to_schema().columns.values()]
    assert all(described)
