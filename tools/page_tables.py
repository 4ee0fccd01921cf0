"""Tables of a page in Markdown, written from kept tables of runs, and a search for numbers that no table has.

`tools/findings.py` uses both. A table stands between two comments; the first says what the table shows, as YAML:

    <!-- table
    from: study/contrasts
    where: {country: all, pair: [chrf - zero_shot, chrf - chrf_other]}
    rows: {contrast: "{pair}"}
    columns:
      agreement: {measure: agreement}
      p: {measure: agreement, show: "{p:p}"}
    -->

    <!-- end of table -->

docs/extending_findings.md explains the keys.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import yaml
from selfalign.errors import InputError, did_you_mean
from selfalign.runs import RECORD

MARK = re.compile(r"(<!-- table\n(?P<spec>.*?)-->\n)(?P<body>.*?)(?=<!-- end of table -->)", re.DOTALL)
INTERVAL = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?)(?P<unit>[^\d\[\]|]{0,20}| of \d+) ?\[(?P<ends>[^\[\]]*)\](?!\()")
OTHER_SOURCE = re.compile(r"<!-- source: .+? -->")

SHOWN = {
    "points": "{estimate:points} [{low:points}, {high:points}]",
    "main": "{estimate:points} [{main_low:points}, {main_high:points}]",
    "percent": "{estimate:percent} [{low:percent}, {high:percent}]",
    "number": "{estimate:.2f} [{low:.2f}, {high:.2f}]",
}
"""Short names of templates for cells."""

TAKEN = {
    "rows": (lambda rows: len(rows), "{estimate:.0f}"),
    "median": (lambda rows: rows["estimate"].median(), "{estimate:points}"),
    "least": (lambda rows: rows["estimate"].min(), "{estimate:points}"),
    "greatest": (lambda rows: rows["estimate"].max(), "{estimate:points}"),
    "above": (lambda rows: (rows["estimate"] > 0).mean(), "{estimate:percent0}"),
    "interval above": (lambda rows: (rows["low"] > 0).mean(), "{estimate:percent0}"),
    "interval below": (lambda rows: (rows["high"] < 0).mean(), "{estimate:percent0}"),
}
"""By name: the number that a cell shows for several rows, and its template."""


_PLACE = "the comment of a table"


_PAIR = ("arm", "against", "beyond", "language", "against_language", "model", "against_model")


class KeptTables:
    """The kept tables of runs. Each file is read once.

    Args:
        folder: of all kept runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[str, pd.DataFrame] = {}

    def read(self, names: str | list[str]) -> pd.DataFrame:
        """Kept tables below each other, with the columns run, label (of the model) and pair (of a contrast).

        Args:
            names: of the tables, `run/table`.

        Raises:
            InputError: a table is not kept.
        """
        tables = []
        for name in [names] if isinstance(names, str) else names:
            if name not in self._tables:
                self._tables[name] = self._read_one(name)
            tables.append(self._tables[name])
        return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)

    def has_interval(self, numbers: list[str]) -> bool:
        """Whether a kept table has an estimate and an interval that are rounded to these numbers.

        Args:
            numbers: an estimate and both ends of its interval, as a page writes them.
        """
        decimals = max(len(number.partition(".")[2]) for number in numbers)
        values = np.array([float(number) for number in numbers])
        reach = 0.5 * 10.0**-decimals + 1e-9  # a number that is farther away is rounded to another one
        first, last = np.searchsorted(self._triples[:, 0], [values[0] - reach, values[0] + reach])
        near = self._triples[first:last]
        near = near[(np.abs(near - values) <= reach).all(axis=1)]
        wanted = _rounded(values, decimals)
        return any(_rounded(triple, decimals) == wanted for triple in near)

    def _read_one(self, name: str) -> pd.DataFrame:
        run, _, table = name.partition("/")
        path = self.folder / run / "tables" / f"{table}.csv"
        if not path.is_file():
            raise InputError(_PLACE, f"{path} is missing", "Keep the run with tools/findings.py", value=name)
        record = self.folder / run / RECORD  # tables of programs have none
        models = json.loads(record.read_text(encoding="utf-8"))["config"]["models"] if record.is_file() else {}
        rows = pd.read_csv(path)
        rows = rows.astype(dict.fromkeys(rows.select_dtypes("str"), object))  # rows of it are chosen quickly
        labels = {model: models.get(model, {}).get("label", model) for model in rows["model"].unique()}
        rows = rows.assign(run=run, label=rows["model"].map(labels))
        if "against" not in rows:
            return rows
        parts = rows[[column for column in _PAIR if column in rows]].to_dict("records")
        return rows.assign(pair=[_name_pair(row) for row in parts])

    @cached_property
    def _triples(self) -> np.ndarray:
        """Estimates of all tables with both ends of their intervals: n x 3, from the lowest estimate to the highest."""
        files = sorted(self.folder.glob("*/tables/*.csv"))
        triples = [np.empty((0, 3)), *(rows for path in files for rows in _find_triples(pd.read_csv(path)))]
        return np.unique(np.concatenate(triples), axis=0)


