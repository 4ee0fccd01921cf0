"""Checks of the names in the config: each must be defined, and settings must agree with each other."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pycountry

from selfalign.arms import Arm
from selfalign.config.arms import arms_of_run
from selfalign.config.outputs import can_estimate, is_listed, list_contrasts
from selfalign.config.sections import Config, Model
from selfalign.config.surveys import check_groups, check_tables
from selfalign.config.two_surveys import check_crossed
from selfalign.contrasts import Contrast
from selfalign.countries import CODES, suggest_country
from selfalign.demonstrations.strategies import SIMILARITIES
from selfalign.errors import InputError, did_you_mean, listed
from selfalign.file_sources import check_model_source, check_survey_source
from selfalign.labels import clean_label
from selfalign.scoring.map_schemas import PEOPLE
from selfalign.scoring.measures import check_measures
from selfalign.scoring.readers import READERS

RESERVED_MODELS = {
    PEOPLE: "the people of a country in map.csv",
    **dict.fromkeys(READERS, "a reader of the demonstrations in readers.csv"),
    "all": "the total of all models in `selfalign plan`",
}
"""By name that no model may have, what it stands for in the column of the models.

The other values of the columns of names cannot be names: `all` and `world` are no codes of countries, `own` is no code
of a language, and `all arms` and the kinds of models have a space (`forms.Name`, `forms.Country`, `forms.Language`).
"""

_LAST_CYRILLIC = 0x52F  # the default font has the letters up to here


def check_names(config: Config) -> None:
    """Refuse names that the config does not define, and settings that contradict each other.

    Args:
        config: of the run, of the form of the schema.

    Raises:
        InputError: names the key, the value and the nearest valid name.
    """
    _check_known("run.survey", [config.run.survey], config.surveys)
    _check_known("run.models", config.run.models, config.models)
    _check_known("run.languages", config.run.languages, config.languages)
    check_tables(config.surveys)
    _check_models(config.models)
    for name, survey in config.surveys.items():
        if survey.own_file is None:
            check_survey_source(survey.source.model_dump(), f"config: surveys.{name}.source", ".")
    _check_labels("models", config.models, config.run.models, config.figures.style.font)
    _check_labels("arms", config.arms, config.arms, config.figures.style.font)
    _check_arms(config.arms)
    _check_languages(config)
    _check_countries_of_arms(config)
    check_groups(config)
    check_crossed(config)
    _check_readouts(config)
    _check_comparisons(config)
    _check_figures(config)


def _check_languages(config: Config) -> None:
    for language, settings in config.languages.items():
        if pycountry.languages.get(alpha_2=language) is None:
            problem = f'"{language}" is not an ISO 639-1 code'
            raise InputError("config: languages", problem, "Use codes such as en or es")
        _check_countries(f"languages.{language}.countries", settings.countries)
        _check_known(f"languages.{language}.arms", settings.arms, config.arms)


def _check_countries_of_arms(config: Config) -> None:
    """Refuse an arm whose own list of countries has none of the countries that the arm's languages ask about."""
    for name, arm in arms_of_run(config).items():
        languages = [one for one in config.run.languages if name in config.languages[one].arms]
        asked = [country for one in languages for country in config.languages[one].countries]
        if not arm.asked(asked):
            problem = f"has no country that {listed(languages)} asks about: {listed(asked)}"
            remedy = "Name one of these countries, add a country to the language, or take the arm out of its arms"
            raise InputError(f"config: arms.{name}.countries", problem, remedy, value=list(arm.countries or ()))


