"""Picking demonstrations: the candidates that an arm shows before a test probe, of those that it may show."""

import numpy as np
import pandas as pd

from selfalign.arms import Arm
from selfalign.demonstrations.strategies import EXCLUSIONS
from selfalign.draws import draw_number
from selfalign.errors import InputError

SET = ["source", "probe", "seed"]
"""The columns that identify a set of demonstrations of an arm."""


def pick_demonstrations(arm: Arm, ranking: pd.DataFrame, answers: pd.DataFrame, needed: pd.DataFrame) -> pd.DataFrame:
    """Demonstrations of an arm: for each source, test probe and seed, the first candidates that may be shown.

    A candidate that the source did not answer (not asked, or a tie) is passed over for the next one.

    Args:
        arm: with a strategy.
        ranking: a `Ranking` table of the arm's strategy.
        answers: columns source, candidate, answer (A or B).
        needed: columns source, probe: the sets of demonstrations to pick.

    Returns:
        Columns source, probe, seed, candidate, answer, in the order in which they are shown.

    Raises:
        InputError: a test probe has fewer candidates than the arm has shots.
    """
    seeds, shots = list(arm.seeds) if arm.is_drawn else [0], arm.shots
    ranked = _find_pool(ranking, arm, seeds).sort_values("rank", kind="stable")  # merges keep this order
    pool = ranked.merge(needed, on="probe").merge(answers, on=["source", "candidate"])
    if arm.diversity:
        shown = diversify(pool, ranking, shots, arm.diversity)
    else:
        shown = pool.groupby(SET, sort=False).head(shots).sort_values([*SET, "rank"])
    sets = pd.MultiIndex.from_frame(needed.merge(pd.DataFrame({"seed": seeds}), how="cross")[SET])
    _check_shots(arm, shown.groupby(SET).size().reindex(sets, fill_value=0))
    return _arrange(shown, arm.sequence)[[*SET, "candidate", "answer"]].reset_index(drop=True)


def _find_pool(ranking: pd.DataFrame, arm: Arm, seeds: list[int]) -> pd.DataFrame:
    """The candidates that an arm may show, answered or not: rows of the ranking, by seed."""
    allowed = ~ranking[[EXCLUSIONS[what] for what in arm.exclude]].any(axis=1)
    if arm.ceiling is not None:
        allowed &= ranking["similarity"] < arm.ceiling
    if arm.draws:
        return ranking[allowed & ranking["seed"].isin(seeds)]
    return ranking[allowed].drop(columns="seed").merge(pd.DataFrame({"seed": seeds}), how="cross")


def diversify(pool: pd.DataFrame, ranking: pd.DataFrame, shots: int, diversity: float) -> pd.DataFrame:
    """Candidates by maximal marginal relevance: similar to the test probe, and unlike those picked before.

    Carbonell and Goldstein (1998), with lambda = 1 - diversity: the next candidate has the largest
    (1 - diversity) * similarity(test probe, candidate) - diversity * max over shown of similarity(shown, candidate);
    the second term is 0 while nothing is shown. Equal ones come in the order of their ranks. Where the measure is not
    symmetric, a demonstration that is shown takes the place of the test probe.

    Args:
        pool: columns source, probe, seed, candidate, rank, similarity: those to pick from, for each set.
        ranking: a `Ranking` table of one measure, which has the similarity of any two candidates.
        shots: how many to pick for each set; fewer are picked where the pool has no more.
        diversity: from 0 to 1.

    Returns:
        The rows of `pool` that are picked, set by set, in the order in which they were.
    """
    between = ranking.pivot(index="probe", columns="candidate", values="similarity")
    names = between.columns
    between = between.reindex(index=names).fillna(0).to_numpy()  # a candidate and itself never meet
    sets, place = pool.groupby(SET).ngroup().to_numpy(), names.get_indexer(pool["candidate"])
    shape = (pool[SET].drop_duplicates().shape[0], len(names))
    rank, relevance = np.full(shape, np.inf), np.full(shape, -np.inf)
    rank[sets, place], relevance[sets, place] = pool["rank"], (1 - diversity) * pool["similarity"]
    closest, turn, each = np.zeros(shape), np.full(shape, -1), np.arange(shape[0])
    for step in range(shots):
        gain = relevance - diversity * closest
        best = np.where(gain == gain.max(axis=1, keepdims=True), rank, np.inf).argmin(axis=1)
        turn[each, best] = np.where(np.isfinite(rank[each, best]), step, turn[each, best])
        rank[each, best], relevance[each, best] = np.inf, -np.inf
        closest = np.maximum(closest, between[best]) if step else between[best]
    picked = pool.assign(turn=turn[sets, place])
    return picked[picked["turn"] >= 0].sort_values([*SET, "turn"]).drop(columns="turn")


def _arrange(shown: pd.DataFrame, sequence: str | None) -> pd.DataFrame:
    """Demonstrations of each set in the order in which they are shown."""
    if sequence == "nearest_last":
        return shown.iloc[::-1].sort_values(SET, kind="stable")
    if sequence == "drawn":
        keys = [draw_number("sequence", row.seed, row.probe, row.candidate) for row in shown.itertuples()]
        return shown.assign(key=keys).sort_values([*SET, "key"])
    return shown


def _check_shots(arm: Arm, found: pd.Series) -> None:
    short = found[found < arm.shots]
    if len(short):
        source, probe, _ = short.index[0]
        raise InputError(
            f"config: arms.{arm.name}",
            f"test probe {probe} has {short.iloc[0]} of the {arm.shots} candidates that it needs, with the answers of "
            f"{source}; {len(short)} of {len(found)} sets of demonstrations fall short",
            "Lower shots, exclude less, raise the ceiling, choose another strategy, or add probes to the bank",
            column="shots",
            value=arm.shots,
        )
