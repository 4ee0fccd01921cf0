"""Check of the merged config before anything runs: its form by a JSON schema, its names against each other."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pycountry
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from snakemake.utils import update_config, validate

from selfalign.addresses import refuse_login
from selfalign.checks import check_inputs
from selfalign.countries import CODES, suggest_country
from selfalign.demonstrations.strategies import MEASURES, SEEDED
from selfalign.errors import InputError, did_you_mean
from selfalign.faults import Faults, listed
from selfalign.figures.style import check_style_files, refuse_old_keys
from selfalign.home import DEFAULTS, HOME, SETTINGS_SCHEMA, fill_in, locate_files
from selfalign.labels import clean
from selfalign.outputs import can_estimate, list_contrasts
from selfalign.prompts.templates import read_template
from selfalign.prompts.wording import read_countries
from selfalign.sources import check_model_source, check_survey_source
from selfalign.survey.citations import how_to_get
from selfalign.survey.find_file import suggest_files
from selfalign.values import as_meant, check_values

ADOPTED = {"bank": "results/shared/arora/probes.csv", "texts": "results/shared/arora/texts/{language}.csv"}
"""Where the workflow puts the probes of Arora et al. (2023), by key of the settings."""

_LAST_CYRILLIC = 0x52F  # the default font has the letters up to here


def complete(config: dict[str, Any], home: Path) -> None:
    """Put the default settings below a user's own, in place, and refuse what cannot be run.

    Args:
        config: the user's settings, changed in place.
        home: the workflow's own folder.

    Raises:
        InputError: a setting is wrong, or names a file that is not there.
    """
    fill_in(config, [home / file for file in DEFAULTS])
    check_settings(config, home / SETTINGS_SCHEMA)
    locate_files(config, home)
    check_files(config)
    spoken = {language: find_languages(config, language) for language in config["run"]["languages"]}
    check_inputs(config, home, spoken, _compared_languages(config))


def read_config(files: list[Path], home: Path = HOME) -> dict[str, Any]:
    """The settings that `snakemake --configfile` has from the same files.

    Args:
        files: the user's config files; a later one goes above an earlier one.
        home: the workflow's own folder.

    Raises:
        InputError: a file cannot be read, or a setting is wrong.
    """
    config: dict[str, Any] = {}
    for path in files:
        update_config(config, _read_yaml(path))
    complete(config, home)
    return config


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path, "there is no such config file", "Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML: {error}", "Correct it there") from error
    if not isinstance(settings, dict):
        raise InputError(path, "has no settings at its top level", "Write a config file as config/README.md explains")
    return settings


def check_settings(config: dict[str, Any], schema_file: Path) -> None:
    """Refuse a config that breaks its schema or names what is not defined.

    Whole numbers that came as floats or as text become integers, and what is not given gets its default, in place.

    Args:
        config: the merged settings.
        schema_file: JSON schema (as YAML).

    Raises:
        InputError: names the key, the value, what was expected and the nearest valid name.
    """
    _check_addresses(config)
    refuse_old_keys(config)
    check_values(config)
    schema = yaml.safe_load(schema_file.read_text(encoding="utf-8"))
    config.update(as_meant(config, schema, schema))
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise _as_input_error(error)
    validate(config, str(schema_file))  # fills in the defaults
    _check_names(config)


def _check_addresses(config: dict[str, Any]) -> None:
    """Refuse a password in an address before the schema would show it, and Snakemake the command that holds it."""
    surveys = config.get("surveys")
    for name, survey in surveys.items() if isinstance(surveys, dict) else ():
        if isinstance(survey, dict) and isinstance(survey.get("source"), dict):
            refuse_login(survey["source"].get("url"), f"config: surveys.{name}.source.url")
    models = config.get("models")
    for name, model in models.items() if isinstance(models, dict) else ():
        if isinstance(model, dict) and isinstance(model.get("endpoint"), dict):
            _check_endpoint_address(model["endpoint"].get("url"), f"config: models.{name}.endpoint.url")


def _check_endpoint_address(url: object, place: str) -> None:
    remedy = "Take it out, put the key into a variable of the environment, and name that in key_env"
    refuse_login(url, place, remedy)
    if isinstance(url, str) and re.search("[?#]", url):
        raise InputError(
            place, "the address goes on after a ? or #, where a key may be, which would get into logs", remedy
        )


def find_languages(config: dict[str, Any], language: str) -> dict[str, list[str]]:
    """The languages in which the arms of a language speak: `texts`, those of probes and demonstrations; `personas`; and
    `neutral`, those of demonstrations that are about no values.

    Args:
        config: the merged settings; the file prompts.spoken is read where an arm speaks a country's own language.

    Raises:
        InputError: the file does not say which language a country speaks.
    """
    found: dict[str, set[str]] = {"texts": {language}, "personas": set(), "neutral": set()}
    for name in config["languages"][language]["arms"]:
        arm = config["arms"][name]
        countries = [one for one in config["languages"][language]["countries"] if one in arm.get("countries", [one])]
        if "persona" in arm:
            found["personas"] |= _resolve(config, name, arm["persona"], language, countries)
        if arm["shots"]:
            shown = _resolve(config, name, arm.get("shown_in", "asked"), language, countries)
            found["texts"] |= shown
            found["neutral"] |= shown if arm.get("answers") == "neutral" else set()
    return {what: sorted(languages) for what, languages in found.items()}


def _resolve(config: dict[str, Any], arm: str, setting: str, language: str, countries: list[str]) -> set[str]:
    """The languages that a setting of an arm stands for."""
    if setting != "own":
        return {language if setting == "asked" else setting}
    spoken = read_countries(Path(config["prompts"]["spoken"]))
    for country in countries:
        if country not in spoken:
            raise InputError(
                config["prompts"]["spoken"],
                f"does not say which language {country} speaks, and the arm {arm} does",
                "Add a row for it, or name the countries to run the arm for (arms.*.countries)",
                column="country",
                value=country,
            )
    return {spoken[country] for country in countries}


def _check_tables(surveys: dict[str, Any]) -> None:
    """Refuse settings of a survey of form table that are missing or contradict each other."""
    faults = Faults()
    for name, survey in surveys.items():
        place = f"config: surveys.{name}"
        own = [key for key in ("questions", "country", "countries", "columns") if key in survey]
        if survey["form"] != "table":
            if own:
                faults.add(place, f"the form {survey['form']} has no {listed(own)}", "Take it out, or set form: table")
            continue
        columns = survey.get("columns", {})
        if not survey.get("questions"):
            faults.add(f"{place}.questions", "is missing", "Name the file of questions; docs/own_survey.md explains it")
        if ("country" in survey) == ("country" in columns):
            problem = "has both country and columns.country" if "country" in survey else "has no country"
            remedy = "Give country for a survey of one country, or columns.country for the column that says it"
            faults.add(place, problem, remedy)
        if empty := [value for value, code in survey.get("countries", {}).items() if code == ""]:
            problem = f"the country of these values is not filled in: {listed(empty)}"
            remedy = "Give a code of three letters, such as DEU, or null to leave the respondents out"
            faults.add(f"{place}.countries", problem, remedy)
        codes = [code for code in [survey.get("country"), *survey.get("countries", {}).values()] if code]
        if unknown := [code for code in codes if code not in CODES]:
            remedy = f"{suggest_country(unknown[0])} Correct the codes"
            faults.add(place, f"{listed(unknown)}: not an ISO 3166 alpha-3 code", remedy)
        counts = {key for key in ("question", "code", "count") if key in columns}
        if counts and len(counts) < 3:
            problem = f"a table of counts has question, code and count; only {listed(sorted(counts))} given"
            faults.add(f"{place}.columns", problem, "Name all three columns, or none of them")
        if counts and (extra := [key for key in ("weight", "respondent", "year") if key in columns]):
            problem = f"a table of counts has no {listed(extra)}"
            faults.add(f"{place}.columns", problem, "Take it out, or name no columns question, code and count")
    faults.refuse()


def _check_questionnaire(config: dict[str, Any], languages: list[str]) -> None:
    """Refuse a file of questions, a bank and texts that do not fit together, and a survey without a citation.

    Only surveys of form table are checked.

    Args:
        config: the merged settings.
        languages: in which probes are worded.
    """
    survey = config["surveys"][config["run"]["survey"]]
    if survey["form"] != "table":
        return
    from selfalign.probes.bank import read_bank, select_probes  # other surveys need none of this
    from selfalign.probes.questionnaire import check_drafts, check_poles, check_words
    from selfalign.survey.questions import read_questions

    probes, file, bank_file = config["probes"], Path(survey["questions"]), Path(config["probes"]["bank"])
    faults = Faults()
    if not file.is_file():
        place = f"config: surveys.{config['run']['survey']}.questions"
        raise InputError(place, "there is no such file", "Put it there, or correct the path", value=str(file))
    if not survey.get("citation", "").strip():
        place = f"config: surveys.{config['run']['survey']}.citation"
        faults.add(place, "is not filled in", "Say how to cite the survey; a run ends with it")
    questions, bank = read_questions(file), read_bank(bank_file)
    used = select_probes(bank, probes["categories"], probes["only"], bank_file)
    check_poles(questions, file, used, bank_file, faults)
    for language in languages:
        check_drafts(Path(probes["texts"].replace("{language}", language)), bank, bank_file, faults)
    if frames_on_scales(config):
        check_words(questions, file, used, faults)
        if len(languages) > 1:
            problem = f"a frame asks with the whole scale in {listed(languages)}, and the file of questions has one"
            faults.add(file, f"{problem} language", "Run one language, or use no frame of whole scales")
    faults.refuse()


def frames_on_scales(config: dict[str, Any]) -> list[str]:
    """The frames of the run that ask with the whole answer scale, as the templates of its first language have it."""
    path = Path(config["prompts"]["templates"].replace("{language}", config["run"]["languages"][0]))
    return [name for name in config["prompts"]["frames"] if read_template(path, name).whole_scale]


def check_files(config: dict[str, Any]) -> None:
    """Refuse a config that names an input file which is not there.

    Snakemake would not: where the output of the step that reads the file is there from an earlier run, it takes that
    for good, and the results would silently be those of another file.

    Args:
        config: the merged settings, checked by `check_settings`.

    Raises:
        InputError: names the key and the file.
    """
    survey = config["run"]["survey"]
    _check_survey_file(survey, config["surveys"][survey])
    check_style_files(config["figures"]["style"])
    files = {"probes.bank": [config["probes"]["bank"]]}
    needed = [find_languages(config, language) for language in config["run"]["languages"]]
    patterns = {"probes.texts": "texts", "prompts.templates": "texts"}
    patterns |= {"prompts.personas": "personas", "prompts.neutral": "neutral"}
    for place, what in patterns.items():
        stage, key = place.split(".")
        languages = sorted({language for each in needed for language in each[what]})
        files[place] = [config[stage][key].replace("{language}", language) for language in languages]
    compared = _compared_languages(config)
    files["demonstrations.embedding.texts"] = [config["probes"]["texts"].replace("{language}", one) for one in compared]
    made = _adopted_files(config["probes"], sorted({*compared, *(one for each in needed for one in each["texts"])}))
    for place, paths in files.items():
        for path in paths:
            if path not in made and not Path(path).is_file():
                remedy = "Put it there, correct the path, or run no arm that speaks this language"
                raise InputError(f"config: {place}", "there is no such file", remedy, value=path)
    _check_questionnaire(config, sorted({*compared, *(one for each in needed for one in each["texts"])}))


def _compared_languages(config: dict[str, Any]) -> list[str]:
    """Languages whose wording arms of the run compare probes by, though no prompt may be in them."""
    languages = [config["languages"][language] for language in config["run"]["languages"]]
    strategies = {config["arms"][arm].get("strategy") for language in languages for arm in language["arms"]}
    measures = [settings for name, settings in config["demonstrations"].items() if name in strategies]
    return [settings["texts"] for settings in measures if settings.get("texts", "own") != "own"]


def _adopted_files(probes: dict[str, Any], languages: list[str]) -> list[str]:
    """Bank and texts that are made from a copy of the probes of Arora et al.; refuse a config without the copy."""
    asked = [key for key, path in ADOPTED.items() if probes[key] == path]
    if not asked:
        return []
    for key in ADOPTED:
        if key not in asked:
            problem = f"does not go with probes.{asked[0]}, {ADOPTED[asked[0]]}"
            raise InputError(f"config: probes.{key}", problem, f'Write "{ADOPTED[key]}"', value=probes[key])
    if "arora" not in probes:
        raise InputError("config: probes.arora", "must be given, to make probes.bank", "docs/arora.md says how")
    folder = Path(probes["arora"])
    if not folder.is_dir():
        remedy = "Put your copy of the probes of Arora et al. (2023) there, or correct the path"
        raise InputError("config: probes.arora", "there is no such folder", remedy, value=probes["arora"])
    for language in languages:
        if not (folder / f"{language}.csv").is_file():
            there = ", ".join(sorted(path.stem for path in folder.glob("*.csv"))) or "none"
            raise InputError(
                "config: probes.arora",
                f"has no file {language}.csv; its languages are: {there}",
                "Put it there, or take the language out of run.languages",
                value=probes["arora"],
            )
    return [ADOPTED["bank"], *(ADOPTED["texts"].replace("{language}", language) for language in languages)]


def _check_survey_file(name: str, survey: dict[str, Any]) -> None:
    file = survey["source"].get("file")
    if file is not None and not Path(file).is_file():
        near = suggest_files(Path(file))
        remedy = near or how_to_get(survey["form"])
        raise InputError(f"config: surveys.{name}.source.file", "there is no such file", remedy, value=file)


def _as_input_error(error: ValidationError) -> InputError:
    place = "config: " + (".".join(map(str, error.absolute_path)) or "top level")
    if error.validator == "additionalProperties" and error.schema.get("properties"):
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))[0]
        return InputError(
            place,
            f'"{unknown}" is not a known key',
            f"{did_you_mean(unknown, error.schema['properties'])} config/README.md explains every key",
        )
    if error.validator == "oneOf":
        return _as_form_error(place, error)
    remedy = "config/README.md explains every key"
    if isinstance(error.instance, bool):
        remedy = f"YAML reads no, off, yes and on without quotes as false and true: put such a word in quotes. {remedy}"
    return InputError(place, error.message, remedy)


def _as_form_error(place: str, error: ValidationError) -> InputError:
    """Says which keys belong together, or what is wrong with the value of one."""
    forms = error.validator_value
    remedy = f"Give {', or '.join(' + '.join(form['required']) for form in forms)}. config/README.md explains every key"
    keys = set(error.instance)
    known = {key for form in forms for key in form["properties"]}
    for key in sorted(keys - known):
        return InputError(place, f'"{key}" is not a known key', f"{did_you_mean(key, known)} {remedy}")
    for cause in error.context:
        if keys == set(forms[cause.schema_path[0]]["required"]):
            return _as_input_error(cause)
    return InputError(place, f"has the keys {', '.join(sorted(keys)) or '(none)'}", remedy)


def _check_names(config: dict[str, Any]) -> None:
    _check_known("run.survey", [config["run"]["survey"]], config["surveys"])
    _check_known("run.models", config["run"]["models"], config["models"])
    _check_known("run.languages", config["run"]["languages"], config["languages"])
    _check_tables(config["surveys"])
    _check_models(config["models"])
    for name, survey in config["surveys"].items():
        if "file" not in survey["source"]:
            check_survey_source(survey["source"], f"config: surveys.{name}.source", ".")
    for kind, shown in (("models", config["run"]["models"]), ("arms", config["arms"])):
        _check_labels(kind, config[kind], shown, config["figures"]["style"].get("font"))
    _check_arms(config["arms"])
    for name, arm in config["arms"].items():
        for key in ("countries", "sources"):
            _check_countries(f"arms.{name}.{key}", arm.get(key, []))
    for language, settings in config["languages"].items():
        if pycountry.languages.get(alpha_2=language) is None:
            raise InputError(
                "config: languages", f'"{language}" is not an ISO 639-1 code', "Use codes such as en or es"
            )
        _check_countries(f"languages.{language}.countries", settings["countries"])
        _check_known(f"languages.{language}.arms", settings["arms"], config["arms"])
    for frame in config["prompts"]["frames"]:
        if frame not in config["scoring"]["readouts"]:
            remedy = f"Add {frame}: label if it shows labels, else {frame}: option"
            raise InputError("config: scoring.readouts", f"has no readout for the frame {frame}", remedy)
        if config["scoring"]["readouts"][frame] == "pmi" and not config["prompts"].get("premises", True):
            problem = f"the frame {frame} is read by pmi, which needs premises, and prompts.premises is false"
            raise InputError(
                "config: scoring.readouts", problem, "Set prompts.premises: true, or choose another readout"
            )
    if measures := config["scoring"].get("measures"):
        from selfalign.scoring.measures import check_measures  # with scipy, which takes time that most runs save

        check_measures(measures)
    for key in ("contrasts", "mixed"):
        _check_contrasts(f"scoring.{key}", config["scoring"][key], config)
    _check_transfer(config)
    style = config["figures"]["style"]
    _check_known("figures.style.palette", style["palette"], config["arms"])
    for key in ("order", "names"):
        _check_countries(f"figures.style.countries.{key}", style["countries"][key])
    for figure in ("agreement", "calibration"):
        _check_known(f"figures.{figure}.arms", config["figures"][figure].get("arms", []), config["arms"])
    _check_known("figures.selectors", config["figures"]["selectors"], config["arms"])
    _check_known("figures.languages.arms", config["figures"]["languages"]["arms"], config["arms"])
    contrasts = list_contrasts(config)
    _check_contrasts("figures.margin.contrast", [config["figures"]["margin"]["contrast"]], config)
    margin = config["figures"]["margin"]["contrast"]
    if margin not in contrasts and can_estimate(config, margin):
        raise InputError(
            "config: figures.margin.contrast",
            f"{margin} is not estimated",
            "Add it to scoring.contrasts, or choose one of these",
        )
    for contrast in config["scoring"]["mixed"]:
        if contrast not in contrasts and can_estimate(config, contrast):
            remedy = "Add it to scoring.contrasts, or choose of these"
            raise InputError("config: scoring.mixed", f"{contrast} is not estimated", remedy)


def _check_contrasts(place: str, contrasts: list[Any], config: dict[str, Any]) -> None:
    for contrast in contrasts:
        arms = contrast if isinstance(contrast, list) else [contrast["arm"], contrast["against"]]
        beyond = contrast.get("beyond", []) if isinstance(contrast, dict) else []
        _check_known(place, [*arms, *beyond], config["arms"])
        if isinstance(contrast, dict):
            for kind in ("language", "model"):
                names = [contrast[key] for key in (kind, f"against_{kind}") if key in contrast]
                _check_known(place, names, config[f"{kind}s"])


def _check_transfer(config: dict[str, Any]) -> None:
    pair = config["scoring"].get("transfer") or []
    _check_known("scoring.transfer", pair, config["arms"])
    if pair and config["arms"][pair[1]].get("answers") != "other":
        problem = f"the second arm, {pair[1]}, is not answered by other countries"
        raise InputError("config: scoring.transfer", problem, "Name one with answers: other, or null for no matrix")


def _check_arms(arms: dict[str, Any]) -> None:
    for name, arm in arms.items():
        if "sources" in arm and arm.get("answers", "own") != "other":
            problem = f"goes with answers: other, and the answers are {arm.get('answers', 'own')}"
            remedy = "Take it out, or show the answers of other countries"
            raise InputError(f"config: arms.{name}.sources", problem, remedy, value=arm["sources"])
        if arm.get("diversity") and arm.get("strategy") in SEEDED:
            raise InputError(
                f"config: arms.{name}.diversity",
                f"does not go with strategy {arm['strategy']}, which draws and measures no relevance",
                f"Take it out, or choose one of the strategies {', '.join(MEASURES)}",
                value=arm["diversity"],
            )


def _check_models(models: dict[str, Any]) -> None:
    for name, model in models.items():
        if ("source" in model) == ("endpoint" in model):
            problem = "has both a source and an endpoint" if "source" in model else "has no source"
            raise InputError(
                f"config: models.{name}",
                problem,
                "Give source (weights to run here) or endpoint (where it answers). config/README.md explains every key",
            )
        if "source" in model:
            check_model_source(model["source"], f"config: models.{name}.source", ".")
        if "endpoint" in model and model.get("reply"):
            raise InputError(
                f"config: models.{name}.reply",
                "belongs to a model that runs here, and this model has an endpoint",
                "Take it out, and set readout: samples, samples: 1 and temperature: 0 in endpoint",
                value=model["reply"],
            )
        if model.get("shown") == "message" and model.get("format") == "plain":
            raise InputError(
                f"config: models.{name}.shown",
                "does not go with format: plain, because bare text has no messages",
                "Take it out, or set format: chat",
                value="message",
            )


def _check_labels(kind: str, entries: dict[str, Any], shown: Iterable[str], font: str | None) -> None:
    """Refuse labels that figures could not draw, and labels of those shown that figures could not tell apart."""
    names: dict[str, str] = {}
    for name, entry in entries.items():
        label = unicodedata.normalize("NFC", clean(entry["label"]))
        place = f"config: {kind}.{name}.label"
        if not label:
            raise InputError(place, "is empty", "Give a name for figures", value=entry["label"])
        if name in shown and label in names:
            problem = f"is also the label of {kind}.{names[label]}, and figures could not tell them apart"
            raise InputError(place, problem, "Give each a label of its own", value=entry["label"])
        if name in shown:
            names[label] = name
        if max(map(ord, label)) > _LAST_CYRILLIC:
            from selfalign.figures.fonts import choose_fonts  # matplotlib takes time to import, and is rarely needed

            own = Path(font) if font is not None and Path(font).is_file() else None
            choose_fonts([label], own, place)


def _check_known(place: str, names: Iterable[str], defined: Iterable[str]) -> None:
    for name in names:
        if name not in defined:
            raise InputError(f"config: {place}", f'"{name}" is not defined', did_you_mean(name, defined))


def _check_countries(place: str, countries: list[str]) -> None:
    for country in countries:
        if country not in CODES:
            hint = did_you_mean(country, CODES) if len(country) >= 3 else "Codes have three letters, such as TUR"
            raise InputError(f"config: {place}", f'"{country}" is not an ISO 3166 alpha-3 code', hint)
