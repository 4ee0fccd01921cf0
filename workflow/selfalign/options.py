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


class Words(click.ParamType):
    """A list in one option: words with spaces between them, as Snakemake writes a list."""

    name = "words"

    def __init__(self, kind: type = str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        try:
            return [self.kind(word) for word in value.split()]
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Named(click.ParamType):
    """A file of several of a kind, with its name: NAME=FILE."""

    name = "name=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        name, equals, file = value.partition("=")
        if not (name and equals and file):
            self.fail(f"{value!r} is not NAME=FILE", param, ctx)
        return name, Path(file)
