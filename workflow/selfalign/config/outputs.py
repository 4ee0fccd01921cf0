"""The outputs of a run: the contrasts that it can estimate, and the tables and figures that would not be empty."""

from collections.abc import Collection, Iterable
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

from selfalign.arms import Arm
from selfalign.config.arms import arms_of, arms_of_run
from selfalign.config.languages import countries_of_run, frames_of
from selfalign.config.sections import Config, CulturalMap
from selfalign.contrasts import Contrast
from selfalign.home import is_made
from selfalign.probes.selection import find_used
from selfalign.scoring.map_schemas import MapItems
from selfalign.tables import read_input

_NO_OPTIONS = "no frame asks with two options"
_OF_COUNTRIES = {
    "country_ranks": "the run asks about groups of people, and whole countries are ranked",
    "map": "the run asks about groups of people, and the map has whole countries",
}
"""Outputs that are about whole countries, and why a run about groups does not have them."""


def list_contrasts(config: Config) -> list[Contrast]:
    """The contrasts of a run: those that follow from its arms, then those of scoring.contrasts, each once.

    Each arm of a language is compared with the language's first arm. An arm that shows a country's own answers is
    compared with each arm that differs from it only in whose answers it shows: its controls.
    """
    found: list[Contrast] = []
    for language in config.run.languages:
        arms = arms_of(config, language)
        first, *others = arms
        found += [Contrast(arm=name, against=first) for name in others]
        for one, other in combinations(arms, 2):
            own, control = (other, one) if arms[other].is_own else (one, other)
            if arms[control].is_control_of(arms[own]):
                found.append(Contrast(arm=own, against=control))
    return list(dict.fromkeys([*found, *config.scoring.contrasts]))


def arms_with_cells(config: Config, language: str) -> set[str]:
    """The arms of a language, except those answered by other countries where there are none."""
    countries = config.languages[language].countries
    return {name for name, arm in arms_of(config, language).items() if arm.has_cells(countries)}


def asked_in(config: Config) -> str:
    """The language that figures across models show: figures.asked_in, or the run's first if it does not have that."""
    languages, wanted = config.run.languages, config.figures.asked_in
    return wanted if wanted in languages else languages[0]


def first_arms(config: Config) -> dict[str, str]:
    """By language of the run, its first arm, with which the others are compared."""
    return {language: config.languages[language].arms[0] for language in config.run.languages}


def arms_without_country(config: Config) -> list[str]:
    """The arms of the run whose prompts are the same for all countries, sorted."""
    if not frames_of(config, "poles") and not frames_of(config, "scale"):  # frames of shares name the country
        return []
    return sorted(name for name, arm in arms_of_run(config).items() if not arm.has_country)


def list_gains(config: Config) -> list[Contrast]:
    """The gains that figures across models show: each arm of figures.selectors with the first arm of its language.

    Both arms have cells in the language that `asked_in` names.
    """
    language = asked_in(config)
    first, cells = config.languages[language].arms[0], arms_with_cells(config, language)
    arms = [arm for arm in config.figures.selectors if arm in cells - {first} and first in cells]
    return [Contrast(arm=arm, against=first) for arm in arms]


def find_primary(config: Config) -> Contrast | None:
    """The primary hypothesis of a run; None if the run has no cells for it.

    It is that of scoring.primary. If none is set, it is that of figures.margin, in the language that `asked_in` names.
    """
    contrast = config.scoring.primary or config.figures.margin.contrast.replace(language=asked_in(config))
    return contrast if can_estimate(config, contrast) else None


def is_listed(config: Config, contrast: Contrast) -> bool:
    """Whether a run estimates a contrast, in whichever of its models and languages."""

    def general(one: Contrast) -> Contrast:
        return one.replace(model=None, language=None)

    return general(contrast) in map(general, list_contrasts(config))


def list_margins(config: Config, language: str | None = None) -> list[Contrast]:
    """Each arm with a country's own answers or name, and its control with those of other countries.

    Args:
        language: of the run, which has cells of both arms; `asked_in` if not given.
    """
    language = language or asked_in(config)
    cells = arms_with_cells(config, language)
    arms = {name: arm for name, arm in arms_of(config, language).items() if name in cells}
    return [
        Contrast(arm=own, against=other)
        for own, other in product(arms, arms)
        if arms[other].of_others and arms[other].is_control_of(arms[own])
    ]


def list_specified(config: Config) -> list[dict[str, Any]]:
    """The pairs of `list_margins` of all languages that have demonstrations, and the choices in the arm's settings.

    A pair that only names a country is left out, because a specification is a way to choose demonstrations.

    Returns:
        For each pair arm, against, selector, pool, shots, sequence, shown_in and persona, as the table
        `Specifications` has them.
    """
    pairs = dict.fromkeys(pair for language in config.run.languages for pair in list_margins(config, language))
    shown = [pair for pair in pairs if config.arms[pair.arm].shots]
    return [{"arm": pair.arm, "against": pair.against, **_choices_of(config.arms[pair.arm])} for pair in shown]


