"""Country codes as this project takes them: ISO 3166 alpha-3, and what the World Values Survey has beside them."""

import pycountry

WVS_ONLY = {"NIR": "Northern Ireland"}
"""Polled apart from the rest of the United Kingdom, which is GBR."""

CODES = frozenset(country.alpha_3 for country in pycountry.countries) | frozenset(WVS_ONLY)
"""Codes of all countries."""


def country_name(code: str) -> str:
    """Name of a country for readers; the code itself where it is not known."""
    country = pycountry.countries.get(alpha_3=code)
    if country is None:
        return WVS_ONLY.get(code, code)
    return getattr(country, "common_name", country.name).split(",")[0]
