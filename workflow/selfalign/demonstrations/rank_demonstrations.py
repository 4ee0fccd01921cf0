"""Step rank_demonstrations: which probes to show before each test probe, by one strategy."""

from collections.abc import Collection
from pathlib import Path

import click
import pandas as pd

from selfalign.demonstrations.schemas import Ranking, Similarity
from selfalign.demonstrations.strategies import SEEDED, STRATEGIES
from selfalign.draws import draw_number
from selfalign.options import Words, readable, writable
from selfalign.probes.bank import name_siblings, read_bank
from selfalign.tables import read_table, write_table


def pair_probes(bank: pd.DataFrame, similarity: pd.DataFrame, tests: Collection[str] = ()) -> pd.DataFrame:
    """Every probe with every other that may be shown: probe, candidate, similarity and what they have in common.

    Args:
        bank: the probes in use, columns of a `Bank` table.
        similarity: a `Similarity` table of theirs.
        tests: the test probes that are not shown; all may be shown if this is empty.

    Returns:
        Columns probe, candidate, similarity, sibling, same_battery, same_category, in the bank's order.
    """
    facts = bank[["probe", "siblings", "battery", "category"]]
    shown = facts[~facts["probe"].isin(list(tests))]
    pairs = facts.merge(shown.add_prefix("candidate_"), how="cross").rename(columns={"candidate_probe": "candidate"})
    pairs = pairs[pairs["probe"] != pairs["candidate"]].merge(
        similarity, how="left", on=["probe", "candidate"], validate="one_to_one"
    )
    known = set(shown["siblings"])
    names = {text: name_siblings(text, known) for text in facts["siblings"].unique()}
    both = zip(pairs["siblings"], pairs["candidate_siblings"], strict=True)
    return pairs[["probe", "candidate", "similarity"]].assign(
        sibling=[candidate in names[text] for text, candidate in both],
        same_battery=pairs["battery"] == pairs["candidate_battery"],
        same_category=pairs["category"] == pairs["candidate_category"],
    )


def rank(pairs: pd.DataFrame, strategy: str, seeds: list[int]) -> pd.DataFrame:
    """Candidates of every test probe in the order in which a strategy would show them.

    Args:
        pairs: as `pair_probes` returns them, with the similarity that the strategy orders by.
        strategy: one of `STRATEGIES`. A measure orders by similarity, most similar first, ties in the bank's order;
            `random` shuffles; `category` shuffles the candidates of the test probe's category.
        seeds: of the shuffles. Each test probe has its own shuffle. Measures do not use them.

    Returns:
        A `Ranking` table. Only the test probe itself is excluded here; arms exclude the others.
    """
    eligible = pairs[pairs["same_category"]] if strategy == "category" else pairs
    ranked = []
    for seed in seeds if strategy in SEEDED else [0]:
        key = _draw(eligible, strategy, seed) if strategy in SEEDED else -eligible["similarity"]
        ordered = eligible.assign(seed=seed, key=key).sort_values(["probe", "key"], kind="stable")
        ranked.append(ordered.assign(rank=ordered.groupby("probe").cumcount() + 1))
    return pd.concat(ranked, ignore_index=True)[Ranking.names()]


def _draw(pairs: pd.DataFrame, strategy: str, seed: int) -> list[int]:
    return [
        draw_number(strategy, seed, probe, candidate)
        for probe, candidate in zip(pairs["probe"], pairs["candidate"], strict=True)
    ]


@click.command()
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--tests", type=readable, help="Test probes that are not shown (CSV); all may be shown if not given.")
@click.option("--similarity", type=readable, required=True, help="Similarity of the probes (Parquet).")
@click.option("--strategy", type=click.Choice(STRATEGIES), required=True, help="How to order the candidates.")
@click.option("--seeds", type=Words(int), default="", help="Seeds of the draws.")
@click.option("--output", type=writable, required=True, help="Rankings (Parquet).")
def command(bank: Path, tests: Path | None, similarity: Path, strategy: str, seeds: list[int], output: Path) -> None:
    """Rank all other probes as demonstrations for each test probe.

    The similarity is that of the strategy's measure. For strategies that draw, it is only recorded.
    """
    only = set(read_bank(tests)["probe"]) if tests else set()
    pairs = pair_probes(read_bank(bank), read_table(similarity, Similarity), only)
    write_table(rank(pairs, strategy, seeds), output, Ranking)
