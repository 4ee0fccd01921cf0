"""Country codes of this project: ISO 3166 alpha-3, and those that the World Values Survey adds."""

from difflib import get_close_matches
from functools import cache
from gettext import translation

import pycountry

from selfalign.population import country_of, group_of

WVS_ONLY = {"NIR": "Northern Ireland"}
"""Polled separately from the rest of the United Kingdom, which is GBR."""

WVS_NUMBERS = {"909": "NIR"}
"""Their numbers in the files that number countries."""

NAMES = {
    "Bosnia Herzegovina": "BIH",
    "Britain": "GBR",
    "Czech Rep.": "CZE",
    "Great Britain": "GBR",
    "Hong Kong SAR": "HKG",
    "Ivory Coast": "CIV",
    "Macau SAR": "MAC",
    "Northern Ireland": "NIR",
    "Palest. ter.": "PSE",
    "Russia": "RUS",
    "S. Africa": "ZAF",
    "S. Korea": "KOR",
    "South Korea": "KOR",
    "Taiwan ROC": "TWN",
    "Turkey": "TUR",
}
"""Names that ISO 3166 does not have."""

CODES = frozenset(country.alpha_3 for country in pycountry.countries) | frozenset(WVS_ONLY)
"""Codes of all countries."""


# fmt: off
_LANGUAGES = (
    "ar", "bn", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "hu", "id", "it", "ja", "ko", "ms", "nb_NO", "nl",
    "pl", "pt", "pt_BR", "ro", "ru", "sk", "sl", "sr", "sr@latin", "sv", "tl", "tr", "uk", "ur", "vi", "zh_CN", "zh_TW",
)
# fmt: on
"""Languages in which `country_in_any_language` looks for a name."""

_BY_NAME = {
    name.casefold(): country.alpha_3
    for country in pycountry.countries
    for name in (country.name, getattr(country, "common_name", country.name))
} | {name.casefold(): code for name, code in NAMES.items()}


def country_of_name(name: str) -> str | None:
    """The code of a country by its English name, in upper or lower case; None where there is none."""
    return _BY_NAME.get(name.casefold())


def country_in_any_language(name: str) -> str | None:
    """The code of a country by its name in one of many languages; None where no country or more than one has it."""
    found = {code for language in _LANGUAGES if (code := _names_in(language).get(name.casefold()))}
    return found.pop() if len(found) == 1 else None


@cache
def _names_in(language: str) -> dict[str, str]:
    """The code of each country by its name in a language, in lower case, from the translations of ISO 3166."""
    texts = translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
    return {
        texts.gettext(name).casefold(): country.alpha_3
        for country in pycountry.countries
        for name in (country.name, getattr(country, "common_name", country.name))
    }


def country_of_number(text: str) -> str | None:
    """The code of a country by its number in ISO 3166 or in the World Values Survey; None where there is none."""
    digits = text.partition(".")[0] if text.endswith(".0") else text
    known = pycountry.countries.get(numeric=digits.zfill(3)) if digits.isdigit() else None
    return WVS_NUMBERS.get(digits) or (known.alpha_3 if known else None)


def number_of_country(code: str) -> int:
    """The number of a country in ISO 3166 or in the World Values Survey.

    Args:
        code: one of `CODES`.
    """
    numbers = {ours: number for number, ours in WVS_NUMBERS.items()}
    known = pycountry.countries.get(alpha_3=code)
    return int(known.numeric if known else numbers[code])


def suggest_country(text: str) -> str:
    """A remedy for a text that is no code: the country that it stands for by another standard, or a code like it."""
    try:
        known = pycountry.countries.lookup(text.zfill(3) if text.isdigit() else text)
    except LookupError:
        if code := country_of_name(text):
            return f"It may stand for {code}, {country_name(code)}."
        near = get_close_matches(text.upper(), sorted(CODES), n=1)
        return f'Did you mean "{near[0]}"?' if near else "Codes have three letters, such as DEU."
    return f"It may stand for {known.alpha_3}, {known.name}."


def country_name(code: str) -> str:
    """Name of a country for readers, or of a group of a country; the code itself where it is not known."""
    if group := group_of(code):
        return f"{country_name(country_of(code))}, {group.partition('.')[2].replace('_', ' ')}"
    country = pycountry.countries.get(alpha_3=code)
    if country is None:
        return WVS_ONLY.get(code, code)
    return getattr(country, "common_name", country.name).split(",")[0]
