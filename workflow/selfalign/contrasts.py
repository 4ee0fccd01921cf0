"""Contrasts between arms: the one type for the config, for the command line and for the estimates."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Self

import pandas as pd
from pydantic import Field, TypeAdapter, WithJsonSchema, model_validator

from selfalign.forms import Language, Name, Pair, Section


def _form(form: Any) -> WithJsonSchema:
    """The form of a text in the schema of the config.

    Only the schema has it. Steps also compare cells that are estimated together, and a config cannot name these: the
    language `own` of `scoring.pooling` is one.
    """
    return WithJsonSchema(TypeAdapter(form).json_schema())


_MINUS = " - "


def _as_mapping(value: Any) -> Any:
    """The mapping that a pair of arms stands for; any other value as it is."""
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return {"arm": value[0], "against": value[1]} if is_pair else value


_NAME, _LANGUAGE, _PAIR = _form(Name), _form(Language), _form(Pair)


class Contrast(Section):
    """A contrast of two arms, of some models or languages.

    It can be read from a pair of arms, or from a mapping. Two contrasts are equal if they compare the same, however
    they were written.
    """

    arm: Annotated[str, _NAME] = Field(description="The arm.")
    against: Annotated[str, _NAME] = Field(description="The arm that is subtracted.")
    model: Annotated[str, _NAME] | None = Field(None, description="Only of this model; else of all.")
    against_model: Annotated[str, _NAME] | None = Field(
        None, description="The model of the arm that is subtracted; the same model if not given."
    )
    language: Annotated[str, _LANGUAGE] | None = Field(None, description="Only in this language; else in all.")
    against_language: Annotated[str, _LANGUAGE] | None = Field(
        None, description="The language of the arm that is subtracted; the same language if not given."
    )
    beyond: Annotated[tuple[str, str], _PAIR] | None = Field(
        None, description="Two arms whose difference is also subtracted."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_pair(cls, value: Any) -> Any:
        return _as_mapping(value)

    @classmethod
    def read(cls, settings: Any) -> Self:
        """A contrast from a pair of arms or from a mapping, as `Section.read` reads settings."""
        return super().read(_as_mapping(settings))

    @property
    def is_across(self) -> bool:
        """Whether it compares two models or two languages."""
        return self.against_model is not None or self.against_language is not None

    @property
    def name(self) -> str:
        """The arms as text, with the language of the arm that is subtracted if this is another one."""
        name = f"{self.arm} - {self.against}"
        if self.against_language is not None:
            name += f" in {self.against_language}"
        return f"({name}) - ({self.beyond_name})" if self.beyond else name

    @property
    def beyond_name(self) -> str:
        """The difference that is also subtracted, as tables name it; empty for none."""
        return _MINUS.join(self.beyond or ())

    @property
    def setting(self) -> list[str] | dict[str, Any]:
        """What a config says, for JSON: a pair of arms if that says everything, else a mapping."""
        mapping = self.mapping
        return [self.arm, self.against] if mapping.keys() == {"arm", "against"} else mapping

    @property
    def mapping(self) -> dict[str, Any]:
        """The mapping that a config has, for JSON."""
        return self.model_dump(mode="json", exclude_none=True)

    def replace(self, **values: str | None) -> "Contrast":
        """The contrast with other values."""
        return self.model_copy(update=values)

    def find_rows(self, table: pd.DataFrame) -> pd.Series:
        """Whether the rows of a table are of this contrast.

        Args:
            table: columns model, language, arm, against, against_model, against_language, and beyond without gaps.
        """
        found = (table["arm"] == self.arm) & (table["against"] == self.against) & (table["beyond"] == self.beyond_name)
        found &= (table["model"] == self.model) | (self.model is None)
        found &= (table["language"] == self.language) | (self.language is None)
        found &= table["against_model"] == (self.against_model or table["model"])
        found &= table["against_language"] == (self.against_language or table["language"])
        return found


def split_beyond(text: Any) -> tuple[str, str] | None:
    """The two arms in a cell of the column beyond; None if the cell is empty."""
    if pd.isna(text) or not text:
        return None
    arm, against = text.split(_MINUS)
    return arm, against


PLAIN: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = MappingProxyType(
    {
        "beyond": lambda table: table["beyond"].fillna("") == "",
        "against_model": lambda table: table["against_model"] == table["model"],
        "against_language": lambda table: table["against_language"] == table["language"],
    }
)
"""By column of a table of contrasts, whether it says that a row is a plain difference between two arms."""


def is_plain(table: pd.DataFrame) -> pd.Series:
    """Whether the rows of a table are plain differences: between two arms, within one model and one language."""
    return PLAIN["beyond"](table) & PLAIN["against_model"](table) & PLAIN["against_language"](table)