def _check_readouts(config: Config) -> None:
    """Refuse a frame without a readout, pmi without premises, and greedy where a model gives no replies."""
    readouts, place = config.scoring.readouts, "config: scoring.readouts"
    for frame in config.prompts.frames:
        if frame not in readouts:
            remedy = f"Add {frame}: label if it shows labels, else {frame}: option"
            raise InputError(place, f"has no readout for the frame {frame}", remedy)
        if readouts[frame] == "pmi" and not config.prompts.premises:
            problem = f"the frame {frame} is read by pmi, which needs premises, and prompts.premises is false"
            raise InputError(place, problem, "Set prompts.premises: true, or choose another readout")
        for model in config.run.models if readouts[frame] == "greedy" else ():
            if not config.models[model].gives_replies:
                problem = f"the frame {frame} is read by greedy replies, and the model {model} gives none"
                remedy = f"Set models.{model}.reply: 8, or choose another readout"
                if config.models[model].endpoint:
                    remedy = f"Set readout: samples, samples: 1 and temperature: 0 in models.{model}.endpoint"
                raise InputError(place, problem, remedy)


def _check_comparisons(config: Config) -> None:
    """Refuse measures, contrasts and hypotheses of the section scoring that cannot be estimated."""
    scoring = config.scoring
    check_measures(scoring.measures)
    _check_contrasts("scoring.contrasts", scoring.contrasts, config)
    _check_contrasts("scoring.mixed", scoring.mixed, config)
    _check_estimated("scoring.mixed", scoring.mixed, config)
    _check_transfer(config)
    if primary := scoring.primary:
        _check_contrasts("scoring.primary", [primary], config)
        if not can_estimate(config, primary):
            remedy = "Add both arms to one language of the run, or set scoring.primary: null"
            problem = f"no language of the run has cells of {primary.setting}"
            raise InputError("config: scoring.primary", problem, remedy)
        if not is_listed(config, primary):
            remedy = "Add it to scoring.contrasts, or choose one of the contrasts of the run"
            raise InputError("config: scoring.primary", f"{primary.setting} is not estimated", remedy)


def _check_figures(config: Config) -> None:
    """Refuse arms, countries and contrasts of the section figures that are not known."""
    figures, arms = config.figures, config.arms
    _check_known("figures.style.palette", figures.style.palette, arms)
    _check_countries("figures.style.countries.order", figures.style.countries.order)
    _check_countries("figures.style.countries.names", figures.style.countries.names)
    _check_known("figures.agreement.arms", figures.agreement.arms or (), arms)
    _check_known("figures.contrasts.arms", figures.contrasts.arms or (), arms)
    _check_known("figures.calibration.arms", figures.calibration.arms, arms)
    _check_known("figures.map.arms", figures.map.arms, arms)
    _check_known("figures.languages.arms", figures.languages.arms, arms)
    _check_known("figures.selectors", figures.selectors, arms)
    place, contrasts = "figures.margin.contrast", [figures.margin.contrast]
    _check_contrasts(place, contrasts, config)
    _check_estimated(place, contrasts, config)


def _check_estimated(place: str, contrasts: Sequence[Contrast], config: Config) -> None:
    """Refuse contrasts that the run could estimate and does not."""
    listed = list_contrasts(config)
    for contrast in contrasts:
        if contrast not in listed and can_estimate(config, contrast):
            remedy = "Add it to scoring.contrasts, or choose one of these"
            raise InputError(f"config: {place}", f"{contrast.setting} is not estimated", remedy)


def _check_contrasts(place: str, contrasts: Iterable[Contrast], config: Config) -> None:
    """Refuse contrasts of a setting that name what is not defined."""
    for one in contrasts:
        _check_known(place, [one.arm, one.against, *(one.beyond or ())], config.arms)
        _check_known(place, filter(None, [one.language, one.against_language]), config.languages)
        _check_known(place, filter(None, [one.model, one.against_model]), config.models)


def _check_transfer(config: Config) -> None:
    pair = config.scoring.transfer
    if pair is None:
        return
    _check_contrasts("scoring.transfer", [pair], config)
    if config.arms[pair.against].answers != "other":
        problem = f"the second arm, {pair.against}, is not answered by other countries"
        raise InputError("config: scoring.transfer", problem, "Name one with answers: other, or null for no matrix")


def _check_arms(arms: Mapping[str, Arm]) -> None:
    for name, arm in arms.items():
        _check_arm(arm)
        _check_countries(f"arms.{name}.countries", arm.countries or ())
        _check_countries(f"arms.{name}.sources", arm.sources or ())