def _choices_of(arm: Arm) -> dict[str, Any]:
    left_out = [f"without_{name}" for name in ("battery", "category") if name in arm.exclude]
    left_out += [f"below_{arm.ceiling:g}"] if arm.ceiling is not None else []
    return {
        "selector": f"{arm.strategy}_diverse" if arm.diversity else arm.strategy,
        "pool": "_".join(left_out) or "all",
        "shots": arm.shots,
        "sequence": arm.sequence,
        "shown_in": arm.shown_in,
        "persona": f"{arm.persona}_{arm.role}" if arm.role else arm.persona or "none",
    }


def forms_of_models(config: Config) -> dict[str, dict[str, str]]:
    """How each model of the run is asked, and which of the run's models is the first with the same weights.

    Returns:
        By model, the keys model (the first one) and form: turns, message or plain. A model whose weights and form
        another one has, such as one in another number format, counts as a separate model.
    """
    found: dict[str, dict[str, str]] = {}
    first: dict[object, str] = {}
    for name in config.run.models:
        model = config.models[name]
        form = "plain" if model.format == "plain" else model.shown
        base = first.setdefault(model.weights, name)
        taken = {"model": base, "form": form} in found.values()
        found[name] = {"model": name if taken else base, "form": form}
    return found


def answers_of_arms(config: Config) -> dict[str, str]:
    """By arm of the run, whose answers its demonstrations have; `none` if it has none."""
    return {name: arm.answers if arm.shots else "none" for name, arm in arms_of_run(config).items()}


def own_languages(config: Config) -> dict[str, str]:
    """By country, its own language: the first language of the run, except `asked_in`, that asks about the country.

    Countries without a gain of `list_gains` in both languages are left out. A run that asks about groups has none.
    """
    if config.run.groups:
        return {}
    shared, pairs = asked_in(config), list_gains(config)
    countries = config.languages[shared].countries
    found: dict[str, str] = {}
    for language in config.run.languages:
        cells = arms_with_cells(config, language)
        if language != shared and any({pair.arm, pair.against} <= cells for pair in pairs):
            for country in config.languages[language].countries:
                if country in countries:
                    found.setdefault(country, language)
    return found


def list_dumbbells(config: Config) -> list[Contrast]:
    """The gains that the figure languages shows: those of figures.languages.arms, or all if none of them is run."""
    chosen = config.figures.languages.arms
    return [pair for pair in list_gains(config) if pair.arm in chosen] or list_gains(config)


def kinds_of_models(config: Config) -> dict[str, str]:
    """By model of the run, its kind; without the models that have none."""
    kinds = {name: config.models[name].kind for name in config.run.models}
    return {name: kind for name, kind in kinds.items() if kind}


def can_estimate(config: Config, contrast: Contrast) -> bool:
    """Whether some model and language of the run have cells for both sides of a contrast."""
    return bool(find_estimated(config, contrast))


def find_estimated(config: Config, contrast: Contrast) -> list[tuple[str, str]]:
    """The models and languages of the run that have cells for both sides of a contrast."""
    languages = config.run.languages
    cells = {language: arms_with_cells(config, language) for language in languages}
    sides = [(contrast.arm, contrast.against), *([contrast.beyond] if contrast.beyond else [])]
    models = config.run.models
    found = []
    for language, model in product(
        [contrast.language] if contrast.language else languages, [contrast.model] if contrast.model else models
    ):
        other, other_model = contrast.against_language or language, contrast.against_model or model
        if not {language, other} <= set(languages) or not {model, other_model} <= set(models):
            continue
        same = (contrast.arm, model, language) == (contrast.against, other_model, other)
        if not same and all(first in cells[language] and second in cells[other] for first, second in sides):
            found.append((model, language))
    return found


class Shown(NamedTuple):
    """Which outputs a run makes.

    Attributes:
        outputs: the names of those that it makes.
        skipped: by name of each of the others, the reason.
    """

    outputs: set[str]
    skipped: dict[str, str]


def find_shown(config: Config) -> Shown:
    """Which outputs a run makes, and why it skips others that would be empty."""
    scoring, pair = config.scoring, config.scoring.transfer
    some = any(can_estimate(config, contrast) for contrast in list_contrasts(config))
    reasons = {
        "agreement": "",
        "contrasts": "" if some else "there are no two arms to compare",
        "mixed": _why_none(config, scoring.mixed) if scoring.mixed else "scoring.mixed is []",
        "margin": _why_none(config, [config.figures.margin.contrast]),
        "transfer": _why_none(config, [pair]) if pair else "scoring.transfer is null",
        "calibration": "" if calibrated_arms(config) else "no arm of figures.calibration.arms is run",
        **_why_not_across(config),
    }
    if scoring.readers:
        reasons["readers"] = _why_no_readers(config)
    if scoring.country_ranks:
        reasons["country_ranks"] = ""
    if scoring.alternatives:
        reasons["alternatives"] = reasons["contrasts"]
    if scoring.specifications:
        reasons["specifications"] = _why_no_specifications(config, reasons["margins"])
    if scoring.map:
        reasons["map"] = why_no_map(config, scoring.map)
    if config.run.groups:
        reasons["groups"] = ""
        reasons |= {name: reason for name, reason in _OF_COUNTRIES.items() if not reasons.get(name, reason)}
    made = {name for name, reason in reasons.items() if not reason}
    return Shown(made, {name: reason for name, reason in reasons.items() if reason})


