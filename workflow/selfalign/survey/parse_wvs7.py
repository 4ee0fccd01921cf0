"""Step parse_wvs7: the official file of wave 7 as one table of respondents."""

import re
from pathlib import Path

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.survey.columns import (
    describe_accepted,
    match_names,
    read_columns,
    refuse_missing,
    to_codes,
    to_countries,
    to_interviews,
    to_numbered_countries,
    to_weights,
    to_years,
)
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.releases import WAVE_7, find_release
from selfalign.survey.schemas import RESPONDENT, Columns, Responses, Scales
from selfalign.tables import read_input, write_table

COUNTRY = "B_COUNTRY_ALPHA"
INTERVIEW = "D_INTERVIEW"
WEIGHT = "W_WEIGHT"
YEAR = "A_YEAR"

NUMBER = "B_COUNTRY"
"""The country by its number, read where `COUNTRY` is missing."""

_REQUIRED = {COUNTRY: f"the respondent's country; {NUMBER} will do", WEIGHT: "the respondent's weight"}
_OPTIONAL = {
    INTERVIEW: "the number of the interview; without it, repeated interviews are not counted",
    YEAR: "the year of the interview",
}
_WHOLE_FILE = (
    "Get the cross-national wave 7 file (WVS_Cross-National_Wave_7_csv) from the World Values Survey Association "
    "and give it unchanged"
)
_REMEDY = f"Add these columns to the subset. Or: {_WHOLE_FILE}"


def parse_wvs7(survey: SurveyFile, scales: pd.DataFrame) -> pd.DataFrame:
    """Respondents of the official wave 7 file, with their answer codes as they are (missing ones are negative).

    Args:
        survey: the open file, or a subset of it; CSV, SPSS and Stata have the same columns, in any case.
            `D_INTERVIEW`, `A_YEAR` and questions may be missing. What differs from the published file is counted in
            its `accepted`.
        scales: a `Scales` table; of the file's columns, the questions named there are kept.

    Returns:
        A `Responses` table. Blank answers, and those with a mark such as NA, are -5.

    Raises:
        InputError: the file is another release, a required column is missing, there are no respondents, or a country,
            weight, number of an interview, year or answer code is not valid.
    """
    names = name_columns(survey, scales)
    questions = [scale for scale in scales.itertuples() if scale.question in names]
    raw = read_columns(survey, list(names.values()))
    if raw.empty:
        raise InputError(survey.path, "has a header but no respondents", _WHOLE_FILE)
    if COUNTRY in names:
        country = to_countries(raw[names[COUNTRY]], survey)
    else:
        country = to_numbered_countries(raw[names[NUMBER]], survey)
        survey.accepted[f"countries read from {names[NUMBER]}, because {COUNTRY} is missing"] += country.nunique()
    columns = {
        "respondent": raw.index,
        "interview": to_interviews(raw[names[INTERVIEW]], survey) if INTERVIEW in names else pd.NA,
        "country": country,
        "wave": 7,
        "year": to_years(raw[names[YEAR]], survey) if YEAR in names else pd.NA,
        "weight": to_weights(raw[names[WEIGHT]], survey),
    }
    survey.accepted["column names in another case"] += sum(name != theirs for name, theirs in names.items())
    for name in (INTERVIEW, YEAR):
        survey.accepted[f"optional columns missing ({name})"] += name not in names
    return pd.DataFrame(
        columns | {scale.question: to_codes(raw[names[scale.question]], scale, survey) for scale in questions}
    )


def name_columns(survey: SurveyFile, scales: pd.DataFrame) -> dict[str, str]:
    """The file's name of each column that is read, by its published name.

    Raises:
        InputError: the file is another release, or lacks a required column or every question.
    """
    release = find_release(survey.names)
    if release not in (None, WAVE_7):
        problem = f"this is {release.name}, and the form wvs7 is for {WAVE_7.name}"
        raise InputError(survey.path, problem, release.remedy, row=survey.header_line)
    wanted = [COUNTRY, NUMBER, INTERVIEW, YEAR, WEIGHT, *scales["question"]]
    names = match_names(wanted, survey)
    missing = {name: meaning for name, meaning in _REQUIRED.items() if name not in names}
    if NUMBER in names:
        missing.pop(COUNTRY, None)
    if not set(scales["question"]) & set(names):
        missing["Q1, Q2, ..."] = "answers; at least one question"
    refuse_missing(survey, missing, {name: _OPTIONAL[name] for name in _OPTIONAL if name not in names}, _REMEDY)
    if COUNTRY in names:
        names.pop(NUMBER, None)
    return names


def find_columns(names: list[str], about: list[str], questions: dict[str, str]) -> pd.DataFrame:
    """The use of each column of a file: a `Columns` table.

    The name of a variant is the name of a question with a suffix: the form of the question in one country or region
    (Q82_EU), or a recoded form (Q94R).

    Args:
        names: columns of the file.
        about: those about the respondent that are read.
        questions: the WVS-7 variable of each column of a question.
    """

    def use(name: str) -> tuple[str, str, str | None]:
        if name in about:
            return name, "respondent", None
        if name in questions:
            return name, "question", questions[name]
        stem = re.match(r"[A-Z]\d+", name)
        if stem and stem[0] in questions:
            return name, "variant", questions[stem[0]]
        return name, "unused", None

    return pd.DataFrame([use(name) for name in names], columns=["column", "use", "question"])


@click.command()
@click.option("--survey", type=readable, required=True, help="Official wave 7 file (CSV, SPSS, Stata; or a zip).")
@click.option("--scales", type=readable, required=True, help="Answer scale of each question (CSV).")
@click.option("--responses", type=writable, required=True, help="Respondents (Parquet).")
@click.option("--columns", type=writable, required=True, help="What became of each column of the file (CSV).")
def command(survey: Path, scales: Path, responses: Path, columns: Path) -> None:
    """Read the official file of wave 7, check every value, and write the respondents as a table."""
    with open_survey(survey, scratch=responses.parent) as file:
        codes = read_input(scales, Scales)
        table = parse_wvs7(file, codes)
        names = name_columns(file, codes)
        questions = {names[question]: question for question in table.columns.drop(RESPONDENT)}
        about = [name for name in names.values() if name not in questions]
        write_table(find_columns(file.names, about, questions), columns, Columns)
        accepted = describe_accepted(file)
    write_table(table, responses, Responses)
    click.echo(
        f"{len(table)} respondents of {table['country'].nunique()} countries, {len(questions)} questions", err=True
    )
    if accepted:
        click.echo(accepted, err=True)
