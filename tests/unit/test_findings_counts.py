"""Counts that the pages of the findings state in sentences, computed again from the kept tables."""

import re

import pandas as pd
import pytest
from project import ROOT

FINDINGS = ROOT / "docs" / "findings"
NAMES = ["persona", "cultural", "anthropological"]


def read_page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def read_kept(name: str) -> pd.DataFrame:
    run, table = name.split("/")
    return pd.read_csv(FINDINGS / run / "tables" / f"{table}.csv")


def count_outside(table: pd.DataFrame, measures: list[str]) -> tuple[int, int, int]:
    """How many intervals exclude 0, of how many, and how many are above 0."""
    above = sum(int((table[f"{one}_low"] > 0).sum()) for one in measures)
    below = sum(int((table[f"{one}_high"] < 0).sum()) for one in measures)
    return above + below, len(table) * len(measures), above


@pytest.mark.parametrize("arms", [NAMES, ["chrf_without_battery"]], ids=["names", "other batteries"])
def test_the_map_counts_the_intervals_that_exclude_0(arms: list[str]) -> None:
    table = read_kept("study/map_summary").query("arm in @arms")
    cells = []
    for measures in (["survival", "traditional"], ["lead"]):
        outside, all_, above = count_outside(table, measures)
        cells.append(f"{outside} of {all_} | {above}")
    named = ", ".join(f"`{arm}`" for arm in arms)
    assert f"| {named} | {' | '.join(cells)} |" in read_page("findings/cultural_map.md")


def test_the_page_of_the_name_has_the_counts_of_the_map() -> None:
    table = read_kept("study/map_summary").query("arm in @NAMES")
    slopes, leads = count_outside(table, ["survival", "traditional"]), count_outside(table, ["lead"])
    said = re.search(
        r"(\d+) of (\d+) slopes, (\w+) of them below 0, and (\d+) of (\d+) leads", read_page("findings/naming.md")
    )
    assert said is not None
    numbers = {"three": 3, "four": 4, "five": 5}
    assert (int(said[1]), int(said[2]), numbers[said[3]]) == (slopes[0], slopes[1], slopes[0] - slopes[2])
    assert (int(said[4]), int(said[5])) == leads[:2]
