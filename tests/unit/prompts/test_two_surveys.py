"""Test probes of one survey with demonstrations from another: what each arm shows, and how similarity is measured."""

import json

import pandas as pd
import pytest
from bank import BANK, bank_texts
from nonempty import some
from places import ROOT
from sacrebleu.metrics import CHRF
from selfalign.arms import Arm
from selfalign.demonstrations.measure_similarity import measure_probes
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.probes.draft_opinion_probes import draft_probes
from selfalign.probes.join_people import join_poles
from selfalign.probes.opinion_probes import as_bank
from selfalign.probes.schemas import Texts
from selfalign.prompts.describe_demonstrations import describe_demonstrations, describe_pairs, list_shown
from selfalign.prompts.design_prompts import Experiment
from selfalign.prompts.frames import read_frame
from selfalign.prompts.sources import Surveyed
from selfalign.prompts.wording import DesignLanguages, Wording, read_neutral, read_personas, word_poles
from selfalign.survey.parse_opinions import (
    describe_opinions,
    opinions_to_distributions,
    rate_samples,
    read_opinion_questions,
)
from selfalign.survey.schemas import Counts, OpinionKeys, OpinionTable
from selfalign.survey.weigh_answers import weigh
from selfalign.tables import read_input
from two_surveys import write_second_survey

RESOURCES = ROOT / "resources"
COUNTRIES = ["DEU", "GBR", "KEN"]
SHOWN = ["Q1", "Q4", "Q8", "Q29", "Q57a", "Q57b", "Q65", "Q71", "Q164", "Q182"]
SHOTS = 3
ARMS = {
    "zero_shot": {"shots": 0},
    "own": {"shots": SHOTS, "strategy": "chrf"},
    "other": {"shots": SHOTS, "strategy": "chrf", "answers": "other"},
    "inverted": {"shots": SHOTS, "strategy": "chrf", "answers": "inverted"},
    "world": {"shots": SHOTS, "strategy": "chrf", "answers": "world"},
    "nearest": {"shots": SHOTS, "strategy": "chrf", "answers": "nearest"},
    "shuffled": {"shots": SHOTS, "strategy": "chrf", "answers": "shuffled"},
    "random": {"shots": SHOTS, "strategy": "random", "seeds": [1, 2]},
    "neutral": {"shots": SHOTS, "answers": "neutral"},
    "diverse": {"shots": SHOTS, "strategy": "chrf", "diversity": 0.9},
    "without_battery": {"shots": SHOTS, "strategy": "chrf", "exclude": ["siblings", "battery"]},
}


class Joined:
    """Four invented test probes and ten shipped probes for demonstrations, with real answers of three countries."""

    def __init__(self, folder) -> None:
        file = write_second_survey(folder / "opinions.csv")
        known = read_input(RESOURCES / "survey" / "opinions.csv", OpinionKeys)
        questions = read_opinion_questions(read_input(file, OpinionTable), known, file)
        samples = rate_samples(questions)
        answers = opinions_to_distributions(questions, samples)
        drafted, _ = draft_probes(describe_opinions(questions, samples), answers, "GAS")
        counts = read_input(RESOURCES / "survey" / "example" / "counts.csv", Counts)
        counts = counts[counts["code"] >= 0]
        people = weigh(counts.assign(n=counts["count"], weight=counts["count"], weight_squared=counts["count"]))
        shown = BANK[BANK["probe"].isin(SHOWN)]
        tests = as_bank(drafted)
        self.bank = pd.concat([shown, tests], ignore_index=True)
        self.tests = frozenset(tests["probe"])
        self.poles, _, _ = join_poles(answers, tests, people, shown, COUNTRIES)
        words = bank_texts().loc[shown["probe"]]
        self.texts = pd.concat([words, drafted[Texts.names()].set_index("probe")])
        self.people = Surveyed(self.poles, None, self.bank, self.tests)

    def similarity(self, measure: str = "chrf") -> pd.DataFrame:
        return measure_probes(self.texts, list(self.bank["probe"]), measure, "en", {"k1": 1.2, "b": 0.75}, self.tests)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Joined:
    return Joined(tmp_path_factory.mktemp("joined"))


