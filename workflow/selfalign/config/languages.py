"""The languages in which a run speaks, and the files of these languages."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from selfalign.arms import Arm, Kind, Speech
from selfalign.config.arms import arms_of, arms_of_run
from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.prompts.frames import read_frame
from selfalign.prompts.wording import read_countries


def fill_language(pattern: str, language: str) -> str:
    """A path with its field {language} filled in."""
    return pattern.replace("{language}", language)


def words_file(config: Config, kind: Kind, language: str) -> str:
    """The file with the words of a language.

    Args:
        kind: texts, templates, personas, roles or neutral.
        language: ISO 639-1 code.
    """
    return fill_language(getattr(config.probes if kind == "texts" else config.prompts, kind), language)


def countries_of_run(config: Config) -> list[str]:
    """The countries that some language of the run asks about, sorted."""
    return sorted({country for language in config.run.languages for country in config.languages[language].countries})


def find_speech(config: Config, language: str) -> Speech:
    """The languages in which the arms of a language speak.

    Args:
        config: of the run; its file prompts.spoken is read where an arm speaks a country's own language.
        language: of the questions.

    Raises:
        InputError: the file does not say which language a country speaks.
    """
    arms, countries = arms_of(config, language), config.languages[language].countries
    spoken: dict[str, str] = {}
    for arm in arms.values():
        if arm.needs_spoken:
            spoken = spoken or read_countries(Path(config.prompts.spoken))
            _check_spoken(config.prompts.spoken, arm, countries, spoken)
    parts = [arm.speech(language, countries, spoken) for arm in arms.values()]
    named = (language,) if frames_of(config, "share") else ()
    return Speech.union([Speech(texts=(language,), personas=named), *parts])


def _check_spoken(file: str, arm: Arm, countries: Iterable[str], spoken: Mapping[str, str]) -> None:
    for country in arm.asked(countries):
        if country not in spoken:
            raise InputError(
                file,
                f"does not say which language {country} speaks, and the arm {arm.name} does",
                "Add a row for it, or name the countries to run the arm for (arms.*.countries)",
                column="country",
                value=country,
            )


def speech_of_run(config: Config) -> dict[str, Speech]:
    """The languages in which the arms of each language of the run speak, by language."""
    return {language: find_speech(config, language) for language in config.run.languages}


def find_speakers(config: Config, kind: Kind, language: str) -> list[str]:
    """The arms of the run that speak a language, sorted.

    Args:
        kind: of file, as in `Speech.of`.
        language: ISO 639-1 code.
    """
    found = set()
    for asked in config.run.languages:
        countries = config.languages[asked].countries
        for name, arm in arms_of(config, asked).items():
            spoken = read_countries(Path(config.prompts.spoken)) if arm.needs_spoken else {}
            if language in arm.speech(asked, countries, spoken).of(kind):
                found.add(name)
    return sorted(found)


def compared_language(config: Config, measure: str, language: str) -> str:
    """The language whose wording a measure compares: the prompts' own, unless the measure names another.

    Args:
        measure: of similarity.
        language: of the prompts.
    """
    texts: str = config.demonstrations.of(measure).get("texts", "own")
    return language if texts == "own" else texts


def compared_languages(config: Config) -> list[str]:
    """Languages whose wording arms of the run compare probes by, though no prompt may be in them."""
    strategies = dict.fromkeys(arm.strategy for arm in arms_of_run(config).values() if arm.strategy)
    texts = [config.demonstrations.of(one).get("texts", "own") for one in strategies]
    return [one for one in texts if one != "own"]


def spoken_of_run(config: Config) -> Speech:
    """The languages in which the run speaks, by kind of words."""
    return Speech.union(speech_of_run(config).values())


def worded_languages(config: Config) -> list[str]:
    """All languages in which the run needs the wording of probes, in prompts or to compare probes."""
    return sorted({*compared_languages(config), *spoken_of_run(config).texts})


def frames_of(config: Config, way: str) -> list[str]:
    """The frames of the run that ask in a way, as the file of its first language has it.

    A frame that cannot be read is left out: other checks report it.

    Args:
        way: one of `selfalign.prompts.schemas.WAYS`.
    """
    found, templates = [], Path(words_file(config, "templates", config.run.languages[0]))
    for name in config.prompts.frames:
        with suppress(InputError):
            found += [name] if read_frame(templates, name).asks == way else []
    return found
