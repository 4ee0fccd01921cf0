"""Names that the user wrote, as the run has them: codes or labels, in capitals or not."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import pycountry

from selfalign.config.languages import countries_of_run
from selfalign.config.outputs import kinds_of_models, own_languages
from selfalign.config.sections import Config
from selfalign.config.style import country_in_figures
from selfalign.countries import NAMES, country_name
from selfalign.errors import InputError
from selfalign.population import find_people
from selfalign.probes.cultures import WORLD
from selfalign.scoring.measures import MEASURES, known_measures, label_of
from selfalign.scoring.pooling import OWN, name_kind
from selfalign.scoring.schemas import ALL

MEASURE_NAMES = {name: label_of(name) for name in known_measures()} | {"p_a": "Model's probability of pole A"}
"""Measures in words, by name."""


class RunNames:
    """The names of a run: models, languages, countries, arms.

    Args:
        people: ids of all people of the survey, if the run asks about groups of a country's people.
    """

    def __init__(self, config: Config, people: Iterable[str] = ()) -> None:
        languages = config.run.languages
        asked = [config.languages[language] for language in languages]
        self.config = config
        self.measures = [*MEASURES, *config.scoring.measures]
        self.models = {model.name: model.label for model in config.asked_models}
        self.models |= {name_kind(kind): f"all {kind} models" for kind in kinds_of_models(config).values()}
        self.languages = {code: language_name(code) for code in languages}
        if own_languages(config):
            self.languages[OWN] = "each country's own language"
        self.countries = find_people(countries_of_run(config), people)
        arms = dict.fromkeys(arm for each in asked for arm in each.arms)
        self.arms = {name: config.arms[name].label for name in arms}

    def model(self, text: str) -> str:
        """Name of a model, from its name or label."""
        return resolve("--model", text, {name: [label] for name, label in self.models.items()})

    def language(self, text: str) -> str:
        """Code of a language, from its code or its English name."""
        return resolve("--language", text, {code: [name] for code, name in self.languages.items()})

    def arm(self, text: str, option: str = "--arm") -> str:
        """Name of an arm, from its name or label.

        Raises:
            InputError: no arm has this name, or the run does not use the arm.
        """
        others = {name: [arm.label] for name, arm in self.config.arms.items() if name not in self.arms}
        for name, labels in others.items():
            if fold_name(text) in map(fold_name, [name, *labels]):
                problem = f'the run does not use the arm "{name}"'
                raise InputError(option, problem, f"Known values: {', '.join(self.arms)}", value=text)
        return resolve(option, text, {name: [label] for name, label in self.arms.items()})

    def country(self, text: str, option: str = "--country", others: Iterable[str] = ()) -> str:
        """Code of a country, or `all`, from a code or a name.

        Args:
            text: what the user wrote.
            option: where.
            others: further codes, such as those of countries whose answers are shown.
        """
        choices = {code: self._aliases(code) for code in [*self.countries, *others]}
        choices[ALL] = ["mean", "Mean of countries", *self._aliases(ALL)]
        if WORLD in choices:
            choices[WORLD] = []
        return resolve(option, text, choices)

    def _aliases(self, code: str) -> list[str]:
        """Names of a country, or of the mean of the countries: in English, and as the run's figures have them."""
        shown = country_in_figures(self.config, code)
        return [*country_aliases(code), *([shown] if shown else [])]

    def measure(self, text: str) -> str:
        """Name of a measure, from its name or its words."""
        return resolve("--measure", text, {name: [MEASURE_NAMES[name]] for name in self.measures})

    def title_of_arm(self, name: str) -> str:
        """An arm as figures call it, with its name."""
        label = self.arms.get(name, name)
        return label if label == name else f"{label} ({name})"

    def title_of_country(self, code: str) -> str:
        """A country by name; their mean."""
        return "mean of the countries" if code == ALL else country_name(code)


def language_name(code: str) -> str:
    """English name of a language; its code where there is none."""
    language = pycountry.languages.get(alpha_2=code)
    return code if language is None else language.name.split(" (")[0]


def country_aliases(code: str) -> list[str]:
    """Names of a country, in addition to its alpha-3 code."""
    country = pycountry.countries.get(alpha_3=code)
    fields = ("name", "official_name", "common_name", "alpha_2")
    known = [getattr(country, field, None) for field in fields] if country else []
    return [country_name(code), *filter(None, known), *(name for name, ours in NAMES.items() if ours == code)]


def fold_name(text: str) -> str:
    """A text without capitals, accents and outer spaces, for comparisons."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return " ".join(plain.casefold().split())


def match(text: str, choices: Mapping[str, Iterable[str]]) -> str | None:
    """The choice that has this name or alias; a name comes before an alias of another choice."""
    wanted = fold_name(text)
    for name in choices:
        if fold_name(name) == wanted:
            return name
    return next((name for name, aliases in choices.items() if wanted in map(fold_name, aliases)), None)


def resolve(option: str, text: str, choices: Mapping[str, Iterable[str]]) -> str:
    """The choice that has this name or alias.

    Args:
        option: where the user wrote the text, for the error.
        text: what the user wrote.
        choices: aliases by name.

    Raises:
        InputError: there is none; names the nearest choice, or all of them.
    """
    found = match(text, choices)
    if found is not None:
        return found
    spelled = {fold_name(each): name for name, aliases in choices.items() for each in [name, *aliases]}
    known = ", ".join(_with_alias(name, aliases) for name, aliases in choices.items())
    remedy = f"Known values: {known}"
    if near := get_close_matches(fold_name(text), spelled, n=1):
        name = spelled[near[0]]
        remedy = f"Did you mean {_with_alias(name, choices[name])}? {remedy}"
    raise InputError(option, f'the run has no "{text}"', remedy)


def _with_alias(name: str, aliases: Iterable[str]) -> str:
    alias = next((each for each in aliases if fold_name(each) != fold_name(name)), None)
    return f"{name} ({alias})" if alias else name
