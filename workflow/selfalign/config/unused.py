"""Arms and models that a user defined and does not run: often a name that was forgotten in a list."""

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
    why_arm = "the arm is defined, and no language of the run has it in its arms"
    why_model = "the model is defined, and run.models does not name it"
    arms = set(config.arms) - set(arms_of_run(config))
    models = set(config.models) - set(config.run.models)
    return {name: why_arm for name in config.arms if name in arms - _shipped("arms", home)} | {
        name: why_model for name in config.models if name in models - _shipped("models", home)
    }


def _shipped(kind: str, home: Path) -> set[str]:
    return set(load_yaml((home / "config" / f"{kind}.yaml").read_text(encoding="utf-8"))[kind])
