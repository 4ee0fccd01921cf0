"""The style of a run's figures: size, names, colours and texts. Snakemake passes it to each figure as JSON."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Any, TypedDict

import pycountry
import yaml

from selfalign.countries import country_name
from selfalign.errors import InputError
from selfalign.fields import fields_of
from selfalign.figures.looks import Look
from selfalign.home import HOME
from selfalign.labels import clean_label, isolate
from selfalign.population import country_of, group_of
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import ALL
from selfalign.yaml_files import load_yaml

ENGLISH = HOME / "resources/figures/en.yaml"
"""The texts that decide which keys a file of texts must have."""

NARROW = 5.0
"""Figures below this width, in inches, have the layout of one column of a journal."""


class FigureLabels(TypedDict):
    """Labels of models and arms in figures, by name, in the order of the run."""

    models: dict[str, str]
    arms: dict[str, str]


@dataclass(frozen=True)
class Style:
    """Everything that a figure needs in addition to its table.

    Attributes:
        labels: names of models and arms.
        texts: every text of every figure, by key (`resources/figures/{language}.yaml`).
        width: of the saved file, in inches, exactly.
        height: of the saved file, in inches, at most.
        language: of the texts and of the names of countries and languages (ISO 639-1).
        looks: colour and marker by arm.
        order: countries that come first, in this order; the others follow by name.
        names: the user's names of countries, by code.
        level: coverage of the intervals.
        covers: what the intervals cover (setting scoring.resample).
        font: font file that is tried before all others.
        marks: size of dots and bars, in multiples of the usual one.
    """

    labels: FigureLabels
    texts: Mapping[str, str] = field(default_factory=lambda: _english())
    width: float = 6.8
    height: float = 9.0
    language: str = "en"
    looks: Mapping[str, Look] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95
    covers: tuple[str, ...] = ("batteries", "respondents")
    font: Path | None = None
    marks: float = 1.0

    @property
    def narrow(self) -> bool:
        """Whether the figure is as wide as one column of a journal."""
        return self.width < NARROW

    @property
    def size(self) -> float:
        """Size of the text, in points: of axis labels and legends. Titles are 1 larger, notes and ticks 0.5 smaller."""
        return 7.0 if self.narrow else 8.0

    @property
    def has_main(self) -> bool:
        """Whether a main interval is the wider of two. If not, it is the only interval: see `choose_main`."""
        return "batteries" in self.covers

    def text(self, key: str, **values: object) -> str:
        """A text of a figure, its {placeholders} filled in."""
        return self.texts[key].format(**values)

    def measure(self, name: str) -> str:
        """The label of a metric, in the language of the texts if they have it. It says if lower values are nearer."""
        metric = METRICS[name]
        label = self.texts.get(f"measures.{name}", metric.label)
        return (
            label if metric.better == "higher" else f"{label} ({self.texts.get('measures.lower', 'lower is nearer')})"
        )

    def model(self, name: str) -> str:
        """The label of a model."""
        return self.labels["models"][name]

    def models_in(self, names: Iterable[str]) -> list[str]:
        """Distinct models in the order of the run."""
        there = set(names)
        return [model for model in self.labels["models"] if model in there]

    def arm(self, name: str) -> str:
        """The label of an arm."""
        return self.labels["arms"][name]

    def look(self, arm: str) -> Look:
        """Colour and marker of an arm."""
        return self.looks.get(arm, Look())

    def country(self, code: str) -> str:
        """Name of a country or group in the language of the texts, or of the mean of the countries."""
        if code == ALL:
            return self.text("mean")
        if group_of(code):
            variable, _, group = group_of(code).partition(".")
            known = self.texts.get(f"groups.{variable}.{group}", group.replace("_", " "))
            return f"{self.country(country_of(code))}, {known}"
        name = self.names.get(code) or self.texts.get(f"countries.{code}")
        return name or _translate("iso3166-1", self.language, country_name(code))

    def language_name(self, code: str) -> str:
        """Name of a language (ISO 639-1) in the language of the texts."""
        language = pycountry.languages.get(alpha_2=code)
        known = self.texts.get(f"languages.{code}")
        return known or _translate("iso639-3", self.language, language.name if language else code)

    def in_order(self, countries: Iterable[str]) -> list[str]:
        """Distinct countries in the order of the style; the mean, if it is a mean of several, comes first."""
        given = set(countries)
        single = given - {ALL}
        place = {code: number for number, code in enumerate(self.order)}
        found = sorted(single, key=lambda code: (place.get(code, len(place)), _sort_key(self.country(code))))
        return [ALL, *found] if ALL in given and len(found) > 1 else found

    def number(self, value: float, form: str = ".2f") -> str:
        """A number with the language's decimal mark, and a real minus sign. Zero is not negative."""
        written = f"{value:{form}}"
        written = written.removeprefix("-") if float(written) == 0 else written
        return written.replace("-", "\N{MINUS SIGN}").replace(".", self.texts["decimal"])

    def whole(self, value: int) -> str:
        """A whole number with its thousands apart, by a narrow space where a comma is the decimal mark."""
        return f"{value:,}".replace(",", "," if self.texts["decimal"] == "." else "\N{NARROW NO-BREAK SPACE}")

    def percent(self, value: float, decimals: int = 0) -> str:
        """A share as a percentage."""
        return self.text("percent", number=self.number(100 * value, f".{decimals}f"))

    def points(self, value: float, form: str = "+.3g") -> str:
        """A difference in percentage points, with its sign; zero has none."""
        return "0" if float(f"{100 * value:{form}}") == 0 else self.number(100 * value, form)

    def listed(self, words: list[str]) -> str:
        """Words as a list in a sentence."""
        return self.texts["and"].join([", ".join(words[:-1]), words[-1]] if words[1:] else words)

    def bars(self) -> str:
        """The sentence that explains the bars: the level of the intervals, and what they cover."""
        if not self.covers:
            return ""
        covered = self.listed([self.text(f"covers.{name}") for name in self.covers])
        return self.text("bars", level=self.level_name(), covered=covered)

    def main_bars(self, countries: bool = False) -> str:
        """The sentences that explain bars that are main intervals.

        Args:
            countries: whether there are bars of single countries too, next to their mean. Those are by battery.
        """
        if not self.has_main:
            return self.bars()
        main = self.text("bars_main", level=self.level_name())
        return f"{main} {self.text('bars_countries')}" if countries else main

    def level_name(self) -> str:
        """The coverage of the intervals as a percentage."""
        return self.percent(self.level, 0 if round(1000 * self.level) % 10 == 0 else 1)

    def all_texts(self) -> list[str]:
        """Texts whose characters need a font."""
        return [
            *self.labels["models"].values(),
            *self.labels["arms"].values(),
            *self.names.values(),
            *self.texts.values(),
        ]


