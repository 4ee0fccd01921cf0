"""Reading and writing of tables: each passes its pandera schema, and none is ever half written."""

import codecs
import errno
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
from pandera.dtypes import DataType
from pandera.engines import pandas_engine
from pyarrow import parquet

from selfalign.errors import InputError, listed

_RULES = {
    r"field_uniqueness|multiple_fields_uniqueness": "must not be repeated",
    r"not_nullable": "must not be missing",
    r"(?:coerce_)?dtype\('int.*'\)": "must be a whole number",
    r"(?:coerce_)?dtype\('float.*'\)": "must be a number",
    r"str_matches\('(.*)'\)": "must look like {}",
    r"str_length\(1, None\)": "must not be empty",
    r"isin\(\[(.*)\]\)": "must be one of {}",
    r"greater_than_or_equal_to\((.*)\)": "must be {} or more",
    r"less_than_or_equal_to\((.*)\)": "must be {} or less",
}


_NO_NAME = "(no name)"
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
"""What pandas says of a row with more cells than the first row."""

_P = re.compile(r"^(\w+_)?p(_holm|_bh)?$")
"""The columns of estimates with the p of a test, corrected or not."""

_QUOTED = re.compile(r'"[^"]*"')

ROWS = 2**17
"""Rows of a row group of a table that is written in parts: small parts are joined to at least so many."""

Fills = Mapping[str, Callable[[pd.DataFrame], object]]
"""What fills the empty cells of a column, by the column's name: a function of the table."""


class _Text(pandas_engine.STRING):
    """Pandera's type of text. If all cells of a column are text, it says so once instead of once per cell.

    For an answer per cell, pandera writes a report of the cells that are not text, also if there are none.
    """

    def check(self, pandera_dtype: DataType, data_container: pd.Series | None = None) -> bool | Iterable[bool]:
        found: bool | Iterable[bool] = super().check(pandera_dtype, data_container)
        return True if np.all(np.asarray(found)) else found


class Table(pa.DataFrameModel):
    """Base of every table of the workflow: exactly the declared columns, in the declared order."""

    class Config:
        strict = True
        ordered = True
        coerce = True

    @classmethod
    def to_schema(cls) -> pa.DataFrameSchema:
        schema = super().to_schema()  # pandera keeps it, and returns the same one at the next call
        for column in schema.columns.values():
            if type(column.dtype) is pandas_engine.STRING:
                column.dtype = _Text(column.dtype.storage)
        return schema

    @classmethod
    def names(cls) -> list[str]:
        """The names of the columns, in their order."""
        return list(cls.to_schema().columns)


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path in the folder of `path` to write to. It becomes `path` at the end, and is removed if anything fails.

    An error of a full or read-only disk names `path`. A device or a pipe, such as /dev/null, is written to as it is:
    for a user with all rights, the new file would replace it.
    """
    if path.is_char_device() or path.is_fifo():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.aside{path.suffix}")
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # the first error counts
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


def write_estimates(table: pd.DataFrame, path: Path, schema: type[Table]) -> None:
    """Write the columns of a schema with six decimals, as `write_table` does.

    A p that six decimals would make 0 has six significant digits, because the p of a test is never 0.

    Args:
        table: estimates; columns that the schema does not have are left out.
        path: of the file.
        schema: of the table.
    """
    table = table[schema.names()].infer_objects()  # numbers of the type object would not be rounded
    rounded = table.round(6)
    for name in filter(_P.search, rounded.columns):
        lost = (rounded[name] == 0) & (table[name] > 0)
        precise = table[name].astype(float).map("{:.5e}".format).astype(float)
        rounded[name] = rounded[name].mask(lost, precise)
    write_table(rounded, path, schema)


def write_parts(parts: Iterable[pd.DataFrame], path: Path, schema: type[Table]) -> int:
    """Validate a table part by part and write it as Parquet, so that memory holds some of its rows at once.

    Args:
        parts: of the table, at least one. No two parts may have rows with the same key: each is validated alone.
        path: of the file.
        schema: of the table.

    Returns:
        The number of rows.

    Raises:
        pandera.errors.SchemaErrors: a part breaks the schema (a bug of the step, with the rows named).
    """
    rows = 0
    with written_aside(path) as aside, ExitStack() as stack:
        writer = None
        for group in _join_small(_as_arrow(parts, schema)):
            writer = writer or stack.enter_context(parquet.ParquetWriter(aside, group.schema))
            writer.write_table(group)
            rows += group.num_rows
        stack.close()
    return rows


def _as_arrow(parts: Iterable[pd.DataFrame], schema: type[Table]) -> Iterator[pyarrow.Table]:
    """Parts as Arrow tables of one form, which the first part decides."""
    form = None
    for part in parts:
        table = pyarrow.Table.from_pandas(
            schema.validate(part.reset_index(drop=True), lazy=True), schema=form, preserve_index=False
        )
        form = form or table.schema
        yield table


def _join_small(tables: Iterable[pyarrow.Table]) -> Iterator[pyarrow.Table]:
    """The rows of some tables as tables of at least `ROWS` rows, except the last."""
    waiting: list[pyarrow.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(one.num_rows for one in waiting) >= ROWS:
            yield pyarrow.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pyarrow.concat_tables(waiting).combine_chunks()


def read_table(path: Path, schema: type[Table], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table that a step wrote, and validate it.

    Args:
        path: of the file.
        schema: of the table.
        columns: of a Parquet file, the columns to read, in the order of the schema; the others stay on disk. All if not
            given, and of a CSV file.

    Raises:
        InputError: the file is missing, cannot be read, or breaks its schema.
    """
    remedy = "Let snakemake make it again, or check the path"
    if path.suffix == ".csv":
        texts = {name: str for name, column in schema.to_schema().columns.items() if "str" in str(column.dtype)}
        # Else pandas takes the name 1.10 for a number, and None for an empty cell.
        return _read(path, schema.to_schema(), remedy, dtype=texts, keep_default_na=False, na_values=[""])
    if columns is None or not _is_whole(path, schema):
        return _read(path, schema.to_schema(), remedy)
    return _read(path, _select(schema, columns), remedy, columns=list(columns))


