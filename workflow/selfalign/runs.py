"""Where a run's files are: `results/{run}` is its own, `results/shared` is every run's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfalign.errors import InputError, did_you_mean

SHARED = "shared"
"""Folder of what runs share: surveys, models, ledgers, and the adopted probes of Arora et al. No run has this name."""

RECORD = "run.json"
"""File in a run's folder with the settings that it was made with."""


@dataclass(frozen=True)
class Run:
    """A run by its folder, which is named after it."""

    folder: Path

    @property
    def name(self) -> str:
        """The setting run.name."""
        return self.folder.name

    @property
    def shared(self) -> Path:
        """Folder of the files that this run shares with the other runs."""
        return self.folder.parent / SHARED

    @property
    def config(self) -> dict[str, Any]:
        """The merged settings that the run was made with.

        Raises:
            InputError: the run has no record of them, or a damaged one.
        """
        path = self.folder / RECORD
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["config"]
        except FileNotFoundError as error:
            problem = "is not there, so the settings of the run are not known"
            raise InputError(path, problem, "Let snakemake make it, with the config files of the run") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(path, "is not the record of a run", "Delete it, and let snakemake make it") from error
        return config


def find_run(name: str, results: Path = Path("results")) -> Run:
    """The run of a name.

    Args:
        name: the setting run.name, or the path of the run's folder.
        results: folder of all runs.

    Raises:
        InputError: there is no such run; names those that there are. Or the path leads into a run.
    """
    folder = Path(name) if "/" in name.rstrip("/") else results / name
    if around := next((one for one in folder.parents if (one / RECORD).is_file()), None):
        raise InputError(folder, f'is a path inside the run "{around.name}"', f"Name the run: {around.name}")
    if folder.is_dir() and folder.name != SHARED and folder != results:
        return Run(folder)
    place = results if folder == results else folder.parent
    runs = sorted(one.name for one in place.glob("*") if one.is_dir() and one.name != SHARED)
    problem = f'there is no run "{name if folder == results else folder.name}" in {place}/'
    remedy = did_you_mean(folder.name, runs) if runs else "Run snakemake first, in this folder"
    raise InputError(folder, problem, remedy)
