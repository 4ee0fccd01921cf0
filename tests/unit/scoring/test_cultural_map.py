"""The Inglehart-Welzel cultural map: items, axes, points, the published coordinates, and the figure."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from bank import BANK as WHOLE_BANK
from bank import BANK_FILE
from click.testing import CliRunner
from configs import altered
from figure_tables import faults_of
from matplotlib import pyplot as plt
from nonempty import some
from places import ROOT
from selfalign.cli import program
from selfalign.config.figures import FIGURES
from selfalign.config.outputs import find_shown, why_no_map
from selfalign.config.paths import Paths
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.figures.plot_map import choose_points, choose_regions, draw, shape_of_ellipse
from selfalign.figures.style import Style, read_style
from selfalign.figures.theme import apply_theme
from selfalign.probes.bank import list_codes, parse_codes
from selfalign.probes.scales import read_scales
from selfalign.scoring.estimate_map import (
    MapPeople,
    MapTables,
    estimate_map,
    find_axes,
    resample_points,
    see_people,
    why_left_out,
)
from selfalign.scoring.map_axes import AXES, fit_axes, rotate
from selfalign.scoring.map_items import (
    project_probes,
    read_two_options,
    score_countries,
    score_respondents,
    share_answers,
    variance_of_parts,
)
from selfalign.scoring.map_schemas import PEOPLE, MapItems, MapPublished, MapZones
from selfalign.tables import read_input

RESOURCES = ROOT / "resources"
ITEMS = read_input(RESOURCES / "map/items.csv", MapItems)
ZONES = read_input(RESOURCES / "map/zones.csv", MapZones)
PUBLISHED = read_input(RESOURCES / "map/published.csv", MapPublished)
TABLES = MapTables(ITEMS, ZONES, PUBLISHED)
BANK = WHOLE_BANK[WHOLE_BANK["probe"].isin(ITEMS["probe"])]
SCALES = read_scales(RESOURCES / "survey/scales.csv", BANK)
PROBES = list(ITEMS["probe"])


@pytest.fixture(scope="module")
def people(distributions: pd.DataFrame) -> MapPeople:
    return MapPeople(share_answers(distributions, ITEMS, SCALES), BANK, SCALES)


@pytest.fixture(scope="module")
def scores(people: MapPeople) -> pd.DataFrame:
    """A model that says 0.5 to everything, and in the arm own exactly what each country's people answer."""
    codes = list_codes(BANK)
    shares = people.shares.merge(codes, on=["question", "code"])
    sums = shares.pivot_table(index=["country", "probe"], columns="pole", values="share", aggfunc="sum", fill_value=0)
    p_a = (sums["A"] / (sums["A"] + sums["B"])).rename("p_a").reset_index()
    rows = pd.concat([p_a.assign(arm="zero", p_a=0.5), p_a.assign(arm="own", order_gap=0.2)]).fillna({"order_gap": 0})
    cell = {"model": "m", "language": "en", "source": "", "seed": 0, "template": "words", "answered": True}
    return rows.assign(**cell)


@pytest.fixture(scope="module")
def tables(scores: pd.DataFrame, people: MapPeople) -> tuple[pd.DataFrame, pd.DataFrame]:
    return estimate_map(scores, people, TABLES, least=8, draws=200, seed=1)


def respondents(**answers: list[int]) -> pd.DataFrame:
    """Respondents who gave the first answer to every question, except those given."""
    count = len(next(iter(answers.values())))
    return pd.DataFrame({question: [1] * count for question in ITEMS["question"]} | answers)


# Items


def test_items_are_the_ten_and_each_part_has_a_probe_with_poles() -> None:
    assert list(ITEMS["item"].unique()) == [
        *("happiness", "trust", "authority", "petition", "god"),
        *("homosexuality", "abortion", "pride", "postmaterialism", "autonomy"),
    ]
    assert set(BANK["probe"]) == set(PROBES)
    for part in some(ITEMS[ITEMS["counts"] != ""]).itertuples():
        poles = [parse_codes(codes) for codes in BANK.set_index("probe").loc[part.probe, ["pole_a", "pole_b"]]]
        assert parse_codes(part.counts) in poles, part.probe


