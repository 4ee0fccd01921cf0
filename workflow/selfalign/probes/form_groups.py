"""Step form_groups: the answers of the groups of each country, next to those of the whole countries."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.errors import InputError, did_you_mean, listed
from selfalign.options import Json, Words, readable, writable
from selfalign.population import name_group, variable_of
from selfalign.probes.schemas import GroupSizes, Members
from selfalign.survey.schemas import NO_COLUMN, Distributions, GroupCodes, Groups, Responses
from selfalign.survey.weigh_answers import count_codes, weigh
from selfalign.tables import read_input, read_table, write_table

TOO_SMALL = "too_small"
"""Why a group is not used."""


@dataclass(frozen=True)
class Grouping:
    """How a run forms groups of people: run.groups of the config.

    Attributes:
        by: variables that groups are formed by.
        least: respondents that a group must have.
        small: what happens to smaller groups: refuse or leave_out.
    """

    by: Collection[str]
    least: int
    small: str


def check_variables(by: Collection[str], crosswalk: pd.DataFrame, file: Path) -> None:
    """Refuse variables that a crosswalk does not have.

    Args:
        by: variables that groups are formed by.
        crosswalk: a `GroupCodes` table.
        file: the crosswalk's, for messages.
    """
    for variable in by:
        if variable not in set(crosswalk["variable"]):
            problem = f"{file} has no such variable"
            remedy = f"{did_you_mean(variable, crosswalk['variable'].unique())} Or add its groups to the file"
            raise InputError("config: run.groups.by", problem, remedy, value=variable)


def size_groups(
    groups: pd.DataFrame, responses: pd.DataFrame, crosswalk: pd.DataFrame, by: Collection[str], least: int
) -> pd.DataFrame:
    """The size of each group of each country, and the respondents that are in none.

    Args:
        groups: a `Groups` table.
        responses: the columns respondent and weight of a `Responses` table.
        crosswalk: a `GroupCodes` table. A group that nobody of a country is in has a row with n 0.
        by: variables that groups are formed by.
        least: respondents that a group must have.

    Returns:
        A `GroupSizes` table, by country and in the order of the crosswalk; respondents in no group come last.
    """
    table = groups[groups["variable"].isin(by)].merge(responses[["respondent", "weight"]], on="respondent")
    table = table.assign(squared=table["weight"] ** 2)
    keys = ["country", "variable", "group", "reason"]
    counts = table.groupby(keys, dropna=False).agg(n=("weight", "size"), w=("weight", "sum"), w2=("squared", "sum"))
    counts = counts.reset_index()
    named = crosswalk[crosswalk["variable"].isin(by)][["variable", "group"]].drop_duplicates()
    every = pd.DataFrame({"country": sorted(groups["country"].unique())}).merge(named, how="cross")
    sizes = every.merge(counts.drop(columns="reason").dropna(subset="group"), "left", ["country", "variable", "group"])
    sizes[["n", "w", "w2"]] = sizes[["n", "w", "w2"]].fillna(0)
    sizes["reason"] = (sizes["n"] < least).map({True: TOO_SMALL, False: None})
    sizes["people"] = [name_group(*row) for row in sizes[["country", "variable", "group"]].itertuples(index=False)]
    sizes["effective_n"] = (sizes["w"] ** 2 / sizes["w2"].where(sizes["w2"] > 0)).round(1)
    sizes["used"] = sizes["reason"].isna()
    none = counts[counts["group"].isna()].assign(used=False, people=None, effective_n=float("nan"))
    joined = pd.concat([sizes, none], ignore_index=True).astype({"n": int})
    place = {variable: number for number, variable in enumerate(named["variable"].unique())}
    order = joined.assign(place=joined["variable"].map(place)).sort_values(["country", "place"], kind="stable").index
    return joined.loc[order, GroupSizes.names()].reset_index(drop=True)


def refuse_small(
    sizes: pd.DataFrame, groups: pd.DataFrame, countries: Collection[str], grouping: Grouping, crosswalk: Path
) -> None:
    """Refuse variables that the survey file lacks, and groups of the run's countries that are too small.

    Args:
        sizes: a `GroupSizes` table.
        groups: a `Groups` table.
        countries: of the run.
        crosswalk: the file that says which values make which group.

    Raises:
        InputError: names the variable and its columns, or each group that is too small and its respondents.
    """
    for variable in grouping.by:
        rows = groups[groups["variable"] == variable]
        if (rows["reason"] == NO_COLUMN).all():
            columns = read_input(crosswalk, GroupCodes, {}).query("variable == @variable")["column"].unique()
            problem = f"the survey file has no column of {variable}: {' or '.join(columns)}"
            remedy = "Give a survey file with such a column, name its column there, or take it out of run.groups.by"
            raise InputError(crosswalk, problem, remedy, column="column")
    small = sizes[(sizes["reason"] == TOO_SMALL) & sizes["country"].isin(list(countries))]
    if len(small) and grouping.small == "refuse":
        names = [f"{row.people} ({row.n} respondents)" for row in small.itertuples()]
        problem = f"these groups have fewer respondents than run.groups.least, {grouping.least}: "
        remedy = (
            "Leave these groups out with run.groups.small: leave_out, lower run.groups.least, or form larger groups in "
            f"{crosswalk}"
        )
        raise InputError("config: run.groups", problem + listed(names), remedy)
    if not sizes.loc[sizes["country"].isin(list(countries)), "used"].any():
        remedy = f"Lower run.groups.least, or form larger groups in {crosswalk}"
        raise InputError("config: run.groups", "no group of the run's countries has enough respondents", remedy)


def list_members(groups: pd.DataFrame, sizes: pd.DataFrame) -> pd.DataFrame:
    """The members of the groups that are used: a `Members` table.

    Args:
        groups: a `Groups` table.
        sizes: a `GroupSizes` table.
    """
    keys = ["country", "variable", "group"]
    used = sizes.loc[sizes["used"], [*keys, "people"]]
    return groups[["respondent", *keys]].merge(used, on=keys)[["respondent", "people"]]


def weigh_groups(responses: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Weighted answers of each group: a `Distributions` table, whose column country has the ids of groups.

    Args:
        responses: a `Responses` table. Respondents keep the weights that they have within their country.
        members: a `Members` table.
    """
    parts = []
    by = members["people"].map(variable_of)
    for _, some in members.groupby(by):  # a respondent is in one group of a variable
        people = some.set_index("respondent")["people"]
        mine = responses[responses["respondent"].isin(people.index)]
        parts.append(count_codes(mine.assign(country=mine["respondent"].map(people))))
    return weigh(pd.concat(parts, ignore_index=True))


