"""Names of categories, kinds of models and languages in the figures across models and in their tables."""

from typing import get_args

from selfalign.figures.style import Style
from selfalign.forms import ModelKind
from selfalign.scoring.pooling import OWN, name_kind

MINUS = " \N{MINUS SIGN} "
"""Between the terms of a difference."""


def name_pair(arm: str, against: str, style: Style) -> str:
    """Name of the difference between two arms."""
    return style.arm(arm) + MINUS + style.arm(against)


def name_category(category: str, style: Style) -> str:
    """A category in words: of the texts, or from its own name, such as `my_values`."""
    return style.texts.get(f"categories.{category}", category.replace("_", " ").capitalize())


def name_language(language: str, style: Style) -> str:
    """The language that models are asked in, in words."""
    if language == OWN:
        return style.text("gains.asked_own")
    return style.text("gains.asked", language=style.language_name(language))


def name_kinds(model: str, against: str, models: int, style: Style) -> str:
    """Name of a kind of models with their number, or of a difference between two kinds.

    Args:
        model: `name_kind` of a kind.
        against: the same, or that of the kind that is subtracted.
        models: number of models of the kind.
    """
    known = {name_kind(kind): style.text(f"kinds.{kind}") for kind in get_args(ModelKind)}
    if against != model:
        return known[model] + MINUS + known[against]
    return style.text("gains.one_model" if models == 1 else "gains.several_models", kind=known[model], count=models)
