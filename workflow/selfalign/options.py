"""Types of the command line's options, and how a command gets several options at once."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from selfalign.errors import InputError

readable = click.Path(path_type=Path, dir_okay=False)
"""A file to read; whether it is there is checked on reading, with a remedy in the message."""

writable = click.Path(path_type=Path, dir_okay=False)
"""A file to write."""

Value = TypeVar("Value")

Command = Callable[..., Any]
"""The function of a command, with whatever options it has."""


def give_options(command: Command, options: Iterable[Callable[[Command], Command]]) -> Command:
    """Give a command options, which its help lists in their order.

    Args:
        command: the function of a command.
        options: decorators, such as `click.option` returns.
    """
    for option in reversed(list(options)):
        command = option(command)
    return command


def need(file: Path | None, option: str, reason: str) -> Path:
    """A file that a command needs for some inputs only.

    Args:
        file: of the option, if it was given.
        option: name of the option.
        reason: why the file is needed, as a clause.

    Raises:
        InputError: the option was not given.
    """
    if file is None:
        raise InputError(option, f"is not given, but {reason}", f"Add {option} FILE to the command")
    return file


class Json(click.ParamType[Value]):
    """A setting of the config, passed as JSON and checked.

    Args:
        form: the type of the value, as `pydantic.TypeAdapter` takes it.
    """

    name = "json"

    def __init__(self, form: type[Value] | Any) -> None:
        self._form: TypeAdapter[Value] = TypeAdapter(form)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        try:
            return self._form.validate_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "json_invalid":
                self.fail(f"not JSON: {first['ctx']['error']}", param, ctx)
            place = "".join(f"[{part!r}]" for part in first["loc"])
            self.fail(f"{first['input']!r}{' at ' * bool(place)}{place}: {first['msg']}", param, ctx)


class Words(click.ParamType[list[Any]]):
    """A list in one option: words with spaces between them, as Snakemake writes a list."""

    name = "words"

    def __init__(self, kind: Callable[[str], Any] = str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        try:
            return [self.kind(word) for word in value.split()]
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Named(click.ParamType[tuple[str, Path]]):
    """A file of several of a kind, with its name: NAME=FILE."""

    name = "name=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        name, equals, file = value.partition("=")
        if not (name and equals and file):
            self.fail(f"{value!r} is not NAME=FILE", param, ctx)
        return name, Path(file)
