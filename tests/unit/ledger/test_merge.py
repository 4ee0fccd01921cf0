"""`selfalign ledger merge`: the union of several ledgers."""

from pathlib import Path

import pytest
from ledgers import MARK, OTHER, as_version_1, beside, by_key, entry, ledger_says, read, tampered, write
from refusal import Refused
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.merge import merge
from selfalign.ledger.reading import describe_ledger


def test_ledgers_of_both_versions_are_merged(tmp_path: Path) -> None:
    old, new, target = (tmp_path / f"{name}.sqlite" for name in ("old", "new", "target"))
    write(old, [entry(0)])
    write(new, [entry(1)])
    as_version_1(old)
    for sources in ([old, new], [new, old]):
        assert merge(sources, target)[1] == 2
        assert find_faults(target) == (2, [])
        assert [run["prompts"] for run in describe_ledger(target)["models"][0]["runs"]] == [1, 1]
        target.unlink()


def test_merge_is_the_union_and_can_be_repeated(tmp_path: Path, two: Path) -> None:
    one, target = tmp_path / "one.sqlite", tmp_path / "folder" / "all.sqlite"
    write(one, [entry(number) for number in range(30, 50)])
    before = beside(one), beside(two)
    assert ledger_says("merge", one, two, "--into", target) == f"{target}: 70 answers added, 70 now\n"
    assert read(target) == by_key([entry(number) for number in range(50)])
    assert read(target, OTHER) == by_key([entry(number) for number in range(20)])
    assert find_faults(target) == (70, [])
    merged = describe_ledger(target)
    runs = {
        run["run"]: run for path in (one, two) for model in describe_ledger(path)["models"] for run in model["runs"]
    }
    assert {run["run"]: run for model in merged["models"] for run in model["runs"]} == runs
    assert ledger_says("merge", two, one, "--into", target) == f"{target}: 0 answers added, 70 now\n"
    assert describe_ledger(target) == merged
    assert (beside(one), beside(two)) == before


def test_merge_takes_numbers_that_are_the_same_but_for_rounding(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sqlite", tmp_path / "other.sqlite"
    write(one, [entry(0, -1.0, None)])
    write(other, [entry(0, -1.0 + 5e-10, None)])
    assert ledger_says("merge", other, "--into", one) == f"{one}: 0 answers added, 1 now\n"
    assert read(one) == by_key([entry(0, -1.0, None)])


def test_merge_takes_numbers_within_the_bound_that_the_user_gives(tmp_path: Path, refused: Refused) -> None:
    one, other = tmp_path / "one.sqlite", tmp_path / "other.sqlite"
    write(one, [entry(0, -1.0, None)])
    write(other, [entry(0, -1.00002, None), entry(1, -3.0)])
    refused("ledger", "merge", other, "--into", one, tells=["Nothing is merged", "--within 0.001"])
    refused("ledger", "merge", "--within", "0.00001", other, "--into", one, tells=["Nothing is merged"])
    assert ledger_says("merge", "--within", "0.001", other, "--into", one) == f"{one}: 1 answers added, 2 now\n"
    assert read(one) == by_key([entry(0, -1.0, None), entry(1, -3.0)])


@pytest.mark.parametrize("into", ["new.sqlite", "one.sqlite"])
@pytest.mark.parametrize("scores", [(-1.0, -2.0 - 2e-9), (-1.0,), (-1.0, None)])
def test_merge_of_different_answers_changes_nothing(
    scores: tuple[float | None, ...], into: str, tmp_path: Path, refused: Refused
) -> None:
    one, other, target = tmp_path / "one.sqlite", tmp_path / "other.sqlite", tmp_path / into
    write(one, [entry(number, -1.0, -2.0) for number in range(9)])
    write(other, [*(entry(number) for number in range(20, 40)), entry(5, *scores)])
    before, kept = beside(other), (describe_ledger(one), read(one))
    sources = [one, other] if target != one else [other]
    tells = [f"{other}: key {5:016x} (prompt {104:016x}) under fingerprint {MARK}", f"-2.0]}} in {one}", "Nothing is"]
    refused("ledger", "merge", *sources, "--into", target, tells=tells)
    assert (beside(other), describe_ledger(one), read(one)) == (before, *kept)


def test_merge_of_a_damaged_ledger_is_refused(tmp_path: Path, two: Path, refused: Refused) -> None:
    one = tmp_path / "one.sqlite"
    write(one, [entry(50)])
    before = beside(one)
    with tampered(two) as database:
        database.execute("UPDATE answers SET text = 'another' WHERE rowid = 11")
    refused("ledger", "merge", two, "--into", one, tells=[str(two), "the ledger is damaged (row 11 "])
    assert beside(one) == before


def test_merge_into_one_of_the_sources_is_refused(two: Path, refused: Refused) -> None:
    refused("ledger", "merge", two, "--into", two.parent / "." / "two.sqlite", tells=["both a source and the target"])
