"""Types of the command line's options."""

import json
from pathlib import Path
from typing import Any

import click

readable = click.Path(path_type=Path, dir_okay=False)
"""A file to read; whether it is there is checked on reading, with a remedy in the message."""

writable = click.Path(path_type=Path, dir_okay=False)
"""A file to write."""


class Json(click.ParamType):
    """A setting of the config, passed as JSON."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            self.fail(f"not JSON: {error}", param, ctx)
