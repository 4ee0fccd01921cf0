"""What prompts are made of: probes, frames, personas and neutral items, in the words of each language's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from selfalign.errors import InputError
from selfalign.probes.bank import BLANK
from selfalign.prompts.tables import Countries, Neutral, Personas
from selfalign.prompts.templates import Template
from selfalign.tables import read_input


@dataclass(frozen=True)
class Wording:
    """One language's words.

    Attributes:
        texts: a `Texts` table indexed by probe.
        frames: frames of the prompt, by name.
        neutral: a `Neutral` table; None where no arm needs it.
    """

    texts: pd.DataFrame
    frames: Mapping[str, Template]
    neutral: pd.DataFrame | None = None

    @property
    def showable(self) -> pd.DataFrame:
        """All that a demonstration may show: columns statement, option_a, option_b, by probe or neutral item."""
        parts = [self.texts] if self.neutral is None else [self.texts, self.neutral.set_index("item")]
        return pd.concat(parts)[["statement", "option_a", "option_b"]]


@dataclass(frozen=True)
class Languages:
    """The languages that a design speaks.

    Attributes:
        asked: of the test probes (ISO 639-1).
        wordings: the words of `asked`, and of the languages in which arms give demonstrations.
        spoken: each country's own language.
        personas: the sentence that makes a model a person of a country, by language and country.
    """

    asked: str
    wordings: Mapping[str, Wording]
    spoken: Mapping[str, str] = field(default_factory=dict)
    personas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def words(self) -> Wording:
        """Those of the test probes."""
        return self.wordings[self.asked]

    def resolve(self, setting: str, countries: pd.Series) -> pd.Series:
        """The language that a setting names for each country: `asked`, the country's `own`, or a code."""
        if setting == "own":
            return countries.map(self.spoken)
        return pd.Series(self.asked if setting == "asked" else setting, index=countries.index)


def read_personas(path: Path) -> pd.Series:
    """The sentence that makes a model a person of a country, in one language: by country.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, Personas).set_index("country")["persona"]


def read_neutral(path: Path) -> pd.DataFrame:
    """Cloze statements about matters of fact, in one language: a `Neutral` table.

    Raises:
        InputError: a row breaks the schema, or a statement has not exactly one blank.
    """
    neutral = read_input(path, Neutral)
    for item in neutral.itertuples():
        if item.statement.count("_") != len(BLANK) or BLANK not in item.statement:
            raise InputError(
                path,
                f"the statement of item {item.item} needs one blank, written {BLANK}",
                "Reword the statement",
                row=item.Index + 2,
                column="statement",
                value=item.statement,
            )
    return neutral


def read_countries(path: Path) -> pd.Series:
    """The language of each country (ISO 639-1), by country.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, Countries).set_index("country")["language"]
