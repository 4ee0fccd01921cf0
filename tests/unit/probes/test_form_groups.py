"""Groups of people as peoples of their own: sizes, majorities, samples, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from grouped import CROSSWALK, MISSING_SEX, read_planted, write_planted
from refusal import Refused
from selfalign.population import country_of, find_people, find_siblings, keep_countries
from selfalign.probes.cultures import WORLD, find_nearest, measure_distances, pool_world
from selfalign.probes.form_groups import list_members, size_groups, weigh_groups
from selfalign.probes.map_poles import find_dropped, map_poles
from selfalign.probes.resample_people import resample_respondents
from selfalign.probes.schemas import Dropped, GroupSizes, Members, Poles
from selfalign.survey.read_groups import read_crosswalk
from selfalign.survey.schemas import Distributions, Groups, Responses
from selfalign.survey.weigh_answers import count_codes, weigh
from selfalign.tables import read_table, write_table
from surveys import run

THREE_PROBES = BANK[BANK["probe"].isin(["Q4", "Q6", "Q8"])]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Respondents and groups of the survey in which women and men differ."""
    return read_planted(write_planted(tmp_path_factory.mktemp("planted") / "survey.csv"))


def form(planted: tuple[pd.DataFrame, pd.DataFrame], by: list[str], least: int = 5) -> tuple:
    responses, groups = planted
    sizes = GroupSizes.validate(size_groups(groups, responses, read_crosswalk(CROSSWALK), by, least))
    members = Members.validate(list_members(groups, sizes))
    answers = pd.concat([weigh(count_codes(responses)), weigh_groups(responses, members)], ignore_index=True)
    return sizes, members, Poles.validate(map_poles(Distributions.validate(answers), THREE_PROBES))


@pytest.mark.slow
def test_planted_difference_is_found_with_the_right_value(planted: tuple) -> None:
    _, _, poles = form(planted, ["sex"])
    share = poles.set_index(["country", "probe"])["share_a"]
    majority = poles.set_index(["country", "probe"])["majority"]
    for country in ("DEU", "NGA", "MEX"):
        assert share[f"{country}.sex.male", "Q4"] == pytest.approx(10 / 25)
        assert share[f"{country}.sex.female", "Q4"] == pytest.approx(15 / 20)
        assert share[country, "Q4"] == pytest.approx((10 + 15 + MISSING_SEX) / (25 + 20 + MISSING_SEX))
        assert share[f"{country}.sex.female", "Q8"] == pytest.approx(5 / 20)
        both = (majority[f"{country}.sex.male"], majority[f"{country}.sex.female"], majority[country])
        assert [list(one) for one in both] == [["B", *both[0][1:]], ["A", *both[1][1:]], ["A", *both[2][1:]]]
        assert [one["Q8"] for one in both] == ["A", "B", "A"]
        assert len({one["Q6"] for one in both}) == 1
    assert majority["DEU.sex.male", "Q6"] != majority["NGA.sex.male", "Q6"]
    n = poles.set_index(["country", "probe"])["n"]
    assert n["DEU.sex.male", "Q4"] == 20 and n["DEU", "Q4"] == 40 + MISSING_SEX


def test_sizes_count_everybody(planted: tuple) -> None:
    responses, _ = planted
    sizes, members, poles = form(planted, ["sex", "settlement"], least=10)
    assert (sizes.groupby(["country", "variable"])["n"].sum() == 40 + MISSING_SEX).all()
    small = sizes[sizes["reason"] == "too_small"]
    assert list(small["people"]) == [f"{one}.settlement.rural" for one in ("DEU", "MEX", "NGA")]
    assert set(small["n"]) == {8}
    men = sizes[sizes["people"] == "DEU.sex.male"].iloc[0]
    assert men["effective_n"] == pytest.approx(25**2 / (5 * 4 + 15), abs=0.05)
    assert not set(small["people"]) & {*members["people"], *poles["country"]}
    assert not members["people"].str.contains("age").any()
    assert len(members) == 3 * (40 + 32)


def test_empty_group_has_size_0(planted: tuple) -> None:
    responses, groups = planted
    only_men = groups[groups["group"] != "female"]
    sizes = size_groups(only_men, responses, read_crosswalk(CROSSWALK), ["sex"], 1)
    assert sizes.set_index("people").loc["DEU.sex.female", ["n", "used"]].tolist() == [0, False]


@pytest.mark.slow
def test_world_and_nearest_country_are_of_whole_countries(planted: tuple) -> None:
    _, _, poles = form(planted, ["sex"])
    countries = keep_countries(poles)
    assert sorted(countries["country"].unique()) == ["DEU", "MEX", "NGA"]
    pd.testing.assert_frame_equal(pool_world(poles), pool_world(countries))
    assert set(pool_world(poles)["country"]) == {WORLD}
    assert find_nearest(measure_distances(poles), country_of("NGA.sex.male")) == "MEX"


