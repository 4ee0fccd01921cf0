"""Step parse_shares: published shares of one pole per country and question, as distributions."""

from pathlib import Path

import click
import pandas as pd

from selfalign.countries import CODES, suggest_country
from selfalign.errors import did_you_mean
from selfalign.options import readable, writable
from selfalign.survey.schemas import Distributions, Scales, Shares
from selfalign.tables import cell_error, read_input, write_table

RULES = {"top2of4": (1, 2), "6-10of10": (6, 10), "neighbor_mentioned": (1, 1), "binary_yes=1": (1, 1)}
"""First and last answer code that a share is of, by the name of the rule."""


def parse_shares(shares: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """Distributions of two rows per country and question: the codes of the rule, and the others.

    Args:
        shares: a `Shares` table whose rules and questions are known.
        scales: a `Scales` table.

    Returns:
        A `Distributions` table without numbers of respondents, since none are published.
    """
    table = shares.merge(scales, on="question")
    first, last = (table["rule"].map({name: codes[end] for name, codes in RULES.items()}) for end in (0, 1))
    low = first == table["first"]
    named = table.assign(code=first, last_code=last)
    others = table.assign(
        code=(last + 1).where(low, table["first"]),
        last_code=table["last"].where(low, first - 1),
        share=1 - table["share"],
    )
    both = pd.concat([named, others]).assign(n=pd.NA, weight=float("nan"), weight_squared=float("nan"))
    return both.sort_values(["country", "question", "code"])[Distributions.names()]


def check_shares(shares: pd.DataFrame, scales: pd.DataFrame, file: Path) -> None:
    """Refuse shares of an unknown rule, question or country, and rules that do not fit a question's scale.

    Raises:
        InputError: names the row.
    """
    ends = scales.set_index("question")
    for share in shares.itertuples():
        if share.country not in CODES:
            raise cell_error(file, share, "country", "is not an ISO 3166 alpha-3 code", suggest_country(share.country))
        if share.rule not in RULES:
            raise cell_error(file, share, "rule", "is not a known rule", did_you_mean(share.rule, RULES))
        if share.question not in ends.index:
            remedy = f"{did_you_mean(share.question, ends.index)} See resources/survey/scales.csv"
            raise cell_error(file, share, "question", "is not a question with a known scale", remedy)
        (first, last), scale = RULES[share.rule], ends.loc[share.question]
        if (first == scale["first"]) == (last == scale["last"]):
            problem = f"the rule's codes {first}-{last} are neither the lower nor the upper part of the scale"
            remedy = f"The codes of {share.question} are {scale['first']} to {scale['last']}: choose another rule"
            raise cell_error(file, share, "rule", problem, remedy)


@click.command()
@click.option("--shares", type=readable, required=True, help="Published shares (CSV).")
@click.option("--scales", type=readable, required=True, help="Answer scale of each question (CSV).")
@click.option("--distributions", type=writable, required=True, help="Distributions (Parquet).")
def command(shares: Path, scales: Path, distributions: Path) -> None:
    """Read published shares of one pole per country and question as distributions."""
    table, codes = read_input(shares, Shares), read_input(scales, Scales)
    check_shares(table, codes, shares)
    write_table(parse_shares(table, codes), distributions, Distributions)
