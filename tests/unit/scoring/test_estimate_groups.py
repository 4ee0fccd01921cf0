"""Scores and contrasts by group of people: means by hand, within and between countries."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK_FILE, DEFAULT_BANK
from estimating import SETTINGS, complete, people
from selfalign.contrasts import Contrast
from selfalign.probes.schemas import Poles, Replicates
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.estimate_groups import correct_by_group, estimate_differences, estimate_scores
from selfalign.scoring.people import People
from selfalign.scoring.readers import read_as_ideal_reader
from selfalign.scoring.schemas import GroupContrasts, GroupEstimates, Scores
from selfalign.tables import read_table, write_table
from surveys import run

pytestmark = pytest.mark.slow

COUNTRIES, SEXES, AGES = ("DEU", "NGA"), ("female", "male"), ("old", "young")
IDS = [f"{country}.sex.{one}" for country, one in product(COUNTRIES, SEXES)]
IDS += [f"{country}.age.{one}" for country, one in product(COUNTRIES, AGES)]
CONTRASTS = [["own", "zero"], ["own", "group"], ["own", "other"]]
SHOWN = {"zero": "none", "own": "own", "group": "other_group", "other": "other"}
FEW = DEFAULT_BANK.head(24)


def resampling(cells: pd.DataFrame) -> Resampling:
    """Intervals that cover everything, from few resamples."""
    return Resampling(people(cells), **{**SETTINGS, "draws": 200})


def majority_of(one: str) -> np.ndarray:
    """Women choose B on every fourth probe; all others choose A."""
    return np.where((np.arange(len(FEW)) % 4 == 0) & one.endswith("female"), "B", "A")


def source_of(one: str, arm: str) -> str:
    country, variable, group = one.split(".")
    groups = SEXES if variable == "sex" else AGES
    if arm == "group":
        return f"{country}.{variable}.{groups[1 - groups.index(group)]}"
    return one if arm == "own" else f"{COUNTRIES[1 - COUNTRIES.index(country)]}.{variable}.{group}"


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    """A model that answers as the source of its demonstrations; without, p(A) is 0.6 in Germany and 0.7 in Nigeria."""
    rows = []
    for one, arm in product(IDS, SHOWN):
        source = "" if arm == "zero" else source_of(one, arm)
        p_a = 0.6 if one.startswith("DEU") else 0.7
        if source:
            p_a = np.where(majority_of(source) == "A", 0.9, 0.1)
        part = FEW[["probe", "category", "battery"]].assign(country=one, arm=arm, source=source, p_a=p_a)
        mine = majority_of(one)
        rows.append(part.assign(majority=mine, share_a=np.where(mine == "A", 0.9, 0.1)))
    return complete(pd.concat(rows, ignore_index=True).assign(model="m", language="en", seed=0, template="words"))


@pytest.fixture(scope="module")
def poles(cells: pd.DataFrame) -> pd.DataFrame:
    table = cells.drop_duplicates(["country", "probe"])[["country", "probe", "share_a", "majority"]]
    return Poles.validate(table.assign(n=100, neither=0, standard_error=0.03)[Poles.names()])


@pytest.fixture(scope="module")
def differences(cells: pd.DataFrame, poles: pd.DataFrame) -> pd.DataFrame:
    contrasts = [Contrast.read(pair) for pair in CONTRASTS]
    made = estimate_differences(cells, contrasts, poles, SHOWN, resampling(cells), ["agreement"])
    made = correct_by_group(made, ["measure"])
    return GroupContrasts.validate(made[GroupContrasts.names()])


def test_scores_are_means_over_the_groups_and_countries(cells: pd.DataFrame) -> None:
    made = estimate_scores(cells, resampling(cells), ["agreement", "alignment"])
    made = GroupEstimates.validate(correct_by_group(made, ["measure"])[GroupEstimates.names()])
    assert not made.duplicated(["variable", "group", "country", "arm", "measure"]).any()
    rows = made[(made["arm"] == "zero") & (made["measure"] == "agreement")]
    value = rows.set_index(["variable", "group", "country"])["estimate"]
    assert value["sex", "female", "DEU"] == pytest.approx(0.75)  # p(A) is above 0.5: right where women choose A
    assert value["sex", "male", "DEU"] == 1
    assert value["sex", "female", "all"] == pytest.approx(0.75) and value["sex", "all", "NGA"] == pytest.approx(0.875)
    assert value["age", "all", "all"] == 1
    soft = made[(made["arm"] == "zero") & (made["measure"] == "alignment")]
    soft = soft.set_index(["variable", "group", "country"])["estimate"]
    assert soft["sex", "male", "all"] == pytest.approx(np.mean([1 - 0.3, 1 - 0.2]))
    assert set(made["group"]) == {"all", *SEXES, *AGES} and set(made["country"]) == {"all", *COUNTRIES}
    assert len(rows) == 2 * (4 + 2 + 2 + 1)  # groups of countries, groups, countries, and all, by variable


def test_margin_within_a_country_is_the_planted_one(differences: pd.DataFrame) -> None:
    rows = differences.set_index(["against", "variable", "group", "country", "cells"])
    value = rows["estimate"]
    assert value["group", "sex", "all", "all", "all"] == pytest.approx(0.25)
    assert value["group", "sex", "female", "DEU", "all"] == pytest.approx(0.25)
    assert value["group", "age", "all", "all", "all"] == 0  # the young and the old choose alike
    assert value["group", "sex", "all", "NGA", "discriminating"] == pytest.approx(1)
    assert rows.loc[("group", "sex", "all", "NGA", "discriminating"), "probes"] == len(FEW) // 4
    assert rows.loc[("group", "sex", "all", "NGA", "all"), "shown"] == "other_group"
    assert not ((differences["variable"] == "age") & (differences["cells"] == "discriminating")).any()


def test_margin_between_countries_is_0_where_the_countries_are_alike(differences: pd.DataFrame) -> None:
    rows = differences[differences["shown"] == "other"]
    assert (rows["estimate"] == 0).all() and set(rows["cells"]) == {"all"}
    assert set(differences[differences["shown"] == "none"]["against"]) == {"zero"}


def test_p_values_are_corrected_within_a_variable(differences: pd.DataFrame) -> None:
    families = set(differences["family"])
    assert {"sex, all groups, all cells, agreement", "age, one group, all cells, agreement"} <= families
    assert {
        "sex, one country, discriminating cells, agreement",
        "sex, a group of a country, all cells, agreement",
    } <= families


def test_step_writes_both_tables(cells: pd.DataFrame, poles: pd.DataFrame, tmp_path: Path) -> None:
    some = cells[cells["country"].str.contains("sex")]
    write_table(some, tmp_path / "scores.parquet", Scores)
    write_table(poles, tmp_path / "poles.parquet", Poles)
    write_table(people(some), tmp_path / "people.parquet", Replicates)
    arguments = ["--contrasts", json.dumps(CONTRASTS), "--shown", json.dumps(SHOWN), "--bank", BANK_FILE]
    arguments += ["--poles", tmp_path / "poles.parquet", "--people", tmp_path / "people.parquet", "--draws", 50]
    arguments += ["--level", 0.95, "--seed", 1, "--resample", "batteries respondents", "--families", "measure scope"]
    outputs = ["--output", tmp_path / "groups.csv", "--differences", tmp_path / "contrasts.csv"]
    run("estimate-groups", tmp_path / "scores.parquet", *arguments, *outputs)
    assert set(read_table(tmp_path / "groups.csv", GroupEstimates)["variable"]) == {"sex"}
    made = read_table(tmp_path / "contrasts.csv", GroupContrasts)
    assert set(made["measure"]) == {"agreement", "alignment"}


def test_ideal_reader_of_a_group_knows_no_group_of_its_country(poles: pd.DataFrame) -> None:
    prompts = pd.DataFrame(
        {"prompt": ["p"], "demonstrations": [""], "shown": ["[]"], "options": ['["a", "b"]'], "labels": ["[]"]}
    )
    design = pd.DataFrame(
        {"country": ["DEU.sex.female"], "probe": [FEW["probe"].iloc[0]], "order": ["AB"], "prompt": ["p"]}
    )
    answers = read_as_ideal_reader(design, prompts, poles, 0.1)
    assert np.exp(answers["option"].iloc[0]) == pytest.approx(np.mean([0.1, 0.9, 0.9, 0.9]))  # Nigeria's four groups


def test_world_of_a_group_is_the_other_countries() -> None:
    shares = {"DEU": 0.2, "NGA": 0.6, "MEX": 0.8, "DEU.sex.female": 0.9, "NGA.sex.female": 0.1}
    rows = [
        (one, "q", option, share if option == "A" else 1 - share, 10.0)
        for one, share in shares.items()
        for option in "AB"
    ]
    asked = pd.DataFrame(rows, columns=["country", "item", "option", "share", "size"])
    options = pd.DataFrame({"item": "q", "option": ["A", "B"], "position": [1.0, 2.0]})
    arrays = People.lay_out(asked, options, {}, 5, 1)
    world = dict(zip(arrays.countries, arrays.rest_of_world[:, 0, 0], strict=True))
    assert world["DEU"] == world["DEU.sex.female"] == pytest.approx(0.7)
    assert world["NGA.sex.female"] == pytest.approx(0.5)
