"""A model that is shown the test probe itself, answered, says so; shown the opposite, it says the opposite.

`benchmarks/known_answers.py` does the same for any model and at any size; docs/planted_readers.md has its results.
"""

import pandas as pd
import pytest
from bank import DEFAULT_BANK, bank_texts
from engines.workloads import read_poles
from known_answers import ARMS
from places import ROOT
from selfalign.arms import Arm
from selfalign.demonstrations.schemas import Ranking
from selfalign.inference.local.collect import collect, entry_of_scores
from selfalign.inference.local.engine import score
from selfalign.inference.local.render import PromptFormat, render
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import read_frame
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, word_poles
from selfalign.scoring.cells import Comparison
from selfalign.scoring.score_answers import score_options
from transformers import PreTrainedModel, PreTrainedTokenizerBase

RESOURCES = ROOT / "resources"
COUNTRY, SHOTS, ITSELF_AT = "DEU", 3, 2


def rank_itself(probes: list[str]) -> pd.DataFrame:
    """Each probe's demonstrations: the two that follow it in the list, and itself, second of the three."""
    rows = []
    for place, probe in enumerate(probes):
        shown = [probes[(place + step) % len(probes)] for step in range(1, SHOTS)]
        shown.insert(ITSELF_AT - 1, probe)
        rows += [(probe, candidate, rank) for rank, candidate in enumerate(shown, start=1)]
    table = pd.DataFrame(rows, columns=["probe", "candidate", "rank"])
    known = table["probe"] == table["candidate"]
    table = table.assign(seed=0, similarity=known * 100.0, sibling=known, same_battery=known, same_category=known)
    return Ranking.validate(table[Ranking.names()])


@pytest.fixture(scope="module")
def agreement(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> pd.Series:
    """Mean agreement of SmolLM2 with Germany over 8 probes of the bank, by arm."""
    items = word_poles(bank_texts())
    bank = DEFAULT_BANK.iloc[4::32].reset_index(drop=True)
    poles = read_poles(bank).query("country == @COUNTRY")
    frame = read_frame(RESOURCES / "templates" / "en.yaml", "words")
    languages = DesignLanguages("en", {"en": Wording({"words": frame}, items)})
    arms = {name: {**arm, "shots": min(SHOTS, arm["shots"])} for name, arm in ARMS.items()}
    rankings = {"itself": rank_itself(list(bank["probe"]))}
    experiment = Experiment(Arm.read_all(arms), [COUNTRY], Surveyed(poles), rankings, languages, premises=False)
    design, prompts = experiment.lay_out()
    model, tokenizer = speaker
    rendered = render(prompts, PromptFormat(tokenizer, "chat"), context=None)
    batches = score(model, rendered, "packed", 2048)
    entries = {prompt.key: entry_of_scores(prompt, scores) for batch in batches for prompt, scores in batch.answers}
    answers = collect(prompts, rendered, entries, "-")
    cells, unanswered = score_options(design, answers, Comparison(poles, bank), {"words": "option"})
    assert unanswered.empty and cells.groupby("arm").size().nunique() == 1
    return cells.groupby("arm")["agreement"].mean()


def test_known_answers_are_given(agreement: pd.Series) -> None:
    assert agreement["itself_own"] > agreement["zero_shot"] + 0.1


def test_inverted_answers_are_given_inverted(agreement: pd.Series) -> None:
    assert agreement["itself_inverted"] < min(0.4, agreement["itself_own"] - 0.2)
