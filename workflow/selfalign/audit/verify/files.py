"""The files of a run, compared with its records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.audit.manifest import MANIFEST
from selfalign.audit.record_run import describe_file
from selfalign.audit.verify.findings import Difference

_KEPT_ASIDE = {"logs", "benchmarks"}
"""Folders of a run that hold times, and so differ between two identical runs."""


def check_manifest(folder: Path, manifest: pd.DataFrame) -> list[Difference]:
    """The files that are not as a manifest has them, and the files of the run that it does not list.

    Args:
        folder: of the run.
        manifest: a `Manifest` table.
    """
    found = []
    for row in manifest.to_dict("records"):
        if Path(row["file"]).is_file():
            found += compare_facts(row["file"], row)
        else:
            found.append(Difference(row["file"], problem="the manifest lists this file, and it is missing"))
    listed = set(manifest["file"])
    found += [
        Difference(str(path), problem="the manifest does not list this file of the run")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and str(path) not in listed and _belongs(path.relative_to(folder))
    ]
    return found


def compare_facts(file: str, recorded: Mapping[str, Any]) -> list[Difference]:
    """The bytes and the SHA-256 of a file that are not as they were recorded."""
    return [
        Difference(file, column=key, recorded=recorded.get(key), found=now)
        for key, now in describe_file(Path(file)).items()
        if recorded.get(key) != now
    ]


def _belongs(path: Path) -> bool:
    """Whether a manifest must list a file, by its path in the folder of the run."""
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.parts[0] not in _KEPT_ASIDE and str(path) != MANIFEST
