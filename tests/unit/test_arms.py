"""An arm: the decisions that follow from its settings."""

from typing import Any

import pytest
from pydantic import ValidationError
from selfalign.arms import Arm, Speech
from selfalign.provenance import import_closure
from selfalign.steps import STEPS


def arm(**settings: Any) -> Arm:
    """An arm with five demonstrations by chrF++, if not said otherwise."""
    return Arm.read({"label": "Arm", "shots": 5, "strategy": "chrf", **settings}, "arm")


def test_arm_has_the_defaults_of_the_schema_and_does_not_change() -> None:
    one = arm()
    assert (one.answers, one.seeds, one.exclude, one.sequence) == ("own", (1,), ("siblings",), "nearest_first")
    assert one == arm(seeds=[1], answers="own")
    with pytest.raises(ValidationError, match="frozen"):
        one.shots = 3


def test_keys_of_an_earlier_version_are_ignored() -> None:
    assert Arm.read({"shots": 0, "old": 1}, "zero").shots == 0


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [({}, False), ({"strategy": "random"}, True), ({"strategy": "category"}, True), ({"sequence": "drawn"}, True)],
)
def test_strategy_or_sequence_may_draw(settings: dict, drawn: bool) -> None:
    assert arm(**settings).is_drawn == drawn
    assert arm(**settings).draws == (drawn and "strategy" in settings)


def test_zero_shot_needs_no_ranking_and_shows_nobodys_answers() -> None:
    zero = arm(shots=0)
    assert zero.selector is None
    assert not zero.shows_own
    assert arm().selector == "chrf"
    assert arm().shows_own


def test_other_countries_answer_where_there_are_any() -> None:
    other = arm(answers="other")
    assert other.others("DEU", ["USA", "DEU", "TUR"]) == ["USA", "TUR"]
    assert arm(answers="other", sources=["TUR", "DEU"]).others("DEU", ["DEU", "USA"]) == ["TUR"]
    assert other.has_cells(["DEU", "TUR"])
    assert not other.has_cells(["DEU"])
    assert arm(answers="other", sources=["TUR"]).has_cells(["DEU"])
    assert not arm(answers="other", sources=["DEU"], countries=["DEU"]).has_cells(["DEU", "TUR"])
    assert arm().has_cells(["DEU"])
    assert arm(countries=["DEU"]).has_cells(["DEU", "TUR"])
    assert not arm(countries=["DEU"]).has_cells(["TUR"])


def test_arm_is_run_for_its_countries_in_the_order_of_the_language() -> None:
    assert arm().asked(["USA", "DEU"]) == ["USA", "DEU"]
    assert arm(countries=["DEU", "USA"]).asked(["USA", "TUR", "DEU"]) == ["USA", "DEU"]


def test_control_differs_only_in_whose_answers_it_shows() -> None:
    own = arm(label="Own")
    assert arm(label="Other", answers="other", sources=["TUR"]).is_control_of(own)
    assert not arm(answers="other", shots=10).is_control_of(own)
    assert not own.is_control_of(own)
    assert not own.is_control_of(arm(answers="other"))
    assert arm(answers="other", seeds=[1, 2]).is_control_of(own), "its seeds draw nothing"
    assert not arm(strategy="random", answers="other", seeds=[1, 2]).is_control_of(arm(strategy="random"))


def test_name_is_not_a_setting() -> None:
    own, other = arm(), Arm.read({**arm().model_dump(), "answers": "other"}, "another")
    assert (own.name, other.name) == ("arm", "another")
    assert other.is_control_of(own)
    assert "name" not in own.model_dump() and "name" not in Arm.model_json_schema()["properties"]
    assert {name: one.name for name, one in Arm.read_all({"a": {}, "b": {}}).items()} == {"a": "a", "b": "b"}


def test_languages_follow_from_persona_and_demonstrations() -> None:
    spoken = {"DEU": "de", "TUR": "tr"}
    countries = ["DEU", "TUR"]
    assert arm().speech("en", countries, spoken) == Speech(texts=("en",))
    assert arm(shown_in="own").speech("en", countries, spoken) == Speech(texts=("de", "tr"))
    assert arm(shown_in="own", countries=["TUR"]).speech("en", countries, spoken) == Speech(texts=("tr",))
    assert arm(shots=0, persona="asked").speech("en", countries, {}) == Speech(personas=("en",))
    neutral = arm(answers="neutral", shown_in="es").speech("en", countries, {})
    assert neutral == Speech(texts=("es",), neutral=("es",))
    assert Speech.union([neutral, Speech(texts=("en",))]) == Speech(texts=("en", "es"), neutral=("es",))
    assert neutral.of("templates") == ("es",)
    with pytest.raises(AssertionError, match="persona"):
        neutral.of("persona")


def test_file_of_spoken_languages_is_needed_where_an_arm_speaks_a_countrys_own() -> None:
    assert arm(shown_in="own").needs_spoken
    assert arm(persona="own").needs_spoken
    assert not arm(persona="de", shown_in="asked").needs_spoken


def test_neither_arms_nor_the_config_are_in_the_code_of_inference() -> None:
    for step in ("infer", "ask"):
        closure = import_closure(STEPS[step])
        assert "selfalign.arms" not in closure
        assert not any(module.startswith("selfalign.config") for module in closure)
