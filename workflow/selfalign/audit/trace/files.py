"""The cells behind numbers, as files for other programs."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from selfalign.audit.trace.report import Traced
from selfalign.audit.trace.results import Results
from selfalign.prompts.schemas import CELL
from selfalign.tables import written_aside

_WRITTEN = [
    "number", "model", "language", *CELL, "category", "battery", "answered", "p_a", "share_a", "majority", "agreement",
    "alignment", "term", "sign", "value", "weight", "adds", "left_out", "prompt_ab", "prompt_ba",
]  # fmt: skip


def list_cells(results: Results, traced: list[Traced], probe: str | None) -> pd.DataFrame:
    """The cells behind some numbers, with their prompts, in the columns that are written."""
    parts = []
    for each in traced:
        cells = each.cells.assign(number=each.point.name)
        cells = cells if probe is None else cells[cells["probe"] == probe]
        parts += [_with_prompts(results, group, language) for language, group in cells.groupby("language")]
    columns = pd.DataFrame(columns=_WRITTEN)
    return pd.concat(parts, ignore_index=True)[_WRITTEN] if parts else columns


def _with_prompts(results: Results, cells: pd.DataFrame, language: str) -> pd.DataFrame:
    prompts = results.design(language).pivot(index=CELL, columns="order", values="prompt")
    prompts = prompts.rename(columns={"AB": "prompt_ab", "BA": "prompt_ba"}).reset_index()
    return cells.merge(prompts, "left", on=CELL)


def write_cells(
    results: Results, traced: list[Traced], probe: str | None, csv_file: Path | None, json_file: Path | None
) -> None:
    """Write the cells behind some numbers as CSV, JSON or both.

    Args:
        probe: the only probe to write; None for all.
        csv_file: where to write the cells; None for no such file.
        json_file: where to write them with the numbers and their sums; None for no such file.
    """
    if csv_file is None and json_file is None:
        return
    numbers = [
        {
            "number": each.point.name,
            "country": each.point.country,
            "measure": each.point.measure,
            "terms": [vars(term) for term in each.point.terms],
            "stated": each.point.row.get("estimate"),
            "sum": each.total,
            "estimated_again": each.exact,
        }
        for each in traced
    ]
    write_rows(list_cells(results, traced, probe), csv_file, json_file, {"run": results.run.name, "numbers": numbers})


def write_rows(
    table: pd.DataFrame, csv_file: Path | None, json_file: Path | None, about: Mapping[str, object] | None = None
) -> None:
    """Write rows as CSV, JSON or both; JSON has `about` before them."""
    if csv_file is not None:
        with written_aside(csv_file) as aside:
            table.to_csv(aside, index=False, lineterminator="\n")
    if json_file is not None:
        rows = json.loads(table.to_json(orient="records", double_precision=15))
        with written_aside(json_file) as aside:
            text = json.dumps({**(about or {}), "cells": rows}, indent=1, ensure_ascii=False)
            aside.write_text(text + "\n", encoding="utf-8")
