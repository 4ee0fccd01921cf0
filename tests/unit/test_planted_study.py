"""The planted readers of the study: the short way gives what the workflow gives, and the margins are those planted."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from planted import lay_out_english
from planted_study import (
    MEASURES,
    MODELS,
    PAIRS,
    Bank,
    Mixture,
    answer_study,
    as_arrays,
    draw_chance,
    draw_questions,
    find_margins,
    judge,
    mix,
    settings_of_study,
    summarise,
)
from selfalign.contrasts import Contrast
from selfalign.plan.designs import Laid
from selfalign.prompts.sources import Surveyed
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.choose_intervals import choose_intervals
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.inputs import stack
from selfalign.scoring.score_answers import score_options

CONTRASTS = [Contrast(arm=own, against=other) for own, other in PAIRS]
NOBODY = pd.DataFrame({"country": ["none"], "probe": ["none"], "respondents": [pd.NA], "shares": [np.array([])]})
COUNTRIES = ["DEU", "IND", "KEN", "USA"]
ONLY = [
    "Q1",
    "Q2",
    "Q3",
    "Q27",
    "Q28",
    "Q46",
    "Q48",
    "Q49",
    "Q57a",
    "Q58",
    "Q60",
    "Q61",
    "Q106",
    "Q107",
    "Q112",
    "Q113",
]
ONLY += ["Q121", "Q122", "Q131", "Q142", "Q143", "Q158", "Q159", "Q164", "Q165", "Q177", "Q178", "Q198", "Q199", "Q234"]
"""Of all 12 categories. Q198 ties in Kenya, and so has no cell there."""


@pytest.fixture(scope="module")
def laid() -> tuple[Surveyed, Laid]:
    """A small part of the study."""
    config = settings_of_study()
    config["probes"]["only"] = ONLY
    config["languages"]["en"]["countries"] = COUNTRIES
    return lay_out_english(config)


@pytest.fixture(scope="module")
def bank(laid: tuple[Surveyed, Laid]) -> Bank:
    return as_arrays(*laid, COUNTRIES)


def answer_cells(laid: Laid, bank: Bank, log_odds: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A design whose prompts are named by country and arm, and their answers as a table."""
    cells = laid.cells
    design = cells.assign(prompt=cells[["country", "arm", "prompt"]].agg(":".join, axis=1))
    pair = cells["arm"].map({arm: number for number, arms in enumerate(PAIRS) for arm in arms})
    country, source = (pd.Index(COUNTRIES).get_indexer(cells[name]) for name in ("country", "source"))
    gap = log_odds[pair, country, source, pd.Index(bank.probes).get_indexer(cells["probe"])]
    gap = gap * np.where(cells["order"] == "AB", 1, -1)
    sides = [
        pd.DataFrame({"prompt": design["prompt"], "place": place, "option": -np.logaddexp(0, -sign * gap)})
        for place, sign in ((1, 1), (2, -1))
    ]
    answers = pd.concat(sides, ignore_index=True).drop_duplicates().assign(mass_outside_options=0.0)
    assert not answers.duplicated(["prompt", "place"]).any(), "one prompt has two answers"
    return design, answers


@pytest.mark.slow
@pytest.mark.parametrize("name", ["copies 39 %", "infers 52 %", "helps unevenly by category", "copies"])
def test_the_short_way_gives_the_workflows_verdicts(laid: tuple[Surveyed, Laid], bank: Bank, name: str) -> None:
    known, model = laid[0], MODELS[name]
    how = Resampling(NOBODY, 500, 0.95, 1, ["batteries"])
    questions = draw_questions(np.random.default_rng(1), bank, "none")
    chance = draw_chance(np.random.default_rng(2), bank, questions)
    short = judge(answer_study(bank, questions, chance, bank.values(), {name: model}), questions, 500)
    alone = np.broadcast_to(chance.alone["uneven" if model.uneven else "plain"], bank.asked.shape)
    design, answers = answer_cells(laid[1], bank, mix(model, alone, bank.log_odds, chance.by_prompt))
    scored = score_options(design, answers, Comparison(known.poles, known.bank), {"words": "option"}).cells
    cells = stack([scored.assign(model=name, language="en", ordered=True)])
    long = choose_intervals(cells, estimate_contrasts(cells, CONTRASTS, how, MEASURES), CONTRASTS, None, how, MEASURES)
    assert len(short) == len(long) == 4
    both = short.merge(long, on=["arm", "against", "measure"], suffixes=("", "_long"))
    for column in ("estimate", "low", "high", "category_low", "category_high", "main_low", "main_high"):
        assert both[column].to_numpy() == pytest.approx(both[f"{column}_long"].to_numpy(), abs=1e-5), column
    assert both["estimate"].abs().max() > 0.005
    assert (both["main"] == both["main_long"]).all()


