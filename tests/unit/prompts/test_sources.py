"""Whose answers a group of people is shown: its own, other groups', another country's, the whole country's."""

import pandas as pd
import pytest
from selfalign.arms import Arm
from selfalign.prompts.sources import Surveyed, name_sources

PEOPLE = [f"{country}.sex.{sex}" for country in ("DEU", "NGA") for sex in ("female", "male")]
KNOWN = ["DEU", "NGA", "MEX", *PEOPLE, "MEX.sex.male", "DEU.age.50+"]


@pytest.fixture
def poles() -> pd.DataFrame:
    """Two probes; women choose A, and all others B. Mexico's women are too few."""
    shares = [0.9 if "female" in one else 0.2 + 0.01 * place for place, one in enumerate(KNOWN)]
    probes = pd.DataFrame({"probe": ["Q4", "Q8"]})
    table = pd.DataFrame({"country": KNOWN, "share_a": shares}).merge(probes, how="cross")
    return table.assign(majority=(table["share_a"] > 0.5).map({True: "A", False: "B"}))


def sources(poles: pd.DataFrame, answers: str, countries: list[str] = ["DEU", "NGA", "MEX"]) -> dict[str, list[str]]:  # noqa: B006
    arm = Arm.read({"shots": 5, "strategy": "chrf", "answers": answers}, "arm")
    return name_sources(arm, PEOPLE, countries, poles).groupby("country")["source"].agg(list).to_dict()


def test_sources_of_a_group(poles: pd.DataFrame) -> None:
    female, male = "DEU.sex.female", "DEU.sex.male"
    assert sources(poles, "own")[female] == [female]
    assert sources(poles, "other_group")[female] == [male]  # not the group by age
    assert sources(poles, "country")[female] == ["DEU"]
    assert sources(poles, "nearest")[female] == ["NGA"]  # a whole country, and not its own
    assert sources(poles, "world")[female] == ["world"]


def test_another_country_is_the_same_group_there(poles: pd.DataFrame) -> None:
    found = sources(poles, "other")
    assert found["DEU.sex.female"] == ["NGA.sex.female"]  # Mexico's women are too few to be shown
    assert found["DEU.sex.male"] == ["NGA.sex.male", "MEX.sex.male"]


def test_majorities_of_groups_are_sources_and_the_world_has_whole_countries(poles: pd.DataFrame) -> None:
    answers = Surveyed(poles).majority.set_index(["source", "candidate"])["answer"]
    assert answers["DEU.sex.female", "Q4"] == "A" and answers["DEU.sex.male", "Q4"] == "B"
    assert answers["world", "Q4"] == "B"
