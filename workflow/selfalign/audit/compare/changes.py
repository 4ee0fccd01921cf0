"""Differences between two runs: in settings, inputs, code and versions; in cells and prompts; in estimates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from selfalign.contrasts import split_beyond
from selfalign.prompts.schemas import CELL
from selfalign.scoring.schemas import ALL

CHANGED = {
    "prompt": "another prompt",
    "people": "other shares of the people",
    "readout": "another readout",
    "answer": "another answer to the same prompt",
    "rule": "counted differently where there is no answer",
    "battery": "another battery",
}
"""Ways in which a cell that both runs have can change, in words."""

KEY = ["model", "language", *CELL]
"""What names a cell of a run."""

ROUNDING = 2e-6
"""Estimates that differ by less are the same, because tables have six decimals.
Answers to the same prompt that differ by less are the same too: the other prompts of a batch change the rounding."""


@dataclass(frozen=True)
class RunDifferences:
    """All differences between two runs. The fields, in this order, are the keys of `selfalign compare --json`.

    Attributes:
        settings, inputs, code, versions: value of the first and of the second run, by key.
        prompts: by language, how many distinct prompts both have, and only the first or the second.
        cells: as `count_cells`.
        estimates: by table, rows as `pair_estimates` with a column why: the changes that can have moved them.
    """

    settings: dict[str, tuple[Any, Any]]
    inputs: dict[str, tuple[Any, Any]]
    code: dict[str, tuple[Any, Any]]
    versions: dict[str, tuple[Any, Any]]
    prompts: dict[str, dict[str, int]]
    cells: pd.DataFrame
    estimates: dict[str, pd.DataFrame]


def find_changed_values(first: Any, second: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """Values that differ between two nested mappings, by dotted key; None stands for a missing one.

    A list is one value.
    """
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in [*first, *(key for key in second if key not in first)]:
            found |= find_changed_values(first.get(key), second.get(key), f"{place}.{key}" if place else str(key))
        return found
    return {} if first == second else {place: (first, second)}


def list_scored_cells(scores: pd.DataFrame, designs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Scored cells with the prompts that they use.

    Args:
        scores: `Scores` tables, stacked.
        designs: `Design` tables, by language.

    Returns:
        The rows of `scores` with a column prompts: ids of the prompts of both option orders, in the orders' order.
    """
    parts = []
    for language, design in designs.items():
        prompts = design.sort_values("order").groupby(CELL, sort=False)["prompt"].agg(" ".join)
        parts.append(prompts.rename("prompts").reset_index().assign(language=language))
    return scores.merge(pd.concat(parts, ignore_index=True), "left", on=["language", *CELL], validate="many_to_one")


