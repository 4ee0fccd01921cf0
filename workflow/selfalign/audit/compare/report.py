"""A comparison of two runs as text or JSON."""

import json
from collections.abc import Iterable
from os.path import commonprefix
from typing import Any, Protocol

import pandas as pd

from selfalign.audit.compare.changes import RunDifferences
from selfalign.errors import listed
from selfalign.runs import Run

_LONG, _ITEMS = 40, 5
"""Characters of a value, and items of a list, that are shown at most."""


def describe_differences(first: Run, second: Run, found: RunDifferences, shown: int) -> str:
    """A comparison as text.

    Args:
        first, second: the runs.
        found: their differences.
        shown: at most so many rows of each list.
    """
    parts = [f"{first.name} -> {second.name}"]
    changes = {"Settings": found.settings, "Inputs": found.inputs, "Code": found.code, "Versions": found.versions}
    for title, values in changes.items():
        lines = [f"{key}: {_describe_change(*pair)}" for key, pair in values.items()]
        parts.append(_section(title, lines, shown))
    parts.append(_section("Distinct prompts", list(_describe_prompts(found.prompts)), shown))
    cells = found.cells[(found.cells[["added", "removed", "prompt"]] > 0).any(axis=1)]
    parts.append(_section("Cells", [_describe_cells(row) for row in cells.itertuples()], shown))
    for name, table in found.estimates.items():
        lines = [_describe_estimate(row) for row in table.to_dict("records")]
        parts.append(_section(f"Estimates of {name}.csv", lines, shown))
    return "\n\n".join(parts)


def _section(title: str, lines: list[str], shown: int) -> str:
    more = [f"... and {len(lines) - shown} more; --all lists them"] if len(lines) > shown else []
    return "\n  ".join([f"{title}: {len(lines) or 'nothing'} differ{'s' * (len(lines) < 2)}", *lines[:shown], *more])


def _describe_prompts(prompts: dict[str, dict[str, int]]) -> Iterable[str]:
    for language, counts in prompts.items():
        if counts["first"] or counts["second"]:
            yield f"{language}: {counts['both']} in both, {counts['second']} added, {counts['first']} removed"


class _CellCounts(Protocol):
    """Counts of the cells of a model, language and arm in two runs."""

    model: str
    language: str
    arm: str
    kept: int
    added: int
    removed: int
    prompt: int


def _describe_cells(row: _CellCounts) -> str:
    parts = {"added": row.added, "removed": row.removed, "with another prompt": row.prompt}
    changes = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"{row.model}, {row.language}, {row.arm}: {changes}; {row.kept} in both runs"


def _describe_estimate(row: dict[str, Any]) -> str:
    compared = f" - {row['against']}" if "against" in row else ""
    beyond = f" - ({row['beyond']})" if row.get("beyond") else ""
    name = f"{row['model']}, {row['language']}, {row['arm']}{compared}{beyond}, {row['country']}, {row['measure']}"
    name += f", {row['alternative']}" if "alternative" in row else ""
    return f"{name}: {_interval(row, '')} -> {_interval(row, '_then')}: {row['why']}"


def _interval(row: dict[str, Any], then: str) -> str:
    estimate, low, high = (row[f"{part}{then}"] for part in ("estimate", "low", "high"))
    if pd.isna(estimate):
        return "none"
    return f"{estimate:.3f}" if pd.isna(low) else f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


def _describe_change(before: Any, after: Any) -> str:
    """Two values of a setting. Of long lists, the items that were added and removed."""
    texts = [_as_text(value) for value in (before, after)]
    if max(map(len, texts)) > _LONG and isinstance(before, list) and isinstance(after, list):
        parts = {
            "added": [_as_text(item) for item in after if item not in before],
            "removed": [_as_text(item) for item in before if item not in after],
        }
        changes = [f"{what} {listed(items, _ITEMS)}" for what, items in parts.items() if items]
        return "; ".join(changes) or "the same items in another order or number"
    same = len(commonprefix(texts))
    start = same - 10 if same > _LONG - 10 else 0  # or else two long paths look the same
    return " -> ".join(_cut(text, start) for text in texts)


def _cut(text: str, start: int) -> str:
    return f"{'...' * (start > 0)}{text[start : start + _LONG]}{'...' * (len(text) > start + _LONG)}"


def _as_text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences_to_json(found: RunDifferences) -> str:
    """A comparison as JSON: the fields of `RunDifferences`, with tables as lists of rows."""
    tables = {name: json.loads(table.to_json(orient="records")) for name, table in found.estimates.items()}
    cells = json.loads(found.cells.to_json(orient="records"))
    return json.dumps({**vars(found), "cells": cells, "estimates": tables}, indent=1, ensure_ascii=False)
