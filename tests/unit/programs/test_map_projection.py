"""Slopes in published coordinates: a known turn of the axes is found, and the page has the numbers of the study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from map_projection import choose_people, compare_axes, find_slopes, main
from project import ROOT
from selfalign.scoring.map_axes import AXES
from selfalign.scoring.map_schemas import PEOPLE

TABLES = ROOT / "docs" / "findings" / "study" / "tables"
PAGE = (ROOT / "docs" / "findings" / "cultural_map.md").read_text(encoding="utf-8")
TURN = np.array([[0.6, 0.8], [-0.8, 0.6]])
COUNTRIES = list("ABCDEFGH")
PUBLISHED = ["published_survival", "published_traditional"]


@pytest.fixture
def turned() -> pd.DataFrame:
    """People whose published axes are turned, and a model that moves half of the way on both, or on one axis only."""
    place = np.random.default_rng(1).normal(size=(8, 2))
    people = pd.DataFrame(place, columns=AXES).assign(model=PEOPLE, view="options", country=COUNTRIES, arm=None)
    people[PUBLISHED] = 3 + place @ TURN
    both = pd.DataFrame(1 + place / 2, columns=AXES).assign(arm="both")
    one = pd.DataFrame(place * [1, 0], columns=AXES).assign(arm="one")
    models = [table.assign(model="m", language="en", country=COUNTRIES) for table in (both, one)]
    return pd.concat([people, *models], ignore_index=True)


def test_a_turn_of_the_axes_is_found(turned: pd.DataFrame) -> None:
    people = choose_people(turned, "options")
    found = compare_axes(people[AXES].to_numpy(), people[PUBLISHED].to_numpy()).set_index("axis")
    assert found["r2"].to_list() == pytest.approx([1, 1])
    assert found[AXES].to_numpy() == pytest.approx(TURN.T)
    assert found["correlation"].max() < 0.95


def test_half_of_the_way_is_a_slope_of_a_half_on_every_axis(turned: pd.DataFrame) -> None:
    (row,) = find_slopes(turned, "both").to_dict("records")
    assert row["countries"] == 8
    assert [row[axis] for axis in AXES] == pytest.approx([0.5, 0.5])
    assert row["survival_high"] - row["survival_low"] == pytest.approx(0, abs=1e-9)


def test_a_move_along_one_axis_of_the_map_has_slopes_on_both_published_axes(turned: pd.DataFrame) -> None:
    (row,) = find_slopes(turned, "one").to_dict("records")
    place = turned[turned["model"] == PEOPLE][AXES].to_numpy()
    expected = [np.polyfit(place @ TURN[:, k], place[:, 0] * TURN[0, k], 1)[0] for k in range(2)]
    assert [row[axis] for axis in AXES] == pytest.approx(expected)
    assert row["traditional_low"] < row["traditional"] < row["traditional_high"]


@pytest.mark.slow
def test_the_page_has_the_numbers_of_the_program() -> None:
    table = pd.read_csv(TABLES / "map.csv")
    for view, axes in (("options", (0.80, 0.67)), ("codes", (0.80, 0.54))):
        people = choose_people(table, view)
        found = compare_axes(people[AXES].to_numpy(), people[PUBLISHED].to_numpy())
        assert found["correlation"].to_list() == pytest.approx(axes, abs=5e-3)
        assert " | ".join(f"{value:.2f}" for value in axes) in PAGE
    people = choose_people(table, "options")
    found = compare_axes(people[AXES].to_numpy(), people[PUBLISHED].to_numpy()).set_index("axis")
    survival, traditional = found.loc["traditional", AXES]
    assert f"{survival:.2f} x survival + {traditional:.2f} x traditional" in PAGE
    assert f"R² is {found['r2'].iloc[0]:.2f} and {found['r2'].iloc[1]:.2f}" in PAGE
    assert f"correlate {people[PUBLISHED].corr().iloc[0, 1]:.2f}" in PAGE
    names = {"smollm2-135m": "SmolLM2-135M", "gemma-3-270m": "Gemma-3-270m"}
    names |= {"qwen2.5-coder-0.5b": "Qwen-0.5B", "qwen2.5-coder-1.5b": "Qwen-1.5B"}
    for row in find_slopes(table, "chrf").to_dict("records"):
        cells = [f"{row[axis]:+.2f} [{row[f'{axis}_low']:+.2f}, {row[f'{axis}_high']:+.2f}]" for axis in AXES]
        assert f"| {names[row['model']]} | {' | '.join(cells)} |" in PAGE


@pytest.mark.slow
@pytest.mark.parametrize("arms", [["persona", "cultural", "anthropological"], ["chrf_without_battery"]])
def test_the_page_counts_the_slopes_on_the_published_axes_that_exclude_0(arms: list[str]) -> None:
    table = pd.read_csv(TABLES / "map.csv")
    found = pd.concat([find_slopes(table, arm) for arm in arms])
    above = sum(int((found[f"{axis}_low"] > 0).sum()) for axis in AXES)
    below = sum(int((found[f"{axis}_high"] < 0).sum()) for axis in AXES)
    named = ", ".join(f"`{arm}`" for arm in arms)
    assert f"| {named} | {above + below} of {len(found) * len(AXES)} | {above} |" in PAGE


@pytest.mark.slow
def test_the_program_prints_the_slopes() -> None:
    result = CliRunner().invoke(main, [str(TABLES)], catch_exceptions=False)
    assert "smollm2-135m       en         19 +0.52 [+0.38, +0.65] +0.40 [+0.25, +0.54]" in result.output


def test_a_folder_without_a_map_and_an_unknown_arm_are_refused(tmp_path: Path) -> None:
    assert "map.csv: is missing" in CliRunner().invoke(main, [str(tmp_path)]).output
    result = CliRunner().invoke(main, [str(TABLES), "--arm", "chfr"])
    assert "has no arm chfr" in result.output