def has_readers(config: Config) -> bool:
    """Whether the run has the table of readers."""
    return config.scoring.readers is not None and not _why_no_readers(config)


def _why_no_readers(config: Config) -> str:
    """Why the run has no readers of its demonstrations; empty if it can have them."""
    if not frames_of(config, "poles"):
        return _NO_OPTIONS
    if not any(arm.shots for arm in arms_of_run(config).values()):
        return "no arm of the run has demonstrations"
    return "" if len(countries_of_run(config)) > 1 else "the ideal reader needs another country"


def why_no_map(config: Config, settings: CulturalMap) -> str:
    """Why a run cannot have the cultural map, and what to add; empty if it can.

    Args:
        settings: the section scoring.map of the config.

    Raises:
        InputError: the bank or the file of items cannot be read.
    """
    probes = config.probes
    if config.test_probes:
        return "its items are questions of the World Values Survey, and test_probes takes those of another survey"
    if is_made(probes.bank):
        return f"its items are probes of resources/probes/probes.csv, and probes.bank is {probes.bank}"
    if config.survey.form == "shares":
        return (
            f"the survey {config.run.survey} publishes shares of several answer codes together, and the map needs a "
            "share of each code. Choose another survey in run.survey"
        )
    items = read_input(Path(settings.items), MapItems)
    parts = items.groupby("item", sort=False)["probe"].agg(set).to_dict()
    used = find_used(Path(probes.bank), probes.criteria)
    absent = {item: sorted(asked - used) for item, asked in parts.items() if asked - used}
    if len(parts) - len(absent) >= settings.least:
        return ""
    missing = ", ".join(probe for names in absent.values() for probe in names)
    return (
        f"the run has {len(parts) - len(absent)} of the map's {len(parts)} items, and scoring.map.least is "
        f"{settings.least}. Add to probes.only: {missing}"
    )


def _why_no_specifications(config: Config, no_margins: str) -> str:
    """Why the run has no table of specifications; empty if it can have it.

    Args:
        no_margins: why the run has no arm with its control; empty if it has one.
    """
    if not frames_of(config, "poles"):
        return _NO_OPTIONS
    arms = arms_of_run(config)
    shows = any(arms[pair.arm].shots for pair in list_margins(config))
    return no_margins or ("" if shows else "no arm with demonstrations has such a control")


def _why_not_across(config: Config) -> dict[str, str]:
    """By figure across models, why the run cannot have it; empty where it can."""
    language, kinds = asked_in(config), set(kinds_of_models(config).values())
    no_gains = "" if list_gains(config) else f"{language} does not run its first arm and an arm of figures.selectors"
    one_country = len(config.languages[language].countries) == 1
    one_kind = f"all models with a kind are {next(iter(kinds), '')}" if kinds else "no model of the run has a kind"
    return {
        "gains": no_gains,
        "gains_by_country": no_gains or (f"{language} asks about one country" if one_country else ""),
        "languages": no_gains
        or ("" if own_languages(config) else f"no country is asked about in {language} and in another language"),
        "categories": no_gains,
        "kinds": no_gains or ("" if len(kinds) > 1 else one_kind),
        "margins": "" if list_margins(config) else f"{language} runs no arm together with its other-country control",
    }


def _why_none(config: Config, contrasts: Collection[Contrast]) -> str:
    if any(can_estimate(config, contrast) for contrast in contrasts):
        return ""
    arms = [" and ".join(pair) if isinstance(pair := one.setting, list) else one.arm for one in contrasts]
    return f"no language of the run has cells of {', or '.join(arms)}"


def calibrated_arms(config: Config) -> list[str]:
    """The arms of figures.calibration that the run has cells of."""
    return _those_run(config, config.figures.calibration.arms)


def mapped_arms(config: Config) -> list[str]:
    """The arms of figures.map that the run has cells of; else its arms with demonstrations, else all arms."""
    shown = [name for name, arm in arms_of_run(config).items() if arm.shots]
    chosen = _those_run(config, config.figures.map.arms)
    return chosen or _those_run(config, shown) or list(arms_of_run(config))


def agreeing_arms(config: Config) -> list[str]:
    """The arms of figures.agreement that the run has cells of; all of them where the setting is not given."""
    chosen = config.figures.agreement.arms
    return (_those_run(config, chosen) if chosen else None) or list(arms_of_run(config))


def drawn_contrasts(config: Config) -> list[Contrast]:
    """The contrasts of the run that the figure contrasts draws: those of figures.contrasts.arms; all if it has none."""
    every, chosen = list_contrasts(config), config.figures.contrasts.arms or ()
    return [one for one in every if one.arm in chosen] or every


def _those_run(config: Config, arms: Iterable[str]) -> list[str]:
    cells = set().union(*(arms_with_cells(config, language) for language in config.run.languages))
    return [arm for arm in arms if arm in cells]
