"""Values of settings that decide how answers are scored. The config and the steps of this stage share them."""

from typing import Literal, get_args

OptionOrder = Literal["both", "AB", "BA"]
OPTION_ORDERS: tuple[OptionOrder, ...] = get_args(OptionOrder)
"""Orders of the options: both, averaged; pole A first only; pole B first only."""

FamilyColumn = Literal[
    "model", "language", "arm", "against", "against_model", "against_language", "country", "measure", "scope"
]
FAMILY_COLUMNS: tuple[FamilyColumn, ...] = get_args(FamilyColumn)
"""Columns that can name a family of tests. `scope` is whether a row is the mean of the countries or one of them."""

Chance = Literal["batteries", "respondents", "seeds", "templates"]
CHANCE: tuple[Chance, ...] = get_args(Chance)
"""What an interval can cover."""
