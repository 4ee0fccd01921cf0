"""How the panels of a figure are spread over files, so that none is higher than a page."""

from selfalign.config.figures import FIGURES
from selfalign.config.sections import Config

SEVERAL = "languages"
"""Ends the name of a file that shows the languages which are each asked about one country."""

_FIXED = 1.0  # inches: legend, axis and notes of a figure


def find_pages(config: Config, figure: str) -> dict[str, dict[str, list[str]]]:
    """The files of a figure, by name without suffix, and the models and languages that each shows.

    All panels are in one file if a page has room for them. Otherwise each model has a file, `{figure}_{model}`. If a
    model needs more than a page, it has files by language, `{figure}_{model}_{language}`. Languages that are asked
    about one country each share a panel, and so a file. In the figure contrasts they always have a file, because they
    have small panels.

    Args:
        figure: its name; a figure with pages.
    """
    paged = FIGURES[figure].paged
    assert paged is not None, f"{figure} has no pages"
    panels, width = paged.panels(config), config.figures.width_of(figure)
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
        needed = _FIXED + sum(paged.height(config, group, width) for group in groups)
        return needed <= config.figures.style.height

    candidates = () if grids else (whole, by_model)
    pages = next((each for each in candidates if all(fits(*page) for page in each.values())), by_language)
    if len(pages) == 1:
        pages = {figure: next(iter(pages.values()))}
    return {name: {"models": shown, "languages": languages} for name, (shown, languages) in pages.items()}


def name_pages(config: Config, figure: str) -> list[str]:
    """The files of a figure, by name without suffix; a figure without pages is one file."""
    return list(find_pages(config, figure)) if FIGURES[figure].paged else [figure]


def group_languages(config: Config, languages: list[str]) -> dict[str, list[str]]:
    """Languages that share a panel, by the name of their group.

    Args:
        languages: of one model.
    """
    single = [language for language in languages if len(config.languages[language].countries) == 1]
    if len(single) < 2:
        return {language: [language] for language in languages}
    groups = {language: [language] for language in languages if language not in single}
    return groups | {SEVERAL: single}


def _groups(config: Config, of_model: list[str], shown: list[str]) -> list[list[str]]:
    return list(group_languages(config, [language for language in of_model if language in shown]).values())
