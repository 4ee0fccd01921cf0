"""Reading and writing of tables: each passes its pandera schema, and none is ever half written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from selfalign.errors import InputError


class Table(pa.DataFrameModel):
    """Base of every table of the workflow: exactly the declared columns, in the declared order."""

    class Config:
        strict = True
        ordered = True
        coerce = True


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it becomes `path` at the end, or goes if anything fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.aside{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path: Path, schema: type[Table]) -> None:
    """Validate a table and write it as Parquet or CSV, by the path's suffix.

    Raises:
        pandera.errors.SchemaErrors: the table breaks its schema (a bug of the step, with the rows named).
    """
    table = schema.validate(table.reset_index(drop=True), lazy=True)
    with written_aside(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False, lineterminator="\n")
        else:
            table.to_parquet(aside, index=False)


def read_table(path: Path, schema: type[Table]) -> pd.DataFrame:
    """Read a table that a step wrote, and validate it.

    Raises:
        InputError: the file is missing, cannot be read, or breaks its schema.
    """
    remedy = "Delete the file and run snakemake again"
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        return schema.validate(table, lazy=True)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Let snakemake make it, or check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read as a table ({error})", remedy) from error
    except pa.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        raise InputError(
            path, f"breaks the schema {schema.__name__}: {case['check']}", remedy, column=case["column"],
            value=case["failure_case"],
        ) from error
