"""Step describe_demonstrations: the similarity of each arm's demonstrations to its test probes, in one language."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.arms import Arm
from selfalign.demonstrations.pick import SET
from selfalign.demonstrations.schemas import Ranking
from selfalign.demonstrations.strategies import measure_of
from selfalign.options import Json, readable, writable
from selfalign.probes.bank import read_bank, read_texts
from selfalign.prompts.schemas import Demonstrations, Design, Prompts
from selfalign.tables import read_table, write_table

_SHARES = ["same_battery", "same_category", "same_options", "within_5"]
_QUANTILES = {f"similarity_q{round(100 * level):02d}": level for level in (0.05, 0.25, 0.5, 0.75, 0.95)}


def list_shown(design: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """The demonstrations, one per row: columns arm, set (its number), source, probe, seed, candidate.

    A set that several countries, frames, orders or answers share is listed once.

    Args:
        design: a `Design` table.
        prompts: its `Prompts` table.
    """
    sets = design.merge(prompts[["prompt", "demonstrations"]], on="prompt", validate="many_to_one")
    sets = sets.assign(candidate=sets["demonstrations"].str.replace(r"=\S+", "", regex=True))
    sets = sets[sets["candidate"] != ""].drop_duplicates(["arm", *SET, "candidate"]).reset_index(drop=True)
    shown = sets.assign(set=sets.index, candidate=sets["candidate"].str.split()).explode("candidate")
    return shown[["arm", "set", *SET, "candidate"]].reset_index(drop=True)


def describe_pairs(
    ranking: pd.DataFrame, bank: pd.DataFrame, texts: pd.DataFrame, tests: Collection[str] = ()
) -> pd.DataFrame:
    """Facts of each test probe with each candidate: probe, candidate, similarity and the columns of shares.

    Args:
        ranking: a `Ranking` table.
        bank: a `Bank` table.
        texts: a `Texts` table indexed by probe.
        tests: test probes from another survey than the candidates. They have no place in the candidates' questionnaire,
            so none is within 5 questions.
    """
    pairs = ranking.drop_duplicates(["probe", "candidate"])
    number = _number_questions(bank)
    options = texts[["option_a", "option_b"]].agg(frozenset, axis=1)
    first, second = pairs["probe"], pairs["candidate"]
    apart = (first.map(number) - second.map(number)).abs()
    pairs = pairs.assign(
        same_options=first.map(options) == second.map(options), within_5=(apart <= 5) & ~first.isin(list(tests))
    )
    return pairs[["probe", "candidate", "similarity", *_SHARES]]


def _number_questions(bank: pd.DataFrame) -> pd.Series:
    """Number of each probe's question in the questionnaire: that of an id such as Q57, or its place in the bank."""
    questions = bank.set_index("probe")["question"]
    numbers = questions.str.extract(r"^Q(\d+)[A-Z]?$", expand=False)
    if numbers.isna().any():
        return pd.Series(pd.factorize(questions)[0], index=questions.index)
    return numbers.astype(int)


def describe_demonstrations(
    language: str, arms: dict[str, Arm], shown: pd.DataFrame, pairs: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """How similar the demonstrations of each arm are to their test probes, and what they share with them.

    Args:
        language: ISO 639-1 code.
        arms: by name; their strategies are used.
        shown: as `list_shown` returns it.
        pairs: by strategy, test probes with their candidates, as `describe_pairs` returns them.

    Returns:
        A `Demonstrations` table: a row per arm that shows something, in the order of `arms`.
    """
    rows = []
    for name, arm in arms.items():
        strategy, mine = arm.strategy, shown[shown["arm"] == name]
        if mine.empty:
            continue
        known = mine.merge(pairs[strategy], on=["probe", "candidate"]) if strategy else mine.iloc[:0]
        row = {"language": language, "arm": name, "strategy": strategy or "none"}
        row |= {"sets": mine["set"].nunique(), "shown": len(mine), "not_ranked": len(mine) - len(known)}
        row |= {"measure": measure_of(strategy) if strategy else "none"}
        known = known.reindex(columns=["similarity", *_SHARES]).astype(float)
        row |= known.mean().to_dict()
        rows.append(row | {column: known["similarity"].quantile(level) for column, level in _QUANTILES.items()})
    return pd.DataFrame(rows, columns=Demonstrations.names()).round(4)


@click.command()
@click.argument("rankings", type=readable, nargs=-1)
@click.option(
    "--arms", type=Json(dict[str, dict[str, Any]]), required=True, help="Settings of the arms, by name (JSON)."
)
@click.option("--language", required=True, help="Language of the prompts.")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--tests", type=readable, help="Test probes from another survey than the candidates (CSV).")
@click.option("--texts", type=readable, required=True, help="Wording of the probes in this language (CSV).")
@click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet).")
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--output", type=writable, required=True, help="Description (CSV).")
def command(
    rankings: tuple[Path, ...],
    arms: dict[str, dict[str, Any]],
    language: str,
    bank: Path,
    tests: Path | None,
    texts: Path,
    design: Path,
    prompts: Path,
    output: Path,
) -> None:
    """Describe how similar the demonstrations of each arm are to its test probes.

    RANKINGS are the rankings of the strategies that the arms use, named STRATEGY.parquet.
    """
    probes = read_bank(bank)
    words, only = read_texts(texts, probes, others=True), set(read_bank(tests)["probe"]) if tests else set()
    pairs = {path.stem: describe_pairs(read_table(path, Ranking), probes, words, only) for path in rankings}
    shown = list_shown(read_table(design, Design), read_table(prompts, Prompts))
    known = Arm.read_all(arms)
    write_table(describe_demonstrations(language, known, shown, pairs), output, Demonstrations)
