"""The page that lists every setting of the config, generated from the models of its sections."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selfalign.config.generate import make_schema
from selfalign.config.values import describe_values

PAGE = "config/settings.md"
"""The page's file in the workflow's own folder."""

_HEAD = """# All settings

Generated from the models of the settings. Do not edit: run `python tools/schema.py`.
[The config](README.md) explains the settings with examples.
`NAME` stands for a name that you choose, such as that of a survey, an arm or a model.
A setting without a default must be given, by the shipped config files or by yours.

"""
_COLUMNS = "| key | values | default | meaning |\n|---|---|---|---|\n"


def write_reference() -> str:
    """The text of the page: a table for each section."""
    parts = [_HEAD]
    for section, schema in make_schema()["properties"].items():
        parts.append(f"## {section}\n\n{_COLUMNS}")
        parts += [f"| {' | '.join(map(_cell, row))} |\n" for row in _list_rows(section, schema)]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _list_rows(key: str, schema: Mapping[str, Any]) -> Iterator[list[str]]:
    """Key, values, default and meaning of a setting and of all below it."""
    forms = schema.get("oneOf", [schema])
    below = [one for one in forms if one.get("properties") or isinstance(one.get("additionalProperties"), dict)]
    meaning = schema.get("description", "")
    if meaning or not below:
        default = f"`{json.dumps(schema['default'])}`" if schema.get("default") not in (None, {}) else ""
        yield [f"`{key}`", describe_values(schema), default, meaning]
    listed = set()
    for form in below:
        parts = dict(form.get("properties", {}))
        others = form.get("additionalProperties")
        if isinstance(others, dict):
            parts["NAME"] = others
        for name, part in parts.items():
            if name not in listed:
                listed.add(name)
                yield from _list_rows(f"{key}.{name}", part)
