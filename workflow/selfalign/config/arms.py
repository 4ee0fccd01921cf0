"""The arms of a config."""

from collections.abc import Mapping
from typing import Any

from selfalign.arms import Arm


def read_arms(config: Mapping[str, Any]) -> dict[str, Arm]:
    """All arms of a config, by name, whether the run has them or not."""
    return Arm.read_all(config["arms"])


def arms_of(config: Mapping[str, Any], language: str) -> dict[str, Arm]:
    """The arms of a language, by name, in the order of the config."""
    return {name: Arm.read(name, config["arms"][name]) for name in config["languages"][language]["arms"]}


def arms_of_run(config: Mapping[str, Any]) -> dict[str, Arm]:
    """The arms of all languages of the run, by name, in the order of the languages."""
    return {name: arm for language in config["run"]["languages"] for name, arm in arms_of(config, language).items()}


def selectors_of(config: Mapping[str, Any], language: str) -> list[str]:
    """The strategies that rank demonstrations for the arms of a language, sorted."""
    return sorted({arm.selector for arm in arms_of(config, language).values() if arm.selector})


def seeds_of(config: Mapping[str, Any], strategy: str) -> list[int]:
    """The seeds of all arms with a strategy that draws, sorted; none for the other strategies."""
    arms = read_arms(config).values()
    return sorted({seed for arm in arms if arm.strategy == strategy and arm.draws for seed in arm.seeds})
