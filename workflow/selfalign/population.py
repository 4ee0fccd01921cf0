"""Ids of the people that are asked about: a country, or a group of a country such as `DEU.sex.female`.

A group's id stands wherever a country's code can stand: in the column country of tables, and as the source of
demonstrations.
"""

from collections.abc import Iterable

import pandas as pd


def name_group(country: str, variable: str, group: str) -> str:
    """The id of a group of a country.

    Args:
        country: ISO 3166 alpha-3.
        variable: that the group is formed by, such as sex.
        group: its name, such as female.
    """
    return f"{country}.{variable}.{group}"


def country_of(people: str) -> str:
    """The country of an id. Of other texts, such as `world`, the text itself."""
    return people.partition(".")[0]


def group_of(people: str) -> str:
    """Variable and group of an id, such as `sex.female`; empty for a whole country."""
    return people.partition(".")[2]


def variable_of(people: str) -> str:
    """The variable that a group is formed by; empty for a whole country."""
    return group_of(people).partition(".")[0]


def find_people(countries: Iterable[str], known: Iterable[str]) -> list[str]:
    """The people that a run asks about in some countries: their groups if there are groups, else the countries.

    Args:
        countries: of the config.
        known: all ids of the survey. A group that was too small is not among them.

    Returns:
        Ids in the order of `countries`, those of a country sorted.
    """
    groups = sorted({one for one in known if group_of(one)})
    if not groups:
        return list(countries)
    return [one for country in countries for one in groups if country_of(one) == country]


def find_siblings(people: str, known: Iterable[str]) -> list[str]:
    """The other groups of the same country by the same variable, sorted; none for a whole country.

    Args:
        people: id of a group.
        known: all ids of the survey.
    """
    if not group_of(people):
        return []
    mine = country_of(people), variable_of(people)
    return sorted({one for one in known if (country_of(one), variable_of(one)) == mine and one != people})


def keep_countries(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are about whole countries.

    Args:
        table: with a column country, which has ids.
    """
    return table[~table["country"].astype(str).str.contains(".", regex=False)]