def fill_tables(page: str, kept: KeptTables) -> str:
    """The text of a page, its marked tables written from the kept tables.

    Args:
        kept: tables of all kept runs.

    Raises:
        InputError: a comment is not YAML, or names a table, column or row that is not kept.
    """
    return MARK.sub(lambda found: f"{found[1]}\n{write_table(_read_spec(found['spec']), kept)}\n\n", page)


def write_table(spec: dict[str, Any], kept: KeptTables) -> str:
    """A table in Markdown, from kept tables.

    Args:
        spec: from: the kept tables, `run/table`; the column `run` of their rows has the name of the run. where: values
            of columns; a list also gives the order. rows: names of the first columns, with templates of their texts.
            columns: names of the other columns, with a template to `show` or what to `take` of several rows, and
            values of columns to choose by; `from` reads other tables. names: texts for values, by column.
        kept: tables of all kept runs.
    """
    heads, columns = spec["rows"], spec["columns"]
    named = {name for text in heads.values() for _, name, _, _ in Formatter().parse(text) if name}
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for title, column in columns.items():
        given = {"show": "points", **column}
        where = {**spec.get("where", {}), **{key: given[key] for key in given.keys() - {"show", "take", "from"}}}
        rows = _choose(kept.read(given.get("from", spec["from"])), where)
        names = rows[[name for name in rows if name in named]]
        names = names.assign(**{key: rows[key].replace(texts) for key, texts in spec.get("names", {}).items()})
        keys = [tuple(text.format(**row) for text in heads.values()) for row in names.to_dict("records")]
        for key in dict.fromkeys(keys):
            same = rows[[one == key for one in keys]]
            cells.setdefault(key, {})[title] = _show(same, given, f"{title} of {' '.join(key)}")
    lines = [[*heads, *columns], *([*key, *(cells[key].get(title, "") for title in columns)] for key in cells)]
    texts = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([texts[0], "|" + "---|" * len(lines[0]), *texts[1:]])


def find_unknown(page: str, kept: KeptTables) -> list[str]:
    """The intervals of a page, with their estimates, that no kept table has.

    A line with `<!-- source: ... -->` names another source and is left out.

    Args:
        kept: tables of all kept runs.
    """
    found = []
    for line in page.splitlines():
        for match in () if OTHER_SOURCE.search(line) else INTERVAL.finditer(line):
            ends = re.split(r", | to ", match["ends"])
            numbers = [match["value"], *ends]
            if len(ends) != 2 or not all(re.fullmatch(r"[+-]?\d+(\.\d+)?", number) for number in numbers):
                continue
            if not kept.has_interval(numbers):
                found.append(match[0])
    return found


def _read_spec(text: str) -> dict[str, Any]:
    try:
        spec = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(_PLACE, f"is not YAML: {error}", "Correct it in the page") from None
    if missing := {"from", "rows", "columns"} - set(spec):
        raise InputError(_PLACE, f"lacks {', '.join(sorted(missing))}", "Add it in the page", value=text)
    return spec


