"""The arms of a config."""

from selfalign.arms import Arm
from selfalign.config.sections import Config


def arms_of(config: Config, language: str) -> dict[str, Arm]:
    """The arms of a language, by name, in the order of the config."""
    return {name: config.arms[name] for name in config.languages[language].arms}


def arms_of_run(config: Config) -> dict[str, Arm]:
    """The arms of all languages of the run, by name, in the order of the languages."""
    return {name: arm for language in config.run.languages for name, arm in arms_of(config, language).items()}


def selectors_of(config: Config, language: str) -> list[str]:
    """The strategies that rank demonstrations for the arms of a language, sorted."""
    return sorted({arm.selector for arm in arms_of(config, language).values() if arm.selector})


def seeds_of(config: Config, strategy: str) -> list[int]:
    """The seeds of all arms with a strategy that draws, sorted; none for the other strategies."""
    arms = [arm for arm in config.arms.values() if arm.strategy == strategy and arm.draws]
    return sorted({seed for arm in arms for seed in arm.seeds})
