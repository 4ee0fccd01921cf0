"""Prompts for an endpoint, and the step that asks it."""

import json
import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from click.testing import CliRunner
from selfalign.inference.endpoint.ask import command
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.schemas import Answers
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table, write_table

KEY = f"sk-{os.urandom(8).hex()}"  # no file has it, this one included
SAMPLES = {"readout": "samples", "samples": 4, "reply_tokens": 4}


def table_of(count: int = 12, labels: tuple[str, ...] = ("A", "B")) -> pd.DataFrame:
    """Prompts about as many subjects, half of them with a demonstration, and the premise of all."""
    table = pd.DataFrame(
        {
            "prompt": [f"{place:016x}" for place in range(1, count + 1)],
            "system": "Fill in the blank. Answer with A or B only.",
            "shown": ['[["Work is ___.", "A"]]' if place % 2 else "[]" for place in range(count)],
            "asked": [f"Subject {place} is ___.\nA: important\nB: unimportant" for place in range(count)],
            "cue": "Answer:",
            "options": '["important", "unimportant"]',
            "labels": json.dumps(labels),
            "premise": "f" * 16,
            "demonstrations": "",
        }
    )
    premise = table.iloc[:1].assign(prompt="f" * 16, shown="[]", asked="___", labels="[]", premise="")
    return Prompts.validate(pd.concat([table, premise]).reset_index(drop=True))


@cache
def _file_of(count: int) -> bytes:
    """The Parquet file of `table_of`."""
    with TemporaryDirectory() as folder:
        write_table(table_of(count), Path(folder, "prompts.parquet"), Prompts)
        return Path(folder, "prompts.parquet").read_bytes()


def write_prompts(folder: Path, count: int = 12) -> Path:
    """Write the file of `table_of` into a folder."""
    path = folder / "prompts.parquet"
    path.write_bytes(_file_of(count))
    return path


def endpoint_of(**settings: object) -> Endpoint:
    """An endpoint whose other settings have their defaults."""
    return Endpoint.read({"url": "-", "model": "mini"} | settings)


def arguments(prompts: Path, url: str, name: str = "run", **settings: object) -> list[str]:
    """A command line of the step, with its ledger and output beside the prompts."""
    endpoint = {"url": url, "model": "mini", "concurrency": 4, "timeout": 0.5, "retries": 4, "instruction": "user"}
    endpoint |= settings
    given = {"--prompts": prompts, "--format": "chat", "--endpoint": json.dumps(endpoint)}
    made = {"--ledger": prompts.parent / f"{name}.sqlite", "--output": prompts.parent / f"{name}.parquet"}
    return [str(word) for pair in (given | made).items() for word in pair]


def ask(prompts: Path, url: str, name: str = "run", **settings: object) -> pd.DataFrame:
    """Run the step in this process, and return its table."""
    result = CliRunner().invoke(command, arguments(prompts, url, name, **settings), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return read_table(prompts.parent / f"{name}.parquet", Answers)


def first(table: pd.DataFrame) -> tuple:
    """The first prompt of a table, as the code gets it."""
    return next(iter(table.itertuples()))


def count_answers(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as database:
        return database.execute("SELECT count(*) FROM answers").fetchone()[0]
