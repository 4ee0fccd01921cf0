"""Steps at the scale of the paper: how much is held at once, and that tables stay the same for it."""

import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest
from answering import answers_of
from bank import BANK
from estimating import SETTINGS, people, scores
from pyarrow import parquet
from selfalign import tables
from selfalign.contrasts import Contrast
from selfalign.errors import TERMINAL, InputError
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import Ledger
from selfalign.scoring import cells, score_answers
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cells import Comparison
from selfalign.scoring.estimate_agreement import estimate_agreement
from selfalign.scoring.estimate_readouts import estimate_readouts
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.schemas import Scores
from selfalign.tables import Table, read_table, write_parts, write_table


class Numbers(Table):
    """A table for these tests."""

    name: str = pa.Field(description="of the number")
    number: int = pa.Field(ge=0, description="a number")

    class Config:
        unique = ["name"]


def numbers(start: int, rows: int) -> pd.DataFrame:
    return pd.DataFrame({"name": [f"n{place}" for place in range(start, start + rows)], "number": range(rows)})


# Tables in parts


@pytest.mark.slow
def test_parts_are_let_go_before_the_next_ones_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS", 50)
    alive: list[weakref.ref] = []

    def parts() -> Iterator[pd.DataFrame]:
        for start in range(0, 200, 20):
            gc.collect()
            assert sum(one() is not None for one in alive) <= 1  # the one before, at most
            part = numbers(start, 20)
            alive.append(weakref.ref(part))
            yield part
            del part

    assert write_parts(parts(), tmp_path / "numbers.parquet", Numbers) == 200
    file = parquet.ParquetFile(tmp_path / "numbers.parquet")
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [60, 60, 60, 20]
    expected = pd.concat([numbers(start, 20) for start in range(0, 200, 20)], ignore_index=True)
    pd.testing.assert_frame_equal(read_table(tmp_path / "numbers.parquet", Numbers), Numbers.validate(expected))


def test_small_table_in_parts_has_the_bytes_of_a_whole_one(tmp_path: Path) -> None:
    write_table(numbers(0, 30), tmp_path / "whole.parquet", Numbers)
    write_parts([numbers(0, 30)[:10], numbers(0, 30)[10:]], tmp_path / "parts.parquet", Numbers)
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "parts.parquet").read_bytes()


def test_part_that_breaks_the_schema_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS", 10)
    with pytest.raises(pa.errors.SchemaErrors):
        write_parts([numbers(0, 20), numbers(20, 20).assign(number=-1)], tmp_path / "numbers.parquet", Numbers)
    assert not list(tmp_path.iterdir())


def test_columns_that_are_not_asked_for_stay_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    write_table(numbers(0, 3), path, Numbers)
    assert list(read_table(path, Numbers, ["number"]).columns) == ["number"]
    pd.concat([numbers(0, 3), numbers(0, 3).assign(number=-1)]).to_parquet(path, index=False)
    with pytest.raises(InputError, match="must be 0 or more"):
        read_table(path, Numbers, ["number"])
    with pytest.raises(InputError, match="must not be repeated"):
        read_table(path, Numbers, ["name"])


def test_missing_column_is_reported_by_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    numbers(0, 3)[["number"]].to_parquet(path, index=False)
    with pytest.raises(InputError, match="has columns number; expected name, number"):
        read_table(path, Numbers, ["number"])


# Steps


@pytest.mark.slow
@pytest.mark.parametrize(("most", "parts"), [(80, [80, 80, 80]), (170, [160, 80]), (100_000, [240])])
def test_memory_holds_the_rows_of_some_arms(most: int, parts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_ROWS", most)
    probes, arms, held = list(BANK["probe"][:40]), ("own", "other", "zero"), []
    average = score_answers._average_orders
    monkeypatch.setattr(score_answers, "_average_orders", lambda rows: held.append(len(rows)) or average(rows))
    index = pd.MultiIndex.from_product([arms, probes, ["AB", "BA"]], names=["arm", "probe", "order"])
    rows = index.to_frame(index=False)
    design = rows.assign(country="BOL", source="BOL", seed=0, template="cloze", prompt=rows.index.astype(str))
    poles = pd.DataFrame({"country": "BOL", "probe": probes, "share_a": 0.7, "majority": "A"})
    answers = answers_of(dict.fromkeys(design["prompt"], (-0.5, -1.5)))
    scored, _ = score_answers.score_options(design, answers, Comparison(poles, BANK), {"cloze": "label"})
    assert len(scored) == 120 and held == parts


@pytest.mark.slow
def test_stacked_scores_are_small_and_give_the_same_estimates(tmp_path: Path) -> None:
    whole = scores({"zero": 0.0, "own": 0.2, "other": 0.1, "random": 0.1}, languages=("en", "es"))
    files = []
    for language, part in whole.groupby("language"):
        files.append(tmp_path / f"{language}.parquet")
        write_table(part[Scores.names()], files[-1], Scores)
    stacked = read_scores(files)
    texts = stacked.select_dtypes("category")
    assert texts.shape[1] == 12
    assert texts.memory_usage(index=False).sum() < 16 * len(texts) + 30_000  # one byte or two, and the categories
    plain = pd.concat([read_table(path, Scores) for path in files], ignore_index=True)
    both = [estimate_agreement(table, Resampling(people(plain), resample=[], **SETTINGS)) for table in (stacked, plain)]
    pd.testing.assert_frame_equal(*both)


@pytest.mark.slow
def test_one_readout_is_let_go_before_the_next_is_read() -> None:
    alive: list[weakref.ref] = []
    cells = scores({"zero": 0.0, "own": 0.2})

    def readouts() -> Iterator[tuple[str, pd.DataFrame]]:
        for readout in ("label", "option", "pmi"):
            gc.collect()
            assert not any(one() is not None for one in alive[:-1])
            table = cells.copy()
            alive.append(weakref.ref(table))
            yield readout, table
            del table

    pairs = [Contrast(arm="own", against="zero")]
    found = estimate_readouts(readouts(), pairs, Resampling(people(cells), resample=[], **SETTINGS), ["measure"])
    assert list(found["readout"].unique()) == ["label", "option", "pmi"]


def test_ledger_leaves_texts_on_disk(tmp_path: Path) -> None:
    facts = {"format": "plain"}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with ledger.run(facts, device="cpu", threads=1, versions={}) as run:
            run.record([Entry("k", "p", "a long text", 3, {"log_p": [-1.0]})])
        assert ledger.answered(fingerprint_of(facts), texts=False) == {"k": Entry("k", "p", "", 3, {"log_p": [-1.0]})}


# Progress


def test_progress_is_on_the_screen_and_not_in_the_log_of_a_job(tmp_path: Path) -> None:
    bar = "progress.show_progress('design', 'frame', items=[1, 2])"
    code = f"from selfalign import progress; progress._DELAY = 0; list({bar})"
    with (tmp_path / "log").open("w") as log, (tmp_path / "screen").open("w") as screen:
        variables = os.environ | {TERMINAL: str(screen.fileno())}
        subprocess.run([sys.executable, "-c", code], env=variables, stderr=log, pass_fds=[screen.fileno()], check=True)
    assert (tmp_path / "log").read_text() == ""
    shown = (tmp_path / "screen").read_text()
    assert "design: 100%" in shown and "2/2" in shown
