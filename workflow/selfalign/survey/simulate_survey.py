"""Step simulate_survey: respondents with the real marginals of published answer counts, as an official WVS-7 file."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.countries import CODES, number_of_country
from selfalign.draws import make_generator
from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.survey.parse_wvs7 import COUNTRY, INTERVIEW, WEIGHT
from selfalign.survey.schemas import Counts
from selfalign.tables import read_input, written_aside


def simulate(counts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Respondents whose answers to each question have exactly the given counts.

    Answers to different questions are shuffled independently of each other, so only the marginals are real. Weights
    are 1.

    Args:
        counts: a `Counts` table, in which the counts of each question of a country have the same sum.
        seed: of the shuffles; each country and question has its own stream.

    Returns:
        One row per respondent, with the leading columns of the official WVS-7 file and one column per question.
    """
    return pd.concat(
        [_simulate_country(country, group, seed) for country, group in counts.groupby("country", sort=True)],
        ignore_index=True,
    )


def _simulate_country(country: str, counts: pd.DataFrame, seed: int) -> pd.DataFrame:
    numeric = number_of_country(country)
    size = int(counts.groupby("question")["count"].sum().iloc[0])
    head = pd.DataFrame(
        {
            "version": "simulated from published counts of 6-0-0",
            "doi": "doi.org/10.14281/18241.24",
            "A_WAVE": 7,
            "B_COUNTRY": numeric,
            COUNTRY: country,
            INTERVIEW: numeric * 1_000_000 + np.arange(1, size + 1),
            WEIGHT: 1.0,
        }
    )
    answers = {}
    for question, group in sorted(counts.groupby("question"), key=lambda item: (len(item[0]), item[0])):
        codes = np.repeat(group["code"].to_numpy(), group["count"].to_numpy())
        answers[question] = make_generator(seed, country, question).permutation(codes)
    return pd.concat([head, pd.DataFrame(answers)], axis=1)


def check_counts(counts: pd.DataFrame, file: Path) -> None:
    """Refuse counts that no set of respondents can have.

    Raises:
        InputError: a code is not that of an ISO country, or counts of a question do not sum to the country's sample.
    """
    for country, group in counts.groupby("country"):
        row = int(group.index[0]) + 2
        if country not in CODES:
            raise InputError(
                file, "is not an ISO 3166 alpha-3 code", "Correct the code", row=row, column="country", value=country
            )
        sums = group.groupby("question", sort=False)["count"].sum()
        off = sums[sums != sums.mode().iloc[0]]
        if len(off):
            raise InputError(
                file,
                f"the counts of {off.index[0]} in {country} add up to {off.iloc[0]}, those of the other questions "
                f"to {sums.mode().iloc[0]}",
                "Add the respondents without an answer as a row with code -5",
            )


@click.command()
@click.option("--counts", type=readable, required=True, help="Published answer counts (CSV).")
@click.option("--seed", type=int, required=True, help="Seed of the shuffles.")
@click.option("--output", type=writable, required=True, help="Survey file in the official WVS-7 form (CSV).")
def command(counts: Path, seed: int, output: Path) -> None:
    """Turn published answer counts into simulated respondents with the same marginals."""
    table = read_input(counts, Counts)
    check_counts(table, counts)
    with written_aside(output) as aside:
        simulate(table, seed).to_csv(aside, index=False, encoding="utf-8-sig", lineterminator="\n")
