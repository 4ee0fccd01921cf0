"""Differences between a file of a run and the same file made again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfalign.audit.verify.findings import Difference

_NOTHING = object()


def compare_tables(file: str, recorded: pd.DataFrame, now: pd.DataFrame, tolerance: float) -> list[Difference]:
    """Differences between two tables, cell by cell; if they have other columns or row counts, only these.

    Args:
        file: that the recorded table is from.
        recorded: as the run wrote it.
        now: recomputed.
        tolerance: largest difference of two numbers that counts as rounding.
    """
    if list(recorded.columns) != list(now.columns):
        return [Difference(file, column="(columns)", recorded=list(recorded.columns), found=list(now.columns))]
    if len(recorded) != len(now):
        return [Difference(file, column="(number of rows)", recorded=len(recorded), found=len(now))]
    found = []
    for column in recorded.columns:
        for row in np.flatnonzero(~_alike(recorded[column], now[column], tolerance)):
            place, one, other = _first_unlike(column, recorded[column].iloc[row], now[column].iloc[row], tolerance)
            found.append(Difference(file, int(row) + 1, place, one, other))
    return found


def _alike(one: pd.Series, other: pd.Series, tolerance: float) -> np.ndarray:
    """Whether values of two columns are the same, numbers up to a tolerance. Missing values are the same."""
    one, other = one.reset_index(drop=True), other.reset_index(drop=True)
    if all(pd.api.types.is_numeric_dtype(column) and column.dtype != bool for column in (one, other)):
        numbers = [column.to_numpy(dtype="float64", na_value=np.nan) for column in (one, other)]
        return _alike_numbers(numbers[0], numbers[1], tolerance)
    if any(column.map(_is_list).any() for column in (one, other)):
        pairs = zip(one, other, strict=True)
        return np.array([_first_unlike("", first, second, tolerance)[0] is None for first, second in pairs], dtype=bool)
    alike: np.ndarray = ((one.isna() & other.isna()) | (one.astype(str) == other.astype(str))).to_numpy()
    return alike


def _alike_numbers(one: np.ndarray, other: np.ndarray, tolerance: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        alike: np.ndarray = (np.isnan(one) & np.isnan(other)) | (one == other) | (np.abs(one - other) <= tolerance)
    return alike


def _is_list(value: Any) -> bool:
    return isinstance(value, list | np.ndarray)


def _first_unlike(column: str, one: Any, other: Any, tolerance: float) -> tuple[str | None, Any, Any]:
    """The place of the first difference of two cells, with both values; of lists of the same numbers, no place."""
    if not (_is_list(one) and _is_list(other)):
        return column, one, other
    first, second = (np.asarray(values, dtype=float) for values in (one, other))
    if first.shape != second.shape:
        return f"{column} (length)", len(first), len(second)
    unlike = np.flatnonzero(~_alike_numbers(first, second, tolerance))
    if not len(unlike):
        return None, one, other
    return f"{column}[{unlike[0]}]", first[unlike[0]], second[unlike[0]]


def compare_files(file: str, recorded: Path, now: Path, tolerance: float) -> list[Difference]:
    """Differences between a file of a run and the same file made again: of tables, JSON, pictures and other files.

    Args:
        file: name of the recorded file, for messages.
        recorded: the file.
        now: the file that was made again.
        tolerance: largest difference of two numbers that counts as rounding.
    """
    if not recorded.is_file():
        return [Difference(file, problem="the file is missing")]
    if recorded.read_bytes() == now.read_bytes():
        return []
    try:
        if recorded.suffix in (".csv", ".parquet"):
            return compare_tables(file, _read(recorded), _read(now), tolerance)
        if recorded.suffix == ".json":
            before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (recorded, now))
            return compare_json(file, before, after, tolerance)
        if recorded.suffix == ".png":
            return _compare_pictures(file, recorded, now)
    except (ValueError, OSError, SyntaxError) as error:
        return [Difference(file, problem=f"cannot be read ({' '.join(str(error).split())[:200]})")]
    return [Difference(file, problem="the file that was made again has other bytes")]


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def compare_json(file: str, recorded: Any, now: Any, tolerance: float = 0) -> list[Difference]:
    """Differences between two values of JSON, by the place of each; arguments as `compare_files`."""
    return list(_compare_json(file, recorded, now, tolerance))


def _compare_json(file: str, recorded: Any, now: Any, tolerance: float, place: str = "") -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(now, dict):
        pairs = [(key, recorded.get(key, _NOTHING), now.get(key, _NOTHING)) for key in {**recorded, **now}]
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        pairs = [(str(index), *pair) for index, pair in enumerate(zip(recorded, now, strict=True))]
    else:
        numbers = [isinstance(one, int | float) and not isinstance(one, bool) for one in (recorded, now)]
        if recorded != now and not (all(numbers) and abs(recorded - now) <= tolerance):
            values = [None if one is _NOTHING else one for one in (recorded, now)]
            yield Difference(file, column=place or "(all)", recorded=values[0], found=values[1])
        return
    for key, one, other in pairs:
        yield from _compare_json(file, one, other, tolerance, f"{place}.{key}".removeprefix("."))


def _compare_pictures(file: str, recorded: Path, now: Path) -> list[Difference]:
    from matplotlib.image import imread  # takes time to import

    one, other = imread(recorded), imread(now)
    if one.shape != other.shape:
        return [Difference(file, column="(pixels)", recorded=one.shape, found=other.shape)]
    differ = (one != other).any(axis=-1)
    share = f"drawn again, {differ.sum()} of {differ.size} pixels are different"
    return [Difference(file, problem=share)] if differ.any() else []
