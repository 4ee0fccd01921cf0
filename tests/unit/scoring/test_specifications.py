"""Kinds of probes, cuts of scales, and the estimates under alternatives and specifications."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from bank import BANK, BANK_FILE
from click.testing import CliRunner
from configs import altered, shipped
from estimating import people, refuse, scores
from extrapolation import compare_references, extrapolate, list_halves
from figure_tables import faults_of, texts_of
from matplotlib import pyplot as plt
from project import ROOT
from selfalign.audit.trace.excluded import why_not_chosen
from selfalign.cli import program
from selfalign.config.outputs import find_shown, forms_of_models, list_specified
from selfalign.config.probe_kinds import count_left_out, describe_left_out, with_kinds
from selfalign.config.read import check_settings, read_config
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.figures.plot_specifications import CHOICES, choose_rows, draw
from selfalign.figures.style import ENGLISH, Style, read_style
from selfalign.figures.theme import apply_theme
from selfalign.inference.choices import READOUTS
from selfalign.probes.bank import read_bank
from selfalign.probes.cuts import Cutter, Recut, find_ten_points, leave_out_middle
from selfalign.probes.kinds import read_kinds
from selfalign.probes.map_poles import map_poles
from selfalign.probes.schemas import LeftOutProbes
from selfalign.probes.selection import find_used, list_left_out, select_probes
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_alternatives import choose_alternatives, estimate_alternatives
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_specifications import Choices, estimate_specifications
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.recut import count_changed, recut_cells
from selfalign.scoring.schemas import Alternatives, Specifications
from selfalign.tables import read_table

KINDS = read_kinds(ROOT / "resources/probes/kinds.csv")
EXAMPLE = ROOT / "resources/survey/example/counts.csv"


def settings(**probes: object) -> Config:
    """The default config with other settings of the section probes."""
    return altered(probes=probes)


# Kinds of probes


def chosen(config: Config, bank: Path = BANK_FILE) -> list[str]:
    """The probes that a config selects from a bank."""
    table = BANK if bank == BANK_FILE else read_bank(bank)
    return list(select_probes(with_kinds(table, config), config.probes.criteria, bank)["probe"])


def test_default_uses_the_probes_that_it_names() -> None:
    config = altered()
    assert set(chosen(config)) == set(config.probes.only) and describe_left_out(config) == ""


@pytest.mark.slow
def test_kinds_choose_among_the_probes_that_are_named(tmp_path: Path) -> None:
    config = settings(only=["Q4", "Q94", "Q199", "Q60"], kinds=["value", "membership"])
    assert chosen(config) == ["Q4", "Q94"] and find_used(BANK_FILE, config.probes.criteria) == {"Q4", "Q94"}
    assert count_left_out(config) == KINDS["kind"][["Q199", "Q60"]].value_counts().to_dict()
    assert describe_left_out(config).startswith("probes.kinds leaves out 2 probes: ")
    with pytest.raises(InputError, match="no such probe"):
        chosen(settings(only=["Q4", "Q9999"], kinds=["value"]))
    everything = settings(only=[], kinds=["value", "attitude"])
    some = KINDS.index[KINDS["kind"].isin(["value", "attitude"])]
    assert set(chosen(everything)) == set(some) - {"Q154", "Q155"}, "probes on request"
    file = tmp_path / "mine.yaml"
    file.write_text("probes: { kinds: [value] }")
    few, default = read_config([file]), altered()
    assert few.probes.only == default.probes.only, "the list of the user's own is kept"
    assert len(chosen(few)) + sum(count_left_out(few).values()) == len(chosen(default))
    bank = with_kinds(BANK, few)
    assert list_left_out(bank, few.probes.criteria)["reason"].value_counts().to_dict() == {
        "only": len(bank) - len(chosen(default)),
        "kinds": sum(count_left_out(few).values()),
    }
    assert why_not_chosen("Q94", bank, few.probes.criteria) == (
        "the setting probes.only names 113 of the bank's 257 probes, and Q94 is not one"
    )
    config = settings(only=["Q4", "Q94", "Q199", "Q60", "Q91"], kinds=["value", "membership"])
    assert why_not_chosen("Q91", with_kinds(bank, config), config.probes.criteria) == (
        "its kind, knowledge, is not in the setting probes.kinds (value, membership)"
    )


def test_kinds_of_nothing_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match=r"no probe is left by probes\.only and probes\.kinds"):
        chosen(settings(only=["Q4"], kinds=["media"]))
    with pytest.raises(InputError, match="atitude"):
        check_settings(shipped() | {"probes": shipped()["probes"] | {"kinds": ["atitude"]}})


@pytest.mark.slow
def test_own_bank_has_kinds_only_from_a_file(tmp_path: Path) -> None:
    bank = tmp_path / "probes.csv"
    bank.write_text(BANK_FILE.read_text())
    config = settings(bank=str(bank), only=["Q4", "Q60", "Q62"], kinds=["value"])
    with pytest.raises(InputError, match="has no file kinds.csv"):
        chosen(config, bank)
    bank.with_name("kinds.csv").write_text("probe,kind\nQ62,value\nQ60,attitude\n")
    assert chosen(config, bank) == ["Q62"] and find_used(bank, config.probes.criteria) == {"Q62"}
    assert count_left_out(config) == {"attitude": 1, "none": 1}


def test_step_reports_probes_excluded_by_kind(tmp_path: Path) -> None:
    kinds, left_out = BANK_FILE.with_name("kinds.csv"), tmp_path / "left_out.csv"
    options = {"only": ["Q4", "Q94"], "kinds": ["value"]}
    words = ["--bank", BANK_FILE, "--kinds", kinds, "--settings", json.dumps(options), "--left-out", left_out]
    words += ["--selected", tmp_path / "selected.csv"]
    CliRunner().invoke(program, ["select-probes", *map(str, words)], catch_exceptions=False)
    assert list(read_bank(tmp_path / "selected.csv")["probe"]) == ["Q4"]
    assert read_table(left_out, LeftOutProbes).set_index("probe")["reason"][["Q94", "Q5"]].tolist() == ["kinds", "only"]


def test_forced_choices_are_the_qualities_of_children() -> None:
    assert list(KINDS.index[KINDS["forced"] == "yes"]) == [f"Q{number}" for number in range(7, 18)]


# Cuts


def test_five_of_ten_points_becomes_neither() -> None:
    bank = BANK.set_index("probe", drop=False)
    cut = leave_out_middle(BANK).set_index("probe", drop=False)
    assert cut.loc["Q48", ["pole_a", "pole_b", "neither"]].to_list() in (
        ["6 7 8 9 10", "1 2 3 4", "5"],
        ["1 2 3 4", "6 7 8 9 10", "5"],
    )
    assert {"0 1 2 3 4", "6 7 8 9 10"} == set(cut.loc["Q241", ["pole_a", "pole_b"]])
    same = (cut == bank).all(axis=1)
    assert set(bank.index[~same]) == set(BANK.loc[find_ten_points(BANK), "probe"]) and len(same[~same]) == 51
    assert {"Q4", "Q121", "Q171"} <= set(same[same].index)


@pytest.mark.slow
def test_document_on_poles_has_the_changes_by_the_cut(distributions: pd.DataFrame) -> None:
    recut = Cutter(distributions, None, 2, 1).cut("middle", BANK, distributions["country"].unique())
    poles = recut.poles
    main = map_poles(distributions, BANK)
    main = main[main["probe"].isin(poles["probe"]) & (main["majority"] != "tie")]
    changed = count_changed(main, poles)
    assert len(recut.replicates) == len(poles)
    politics = main[main["probe"] == "Q240"]
    told = " ".join((ROOT / "docs/poles.md").read_text(encoding="utf-8").split())
    assert f"{changed} of {len(main)} majorities change" in told
    assert f"{count_changed(politics, poles)} of {len(politics)} countries" in told


def test_shares_published_for_several_codes_keep_the_cut_of_the_bank(distributions: pd.DataFrame) -> None:
    four = (distributions["question"] == "Q48") & (distributions["code"] == 4)
    together = distributions.assign(last_code=distributions["last_code"].mask(four, 5))
    poles = Cutter(together, None, 2, 1).cut("middle", BANK, ["USA"]).poles
    assert "Q48" not in set(poles["probe"]) and "Q49" in set(poles["probe"])


def test_cut_of_the_bank_changes_neither_people_nor_cells(distributions: pd.DataFrame) -> None:
    cutter, people = Cutter(distributions, None, 2, 1), pd.DataFrame({"probe": ["Q48", "Q4"], "shares": [[0.1], [0.2]]})
    bank, middle = (cutter.cut(name, BANK, ["USA"]) for name in ("bank", "middle"))
    cells = scores({"own": 0.0}, ("USA",))
    assert bank.poles.empty and bank.join_people(people) is people and recut_cells(cells, bank.poles) is cells
    joined = middle.join_people(people).set_index("probe")["shares"]
    assert joined["Q4"] == [0.2] and len(joined["Q48"]) == 2 and joined.index.is_unique


def test_cells_are_compared_with_the_people_of_the_cut() -> None:
    cells = scores({"own": 0.0}, ("BOL",)).query("probe in ['Q4', 'Q48', 'Q49', 'Q50']").assign(p_a=0.6)
    cells = refuse(cells, cells["probe"] == "Q49")
    shares = {"Q48": (0.3, "B"), "Q49": (0.3, "B"), "Q50": (0.5, "tie")}
    poles = pd.DataFrame([("BOL", probe, *of) for probe, of in shares.items()])
    poles.columns = ["country", "probe", "share_a", "majority"]
    made = recut_cells(cells, poles).set_index("probe")
    assert list(made.index) == ["Q4", "Q48", "Q49"], "a tie leaves the estimate"
    assert made.loc["Q4", ["share_a", "majority", "agreement"]].to_list() == [0.7, "A", cells["agreement"].iloc[0]]
    assert made.loc["Q48", ["share_a", "majority", "agreement"]].to_list() == [0.3, "B", 0.0]
    assert made.loc["Q48", "alignment"] == pytest.approx(0.7)
    assert made.loc["Q49", "agreement"] == 0.5 and np.isnan(made.loc["Q49", "alignment"])
    assert count_changed(cells, poles) == 3


# Alternatives


def no_poles() -> pd.DataFrame:
    return pd.DataFrame(columns=["country", "probe", "majority"])


@pytest.mark.slow
def test_discriminating_cells_are_those_in_which_country_and_source_differ() -> None:
    """In BOL, DEU differs on Q48 only and USA on Q48 and Q49; nobody differs on Q50."""
    table = scores({"zero": 0.0, "own": 0.0, "other": 0.0}, ("BOL",)).query("probe in ['Q48', 'Q49', 'Q50']")
    values = {"own": 1.0, "zero": 0.5}
    sources = {"DEU": 0.0, "USA": 0.5}
    value = table["arm"].map(values).fillna(table["source"].map(sources))
    table = table.assign(agreement=value, source=table["source"].where(table["arm"] != "zero", ""))
    shown = {"BOL": "AAA", "DEU": "BAA", "USA": "BBA"}
    probes = ("Q48", "Q49", "Q50")
    rows = [(country, *pair) for country, answers in shown.items() for pair in zip(probes, answers, strict=True)]
    poles = pd.DataFrame(rows, columns=["country", "probe", "majority"])
    how = Resampling(people(table), draws=100, level=0.95, seed=1, resample=["batteries"])
    pairs = [["own", "other"], ["own", "zero"], ["other", "zero"]]
    made = estimate_alternatives(table, [Contrast.read(pair) for pair in pairs], poles, None, None, how, ["measure"])
    made = made[made["measure"] == "agreement"].set_index(["alternative", "arm", "against"])
    found = made.loc["discriminating"]
    assert list(found.index) == [("own", "other")], "only contrasts that subtract other countries' answers"
    # Q48: 1 - (0 + 0.5) / 2; Q49: 1 - 0.5.
    assert found["estimate"].item() == pytest.approx((0.75 + 0.5) / 2)
    assert found[["probes", "left_out"]].to_numpy().tolist() == [[2, 1]]
    assert made.loc[("main", "own", "other"), "estimate"] == pytest.approx(0.75)


@pytest.mark.slow
def test_alternatives_have_the_main_intervals_of_verdicts() -> None:
    """The rows `main` are those of verdicts.csv. A single category has too few categories for an interval between."""
    table = scores({"own": 0.1, "other": 0.0})
    how = Resampling(people(table), draws=200, level=0.95, seed=1, resample=["batteries"])
    pairs = [Contrast(arm="own", against="other")]
    poles = table.drop_duplicates(["country", "probe"])[["country", "probe", "majority"]]
    poles = pd.concat([poles, poles.assign(country="DEU", majority="B"), poles.assign(country="USA", majority="B")])
    made = estimate_alternatives(table, pairs, poles.drop_duplicates(), KINDS, None, how, ["measure"])
    known = estimate_contrasts(table, pairs, how)
    verdicts = choose_intervals(table, known, pairs, None, how, CONTRASTED).set_index("measure")
    columns = ["main_low", "main_high", "main_p", "category_low", "category_high", "category_df", "categories"]
    main = made[made["alternative"] == "main"].set_index("measure").loc[verdicts.index]
    assert main[["main", "reason"]].equals(verdicts[["main", "reason"]])
    assert main[columns].astype(float).to_numpy() == pytest.approx(verdicts[columns].astype(float).to_numpy())
    kinds = made[made["alternative"] == "attitude"]
    kept = table[table["probe"].map(KINDS["kind"]) == "attitude"]
    alone = choose_intervals(kept, estimate_contrasts(kept, pairs, how), pairs, None, how, CONTRASTED)
    ends = ["main_low", "main_high"]
    assert kinds.set_index("measure")[ends].to_numpy() == pytest.approx(alone.set_index("measure")[ends].to_numpy())
    one = made[made["alternative"] == "category:religion"]
    assert (one["categories"] == 1).all() and set(one["reason"]) == {"fewer than 6 categories"}
    assert one[["main_low", "main_high"]].to_numpy() == pytest.approx(one[["low", "high"]].to_numpy())
    assert one["category_low"].isna().all()


@pytest.mark.slow
def test_categories_have_margins_of_all_and_of_discriminating_cells() -> None:
    """Q48 is about work; Q49 and Q50 are about life. DEU shares the majority of BOL on Q50, and USA on Q48 and Q50."""
    table = scores({"zero": 0.0, "own": 0.0, "other": 0.0}, ("BOL",)).query("probe in ['Q48', 'Q49', 'Q50']")
    own = table["probe"].map({"Q48": 1.0, "Q49": 1.0, "Q50": 0.5})
    other = table["source"].map({"DEU": 0.0, "USA": 0.5})
    table = table.assign(agreement=own.where(table["arm"] == "own", other).where(table["arm"] != "zero", 0.5))
    table = table.assign(source=table["source"].where(table["arm"] != "zero", ""))
    table = table.assign(category=np.where(table["probe"] == "Q48", "work", "life"))
    majorities = {("BOL", "Q48"): "A", ("BOL", "Q49"): "A", ("BOL", "Q50"): "A", ("DEU", "Q48"): "B"}
    majorities |= {("DEU", "Q49"): "B", ("DEU", "Q50"): "A"} | {
        ("USA", f"Q{n}"): "B" if n == 49 else "A" for n in (48, 49, 50)
    }
    poles = pd.DataFrame([(*key, pole) for key, pole in majorities.items()], columns=["country", "probe", "majority"])
    how = Resampling(people(table), draws=100, level=0.95, seed=1, resample=["batteries"])
    pairs = [Contrast(arm="own", against=other) for other in ("other", "zero")]
    made = Alternatives.validate(estimate_alternatives(table, pairs, poles, None, None, how, ["measure"]))
    made = made[made["measure"] == "agreement"]
    of_category = made[made["alternative"].str.contains(":")].set_index("alternative")
    assert set(of_category["against"]) == {"other"}, "gains over zero-shot are in categories.csv"
    found = of_category["estimate"]
    assert found.index.to_list() == [
        f"{of}:{name}" for of in ("category", "discriminating") for name in ("life", "work")
    ]
    assert found["category:work"] == pytest.approx(1 - (0 + 0.5) / 2)
    assert found["category:life"] == pytest.approx((1 + 0.5) / 2 - (0 + 0.5) / 2)
    assert found["discriminating:work"] == pytest.approx(1 - 0)
    assert found["discriminating:life"] == pytest.approx(1 - (0 + 0.5) / 2), "Q49 alone"
    assert of_category["left_out"].to_list() == [1, 2, 2, 2]
    one = table.assign(category="all the same")
    alone = estimate_alternatives(one, pairs, poles, None, None, how, ["measure"])
    assert set(alone["alternative"]) == {"main", "discriminating"}, "one category would keep all probes"


@pytest.mark.slow
def test_alternatives_are_the_contrasts_of_their_probes() -> None:
    table = scores({"own": 0.1, "zero": 0.0})
    how = Resampling(people(table), draws=200, level=0.95, seed=1, resample=["batteries"])
    made = estimate_alternatives(
        table, [Contrast(arm="own", against="zero")], no_poles(), KINDS, None, how, ["measure", "scope"]
    )
    Alternatives.validate(made)
    kept = table[table["probe"].map(KINDS["kind"]) == "attitude"]
    alone = estimate_contrasts(kept, [Contrast(arm="own", against="zero")], replace(how, people=people(kept)))
    of_kind = made[(made["alternative"] == "attitude") & (made["measure"] == "agreement")].iloc[0]
    wanted = alone[(alone["country"] == "all") & (alone["measure"] == "agreement")].iloc[0]
    for name in ("estimate", "low", "high", "probes", "batteries"):
        assert of_kind[name] == pytest.approx(wanted[name], abs=1e-6)
    assert of_kind["left_out"] == (BANK["on_request"] == "").sum() - kept["probe"].nunique()
    main = made[made["alternative"] == "main"]
    assert (main["left_out"] == 0).all() and "middle" not in set(made["alternative"])
    assert made.query("alternative == 'without_forced'")["left_out"].unique().tolist() == [11]


def test_alternatives_that_keep_everything_or_nothing_are_left_out() -> None:
    chosen = choose_alternatives(["Q4", "Q7"], KINDS)
    assert chosen == {"without_forced": {"Q4"}}
    assert choose_alternatives(["Q4"], None) == {}


# Specifications


def small_run() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Design, answers and poles of two countries and three probes; own and other answers in one frame.

    With the country's own demonstrations, the model chooses its majority if pole A stands first, and pole A else.
    With the other country's, it always chooses pole B. All majorities are A in BOL, and B in USA.
    """
    cells = []
    keys = itertools.product(("BOL", "USA"), ("Q48", "Q60", "Q94"), ("own", "other"), ("AB", "BA"))
    for country, probe, arm, order in keys:
        row = {"arm": arm, "country": country, "probe": probe, "source": "BOL", "seed": 0, "template": "words"}
        cells.append({**row, "asks": "poles", "order": order, "prompt": f"{country}{probe}{arm}{order}"})
    design = pd.DataFrame(cells)
    majority = design["country"].map({"BOL": "A", "USA": "B"})
    pole = np.select([design["arm"] == "other", design["order"] == "AB"], ["B", majority], "A")
    first = (pole == "A") == (design["order"] == "AB")
    answers = [
        (prompt, place, 0.0 if wins == (place == 1) else -2.0)
        for prompt, wins in zip(design["prompt"], first, strict=True)
        for place in (1, 2)
    ]
    table = pd.DataFrame(answers, columns=["prompt", "place", "option"])
    empty = dict.fromkeys((*set(READOUTS) - {"option"}, "mass_outside_labels"), np.nan)
    table = table.assign(**empty, mass_outside_options=0.1)
    poles = design.drop_duplicates(["country", "probe"])[["country", "probe"]].assign(standard_error=0.01)
    poles["majority"] = poles["country"].map({"BOL": "A", "USA": "B"})
    return design, table, poles.assign(share_a=poles["majority"].map({"A": 0.8, "B": 0.2}))


