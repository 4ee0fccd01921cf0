"""How the panels of a figure are spread over files, so that none is higher than a page."""

from typing import Any

from selfalign.config.outputs import (
    agreeing_arms,
    calibrated_arms,
    find_estimated,
    find_panels,
    list_contrasts,
    mapped_arms,
)
from selfalign.figures.columns import grid_columns, map_columns, panel_columns
from selfalign.figures.style import NARROW

SEVERAL = "languages"
"""Ends the name of a file that shows the languages which are each asked about one country."""

_FIXED, _PANEL = 1.0, 0.3  # inches: legend, axis and notes of a figure; title of a panel


def find_pages(config: dict[str, Any], figure: str) -> dict[str, dict[str, list[str]]]:
    """The files of a figure, by name without suffix, and the models and languages that each shows.

    All panels are in one file if a page has room for them. Otherwise each model has a file, `{figure}_{model}`. If a
    model needs more than a page, it has files by language, `{figure}_{model}_{language}`. Languages that are asked
    about one country each share a panel, and so a file. In the figure contrasts they always have a file, because they
    have small panels.

    Args:
        config: the merged settings.
        figure: its name.
    """
    panels = find_panels(config, figure)
    models = {model: [one for other, one in panels if other == model] for model, _ in panels}
    whole = {figure: (list(models), list(dict.fromkeys(language for _, language in panels)))}
    by_model = {f"{figure}_{model}": ([model], languages) for model, languages in models.items()}
    by_language = {
        f"{figure}_{model}_{name}": ([model], group)
        for model, languages in models.items()
        for name, group in group_languages(config, languages).items()
    }
    grids = figure == "contrasts" and any(name.endswith(f"_{SEVERAL}") for name in by_language)

    def fits(shown: list[str], languages: list[str]) -> bool:
        groups = [group for model in shown for group in _groups(config, models[model], languages)]
        needed = _FIXED + sum(_height(config, figure, group) for group in groups)
        return bool(needed <= config["figures"]["style"]["height"])

    candidates = () if grids else (whole, by_model)
    pages = next((each for each in candidates if all(fits(*page) for page in each.values())), by_language)
    if len(pages) == 1:
        pages = {figure: next(iter(pages.values()))}
    return {name: {"models": shown, "languages": languages} for name, (shown, languages) in pages.items()}


def group_languages(config: dict[str, Any], languages: list[str]) -> dict[str, list[str]]:
    """Languages that share a panel, by the name of their group.

    Args:
        config: the merged settings.
        languages: of one model.
    """
    single = [language for language in languages if len(config["languages"][language]["countries"]) == 1]
    if len(single) < 2:
        return {language: [language] for language in languages}
    groups = {language: [language] for language in languages if language not in single}
    return groups | {SEVERAL: single}


def _groups(config: dict[str, Any], of_model: list[str], shown: list[str]) -> list[list[str]]:
    return list(group_languages(config, [language for language in of_model if language in shown]).values())


def _height(config: dict[str, Any], figure: str, group: list[str]) -> float:
    """Inches that a panel needs at least."""
    countries = [len(config["languages"][language]["countries"]) for language in group]
    rows = sum(countries) + (countries[0] > 1)
    width = config["figures"].get(figure, {}).get("width", config["figures"]["style"]["width"])
    narrow = width < NARROW
    if figure == "agreement":
        return _PANEL + rows * max(0.13, 0.05 + 0.034 * len(agreeing_arms(config)))
    if figure == "calibration":
        columns, arms = panel_columns(width), len(calibrated_arms(config))
        side = min(2.6, (width - 0.46) / min(columns, arms))
        return float(_PANEL + -(-arms // columns) * (side + 0.6))
    if figure == "map":
        columns = min(map_columns(width), len(mapped_arms(config)))
        return float(-(-len(mapped_arms(config)) // columns) * (_PANEL + 0.7 * width / columns))
    if figure == "contrasts":
        contrasts = sum(
            any(language in group for _, language in find_estimated(config, contrast))
            for contrast in list_contrasts(config)
        )
        if len(group) > 1:
            return _PANEL + -(-contrasts // grid_columns(width)) * (0.4 + 0.1 * rows)
        return _PANEL + contrasts * (0.34 if narrow else 0.19)
    return _PANEL + rows * 0.14
