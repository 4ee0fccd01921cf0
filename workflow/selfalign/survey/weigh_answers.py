"""Step weigh_answers: the weighted distribution of answers to each question in each country."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.options import readable, writable
from selfalign.survey.schemas import MISSING_KINDS, RESPONDENT, Distributions, Missing, Responses
from selfalign.tables import read_table, write_table

_LOWEST = min(MISSING_KINDS)


def count_codes(responses: pd.DataFrame) -> pd.DataFrame:
    """Respondents and weights behind each answer code, the missing ones included.

    Args:
        responses: a `Responses` table.

    Returns:
        Columns country, question, code, n, weight, weight_squared; questions in the order of `responses`.
    """
    places, countries = pd.factorize(responses["country"], sort=True)
    weight = responses["weight"].to_numpy()
    questions = responses.columns.drop(RESPONDENT)
    counted = []
    for question in questions:
        codes = responses[question].to_numpy().astype("int64") - _LOWEST
        width = codes.max() + 1
        cell = places * width + codes
        sums = [np.bincount(cell, weights, len(countries) * width) for weights in (None, weight, weight**2)]
        found = np.flatnonzero(sums[0])
        counted.append((found // width, found % width + _LOWEST, *(values[found] for values in sums)))
    place, code, n, weight, weight_squared = map(np.concatenate, zip(*counted, strict=True))
    table = {
        "country": countries[place],
        "question": questions.repeat([len(found) for found, *_ in counted]),
        "code": code,
        "n": n,
        "weight": weight,
        "weight_squared": weight_squared,
    }
    return pd.DataFrame(table).sort_values("country", kind="stable").reset_index(drop=True)


def weigh(counted: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of each substantive answer among the substantive answers of its country and question.

    Args:
        counted: as `count_codes` returns it.

    Returns:
        A `Distributions` table. Where all weights of a question are 0, it has no row.
    """
    table = counted[counted["code"] >= 0]
    total = table.groupby(["country", "question"])["weight"].transform("sum")
    table = table.assign(share=table["weight"] / total, last_code=table["code"])[total > 0]
    return table[Distributions.names()].reset_index(drop=True)


def count_missing(counted: pd.DataFrame) -> pd.DataFrame:
    """Respondents without a substantive answer, by kind: a `Missing` table."""
    table = counted[counted["code"] < 0]
    return table.assign(kind=table["code"].map(MISSING_KINDS))[["country", "question", "kind", "n"]]


@click.command()
@click.option("--responses", type=readable, required=True, help="Responses (Parquet).")
@click.option("--distributions", type=writable, required=True, help="Weighted distributions (Parquet).")
@click.option("--missing", type=writable, required=True, help="Missing answers by kind (CSV).")
def command(responses: Path, distributions: Path, missing: Path) -> None:
    """Weigh the answers of each country to each question, and count the missing ones by kind."""
    counted = count_codes(read_table(responses, Responses))
    write_table(weigh(counted), distributions, Distributions)
    write_table(count_missing(counted), missing, Missing)
