"""Step describe_survey: the data dictionary of a survey, and the quality of each country's sample."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.survey.schemas import (
    MISSING_KINDS,
    RESPONDENT,
    CodeLabels,
    Dictionary,
    Quality,
    Questions,
    Responses,
    Scales,
)
from selfalign.survey.weigh_answers import count_codes
from selfalign.tables import read_input, read_table, write_table

_KINDS = list(MISSING_KINDS.values())


def count_answer_kinds(counted: pd.DataFrame) -> pd.DataFrame:
    """Respondents by kind of answer, per country and question.

    Args:
        counted: as `count_codes` returns it.

    Returns:
        Columns valid, dont_know, no_answer, not_applicable, not_asked, other; indexed by country and question.
    """
    kinds = counted["code"].map(MISSING_KINDS).fillna("valid").rename("kind")
    table = counted.groupby(["country", "question", kinds], sort=False)["n"].sum().unstack(fill_value=0)
    return table.reindex(columns=["valid", *_KINDS], fill_value=0)


def describe_questions(kinds: pd.DataFrame, scales: pd.DataFrame, meanings: pd.DataFrame) -> pd.DataFrame:
    """The data dictionary.

    A question is asked in part where some of a country's respondents have the code `not asked` and others have not: a
    split ballot, or a filter.

    Args:
        kinds: as `count_answer_kinds` returns it.
        scales: a `Scales` table.
        meanings: columns wording, answers; indexed by question.

    Returns:
        A `Dictionary` table, in the order of `scales`.
    """
    everybody = kinds.sum(axis=1)
    nobody = (kinds["not_asked"] == everybody).rename("nobody")
    partly = ((kinds["not_asked"] > 0) & ~nobody).rename("partly")
    countries = kinds.index.get_level_values("country")

    def list_countries(chosen: pd.Series) -> pd.Series:
        return pd.Series(countries[chosen], index=chosen[chosen].index).groupby("question").agg(" ".join)

    table = (
        kinds.groupby("question")
        .sum()
        .assign(
            countries=(~nobody).groupby("question").sum(),
            not_asked_in=list_countries(nobody),
            partly_asked_in=list_countries(partly),
        )
    )
    table = scales[["question", "first", "last"]].merge(table, on="question").merge(meanings, "left", on="question")
    return table[Dictionary.names()]


def describe_samples(responses: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """The quality table.

    The effective sample size is (sum w)^2 / sum w^2 (Kish 1965, section 11.7): the size of a simple random sample with
    the same precision, for a quantity that is independent of the weights. All answers except those of the kind
    `not asked` count as asked for.

    Args:
        responses: a `Responses` table.
        kinds: as `count_answer_kinds` returns it.

    Returns:
        A `Quality` table, in the order of countries.
    """
    asked = kinds.drop(columns="not_asked").groupby("country").sum()
    answered = kinds.drop(columns="not_asked").sum(axis=1) > 0
    table = responses.groupby("country").agg(
        wave=("wave", "first"),
        first_year=("year", "min"),
        last_year=("year", "max"),
        n=("weight", "size"),
        weight_min=("weight", "min"),
        weight_mean=("weight", "mean"),
        weight_max=("weight", "max"),
        zero_weights=("weight", lambda weight: (weight == 0).sum()),
        effective_n=("weight", effective_size),
    )
    table = table.assign(
        design_effect=(table["n"] / table["effective_n"]).where(table["effective_n"] > 0),
        questions=answered.groupby("country").sum(),
        questions_not_asked=(~answered).groupby("country").sum(),
        **asked.div(asked.sum(axis=1).clip(lower=1), axis=0),
        repeated_interviews=_count_interviews(responses),
        repeated_answers=_count_repeated(responses, ["country", *responses.columns.drop(RESPONDENT)]),
    )
    return table.reset_index()[Quality.names()]


def effective_size(weights: pd.Series) -> float:
    """Kish's effective sample size; 0 where all weights are."""
    squares = (weights**2).sum()
    return weights.sum() ** 2 / squares if squares > 0 else 0.0


def _count_interviews(responses: pd.DataFrame) -> pd.Series:
    """Respondents by country who share an interview number; empty if nobody of the country has a number."""
    numbered = responses[responses["interview"].notna()]
    repeated = _count_repeated(numbered, ["country", "interview"])
    return repeated.astype("Int64").reindex(responses["country"].unique())


def _count_repeated(responses: pd.DataFrame, columns: list[str]) -> pd.Series:
    hashes = pd.util.hash_pandas_object(responses[columns], index=False)
    return hashes.duplicated(keep=False).groupby(responses["country"]).sum()


def read_meanings(questions: Path, labels: Path, scales: pd.DataFrame) -> pd.DataFrame:
    """Wordings of the questions and labels of their codes: columns wording, answers; indexed by question."""
    wording = read_input(questions, Questions).set_index("question")["wording"]
    meaning = read_input(labels, CodeLabels)
    written = meaning["code"].astype(str) + " " + meaning["label"]
    answers = written.groupby(meaning["labels"], sort=False).agg("; ".join)
    return pd.DataFrame({"wording": wording, "answers": scales.set_index("question")["labels"].map(answers)})


@click.command()
@click.option("--responses", type=readable, required=True, help="Responses (Parquet).")
@click.option("--scales", type=readable, required=True, help="Answer scale of each question (CSV).")
@click.option("--questions", type=readable, required=True, help="What each question asks (CSV).")
@click.option("--labels", type=readable, required=True, help="What the answer codes mean (CSV).")
@click.option("--dictionary", type=writable, required=True, help="Data dictionary (CSV).")
@click.option("--quality", type=writable, required=True, help="Quality of each country's sample (CSV).")
def command(responses: Path, scales: Path, questions: Path, labels: Path, dictionary: Path, quality: Path) -> None:
    """Describe the questions of a survey, and the quality of each country's sample."""
    people, codes = read_table(responses, Responses), read_input(scales, Scales)
    kinds = count_answer_kinds(count_codes(people))
    table = describe_questions(kinds, codes, read_meanings(questions, labels, codes))
    write_table(table, dictionary, Dictionary)
    write_table(describe_samples(people, kinds), quality, Quality)
