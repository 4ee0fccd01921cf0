"""Forms of values that settings share: names, codes of countries and languages, and the base of a section's model."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100, examples=["my_name-2"])]
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

    @classmethod
    def read(cls, settings: Any) -> Self:
        """A section from settings that were checked before, or that an earlier version recorded.

        Values stay as they are. The validation of pydantic would change a temperature of 0 to 0.0, which has another
        fingerprint, and would refuse old records. Settings that are not given have their defaults, and unknown keys are
        ignored. An earlier version may not have recorded a required setting: a section, mapping or list is then empty,
        and any other attribute is missing.

        Args:
            settings: by name.
        """
        known = dict(settings) if cls.model_config.get("extra") == "allow" else {}
        for name, field in cls.model_fields.items():
            form = field.annotation
            if name in settings:
                known[name] = _read(form, settings[name])
            elif field.is_required() and (_is_section(form) or get_origin(form) in (tuple, dict)):
                known[name] = _read(form, {})
        return super().model_construct(**known)

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given, by name."""
        names = [name for name in type(self).model_fields if name in self.model_fields_set]
        return {name: getattr(self, name) for name in names} | (self.model_extra or {})

    @property
    def setting(self) -> object:
        """What a config says, for JSON."""
        return self.given


class NamedSection(Section):
    """A section that knows its name in the config: an arm, a model or a survey."""

    _name: str = PrivateAttr("")

    @classmethod
    def read(cls, settings: Any, name: str = "") -> Self:
        """A section from its settings, as `Section.read` reads them.

        Args:
            settings: by name.
            name: of the section in the config.
        """
        section = super().read(settings)
        section._name = name
        return section

    @property
    def name(self) -> str:
        """The name in the config. It is not one of the settings."""
        return self._name


def _is_section(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, Section)


def _read(form: Any, value: Any, name: str = "") -> Any:
    """A value in the form that an annotation names: a mapping as its section, a list as a tuple.

    Args:
        value: of the setting.
        name: of the value, if it is an entry of a mapping.
    """
    kind, parts = get_origin(form), get_args(form)
    if kind is Annotated:
        return _read(parts[0], value, name)
    if kind in (Union, UnionType):
        forms = [one for one in parts if one is not NoneType]  # of several sections, the one with most of the keys
        return None if value is None else _read(max(forms, key=lambda one: _count_known(one, value)), value, name)
    if _is_section(form):
        return form.read(value, name) if issubclass(form, NamedSection) else form.read(value)
    if kind is tuple:
        return tuple(_read(parts[0], one) for one in value)
    if kind is dict:
        return {key: _read(parts[1], one, key) for key, one in value.items()}
    return value


def _count_known(form: Any, settings: Any) -> int:
    return sum(name in settings for name in form.model_fields) if _is_section(form) else 0


def distinct(text: str, **limits: Any) -> Any:
    """A field with a description, whose values must be distinct.

    Args:
        limits: of the value, as `pydantic.Field` takes them.
    """
    return Field(description=text, json_schema_extra={"uniqueItems": True}, **limits)
