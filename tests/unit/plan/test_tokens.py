"""The tokens that a plan counts, or estimates from some of the prompts."""

import pytest
from selfalign.config.sections import Model
from selfalign.plan import tokens
from selfalign.plan.designs import Laid


@pytest.mark.slow
def test_some_probes_tell_the_tokens_of_all(default_layout: Laid) -> None:
    model = Model.read({"shown": "turns", "format": "chat", "engine": "packed", "row_tokens": 2048, "reply": 0})
    whole, part = (
        tokens.count_tokens(default_layout, tokens.TokenEstimator(4.2), model, {}, most) for most in (0, 1500)
    )
    assert part.sampled and not whole.sampled
    assert part.prompts == whole.prompts == len(default_layout.prompts)
    for what in ("single", "computed", "sent", "bytes"):
        assert getattr(part, what) == pytest.approx(getattr(whole, what), rel=0.1), what