def test_postmaterialism_is_1_to_3_by_the_two_choices() -> None:
    """1 if both choices are materialist (1, 3), 3 if both are postmaterialist (2, 4), else 2."""
    given = respondents(Q154=[1, 3, 2, 1, 4, -2], Q155=[3, 1, 4, 2, 3, 1])
    found = score_respondents(given, ITEMS, SCALES)["postmaterialism"]
    assert found.fillna(0).tolist() == [1, 1, 3, 2, 2, 0]


def test_autonomy_is_a_signed_sum_and_minus_2_is_an_answer() -> None:
    """Independence + perseverance - faith - obedience; a missing part makes the item missing, not a number."""
    given = respondents(Q8=[1, 2, 1, 1], Q14=[1, 2, 2, 1], Q15=[2, 1, 1, -1], Q17=[2, 1, 2, 2])
    found = score_respondents(given, ITEMS, SCALES)["autonomy"]
    assert found.fillna(-9).tolist() == [2, -2, 0, -9]


def test_pride_of_people_with_another_nationality_is_missing() -> None:
    assert score_respondents(respondents(Q254=[4, 5]), ITEMS, SCALES)["pride"].fillna(-9).tolist() == [4, -9]


def test_means_of_countries_are_exact_from_shares(distributions: pd.DataFrame, people: MapPeople) -> None:
    means = score_countries(people.shares, ITEMS)
    rows = distributions[distributions["country"] == "DEU"].set_index(["question", "code"])["share"]
    pride = rows["Q254"].drop(5, errors="ignore")
    assert means.loc["DEU", "pride"] == pytest.approx((pride * pride.index).sum() / pride.sum())
    assert means.loc["DEU", "god"] == pytest.approx((rows["Q164"] * rows["Q164"].index).sum())
    second = rows["Q154"][[2, 4]].sum() + rows["Q155"][[2, 4]].sum()
    assert means.loc["DEU", "postmaterialism"] == pytest.approx(1 + second)
    signed = rows["Q8"][1] + rows["Q14"][1] - rows["Q15"][1] - rows["Q17"][1]
    assert means.loc["DEU", "autonomy"] == pytest.approx(signed)


def test_variance_of_a_mean_is_that_of_the_answers(people: MapPeople, distributions: pd.DataFrame) -> None:
    variance = variance_of_parts(people.shares, ITEMS)
    part = ITEMS.index[ITEMS["item"] == "god"][0]
    rows = distributions[(distributions["country"] == "USA") & (distributions["question"] == "Q164")]
    answers = np.repeat(rows["code"], rows["n"])
    assert variance.loc["USA", part] == pytest.approx(answers.var(ddof=0) / len(answers))


# Axes


def test_varimax_finds_a_simple_structure_that_was_turned_away() -> None:
    simple = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0, 0.9], [0, 0.6]])
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = rotate(simple @ turn)
    assert np.abs(found).round(6).tolist() == simple.tolist()


def test_varimax_has_the_highest_criterion_of_all_angles(people: MapPeople) -> None:
    axes, _ = find_axes(ITEMS, people)

    def criterion(loadings: np.ndarray) -> float:
        squared = loadings**2 / (loadings**2).sum(axis=1, keepdims=True)
        return float(squared.var(axis=0).sum())

    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in np.linspace(0, np.pi, 181)]
    assert criterion(axes.loadings) >= max(criterion(axes.loadings @ turn) for turn in turns) - 1e-9


def test_scores_of_the_units_are_uncorrelated_with_variance_1(people: MapPeople) -> None:
    axes, points = find_axes(ITEMS, people)
    assert points[AXES].mean().abs().max() < 1e-9, "scores are centred once"
    assert np.cov(points[AXES].to_numpy().T) == pytest.approx(np.eye(2), abs=1e-9)
    assert axes.level == "countries" and axes.factor.tolist() == [1, 1] and axes.constant.tolist() == [0, 0]


