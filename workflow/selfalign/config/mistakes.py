"""The errors of the config's JSON schema, in words."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError, relevance

from selfalign.config.values import describe_values
from selfalign.errors import InputError, did_you_mean
from selfalign.yaml_files import YAML_WORDS

SEE = "config/settings.md lists every key"


def explain(error: ValidationError, whole: Mapping[str, Any] | None = None) -> InputError:
    """The place of a mistake in the config, what was expected there, and what to write.

    Args:
        error: of the JSON schema.
        whole: the JSON schema. It has the values of a key that is missing under a condition.
    """
    place = "config: " + (".".join(map(str, error.absolute_path)) or "top level")
    kind = str(error.validator)
    value: Any = error.instance
    schema: Any = error.schema
    wanted: Any = error.validator_value
    if kind == "oneOf" and {"type": "null"} in wanted:  # a section that may be null
        cause = min((one for one in error.context if one.schema_path[0] == 0), key=relevance)
        if cause.validator != "type" or cause.path:
            return explain(cause, whole)
        kind = "type"
    elif kind == "oneOf":
        return _explain_forms(place, error)
    if kind == "additionalProperties":
        unknown = sorted(set(value) - set(schema["properties"]))[0]
        return _refuse_key(place, unknown, schema["properties"])
    if kind == "required":
        missing = next(key for key in wanted if key not in value)
        known = schema.get("properties") or _find_part(whole, error.absolute_path)
        about = known.get(missing, {})
        unknown = sorted(set(value) - set(known)) if known else []
        problem = f'is missing, and "{unknown[0]}" is not a known key' if unknown else "is missing"
        choices = f", with one of {describe_values(about).replace('`', '')}" if "`" in describe_values(about) else ""
        return InputError(f"{place}.{missing}", problem, _join(f"Add it{choices}", about.get("description", "")))
    if "propertyNames" in error.schema_path:
        return InputError(place, f'the key "{value}" has the wrong form', _join(_show_form(schema)))
    problem, remedy = _explain_value(value, schema, kind, error.message)
    pasted = error.absolute_path and error.absolute_path[-1] == "key_env"  # the value may be the key itself
    shown = None if pasted or value == [] else value
    return InputError(place, problem, _join(remedy, schema.get("description", "")), value=shown)


def _find_part(schema: Mapping[str, Any] | None, path: Iterable[str | int]) -> Mapping[str, Any]:
    """The keys that a part of the config may have, with their schemas; empty if the schema lists none."""
    part: Any = schema or {}
    for key in path:
        others = part.get("additionalProperties")
        part = part.get("properties", {}).get(key) or (others if isinstance(others, Mapping) else {})
    keys: Mapping[str, Any] = part.get("properties", {})
    return keys


def _join(remedy: str, meaning: str = "") -> str:
    parts = (remedy, f"Meaning: {meaning}" if meaning else "", SEE)
    return " ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part)


def _explain_value(value: Any, schema: Mapping[str, Any], kind: str, message: str) -> tuple[str, str]:
    """What is wrong with a value, and what to write."""
    if value is None:
        return "is empty", "Write its value, or take the key out"
    if kind == "enum":
        choices = [str(choice) for choice in schema["enum"]]
        near = get_close_matches(str(value), choices, n=1)
        return f"is not one of {', '.join(choices)}", f'Did you mean "{near[0]}"?' if near else "Choose one of these"
    if kind in ("pattern", "format"):
        return "has the wrong form", _show_form(schema)
    if kind == "uniqueItems":
        twice = next(each for place, each in enumerate(value) if each in value[:place])
        return f"names {twice} twice", "Name it once"
    if kind in ("minItems", "maxItems", "maxLength"):
        return _explain_size(value, schema[kind])
    if kind in ("minLength", "minProperties"):
        return "has no content", "Write its content, or take the key out"
    if kind == "not":
        return "is reserved", "Choose another name"
    if kind in ("type", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        return f"must be {_with_article(describe_values(schema))}", _correct(value, schema)
    return message, "Correct the value"


def _explain_size(value: Any, wanted: int) -> tuple[str, str]:
    """What is wrong with the length of a list or of a name, and what to write."""
    if isinstance(value, str):
        return f"has {len(value)} characters; a name of files has at most {wanted}", "Shorten it"
    if not value:
        return "the list is empty", f"Name at least {'one' if wanted == 1 else wanted}"
    return f"has {len(value)} entries; expected {wanted}", "Correct the list"


def _with_article(words: str) -> str:
    plain = words.replace("`", "")
    return f"a {plain}" if plain.startswith(("list", "mapping", "number", "whole number")) else plain


def _correct(value: Any, schema: Mapping[str, Any]) -> str:
    """What to write instead of a value of another type."""
    if isinstance(value, bool):
        return f"{YAML_WORDS}: put such a word in quotes"
    if schema.get("type") == "array" and isinstance(value, str | int | float):
        return f"Write a list: [{value}]"
    if schema.get("type") == "string" and isinstance(value, int | float):
        return f'Put it in quotes: "{value}"'
    return "Correct the value"


def _show_form(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples")
    return f"Write it like this: {', '.join(map(str, examples))}" if examples else "Correct the value"


def _refuse_key(place: str, key: str, known: Mapping[str, Any] | set[str], more: str = "") -> InputError:
    return InputError(place, f'"{key}" is not a known key', f"{did_you_mean(key, known)} {more or SEE}")


def _explain_forms(place: str, error: ValidationError) -> InputError:
    """Which keys belong together, or what is wrong with the value of one."""
    forms: Any = error.validator_value  # the list that the schema has under oneOf
    remedy = f"Give {', or '.join(' + '.join(form['required']) for form in forms)}. {SEE}"
    keys: set[str] = set(error.instance) if isinstance(error.instance, Mapping) else set()
    known = {key for form in forms for key in form["properties"]}
    if unknown := sorted(keys - known):
        return _refuse_key(place, unknown[0], known, remedy)
    for cause in error.context:
        if keys == set(forms[cause.schema_path[0]]["required"]):
            return explain(cause)
    return InputError(place, f"has the keys {', '.join(sorted(keys)) or '(none)'}", remedy)
