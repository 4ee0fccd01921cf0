"""Picking demonstrations: the candidates that an arm shows before a test probe, of those that it may show."""

from typing import Any

import pandas as pd

from selfalign.demonstrations.tables import SEEDED
from selfalign.errors import InputError

SET = ["source", "probe", "seed"]
"""What tells one set of demonstrations of an arm from another."""

_EXCLUDED = {"siblings": "sibling", "battery": "same_battery", "category": "same_category"}


def pick_demonstrations(
    ranking: pd.DataFrame, answers: pd.DataFrame, needed: pd.DataFrame, name: str, arm: dict[str, Any]
) -> pd.DataFrame:
    """Demonstrations of an arm: for each source, test probe and seed, the first candidates that may be shown.

    A candidate that the source did not answer (not asked, or a tie) is passed over for the next one.

    Args:
        ranking: a `Ranking` table of the arm's strategy.
        answers: columns source, candidate, answer (A or B).
        needed: columns source, probe: the sets of demonstrations to pick.
        name: of the arm.
        arm: its settings: strategy, seeds, shots, exclude.

    Returns:
        Columns source, probe, seed, candidate, answer, in the order in which they are shown.

    Raises:
        InputError: a test probe has fewer candidates than the arm has shots.
    """
    seeds = arm["seeds"] if arm["strategy"] in SEEDED else [0]
    excluded = ranking[[_EXCLUDED[what] for what in arm["exclude"]]].any(axis=1)
    pool = ranking[~excluded & ranking["seed"].isin(seeds)].merge(needed, on="probe").merge(answers)
    shown = pool.sort_values([*SET, "rank"]).groupby(SET).head(arm["shots"])
    sets = pd.MultiIndex.from_frame(needed.merge(pd.DataFrame({"seed": seeds}), how="cross")[SET])
    _check_shots(shown.groupby(SET).size().reindex(sets, fill_value=0), name, arm["shots"])
    return shown[[*SET, "candidate", "answer"]].reset_index(drop=True)


def _check_shots(found: pd.Series, name: str, shots: int) -> None:
    short = found[found < shots]
    if len(short):
        source, probe, _ = short.index[0]
        raise InputError(
            f"config: arms.{name}",
            f"test probe {probe} has {short.iloc[0]} candidates that may be shown with the answers of {source}; "
            f"{len(short)} sets of demonstrations fall short",
            "Lower shots, exclude less, choose another strategy, or add probes to the bank",
            column="shots",
            value=shots,
        )
