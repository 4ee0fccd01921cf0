"""The arms of a config."""

from selfalign.arms import Arm
from selfalign.config.merged import MergedConfig


def read_arms(config: MergedConfig) -> dict[str, Arm]:
    """All arms of a config, by name, whether the run has them or not."""
    return Arm.read_all(config["arms"])


def arms_of(config: MergedConfig, language: str) -> dict[str, Arm]:
    """The arms of a language, by name, in the order of the config."""
    return {name: Arm.read(name, config["arms"][name]) for name in config["languages"][language]["arms"]}


def arms_of_run(config: MergedConfig) -> dict[str, Arm]:
    """The arms of all languages of the run, by name, in the order of the languages."""
    return {name: arm for language in config["run"]["languages"] for name, arm in arms_of(config, language).items()}


def selectors_of(config: MergedConfig, language: str) -> list[str]:
    """The strategies that rank demonstrations for the arms of a language, sorted."""
    return sorted({arm.selector for arm in arms_of(config, language).values() if arm.selector})


def seeds_of(config: MergedConfig, strategy: str) -> list[int]:
    """The seeds of all arms with a strategy that draws, sorted; none for the other strategies."""
    arms = read_arms(config).values()
    return sorted({seed for arm in arms if arm.strategy == strategy and arm.draws for seed in arm.seeds})
