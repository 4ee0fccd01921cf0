"""The panels of figures: the models and languages that have one, and how high a panel is."""

from collections.abc import Iterable, Sequence
from itertools import product

from selfalign.config.outputs import (
    agreeing_arms,
    arms_with_cells,
    calibrated_arms,
    drawn_contrasts,
    find_estimated,
    mapped_arms,
)
from selfalign.config.sections import Config
from selfalign.contrasts import Contrast
from selfalign.figures.panels_per_row import WIDEST, grid_columns, map_columns, panel_columns, row_of_dots
from selfalign.figures.style import NARROW

TITLE = 0.3
"""Inches of the title of a panel."""


def panels_of_contrasts(config: Config, contrasts: Iterable[Contrast]) -> list[tuple[str, str]]:
    """The models and languages that have cells for both sides of some contrast, in the order of the run.

    Args:
        contrasts: which a figure shows.
    """
    shown = {panel for contrast in contrasts for panel in find_estimated(config, contrast)}
    return [panel for panel in product(config.run.models, config.run.languages) if panel in shown]


def panels_of_arms(config: Config, arms: Iterable[str]) -> list[tuple[str, str]]:
    """The models and languages that have cells of some arm, in the order of the run.

    Args:
        arms: by name.
    """
    chosen, run = set(arms), config.run
    asked = [language for language in run.languages if chosen & arms_with_cells(config, language)]
    return list(product(run.models, asked))


# Heights are in inches. Each function gets the languages that share a panel, and the figure's width in inches.


def height_of_rows(config: Config, languages: Sequence[str], width: float) -> float:
    """The least height of a panel with a row per country."""
    return TITLE + _count_rows(config, languages) * 0.14


def height_of_agreement(config: Config, languages: Sequence[str], width: float) -> float:
    """The least height of a panel with a row per country and a dot per arm."""
    return TITLE + _count_rows(config, languages) * max(0.13, row_of_dots(len(agreeing_arms(config))))


def height_of_calibration(config: Config, languages: Sequence[str], width: float) -> float:
    """The height of a block with a square per arm."""
    columns, arms = panel_columns(width), len(calibrated_arms(config))
    side = min(WIDEST, (width - 0.46) / min(columns, arms))
    return float(TITLE + -(-arms // columns) * (side + 0.6))


def height_of_map(config: Config, languages: Sequence[str], width: float) -> float:
    """The height of a block with a map per arm."""
    arms = len(mapped_arms(config))
    columns = min(map_columns(width), arms)
    return float(-(-arms // columns) * (TITLE + 0.7 * width / columns))


def height_of_contrasts(config: Config, languages: Sequence[str], width: float) -> float:
    """The least height of a panel with a row per contrast.

    Languages that share a panel have a small panel per contrast.
    """
    contrasts = sum(
        any(language in languages for _, language in find_estimated(config, contrast))
        for contrast in drawn_contrasts(config)
    )
    if len(languages) > 1:
        return TITLE + -(-contrasts // grid_columns(width)) * (0.4 + 0.1 * _count_rows(config, languages))
    return TITLE + contrasts * (0.34 if width < NARROW else 0.19)


def _count_rows(config: Config, languages: Sequence[str]) -> int:
    """Countries of the languages, and the mean of several countries of one language."""
    countries = [len(config.languages[language].countries) for language in languages]
    return sum(countries) + (countries[0] > 1)
