"""Step weigh_answers: the weighted distribution of answers to each question in each country."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.survey.tables import MISSING_KINDS, Distributions, Missing, Responses
from selfalign.tables import read_table, write_table

_KEY = ["country", "question", "code"]


def count_codes(responses: pd.DataFrame) -> pd.DataFrame:
    """Respondents and weights behind each answer code, the missing ones included.

    Args:
        responses: a `Responses` table.

    Returns:
        Columns country, question, code, n, weight, weight_squared; questions in the order of `responses`.
    """
    questions = responses.columns.drop(["respondent", "interview", "country", "weight"])
    weights = pd.DataFrame({"weight": responses["weight"], "weight_squared": responses["weight"] ** 2, "n": 1})
    counted = {
        question: weights.groupby([responses["country"], responses[question].rename("code")]).sum()
        for question in questions
    }
    table = pd.concat(counted, names=["question"]).reset_index()
    order = {question: place for place, question in enumerate(questions)}
    return table.sort_values(_KEY, key=lambda column: column.map(order) if column.name == "question" else column)[
        [*_KEY, "n", "weight", "weight_squared"]
    ].reset_index(drop=True)


def weigh(counted: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of each substantive answer among the substantive answers of its country and question.

    Args:
        counted: as `count_codes` returns it.

    Returns:
        A `Distributions` table. Where all weights of a question are 0, it has no row.
    """
    table = counted[counted["code"] >= 0]
    total = table.groupby(["country", "question"])["weight"].transform("sum")
    return table.assign(share=table["weight"] / total)[total > 0].reset_index(drop=True)


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
