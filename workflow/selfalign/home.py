"""The workflow's own folder, and the files that it brings, when it runs from another folder."""

from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
"""The workflow's own folder, if the library is in it."""

RESULTS = "results/"
"""The folder of all files that the workflow makes. The other files are the user's or the project's."""


def is_made(path: str | Path) -> bool:
    """Whether the workflow makes a file."""
    return str(path).startswith(RESULTS)


def locate(path: str, home: Path) -> str:
    """A path as it is, or in the workflow's own folder if only that folder has it.

    Args:
        path: relative to the working folder, or absolute; what comes before a field such as {language} must exist.
        home: the workflow's own folder.
    """
    fixed = Path(path.partition("{")[0] + "_").parent if "{" in path else Path(path)
    if fixed.is_absolute() or is_made(path) or fixed.exists() or not (home / fixed).exists():
        return path
    return str(home / path)