@pytest.mark.slow
def test_specifications_are_each_choice_of_order_cut_and_kind() -> None:
    design, answers, poles = small_run()
    replicates = poles[["country", "probe"]].assign(method="none", respondents=pd.NA, shares=[[]] * len(poles))
    cut = poles[poles["probe"] == "Q48"].assign(majority="B", share_a=0.3)
    pairs = pd.DataFrame([{"arm": "own", "against": "other", "selector": "chrf", "pool": "all", "shots": 5}])
    made = estimate_specifications(
        [(("m", "en"), answers)],
        {"en": design},
        Comparison(poles, BANK, "half"),
        pairs.assign(sequence="nearest_first", shown_in="asked", persona="none"),
        {"m": {"model": "m", "form": "turns"}},
        Choices(
            readouts=["option", "pmi"],
            orders=["both", "AB", "BA"],
            cuts={
                "bank": Recut(cut.head(0), replicates.head(0)),
                "middle": Recut(cut, replicates[replicates["probe"] == "Q48"]),
            },
            kinds={"value": {"Q48"}},
        ),
        Resampling(replicates, draws=100, level=0.95, seed=1, resample=["batteries"]),
    )
    Specifications.validate(made)
    assert set(made["readout"]) == {"option"}, "the answers have no other readout"
    assert set(made["probe_kind"]) == {"all", "value"} and len(made) == 3 * 2 * 2 * 2
    found = made[made["measure"] == "agreement"].set_index(["order", "cut", "probe_kind"])["estimate"]
    # Pole A first: own agrees everywhere, other in the USA. Pole B first: own agrees in BOL, other in the USA.
    assert found["AB", "bank", "all"] == pytest.approx(0.5)
    assert found["BA", "bank", "all"] == pytest.approx(0.0)
    # Both: own is torn in the USA (0.5) and agrees in BOL; other agrees in the USA.
    assert found["both", "bank", "all"] == pytest.approx((1 + (0.5 - 1)) / 2)
    # Under the cut Q48 is B in BOL too: own is wrong there, and other is right.
    assert found["AB", "middle", "all"] == pytest.approx(((2 - 1) / 3 + 0) / 2)


