"""Step map_scales: the distribution of each country's answers over the whole answer scale of each question."""

from pathlib import Path

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import Words, readable, writable
from selfalign.population import find_people
from selfalign.probes.bank import read_bank
from selfalign.probes.map_poles import check_countries
from selfalign.probes.scales import is_modal, read_scales, sort_questions
from selfalign.probes.schemas import DroppedScales, PeopleScales
from selfalign.survey.schemas import Distributions
from selfalign.tables import read_table, write_table

_PAIR = ["country", "question"]


def spread_people(distributions: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of each answer that was offered, among those that have a place on the scale.

    A merged code counts as the one that it is merged with. Codes outside are left out, so the shares of a country and
    question sum to 1. A question is left out in a country whose shares were published for several codes together, or
    where nobody gave an answer that has a place.

    Args:
        distributions: a `Distributions` table.
        scales: a `ScaleCodes` table.

    Returns:
        A `PeopleScales` table in the order of countries, of `scales` and of places. An answer that nobody gave has
        share 0.
    """
    together = _find_together(distributions)
    answers = distributions.merge(scales.dropna(subset="counted"), on=["question", "code"])
    answers = answers[~pd.MultiIndex.from_frame(answers[_PAIR]).isin(together)]
    sums = answers.groupby([*_PAIR, "counted"])[["share", "n"]].sum()
    total = sums["share"].groupby(_PAIR).sum()
    published = answers["n"].notna().groupby([answers[column] for column in _PAIR]).all()
    offered = scales.loc[(scales["code"] == scales["counted"]).fillna(False), ["question", "code", "place", "position"]]
    pairs = total[total > 0].index.to_frame(index=False)
    table = offered.merge(pairs, on="question").merge(
        sums.reset_index().rename(columns={"counted": "code"}), "left", on=[*_PAIR, "code"]
    )
    at = pd.MultiIndex.from_frame(table[_PAIR])
    table["share"] = table["share"].fillna(0) / total.reindex(at).to_numpy()
    table["n"] = table["n"].astype("Int64").fillna(0).where(published.reindex(at).to_numpy())
    table["modal"] = is_modal(table)
    table = sort_questions(table, [*_PAIR, "place"], scales)
    return table[PeopleScales.names()].reset_index(drop=True)


def _find_together(distributions: pd.DataFrame) -> pd.MultiIndex:
    """Countries and questions of which a share is of several codes together."""
    spans = distributions["code"] != distributions["last_code"]
    return pd.MultiIndex.from_frame(distributions.loc[spans, _PAIR].drop_duplicates())


def find_dropped_answers(
    distributions: pd.DataFrame, spread: pd.DataFrame, scales: pd.DataFrame, countries: list[str]
) -> pd.DataFrame:
    """Questions and answers that are not used, and why.

    Args:
        distributions: a `Distributions` table.
        spread: a `PeopleScales` table.
        scales: a `ScaleCodes` table.
        countries: of the experiment.

    Returns:
        A `DroppedScales` table in the order of countries, questions and reasons.
    """
    people = find_people(countries, distributions["country"].unique())
    pairs = pd.MultiIndex.from_product([people, scales["question"].unique()], names=_PAIR)
    modal = spread.groupby(_PAIR)["modal"].any()
    absent = pairs[~pairs.isin(modal.index)]
    together = absent[absent.isin(_find_together(distributions))]
    reasons = {
        "codes_together": together,
        "no_answers": absent.difference(together, sort=False),
        "tie": pairs[pairs.isin(modal.index[~modal])],
    }
    tables = [index.to_frame(index=False).assign(reason=reason) for reason, index in reasons.items()]
    outside = distributions.merge(scales[scales["counted"].isna()], on=["question", "code"])
    outside = outside[outside["country"].isin(people)].groupby(_PAIR)[["n", "share"]]
    tables.append(outside.sum(min_count=1).reset_index().assign(reason="outside"))
    table = pd.concat(tables, ignore_index=True).astype({"n": "Int64"})
    table = sort_questions(table, [*_PAIR, "reason"], scales)
    return table[DroppedScales.names()].reset_index(drop=True)


def check_codes(distributions: pd.DataFrame, scales: pd.DataFrame, file: Path) -> None:
    """Refuse an answer with a code that its question's scale does not have.

    Raises:
        InputError: names the question and the code.
    """
    known = pd.MultiIndex.from_frame(scales[["question", "code"]])
    asked = distributions[distributions["question"].isin(scales["question"])]
    unknown = asked[~pd.MultiIndex.from_frame(asked[["question", "code"]]).isin(known)]
    if len(unknown):
        first = unknown.iloc[0]
        raise InputError(
            file,
            f"the survey has answers to {first['question']} with code {first['code']}, which its scale does not have",
            "Correct first and last of the question",
            column="question",
            value=first["question"],
        )


@click.command()
@click.option("--distributions", type=readable, required=True, help="Weighted distributions (Parquet).")
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--scales", type=readable, required=True, help="Answer scales of the questions (CSV).")
@click.option("--countries", type=Words(), required=True, help="Countries of the experiment.")
@click.option("--output", type=writable, required=True, help="Distributions over whole scales (Parquet).")
@click.option("--dropped", type=writable, required=True, help="Questions and answers left out, and why (CSV).")
def command(
    distributions: Path,
    bank: Path,
    scales: Path,
    countries: list[str],
    output: Path,
    dropped: Path,
) -> None:
    """Compute the distribution of each country's answers over the whole answer scale of each question."""
    answers = read_table(distributions, Distributions)
    codes = read_scales(scales, read_bank(bank))
    check_countries(answers, countries, distributions)
    check_codes(answers, codes, scales)
    table = spread_people(answers, codes)
    write_table(table, output, PeopleScales)
    write_table(find_dropped_answers(answers, table, codes, countries), dropped, DroppedScales)
