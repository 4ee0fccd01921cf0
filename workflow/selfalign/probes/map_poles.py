"""Step map_poles: the answers of each country's people to each probe."""

from pathlib import Path
from typing import Protocol

import click
import numpy as np
import pandas as pd

from selfalign.countries import CODES
from selfalign.errors import InputError, did_you_mean, listed
from selfalign.options import Words, readable, writable
from selfalign.population import country_of, find_people
from selfalign.probes.bank import list_codes, parse_codes, read_bank
from selfalign.probes.schemas import TIE, Dropped, Poles
from selfalign.survey.schemas import Distributions
from selfalign.tables import cell_error, read_table, write_table


def map_poles(distributions: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of pole A among the answers with either pole, per country and probe.

    The standard error is that of a ratio of weighted sums, linearised, with respondents as independent draws (Särndal,
    Swensson and Wretman 1992, section 5.7): sqrt((1-p)^2 sum_A w^2 + p^2 sum_B w^2) / sum w.

    Args:
        distributions: a `Distributions` table.
        bank: a `Bank` table.

    Returns:
        A `Poles` table in the order of countries and of the bank. A country without an answer to a probe has no
        row for it. Where the survey has no numbers of respondents, n, neither and standard_error are empty.
    """
    answers = distributions.merge(list_codes(bank), on=["question", "code"])
    values = ["n", "share", "weight", "weight_squared"]
    sums = answers.pivot_table(
        index=["country", "probe"], columns="pole", values=values, aggfunc="sum", fill_value=0
    ).reindex(columns=pd.MultiIndex.from_product([values, ["A", "B", "neither"]]), fill_value=0)
    published = answers["n"].notna().groupby([answers["country"], answers["probe"]]).all()
    both = sums["share"]["A"] + sums["share"]["B"]
    share = sums["share"]["A"] / both
    weight = sums["weight"]["A"] + sums["weight"]["B"]
    variance = (1 - share) ** 2 * sums["weight_squared"]["A"] + share**2 * sums["weight_squared"]["B"]
    table = pd.DataFrame(
        {
            "n": (sums["n"]["A"] + sums["n"]["B"]).astype("Int64").where(published),
            "neither": sums["n"]["neither"].astype("Int64").where(published),
            "share_a": share,
            "standard_error": (np.sqrt(variance) / weight).where(published),
            "majority": np.select([np.isclose(share, 0.5, rtol=0, atol=TIE), share > 0.5], ["tie", "A"], "B"),
        }
    )[both > 0]
    places = {probe: place for place, probe in enumerate(bank["probe"])}
    return (
        table.reset_index()
        .sort_values(["country", "probe"], key=lambda column: column.map(places) if column.name == "probe" else column)
        .reset_index(drop=True)
    )


def find_dropped(poles: pd.DataFrame, bank: pd.DataFrame, countries: list[str]) -> pd.DataFrame:
    """Probes that cannot be used for a country or group: nobody answered with a pole, or the poles tie.

    Returns:
        A `Dropped` table. Where the survey has groups, it has the groups of `countries`.
    """
    people = find_people(countries, poles["country"])
    pairs = pd.MultiIndex.from_product([people, bank["probe"]], names=["country", "probe"])
    majority = poles.set_index(["country", "probe"])["majority"].reindex(pairs)
    reasons = majority.map({"tie": "tie"}).where(majority.notna(), "no_answers")
    return reasons.dropna().rename("reason").reset_index()


def check_countries(distributions: pd.DataFrame, countries: list[str], file: Path) -> None:
    """Raise InputError when a country of the config is not in the survey."""
    known = set(distributions["country"].unique())  # or their groups
    for country in countries:
        if country not in known:
            there = did_you_mean(country, known)
            if country in CODES:
                there = f"It has {listed(sorted(set(map(country_of, known))), 30)}."
            raise InputError(
                file,
                "the survey has no respondents of this country, or their weights are all 0",
                f"{there} Correct languages.*.countries in the config, or give another survey file",
                column="country",
                value=country,
            )


def check_bank(distributions: pd.DataFrame, bank: pd.DataFrame, file: Path) -> None:
    """Refuse a probe whose question nobody was asked, or one of whose answer codes is in no pole, or in two.

    Raises:
        InputError: names the bank's row, and the question or the code.
    """
    given: dict[str, list[tuple[int, int]]] = {}
    codes = distributions[["question", "code", "last_code"]].drop_duplicates()  # the same ones in most countries
    for question, first, last in sorted(codes.itertuples(index=False, name=None)):
        given.setdefault(question, []).append((first, last))
    absent = bank[~bank["question"].isin(given)]
    if len(absent):
        first, rest = next(absent.itertuples()), absent["probe"].iloc[1:]
        more = f"; the same holds for {len(rest)} more probes: {', '.join(rest)}" if len(rest) else ""
        problem = (
            f"no country of the survey has an answer to the question of probe {first.probe}; its column is missing "
            f"from the survey file, or empty{more}"
        )
        remedy = "Give a survey file with these columns, or leave the probes out (probes.only in the config)"
        raise cell_error(file, first, "question", problem, remedy)
    for probe in bank.itertuples():
        if fault := _find_fault(probe, given[probe.question]):
            raise InputError(
                file,
                *fault,
                row=probe.Index + 2,
                column="pole_a, pole_b, neither",
                value=f"{probe.pole_a} / {probe.pole_b} / {probe.neither}",
            )


class _Probe(Protocol):
    """A row of `Bank`: a probe, its question, and the question's codes by pole."""

    probe: str
    question: str
    pole_a: str
    pole_b: str
    neither: str


def _find_fault(probe: _Probe, given: list[tuple[int, int]]) -> tuple[str, str] | None:
    """The fault of a probe's poles for the answers that were given, and its remedy; None if there is no fault."""
    sides = [parse_codes(codes) for codes in (probe.pole_a, probe.pole_b, probe.neither)]
    for first, last in given:
        if first not in set().union(*sides):
            return (
                f"people answered {probe.question} with code {first}, which probe {probe.probe} maps to no pole",
                "Add the code to pole_a, pole_b or neither",
            )
        if not any(set(range(first, last + 1)) <= side for side in sides):
            return (
                f"the survey has one share of {probe.question} for the codes {first}-{last} together, and probe "
                f"{probe.probe} separates them",
                "Leave the probe out (probes.only in the config), or give a survey with a share for each code",
            )
    return None


@click.command()
@click.option("--distributions", type=readable, required=True, help="Weighted distributions (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV); errors name its rows.")
@click.option("--selected", type=readable, help="Probes of the run (CSV); the whole bank if not given.")
@click.option("--countries", type=Words(), required=True, help="Countries of the experiment.")
@click.option("--poles", type=writable, required=True, help="Shares of pole A (Parquet).")
@click.option("--dropped", type=writable, required=True, help="Probes without a majority, and why (CSV).")
def command(
    distributions: Path,
    bank: Path,
    selected: Path | None,
    countries: list[str],
    poles: Path,
    dropped: Path,
) -> None:
    """Map the answers of each country to the two poles of each probe, and find the majority."""
    answers = read_table(distributions, Distributions)
    probes = read_bank(bank)
    if selected:
        probes = probes[probes["probe"].isin(read_bank(selected)["probe"])]
    check_countries(answers, countries, distributions)
    check_bank(answers, probes, bank)
    table = map_poles(answers, probes)
    write_table(table, poles, Poles)
    write_table(find_dropped(table, probes, countries), dropped, Dropped)
