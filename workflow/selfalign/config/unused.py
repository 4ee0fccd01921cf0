"""Arms, models and readouts that a user set and the run does not use: often a name that was forgotten or misspelt."""

from collections.abc import Iterable
from pathlib import Path

from selfalign.config.arms import arms_of_run
from selfalign.config.sections import Config
from selfalign.home import HOME
from selfalign.yaml_files import load_yaml


def find_unused(config: Config, home: Path = HOME) -> dict[str, str]:
    """The user's own arms, models and readouts of frames that the run does not have, with the reason.

    Args:
        home: the workflow's own folder, with the settings that are shipped.
    """
    used = arms_of_run(config)
    arms = [name for name in _own(config.arms, home, "arms.yaml", "arms") if name not in used]
    models = [name for name in _own(config.models, home, "models.yaml", "models") if name not in config.run.models]
    own = _own(config.scoring.readouts, home, "config.yaml", "scoring", "readouts")
    frames = [name for name in own if name not in config.prompts.frames]
    return {
        **dict.fromkeys(arms, "the arm is defined, and no language of the run has it in its arms"),
        **dict.fromkeys(models, "the model is defined, and run.models does not name it"),
        **dict.fromkeys(frames, "scoring.readouts has a readout for the frame, and prompts.frames does not name it"),
    }


def _own(defined: Iterable[str], home: Path, file: str, *keys: str) -> list[str]:
    """The names that are not in a section of a shipped file."""
    shipped = load_yaml((home / "config" / file).read_text(encoding="utf-8"))
    for key in keys:
        shipped = shipped[key]
    return [name for name in defined if name not in shipped]
