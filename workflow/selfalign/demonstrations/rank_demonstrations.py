"""Step rank_demonstrations: which probes to show before each test probe, by one strategy."""

import hashlib
from pathlib import Path

import click
import pandas as pd
from sacrebleu.metrics import CHRF

from selfalign.demonstrations.tables import SEEDED, STRATEGIES, Ranking
from selfalign.options import Words, readable, writable
from selfalign.probes.bank import BLANK, read_bank, read_texts, select_probes
from selfalign.tables import write_table


def chrf_similarity(texts: pd.DataFrame) -> pd.DataFrame:
    """chrF++ between the statements of every two probes.

    chrF++ is sacreBLEU's chrF with word bigrams (Popović 2017), per sentence. It is not symmetric: the test probe
    is the hypothesis, the candidate the reference. The blank is left out, the options are not compared.

    Args:
        texts: a `Texts` table indexed by probe.

    Returns:
        Scores in points (0 to 100): a row per test probe, a column per candidate.
    """
    metric = CHRF(word_order=2)
    statements = texts["statement"].str.replace(BLANK, " ").str.split().str.join(" ")
    scores = [
        [metric.sentence_score(hypothesis, [reference]).score for reference in statements] for hypothesis in statements
    ]
    return pd.DataFrame(scores, index=texts.index, columns=texts.index)


def pair_probes(bank: pd.DataFrame, similarity: pd.DataFrame) -> pd.DataFrame:
    """Every test probe with every other probe: probe, candidate, similarity and what they have in common."""
    facts = bank[["probe", "siblings", "battery", "category"]]
    pairs = facts.merge(facts.add_suffix("_of_candidate"), how="cross")
    pairs = pairs[pairs["probe"] != pairs["probe_of_candidate"]].reset_index(drop=True)
    places = similarity.index.get_indexer
    return pd.DataFrame(
        {
            "probe": pairs["probe"],
            "candidate": pairs["probe_of_candidate"],
            "similarity": similarity.to_numpy()[places(pairs["probe"]), places(pairs["probe_of_candidate"])].round(4),
            "sibling": pairs["siblings"] == pairs["siblings_of_candidate"],
            "same_battery": pairs["battery"] == pairs["battery_of_candidate"],
            "same_category": pairs["category"] == pairs["category_of_candidate"],
        }
    )


def rank(pairs: pd.DataFrame, strategy: str, seeds: list[int]) -> pd.DataFrame:
    """Candidates of every test probe in the order in which a strategy would show them.

    Args:
        pairs: as `pair_probes` returns them.
        strategy: one of `STRATEGIES`. `chrf` orders by similarity, most similar first, ties in the bank's order;
            `random` shuffles; `category` shuffles the candidates of the test probe's category.
        seeds: of the shuffles, which are drawn anew for each test probe; not used by `chrf`.

    Returns:
        A `Ranking` table. Nothing is excluded here but the test probe itself: that is for the arm to say.
    """
    eligible = pairs[pairs["same_category"]] if strategy == "category" else pairs
    ranked = []
    for seed in seeds if strategy in SEEDED else [0]:
        key = -eligible["similarity"] if strategy == "chrf" else _draw(eligible, strategy, seed)
        ordered = eligible.assign(seed=seed, key=key).sort_values(["probe", "key"], kind="stable")
        ranked.append(ordered.assign(rank=ordered.groupby("probe").cumcount() + 1))
    return pd.concat(ranked, ignore_index=True)[list(Ranking.to_schema().columns)]


def _draw(pairs: pd.DataFrame, strategy: str, seed: int) -> list[int]:
    """A random key per pair that depends on nothing else, so that a new probe leaves the order of the others alone."""
    names = (
        f"{strategy}/{seed}/{probe}/{candidate}"
        for probe, candidate in zip(pairs["probe"], pairs["candidate"], strict=True)
    )
    return [int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]) for name in names]


@click.command()
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--texts", type=readable, required=True, help="Wording of the probes in one language (CSV).")
@click.option("--categories", type=Words(), default="", help="Categories of probes to use; all by default.")
@click.option("--only", type=Words(), default="", help="Probes to use, by id; all by default.")
@click.option("--strategy", type=click.Choice(STRATEGIES), required=True, help="How to order the candidates.")
@click.option("--seeds", type=Words(int), default="", help="Seeds of the draws.")
@click.option("--output", type=writable, required=True, help="Rankings (Parquet).")
def command(
    bank: Path, texts: Path, categories: list[str], only: list[str], strategy: str, seeds: list[int], output: Path
) -> None:
    """Rank all other probes as demonstrations for each test probe."""
    everything = read_bank(bank)
    probes = select_probes(everything, categories, only, bank)
    pairs = pair_probes(probes, chrf_similarity(read_texts(texts, everything).loc[probes["probe"]]))
    write_table(rank(pairs, strategy, seeds), output, Ranking)
