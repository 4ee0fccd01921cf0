"""Names of the samples in GlobalOpinionQA, as countries."""

import re

from selfalign.countries import country_of_name

MISNAMED = frozenset({"Albania", "Andorra", "Argentina", "Armenia", "Australia", "Austria", "Azerbaijan"})
"""Names under which the questions from the World Values Survey have other countries' answers; docs/opinions.md says
how that was found."""

_NAME = re.compile(r"(?P<country>.*?)(?: \((?P<sample>[^()]*)\))?", re.DOTALL)
_RANKS = {None: 0, "Current national sample": 0, "Old national sample": 1}


def read_sample(name: str) -> tuple[str | None, int | None]:
    """Country of a sample, and its rank among the samples of this country.

    Args:
        name: such as "S. Korea" or "India (Old national sample)".

    Returns:
        The country: its ISO 3166 alpha-3 code, or None if it is unknown.
        The rank: 0 for the preferred sample, 1 for a replacement, None for a sample that is not national.
    """
    found = _NAME.fullmatch(name.strip())
    assert found is not None, "the pattern matches every text"
    country, sample = found.group("country", "sample")
    return country_of_name(country), _RANKS.get(sample)