@pytest.fixture(scope="module")
def rankings(joined: Joined) -> dict[str, pd.DataFrame]:
    pairs = pair_probes(joined.bank, joined.similarity(), joined.tests)
    return {strategy: rank(pairs, strategy, [1, 2]) for strategy in ("random", "chrf")}


@pytest.fixture(scope="module")
def laid(joined: Joined, rankings: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    neutral = read_neutral(RESOURCES / "neutral" / "en.csv").set_index("item")
    frames = {"words": read_frame(RESOURCES / "templates" / "en.yaml", "words")}
    right = neutral["answer"].to_dict()
    words = Wording(frames, word_poles(joined.texts), neutral=word_poles(neutral), right=right)
    arms = Arm.read_all(ARMS)
    languages = DesignLanguages("en", {"en": words})
    return Experiment(arms, COUNTRIES, joined.people, rankings, languages, premises=False).lay_out()


def shown_by(laid: tuple[pd.DataFrame, pd.DataFrame], arm: str) -> pd.DataFrame:
    """Demonstrations of an arm: country, source, probe, seed, candidate, answer."""
    cells, prompts = laid
    some = cells[(cells["arm"] == arm) & (cells["order"] == "AB")].merge(prompts, on="prompt")
    some = some.assign(pair=some["demonstrations"].str.split()).explode("pair")
    some[["candidate", "answer"]] = some["pair"].str.split("=", expand=True)
    return some[["country", "source", "probe", "seed", "candidate", "answer"]]


@pytest.mark.parametrize("measure", ["chrf", "bm25"])
def test_similarity_is_of_a_test_probe_with_demonstrations_only(joined: Joined, measure: str) -> None:
    table = joined.similarity(measure)
    assert set(table["candidate"]) == set(SHOWN)
    assert set(table["probe"]) == set(SHOWN) | joined.tests


def test_probe_may_have_several_siblings(joined: Joined) -> None:
    first, second, *_ = sorted(joined.tests)
    bank = joined.bank.assign(siblings=joined.bank["siblings"].mask(joined.bank["probe"] == first, "Q8 Q57 Q65"))
    pairs = pair_probes(bank, joined.similarity(), joined.tests)
    siblings = pairs[pairs["sibling"]].groupby("probe")["candidate"].agg(set)
    assert siblings[first] == {"Q8", "Q57a", "Q57b", "Q65"}
    assert second not in siblings and siblings["Q57a"] == {"Q57b"}


def test_siblings_with_a_space_are_one_name_if_a_demonstration_has_them(joined: Joined) -> None:
    names = {"Q8": "war and peace", "Q29": "war and peace", "Q65": "peace"}
    bank = joined.bank.assign(siblings=joined.bank["probe"].map(names).fillna(joined.bank["siblings"]))
    pairs = pair_probes(bank, joined.similarity(), joined.tests)
    siblings = pairs[pairs["sibling"]].groupby("probe")["candidate"].agg(set)
    assert siblings["Q8"] == {"Q29"} and "Q65" not in siblings


def test_chrf_has_the_test_probe_as_hypothesis_and_compares_no_option(joined: Joined) -> None:
    probe = sorted(joined.tests)[0]
    plain = joined.texts["statement"].str.replace("___", " ").str.split().str.join(" ")
    expected = CHRF(word_order=2).sentence_score(plain[probe], [plain["Q57a"]]).score
    found = joined.similarity().set_index(["probe", "candidate"])["similarity"]
    assert found[probe, "Q57a"] == pytest.approx(expected, abs=1e-4)


def test_every_arm_tests_on_the_one_survey_and_shows_the_other(
    laid: tuple[pd.DataFrame, pd.DataFrame], joined: Joined
) -> None:
    cells, _ = laid
    assert set(cells["arm"]) == set(ARMS)
    assert set(cells["probe"]) == joined.tests
    for arm in set(ARMS) - {"zero_shot", "neutral"}:
        assert set(shown_by(laid, arm)["candidate"]) <= set(SHOWN), arm


def test_arms_carry_the_answers_that_they_name(laid: tuple[pd.DataFrame, pd.DataFrame], joined: Joined) -> None:
    poles = joined.poles
    known = Surveyed(poles[~poles["probe"].isin(joined.tests)]).majority.set_index(["source", "candidate"])["answer"]
    for arm, of in {"own": "country", "other": "source", "random": "country", "world": "source"}.items():
        shown = shown_by(laid, arm)
        assert (shown["answer"] == [known[key] for key in zip(shown[of], shown["candidate"], strict=True)]).all(), arm
    inverted = shown_by(laid, "inverted")
    truth = [known[key] for key in zip(inverted["country"], inverted["candidate"], strict=True)]
    assert (inverted["answer"] != truth).all()
    other = shown_by(laid, "other")
    assert (other["source"] != other["country"]).all() and set(other["source"]) == set(COUNTRIES)


def test_shuffled_answers_are_dealt_from_the_demonstrations(
    laid: tuple[pd.DataFrame, pd.DataFrame], joined: Joined
) -> None:
    assert set(joined.people.majority["candidate"]) <= set(SHOWN)
    shown = shown_by(laid, "shuffled").drop_duplicates(["country", "candidate"])
    assert shown.groupby(["country", "candidate"]).size().max() == 1


def test_stated_shares_are_dealt_from_the_demonstrations(rankings: dict[str, pd.DataFrame], joined: Joined) -> None:
    """A test probe's share must not stand in a prompt, not even as the answer to another probe."""
    frames = {"stated": read_frame(RESOURCES / "templates" / "en.yaml", "stated")}
    words = Wording(frames, word_poles(joined.texts))
    personas = {"en": read_personas(RESOURCES / "personas" / "en.csv")}
    languages = DesignLanguages("en", {"en": words}, personas=personas)
    arms = Arm.read_all({"shuffled": ARMS["shuffled"] | {"seeds": [1, 2, 3]}})
    made = Experiment(arms, COUNTRIES, joined.people, rankings, languages, premises=False).lay_out()
    share = joined.poles.set_index(["country", "probe"])["share_a"].mul(100).round().astype(int).astype(str)
    for country, shown in some(shown_by(made, "shuffled")).groupby("country"):
        dealt = shown.drop_duplicates(["seed", "candidate"]).groupby("seed")["answer"].agg(sorted)
        own = share[country].reindex([probe for probe in SHOWN if probe in share[country]])
        assert len(dealt) == 3 and set().union(*dealt) <= set(own), country


def test_diverse_demonstrations_are_compared_with_each_other(laid: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Q57a and Q57b read almost the same, so a diverse set has one of them at most."""
    sets = shown_by(laid, "diverse").groupby(["country", "probe"])["candidate"].agg(set)
    assert not sets.map(lambda shown: {"Q57a", "Q57b"} <= shown).any()


def test_arm_without_battery_shows_what_the_plain_arm_shows(laid: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """So a run refuses the arm."""
    pd.testing.assert_frame_equal(shown_by(laid, "own"), shown_by(laid, "without_battery"))


def test_nothing_of_the_questionnaire_is_shared(
    laid: tuple[pd.DataFrame, pd.DataFrame], joined: Joined, rankings: dict[str, pd.DataFrame]
) -> None:
    arms = Arm.read_all(ARMS)
    shown = list_shown(laid[0], laid[1])
    pairs = {name: describe_pairs(one, joined.bank, joined.texts, joined.tests) for name, one in rankings.items()}
    table = describe_demonstrations("en", arms, shown, pairs)
    row = table.set_index("arm").loc["own"]
    assert (row["same_battery"], row["same_category"], row["within_5"]) == (0, 0, 0)
    assert row["not_ranked"] == 0 and row["similarity"] > 0


def test_country_answers_differ_between_prompts(laid: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cells, prompts = laid
    own = cells[(cells["arm"] == "own") & (cells["order"] == "AB")].merge(prompts, on="prompt")
    turns = own["shown"].map(json.loads)
    assert turns.map(len).eq(SHOTS).all()
    assert own.groupby("probe")["prompt"].nunique().max() > 1
