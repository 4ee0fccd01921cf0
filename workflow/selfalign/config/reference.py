"""The page that lists every setting of the config, generated from the models of its sections."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selfalign.config.generate import make_schema
from selfalign.config.values import describe_values

PAGE = "config/settings.md"
"""The page's file in the workflow's own folder."""

_HEAD = """# Which values and defaults does each setting have?

[The config](README.md) explains the settings with examples.
This page lists all of them: {sections}.

- `NAME` stands for a name that you choose, such as that of a survey, an arm or a model.
- A `required` setting must be given if the mapping around it is given.
  The shipped config files give most of them.
- Any other setting without a default may be left out.

This page is generated from the models of the settings.
Do not edit it: run `python tools/schema.py`.

"""
_COLUMNS = "| key | values | default | meaning |\n|---|---|---|---|\n"


def write_reference() -> str:
    """The text of the page: a table for each section."""
    sections = make_schema()["properties"]
    parts = [_HEAD.format(sections=", ".join(f"[{name}](#{name})" for name in sections))]
    for section, schema in sections.items():
        parts.append(f"## {section}\n\n{_COLUMNS}")
        parts += [f"| {' | '.join(map(_cell, row))} |\n" for row in _list_rows(section, schema)]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _list_rows(key: str, schema: Mapping[str, Any], *, required: bool = False) -> Iterator[list[str]]:
    """Key, values, default and meaning of a setting and of all below it."""
    forms = schema.get("oneOf", [schema])
    below = [one for one in forms if one.get("properties") or isinstance(one.get("additionalProperties"), dict)]
    meaning = schema.get("description", "")
    if meaning or not below:
        default = f"`{json.dumps(schema['default'])}`" if schema.get("default") not in (None, {}) else ""
        default = "required" if required else default
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
                needed = name in form.get("required", []) and len(below) == 1  # several forms: one of them is needed
                yield from _list_rows(f"{key}.{name}", part, required=needed)
