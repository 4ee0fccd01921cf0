"""Reading the config: the user's settings above the defaults, checked before anything runs."""

from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from selfalign.config.content import check_inputs
from selfalign.config.defaults import DEFAULTS, fill_in, locate_files
from selfalign.config.files import check_files
from selfalign.config.names import check_names
from selfalign.config.schema import check_schema
from selfalign.errors import InputError
from selfalign.home import HOME


def complete(config: dict[str, Any], home: Path) -> None:
    """Put the default settings below a user's own, in place, and refuse what cannot be run.

    Args:
        config: the user's settings, changed in place.
        home: the workflow's own folder.

    Raises:
        InputError: a setting is wrong, or names a file that is not there.
    """
    fill_in(config, [home / file for file in DEFAULTS])
    check_settings(config)
    locate_files(config, home)
    check_files(config)
    check_inputs(config, home)


def read_config(files: list[Path], home: Path = HOME) -> dict[str, Any]:
    """The settings that `snakemake --configfile` has from the same files.

    Args:
        files: the user's config files; a later one goes above an earlier one.
        home: the workflow's own folder.

    Raises:
        InputError: a file cannot be read, or a setting is wrong.
    """
    config: dict[str, Any] = {}
    for path in files:
        update_config(config, _read_yaml(path))
    complete(config, home)
    return config


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "there is no such config file", "Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML: {error}", "Correct it there") from error
    if not isinstance(settings, dict):
        raise InputError(path, "has no settings at its top level", "Write a config file as config/README.md explains")
    return settings


def check_settings(config: dict[str, Any]) -> None:
    """Refuse a config that breaks its schema or names what is not defined.

    Args:
        config: the merged settings; `check_schema` changes them in place.

    Raises:
        InputError: names the key, the value, what was expected and the nearest valid name.
    """
    check_schema(config)
    check_names(config)