def test_axes_have_the_map_s_order_and_signs(people: MapPeople) -> None:
    axes, _ = find_axes(ITEMS, people)
    loading = pd.DataFrame(axes.loadings, list(axes.items), AXES)
    assert (loading.loc[["homosexuality", "postmaterialism"], "survival"] > 0.8).all()
    assert loading.loc["petition", "survival"] < -0.8, "never is the highest code"
    assert loading.loc["autonomy", "traditional"] > 0.8 and loading.loc["god", "traditional"] < -0.8


def test_respondents_are_rescaled_as_the_association_does() -> None:
    random = np.random.default_rng(1)
    values = pd.DataFrame(random.normal(size=(400, 10)) + random.normal(size=(400, 1)), columns=ITEMS["item"].unique())
    plain, rescaled = fit_axes(values, ITEMS, "countries"), fit_axes(values, ITEMS, "respondents")
    score = plain.project(values.to_numpy())
    assert rescaled.project(values.to_numpy()) == pytest.approx(score * [1.81, 1.61] + [0.038, -0.1])


# Published coordinates


def test_counts_of_19_countries_explain_72_percent_and_follow_the_published_axes(people: MapPeople) -> None:
    axes, points = find_axes(ITEMS, people)
    assert axes.explained == pytest.approx(0.719, abs=5e-4) and axes.units == 19
    published = PUBLISHED.set_index("country").loc[points.index, AXES]
    alike = [np.corrcoef(points[axis], published[axis])[0, 1] for axis in AXES]
    assert alike == pytest.approx([0.85, 0.70], abs=5e-3)
    given = np.column_stack([np.ones(19), points[AXES]])
    fitted = given @ np.linalg.lstsq(given, published.to_numpy(), rcond=None)[0]
    explained = 1 - ((published - fitted) ** 2).sum() / ((published - published.mean()) ** 2).sum()
    assert explained.tolist() == pytest.approx([0.94, 0.87], abs=5e-3)


def test_published_coordinates_are_those_of_the_map() -> None:
    known = {
        **{"DEU": (1.879, 1.062), "USA": (1.206, 0.298), "MEX": (0.168, -0.936), "CHN": (-0.420, 0.369)},
        **{"NGA": (-1.078, -1.276), "JPN": (0.925, 1.645), "SWE": (3.110, 1.209)},
    }
    rows = PUBLISHED.set_index("country").loc[list(known), AXES]
    assert rows.to_numpy().tolist() == [list(point) for point in known.values()]


def check_association_columns(file: Path) -> tuple[float, float]:
    """Compare our scores of respondents with the columns SurvSAgg and TradAgg of a time-series file.

    Returns:
        The correlation with each.
    """
    trends = pd.read_csv(RESOURCES / "survey/trends.csv", dtype=str, keep_default_na=False).set_index("question")
    columns = trends.loc[ITEMS["question"]]
    names = {name.upper(): name for name in pd.read_csv(file, nrows=0).columns}
    wanted = [names[name] for name in [*columns["variable"], "SURVSAGG", "TRADAGG"]]
    raw = pd.read_csv(file, usecols=wanted).rename(columns=str.upper)
    answers = {}
    for row in columns.itertuples():
        codes = {int(one): int(other) for one, other in (pair.split("=") for pair in row.codes.split())}
        answers[row.Index] = raw[row.variable].replace(codes) if codes else raw[row.variable]
    values = score_respondents(pd.DataFrame(answers), ITEMS, SCALES)
    ours = fit_axes(values, ITEMS, "respondents").project(values.to_numpy())
    theirs = raw[["SURVSAGG", "TRADAGG"]].where(raw[["SURVSAGG", "TRADAGG"]] > -5).to_numpy()
    known = ~np.isnan(ours).any(axis=1) & ~np.isnan(theirs).any(axis=1)
    assert known.sum() > 100
    return tuple(float(np.corrcoef(ours[known, axis], theirs[known, axis])[0, 1]) for axis in (0, 1))


