"""One scoring system: a registered metric has one definition, intervals, contrasts and a place in the figures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK_FILE, DEFAULT_BANK
from fresh import run_fresh
from nonempty import some
from places import ROOT
from selfalign.audit.trace.contributions import recompute, select_cells, weigh_cells
from selfalign.audit.trace.points import Point, Term
from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.probes.schemas import Poles, Replicates
from selfalign.scoring.bootstrap import Resampling, estimate
from selfalign.scoring.cells import Comparison, compare_with_people
from selfalign.scoring.compute_metrics import Scorer
from selfalign.scoring.estimate_agreement import estimate_agreement
from selfalign.scoring.estimate_categories import estimate_categories
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_transfer import estimate_transfer
from selfalign.scoring.inputs import prepare_cells
from selfalign.scoring.items import cells_of_scores, nearest_of_poles, options_of_poles, people_of_poles
from selfalign.scoring.measures import STEP, check_measures
from selfalign.scoring.metrics import METRICS, Metric, choice
from selfalign.scoring.panels import build_panels
from selfalign.scoring.people import People
from selfalign.scoring.schemas import Scores
from selfalign.tables import write_table

pytestmark = pytest.mark.slow

SOME = pd.concat(
    [
        DEFAULT_BANK[DEFAULT_BANK["scale"] != "nominal"].iloc[::6],
        DEFAULT_BANK[DEFAULT_BANK["scale"] == "nominal"].iloc[:3],
    ]
)
COUNTRIES = ("BOL", "DEU", "IND", "MEX")
ACROSS = [name for name, metric in METRICS.items() if metric.over in ("items", "countries")]


def poles_of(probes: pd.DataFrame = SOME) -> pd.DataFrame:
    """A `Poles` table of random shares."""
    table = pd.DataFrame({"country": COUNTRIES}).merge(probes[["probe"]], how="cross")
    table["share_a"] = np.random.default_rng(3).uniform(0.1, 0.9, len(table)).round(3)
    table["majority"] = np.where(table["share_a"] > 0.5, "A", "B")
    error = np.sqrt(table["share_a"] * (1 - table["share_a"]) / 900)
    table = table.assign(n=900, neither=0, standard_error=error)
    return Poles.validate(table[Poles.names()])


def scores_of(poles: pd.DataFrame, arms: dict[str, float], seeds: tuple[int, ...] = (0, 1)) -> pd.DataFrame:
    """`Scores` of a model that knows a part of the people's shares, which an arm gives."""
    cells = pd.DataFrame({"arm": list(arms)}).merge(pd.DataFrame({"seed": seeds}), how="cross")
    cells = poles[["country", "probe"]].merge(cells, how="cross")
    noise = np.random.default_rng(4).uniform(0.05, 0.95, len(cells))
    share = cells.merge(poles, on=["country", "probe"])["share_a"]
    part = cells["arm"].map(arms)
    cells = cells.assign(source=cells["country"], template="words", p_a=part * share + (1 - part) * noise)
    fixed = {"model": "m", "language": "en", "asks": "poles", "readout": "option", "bound": False}
    fixed |= {"mass_outside": 0.1, "mass_open": 0.9, "order_gap": 0.1, "p_a_mean": cells["p_a"]}
    table = compare_with_people(cells.assign(**fixed), Comparison(poles, DEFAULT_BANK))
    return Scores.validate(table[Scores.names()])


def people_of(poles: pd.DataFrame, size: int = 300) -> pd.DataFrame:
    """A `Replicates` table of samples of 900 people."""
    drawn = np.random.default_rng(5).normal(poles["share_a"], poles["standard_error"], (size, len(poles))).T
    table = poles[["country", "probe"]].assign(method="respondents", respondents=900)
    return table.assign(shares=list(np.clip(drawn, 0, 1).astype(np.float32)))


POLES = poles_of()
CELLS = scores_of(POLES, {"own": 0.6, "zero": 0.2})
PEOPLE = people_of(POLES)
HOW = Resampling(PEOPLE, draws=200, level=0.95, seed=1, resample=["batteries", "respondents"])


def table_of_metrics(scores: pd.DataFrame) -> pd.DataFrame:
    people = People.lay_out(
        people_of_poles(POLES), options_of_poles(DEFAULT_BANK), nearest_of_poles(POLES), samples=2, seed=1
    )
    return Scorer(people).compute(cells_of_scores(scores))


# Values


def test_estimate_of_every_metric_is_its_value_in_the_table_of_metrics() -> None:
    cells = prepare_cells(CELLS, list(METRICS), DEFAULT_BANK)
    made = estimate_agreement(cells, HOW, list(METRICS))
    made = made.set_index(["arm", "country", "measure"])["estimate"]
    values = table_of_metrics(CELLS).set_index(["arm", "country", "metric"])["value"]
    assert len(values) == 2 * (5 * (len(METRICS) - 1) + 1) and values.notna().all()
    np.testing.assert_allclose(made.loc[values.index], values, atol=1e-12)


