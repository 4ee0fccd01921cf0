"""How the panels of a figure are spread over files, so that none is higher than a page."""

from typing import Any

from selfalign.outputs import agreeing_arms, calibrated_arms, find_estimated, find_panels, list_contrasts

SEVERAL = "languages"
"""Ends the name of a file that shows the languages which are each asked about one country."""

_NARROW = 5.0
_FIXED, _PANEL = 1.0, 0.3  # inches: legend, axis and notes of a figure; title of a panel


def find_pages(config: dict[str, Any], figure: str) -> dict[str, dict[str, list[str]]]:
    """The files of a figure, by name without suffix, and the models and languages that each shows.

    All panels are in one file if a page has room for them. Otherwise each model has a file, `{figure}_{model}`. If one
    model needs more than a page, it has files by language, `{figure}_{model}_{language}`. Languages that are asked about
    one country each share a panel, and so a file; of the figure contrasts, where they have small panels of their own,
    they always have a file.

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
    limit = config["figures"]["style"]["height"]
    grids = figure == "contrasts" and any(name.endswith(f"_{SEVERAL}") for name in by_language)
    fits = [
        pages
        for pages in (() if grids else (whole, by_model))
        if all(
            _FIXED
            + sum(
                _height(config, figure, group) for model in shown for group in _groups(config, models, model, languages)
            )
            <= limit
            for shown, languages in pages.values()
        )
    ]
    pages = fits[0] if fits else by_language
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


def _groups(config: dict[str, Any], models: dict[str, list[str]], model: str, languages: list[str]) -> list[list[str]]:
    return list(group_languages(config, [one for one in models[model] if one in languages]).values())


def _height(config: dict[str, Any], figure: str, group: list[str]) -> float:
    """Inches that a panel needs at least."""
    countries = [len(config["languages"][language]["countries"]) for language in group]
    rows = sum(countries) + (countries[0] > 1)
    width = config["figures"].get(figure, {}).get("width", config["figures"]["style"]["width"])
    narrow = width < _NARROW
    if figure == "agreement":
        return _PANEL + rows * max(0.13, 0.05 + 0.034 * len(agreeing_arms(config)))
    if figure == "calibration":
        columns, arms = panel_columns(width), len(calibrated_arms(config))
        return _PANEL + -(-arms // columns) * ((width - 0.4) / min(columns, arms) + 0.35)
    if figure == "contrasts":
        contrasts = sum(
            any(language in group for _, language in find_estimated(config, contrast))
            for contrast in list_contrasts(config)
        )
        if len(group) > 1:
            return _PANEL + -(-contrasts // grid_columns(width)) * (0.4 + 0.1 * rows)
        return _PANEL + contrasts * (0.34 if narrow else 0.19)
    return _PANEL + rows * 0.14


def panel_columns(width: float) -> int:
    """Panels of the figure calibration that stand beside each other in a figure of so many inches."""
    return max(1, int((width - 0.4) / 1.2))


def grid_columns(width: float) -> int:
    """Small panels of contrasts that stand beside each other in a figure of so many inches."""
    return max(1, int((width - 0.6) / 0.85)) if width < _NARROW else max(1, int((width - 0.9) / 1.1))