@pytest.mark.slow
def test_arms_and_models_are_specifications_too() -> None:
    config = altered("specifications")
    pairs = {row["arm"]: row for row in list_specified(config)}
    assert len(pairs) == 8 and all(row["against"] == f"{arm}_other" for arm, row in pairs.items())
    assert pairs["chrf_10"]["shots"] == 10 and pairs["bm25"]["selector"] == "bm25"
    assert pairs["chrf_without_battery"]["pool"] == "without_battery"
    assert pairs["chrf_nearest_last"]["sequence"] == "nearest_last"
    assert forms_of_models(config) == {
        "smollm2-135m": {"model": "smollm2-135m", "form": "turns"},
        "smollm2-135m-message": {"model": "smollm2-135m", "form": "message"},
    }
    assert config.scoring.specifications.given == {
        "readouts": READOUTS,
        "orders": ("both", "AB", "BA"),
        "cuts": ("bank", "middle"),
        "kinds": ("value", "attitude"),
    }
    assert {"alternatives", "specifications"} <= find_shown(config)[0]
    assert not {"alternatives", "specifications"} & find_shown(altered())[0]


# Extrapolation


def test_people_who_are_a_country_resemble_it_on_all_topics() -> None:
    probes = [f"Q{number}" for number in range(8)]
    category = pd.Series(list("aabbccdd"), probes)
    shares = pd.DataFrame(np.linspace(0.1, 0.9, 24).reshape(3, 8), ["DEU", "MEX", "USA"], probes)
    found = extrapolate(shares.loc["MEX"], shares, category)
    assert len(found) == len(list_halves(list("abcd"))) == 3 and found["same"].all()
    turned = shares.loc["MEX"].where(category.isin(["a", "b"]), shares.loc["USA"])
    halves = [half in ({"a", "b"}, {"c", "d"}) for half in list_halves(list("abcd"))]
    assert (~extrapolate(turned, shares, category)["same"]).tolist() == halves
    assert len(list_halves(list("abcdefghijkl"))) == 462 and len(list_halves(list("abc"))) == 3


