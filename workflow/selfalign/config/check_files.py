"""The files that the config names: each must be there before anything runs."""

from pathlib import Path

from selfalign.arms import Kind
from selfalign.config.languages import (
    compared_languages,
    fill_language,
    find_speakers,
    spoken_of_run,
    worded_languages,
    words_file,
)
from selfalign.config.sections import Config, Probes
from selfalign.config.style import check_style_files
from selfalign.config.surveys import check_questionnaire, check_survey_file
from selfalign.config.values import check_file
from selfalign.errors import InputError, listed

ADOPTED = {"bank": "results/shared/arora/probes.csv", "texts": "results/shared/arora/texts/{language}.csv"}
"""Where the workflow puts the probes of Arora et al. (2023), by key of the settings."""

MAP_FILES = ("items", "zones", "published")
"""The settings of scoring.map that name files."""


def check_files(config: Config) -> None:
    """Refuse a config that names an input file which is not there.

    Snakemake does not refuse it if an earlier run left the output of the step that reads the file. The results would
    then be those of another file.

    Args:
        config: of the run, checked by `check_settings`.

    Raises:
        InputError: names the key and the file.
    """
    check_survey_file(config.survey)
    check_test_probes(config)
    check_style_files(config.figures.style)
    files = {"probes.bank": [config.probes.bank]}
    spoken = spoken_of_run(config)
    remedies: dict[str, str] = {}
    kinds: tuple[Kind, ...] = ("texts", "templates", "personas", "roles", "neutral")
    for kind in kinds:
        stage = "probes" if kind == "texts" else "prompts"
        named = {words_file(config, kind, language): language for language in spoken.of(kind)}
        files[f"{stage}.{kind}"] = list(named)
        remedies |= {
            path: _remedy_of(language, kind, config) for path, language in named.items() if not Path(path).is_file()
        }
    compared = compared_languages(config)
    files["demonstrations.embedding.texts"] = [words_file(config, "texts", language) for language in compared]
    worded = worded_languages(config)
    made = _adopted_files(config.probes, worded)
    for key in MAP_FILES if config.scoring.map else ():
        files[f"scoring.map.{key}"] = [getattr(config.scoring.map, key)]
    for place, paths in files.items():
        for path in paths:
            if path not in made:
                check_file(path, f"config: {place}", remedies.get(path) or _remedy(place))
    check_questionnaire(config, worded)


def _remedy(place: str) -> str:
    """What a user can do if a file of a setting is missing."""
    if place.startswith("scoring.map"):
        return "Put it there, correct the path, or set scoring.map: null"
    if place == "demonstrations.embedding.texts":
        return "Put it there, correct probes.texts, or name a language that has such a file"
    return "Put it there, or correct the path"


def _remedy_of(language: str, kind: Kind, config: Config) -> str:
    """What a user can do if a file of a language is missing. The user may not have named the language."""
    if kind in ("texts", "templates") and language in config.run.languages:
        return f"Put it there, correct the path, or take {language} out of run.languages"
    arms = listed(find_speakers(config, kind, language))
    if not arms:  # a frame of shares names the country in the language of the prompts
        return "Put it there, correct the path, or leave frames of shares out of prompts.frames"
    return f"Put it there, correct the path, or take the arms out of the run that speak {language}: {arms}"


def check_test_probes(config: Config) -> None:
    """Refuse test probes from another survey whose files are not there.

    Raises:
        InputError: names the setting and the file.
    """
    if config.test_probes is None:
        return
    check_survey_file(config.surveys[config.test_probes.survey])
    if config.test_probes.table is not None:
        remedy = "Put the reviewed table there, or take test_probes.table out to use the draft"
        check_file(config.test_probes.table, "config: test_probes.table", remedy)


def _adopted_files(probes: Probes, languages: list[str]) -> list[str]:
    """Bank and texts that are made from a copy of the probes of Arora et al.; refuse a config without the copy."""
    asked = [key for key, path in ADOPTED.items() if getattr(probes, key) == path]
    if not asked:
        return []
    for key in ADOPTED:
        if key not in asked:
            problem = f"does not go with probes.{asked[0]}, {ADOPTED[asked[0]]}"
            raise InputError(f"config: probes.{key}", problem, f'Write "{ADOPTED[key]}"', value=getattr(probes, key))
    if probes.arora is None:
        remedy = "Set probes.arora to the folder of your copy (docs/arora.md)"
        raise InputError("config: probes.arora", "must be given, to make probes.bank", remedy)
    folder = Path(probes.arora)
    if not folder.is_dir():
        remedy = "Put your copy of the probes of Arora et al. (2023) there, or correct the path"
        raise InputError("config: probes.arora", "there is no such folder", remedy, value=probes.arora)
    for language in languages:
        if not (folder / f"{language}.csv").is_file():
            there = ", ".join(sorted(path.stem for path in folder.glob("*.csv"))) or "none"
            raise InputError(
                "config: probes.arora",
                f"has no file {language}.csv; its languages are: {there}",
                "Put it there, or take the language out of run.languages",
                value=probes.arora,
            )
    return [ADOPTED["bank"], *(fill_language(ADOPTED["texts"], language) for language in languages)]
