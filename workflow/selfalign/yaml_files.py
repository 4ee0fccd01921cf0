"""Reading of YAML with the parser of libyaml, because each start reads many files.

The user's config is read with the slower parser in Python, which explains mistakes better.
"""

from typing import Any

import yaml

YAML_WORDS = "YAML reads no, off, yes and on without quotes as false and true"
YAML_MISTAKES = "check its brackets, quotes, colons and spaces; tabs cannot indent"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML may be built without libyaml


def load_yaml(text: str) -> Any:
    """The content of a YAML document.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    return yaml.load(text, Loader=_LOADER)
