"""The demonstrations stage: similarity as sacreBLEU has it, and draws that depend on names and seed alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sacrebleu
from selfalign.demonstrations.rank_demonstrations import chrf_similarity, pair_probes, rank
from selfalign.demonstrations.tables import STRATEGIES, Ranking
from selfalign.probes.bank import read_bank, read_texts

ROOT = Path(__file__).parent.parent
BANK = ROOT / "resources" / "probes" / "probes.csv"
TEXTS = ROOT / "resources" / "probes" / "texts" / "en.csv"
SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def bank() -> pd.DataFrame:
    return read_bank(BANK)


@pytest.fixture(scope="module")
def texts(bank: pd.DataFrame) -> pd.DataFrame:
    return read_texts(TEXTS, bank)


@pytest.fixture(scope="module")
def similarity(texts: pd.DataFrame) -> pd.DataFrame:
    return chrf_similarity(texts)


@pytest.fixture(scope="module")
def pairs(bank: pd.DataFrame, similarity: pd.DataFrame) -> pd.DataFrame:
    return pair_probes(bank, similarity)


@pytest.fixture(scope="module")
def rankings(pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {strategy: Ranking.validate(rank(pairs, strategy, SEEDS)) for strategy in STRATEGIES}


def orders(ranking: pd.DataFrame) -> dict[tuple[str, int], list[str]]:
    """Candidates in the order shown, by test probe and seed."""
    return ranking.sort_values("rank").groupby(["probe", "seed"])["candidate"].agg(list).to_dict()


# Similarity


def test_similarity_of_two_real_statements_is_chrf_with_word_bigrams(
    texts: pd.DataFrame, similarity: pd.DataFrame
) -> None:
    assert texts.loc["Q4", "statement"] == "To me, politics means ___."
    assert texts.loc["Q6", "statement"] == "Religion plays a ___ part in my life."
    test_probe, candidate = "To me, politics means .", "Religion plays a part in my life."
    expected = sacrebleu.sentence_chrf(test_probe, [candidate], word_order=2).score
    assert similarity.loc["Q4", "Q6"] == expected
    assert similarity.loc["Q4", "Q6"] != sacrebleu.sentence_chrf(test_probe, [candidate]).score
    assert similarity.loc["Q6", "Q4"] == sacrebleu.sentence_chrf(candidate, [test_probe], word_order=2).score


def test_similarity_is_full_with_itself_and_not_symmetric(similarity: pd.DataFrame) -> None:
    scores = similarity.to_numpy()
    np.testing.assert_allclose(np.diag(scores), 100)
    others = scores[~np.eye(len(scores), dtype=bool)]
    assert others.min() >= 0 and others.max() < 100
    assert (np.abs(scores - scores.T) > 0.1).mean() > 0.5


def test_options_do_not_count_in_similarity(texts: pd.DataFrame, similarity: pd.DataFrame) -> None:
    few = texts.head(4)
    changed = chrf_similarity(few.assign(option_a="something else", option_b="nothing of the sort"))
    pd.testing.assert_frame_equal(changed, similarity.loc[few.index, few.index])


# Ranking


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_candidate_is_ranked_once_and_no_probe_for_itself(
    strategy: str, rankings: dict[str, pd.DataFrame], bank: pd.DataFrame
) -> None:
    category = bank.set_index("probe")["category"]
    found = orders(rankings[strategy])
    assert {seed for _, seed in found} == ({0} if strategy == "chrf" else set(SEEDS))
    assert {probe for probe, _ in found} == set(bank["probe"])
    for (probe, _), candidates in found.items():
        pool = bank["probe"] if strategy != "category" else bank.loc[bank["category"] == category[probe], "probe"]
        assert sorted(candidates) == sorted(set(pool) - {probe})
    for _, rows in rankings[strategy].groupby(["probe", "seed"]):
        assert sorted(rows["rank"]) == list(range(1, len(rows) + 1))


def test_most_similar_candidate_comes_first(
    rankings: dict[str, pd.DataFrame], similarity: pd.DataFrame, bank: pd.DataFrame
) -> None:
    places = {probe: place for place, probe in enumerate(bank["probe"])}
    for (probe, _), candidates in orders(rankings["chrf"]).items():
        keys = [(-round(similarity.loc[probe, candidate], 4), places[candidate]) for candidate in candidates]
        assert keys == sorted(keys), probe


def test_equally_similar_candidates_come_in_the_order_of_the_bank(bank: pd.DataFrame, texts: pd.DataFrame) -> None:
    some = bank.iloc[[5, 2, 8, 0]]
    same = texts.loc[some["probe"]].assign(statement="I like ___.")
    for (probe, _), candidates in orders(rank(pair_probes(some, chrf_similarity(same)), "chrf", [])).items():
        assert candidates == [other for other in some["probe"] if other != probe]


def test_draws_differ_between_seeds_strategies_and_test_probes(rankings: dict[str, pd.DataFrame]) -> None:
    for strategy, length in (("random", 71), ("category", 6)):
        found = orders(rankings[strategy])
        for one, other in ((1, 2), (2, 3), (1, 3)):
            same = sum(found[probe, one] == found[probe, other] for probe, seed in found if seed == one)
            assert same <= (0 if length == 71 else 2)
    shared = [probe for probe in orders(rankings["random"])[("Q4", 1)] if probe != "Q6"]
    assert shared != [probe for probe in orders(rankings["random"])[("Q6", 1)] if probe != "Q4"]
    in_category = orders(rankings["category"])[("Q4", 1)]
    assert in_category != [probe for probe in orders(rankings["random"])[("Q4", 1)] if probe in in_category]


def test_draws_favour_no_candidate(pairs: pd.DataFrame) -> None:
    ranking = rank(pairs, "random", list(range(1, 41)))
    mean_rank = ranking.groupby("candidate")["rank"].mean()
    others = pairs["candidate"].nunique() - 1  # test probes, each of which draws a rank from 1 to that 40 times
    error = np.sqrt((others**2 - 1) / 12 / (others * 40))
    assert ((mean_rank - (others + 1) / 2).abs() < 4 * error).all()
    assert abs(np.corrcoef(ranking["rank"], ranking["similarity"])[0, 1]) < 0.01


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_new_probe_leaves_the_order_of_the_others(
    strategy: str, rankings: dict[str, pd.DataFrame], bank: pd.DataFrame, similarity: pd.DataFrame
) -> None:
    new = "Q113"
    smaller = bank[bank["probe"] != new]
    before = orders(rank(pair_probes(smaller, similarity.loc[smaller["probe"], smaller["probe"]]), strategy, SEEDS))
    after = orders(rankings[strategy])
    assert set(after) - set(before) == {(new, seed) for seed in ([0] if strategy == "chrf" else SEEDS)}
    for key, candidates in before.items():
        assert [candidate for candidate in after[key] if candidate != new] == candidates


def test_ranking_does_not_depend_on_which_other_seeds_are_asked_for(
    rankings: dict[str, pd.DataFrame], pairs: pd.DataFrame
) -> None:
    alone = orders(rank(pairs, "random", [3]))
    assert alone == {key: order for key, order in orders(rankings["random"]).items() if key[1] == 3}


def test_what_two_probes_have_in_common_is_flagged(pairs: pd.DataFrame) -> None:
    flags = pairs.set_index(["probe", "candidate"])[["sibling", "same_battery", "same_category"]]
    assert list(flags.loc[("Q57a", "Q57b")]) == [True, True, True]
    assert list(flags.loc[("Q209", "Q218")]) == [True, False, True]
    assert list(flags.loc[("Q182", "Q185")]) == [False, True, True]
    assert list(flags.loc[("Q46", "Q48")]) == [False, False, True]
    assert list(flags.loc[("Q46", "Q4")]) == [False, False, False]
    assert flags["sibling"].sum() == 10
    assert flags.equals(flags.swaplevel().loc[flags.index].set_axis(flags.index))


def test_table_is_the_same_to_the_byte_in_every_process(tmp_path: Path) -> None:
    bank, texts = tmp_path / "bank.csv", tmp_path / "en.csv"
    for source, copy in ((BANK, bank), (TEXTS, texts)):
        copy.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:16]), encoding="utf-8")
    made = []
    for hash_seed in ("1", "2"):
        output = tmp_path / f"{hash_seed}.parquet"
        files = ["--bank", bank, "--texts", texts, "--output", output]
        command = [sys.executable, "-m", "selfalign", "rank-demonstrations", "--strategy", "random", "--seeds", "1 2"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([*command, *map(str, files)], check=True, cwd=tmp_path, env=environment)
        made.append(output.read_bytes())
    assert made[0] == made[1]
