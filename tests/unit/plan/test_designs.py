"""The prompts that a run will have."""

import pytest
from selfalign.plan.designs import Laid


@pytest.mark.slow
def test_default_has_the_cells_and_prompts_that_its_design_step_counts(default_layout: Laid) -> None:
    assert (len(default_layout.cells), int(default_layout.asked.sum())) == (91002, 2230)
