"""Settings and files as options of a step's command, for the shell text of a rule."""

import json
import shlex
from collections.abc import Iterable, Mapping
from operator import attrgetter


def as_json(value: object) -> str:
    """A setting as JSON with its keys in one order, so that a reordered config reruns nothing.

    Args:
        value: of JSON, or with parts of the config in it.
    """
    return json.dumps(value, sort_keys=True, default=attrgetter("setting"))


def as_options(values: Mapping[str, object]) -> str:
    """Options of a command with their values, quoted for the shell.

    Args:
        values: by option. A list becomes one value, its words with spaces between them.
    """
    return " ".join(f"--{name} {shlex.quote(_as_text(value))}" for name, value in values.items())


def as_braces(paths: Iterable[str]) -> str:
    """Paths as bash expands them: files of one folder stand in braces, such as `tables/{agreement,contrasts}.csv`.

    Linux refuses a command of more than 131,072 bytes, and a run has several files for each model and language.

    Args:
        paths: relative, of characters that need no quotes.
    """
    names: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        folder, slash, name = path.rpartition("/")
        stem, dot, suffix = name.partition(".")
        names.setdefault((folder + slash, dot + suffix), []).append(stem)
    return " ".join(
        f"{folder}{{{','.join(stems)}}}{suffix}" if len(stems) > 1 else f"{folder}{stems[0]}{suffix}"
        for (folder, suffix), stems in names.items()
    )


def _as_text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
