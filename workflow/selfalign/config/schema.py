"""The check of the config against its JSON schema, and the defaults of settings that are not given."""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from selfalign.config.generate import make_schema
from selfalign.config.mistakes import explain
from selfalign.config.values import as_meant, check_values
from selfalign.errors import InputError
from selfalign.file_sources import refuse_login


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
        raise explain(error, schema)
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