def pair_cells(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Cells of two runs, and what of each changed.

    Args:
        first, second: as `list_scored_cells` returns them.

    Returns:
        A row per cell of either run: `KEY`; status (`added`, `removed`, or `kept` in both); and for a kept cell a
        column for each of `CHANGED`, whether it changed so. An answer can change only where prompt and readout did
        not, and the rule only where there is no answer.
    """
    columns = [*KEY, "prompts", "share_a", "majority", "readout", "answered", "p_a", "agreement", "battery"]
    pairs = first[columns].merge(second[columns], "outer", on=KEY, suffixes=("", "_then"), indicator=True)
    status = pairs["_merge"].map({"left_only": "removed", "right_only": "added", "both": "kept"}).astype(str)
    kept = status == "kept"
    moved = {
        "prompt": _differs(pairs, "prompts"),
        "people": _differs(pairs, "majority") | _moves(pairs, "share_a"),
        "readout": _differs(pairs, "readout"),
        "battery": _differs(pairs, "battery"),
    }
    same = ~(moved["prompt"] | moved["readout"])
    moved["answer"] = same & (_differs(pairs, "answered") | _moves(pairs, "p_a", ROUNDING))
    silent = (pairs["answered"] == False) & (pairs["answered_then"] == False)  # noqa: E712 (may be missing)
    moved["rule"] = silent & _moves(pairs, "agreement")
    return pairs[KEY].assign(status=status, **{name: kept & moved[name] for name in CHANGED})


def _differs(pairs: pd.DataFrame, column: str) -> pd.Series:
    return pairs[column] != pairs[f"{column}_then"]


def _moves(pairs: pd.DataFrame, column: str, rounding: float = 1e-9) -> pd.Series:
    """Whether numbers differ by more than rounding, or only one is there."""
    before, after = pairs[column].astype(float), pairs[f"{column}_then"].astype(float)
    return ~np.isclose(before, after, rtol=0, atol=rounding, equal_nan=True)


def count_cells(pairs: pd.DataFrame) -> pd.DataFrame:
    """How many cells of each arm are kept, added, removed, and have another prompt.

    Args:
        pairs: as `pair_cells` returns them.

    Returns:
        Columns model, language, arm, kept, added, removed, prompt; a row per arm of either run.
    """
    counted = pairs.assign(**{status: pairs["status"] == status for status in ("kept", "added", "removed")})
    columns = ["kept", "added", "removed", "prompt"]
    return counted.groupby(["model", "language", "arm"], sort=True)[columns].sum().reset_index()


def pair_estimates(first: pd.DataFrame, second: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Estimates of two runs that are not the same.

    Args:
        first, second: `Estimates` tables, such as agreement and contrasts.
        key: columns that name a row.

    Returns:
        `key`; status (`added`, `removed` or `moved`); estimate, low and high of both runs (`..._then` is the second's);
        and moved, the second estimate minus the first, the farthest first, counted in standard errors of the first.
    """
    values = ["estimate", "low", "high", "standard_error"]
    tables = [table.fillna(dict.fromkeys(set(key) & {"beyond"}, "")) for table in (first, second)]
    tables = [table.astype(dict.fromkeys(values, float)) for table in tables]  # a table without rows has no types
    pairs = tables[0][key + values].merge(
        tables[1][key + values], "outer", on=key, suffixes=("", "_then"), indicator=True
    )
    status = pairs["_merge"].map({"left_only": "removed", "right_only": "added", "both": "moved"}).astype(str)
    same = np.logical_and.reduce(
        [
            np.isclose(pairs[name], pairs[f"{name}_then"], rtol=0, atol=ROUNDING, equal_nan=True)
            for name in ("estimate", "low", "high")
        ]
    )
    pairs = pairs.assign(status=status, moved=pairs["estimate_then"] - pairs["estimate"])[~same]
    errors = pairs["moved"].abs() / pairs["standard_error"].where(pairs["standard_error"] > 0)
    pairs = pairs.assign(errors=errors).sort_values(["errors", *key], ascending=[False, *[True] * len(key)])
    return pairs.drop(columns=["_merge", "standard_error_then"]).reset_index(drop=True)


def find_causes(row: Mapping[str, Any], pairs: pd.DataFrame) -> dict[str, int]:
    """Which changes of its cells can have moved an estimate.

    Args:
        row: of an estimate: model, language, arm, country; of a contrast also against, against_model, against_language
            and beyond.
        pairs: as `pair_cells` returns them.

    Returns:
        How many of the estimate's cells changed in each way: those of `CHANGED`, added and removed; without those
        that are 0. Nothing means that the same cells, counted the same way, gave another estimate.
    """
    cells = pairs[_cells_of(row, pairs)]
    counts = {name: int(cells[name].sum()) for name in CHANGED}
    counts |= {status: int((cells["status"] == status).sum()) for status in ("added", "removed")}
    return {name: count for name, count in counts.items() if count}


def _cells_of(row: Mapping[str, Any], pairs: pd.DataFrame) -> pd.Series:
    """Which cells an estimate is computed from."""
    sides = [(row["model"], row["language"], row["arm"])]
    if "against" in row:
        there = (row["against_model"], row["against_language"])
        sides.append((*there, row["against"]))
        if beyond := split_beyond(row["beyond"]):
            sides += [(row["model"], row["language"], beyond[0]), (*there, beyond[1])]
    index = pd.MultiIndex.from_frame(pairs[["model", "language", "arm"]])
    chosen = index.isin(sides)
    return chosen if row["country"] == ALL else chosen & (pairs["country"] == row["country"]).to_numpy()