def test_one_tolerance_decides_which_choice_is_a_tie() -> None:
    """The scores and the table of metrics use one function, also next to p(A) = 0.5."""
    near = CELLS.iloc[:4].assign(p_a=[0.5 + 4e-13, 0.5 - 4e-13, 0.5 + 4e-12, 0.5 - 4e-12])
    people = POLES.assign(share_a=0.7, majority="A")
    bare = near.drop(columns=["share_a", "majority", "category", "battery", "answered", "agreement", "alignment"])
    scored = compare_with_people(bare, Comparison(people, DEFAULT_BANK)).sort_values("p_a")
    assert scored["agreement"].tolist() == [0.0, 0.5, 0.5, 1.0]
    p = np.column_stack([scored["p_a"], 1 - scored["p_a"]])
    assert METRICS["agreement"].function(p, np.array([0.7, 0.3])).tolist() == [0.0, 0.5, 0.5, 1.0]
    assert choice(scored["p_a"]).tolist() == [-1, 0, 0, 1]


def test_metric_across_countries_has_a_value_of_all_countries_only() -> None:
    cells = prepare_cells(CELLS, ["response_pattern"], DEFAULT_BANK)
    made = estimate_contrasts(cells, [Contrast(arm="own", against="zero")], HOW, ["agreement", "response_pattern"])
    assert set(made.loc[made["measure"] == "response_pattern", "country"]) == {"all"}
    assert set(made.loc[made["measure"] == "agreement", "country"]) == {"all", *COUNTRIES}
    assert set(made.loc[made["country"] == "all", "respondents"]) == {900 * len(COUNTRIES)}
    shown = CELLS[CELLS["arm"] == "own"].assign(arm="other", source="USA")
    several = pd.concat([CELLS, shown, shown.assign(source="NGA")])
    prepared = prepare_cells(several, ["response_pattern"], DEFAULT_BANK)
    assert prepared.groupby("arm")["response_pattern"].apply(lambda values: values.notna().any()).to_dict() == {
        "other": False, "own": True, "zero": True,
    }  # fmt: skip


def test_transfer_and_categories_take_every_metric_that_a_country_has() -> None:
    others = CELLS[CELLS["arm"] == "zero"].assign(arm="other", source="USA")
    cells = prepare_cells(pd.concat([CELLS, others]), list(METRICS), DEFAULT_BANK)
    made = estimate_transfer(cells, ("own", "other"), HOW, list(METRICS))
    assert set(made["measure"]) == set(METRICS) - {"response_pattern"}
    values = table_of_metrics(CELLS).set_index(["arm", "country", "metric"])["value"]
    made = made.set_index(["country", "measure"])
    np.testing.assert_allclose(made["shown"], [values["zero", *key] for key in made.index], atol=1e-12)
    category = SOME["category"].value_counts().index[0]
    within = prepare_cells(CELLS, ["pearson"], DEFAULT_BANK, ["category"])
    made = estimate_categories(within, [["own", "zero"]], HOW, ["pearson"])
    found = made.set_index("category").loc[category, "estimate"]
    alone = table_of_metrics(CELLS[CELLS["category"] == category]).set_index(["arm", "country", "metric"])["value"]
    assert found == pytest.approx(alone["own", "all", "pearson"] - alone["zero", "all", "pearson"])
    terms = (Term(1, "m", "en", "own"), Term(-1, "m", "en", "zero"))
    point = Point("categories", None, "all", "pearson", terms, None, {}, category=category)
    assert recompute(select_cells(prepare_cells(CELLS, ["pearson"], DEFAULT_BANK), point), point) == pytest.approx(
        found
    )


@pytest.mark.parametrize("name", list(METRICS))
def test_trace_finds_the_cells_of_every_metric(name: str) -> None:
    """What the cells add to a number sums to the number."""
    cells = prepare_cells(CELLS, [name], DEFAULT_BANK)
    made = estimate_contrasts(cells, [Contrast(arm="own", against="zero")], HOW, [name]).set_index("country")
    terms = (Term(1, "m", "en", "own"), Term(-1, "m", "en", "zero"))
    for country, row in some(made).iterrows():
        point = Point("contrasts", None, country, name, terms, None, {})
        selected = select_cells(cells, point)
        assert weigh_cells(selected, point)["adds"].sum() == pytest.approx(row["estimate"])
        assert recompute(selected, point) == pytest.approx(row["estimate"])


# Derivatives


