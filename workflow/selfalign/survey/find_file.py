"""The file of a survey, also under the name that the survey's site gives to a download."""

import re
from difflib import get_close_matches
from pathlib import Path

_NUMBER = re.compile(r"F\d{6,}[-_ ]", re.IGNORECASE)
"""The World Values Survey puts the number of a download before the name of a file: F00011356-WVS_....zip."""

_DATA = (".zip", ".csv", ".txt", ".sav", ".dta", ".rds", ".rdata", ".xlsx")


def find_file(path: Path) -> Path | None:
    """The file of a survey: at a path, or in the same folder with the number of a download before its name.

    Args:
        path: the configured path; it may have such a number as well.

    Returns:
        The file; None if there is none, or if several differ only in their numbers.
    """
    if path.is_file():
        return path
    found = [other for other in _list_folder(path) if _plain(other.name) == _plain(path.name)]
    return found[0] if len(found) == 1 else None


def suggest_files(path: Path) -> str:
    """A remedy that names similar files in the folder of a path; empty if there are none.

    Another version, another format and an unzipped folder have similar names.
    """
    names: dict[str, list[str]] = {}
    for other in _list_folder(path):
        names.setdefault(_stem(other.name), []).append(other.name)
    near = get_close_matches(_stem(path.name), names, n=3, cutoff=0.75)
    inside = [
        f"{folder.name}/{file.name}"
        for folder in sorted(path.parent.glob("*"))
        if folder.is_dir() and _stem(folder.name) == _stem(path.name)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _DATA
    ]
    found = [name for stem in near for name in names[stem]] + inside
    return f"{path.parent} has {', '.join(found)}. If this is the file, write its name into the config" if found else ""


def _list_folder(path: Path) -> list[Path]:
    if not path.parent.is_dir():
        return []
    return [other for other in sorted(path.parent.iterdir()) if other.suffix.lower() in _DATA and other.is_file()]


def _plain(name: str) -> str:
    """A name without the number of a download."""
    return _NUMBER.sub("", name, count=1)


def _stem(name: str) -> str:
    """A name as it is compared: without number, copy mark, version and suffix, in lower case."""
    stem = re.sub(r"( ?\(\d+\))?(\.\w{3,5})?$", "", _plain(name)).lower()
    return re.sub(r"_(csv|sav|spss|stata|dta|rds|r|excel|xlsx)(?=_|$)", "", stem)