@pytest.mark.slow
def test_an_even_guess_resembles_the_most_divided_country_on_all_topics() -> None:
    """People with opinions at random, by country more or less divided: a guess without values still ranks them."""
    draws = np.random.default_rng(3)
    side = draws.choice([-1, 1], size=(6, 240))
    shares = pd.DataFrame(0.5 + side * np.linspace(0.1, 0.4, 6)[:, None], list("ABCDEF"), map(str, range(240)))
    category = pd.Series(np.repeat(list("abcdef"), 40), shares.columns)
    found = compare_references(shares, category, 20, 1)
    assert found["even guess"]["median"] == pytest.approx(1) and found["even guess"]["same"] == 1
    random = found["random answers, mean of draws"]
    assert random["medians: 5 %"] < random["median"] < random["medians: 95 %"] <= 1
    assert compare_references(shares, category, 20, 1) == found != compare_references(shares, category, 20, 2)
    alike = shares.map(lambda share: 0.5 + np.sign(share - 0.5) * (0.2 + draws.normal(0, 0.001)))
    noise = compare_references(alike.iloc[:, :-1], category[:-1], 20, 1)["random answers, mean of draws"]
    assert abs(noise["median"]) < 0.3, "countries that are equally divided: noise resembles none of them on all topics"


# Figure


