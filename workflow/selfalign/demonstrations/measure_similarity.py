"""Step measure_similarity: how similar every two probes are in one language, by one measure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import bm25s
import click
import numpy as np
import pandas as pd
from sacrebleu.metrics import CHRF
from sacrebleu.tokenizers.tokenizer_char import TokenizerChar
from sacrebleu.tokenizers.tokenizer_intl import TokenizerV14International
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh
from scipy import sparse

from selfalign.demonstrations.encoders import encode
from selfalign.demonstrations.schemas import Similarity
from selfalign.demonstrations.strategies import SIMILARITIES
from selfalign.options import Json, readable, writable
from selfalign.probes.bank import BLANK, read_bank, read_texts
from selfalign.tables import write_table


def chrf_similarity(texts: pd.DataFrame, candidates: Sequence[str] | None = None) -> pd.DataFrame:
    """chrF++ between the statements of every two probes.

    chrF++ is sacreBLEU's chrF with word bigrams (Popović 2017), per sentence. It is not symmetric: the test probe
    is the hypothesis, the candidate the reference. The blank is left out, the options are not compared.

    Args:
        texts: a `Texts` table indexed by probe.
        candidates: the probes that may be shown; all if not given.

    Returns:
        Scores in points (0 to 100): a row per test probe, a column per candidate.
    """
    metric = CHRF(word_order=2)
    statements = _statements(texts)
    references = statements if candidates is None else statements.loc[list(candidates)]
    # `metric.sentence_score` gives the same numbers. It counts the n-grams of both texts again for every pair.
    counts = [metric._extract_reference_info([text])["ref_ngrams"][0] for text in statements]
    precision, recall, orders = (np.zeros((len(counts), len(counts))) for _ in range(3))
    for of_order in zip(*counts, strict=True):
        matches = _match(of_order)
        size = matches.diagonal()
        precision += matches / np.maximum(size, 1)[:, None]
        recall += matches / np.maximum(size, 1)
        orders += (size[:, None] > 0) & (size > 0)
    precision, recall = (total / np.maximum(orders, 1) for total in (precision, recall))
    factor = metric.beta**2
    below = factor * precision + recall
    scores = 100 * ((1 + factor) * precision * recall / np.where(below > 0, below, 1))
    return pd.DataFrame(scores, index=statements.index, columns=statements.index)[list(references.index)]


def _match(counts: Sequence[Counter[str]]) -> np.ndarray:
    """How many n-grams every two texts share, each as often as both have it: texts x texts.

    Args:
        counts: the n-grams of each text, of one order.
    """
    columns: dict[tuple[str, int], int] = {}
    found = [
        [columns.setdefault((part, time), len(columns)) for part, number in one.items() for time in range(number)]
        for one in counts
    ]
    rows = np.repeat(np.arange(len(found)), [len(one) for one in found])
    places = np.fromiter(chain.from_iterable(found), dtype=int)
    has = sparse.csr_array((np.ones(len(places)), (rows, places)), shape=(len(found), max(len(columns), 1)))
    shared: np.ndarray = (has @ has.T).toarray()
    return shared


def bm25_similarity(texts: pd.DataFrame, language: str, k1: float, b: float) -> pd.DataFrame:
    """BM25 between the statements of every two probes, as a share of what the test probe could reach.

    The test probe is the query, its words in lower case; words that few statements have count more. The score is
    Lucene's (Kamphuis et al. 2020, table 1): the sum over the query's words of
    idf(w) * tf / (tf + k1 * (1 - b + b * length / mean length)). A word adds less than its idf, however often it
    occurs. So the score is divided by the sum of the idf. Not symmetric. A statement without words is similar to no
    other: 0.

    Args:
        texts: a `Texts` table indexed by probe: the whole bank, in which words are rare or common.
        language: ISO 639-1 code. Languages without spaces are cut into characters (sacreBLEU's `zh` and
            `char`), the others into words (`intl`).
        k1: how soon repetitions of a word count less.
        b: how much long statements are marked down, from 0 to 1.

    Returns:
        Points (0 to 100): a row per test probe, a column per candidate.
    """
    queries = [_words(statement, language) for statement in _statements(texts)]
    reachable = np.diag(_score(queries, k1=0, b=0))  # at k1 = 0 a word that occurs counts in full
    scores = _score(queries, k1, b)
    shares = np.divide(scores, reachable[:, None], out=np.zeros_like(scores), where=reachable[:, None] > 0)
    return _square(100 * shares, texts)


def embedding_similarity(texts: pd.DataFrame, language: str, model: str) -> pd.DataFrame:
    """Cosine between the sentence embeddings of the statements of every two probes, times 100.

    Rounded to 0.01, because encoders compute in single precision, and machines differ beyond that.

    Args:
        texts: a `Texts` table indexed by probe.
        language: ISO 639-1 code.
        model: as `encode` takes it.

    Returns:
        Points (-100 to 100): a row per test probe, a column per candidate.
    """
    rows = encode(list(_statements(texts)), language, model)
    return _square((100 * rows @ rows.T).round(2).clip(-100, 100), texts)


def measure_probes(
    texts: pd.DataFrame,
    probes: list[str],
    measure: str,
    language: str,
    settings: dict[str, Any],
    tests: Collection[str] = (),
) -> pd.DataFrame:
    """Similarity of every probe in use with every candidate.

    Args:
        texts: a `Texts` table indexed by probe: every row of its file, because `bm25` counts in how many a word is.
        probes: those in use.
        measure: one of `SIMILARITIES`.
        language: of the wording, as an ISO 639-1 code.
        settings: of the measure: k1 and b of `bm25`, model of `embedding`.
        tests: those of `probes` that are test probes only. The others are candidates, and all are if this is empty.

    Returns:
        A `Similarity` table, in the order of `probes`.
    """
    candidates = [probe for probe in probes if probe not in set(tests)]
    return list_pairs(_COMPARE[measure](texts, probes, candidates, language, settings))


Compare = Callable[[pd.DataFrame, list[str], list[str], str, Mapping[str, Any]], pd.DataFrame]
"""Similarities of the probes in use with the candidates, from the texts of all probes, these two lists, the language of
the texts and the settings of the measure."""

_COMPARE: dict[str, Compare] = {
    "chrf": lambda texts, probes, candidates, language, settings: chrf_similarity(texts.loc[probes], candidates),
    "bm25": lambda texts, probes, candidates, language, settings: bm25_similarity(
        texts, language, settings["k1"], settings["b"]
    ).loc[probes, candidates],
    "embedding": lambda texts, probes, candidates, language, settings: embedding_similarity(
        texts.loc[probes], language, settings["model"]
    ).loc[probes, candidates],
}
"""By name of the measure. The names are in `SIMILARITIES`, which modules read that compute nothing."""


def list_pairs(similarity: pd.DataFrame) -> pd.DataFrame:
    """A square of similarities as a `Similarity` table: a row per pair of different probes."""
    pairs = similarity.round(4).rename_axis(index="probe", columns="candidate").stack().rename("similarity")
    pairs = pairs.reset_index()
    return pairs[pairs["probe"] != pairs["candidate"]].reset_index(drop=True)


def _statements(texts: pd.DataFrame) -> pd.Series:
    return texts["statement"].str.replace(BLANK, " ").str.split().str.join(" ")


_CHARACTERS = {"zh": TokenizerZh} | dict.fromkeys(["ja", "km", "lo", "my", "th"], TokenizerChar)
"""By language that is written without spaces, what cuts a statement into characters."""


def _words(statement: str, language: str) -> list[str]:
    tokenize = _CHARACTERS.get(language, TokenizerV14International)()
    return [word for word in tokenize(statement.lower()).split() if any(map(str.isalnum, word))]


def _score(queries: list[list[str]], k1: float, b: float) -> np.ndarray:
    if not any(queries):
        return np.zeros((len(queries), len(queries)))
    index = bm25s.BM25(method="lucene", k1=k1, b=b, dtype="float64")
    index.index(queries, show_progress=False)
    nothing = np.zeros(len(queries))
    return np.stack([index.get_scores(query) if query else nothing for query in queries])


def _square(scores: object, texts: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(scores, index=texts.index, columns=texts.index)


@click.command()
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--tests", type=readable, help="Test probes that are not shown (CSV); all may be shown if not given.")
@click.option("--texts", type=readable, required=True, help="Wording of the probes (CSV).")
@click.option("--language", required=True, help="Language of the wording.")
@click.option("--measure", type=click.Choice(SIMILARITIES), required=True, help="What to compare probes by.")
@click.option("--settings", type=Json(dict[str, Any]), default="{}", help="Settings of the measure (JSON).")
@click.option("--output", type=writable, required=True, help="Similarities (Parquet).")
def command(
    bank: Path,
    tests: Path | None,
    texts: Path,
    language: str,
    measure: str,
    settings: dict[str, Any],
    output: Path,
) -> None:
    """Measure how similar every two probes are, in the words of one language."""
    probes, only = read_bank(bank), set(read_bank(tests)["probe"]) if tests else set()
    similarity = measure_probes(
        read_texts(texts, probes, others=True), list(probes["probe"]), measure, language, settings, only
    )
    write_table(similarity, output, Similarity)
