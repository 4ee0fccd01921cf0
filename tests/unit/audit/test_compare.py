"""What differs between two runs, on small tables, and on the files of two runs."""

import json
from pathlib import Path

import pandas as pd
import pytest
from refusal import Refused
from selfalign.audit.compare.changes import (
    CHANGED,
    KEY,
    count_cells,
    find_causes,
    find_changed_values,
    list_scored_cells,
    pair_cells,
    pair_estimates,
)
from selfalign.audit.compare.compare import _STEPS, COMPARED_TABLES, _compare_table
from selfalign.audit.compare.report import _describe_change, _describe_estimate
from selfalign.runs import Run
from selfalign.scoring.schemas import Verdicts
from selfalign.steps import STEPS
from selfalign.tables import write_table


def cells(**values: list) -> pd.DataFrame:
    """Two probes in two countries, one arm, scored; `values` replace columns."""
    table = pd.DataFrame(
        {
            "model": "small",
            "language": "en",
            "arm": "chrf",
            "country": ["MEX", "MEX", "NGA", "NGA"],
            "probe": ["Q4", "Q8", "Q4", "Q8"],
            "source": ["MEX", "MEX", "NGA", "NGA"],
            "seed": 0,
            "template": "words",
            "prompts": ["a b", "c d", "e f", "g h"],
            "share_a": [0.6, 0.2, 0.5, 0.9],
            "majority": ["A", "B", "A", "A"],
            "readout": "option",
            "answered": [True, True, True, False],
            "p_a": [0.7, 0.4, 0.1, None],
            "agreement": [1.0, 1.0, 0.0, 0.5],
            "battery": ["b1", "b2", "b1", "b2"],
        }
    )
    return table.assign(**values)


def changed_in(pairs: pd.DataFrame) -> dict[str, list[int]]:
    """Rows that changed in each way, where any did."""
    return {name: list(pairs.index[pairs[name]]) for name in CHANGED if pairs[name].any()}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (100, None, "100 -> none"),
        (["en"], ["en", "es"], '["en"] -> ["en", "es"]'),
        ([f"model-{n}" for n in range(9)], [f"model-{n}" for n in range(1, 10)], "added model-9; removed model-0"),
        ([f"model-{n}" for n in range(9)], [], "removed model-0, model-1, model-2, model-3, model-4 and 4 more"),
        ([f"model-{n}" for n in range(9)], [f"model-{n}" for n in (1, 0, *range(2, 9))], "the same items in another"),
        ("/data/" + "a" * 60 + "/one", "/data/" + "a" * 60 + "/two", "...aaaaaaaaa/one -> ...aaaaaaaaa/two"),
        ("a" * 60, "b" * 60, f"{'a' * 40}... -> {'b' * 40}..."),
    ],
)
def test_change_of_a_long_value_shows_what_differs(before: object, after: object, told: str) -> None:
    assert _describe_change(before, after).startswith(told)


def test_settings_differ_by_dotted_key() -> None:
    before = {"run": {"name": "one", "models": ["a", "b"]}, "seed": 1, "old": None}
    after = {"run": {"name": "one", "models": ["a"]}, "seed": 2, "new": {"x": 0}}
    assert find_changed_values(before, after) == {
        "run.models": (["a", "b"], ["a"]),
        "seed": (1, 2),
        "new": (None, {"x": 0}),
    }
    assert find_changed_values(before, before) == {}