def table_of(count: int = 3) -> pd.DataFrame:
    """Specifications of readouts, frames and orders; those with one order only are above 0."""
    rows = []
    keys = itertools.product(("option", "pmi"), [f"frame_{number}" for number in range(count)], ("both", "AB", "BA"))
    for place, (readout, frame, order) in enumerate(keys):
        estimate = -0.01 - 0.001 * place if order == "both" else 0.02 + 0.001 * place
        row = dict.fromkeys(CHOICES, "x") | {"model": "m", "form": "turns", "shots": 5, "language": "en"}
        row |= {"readout": readout, "frame": frame, "order": order, "arm": "own", "against": "other"}
        row |= {"measure": "agreement", "estimate": estimate, "low": estimate - 0.015, "high": estimate + 0.015}
        rows.append(row | {"standard_error": 0.01, "probes": 60, "batteries": 9})
    return pd.DataFrame(rows)[Specifications.names()]


@pytest.fixture(params=[(3.3, "es"), (3.3, "de"), (6.8, "en")], ids=str)
def style(request: pytest.FixtureRequest) -> Iterator[Style]:
    width, language = request.param
    described = {"labels": {"models": {"m": "Model M"}, "arms": {}}, "width": width, "language": language}
    made = read_style(described, ENGLISH.with_stem(language))
    with matplotlib.rc_context():
        apply_theme(made)
        yield made
    plt.close("all")


