"""Replicates of the people: their spread is the standard error, a person's answers stay together, draws are stable."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from click.testing import CliRunner
from selfalign.cli import program
from selfalign.probes.map_poles import map_poles
from selfalign.probes.replicates import draw_shares
from selfalign.probes.resample_people import resample_respondents
from selfalign.probes.schemas import Bank, Poles, Replicates
from selfalign.survey.schemas import Responses
from selfalign.survey.weigh_answers import count_codes, weigh
from selfalign.tables import read_table, write_table

PROBES = BANK[BANK["probe"].isin(["Q4", "Q5", "Q164"])]


def respondents(countries: tuple[str, ...] = ("BOL", "DEU"), size: int = 400) -> pd.DataFrame:
    """People with weights, who answer Q4 and Q5 alike; a tenth of them does not answer Q164."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"country": np.repeat(countries, size)})
    first = rng.integers(1, 5, len(table))
    table = table.assign(
        respondent=np.arange(2, len(table) + 2),
        interview=1,
        wave=7,
        year=2020,
        weight=rng.lognormal(0, 0.5, len(table)),
        Q4=first,
        Q5=first,
        Q164=np.where(rng.random(len(table)) < 0.1, -1, rng.integers(1, 11, len(table))),
    )
    return Responses.validate(
        table[["respondent", "interview", "country", "wave", "year", "weight", "Q4", "Q5", "Q164"]]
    )


def poles_of(table: pd.DataFrame) -> pd.DataFrame:
    return Poles.validate(map_poles(weigh(count_codes(table)), PROBES))


def shares(drawn: pd.DataFrame) -> pd.DataFrame:
    """Replicates x (country, probe)."""
    return pd.DataFrame({(row.country, row.probe): row.shares for row in drawn.itertuples()})


def test_spread_of_replicates_is_the_standard_error() -> None:
    people = respondents()
    poles = poles_of(people)
    drawn = shares(resample_respondents(people, poles, PROBES, 4000, 1))
    known = poles.set_index(["country", "probe"])
    np.testing.assert_allclose(drawn.std(), known.loc[drawn.columns, "standard_error"], rtol=0.05)
    np.testing.assert_allclose(drawn.mean(), known.loc[drawn.columns, "share_a"], atol=0.003)


def test_answers_of_a_person_stay_together_and_countries_apart() -> None:
    people = respondents()
    drawn = shares(resample_respondents(people, poles_of(people), PROBES, 1000, 1))
    # Q4 and Q5 have the same answers; their poles may be turned round.
    assert abs(np.corrcoef(drawn["BOL", "Q4"], drawn["BOL", "Q5"])[0, 1]) == pytest.approx(1, abs=1e-4)
    assert abs(np.corrcoef(drawn["BOL", "Q4"], drawn["DEU", "Q4"])[0, 1]) < 0.15


def test_new_country_or_probe_changes_no_other_draw() -> None:
    people = respondents(("BOL", "DEU", "MEX"))
    poles = poles_of(people)
    every = shares(resample_respondents(people, poles, PROBES, 50, 1))
    some = poles[(poles["country"] != "BOL") & (poles["probe"] != "Q5")]
    few = shares(resample_respondents(people, some, PROBES, 50, 1))
    pd.testing.assert_frame_equal(every[few.columns], few)
    other = shares(resample_respondents(people, some, PROBES, 50, 2))
    assert not np.allclose(other, few)


def test_people_without_weight_are_not_drawn() -> None:
    people = respondents()
    silent = people.assign(weight=people["weight"].where(people["respondent"] % 2 == 0, 0.0))
    drawn = resample_respondents(silent, poles_of(silent), PROBES, 10, 1)
    assert set(drawn["respondents"]) == {200}


def test_published_shares_are_drawn_from_their_standard_error() -> None:
    poles = poles_of(respondents()).astype({"standard_error": float})
    poles.loc[poles["probe"] == "Q5", "standard_error"] = np.nan
    drawn = draw_shares(poles, 4000, 1).set_index(["country", "probe"])
    assert set(drawn["method"]) == {"normal", "none"} and drawn["respondents"].isna().all()
    assert drawn.loc[("BOL", "Q5"), "method"] == "none" and len(drawn.loc[("BOL", "Q5"), "shares"]) == 0
    error = poles.set_index(["country", "probe"]).loc[("DEU", "Q164"), "standard_error"]
    assert np.std(drawn.loc[("DEU", "Q164"), "shares"]) == pytest.approx(error, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("published", [False, True], ids=["respondents", "shares"])
def test_step_writes_the_countries_of_the_experiment(published: bool, tmp_path: Path) -> None:
    people = respondents(("BOL", "DEU", "MEX"))
    write_table(people, tmp_path / "responses.parquet", Responses)
    write_table(poles_of(people), tmp_path / "poles.parquet", Poles)
    write_table(PROBES, tmp_path / "bank.csv", Bank)
    given = [] if published else ["--responses", tmp_path / "responses.parquet"]
    command = ["resample-people", *given, "--poles", tmp_path / "poles.parquet", "--bank", tmp_path / "bank.csv"]
    command += ["--countries", "BOL MEX", "--replicates", 20, "--seed", 1, "--output", tmp_path / "drawn.parquet"]
    CliRunner().invoke(program, list(map(str, command)), catch_exceptions=False, standalone_mode=False)
    drawn = read_table(tmp_path / "drawn.parquet", Replicates)
    assert set(drawn["country"]) == {"BOL", "MEX"} and set(drawn["probe"]) == set(PROBES["probe"])
    assert set(drawn["method"]) == {"normal" if published else "respondents"}
    assert all(len(row) == 20 for row in drawn["shares"])
