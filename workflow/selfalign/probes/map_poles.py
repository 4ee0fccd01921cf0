"""Step map_poles: what the people of each country answer to each probe."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.options import Words, readable, writable
from selfalign.probes.bank import parse_codes, read_bank, select_categories
from selfalign.probes.tables import Dropped, Poles
from selfalign.survey.tables import Distributions
from selfalign.tables import read_table, write_table


def map_poles(distributions: pd.DataFrame, bank: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of pole A among the answers with either pole, per country and probe.

    The standard error is that of a ratio of weighted sums, linearised, with respondents as independent draws (Särndal,
    Swensson and Wretman 1992, section 5.7): sqrt((1-p)^2 sum_A w^2 + p^2 sum_B w^2) / sum w.

    Args:
        distributions: a `Distributions` table.
        bank: a `Bank` table.

    Returns:
        A `Poles` table in the order of countries and of the bank. A country without an answer to a probe has no
        row for it.
    """
    poles = pd.concat(
        [_long_map(bank, "A", "pole_a"), _long_map(bank, "B", "pole_b"), _long_map(bank, "neither", "neither")]
    )
    answers = distributions.merge(poles, on=["question", "code"])
    sums = answers.pivot_table(
        index=["country", "probe"],
        columns="pole",
        values=["n", "weight", "weight_squared"],
        aggfunc="sum",
        fill_value=0,
    ).reindex(
        columns=pd.MultiIndex.from_product([["n", "weight", "weight_squared"], ["A", "B", "neither"]]), fill_value=0
    )
    weight = sums["weight"]["A"] + sums["weight"]["B"]
    share = sums["weight"]["A"] / weight
    variance = (1 - share) ** 2 * sums["weight_squared"]["A"] + share**2 * sums["weight_squared"]["B"]
    table = pd.DataFrame(
        {
            "n": sums["n"]["A"] + sums["n"]["B"],
            "neither": sums["n"]["neither"],
            "share_a": share,
            "standard_error": np.sqrt(variance) / weight,
            "majority": np.select([np.isclose(share, 0.5, rtol=0, atol=1e-12), share > 0.5], ["tie", "A"], "B"),
        }
    )[weight > 0]
    places = {probe: place for place, probe in enumerate(bank["probe"])}
    return (
        table.reset_index()
        .sort_values(["country", "probe"], key=lambda column: column.map(places) if column.name == "probe" else column)
        .reset_index(drop=True)
    )


def _long_map(bank: pd.DataFrame, pole: str, column: str) -> pd.DataFrame:
    return (
        bank[["probe", "question"]]
        .assign(pole=pole, code=[sorted(parse_codes(codes)) for codes in bank[column]])
        .explode("code")
        .dropna()
        .astype({"code": "int64"})
    )


def find_dropped(poles: pd.DataFrame, bank: pd.DataFrame, countries: list[str]) -> pd.DataFrame:
    """Probes that cannot be used for a country: nobody answered with a pole, or the poles tie. A `Dropped` table."""
    pairs = pd.MultiIndex.from_product([countries, bank["probe"]], names=["country", "probe"])
    majority = poles.set_index(["country", "probe"])["majority"].reindex(pairs)
    reasons = majority.map({"tie": "tie"}).where(majority.notna(), "no_answers")
    return reasons.dropna().rename("reason").reset_index()


def check_countries(distributions: pd.DataFrame, countries: list[str], file: Path) -> None:
    """Raise InputError when a country of the config is not in the survey."""
    known = set(distributions["country"])
    for country in countries:
        if country not in known:
            raise InputError(
                file,
                "the survey has no respondents of this country",
                f"{did_you_mean(country, known)} Correct languages.*.countries in the config, or give another survey"
                " file",
                column="country",
                value=country,
            )


def check_bank(distributions: pd.DataFrame, bank: pd.DataFrame, file: Path) -> None:
    """Refuse a probe whose question nobody was asked, or one of whose answer codes the bank does not place.

    Raises:
        InputError: names the bank's row, and the question or the code.
    """
    given = distributions.groupby("question")["code"].agg(set)
    for probe in bank.itertuples():
        if probe.question not in given:
            raise InputError(
                file,
                f"no country of the survey has an answer to the question of probe {probe.probe}; its column is missing "
                "from the survey file, or empty",
                "Give a survey file with this column, or take the probe out of the bank",
                row=probe.Index + 2,
                column="question",
                value=probe.question,
            )
        mapped = parse_codes(probe.pole_a) | parse_codes(probe.pole_b) | parse_codes(probe.neither)
        unmapped = sorted(given[probe.question] - mapped)
        if unmapped:
            raise InputError(
                file,
                f"people answered {probe.question} with code {unmapped[0]}, which probe {probe.probe} maps to no pole",
                "Add the code to pole_a, pole_b or neither",
                row=probe.Index + 2,
                column="pole_a, pole_b, neither",
                value=f"{probe.pole_a} / {probe.pole_b} / {probe.neither}",
            )


@click.command()
@click.option("--distributions", type=readable, required=True, help="Weighted distributions (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--categories", type=Words(), default="", help="Categories of probes to use; all by default.")
@click.option("--countries", type=Words(), required=True, help="Countries of the experiment.")
@click.option("--poles", type=writable, required=True, help="Shares of pole A (Parquet).")
@click.option("--dropped", type=writable, required=True, help="Probes without a majority, and why (CSV).")
def command(
    distributions: Path, bank: Path, categories: list[str], countries: list[str], poles: Path, dropped: Path
) -> None:
    """Map the answers of each country to the two poles of each probe, and find the majority."""
    answers, probes = read_table(distributions, Distributions), select_categories(read_bank(bank), categories, bank)
    check_countries(answers, countries, distributions)
    check_bank(answers, probes, bank)
    table = map_poles(answers, probes)
    write_table(table, poles, Poles)
    write_table(find_dropped(table, probes, countries), dropped, Dropped)