def _is_whole(path: Path, schema: type[Table]) -> bool:
    """Whether a Parquet file has exactly the columns of a schema. If not, reading all of it tells what is wrong."""
    try:
        return bool(parquet.read_schema(path).names == schema.names())
    except (OSError, pyarrow.ArrowException):
        return False


def _select(schema: type[Table], columns: Sequence[str]) -> pa.DataFrameSchema:
    """The part of a schema that is about some columns. Keys need all of their columns to be checked."""
    part = schema.to_schema().select_columns(list(columns))
    if not set(part.unique or ()) <= set(columns):
        part.unique = None
    return part


def read_input(path: Path, schema: type[Table], optional: Fills | None = None) -> pd.DataFrame:
    """Read a CSV that a person wrote, as text cells turned into the schema's types, and validate it.

    Args:
        path: the file.
        schema: its columns.
        optional: columns that may be missing or have empty cells, and what fills them, given the table. With this
            argument, columns may come in any order, and a column whose name begins with `note` is ignored. The file may
            have semicolons or tabs, in UTF-8, UTF-16 or Windows-1252, as spreadsheet programs save it.

    Raises:
        InputError: the file is missing, is no CSV, has no rows, or breaks its schema; names the row, column and value.

    Returns:
        The table without blank lines; the index of a row is the line on which it begins, less 2.
    """
    csv = {"dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    if optional is not None and path.is_file():
        csv |= find_form(path)
    table = _read(path, schema.to_schema(), "Correct the file", optional, **csv)
    if table.empty:
        raise InputError(path, "has a header but no rows", "Correct the file")
    return table


class _ReadRow(Protocol):
    """A row of a table that `read_input` returned."""

    Index: int


def cell_error(file: object, row: _ReadRow, column: str, problem: str, remedy: str) -> InputError:
    """The `InputError` for a column of a row that `read_input` returned."""
    return InputError(file, problem, remedy, row=row.Index + 2, column=column, value=getattr(row, column))


def find_form(path: Path) -> dict[str, str]:
    """Separator (`sep`) and encoding of a CSV that a spreadsheet program may have saved."""
    data = path.read_bytes()
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = data.decode(encoding, errors="replace")
    return {"sep": find_separator(*text.splitlines()[:2]), "encoding": encoding}


def find_separator(header: str = "", row: str = "") -> str:
    """The character between the cells of a text table: comma, semicolon or tab.

    Cells in quotes do not count. A name such as `Family, friends` may lack its quotes. So this function prefers a
    character that the first row has as often as the header.

    Args:
        header: first line of the table.
        row: second line.
    """
    in_header, in_row = (_QUOTED.sub("", line) for line in (header, row))
    counts = {mark: in_header.count(mark) for mark in ",;\t"}
    return max(counts, key=lambda mark: (0 < counts[mark] == in_row.count(mark), counts[mark]))


def _read(
    path: Path, schema: pa.DataFrameSchema, remedy: str, optional: Fills | None = None, **how: object
) -> pd.DataFrame:
    try:
        table = _read_csv(path, **how) if path.suffix == ".csv" else pd.read_parquet(path, **how)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", remedy) from None
    except pd.errors.EmptyDataError:
        raise InputError(path, "the file is empty", remedy) from None
    except (OSError, ValueError) as error:
        if found := _TOO_MANY.search(str(error)):
            expected_cells, line, cells = map(int, found.groups())
            raise _too_long(path, line, cells, expected_cells) from None
        raise InputError(path, f"cannot be read as a table ({error})", remedy) from None
    given = list(table.columns)
    if optional is not None:
        table = _complete(table, schema, optional)
    expected = list(schema.columns)
    if schema.strict and list(table.columns) != expected:
        if (unnamed := given.count(_NO_NAME)) and set(expected) <= set(given):
            raise _too_long(path, 2, len(given), len(given) - unnamed)
        problem = f"has columns {', '.join(dict.fromkeys(given))}; expected {', '.join(expected)}"
        raise InputError(path, problem, remedy, row=1)
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _broken(path, schema, error, remedy) from None


def _complete(table: pd.DataFrame, schema: pa.DataFrameSchema, optional: Fills) -> pd.DataFrame:
    """A table with its optional cells filled, without notes, in the schema's order; unknown columns come last."""
    table = table.rename(columns=str.strip)
    table = table[[name for name in table.columns if not name.lower().startswith("note")]]
    for name, fill in optional.items():
        given = table[name].str.strip() if name in table else pd.Series("", index=table.index)
        table = table.assign(**{name: given.mask(given == "", fill(table))})
    known = [name for name in schema.columns if name in table]
    return table[[*known, *(name for name in table.columns if name not in known)]]


def _read_csv(path: Path, **settings: object) -> pd.DataFrame:
    table = pd.read_csv(path, **settings)
    if not isinstance(table.index, pd.RangeIndex):  # rows longer than the header: pandas takes the rest for an index
        table = table.reset_index(names=[_NO_NAME] * table.index.nlevels, allow_duplicates=True)
    if settings.get("dtype") is str:
        table.index += _count_line_ends(table)
    return table[~table.isin([""]).all(axis=1)]


def _count_line_ends(table: pd.DataFrame) -> pd.Series:
    """How many line ends are in the cells above each row."""
    in_header = sum(str(name).count("\n") for name in table.columns)
    in_rows = sum((column.str.count("\n") for _, column in table.items()), start=pd.Series(0, table.index))
    return in_header + in_rows.cumsum().shift(fill_value=0)


def _too_long(path: Path, line: int, cells: int, expected: int) -> InputError:
    """The error for a row with more cells than the header."""
    remedy = "Put a text that contains the separator in quotes, or take out the separators at the end of the line"
    return InputError(path, f"has {cells} cells; expected {expected}, as in the header", remedy, row=line)


def _broken(path: Path, schema: pa.DataFrameSchema, error: pa.errors.SchemaErrors, remedy: str) -> InputError:
    cases = error.failure_cases.sort_values("index", kind="stable")
    case = cases.iloc[0]
    row = None if pd.isna(case["index"]) else int(case["index"]) + 2
    column = schema.columns.get(case["column"])
    meaning = f" ({column.description})" if column is not None and column.description else ""
    problem = "must not be empty" if case["failure_case"] == "" else _in_words(str(case["check"]))
    same = cases[["column", "check", "failure_case"]].eq(case[["column", "check", "failure_case"]]).all(axis=1)
    others = [str(int(index) + 2) for index in cases.loc[same, "index"].dropna().unique()[1:]]
    problem += meaning + (f"; the same in line {listed(others)}" if others else "")
    return InputError(path, problem, remedy, row=row, column=case["column"], value=case["failure_case"])


def _in_words(rule: str) -> str:
    """What a rule of a schema demands of a value."""
    for pattern, words in _RULES.items():
        if match := re.fullmatch(pattern, rule):
            return words.format(*match.groups())
    return f"breaks the rule {rule}"
