"""The files of a run, compared with its manifest."""

from pathlib import Path

import pandas as pd

from selfalign.audit.manifest import MANIFEST
from selfalign.audit.verify.findings import Difference
from selfalign.digests import digest_file

_UNLISTED = {MANIFEST}
_KEPT_ASIDE = {"logs", "benchmarks"}
"""Folders of a run that hold times, and so differ between two identical runs."""


def check_manifest(folder: Path, manifest: pd.DataFrame) -> list[Difference]:
    """The files that are not as a manifest has them, and the files of the run that it does not list.

    Args:
        folder: of the run.
        manifest: a `Manifest` table.
    """
    found = []
    for row in manifest.itertuples(index=False):
        path = Path(row.file)
        if not path.is_file():
            found.append(Difference(row.file, problem="the manifest lists this file, and it is missing"))
            continue
        for column, recorded, now in (
            ("bytes", row.bytes, path.stat().st_size),
            ("sha256", row.sha256, digest_file(path)),
        ):
            if recorded != now:
                found.append(Difference(row.file, column=column, recorded=recorded, found=now))
    listed = set(manifest["file"])
    found += [
        Difference(str(path), problem="the manifest does not list this file of the run")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and str(path) not in listed and _belongs(path.relative_to(folder))
    ]
    return found


def _belongs(path: Path) -> bool:
    """Whether a manifest must list a file, by its path in the folder of the run."""
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.parts[0] not in _KEPT_ASIDE and str(path) not in _UNLISTED
