"""The positive control: prompts in which the test probe is one of its own demonstrations."""

import json

import numpy as np
import pandas as pd
import pytest
from bank import BANK
from engines.workloads import COUNTRIES, read_poles
from positive_control import choices_of, estimate, lay_out, repeat, score
from selfalign.contrasts import Contrast
from selfalign.prompts.sources import Surveyed
from selfalign.scoring.schemas import ALL

pytestmark = pytest.mark.slow

PLACE = 2


@pytest.fixture(scope="module")
def people() -> Surveyed:
    probes = BANK.query("on_request == ''").iloc[::5]["probe"]
    poles = read_poles(BANK)
    return Surveyed(poles[poles["probe"].isin(probes)], None, BANK)


@pytest.fixture(scope="module")
def laid(people: Surveyed) -> tuple[pd.DataFrame, pd.DataFrame]:
    probes = people.bank[people.bank["probe"].isin(people.poles["probe"])]
    return lay_out(people, probes, COUNTRIES, PLACE)


def test_prompts_of_a_probe_differ_in_its_own_answer_only(laid: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    design, prompts = laid
    cells = design.drop_duplicates("prompt").merge(prompts, on="prompt")
    assert (cells.groupby(["probe", "order"]).size() == 2).all(), "the answer A and the answer B"
    for _, two in cells.groupby(["probe", "order"]):
        first, second = (json.loads(shown) for shown in two["shown"])
        differing = [at for at, pairs in enumerate(zip(first, second, strict=True), start=1) if pairs[0] != pairs[1]]
        assert len(first) == 5 and differing == [PLACE]
        assert first[PLACE - 1][0] == second[PLACE - 1][0], "the same question"
        assert two["asked"].nunique() == 1
    named = cells["demonstrations"].str.split()
    probes = named.str[PLACE - 1].str.partition("=")[0]
    assert (probes == cells["probe"]).all()


def test_own_and_other_cells_show_the_answers_of_their_country(
    laid: tuple[pd.DataFrame, pd.DataFrame], people: Surveyed
) -> None:
    design, prompts = laid
    shown = design["prompt"].map(prompts.set_index("prompt")["demonstrations"]).str.split().str[PLACE - 1].str[-1]
    majority = people.poles.set_index(["country", "probe"])["majority"]
    of_source = majority.loc[pd.MultiIndex.from_frame(design[["source", "probe"]])].to_numpy()
    inverted = design["arm"] == "itself_inverted"
    assert ((shown == of_source) == ~inverted).all()
    own = design[design["arm"] == "itself"]
    assert (own["source"] == own["country"]).all()
    other = design[design["arm"] == "itself_other"]
    assert (other["source"] != other["country"]).all() and (other.groupby(["country", "probe"]).size() <= 6).all()


def test_the_repeater_has_the_share_of_cells_in_which_majorities_differ(
    laid: tuple[pd.DataFrame, pd.DataFrame], people: Surveyed
) -> None:
    design, prompts = laid
    scores = score(design, repeat(design, prompts), people, "repeater")
    assert scores.query("arm == 'itself'")["agreement"].eq(1).all()
    assert scores.query("arm == 'itself_inverted'")["agreement"].eq(0).all()
    majority = people.poles.query("majority != 'tie'").set_index(["country", "probe"])["majority"].unstack("country")
    differs = [
        np.mean([(rows := majority[[one, two]].dropna())[one].ne(rows[two]).mean() for two in COUNTRIES if two != one])
        for one in COUNTRIES
    ]
    contrasts = [Contrast(arm="itself", against="itself_other")]
    table = estimate(scores.assign(model="model"), scores, contrasts, people, 50)
    row = table[(table["against"] == "itself_other") & (table["country"] == ALL)].iloc[0]
    assert row["reader_estimate"] == pytest.approx(np.mean(differs), abs=0.002)  # few countries lack a majority
    assert row["share"] == pytest.approx(1)


def test_choices_are_listed_by_shown_answer(laid: tuple[pd.DataFrame, pd.DataFrame], people: Surveyed) -> None:
    design, prompts = laid
    scores = score(design, repeat(design, prompts), people, "repeater")
    chosen = choices_of(design, prompts, scores)
    assert len(chosen) == 2 * design["probe"].nunique()
    assert ((chosen["p_a"] > 0.5) == (chosen["shown"] == "A")).all()
