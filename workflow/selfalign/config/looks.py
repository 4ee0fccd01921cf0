"""The look of each arm in figures, which follows from its settings and so is the same in every run."""

from collections.abc import Mapping
from dataclasses import asdict

from selfalign.arms import Arm
from selfalign.config.sections import LookOfArm
from selfalign.figures.looks import BLUE, BROWN, GREEN, GREY, MARKERS, ORANGE, PINK, SKY, VERMILLION, Look

_SELECTORS = {
    "random": (BLUE, "s"),
    "category": (GREEN, "^"),
    "chrf": (VERMILLION, "o"),
    "bm25": (BROWN, "D"),
    "embedding": (SKY, "v"),
}
_OTHER_SELECTOR = (BROWN, "P")
_ANSWERS = {
    "other": (PINK, "D"),
    "other_group": (GREEN, "d"),
    "country": (BLUE, "h"),
    "world": (BLUE, "p"),
    "nearest": (SKY, "<"),
    "farthest": (BROWN, ">"),
    "inverted": (ORANGE, "v"),
    "shuffled": (GREEN, "X"),
    "neutral": (GREY, "P"),
}


def find_looks(arms: Mapping[str, Arm], chosen: Mapping[str, LookOfArm]) -> dict[str, Look]:
    """The look of every arm of the config.

    Colour and marker say how demonstrations are chosen, or whose answers they carry if these are not the country's own.
    Arms that agree in this take different markers, in the order of the config, and then another colour.

    Args:
        arms: the arms of the config, whether the run has them or not: so an arm looks the same in every run.
        chosen: the user's own looks (setting figures.style.palette): by arm, some of colour, marker and open.

    Returns:
        A `Look` by arm; no two are alike, except where `chosen` makes them so.
    """
    looks: dict[str, Look] = {}
    for name, arm in arms.items():
        own = chosen[name].given if name in chosen else {}
        look = Look(**{**asdict(_look_of(arm)), **own})
        free = [look, *(Look(colour, marker, look.open) for colour in (look.colour, BROWN) for marker in MARKERS)]
        taken = set(looks.values())
        looks[name] = look if "marker" in own else next((each for each in free if each not in taken), look)
    return looks


def _look_of(arm: Arm) -> Look:
    """The look that follows from the settings of an arm."""
    if not arm.shots:
        return Look(GREY, "s" if arm.persona else "o", True)
    if arm.answers in _ANSWERS:
        return Look(*_ANSWERS[arm.answers], True)
    return Look(*_SELECTORS.get(arm.strategy or "", _OTHER_SELECTOR))
