"""Settings that the files of a run show to be wrong, found before anything runs."""

import pandas as pd
import pytest
from selfalign.arms import Arm
from selfalign.config.check_inputs import _check_candidates
from selfalign.errors import InputError

PROBES = pd.DataFrame(
    {
        "probe": ["a", "b", "c", "d", "e", "f"],
        "battery": ["one", "one", "one", "two", "e", "f"],
        "category": ["x", "x", "x", "x", "y", "y"],
        "siblings": ["ab", "ab", "c", "d", "e", "long name"],
    }
)
"""The probes that may be shown; a and b are siblings."""

OTHER = pd.DataFrame({"probe": ["g"], "battery": ["g"], "category": ["x"], "siblings": ["c e"]})
"""A test probe from another survey, with two siblings among those that may be shown."""


def check(tests: list[str], shots: int, exclude: list[str], strategy: str = "chrf") -> None:
    """Refuse the arm if one of the test probes has too few candidates."""
    settings = {"shots": shots, "strategy": strategy, "answers": "own", "seeds": [1], "exclude": exclude}
    known = pd.concat([PROBES, OTHER])
    _check_candidates([Arm.read(settings, "mine")], PROBES, known[known["probe"].isin(tests)])


@pytest.mark.parametrize(
    ("probe", "exclude", "strategy", "candidates"),
    [
        ("a", [], "chrf", 5),
        ("a", ["siblings"], "chrf", 4),
        ("d", ["siblings"], "chrf", 5),
        ("g", ["siblings"], "chrf", 4),
        ("g", [], "category", 4),
        ("f", ["siblings"], "chrf", 5),
        ("a", ["siblings", "battery"], "chrf", 3),
        ("a", ["category"], "chrf", 2),
        ("a", ["siblings"], "category", 2),
        ("e", [], "category", 1),
    ],
)
def test_candidates_of_a_test_probe_by_hand(probe: str, exclude: list[str], strategy: str, candidates: int) -> None:
    check([probe], candidates, exclude, strategy)
    found = rf"test probe {probe} has {candidates} of the {candidates + 1} candidates that it needs, among the 6 probes"
    with pytest.raises(InputError, match=rf"arms.mine.*{found}.*; 1 of 1 test probes have too few"):
        check([probe], candidates + 1, exclude, strategy)


def test_probes_with_too_few_candidates_are_counted() -> None:
    with pytest.raises(InputError, match="test probe a has 3 of the 4 .*; 3 of 6 test probes have too few"):
        check(list("abcdef"), 4, ["battery"])


def test_arm_without_demonstrations_needs_no_candidates() -> None:
    _check_candidates([Arm.read({"shots": 0}, "none")], PROBES.iloc[:1], PROBES.iloc[:1])
