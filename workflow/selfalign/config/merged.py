"""The type of the settings that `config.read` makes of the defaults and a user's config files."""

from collections.abc import Mapping
from typing import Any

MergedConfig = Mapping[str, Any]
"""The merged and checked settings: a mapping of sections, as config/README.md explains them. Nobody changes them."""
