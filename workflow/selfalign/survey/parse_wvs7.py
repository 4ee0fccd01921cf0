"""Step parse_wvs7: the official file of wave 7 as one table of respondents."""

import re
from pathlib import Path

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.options import readable, writable
from selfalign.survey.columns import to_codes, to_countries, to_interviews, to_weights, to_years
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.tables import RESPONDENT, Columns, Responses, Scales
from selfalign.tables import read_input, write_table

COUNTRY = "B_COUNTRY_ALPHA"
INTERVIEW = "D_INTERVIEW"
WEIGHT = "W_WEIGHT"
YEAR = "A_YEAR"

_REMEDY = (
    "Get the cross-national wave 7 file (WVS_Cross-National_Wave_7_csv) from the World Values Survey Association "
    "and give it unchanged"
)


def parse_wvs7(survey: SurveyFile, scales: pd.DataFrame) -> pd.DataFrame:
    """Respondents of the official wave 7 file, with their answer codes as they are (missing ones are negative).

    Args:
        survey: the open file; CSV, SPSS and Stata have the same columns. A_YEAR may be missing.
        scales: a `Scales` table; of the file's columns, the questions named there are kept.

    Returns:
        A `Responses` table. Blank answers are -5.

    Raises:
        InputError: the file is the inverted release, a column is missing, there are no respondents, or a country,
            weight, number of an interview, year or answer code is not valid.
    """
    _check_header(survey, scales)
    questions = [scale for scale in scales.itertuples() if scale.question in survey.names]
    about = [name for name in (INTERVIEW, COUNTRY, WEIGHT, YEAR) if name in survey.names]
    raw = survey.read([*about, *(scale.question for scale in questions)])
    if raw.empty:
        raise InputError(survey.path, "has a header but no respondents", _REMEDY)
    columns = {
        "respondent": raw.index,
        "interview": to_interviews(raw[INTERVIEW], survey),
        "country": to_countries(raw[COUNTRY], survey),
        "wave": 7,
        "year": to_years(raw[YEAR], survey) if YEAR in raw else pd.NA,
        "weight": to_weights(raw[WEIGHT], survey),
    }
    return pd.DataFrame(columns | {scale.question: to_codes(raw[scale.question], scale, survey) for scale in questions})


def _check_header(survey: SurveyFile, scales: pd.DataFrame) -> None:
    if inverted := {"Q1P", "Q46P", "Q57P"}.intersection(survey.names):
        raise InputError(
            survey.path,
            "is the inverted release, whose recoded columns end in P",
            _REMEDY,
            row=1,
            column=min(inverted),
        )
    for name in (INTERVIEW, COUNTRY, WEIGHT):
        if name not in survey.names:
            raise InputError(
                survey.path, f"this column is missing{_renamed(name, survey)}", _REMEDY, row=1, column=name
            )
    if not set(scales["question"]).intersection(survey.names):
        raise InputError(survey.path, "there is no column of a question (Q1, Q2, ...)", _REMEDY, row=1)


def _renamed(name: str, survey: SurveyFile) -> str:
    """Which column of the file may be a missing one under another name."""
    stem = name.partition("_")[2]
    alike = [other for other in survey.names if stem in other.upper()]
    return f" ({alike[0]} may be the same under another name)" if alike else ""


def find_columns(names: list[str], about: list[str], questions: dict[str, str]) -> pd.DataFrame:
    """What becomes of each column of a file: a `Columns` table.

    A variant is a column whose name is a question's with something behind it: one country's or region's own form of the
    question (Q82_EU), or a recoded one (Q94R).

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
        table = parse_wvs7(file, read_input(scales, Scales))
        questions = {name: name for name in table.columns.drop(RESPONDENT)}
        write_table(find_columns(file.names, [INTERVIEW, COUNTRY, WEIGHT, YEAR], questions), columns, Columns)
    write_table(table, responses, Responses)
    click.echo(
        f"{len(table)} respondents of {table['country'].nunique()} countries, {len(questions)} questions", err=True
    )
