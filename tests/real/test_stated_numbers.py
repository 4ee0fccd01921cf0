"""Shares that SmolLM2 states: read from the tokens of each number, by likelihood and by greedy replies."""

import numpy as np
import pandas as pd
import pytest
import torch
from bank import BANK, bank_texts
from places import ROOT
from selfalign.arms import Arm
from selfalign.inference.local.collect import collect, entry_of_scores
from selfalign.inference.local.engine import score
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import read_frame
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, read_personas, word_poles
from selfalign.scoring.cells import Comparison
from selfalign.scoring.stated import score_shares
from transformers import PreTrainedModel, PreTrainedTokenizerBase

RESOURCES = ROOT / "resources"

POLES = pd.DataFrame([("DEU", "Q64", 0.2, "B")], columns=["country", "probe", "share_a", "majority"])


def log_p_of(model: PreTrainedModel, prompt: Rendered, number: tuple[int, ...]) -> float:
    """Log-probability of tokens after a prompt, by transformers."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt.tokens + number]), logits_to_keep=len(number) + 1).logits[0].double()
    log_p = torch.log_softmax(logits, dim=-1)
    return sum(log_p[place, token].item() for place, token in enumerate(number))


def test_stated_share_is_the_mean_over_numbers_of_several_tokens(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase],
) -> None:
    model, tokenizer = speaker
    items = word_poles(bank_texts())
    words = Wording({"stated": read_frame(RESOURCES / "templates/en.yaml", "stated")}, items, step=50)
    languages = DesignLanguages(
        "en", {"en": words}, personas={"en": read_personas(RESOURCES / "personas/en.csv").to_dict()}
    )
    arm = Arm.read({"shots": 0}, "zero_shot")
    experiment = Experiment({"zero_shot": arm}, ["DEU"], Surveyed(POLES), {}, languages, premises=False)
    design, prompts = experiment.lay_out()
    rendered = render(prompts, PromptFormat(tokenizer, "chat", language="en"), context=None)
    batches = score(model, rendered, "packed", 2048)
    entries = {prompt.key: entry_of_scores(prompt, scores) for batch in batches for prompt, scores in batch.answers}
    answers = collect(prompts, rendered, entries, "-")
    assert len(rendered) == 2 and {len(prompt.answers) for prompt in rendered} == {3}
    texts = [tokenizer.decode(number) for number in rendered[0].answers]
    assert texts == [f"{number}<|im_end|>" for number in ("0", "50", "100")]
    assert [len(number) for number in rendered[0].answers] == [2, 3, 4], "a token for each digit"
    stated = {}
    for prompt in rendered:
        log_p = np.array([log_p_of(model, prompt, number) for number in prompt.answers])
        read = answers[answers["prompt"] == prompt.prompt].sort_values("place")["option"]
        assert list(read) == pytest.approx(list(log_p), abs=1e-3)
        weights = np.exp(log_p) / np.exp(log_p).sum()
        stated[prompt.prompt] = float(weights @ [0, 0.5, 1])
    of_order = design.set_index("order")["prompt"].map(stated)
    scored, unanswered = score_shares(design, answers, Comparison(POLES, BANK), {"stated": "option"})
    assert scored["p_a"].item() == pytest.approx((of_order["AB"] + 1 - of_order["BA"]) / 2, abs=1e-4)
    assert unanswered.empty and "from Germany" in rendered[0].text
