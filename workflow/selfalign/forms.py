"""Forms of values that settings share: names, codes of countries and languages, and the base of a section's model."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", examples=["my_name-2"])]
"""The name of an arm, a model, a survey or a probe. It can be part of a file's name."""

Names = Annotated[tuple[Name, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]
"""Distinct names, at least one."""

Pair = Annotated[tuple[Name, ...], Field(min_length=2, max_length=2)]
"""Two arms. The second is subtracted from the first."""

Country = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["DEU"])]
"""ISO 3166 alpha-3 code of a country."""

CountryCodes = Annotated[tuple[Country, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]
"""Distinct countries, at least one."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$", examples=["en"])]
"""ISO 639-1 code of a language."""

Spoken = Annotated[str, Field(pattern=r"^(asked|own|[a-z]{2})$", examples=["asked", "own", "en"])]
"""A language, the language of the question (asked), or the language of the country (own)."""


ProbeKind = Literal["value", "attitude", "behaviour", "hardship", "membership", "election", "media", "knowledge"]
"""What a probe asks for; docs/probes.md defines each kind. Models also have kinds, which are something else."""


ModelKind = Literal["english", "multilingual"]
"""Whether a model was trained for English or for many languages."""


class Section(BaseModel):
    """A part of the config. It cannot change, and it has no other keys than its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def distinct(text: str, **limits: Any) -> Any:
    """A field with a description, whose values must be distinct.

    Args:
        text: the description.
        limits: of the value, as `pydantic.Field` takes them.
    """
    return Field(description=text, json_schema_extra={"uniqueItems": True}, **limits)
