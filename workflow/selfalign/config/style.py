"""The style of a run's figures, from the settings `figures.style`: its JSON, its files, and the names of countries."""

import json
from dataclasses import asdict
from pathlib import Path

from selfalign.config.arms import arms_of_run
from selfalign.config.languages import fill_language
from selfalign.config.looks import find_looks
from selfalign.config.sections import Config, FigureStyle
from selfalign.config.values import check_file
from selfalign.errors import InputError
from selfalign.figures.style import ENGLISH, read_figure_texts, read_style


def describe_style(config: Config, figure: str | None = None) -> str:
    """The style of a figure as JSON, for `read_style`; its files (texts and font) are passed apart.

    Args:
        figure: its name; its own width, if it has one, replaces figures.style.width.
    """
    style, arms = config.figures.style, arms_of_run(config)
    looks = find_looks(config.arms, style.palette)
    described = {
        "labels": {
            "models": {name: config.models[name].label for name in config.run.models},
            "arms": {name: arm.label for name, arm in arms.items()},
        },
        "width": config.figures.width_of(figure),
        "height": style.height,
        "language": style.language,
        "looks": {name: asdict(looks[name]) for name in arms},
        "order": style.countries.order,
        "names": style.countries.names,
        "level": config.scoring.level,
        "covers": _find_covered(config),
    }
    return json.dumps(described)


def _find_covered(config: Config) -> list[str]:
    """What the intervals cover: of scoring.resample, that of which the run has several."""
    several = {
        "seeds": any(len(arm.seeds) > 1 for arm in arms_of_run(config).values()),
        "templates": len(config.prompts.frames) > 1,
    }
    return [name for name in config.scoring.resample if several.get(name, True)]


def texts_file(style: FigureStyle) -> str:
    """The file of texts that the settings figures.style name."""
    return fill_language(style.texts, style.language)


def check_style_files(style: FigureStyle) -> None:
    """Refuse a style whose font or file of texts is missing or does not fit.

    Args:
        style: the settings figures.style.
    """
    if style.font is not None:
        check_file(style.font, "config: figures.style.font", "Put the font there, or correct the path")
    file = Path(texts_file(style))
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in ENGLISH.parent.glob("*.yaml")))
        problem = f"has no file of texts: {file} is missing"
        remedy = f"Choose one of the shipped languages: {known}; or write the file with the keys of {ENGLISH.name}"
        raise InputError("config: figures.style.language", problem, remedy, value=style.language)
    read_figure_texts(file)


def country_in_figures(config: Config, code: str) -> str | None:
    """Name of a country, or of the mean of the countries, in the figures of a run.

    Args:
        config: the settings of the run, which an earlier version may have recorded.
        code: of the country.

    Returns:
        None if the texts of the figures are not there any more.
    """
    style = config.figures.style
    files = [Path(texts_file(style)), ENGLISH.with_name(f"{style.language}.yaml")]
    file = next((file for file in files if file.is_file()), None)
    described = {"labels": {}, "language": style.language, "names": style.countries.names}
    return read_style(described, file).country(code) if file else None
