"""The form of the config: its JSON schema, and the schema's errors as errors of the user."""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from selfalign.addresses import refuse_login
from selfalign.config.generate import make_schema
from selfalign.config.values import as_meant, check_values
from selfalign.errors import InputError, did_you_mean


def check_schema(config: dict[str, Any]) -> None:
    """Refuse a config that breaks its schema.

    Whole numbers that came as floats or as text become integers, and settings that are not given get their defaults,
    in place.

    Args:
        config: the merged settings.

    Raises:
        InputError: names the key, the value, and what was expected.
    """
    _check_addresses(config)
    _refuse_old_keys(config)
    check_values(config)
    schema = make_schema()
    config.update(as_meant(config, schema))
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        raise _as_input_error(error)
    fill_defaults(config, schema)


def fill_defaults(value: Any, schema: Mapping[str, Any]) -> None:
    """Give settings that are not given their defaults, in place.

    Args:
        value: a part of the config that keeps to its schema.
        schema: the schema of this part.
    """
    if not isinstance(value, dict):
        return
    forms = schema.get("oneOf", [])
    if {"type": "null"} in forms and len(forms) == 2:  # a section that may be null
        schema = next((form for form in forms if "properties" in form), schema)
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, part in properties.items():
        if "default" in part:
            value.setdefault(key, deepcopy(part["default"]))
    for key, part in value.items():
        fill_defaults(part, properties.get(key, others if isinstance(others, dict) else {}))


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


def _refuse_old_keys(config: Mapping[str, Any]) -> None:
    """Refuse settings of figures that an earlier version had, and name their successors.

    Args:
        config: the settings, before they are checked.
    """
    figures = config.get("figures")
    if not isinstance(figures, dict):
        return
    if "font" in figures:
        raise InputError("config: figures.font", "is now figures.style.font", "Move it there", value=figures["font"])
    for name, settings in figures.items():
        if name != "style" and isinstance(settings, dict) and "height" in settings:
            problem = "is no setting any more, because heights follow from the content"
            remedy = "Take it out. figures.style.height limits the height of all figures"
            raise InputError(f"config: figures.{name}.height", problem, remedy, value=settings["height"])


def _as_input_error(error: ValidationError) -> InputError:
    place = "config: " + (".".join(map(str, error.absolute_path)) or "top level")
    known = error.schema.get("properties") if isinstance(error.schema, Mapping) else None
    if error.validator == "additionalProperties" and known and isinstance(error.instance, Mapping):
        unknown = sorted(set(error.instance) - set(known))[0]
        return InputError(
            place,
            f'"{unknown}" is not a known key',
            f"{did_you_mean(unknown, known)} config/README.md explains every key",
        )
    if error.validator == "oneOf":
        return _as_form_error(place, error)
    remedy = "config/README.md explains every key"
    if isinstance(error.instance, bool):
        remedy = f"YAML reads no, off, yes and on without quotes as false and true: put such a word in quotes. {remedy}"
    return InputError(place, error.message, remedy)


def _as_form_error(place: str, error: ValidationError) -> InputError:
    """Says which keys belong together, or what is wrong with the value of one."""
    forms: Any = error.validator_value  # the list that the schema has under oneOf
    remedy = f"Give {', or '.join(' + '.join(form['required']) for form in forms)}. config/README.md explains every key"
    keys: set[str] = set(error.instance) if isinstance(error.instance, Mapping) else set()
    known = {key for form in forms for key in form["properties"]}
    for key in sorted(keys - known):
        return InputError(place, f'"{key}" is not a known key', f"{did_you_mean(key, known)} {remedy}")
    for cause in error.context:
        if keys == set(forms[cause.schema_path[0]]["required"]):
            return _as_input_error(cause)
    return InputError(place, f"has the keys {', '.join(sorted(keys)) or '(none)'}", remedy)
