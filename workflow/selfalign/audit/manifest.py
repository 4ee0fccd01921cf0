"""The manifest of a run: each of its files with bytes and SHA-256."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from selfalign.audit.jobs import Job, Records
from selfalign.digests import digest_file
from selfalign.errors import InputError
from selfalign.tables import Table, read_table

MANIFEST = "manifest.csv"
JOBS = "jobs.json"

_ANSWERING = ("infer", "ask")
"""Steps whose files stay, because a model's answers cost most."""


class Manifest(Table):
    """A file of a run."""

    file: str = pa.Field(unique=True, description="path, from the folder that the workflow runs in")
    bytes: int = pa.Field(ge=0, description="its size")
    sha256: str = pa.Field(str_matches=r"^[0-9a-f]{64}$", description="SHA-256 of its bytes")
    step: str = pa.Field(description="the step that made it")


def make_manifest(jobs: Iterable[Job], others: dict[str, str]) -> pd.DataFrame:
    """The manifest of a run: the files that its jobs made, and some others.

    The folders of models are left out: the digests of their files are in `model.json`, which is listed.

    Args:
        jobs: of the run.
        others: the step of each other file, by path.

    Returns:
        A `Manifest` table, in the order of the paths.
    """
    steps = {path: job.step for job in jobs for path in job.outputs} | others
    files = [path for path in sorted(steps) if Path(path).is_file()]
    rows = [(path, Path(path).stat().st_size, digest_file(Path(path)), steps[path]) for path in files]
    return pd.DataFrame(rows, columns=Manifest.names())


def find_changed(paths: Iterable[str], former: pd.DataFrame, records: Records) -> list[str]:
    """The files that were changed after their job ended.

    A file counts as changed when its time is not the time at which its job ended, and its content is not that of the
    earlier manifest. So a copied folder with new times has no changed files.

    Args:
        paths: files that jobs made.
        former: the `Manifest` table of an earlier end of the run; empty if there was none.
        records: of Snakemake.
    """
    known = dict(zip(former["file"], former["sha256"], strict=True))
    return [path for path in paths if records.was_changed(path) and digest_file(Path(path)) != known.get(path)]


def remove_old_files(former: pd.DataFrame, made: Iterable[str], folder: Path) -> list[str]:
    """Remove files that the run made earlier and no longer makes.

    Such a file is the table of a comparison that is turned off, the page of a model that was taken out of the run, or
    has a format that is no longer asked for. A file that somebody changed stays. So do answers, which cost most, and
    files outside the run's folder, which other runs may use.

    Args:
        former: the `Manifest` table of an earlier end of the run; empty if there was none.
        made: files that the run makes now.
        folder: of the run.

    Returns:
        The files that were removed, in the order of their paths.
    """
    gone = former[~former["step"].isin(_ANSWERING) & ~former["file"].isin(set(made))]
    mine = [row for row in gone.itertuples() if folder in Path(row.file).parents and Path(row.file).is_file()]
    old = [row.file for row in mine if digest_file(Path(row.file)) == row.sha256]
    for path in old:
        Path(path).unlink()
    return sorted(old)


def refuse_changed(folder: Path) -> None:
    """Refuse to go on with a finished run, one of whose files was changed after its job ended.

    Snakemake would take such a file for an input that changed: a table that was edited by hand would be plotted.

    Args:
        folder: of the run. Without a manifest in it, nothing is checked.

    Raises:
        InputError: names the file.
    """
    path = folder / MANIFEST
    if path.is_file():
        former = read_table(path, Manifest)
        refuse(find_changed(former["file"], former, Records()))


def refuse(changed: list[str]) -> None:
    """Raise InputError if there are changed files."""
    if changed:
        others = f", and so were {len(changed) - 1} more files" if len(changed) > 1 else ""
        more = f" The others: {', '.join(changed[1:6])}" if len(changed) > 1 else ""
        raise InputError(
            changed[0],
            f"the file was changed after its step made it{others}",
            f"Delete it, and snakemake makes it again.{more}",
        )