@pytest.mark.slow
def test_figure_sorts_specifications_and_shows_the_choices_that_differ(style: Style) -> None:
    rows = choose_rows(pd.concat([table_of(), table_of().assign(measure="alignment")]), "en")
    figure = draw(rows, style)
    curve, matrix = figure.axes
    drawn = np.concatenate([line.get_xydata() for line in curve.lines if line.get_marker() == "o"])
    assert drawn[np.argsort(drawn[:, 0]), 1] == pytest.approx(np.sort(table_of()["estimate"]))
    names = [label.get_text() for label in matrix.get_yticklabels()]
    assert len(names) == 3 + 2 + 3 + 3, "headings and values of frames, readouts and orders; of nothing else"
    assert len(matrix.images) == 2 + 3 + 3 and all(image.get_array().shape == (1, 18) for image in matrix.images)
    texts = [text.get_text() for text in texts_of(figure)]
    assert sum(style.percent(1) == text for text in texts) == 2 and style.percent(0) in texts
    assert any("12" in text and "18" in text and style.percent(12 / 18) in text for text in texts)
    assert figure.get_figwidth() == style.width and faults_of(figure) == []


def test_one_specification_has_a_curve_and_no_choices(style: Style) -> None:
    figure = draw(choose_rows(table_of().iloc[:1], "en"), style)
    assert len(figure.axes) == 1 and faults_of(figure) == []


@pytest.mark.slow
def test_legend_says_nothing_of_intervals_that_are_missing(style: Style) -> None:
    rows = choose_rows(table_of(1).assign(low=np.nan, high=np.nan), "en")  # as with one battery
    texts = [text.get_text() for text in texts_of(draw(rows, style))]
    assert style.text("specifications.neither_zero", level=style.level_name()) not in texts
