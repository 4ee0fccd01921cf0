"""The prompts of the default, laid out once."""

import pytest
from planning import NO_RUN
from selfalign.config.read import read_config
from selfalign.plan.designs import Designer, Laid
from selfalign.plan.people import read_people


@pytest.fixture(scope="session")
def default_layout() -> Laid:
    """The English part of the default, laid out."""
    config = read_config([])
    people, probes = read_people(config, NO_RUN, on_scales=False)
    return Designer(config, people, probes, NO_RUN).lay_out("en")