def estimates(bank: Bank, models: Mapping[str, Mixture], seed: int) -> list[float]:
    """Own minus other of each model, measure and pair of arms, in one study with all questions of the bank."""
    rng = np.random.default_rng(seed)
    questions = draw_questions(rng, bank, "none")
    found = answer_study(bank, questions, draw_chance(rng, bank, questions), bank.values(), models)
    return [value for *_, arms in found for value in np.nanmean(arms[:, 0] - arms[:, 1], axis=-1).mean(axis=-1)]


@pytest.mark.slow
def test_margins_are_the_means_of_many_studies(bank: Bank) -> None:
    """Within 4.5 Monte Carlo errors, for models that read nothing and for mixtures."""
    names = [name for name, model in MODELS.items() if model.copies < 1 and model.infers < 1]
    models = {name: MODELS[name] for name in names}
    many = np.array([estimates(bank, models, seed) for seed in range(150)])
    truth = find_margins(bank, bank.values(), models).set_index(["measure", "model", "arm"])["truth"]
    planted = truth.loc[[(one, name, own) for one in MEASURES for name in names for own, _ in PAIRS]].to_numpy()
    error = many.std(axis=0, ddof=1) / np.sqrt(len(many))
    assert (error > 0).all()
    assert (np.abs(many.mean(axis=0) - planted) < 4.5 * error).all()
    assert np.abs(planted).max() > 4.5 * error.max(), "the margins are too small to be found by this test"


@pytest.mark.parametrize("way", ["batteries", "categories", "none"])
def test_whole_batteries_or_categories_are_drawn(bank: Bank, way: str) -> None:
    drawn = draw_questions(np.random.default_rng(5), bank, way)
    home = {"batteries": bank.battery, "categories": bank.category, "none": np.arange(len(bank.probes))}[way]
    cluster = {"batteries": drawn.battery, "categories": drawn.category, "none": np.arange(len(drawn.rows))}[way]
    assert cluster.max() == home.max()
    for number in range(cluster.max() + 1):
        rows = drawn.rows[cluster == number]
        assert sorted(rows) == sorted(np.flatnonzero(home == home[rows[0]]))
    if way != "none":
        assert len(set(drawn.rows)) < len(drawn.rows), "no cluster was drawn twice, so this tests little"
    for battery in range(drawn.battery.max() + 1):
        assert len(set(drawn.category[drawn.battery == battery])) == 1


def test_tied_people_have_no_cell(bank: Bank) -> None:
    place = list(bank.probes).index("Q198")
    kenya = COUNTRIES.index("KEN")
    assert not bank.asked[:, kenya, :, place].any()
    assert bank.asked[:, COUNTRIES.index("DEU"), :, place].any()
    assert (np.isfinite(bank.log_odds["ideal"]) == bank.asked).all()


def test_intervals_are_counted() -> None:
    keys = {"drawn": "batteries", "model": "one", "measure": "agreement", "arm": "chrf", "against": "chrf_other"}
    ends = [(0.01, 0.05), (-0.01, 0.02), (0.04, 0.06), (-0.05, -0.01)]
    rows = [
        keys
        | {"estimate": (low + high) / 2, "main": "category", "study": number, "low": low, "high": high}
        | {"category_low": low, "category_high": high, "main_low": low - 0.02, "main_high": high + 0.02}
        for number, (low, high) in enumerate(ends)
    ]
    margins = pd.DataFrame([keys | {"truth": 0.03}])[["model", "measure", "arm", "truth"]]
    (row,) = summarise(pd.DataFrame(rows), margins).to_dict("records")
    assert row["covered_battery"] == 25 and row["found_battery"] == 75
    assert row["covered_main"] == 75 and row["found_main"] == 25
    assert row["half_main"] == pytest.approx(row["half_battery"] + 2, abs=0.011) and row["studies"] == 4