@click.command()
@click.option("--responses", type=readable, required=True, help="Responses (Parquet).")
@click.option("--groups", type=readable, required=True, help="The group of each respondent (Parquet).")
@click.option("--crosswalk", type=readable, required=True, help="Which values make which group (CSV).")
@click.option("--countries-distributions", type=readable, required=True, help="Answers of whole countries (Parquet).")
@click.option(
    "--settings", type=Json(dict[str, Any]), required=True, help="Settings of the groups: by, least, small (JSON)."
)
@click.option("--countries", type=Words(), required=True, help="Countries of the run.")
@click.option("--distributions", type=writable, required=True, help="Answers of countries and groups (Parquet).")
@click.option("--members", type=writable, required=True, help="Who is in which group (Parquet).")
@click.option("--sizes", type=writable, required=True, help="Size of each group (CSV).")
def command(
    responses: Path,
    groups: Path,
    crosswalk: Path,
    countries_distributions: Path,
    settings: dict[str, Any],
    countries: list[str],
    distributions: Path,
    members: Path,
    sizes: Path,
) -> None:
    """Weigh the answers of the groups of each country, and count who is in no group."""
    grouping, codes = Grouping(**settings), read_input(crosswalk, GroupCodes, {})
    check_variables(grouping.by, codes, crosswalk)
    people, found = read_table(responses, Responses), read_table(groups, Groups)
    sized = size_groups(found, people, codes, grouping.by, grouping.least)
    refuse_small(sized, found, countries, grouping, crosswalk)
    write_table(sized, sizes, GroupSizes)
    inside = list_members(found, sized)
    whole = read_table(countries_distributions, Distributions)
    write_table(inside, members, Members)
    write_table(pd.concat([whole, weigh_groups(people, inside)], ignore_index=True), distributions, Distributions)
    asked = sized[sized["country"].isin(countries)]
    none = asked.loc[asked["group"].isna(), "n"].sum()
    click.echo(
        f"{asked['used'].sum()} groups in {len(countries)} countries; {(asked['reason'] == TOO_SMALL).sum()} groups "
        f"are too small; {none} times a respondent is in no group of a variable",
        err=True,
    )
