"""Values that the config allows and the library knows, where neither is made from the other."""

from typing import get_args

from selfalign.arms import Arm, WhoseAnswers
from selfalign.config import looks
from selfalign.config.sections import SpecificationChoices, TableColumns
from selfalign.demonstrations.strategies import STRATEGIES
from selfalign.inference.choices import DTYPES
from selfalign.plan import models
from selfalign.probes.cuts import CUTS
from selfalign.survey.table_columns import COUNT_ROLES, RESPONDENT_ROLES


def test_cuts_of_the_config_are_those_of_the_library() -> None:
    assert SpecificationChoices.model_fields["cuts"].default == tuple(CUTS)
    allowed = SpecificationChoices.model_json_schema()["properties"]["cuts"]["items"]["enum"]
    assert allowed == list(CUTS)


def test_columns_of_the_config_are_those_that_tables_are_read_by() -> None:
    assert TableColumns.model_fields.keys() == {*RESPONDENT_ROLES, *COUNT_ROLES}


def test_every_selector_and_every_kind_of_answers_has_a_look() -> None:
    arms = {name: Arm.model_construct(name=name, shots=5, strategy=name) for name in (*STRATEGIES, "newer")}
    found = looks.find_looks(arms, {})
    assert found.keys() == arms.keys() and len(set(found.values())) == len(arms)
    assert all(each.colour != looks.GREY and not each.open for each in found.values()), "an arm without demonstrations"
    assert looks._SELECTORS.keys() <= set(STRATEGIES), "a look of a selector that is gone"
    assert looks._ANSWERS.keys() == set(get_args(WhoseAnswers)) - {"own"}


def test_plan_has_the_size_of_every_number_format() -> None:
    assert models._WIDTH.keys() == set(DTYPES)
