"""Settings and files as options of a step's command, for the shell text of a rule."""

import json
import shlex
from collections.abc import Mapping
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


def _as_text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
