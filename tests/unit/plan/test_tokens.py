"""The tokens that a plan counts, or estimates from some of the prompts."""

from dataclasses import replace

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


@pytest.mark.slow
def test_replies_are_estimated_too(default_layout: Laid) -> None:
    settings = {"shown": "turns", "format": "chat", "engine": "packed", "row_tokens": 2048}
    alone, replied = (Model.read(settings | {"reply": length}) for length in (0, 8))
    prompts = default_layout.prompts.iloc[:400]
    asked = prompts[prompts["premise"].astype(bool)]
    assert 0 < len(asked) < len(prompts), "premises get no reply"
    laid = replace(default_layout, prompts=prompts)
    without, plan = (tokens.count_tokens(laid, tokens.TokenEstimator(4.2), model, {}, 0) for model in (alone, replied))
    again = plan.computed - without.computed - 8 * len(asked)
    assert 0 < again < without.computed, "each reply computes its prompt again, without the options"
    assert plan.new == pytest.approx(plan.computed)
    known = dict.fromkeys(prompts["prompt"], ["key"])
    assert tokens.count_tokens(laid, tokens.TokenEstimator(4.2), replied, known, 0).new == 0
