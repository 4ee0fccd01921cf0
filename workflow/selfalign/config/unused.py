"""Arms and models that a user defined and does not run: often a name that was forgotten in a list."""

from collections.abc import Iterable
from pathlib import Path

from selfalign.config.arms import arms_of_run
from selfalign.config.sections import Config
from selfalign.home import HOME
from selfalign.yaml_files import load_yaml


def find_unused(config: Config, home: Path = HOME) -> dict[str, str]:
    """The user's own arms and models that the run does not have, with the reason.

    Args:
        home: the workflow's own folder, with the arms and models that are shipped.
    """
    used = arms_of_run(config)
    arms = [name for name in _own("arms", config.arms, home) if name not in used]
    models = [name for name in _own("models", config.models, home) if name not in config.run.models]
    return {
        **dict.fromkeys(arms, "the arm is defined, and no language of the run has it in its arms"),
        **dict.fromkeys(models, "the model is defined, and run.models does not name it"),
    }


def _own(kind: str, defined: Iterable[str], home: Path) -> list[str]:
    """The names that are not in the shipped file of a kind."""
    shipped = load_yaml((home / "config" / f"{kind}.yaml").read_text(encoding="utf-8"))[kind]
    return [name for name in defined if name not in shipped]