@pytest.mark.slow
def test_time_series_file_has_our_scores_in_its_own_columns(tmp_path: Path) -> None:
    """With SELFALIGN_TIME_SERIES, your file is checked; without it, one whose columns another algorithm computed."""
    if file := os.environ.get("SELFALIGN_TIME_SERIES"):
        assert min(check_association_columns(Path(file))) > 0.99
        return
    random = np.random.default_rng(3)
    free, faith = random.normal(size=(2, 3000))
    lean = dict.fromkeys(["A165", "A008", "E025"], -free) | dict.fromkeys(["F118", "E003", "E004"], free)
    lean |= dict.fromkeys(["F063", "A040", "A042"], faith)
    lean |= dict.fromkeys(["E018", "F120", "G006", "A029", "A039"], -faith)
    tops = {"A165": 2, "A008": 4, "E025": 3, "F118": 10, "E003": 4, "E004": 4, "F063": 10}
    tops |= {"E018": 3, "F120": 10, "G006": 4}
    raw = {}
    for name, towards in lean.items():
        place = (towards + random.normal(size=3000)).argsort().argsort() / 3000
        if name in ("E003", "E004"):
            raw[name] = np.where(place > 0.6, random.choice([2, 4], 3000), random.choice([1, 3], 3000))
        else:
            raw[name] = (place > 0.5).astype(int) if name.startswith("A0") and name != "A008" else (
                1 + (place * tops[name]).astype(int)
            )  # fmt: skip
    table = pd.DataFrame(raw)
    y002 = table["E003"].isin([2, 4]).astype(int) + table["E004"].isin([2, 4]) + 1
    y003 = table["A029"] + table["A039"] - table["A040"] - table["A042"]
    ten = table[["A008", "A165", "E018", "E025", "F063", "F118", "F120", "G006"]].assign(y2=y002, y3=y003)
    z = ((ten - ten.mean()) / ten.std()).to_numpy()
    scores = np.linalg.svd(z, full_matrices=False)[0][:, :2] * np.sqrt(len(z) - 1)
    shared = z.T @ scores
    best = max(np.linspace(0, np.pi / 2, 4001), key=lambda angle: _simplicity(shared, angle))
    turned = scores @ [[np.cos(best), -np.sin(best)], [np.sin(best), np.cos(best)]]
    survival = int(np.argmax([abs(np.corrcoef(one, table["F118"])[0, 1]) for one in turned.T]))
    signs = [np.sign(np.corrcoef(turned[:, survival], table["F118"])[0, 1])]
    signs.append(np.sign(np.corrcoef(turned[:, 1 - survival], table["E018"])[0, 1]))
    table["SurvSAgg"] = 1.81 * signs[0] * turned[:, survival] + 0.038
    table["TradAgg"] = 1.61 * signs[1] * turned[:, 1 - survival] - 0.1
    table.loc[:9, ["F063"]] = -2
    table.loc[:9, ["SurvSAgg", "TradAgg"]] = -99
    table.to_csv(tmp_path / "series.csv", index=False)
    assert min(check_association_columns(tmp_path / "series.csv")) > 0.9999


def _simplicity(shared: np.ndarray, angle: float) -> float:
    """The varimax criterion with Kaiser's normalisation of loadings that are turned by an angle."""
    loadings = shared @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return float((loadings**2 / (loadings**2).sum(axis=1, keepdims=True)).var(axis=0).sum())


# Points


@pytest.mark.slow
def test_people_through_two_options_stay_where_they_are(people: MapPeople) -> None:
    axes, points = find_axes(ITEMS, people)
    seen = read_two_options(people.shares, ITEMS, BANK)
    options = see_people(people.shares, BANK, project_probes(axes, ITEMS, seen))
    assert [np.corrcoef(options[axis], points[axis])[0, 1] > 0.99 for axis in AXES] == [True, True]
    trust = ITEMS.index[ITEMS["item"] == "trust"][0]
    assert (seen.base[trust], seen.slope[trust]) == (1.0, 1.0), "a question with two answers loses nothing"


