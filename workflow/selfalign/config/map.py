"""Whether a run has the items of the cultural map."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfalign.probes.selection import find_used


def why_no_map(config: Mapping[str, Any]) -> str:
    """Why a run cannot have the cultural map, and what to add; empty if it can.

    Args:
        config: the merged settings, with a section scoring.map.

    Raises:
        InputError: the bank cannot be read.
    """
    settings, probes = config["scoring"]["map"], config["probes"]
    if probes["bank"].startswith("results/"):
        return f"its items are probes of resources/probes/probes.csv, and probes.bank is {probes['bank']}"
    survey = config["run"]["survey"]
    if config["surveys"][survey]["form"] == "shares":
        return (
            f"the survey {survey} publishes shares of several answer codes together, and the map needs a share of each "
            "code. Choose another survey in run.survey"
        )
    parts = _read_parts(Path(settings["items"]))
    used = find_used(Path(probes["bank"]), probes)
    absent = {item: sorted(asked - used) for item, asked in parts.items() if asked - used}
    if len(parts) - len(absent) >= settings["least"]:
        return ""
    missing = ", ".join(probe for names in absent.values() for probe in names)
    return (
        f"the run has {len(parts) - len(absent)} of the map's {len(parts)} items, and scoring.map.least is "
        f"{settings['least']}. Add to probes.only: {missing}"
    )


def _read_parts(file: Path) -> dict[str, set[str]]:
    """The probes of each item."""
    parts: dict[str, set[str]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            parts.setdefault(row["item"], set()).add(row["probe"])
    return parts