def read_style(described: Mapping[str, Any], texts: Path = ENGLISH, font: Path | None = None) -> Style:
    """A style from its JSON.

    Args:
        described: as `describe_style` writes it; only `labels` is required.
        texts: the file of texts.
        font: the user's font file.
    """
    given = dict(described)
    kinds = {
        kind: {name: isolate(clean_label(label)) for name, label in names.items()}
        for kind, names in given["labels"].items()
    }
    given["labels"] = {"models": {}, "arms": {}} | kinds
    given["looks"] = {arm: Look(**look) for arm, look in given.get("looks", {}).items()}
    given |= {key: tuple(given[key]) for key in ("order", "covers") if key in given}
    return Style(**given, texts=read_figure_texts(texts), font=font)


def _english() -> Mapping[str, str]:  # mypy cannot see through the cache of the function that it calls
    return read_figure_texts(ENGLISH)


@cache
def read_figure_texts(path: Path) -> dict[str, str]:
    """The texts of figures from a YAML file, by key; a key of a nested mapping has dots.

    Raises:
        InputError: the file is missing, a key is missing or unknown, or a text lacks a placeholder.
    """
    texts = _flatten(path)
    if path == ENGLISH:
        return texts
    english = _flatten(ENGLISH)
    needed = {key for key in english if not key.startswith(_NAMES)}
    given = {key for key in texts if not key.startswith(_NAMES)}
    for problem, keys in (("is missing", needed - given), ("is not a text of any figure", given - needed)):
        if keys:
            raise InputError(path, f"{sorted(keys)[0]} {problem}", f"Give the keys of {ENGLISH.name}")
    for key in sorted(needed):
        wanted, got = fields_of(english[key]), fields_of(texts[key])
        if wanted != got:
            marks = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "none"
            raise InputError(path, f"{key} must have the placeholders: {marks}", "Correct the text", value=texts[key])
    return texts


_NAMES = ("countries.", "groups.", "languages.", "categories.", "measures.", "choices.", "zones.")
"""Keys that a language may leave out: names then come from translations of ISO codes, from the category, the choice or
the zone itself, or from the registry of metrics."""


def _flatten(path: Path) -> dict[str, str]:
    try:
        nested = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "Choose a language that has a file, or write one with the keys of resources/figures/en.yaml"
        raise InputError(path, "there is no such file of texts for figures", remedy) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read as YAML ({error})", "Correct the file") from None
    texts: dict[str, str] = {}
    for key, value in (nested or {}).items():
        parts = {f"{key}.{name}": text for name, text in value.items()} if isinstance(value, dict) else {key: value}
        texts |= parts
    for key, value in texts.items():
        if not isinstance(value, str):
            raise InputError(path, f"{key} must be a text", "Put it in quotes", value=value)
    return texts


def _translate(domain: str, language: str, name: str) -> str:
    return _catalogue(domain, language).gettext(name)


@cache
def _catalogue(domain: str, language: str) -> NullTranslations:
    return translation(domain, pycountry.LOCALES_DIR, languages=[language], fallback=True)


def _sort_key(name: str) -> str:
    """A name without accents and capitals, so that Österreich is next to Oman."""
    return "".join(each for each in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(each))