def test_model_with_a_countrys_answers_has_its_point(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    points, _ = tables
    models = points[points["model"] == "m"].set_index(["arm", "country"])
    assert models.loc["own", "distance"].max() < 1e-9
    assert models.loc["zero", AXES].drop_duplicates().round(9).shape == (1, 2), "one point, whatever the country"
    assert (models["items"] == 10).all() and (models["n"] == len(PROBES)).all()
    options = points[(points["model"] == PEOPLE) & (points["view"] == "options")]
    assert 0.05 < options["distance"].median() < 0.3, "what two options lose is told"


@pytest.mark.slow
def test_model_does_not_move_the_axes(scores: pd.DataFrame, people: MapPeople, tables: tuple) -> None:
    other = scores.assign(p_a=0.9)
    points, axes = estimate_map(other, people, TABLES, least=8, draws=10, seed=1)
    pd.testing.assert_frame_equal(axes, tables[1])
    same = [table[table["model"] == PEOPLE].reset_index(drop=True) for table in (points, tables[0])]
    pd.testing.assert_frame_equal(*same)


@pytest.mark.slow
def test_missing_item_is_named_and_leaves_the_axes(scores: pd.DataFrame, people: MapPeople) -> None:
    without = scores[~scores["probe"].isin(["Q155", "Q184"])]
    points, axes = estimate_map(without, people, TABLES, least=8, draws=10, seed=1)
    told = axes.set_index("item")["reason"]
    assert told[told != ""].to_dict() == {
        "abortion": "the run has no probe Q184",
        "postmaterialism": "the run has no probe Q155",
    }
    assert set(points["items"]) == {8}
    with pytest.raises(InputError, match="8 items are left, and the map needs 9.*Q184.*Q155.*probes.only"):
        estimate_map(without, people, TABLES, least=9, draws=10, seed=1)
    assert why_left_out(ITEMS, set(PROBES), set(ITEMS["question"]) - {"Q46"}) == {
        "happiness": "the survey has no answers to Q46"
    }


@pytest.mark.slow
def test_unanswered_item_of_a_model_is_counted_and_has_no_point(scores: pd.DataFrame, people: MapPeople) -> None:
    silent = (scores["arm"] == "own") & (scores["country"] == "DEU") & (scores["probe"] == "Q46")
    some = scores.assign(answered=~silent, p_a=scores["p_a"].mask(silent))
    points, _ = estimate_map(some, people, TABLES, least=8, draws=10, seed=1)
    row = points[(points["arm"] == "own") & (points["country"] == "DEU")].iloc[0]
    assert (row["missing"], row["unanswered"], row["items"]) == ("happiness", 1, 9)
    assert np.isnan(row["survival"]) and points["survival"].isna().sum() == 1


@pytest.mark.slow
def test_country_that_was_not_asked_an_item_has_no_point(scores: pd.DataFrame, people: MapPeople) -> None:
    gone = (people.shares["country"] == "CHN") & (people.shares["question"] == "Q182")
    some = replace(people, shares=people.shares[~gone])
    points, axes = estimate_map(scores, some, TABLES, least=8, draws=10, seed=1)
    row = points[(points["model"] == PEOPLE) & (points["country"] == "CHN") & (points["view"] == "codes")].iloc[0]
    assert row["missing"] == "homosexuality" and np.isnan(row["survival"]) and set(axes["units"]) == {18}


def test_few_countries_make_no_axes(people: MapPeople) -> None:
    few = people.shares["country"].isin(["DEU", "USA", "MEX", "CHN"])
    with pytest.raises(InputError, match="4 countries of the survey have all 10 items, and the axes need 5"):
        find_axes(ITEMS, replace(people, shares=people.shares[few]))


def test_respondents_give_points_of_countries_with_weights(distributions: pd.DataFrame, people: MapPeople) -> None:
    """Two respondents' scores, weighted 3 to 1, and a third who left out an item."""
    random = np.random.default_rng(5)
    tops = SCALES.dropna(subset="counted").groupby("question")["code"].max()
    answers = {question: random.integers(1, tops[question] + 1, 300) for question in ITEMS["question"]}
    table = pd.DataFrame(answers).assign(country=["AAA"] * 297 + ["BBB"] * 3, weight=[1.0] * 297 + [3.0, 1.0, 1.0])
    table.loc[299, "Q46"] = -1
    axes, points = find_axes(ITEMS, replace(people, responses=table))
    each = axes.project(score_respondents(table, ITEMS, SCALES).to_numpy())
    assert axes.level == "respondents" and axes.units == 300
    assert points.loc["BBB", AXES].tolist() == pytest.approx((0.75 * each[297] + 0.25 * each[298]).tolist())
    assert points["n"].to_dict() == {"AAA": 297, "BBB": 2}
    mean = each[:297].mean(axis=0)
    assert points.loc["AAA", "survival"] == pytest.approx(mean[0])
    assert points.loc["AAA", "survival_se"] == pytest.approx(each[:297, 0].std() / np.sqrt(297))


def test_items_without_common_respondents_are_named(people: MapPeople) -> None:
    random = np.random.default_rng(5)
    tops = SCALES.dropna(subset="counted").groupby("question")["code"].max()
    answers = {question: random.integers(1, tops[question] + 1, 300) for question in ITEMS["question"]}
    table = pd.DataFrame(answers).assign(country="AAA", weight=1.0)
    apart = table.assign(Q46=table["Q46"].where(table.index < 150, -1), Q182=table["Q182"].where(table.index > 150, -1))
    with pytest.raises(InputError, match="too few respondents have both: happiness and homosexuality. "):
        find_axes(ITEMS, replace(people, responses=apart))
    with pytest.raises(InputError, match="all respondents have the same value of happiness"):
        find_axes(ITEMS, replace(people, responses=table.assign(Q46=1)))
    thirds = {
        question: table[question].where(table.index % 3 != part, -1)
        for part, question in enumerate(["Q46", "Q57", "Q182"])
    }
    with pytest.raises(InputError, match="no respondent has all 10 items; respondents by item: .*happiness 200"):
        find_axes(ITEMS, replace(people, responses=table.assign(**thirds)))


# Ellipses


def test_order_of_the_options_is_no_spread() -> None:
    """Both orders were asked. An arm of one source, seed and frame has no standard error, and so no ellipse."""
    cells = pd.DataFrame({"probe": ["Q1"], "source": "", "seed": 0, "template": "words", "p_a": 0.5, "order_gap": 0.6})
    assert np.isnan(resample_points(cells, ["Q1"], np.array([[1.0, 2.0]]), 100, 1)).all()
    two = pd.concat([cells, cells.assign(seed=1, p_a=0.7, order_gap=0.0)])
    spread = [resample_points(two.assign(order_gap=gap), ["Q1"], np.array([[1.0, 2.0]]), 100, 1) for gap in (0.0, 0.6)]
    assert spread[0].std() > 0 and np.array_equal(*spread)


def test_levels_are_drawn_for_all_probes_together() -> None:
    """Two seeds that differ by 0.2 in both probes: the mean of two draws is the lower one in a quarter of the draws."""
    rows = [(probe, "", seed, "words", 0.4 + 0.2 * seed) for probe in ("Q1", "Q2") for seed in (0, 1)]
    cells = pd.DataFrame(rows, columns=["probe", "source", "seed", "template", "p_a"])
    found = resample_points(cells, ["Q1", "Q2"], np.array([[1.0, 0.0], [0.0, 1.0]]), 4000, 1)
    assert found[:, 0] == pytest.approx(found[:, 1])
    assert np.mean(found[:, 0] < 0.45) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_spread_over_levels_is_the_standard_error_of_their_mean(levels: int) -> None:
    """Drawing alone would find (levels - 1) / levels of the variance."""
    p = np.random.default_rng(levels).uniform(0.2, 0.8, levels)
    cells = pd.DataFrame({"probe": "Q1", "source": "", "seed": range(levels), "template": "words", "p_a": p})
    found = resample_points(cells, ["Q1"], np.array([[1.0, 0.0]]), 20_000, 1)
    assert found[:, 0].std() == pytest.approx(p.std(ddof=1) / np.sqrt(levels), rel=0.03)
    assert found[:, 0].mean() == pytest.approx(p.mean(), abs=0.003)


def test_ellipse_covers_the_share_of_points_that_it_names() -> None:
    width, height, angle = shape_of_ellipse(2.0, 1.0, 0.6, 0.9)
    random = np.random.default_rng(2)
    points = random.multivariate_normal([0, 0], [[4, 1.2], [1.2, 1]], 20000)
    turned = np.radians(angle)
    x, y = (points @ [[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]]).T
    assert np.mean((2 * x / width) ** 2 + (2 * y / height) ** 2 <= 1) == pytest.approx(0.9, abs=0.01)


# Config, files, figure


def settings(survey: str = "example", of_map: dict | None = None, **probes: object) -> Config:
    of_map = {"items": str(RESOURCES / "map/items.csv"), "least": 8, "level": "auto"} | (of_map or {})
    probes = {"bank": str(BANK_FILE), **probes}
    return altered(scoring={"map": of_map}, probes=probes, run={"survey": survey})


def why(config: Config) -> str:
    """Why a run with a section scoring.map has no map."""
    return why_no_map(config, config.scoring.map)


@pytest.mark.slow
def test_map_is_off_in_the_default_and_on_in_its_config() -> None:
    assert altered().scoring.map is None
    assert "map" not in find_shown(altered())[0] | find_shown(altered())[1].keys()
    config = altered("map")
    assert config.scoring.map.least == 8 and "map" in find_shown(config)[0]
    made = Paths(config)
    assert {"<run>/tables/map.csv", "<run>/tables/map_axes.csv"} <= set(made.tables)
    assert "<run>/figures/map.png" in made.figures and "<run>/figures/map.csv" in made.figure_tables
    assert "map" not in made.typeset
    assert set(config.probes.only) == set(PROBES)


@pytest.mark.slow
def test_error_of_too_few_items_names_the_probes_to_add() -> None:
    config = settings(only=["Q57a", "Q164", "Q182", "Q209", "Q8"])
    told = why(config)
    assert told.startswith("the run has 4 of the map's 10 items, and scoring.map.least is 8. Add to probes.only: "), (
        told
    )
    assert {"Q45", "Q46", "Q154", "Q155"} <= set(told.replace(",", "").split())
    assert "map" in find_shown(config)[1]
    assert why(settings(only=PROBES)) == ""
    assert why(settings(only=[])) == "", "the whole bank has nine: postmaterialism is on request"


def test_items_of_the_map_are_read_as_the_step_reads_them(tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    config = settings(of_map={"items": str(items)}, only=PROBES)
    shipped = (ROOT / "resources/map/items.csv").read_text(encoding="utf-8")
    for text in (shipped.replace("item,", "name,", 1), shipped.replace(",", ";")):
        items.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"items\.csv, line 1: has columns .* expected item, axis"):
            why(config)


def test_survey_with_shares_of_several_codes_has_no_map() -> None:
    config = settings(survey="shares", only=PROBES)
    assert "the survey shares publishes shares of several answer codes together" in why(config)


def test_simulated_respondents_make_no_axes() -> None:
    """Their answers to different questions are independent, so their correlations are zero."""
    assert Paths(settings(only=PROBES)).map_responses == []
    config = settings(survey="wvs7", only=PROBES)
    assert Paths(config).map_responses == ["results/shared/survey/wvs7/responses.parquet"]
    config = settings(survey="wvs7", of_map={"level": "countries"}, only=PROBES)
    assert Paths(config).map_responses == []


def test_every_zone_has_a_name_in_every_language_of_figures() -> None:
    for language in ("en", "de", "es"):
        style = read_style({"labels": {}}, RESOURCES / f"figures/{language}.yaml")
        assert all(f"zones.{zone}" in style.texts for zone in ZONES["zone"].unique())


@pytest.fixture(params=[3.3, 6.8], ids=["one column", "two columns"])
def style(request: pytest.FixtureRequest) -> Iterator[Style]:
    labels = {"models": {"m": "Model M"}, "arms": {"zero": "Zero-shot", "own": "Similar"}}
    made = read_style({"labels": labels, "width": request.param})
    with matplotlib.rc_context():
        apply_theme(made)
        yield made
    plt.close("all")


@pytest.mark.slow
def test_labels_of_the_map_do_not_meet(tables: tuple[pd.DataFrame, pd.DataFrame], style: Style) -> None:
    points, axes = tables
    near = points.assign(**{axis: points[axis].where(points["model"] == PEOPLE, points[axis] * 0.25) for axis in AXES})
    rows = choose_points(near, ["own"], {"en": "zero"})
    people = rows[rows["model"] == PEOPLE]
    figure = draw(rows[rows["model"] != PEOPLE], people, axes, ["own"], style)
    assert faults_of(figure) == []
    assert figure.get_figwidth() == style.width
    shown = {text.get_text() for text in figure.axes[0].texts}
    assert {"DEU", "deu", "CHN", "chn"} <= shown


def test_many_countries_have_one_ellipse_of_median_area() -> None:
    sizes = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.4, 0.8, 0.6]
    rows = pd.DataFrame({"survival_se": sizes, "traditional_se": 1.0, "correlation": 0.0})
    assert list(choose_regions(rows)["survival_se"]) == [0.5]
    assert list(choose_regions(rows.iloc[1:])["survival_se"]) == sizes[1:], "eight can be told apart"
    rows.loc[rows["survival_se"] > 0.5, "correlation"] = 0.999  # the area shrinks to a twentieth
    assert list(choose_regions(rows)["survival_se"]) == [0.1], "0.027 to 0.040, 0.1, 0.2, ..."
    rows["survival_se"] = float("nan")
    assert choose_regions(rows).empty


