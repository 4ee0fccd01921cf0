"""Step resample_people: the shares of pole A in other samples of each country's people."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.draws import make_generator
from selfalign.options import Words, readable, writable
from selfalign.population import country_of, find_people
from selfalign.probes.bank import parse_codes, read_bank
from selfalign.probes.replicates import draw_shares, tabulate
from selfalign.probes.schemas import Members, Poles, Replicates
from selfalign.survey.schemas import Responses
from selfalign.tables import read_table, write_table


def resample_respondents(
    responses: pd.DataFrame,
    poles: pd.DataFrame,
    bank: pd.DataFrame,
    replicates: int,
    seed: int,
    members: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Shares of pole A in bootstrap samples of each country's respondents.

    As many respondents as the country has are drawn with replacement, each with weight and all answers, so that the
    answers of one person stay together (Efron and Tibshirani 1993, chapter 8; with weights Rao, Wu and Yue 1992). The
    respondents are the units that are drawn, because the surveys publish no strata or clusters.

    The samples of a group are its members in the samples of its country. So all groups of a country are drawn together,
    and groups that share members, such as women and the young, vary together.

    Args:
        responses: a `Responses` table.
        poles: the rows of a `Poles` table to resample.
        bank: a `Bank` table.
        replicates: number of samples.
        seed: of the draws; those of a country also depend on its name, and on nothing else.
        members: a `Members` table, if `poles` has groups.

    Returns:
        A `Replicates` table with the rows of `poles`. A sample in which nobody answers a probe has the share of
        `poles` for it.
    """
    codes = bank.set_index("probe")
    parts = []
    inside = {} if members is None else members.groupby("people")["respondent"].agg(set)
    for name, rows in poles.groupby("country", sort=False):
        country = country_of(name)
        people = responses[(responses["country"] == country) & (responses["weight"] > 0)]
        counts = _draw_counts(len(people), replicates, make_generator(seed, country, between=" "))
        if name != country:
            mine = people["respondent"].isin(inside[name]).to_numpy()
            people, counts = people[mine], counts[:, mine]
        weighted = [
            people["weight"].to_numpy()[:, None] * _chose(people, codes.loc[rows["probe"]], pole)
            for pole in ("pole_a", "pole_b")
        ]
        of_a, of_b = (counts @ side.astype(np.float32) for side in weighted)
        with np.errstate(invalid="ignore"):
            shares = of_a / (of_a + of_b)
        shares = np.where(np.isfinite(shares), shares, rows["share_a"].to_numpy())
        parts.append(tabulate(rows, shares, "respondents", len(people)))
    return pd.concat(parts, ignore_index=True)


def _chose(people: pd.DataFrame, probes: pd.DataFrame, pole: str) -> np.ndarray:
    """Whether each respondent answered each probe with a pole: respondents x probes."""
    answers = people[list(probes["question"])].to_numpy()
    codes = [list(parse_codes(text)) for text in probes[pole]]
    return np.column_stack([np.isin(answers[:, place], some) for place, some in enumerate(codes)])


def _draw_counts(people: int, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each respondent is in each sample: replicates x people."""
    counts = np.empty((replicates, people), dtype=np.float32)
    for row in counts:
        row[:] = np.bincount(generator.integers(people, size=people), minlength=people)
    return counts


@click.command()
@click.option("--responses", type=readable, help="Responses (Parquet); not given: the survey publishes shares only.")
@click.option("--members", type=readable, help="Who is in which group (Parquet), if the run has groups.")
@click.option("--poles", type=readable, required=True, help="What the countries' people answer (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--countries", type=Words(), required=True, help="Countries of the experiment.")
@click.option("--replicates", type=click.IntRange(min=2), required=True, help="Number of samples.")
@click.option("--seed", type=int, required=True, help="Seed of the draws.")
@click.option("--output", type=writable, required=True, help="Replicate shares (Parquet).")
def command(
    responses: Path | None,
    members: Path | None,
    poles: Path,
    bank: Path,
    countries: list[str],
    replicates: int,
    seed: int,
    output: Path,
) -> None:
    """Draw samples of the respondents of each country, or of its published shares."""
    rows = read_table(poles, Poles)
    rows = rows[rows["country"].isin(find_people(countries, rows["country"].unique()))]
    inside = read_table(members, Members) if members else None
    if responses is None:
        table = draw_shares(rows, replicates, seed)
    else:
        table = resample_respondents(read_table(responses, Responses), rows, read_bank(bank), replicates, seed, inside)
    write_table(table, output, Replicates)
