"""The JSON schema of the config, generated from the models of its sections."""

import json
from functools import cache
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from selfalign.config.sections import Config

SCHEMA = "workflow/schemas/config.schema.yaml"
"""The schema's file in the workflow's own folder, for readers and editors. Checks use the models."""

HEADER = "# Generated from workflow/selfalign/config/sections.py. Do not edit: run python tools/schema.py\n"


class _Generator(GenerateJsonSchema):
    """Schemas without titles, in which None means that a key is not given."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {"enum": list(schema["expected"])}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        keys = self.generate_inner(schema["keys_schema"])
        values = self.generate_inner(schema["values_schema"])
        found: JsonSchemaValue = {"type": "object"}
        if "pattern" in keys:
            found["propertyNames"] = keys
        if values:
            found["additionalProperties"] = values
        if "min_length" in schema:
            found["minProperties"] = schema["min_length"]
        return found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        if found.get("additionalProperties") is True:
            del found["additionalProperties"]
        return {key: value for key, value in found.items() if key not in ("title", "description")}

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        forms = [self.generate_inner(one[0] if isinstance(one, tuple) else one) for one in schema["choices"]]
        return {"type": "object", "oneOf": forms}


@cache
def make_schema() -> dict[str, Any]:
    """The JSON schema of the config, with every section in its place."""
    schema = Config.model_json_schema(schema_generator=_Generator)
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of selfalign",
        "description": Config.__doc__,
    }
    sections: dict[str, Any] = _inline(schema, schema.pop("$defs"))
    return about | sections


def write_schema() -> str:
    """The text of the schema's file."""
    plain = json.loads(json.dumps(make_schema()))  # so that YAML writes no aliases of parts that occur twice
    return HEADER + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def _inline(part: Any, definitions: dict[str, Any]) -> Any:
    """A part of a schema with the definitions in the place of the references to them."""
    if isinstance(part, list):
        return [_inline(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = definitions[name] | {key: value for key, value in part.items() if key != "$ref"}
    found = {key: _inline(value, definitions) for key, value in part.items()}
    for form in [*found.get("oneOf", []), found.get("else", {})]:
        form.pop("type", None)  # the whole has it
    if found.pop("nullable", False):
        about = {key: found.pop(key) for key in ("description", "default") if key in found}
        return {"oneOf": [found, {"type": "null"}], "default": None} | about
    return found
