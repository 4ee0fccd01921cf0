"""`selfalign ledger prune`: the answers that are deleted."""

import re
from dataclasses import replace
from pathlib import Path

from ledgers import MARK, OTHER, beside, by_key, entry, ledger_says, read, write
from refusal import Refused
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.rows import CHECK
from tiny import PRESS, table_of


def test_prune_lists_answers_and_deletes_them_only_when_confirmed(two: Path) -> None:
    before, size = beside(two), two.stat().st_size
    told = ledger_says("prune", two, "--keep", OTHER)
    assert re.search(rf"^{MARK} +40 +40 +0$", told, re.M) and re.search(rf"^{OTHER} +20 +0 +20$", told, re.M)
    assert told.endswith("40 answers would go; nothing is deleted without --yes.\n")
    assert beside(two) == before
    assert "40 answers deleted" in ledger_says("prune", two, "--keep", OTHER, "--yes")
    assert read(two) == {}
    assert read(two, OTHER) == by_key([entry(number) for number in range(20)])
    assert [model["fingerprint"] for model in describe_ledger(two)["models"]] == [OTHER]
    assert two.stat().st_size < size
    assert find_faults(two) == (20, [])


def test_prune_keeps_the_prompts_of_tables(two: Path) -> None:
    tables = [two.with_name(f"{name}.parquet") for name in "ab"]
    for table, number in zip(tables, (3, 30), strict=True):
        prompts = table_of([([], PRESS)])
        prompts["prompt"] = [entry(number).prompt, "f" * 16]
        prompts.to_parquet(table)
    arguments = [part for table in tables for part in ("--prompts", table)]
    assert "57 answers deleted" in ledger_says("prune", two, *arguments, "--yes")
    assert read(two) == by_key([entry(3), entry(30)])
    assert read(two, OTHER) == by_key([entry(3)])


def test_prune_keeps_the_checks_of_an_endpoint(tmp_path: Path) -> None:
    ledger, table = tmp_path / "endpoint.sqlite", tmp_path / "prompts.parquet"
    kept = [replace(entry(number), prompt=CHECK) for number in (0, 1)] + [entry(2)]
    write(ledger, [*kept, entry(3)])
    prompts = table_of([([], PRESS)])
    prompts["prompt"] = [entry(2).prompt, "f" * 16]
    prompts.to_parquet(table)
    assert "1 answers deleted" in ledger_says("prune", ledger, "--prompts", table, "--yes")
    assert read(ledger) == by_key(kept), "the next job would pay for the checks again"


def test_prune_of_unknown_or_unnamed_answers_is_refused(two: Path, refused: Refused) -> None:
    typo = MARK[:-1] + ("0" if MARK[-1] != "0" else "1")
    refused("ledger", "prune", two, "--keep", typo, "--yes", tells=["no answer is under", f'mean "{MARK}"'])
    refused("ledger", "prune", two, "--yes", tells=["nothing says what to keep"])