def _check_arm(arm: Arm) -> None:
    place = f"config: arms.{arm.name}"
    if arm.persona is None and (arm.role is not None or arm.named == "other"):
        key, value = ("role", arm.role) if arm.role is not None else ("named", arm.named)
        raise InputError(f"{place}.{key}", "needs a language", "Add persona: asked", value=value)
    if arm.named == "other" and arm.shots and arm.answers != "other":
        problem = f"names other countries, and the demonstrations have the answers {arm.answers}"
        remedy = "Set answers: other, so that both are of the same country, or named: own"
        raise InputError(f"{place}.named", problem, remedy, value=arm.named)
    if arm.answers != "own" and not arm.shots:
        remedy = "Take it out, or set shots to the number of demonstrations"
        raise InputError(f"{place}.answers", "needs demonstrations, and shots is 0", remedy, value=arm.answers)
    if arm.sources is not None and not arm.of_others:
        problem = f"needs answers: other, and the answers are {arm.answers}"
        remedy = "Take it out, or show the answers of other countries"
        raise InputError(f"{place}.sources", problem, remedy, value=list(arm.sources))
    if arm.diversity and arm.draws:
        raise InputError(
            f"{place}.diversity",
            f"does not go with strategy {arm.strategy}, which draws and measures no relevance",
            f"Take it out, or choose one of the strategies {', '.join(SIMILARITIES)}",
            value=arm.diversity,
        )


def _check_models(models: Mapping[str, Model]) -> None:
    for name, model in models.items():
        if name in RESERVED_MODELS:
            problem = f"is a reserved name: it stands for {RESERVED_MODELS[name]}"
            raise InputError(f"config: models.{name}", problem, f"Give the model another name, such as {name}-model")
        if (model.source is None) == (model.endpoint is None):
            problem = "has both a source and an endpoint" if model.source else "has no source"
            raise InputError(
                f"config: models.{name}",
                problem,
                "Give source (weights to run here) or endpoint (where it answers). config/models.md explains both",
            )
        if model.source:
            check_model_source(model.source.model_dump(mode="json"), f"config: models.{name}.source", ".")
        if model.endpoint and model.reply:
            raise InputError(
                f"config: models.{name}.reply",
                "belongs to a model that runs here, and this model has an endpoint",
                "Take it out, and set readout: samples, samples: 1 and temperature: 0 in endpoint",
                value=model.reply,
            )
        if model.shown == "message" and model.format == "plain":
            raise InputError(
                f"config: models.{name}.shown",
                "does not go with format: plain, because bare text has no messages",
                "Take it out, or set format: chat",
                value="message",
            )


def _check_labels(
    kind: str, entries: Mapping[str, Arm] | Mapping[str, Model], shown: Collection[str], font: str | None
) -> None:
    """Refuse labels that figures could not draw, and labels of those shown that figures could not tell apart."""
    names: dict[str, str] = {}
    for name, entry in entries.items():
        label = unicodedata.normalize("NFC", clean_label(entry.label))
        place = f"config: {kind}.{name}.label"
        if not label:
            raise InputError(place, "is empty", "Give a name for figures", value=entry.label)
        if name in shown and label in names:
            problem = f"is also the label of {kind}.{names[label]}, and figures could not tell them apart"
            raise InputError(place, problem, "Give each a different label", value=entry.label)
        if name in shown:
            names[label] = name
        if max(map(ord, label)) > _LAST_CYRILLIC:
            from selfalign.figures.fonts import choose_fonts  # matplotlib takes time to import, and is rarely needed

            own = Path(font) if font is not None and Path(font).is_file() else None
            choose_fonts([label], own, place)


def _check_known(place: str, names: Iterable[str], defined: Collection[str]) -> None:
    for name in names:
        if name not in defined:
            raise InputError(f"config: {place}", f'"{name}" is not defined', did_you_mean(name, defined))


def _check_countries(place: str, countries: Iterable[str]) -> None:
    for country in countries:
        if country not in CODES:
            problem = f'"{country}" is not an ISO 3166 alpha-3 code'
            raise InputError(f"config: {place}", problem, suggest_country(country))