def test_people_of_a_run_are_its_groups_if_there_are_any() -> None:
    known = ["DEU", "DEU.sex.male", "DEU.sex.female", "NGA", "NGA.age.50+", "NGA.sex.male", "world"]
    assert find_people(["NGA", "DEU"], known) == ["NGA.age.50+", "NGA.sex.male", "DEU.sex.female", "DEU.sex.male"]
    assert find_people(["NGA", "DEU"], ["DEU", "NGA"]) == ["NGA", "DEU"]
    assert find_siblings("DEU.sex.male", known) == ["DEU.sex.female"]
    assert find_siblings("NGA.sex.male", known) == find_siblings("DEU", known) == []


def test_dropped_probes_are_those_of_the_groups(planted: tuple) -> None:
    _, _, poles = form(planted, ["sex"])
    without = poles[~((poles["country"] == "DEU.sex.male") & (poles["probe"] == "Q6"))]
    dropped = Dropped.validate(find_dropped(without, THREE_PROBES, ["DEU"]))
    assert dropped.to_numpy().tolist() == [["DEU.sex.male", "Q6", "no_answers"]]


@pytest.mark.slow
def test_groups_of_a_country_are_drawn_together(planted: tuple) -> None:
    responses, _ = planted
    _, members, poles = form(planted, ["sex", "age"])
    drawn = resample_respondents(responses, poles, THREE_PROBES, 2000, 1, members)
    sizes = drawn.drop_duplicates("country").set_index("country")["respondents"]
    assert sizes["DEU.sex.male"] == 20 and sizes["DEU"] == 40 + MISSING_SEX
    shares = {(row.country, row.probe): row.shares for row in drawn.itertuples()}
    alone = resample_respondents(responses, keep_countries(poles), THREE_PROBES, 2000, 1)
    np.testing.assert_array_equal(
        shares["DEU", "Q4"], alone.set_index(["country", "probe"]).loc[("DEU", "Q4"), "shares"]
    )
    for one, other, sign in (("male", "female", 0), ("female", None, 1)):
        second = ("DEU", "Q4") if other is None else (f"DEU.sex.{other}", "Q4")
        correlation = np.corrcoef(shares[f"DEU.sex.{one}", "Q4"], shares[second])[0, 1]
        assert (correlation > 0.4) if sign else (abs(correlation) < 0.1)
    errors = poles.set_index(["country", "probe"])["standard_error"]
    for one in ("male", "female"):
        assert shares[f"DEU.sex.{one}", "Q4"].std() == pytest.approx(errors[f"DEU.sex.{one}", "Q4"], rel=0.1)


@pytest.fixture
def files(planted: tuple, tmp_path: Path) -> list[object]:
    """Arguments of the step, but its settings."""
    responses, groups = planted
    write_table(responses, tmp_path / "responses.parquet", Responses)
    write_table(groups, tmp_path / "groups.parquet", Groups)
    write_table(weigh(count_codes(responses)), tmp_path / "whole.parquet", Distributions)
    inputs = {"responses": "responses", "groups": "groups", "countries-distributions": "whole"}
    given = [part for name, file in inputs.items() for part in (f"--{name}", tmp_path / f"{file}.parquet")]
    outputs = {"distributions": "d.parquet", "members": "m.parquet", "sizes": "s.csv"}
    given += [part for name, file in outputs.items() for part in (f"--{name}", tmp_path / file)]
    return ["form-groups", "--crosswalk", CROSSWALK, *given]


def settings(by: list[str], least: int = 5, small: str = "refuse") -> list[str]:
    return ["--settings", json.dumps({"by": by, "least": least, "small": small})]


@pytest.mark.slow
def test_small_groups_are_refused_or_left_out(files: list, tmp_path: Path, refused: Refused) -> None:
    tells = ["run.groups", "fewer respondents than run.groups.least, 10", "DEU.settlement.rural (8 respondents)"]
    message = refused(*files, *settings(["settlement"], 10), "--countries", "DEU", tells=[*tells, "leave_out"])
    assert "NGA" not in message  # the run does not ask about it
    printed = run(*files, *settings(["sex", "settlement"], 10, "leave_out"), "--countries", "DEU NGA")
    assert "6 groups in 2 countries; 2 groups are too small; 12 times a respondent is in no group" in printed
    sizes = read_table(tmp_path / "s.csv", GroupSizes)
    assert sizes["used"].sum() == 9
    assert "DEU.settlement.rural" not in set(read_table(tmp_path / "d.parquet", Distributions)["country"])
    refused(
        *files, *settings(["sex"], 99, "leave_out"), "--countries", "DEU", tells=["no group of the run's countries"]
    )


def test_variable_without_a_column_or_a_row_is_refused(files: list, planted: tuple, refused: Refused) -> None:
    refused(*files, *settings(["sexx"]), "--countries", "DEU", tells=["run.groups.by", "'sexx'", 'Did you mean "sex"?'])
    groups = planted[1].copy()
    lost = groups["variable"] == "settlement"
    groups.loc[lost, ["group", "reason"]] = [None, "no_column"]
    write_table(groups, Path(files[files.index("--groups") + 1]), Groups)
    tells = [str(CROSSWALK), "no column of settlement: H_URBRURAL or H_SETTLEMENT", "take it out of run.groups.by"]
    refused(*files, *settings(["sex", "settlement"]), "--countries", "DEU", tells=tells)
