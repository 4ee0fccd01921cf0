"""Arms and models that a user defined and does not run: often a name that was forgotten in a list."""

from pathlib import Path

from selfalign.config.arms import arms_of_run
from selfalign.config.merged import MergedConfig
from selfalign.home import HOME
from selfalign.yaml_files import load_yaml


def find_unused(config: MergedConfig, home: Path = HOME) -> dict[str, str]:
    """The user's own arms and models that the run does not have, with the reason.

    Args:
        home: the workflow's own folder, with the arms and models that are shipped.
    """
    used = {"arms": set(arms_of_run(config)), "models": set(config["run"]["models"])}
    why = {
        "arms": "the arm is defined, and no language of the run has it in its arms",
        "models": "the model is defined, and run.models does not name it",
    }
    found: dict[str, str] = {}
    for kind, names in used.items():
        shipped = load_yaml((home / "config" / f"{kind}.yaml").read_text(encoding="utf-8"))[kind]
        found |= {name: why[kind] for name in config[kind] if name not in shipped and name not in names}
    return found