def distributions(size: int, options: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(options) * 2, size)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.slope is not None])
def test_slope_is_the_derivative_with_respect_to_the_people(name: str) -> None:
    metric, step = METRICS[name], 1e-6
    if metric.over == "items":
        x, y = np.random.default_rng(6).random((2, 20))
        moved = y + step * np.eye(20)
        rise = metric.function(np.broadcast_to(x, moved.shape), moved) - metric.function(x, y)
        np.testing.assert_allclose(metric.slope(x, y), rise / step, atol=1e-4)
        return
    for options in (2, 5):
        p, q = distributions(50, options, 7), distributions(50, options, 8)
        places = np.linspace(0, 1, options)
        turn = np.eye(options)[0] - np.eye(options)[-1]  # shares go from the last option to the first
        rise = metric.compare(p, q + step * turn, places) - metric.compare(p, q, places)
        np.testing.assert_allclose(metric.derivative(p, q, places) @ turn, rise / step, atol=1e-4)


# Intervals


def spread(scores: pd.DataFrame, name: str, what: str, people: pd.DataFrame = PEOPLE) -> float:
    """Standard error of the mean of the countries."""
    panels = build_panels(prepare_cells(scores, [name], DEFAULT_BANK), [name])
    table = estimate(panels, Resampling(people, 2000, 0.95, 1, [what])).set_index("country")
    return float(table.loc["all", "standard_error"])


@pytest.mark.parametrize("name", ["pearson", "spearman", "response_pattern"])
def test_interval_of_a_metric_across_items_is_that_of_resampled_batteries(name: str) -> None:
    """As if the metric were computed anew in each resample, which would take too long for a study."""
    probes = DEFAULT_BANK[DEFAULT_BANK["scale"] != "nominal"].drop_duplicates("battery")
    poles = poles_of(probes)
    scores = scores_of(poles, {"own": 0.6}, seeds=(0,))
    x, y = (scores.pivot(index="country", columns="probe", values=side).to_numpy() for side in ("p_a", "share_a"))
    rng = np.random.default_rng(9)
    drawn = [rng.integers(0, len(probes), len(probes)) for _ in range(400)]
    direct = np.std([METRICS[name].function(x[:, some], y[:, some]).mean() for some in drawn])
    corrected = direct * np.sqrt(len(probes) / (len(probes) - 1))
    assert spread(scores, name, "batteries", people_of(poles)) == pytest.approx(corrected, rel=0.12)


@pytest.mark.parametrize("name", list(METRICS))
def test_interval_of_every_metric_covers_the_sample_of_respondents(name: str) -> None:
    """As if the metric were computed anew for each sample of the people."""
    metric = METRICS[name]
    scores = CELLS[(CELLS["arm"] == "own") & (CELLS["seed"] == 0)].sort_values(["country", "probe"])
    scores = scores[scores["probe"].isin(DEFAULT_BANK.loc[DEFAULT_BANK["scale"] != "nominal", "probe"])]
    shares = np.stack(scores.merge(PEOPLE, on=["country", "probe"])["shares"]).T.astype(float)
    people = [scores["share_a"].to_numpy()[None], shares]
    shape = (-1, len(COUNTRIES), scores["probe"].nunique())
    if metric.over in ("items", "countries"):
        x = scores["p_a"].to_numpy().reshape(shape[1:])
        found = [metric.function(np.broadcast_to(x, y.reshape(shape).shape), y.reshape(shape)) for y in people]
    else:
        p = np.column_stack([scores["p_a"], 1 - scores["p_a"]])
        places = np.broadcast_to([1.0, 0.0], p.shape)
        found = [metric.compare(p, np.stack([y, 1 - y], axis=-1), places) for y in people]
    direct = np.std([values.mean() for values in found[1]])
    assert spread(scores, name, "respondents") == pytest.approx(direct, rel=0.15)


def test_metric_without_a_derivative_is_moved_by_a_step() -> None:
    """The square of the error is not linear; the difference over a step is exact for it all the same."""
    square = Metric("square", "Square", lambda p, q: ((p - q) ** 2).sum(axis=-1) / 2, "options", "lower")
    METRICS["square"] = square
    try:
        panel = build_panels(prepare_cells(CELLS, ["square"], DEFAULT_BANK), ["square"])["BOL"]
    finally:
        del METRICS["square"]
    cells = CELLS[(CELLS["country"] == "BOL") & (CELLS["arm"] == "own")]
    gap = (cells["p_a"] - cells["share_a"]).groupby(cells["probe"]).mean()
    np.testing.assert_allclose(panel.slope[:, 0], -2 * gap, atol=1e-9)
    assert STEP == 0.02