class _Cells(Formatter):
    """Formats numbers of a table: points and percent may end with the number of decimals; p is a p-value."""

    def format_field(self, value: Any, form: str) -> str:
        kind = re.fullmatch(r"(points|percent)(\d?)", form)
        if kind:
            sign, decimals = "+" if kind[1] == "points" else "", kind[2] or "1"
            return _plain(f"{100 * value:{sign}.{decimals}f}")
        if form == "p":
            return (
                "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.01 else f"{value:.2f}".replace("1.00", "1")
            )
        return _plain(super().format_field(value, form))


def _plain(number: str) -> str:
    """A number; zero has no sign."""
    return re.sub(r"^[+-](0(?:\.0+)?)$", r"\1", number)


def _show(rows: pd.DataFrame, column: dict[str, Any], place: str) -> str:
    """The text of a cell. Without an estimate it is empty, without an interval it has none."""
    if take := column.get("take"):
        number, shown = TAKEN[take]
        return _Cells().format(shown, estimate=number(rows))
    if len(rows) > 1:
        differing = [name for name in rows if rows[name].astype(str).nunique() > 1]
        raise InputError(_PLACE, f"{place} has {len(rows)} rows, which differ in {', '.join(differing)}", "Choose one")
    text, values = SHOWN.get(column["show"], column["show"]), rows.iloc[0].to_dict()
    fields = [name for _, name, _, _ in Formatter().parse(text) if name]
    if pd.isna(values[fields[0]]):
        return ""
    if any(pd.isna(values[name]) for name in fields):
        text = text.partition(" [")[0]
    return _Cells().format(text, **values)


def _choose(rows: pd.DataFrame, where: dict[str, Any]) -> pd.DataFrame:
    """Rows with the given values of columns, in the order of the lists; the first list comes first.

    Raises:
        InputError: there is no such column or row, or a value of a list is in no row.
    """
    chosen = rows
    for column, value in reversed(where.items()):
        if column not in rows:
            raise InputError(_PLACE, f"the table has no column {column}", did_you_mean(column, rows), value=column)
        wanted = ["" if one is None else str(one) for one in (value if isinstance(value, list) else [value])]
        if missing := set(wanted) - (known := set(rows[column].fillna("").astype(str))):
            missed = min(missing)
            raise InputError(_PLACE, f"no row has this {column}", did_you_mean(missed, known), value=missed)
        place = chosen[column].fillna("").astype(str).map({one: number for number, one in enumerate(wanted)})
        chosen = chosen.loc[place.dropna().sort_values(kind="stable").index]
    if chosen.empty:
        raise InputError(_PLACE, f"no row has all of {where}", "Correct the values")
    return chosen


def _name_pair(row: dict[str, Any]) -> str:
    """A contrast as the page names it, such as `chrf - chrf_other`."""
    if pd.isna(row["against"]):
        return ""
    pair = f"{row['arm']} - {row['against']}"
    for key in ("language", "model"):
        if (other := row.get(f"against_{key}")) is not None and pd.notna(other) and other != row[key]:
            pair += f" in {other}" if key == "language" else f" of {other}"
    return pair if pd.isna(row.get("beyond")) else f"({pair}) - ({row['beyond']})"


def _find_triples(table: pd.DataFrame) -> Iterator[np.ndarray]:
    """The estimates of a table with both ends of their intervals, also times 100, and the same with the other sign."""
    numbers = table.select_dtypes("number")
    for low in [name for name in numbers if name.endswith("low")]:
        start = low.removesuffix("low")
        of = start.removesuffix("main_")  # a main interval has the estimate of the other one
        names = (f"{start}estimate", start.rstrip("_"), f"{of}estimate", of.rstrip("_"), "estimate", "similarity")
        value = next((name for name in names if name in numbers), None)
        if value and f"{start}high" in numbers:
            rows = numbers[[value, low, f"{start}high"]].dropna().to_numpy(float)
            for scale in (1, 100):
                yield scale * rows
                yield -scale * rows[:, [0, 2, 1]]


def _rounded(numbers: Iterable[float], decimals: int) -> tuple[str, ...]:
    return tuple(_plain(f"{number:.{decimals}f}") for number in numbers)
