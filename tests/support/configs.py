"""The configs that the project ships, each read and checked once."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from places import ROOT
from selfalign.config.read import read_settings
from selfalign.config.sections import Config
from snakemake.utils import update_config


def shipped(*names: str) -> dict[str, Any]:
    """The merged settings of config files of the project, such as `study`, to change; without a name, the default."""
    return deepcopy(_read(Path.cwd(), names))  # settings that name a file depend on the working folder


def altered(*names: str, **settings: object) -> Config:
    """The config of `shipped` with other settings on top, unchecked."""
    config = shipped(*names)
    update_config(config, settings)
    return Config.read(config)


@cache
def _read(_: Path, names: tuple[str, ...]) -> dict[str, Any]:
    return read_settings([ROOT / "config" / f"{name}.yaml" for name in names])