def test_null_values_are_those_of_an_uninformed_model() -> None:
    cells = prepare_cells(CELLS, list(METRICS), DEFAULT_BANK)
    made = estimate_agreement(cells, HOW, list(METRICS))
    assert set(made.loc[made["p"].notna(), "measure"]) == {"agreement", "pearson", "spearman"}
    contrasts = estimate_contrasts(cells, [Contrast(arm="own", against="zero")], HOW, list(METRICS))
    assert contrasts["p"].notna().all() and set(contrasts["measure"]) == set(METRICS)
    nearer = contrasts.query("country == 'all'").set_index("measure")["estimate"]
    assert {name: "higher" if nearer[name] > 0 else "lower" for name in METRICS} == {
        name: metric.better for name, metric in METRICS.items()
    }


# The recipe

RECIPE = (ROOT / "docs" / "extending_code.md").read_text(encoding="utf-8").partition("## A metric")[2]
RUN = """
from selfalign.cli import program
for command in {commands}:
    program.main(command, standalone_mode=False)
"""


def test_a_metric_is_added_in_one_file_of_code(tmp_path: Path) -> None:
    """The recipe of docs/extending_code.md: `register` brings a metric into all tables, with intervals, and figures."""
    write_table(CELLS, tmp_path / "s.parquet", Scores)
    write_table(POLES, tmp_path / "poles.parquet", Poles)
    write_table(PEOPLE, tmp_path / "people.parquet", Replicates)
    scores, bank = [tmp_path / "s.parquet"], ["--bank", BANK_FILE]
    pair = json.dumps([["own", "zero"]])
    how = ["--people", tmp_path / "people.parquet", "--draws", 100, "--level", 0.95, "--seed", 1, "--resample"]
    how += ["batteries respondents", "--families", "measure scope", "--measures", "brier", *bank]
    chosen = [word for word in how if word not in ("--families", "measure scope")]
    names = ("agreement", "contrasts", "metrics", "verdicts")
    agreement, contrasts, metrics, verdicts = (tmp_path / f"{name}.csv" for name in names)
    style = json.dumps({"labels": {"models": {"m": "M"}, "arms": {"own": "Own", "zero": "Zero"}}, "width": 6.8})
    figure = tmp_path / "f.svg"
    commands = [
        ["estimate-agreement", *scores, *how, "--output", agreement],
        ["estimate-contrasts", *scores, *how, "--contrasts", pair, "--output", contrasts],
        ["compute-metrics", *scores, *bank, "--poles", tmp_path / "poles.parquet", "--rule", "half", "--samples", 2,
         "--seed", 1, "--output", metrics],
        ["choose-intervals", *scores, *chosen, "--contrasts", pair, "--estimates", contrasts, "--primary", "null",
         "--output", verdicts],
        ["plot-contrasts", "--contrasts", contrasts, "--verdicts", verdicts, "--order", pair, "--style", style,
         "--figures", figure],
    ]  # fmt: skip
    code = "from selfalign.scoring.metrics import *\n" + RECIPE.split("```")[1].removeprefix("python")
    run_fresh(code + RUN.format(commands=[[str(word) for word in command] for command in commands]))
    p, share = (np.column_stack([CELLS[side], 1 - CELLS[side]]) for side in ("p_a", "share_a"))
    by_hand = ((p - share) ** 2).sum(axis=1)
    means = pd.Series(by_hand).groupby([CELLS["arm"].to_numpy(), CELLS["country"].to_numpy()]).mean().unstack()
    tables = {path.stem: pd.read_csv(path) for path in (agreement, contrasts, metrics)}
    values = tables["metrics"].query("metric == 'brier'").set_index(["arm", "country"])["value"]
    made = tables["agreement"].query("measure == 'brier'").set_index(["arm", "country"])
    for arm in ("own", "zero"):
        for country in COUNTRIES:
            assert values[arm, country] == pytest.approx(means.loc[arm, country], abs=1e-6)
            assert made.loc[(arm, country), "estimate"] == pytest.approx(means.loc[arm, country], abs=1e-6)
    gain = tables["contrasts"].query("measure == 'brier' and country == 'all'").iloc[0]
    assert gain["estimate"] == pytest.approx((means.loc["own"] - means.loc["zero"]).mean(), abs=1e-6)
    assert gain["low"] < gain["estimate"] < gain["high"] < 0 and gain["p"] < 0.001
    assert "Brier distance (lower is nearer)" in figure.read_text(encoding="utf-8")


def test_unknown_metric_is_refused_before_anything_runs() -> None:
    check_measures(["pearson", "wasserstein"])
    with pytest.raises(InputError, match=r'scoring.measures, value .persson.: is not a metric.*Did you mean "pearson"'):
        check_measures(["persson"])
