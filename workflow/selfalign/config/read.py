"""Reading the config: the user's settings above the defaults, checked before anything runs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from selfalign.config.check_files import check_files
from selfalign.config.check_inputs import check_inputs
from selfalign.config.check_names import check_names
from selfalign.config.defaults import DEFAULTS, fill_in, locate_files
from selfalign.config.schema import check_schema
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.home import HOME
from selfalign.yaml_files import YAML_MISTAKES

_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[\d_]+:[\d_:.]+)")
"""A number that YAML reads to the base 8 or 60."""

_NUMBERS = (":int", ":float")
"""Ends of the tags that YAML gives to numbers."""


def complete(config: dict[str, Any], home: Path, files: Iterable[str | Path] = ()) -> Config:
    """Put the default settings below a user's own, in place, and refuse what cannot be run.

    Snakemake and the record of the run keep the plain settings. The library reads the `Config` that is returned.

    Args:
        config: the user's settings, changed in place.
        home: the workflow's own folder.
        files: that the user's settings are from.

    Raises:
        InputError: a setting is wrong, or names a file that is not there.
    """
    refuse_misread(files)
    fill_in(config, [home / file for file in DEFAULTS])
    check_settings(config)
    locate_files(config, home)
    typed = Config.read(config)
    check_files(typed)
    check_inputs(typed, home)
    return typed


def read_config(files: Sequence[Path]) -> Config:
    """The config that `snakemake --configfile` has from the same files; arguments as those of `read_settings`."""
    return Config.read(read_settings(files))


def read_settings(files: Sequence[Path]) -> dict[str, Any]:
    """The merged and checked settings, as plain values: for a caller that changes some of them before `Config.read`.

    Args:
        files: the user's config files; a later one goes above an earlier one.

    Raises:
        InputError: a file cannot be read, or a setting is wrong.
    """
    config: dict[str, Any] = {}
    refuse_misread(files)  # before the settings are merged, which needs a document that ends
    for path in files:
        update_config(config, _read_yaml(path))
    complete(config, HOME)
    return config


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise InputError(path, "there is no such config file", "Check the path") from error
    except IsADirectoryError as error:
        raise InputError(path, "is a folder, not a config file", "Name a file in it") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        remedy = f"Correct this line or the one before it: {YAML_MISTAKES}"
        raise InputError(path, f"is not YAML: {error.problem}", remedy, row=line) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML in UTF-8: {error}", "Save it as text in UTF-8") from error
    if not isinstance(settings, dict):
        raise InputError(path, "has no settings at its top level", "Write a config file as config/README.md explains")
    return settings


def refuse_misread(files: Iterable[str | Path]) -> None:
    """Refuse what YAML would read as something else, without a message.

    Of a key that is there twice in one mapping, YAML uses the last. It reads 0200 as 128, and 10:30 as 630. Settings
    inside themselves, which an anchor can make, have no end.

    Args:
        files: of a config. A file that is not YAML is left to its reader.

    Raises:
        InputError: names the file, the line and the key, number or settings.
    """
    for path in map(Path, files):
        with suppress(OSError, ValueError, yaml.YAMLError):
            document = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
            if around := _find_around_itself(document):
                problem = "the settings that begin here contain themselves, through an anchor (&) and its alias (*)"
                raise InputError(path, problem, "Write them out instead of the alias", row=around.start_mark.line + 1)
            nodes = list(_list_nodes(document))
            for key in _find_repeated(nodes):
                problem = f'the key "{key.value}" is there a second time, and only the last one would count'
                raise InputError(path, problem, "Write it once, with all of its settings", row=key.start_mark.line + 1)
            for number in _find_numbers(nodes):
                problem = f"YAML reads {number.value} as {yaml.safe_load(number.value)}"
                remedy = "Write a number without zeros before it and without colons, or put a text in quotes"
                raise InputError(path, problem, remedy, row=number.start_mark.line + 1)


def _list_nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """A node of a YAML document, and all nodes inside it."""
    if node is not None:
        yield node
    for inner in _list_parts(node):
        yield from _list_nodes(inner)


def _list_parts(node: yaml.Node | None) -> list[yaml.Node]:
    """The entries of a list, or the keys and values of a mapping."""
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    return [inner for part in parts for inner in (part if isinstance(part, tuple) else (part,))]


def _find_around_itself(node: yaml.Node | None, above: tuple[yaml.Node, ...] = ()) -> yaml.Node | None:
    """A node of a YAML document that is inside itself, if there is one."""
    if node is None or any(node is one for one in above):
        return node
    found = (_find_around_itself(part, (*above, node)) for part in _list_parts(node))
    return next((one for one in found if one), None)


def _find_numbers(nodes: Iterable[yaml.Node]) -> Iterator[yaml.ScalarNode]:
    """Whole and decimal numbers of a YAML document with another base than they seem to have: 8 or 60."""
    for node in nodes:
        # A text in quotes is no number.
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(_NUMBERS) and _OTHER_BASE.fullmatch(node.value):
            yield node


def _find_repeated(nodes: Iterable[yaml.Node]) -> Iterator[yaml.ScalarNode]:
    """Keys of a YAML document that an earlier key of the same mapping equals."""
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            yield from (key for place, key in enumerate(keys) if key.value in {one.value for one in keys[:place]})


def check_settings(config: dict[str, Any]) -> None:
    """Refuse a config that breaks its schema or names what is not defined.

    Args:
        config: the merged settings; `check_schema` changes them in place.

    Raises:
        InputError: names the key, the value, what was expected and the nearest valid name.
    """
    check_schema(config)
    check_names(Config.read(config))