def test_equal_runs_have_no_changed_cell() -> None:
    pairs = pair_cells(cells(), cells())
    assert set(pairs["status"]) == {"kept"}
    assert changed_in(pairs) == {}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"p_a": [0.7, 0.4, 0.2, None]}, {"answer": [2]}),
        ({"p_a": [0.700001, 0.4, 0.099995, None]}, {"answer": [2]}),  # the first is rounding
        ({"answered": [True, False, True, False], "p_a": [0.7, None, 0.1, None]}, {"answer": [1]}),
        ({"prompts": ["a b", "c d", "e x", "g h"], "p_a": [0.7, 0.4, 0.9, None]}, {"prompt": [2]}),
        ({"readout": "pmi", "p_a": 0.3}, {"readout": [0, 1, 2, 3]}),
        ({"share_a": [0.6, 0.3, 0.5, 0.9]}, {"people": [1]}),
        ({"majority": ["B", "B", "A", "A"]}, {"people": [0]}),
        ({"agreement": [1.0, 1.0, 0.0, 0.0]}, {"rule": [3]}),
        ({"battery": ["b1", "b3", "b1", "b2"]}, {"battery": [1]}),
    ],
)
def test_change_of_a_cell_is_named(values: dict, found: dict) -> None:
    assert changed_in(pair_cells(cells(), cells(**values))) == found


def test_cells_of_one_run_alone_are_counted() -> None:
    pairs = pair_cells(cells().iloc[:3], cells(prompts=["a b", "c x", "e f", "g h"]).iloc[1:])
    assert list(pairs["status"]) == ["removed", "kept", "kept", "added"]
    row = count_cells(pairs).iloc[0]
    assert [row["kept"], row["added"], row["removed"], row["prompt"]] == [2, 1, 1, 1]
    assert not pairs.loc[[0, 3], list(CHANGED)].any(axis=None), "a cell that is there once has not changed"


def test_prompts_of_a_cell_are_those_of_both_orders() -> None:
    scores = cells().drop(columns="prompts").iloc[:1]
    design = scores[KEY].drop(columns=["model", "language"])
    design = pd.concat([design.assign(order="BA", prompt="2"), design.assign(order="AB", prompt="1")])
    assert list(list_scored_cells(scores, {"en": design})["prompts"]) == ["1 2"]


def estimates(**values: list) -> pd.DataFrame:
    """An arm's agreement in two countries and their mean."""
    table = pd.DataFrame(
        {
            "model": "small",
            "language": "en",
            "arm": "chrf",
            "country": ["MEX", "NGA", "all"],
            "measure": "agreement",
            "estimate": [0.5, 0.6, 0.55],
            "standard_error": [0.1, 0.05, 0.0],
            "low": [0.3, 0.5, None],
            "high": [0.7, 0.7, None],
        }
    )
    return table.assign(**values)


NAMES = ["model", "language", "arm", "country", "measure"]


def test_moved_estimates_come_farthest_first_in_standard_errors() -> None:
    moved = pair_estimates(estimates(), estimates(estimate=[0.6, 0.7, 0.55]), NAMES)
    assert list(moved["country"]) == ["NGA", "MEX"]
    assert list(moved["errors"].round(6)) == [2.0, 1.0]
    assert list(moved["moved"].round(6)) == [0.1, 0.1]


def verdicts(**values: float | str) -> pd.DataFrame:
    """The verdict on one contrast."""
    row = dict.fromkeys(Verdicts.to_schema().columns, 0.5)
    row |= {"role": "primary", "model": "small", "language": "en", "arm": "chrf", "against": "chrf_other"}
    row |= {"against_model": "small", "against_language": "en", "beyond": "", "measure": "agreement"}
    row |= {"main": "battery", "reason": "wider by battery", "batteries": 9, "categories": 9}
    return pd.DataFrame([row | values])


