"""Values of the config as the schema means them: YAML and the command line write some of them in another type."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfalign.errors import InputError
from selfalign.yaml_files import YAML_WORDS

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAMES = {
    **{"object": "mapping", "array": "list", "string": "text", "integer": "whole number"},
    **{"boolean": "`true` or `false`", "null": "`null`"},
}
_LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_LITERALS = {"true": True, "false": False, "null": None, "~": None}


def describe_values(schema: Mapping[str, Any]) -> str:
    """The values that a setting can have, in words."""
    if "oneOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(filter(None, map(describe_values, schema["oneOf"]))))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = _as_list(schema.get("type", "object"))
    words = " or ".join(_NAMES.get(str(kind), str(kind)) for kind in kinds)
    if "array" in kinds and "items" in schema:
        words = words.replace("list", f"list, each {describe_values(schema['items'])}", 1)
    limits = [f"{word} {schema[limit]:g}" for limit, word in _LIMITS.items() if limit in schema]
    return f"{words} {' and '.join(limits)}".strip()


def check_values(value: Any, place: str = "") -> None:
    """Refuse keys that are not text, and values that JSON has no type for.

    Args:
        value: a part of the config.
        place: its keys, joined by dots.

    Raises:
        InputError: names the place, the key or value, and what to write.
    """
    where = f"config: {place or 'top level'}"
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(key, bool):
                raise InputError(where, f"a key is {key}, not text. {YAML_WORDS}", 'Put the key in quotes, as in "no"')
            if not isinstance(key, str):
                raise InputError(where, f"the key {key!s} is not text", f'Put it in quotes: "{key!s}"')
            check_values(part, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            check_values(part, f"{place}.{number}".removeprefix("."))
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(where, f"{value} is not a finite number", "Give a finite number")
    elif not isinstance(value, str | int | float | None):
        problem = f"YAML reads {value!s} as a {type(value).__name__}, which is neither text nor a number"
        raise InputError(where, problem, f'Put it in quotes: "{value!s}"')


def check_file(path: str, place: str, remedy: str) -> None:
    """Refuse a setting that names a file which is not there.

    Args:
        path: the value of the setting.
        place: of the setting, for the message.
        remedy: what the user can do.

    Raises:
        InputError: there is no such file, or it is a folder.
    """
    if not Path(path).is_file():
        problem = "is a folder, not a file" if Path(path).is_dir() else "there is no such file"
        raise InputError(place, problem, remedy, value=path)


def as_meant(value: Any, schema: dict[str, Any], place: str = "") -> Any:
    """A part of the config with whole numbers as integers, and with numbers for text that the command line passed.

    Args:
        schema: its JSON schema.
        place: keys of the part, joined by dots.

    Returns:
        A copy. A value that is not of the schema's type stays as it is, for the schema to refuse.

    Raises:
        InputError: a word such as false came as text where the schema allows anything.
    """
    forms = [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]
    if isinstance(value, dict):
        schema = next((form for form in forms if "properties" in form), schema)  # a section that may be null
        known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
        if schema.get("type") == "object" and not other:
            _check_free({key: part for key, part in value.items() if key not in known}, place)
        parts = {key: known.get(key, other if isinstance(other, dict) else {}) for key in value}
        return {key: as_meant(value[key], parts[key], f"{place}.{key}".removeprefix(".")) for key in value}
    if isinstance(value, list):
        return [as_meant(part, schema.get("items", {}), place) for part in value]
    types = {each for form in forms for each in _as_list(form.get("type", []))}
    return _convert(value, types)


def _convert(value: Any, types: set[str]) -> Any:
    if isinstance(value, str) and "string" not in types:
        word = value.strip()
        if word.lower() in _LITERALS:
            literal = _LITERALS[word.lower()]
            return literal if ("null" if literal is None else "boolean") in types else value
        if types & {"integer", "number"} and _NUMBER.fullmatch(word):
            value = int(word) if re.fullmatch(r"[+-]?\d+", word) else float(word)
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    return value


def _check_free(settings: dict[str, Any], place: str) -> None:
    """Refuse words of YAML that came as text in settings whose types the schema does not know."""
    for key, value in settings.items():
        if isinstance(value, str) and value.lower() in _LITERALS:
            raise InputError(
                f"config: {place}.{key}",
                "is text, not a word of YAML: --config passes everything inside braces as text",
                "Write it without quotes in a file, and give the file with --configfile",
                value=value,
            )


def _as_list(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types
