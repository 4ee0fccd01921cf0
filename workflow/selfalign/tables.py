"""Reading and writing of tables: each passes its pandera schema, and none is ever half written."""

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
        aside.replace(path)
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
    return _read(path, schema, "Let snakemake make it anew, or check the path")


def read_input(path: Path, schema: type[Table]) -> pd.DataFrame:
    """Read a CSV that a person wrote, as text cells turned into the schema's types, and validate it.

    Raises:
        InputError: the file is missing, is no CSV, or breaks its schema; names the row, column and value.
    """
    return _read(path, schema, "Correct the file", dtype=str, keep_default_na=False)


def _read(path: Path, schema: type[Table], remedy: str, **csv: object) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, **csv) if path.suffix == ".csv" else pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", remedy) from None
    except pd.errors.EmptyDataError:
        raise InputError(path, "the file is empty", remedy) from None
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read as a table ({error})", remedy) from None
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _broken(path, table, schema, error, remedy) from None


def _broken(
    path: Path, table: pd.DataFrame, schema: type[Table], error: pa.errors.SchemaErrors, remedy: str
) -> InputError:
    expected = list(schema.to_schema().columns)
    if schema.Config.strict and list(table.columns) != expected:
        return InputError(
            path, f"has columns {', '.join(table.columns)}; expected {', '.join(expected)}", remedy, row=1
        )
    case = error.failure_cases.sort_values("index", kind="stable").iloc[0]
    row = None if pd.isna(case["index"]) else int(case["index"]) + 2
    problem = f"breaks the rule {case['check']} of the table {schema.__name__}"
    return InputError(path, problem, remedy, row=row, column=case["column"], value=case["failure_case"])