@pytest.mark.slow
def test_verdicts_are_compared_by_their_main_interval(tmp_path: Path) -> None:
    runs = [Run(tmp_path / name) for name in ("one", "two", "three")]
    tables = [verdicts(), verdicts(low=0.1, main_p=0.2), verdicts(main="category", main_low=-0.1)]
    for run, table in zip(runs, tables, strict=True):
        (run.folder / "tables").mkdir(parents=True)
        write_table(table, run.folder / "tables" / "verdicts.csv", Verdicts)
    changes = {"config": {}, "code": {"choose_intervals": ("a", "b")}, "packages": {}}
    pairs = pair_cells(cells(), cells())
    assert _compare_table("verdicts", runs[0], runs[1], pairs, changes).empty
    (moved,) = _compare_table("verdicts", runs[0], runs[2], pairs, changes).to_dict("records")
    assert _describe_estimate(moved) == (
        "small, en, chrf - chrf_other, all, agreement: "
        "0.500 [0.500, 0.500] -> 0.500 [-0.100, 0.500]: code of choose_intervals"
    )
    (gone,) = _compare_table("verdicts", runs[0], Run(tmp_path / "four"), pairs, changes).to_dict("records")
    assert gone["why"] == "only the first run has it"


def test_rounding_is_no_move_but_an_interval_is() -> None:
    assert pair_estimates(estimates(), estimates(estimate=[0.500001, 0.6, 0.55]), NAMES).empty
    assert list(pair_estimates(estimates(), estimates(low=[0.3, 0.4, None]), NAMES)["country"]) == ["NGA"]


def test_estimates_of_one_run_alone_are_listed() -> None:
    moved = pair_estimates(estimates().iloc[:2], estimates().iloc[1:], NAMES)
    assert dict(zip(moved["country"], moved["status"], strict=True)) == {"MEX": "removed", "all": "added"}


def test_estimate_is_explained_only_by_its_own_cells() -> None:
    after = cells(p_a=[0.7, 0.5, 0.1, None], share_a=[0.6, 0.2, 0.4, 0.9])
    pairs = pair_cells(cells(), after)
    row = {"model": "small", "language": "en", "arm": "chrf"}
    assert find_causes({**row, "country": "MEX"}, pairs) == {"answer": 1}
    assert find_causes({**row, "country": "NGA"}, pairs) == {"people": 1}
    assert find_causes({**row, "country": "all"}, pairs) == {"people": 1, "answer": 1}
    assert find_causes({**row, "arm": "random", "country": "all"}, pairs) == {}


@pytest.mark.slow
def test_contrast_is_explained_by_the_cells_of_all_its_arms() -> None:
    arms = ("own", "other", "wide", "wide_other")
    before = pd.concat([cells(arm=arm) for arm in arms], ignore_index=True)
    row = {"model": "small", "language": "en", "country": "all", "arm": "own", "against": "other", "beyond": ""}
    row |= {"against_model": "small", "against_language": "en"}
    for arm in arms:
        after = before.assign(p_a=before["p_a"].where(before["arm"] != arm, 0.9))
        pairs = pair_cells(before, after)
        known = {"answer": 4} if arm in ("own", "other") else {}
        assert find_causes(row, pairs) == known
        assert find_causes({**row, "beyond": "wide - wide_other"}, pairs) == {"answer": 4}


def test_run_without_a_record_is_refused(refused: Refused, tmp_path: Path) -> None:
    for name in ("default", "trial"):
        (tmp_path / name).mkdir()
    place = ["--results", tmp_path]
    refused("compare", "default", "trail", *place, tells=['there is no run "trail"', 'Did you mean "trial"?'])
    refused("compare", "default", "trial", *place, tells=["default/run.json", "the settings of the run are not known"])
    for name in ("default", "trial"):
        (tmp_path / name / "run.json").write_text(json.dumps({"config": {}}))
    refused("compare", "default", "trial", *place, tells=["there are no scores", "Let snakemake finish the run"])


@pytest.mark.parametrize("name", COMPARED_TABLES)
def test_tables_without_rows_are_the_same(name: str, tmp_path: Path) -> None:
    changes = {"config": {}, "code": {}, "packages": {}}
    assert _compare_table(name, Run(tmp_path), Run(tmp_path), pair_cells(cells(), cells()), changes).empty


def test_each_table_names_the_step_that_makes_it() -> None:
    assert _STEPS.keys() == COMPARED_TABLES.keys()
    assert set(_STEPS.values()) <= set(STEPS)