def test_ellipses_are_within_the_axes(tables: tuple[pd.DataFrame, pd.DataFrame], style: Style) -> None:
    points, axes = tables
    rows = choose_points(points, ["own"], {"en": "zero"})
    of_models = rows["model"] != PEOPLE
    rows.loc[of_models, ["survival_se", "traditional_se", "correlation"]] = [2.0, 1.0, 0.3]
    (ax,) = draw(rows[of_models], rows[~of_models], axes, ["own"], style).axes
    assert ax.patches
    for ellipse in ax.patches:
        box = ellipse.get_window_extent()
        assert ax.bbox.x0 < box.x0 and box.x1 < ax.bbox.x1 and ax.bbox.y0 < box.y0 and box.y1 < ax.bbox.y1


def test_page_without_a_point_of_a_model_gives_the_reason(
    tables: tuple[pd.DataFrame, pd.DataFrame], style: Style
) -> None:
    points, axes = tables
    of_models = points["model"] != PEOPLE
    rows = choose_points(points.assign(survival=points["survival"].mask(of_models)), ["own"], {"en": "zero"})
    figure = draw(rows[rows["model"] != PEOPLE], rows[rows["model"] == PEOPLE], axes, ["own"], style)
    (text,) = figure.texts
    assert text.get_text().replace("\n", " ") == style.text("map.empty")
    assert not figure.axes and faults_of(figure) == [] and figure.get_figwidth() == style.width


@pytest.mark.slow
def test_command_writes_the_figure_and_its_numbers(tables: tuple, tmp_path: Path) -> None:
    from selfalign.scoring.map_schemas import Map, MapAxes
    from selfalign.tables import write_table

    write_table(tables[0], tmp_path / "map.csv", Map)
    write_table(tables[1], tmp_path / "map_axes.csv", MapAxes)
    labels = {"models": {"m": "Model M"}, "arms": {"zero": "Zero-shot", "own": "Similar"}}
    options = {"points": "map.csv", "axes": "map_axes.csv", "csv": "figure.csv", "figures": "map.png"}
    given = [f"--{name}={tmp_path / file}" for name, file in options.items()]
    given += ["--arms=own", '--start={"en": "zero"}', f"--style={json.dumps({'labels': labels})}"]
    CliRunner().invoke(program, ["plot-map", *given], catch_exceptions=False, standalone_mode=False)
    assert (tmp_path / "map.png").stat().st_size > 10_000
    rows = pd.read_csv(tmp_path / "figure.csv")
    own = rows[rows["arm"] == "own"]
    assert len(own) == 19 and own["from_survival"].nunique() == 1
    assert set(FIGURES["map"].reads) == {"points", "axes"}
