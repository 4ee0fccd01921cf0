"""Step parse_trends: chosen waves of the WVS time series, or of the joint EVS/WVS file, as a table of respondents."""

from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
import pycountry

from selfalign.countries import CODES, country_of_number
from selfalign.errors import InputError
from selfalign.options import Words, readable, writable
from selfalign.survey.cells import parse_recoding
from selfalign.survey.columns import (
    READ_AS_MISSING,
    count_marks,
    describe_accepted,
    read_columns,
    refuse_missing,
    to_codes,
    to_interviews,
    to_values,
    to_weights,
    to_years,
    whole_number,
)
from selfalign.survey.files import SurveyFile, open_survey
from selfalign.survey.parse_wvs7 import find_columns
from selfalign.survey.releases import JOINT, TIME_SERIES, Release, find_release
from selfalign.survey.schemas import RESPONDENT, Columns, LeftOut, Responses, Scales, Trends
from selfalign.tables import read_input, write_table


class Family(NamedTuple):
    """Names of the columns about the respondent in a family of files, in lower case, the preferred name first."""

    interview: tuple[str, ...]
    country: tuple[str, ...]
    wave: tuple[str, ...]
    year: tuple[str, ...]
    weight: tuple[str, ...]


FAMILIES: dict[Release, Family] = {
    TIME_SERIES: Family(("s007",), ("country_alpha", "s003"), ("s002vs", "s002"), ("s020",), ("s017",)),
    JOINT: Family(("uniqid",), ("cntry_an", "cntry"), ("wave",), ("year",), ("gwght",)),
}
"""The published files differ in upper and lower case."""

_JOINT = ("study", 5, 7)
"""The joint file's column with the study, EVS (1) or WVS (2); and the waves of EVS and WVS that it joins."""

_NO_COUNTRY = {"101", "197", "891", "911", "914", "915", "SCG", "XK", "XKS", "XKX", "XNC", "YUG"}
"""Codes that are not in ISO 3166 today, such as those of Kosovo, Northern Cyprus, and Serbia and Montenegro."""

_REMEDY = (
    "Add these columns to the subset; or get the time-series file (WVS_Time_Series_1981-2022) or the joint EVS/WVS "
    "file, and give it unchanged"
)
_MEANINGS = {
    "country": "the respondent's country",
    "wave": "the wave",
    "weight": "the respondent's weight",
    "interview": "the number of the interview; without it, repeated interviews are not counted",
    "year": "the year of the interview",
}


def parse_trends(
    survey: SurveyFile, scales: pd.DataFrame, trends: pd.DataFrame, waves: list[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Respondents of a country's latest wave among the chosen ones, with the answer codes of wave 7.

    In the joint file, EVS wave 5 counts as wave 7, with which it was fielded; where a country was surveyed by both, the
    respondents of the WVS are taken.

    Args:
        survey: the open file, of one of `FAMILIES`.
        scales: a `Scales` table.
        trends: a `Trends` table; a question whose variable the file lacks is left out.
        waves: of the World Values Survey, 1 to 7.

    Returns:
        A `Responses` table, and a `LeftOut` table of the respondents of other waves, studies and places.

    Raises:
        InputError: the file is of another form, required columns are missing, a country or wave is unknown, no
            respondent is left, or a cell is not valid.
    """
    names = _name_columns(survey)
    raw = read_columns(survey, [name for name in names.values() if name])
    everybody = _read_samples(raw, names, survey)
    taken = _choose_samples(everybody, waves)
    if not taken.any():
        asked, known = " or ".join(map(str, waves)), " ".join(map(str, sorted(everybody["wave"].unique())))
        raise InputError(
            survey.path,
            f"nobody was asked in wave {asked}; the file has wave {known}",
            "Choose another wave",
            value=asked,
        )
    raw = raw[taken]
    columns = {
        "respondent": raw.index,
        "interview": to_interviews(raw[names["interview"]], survey) if names["interview"] else pd.NA,
        "country": everybody.loc[taken, "country"],
        "wave": everybody.loc[taken, "wave"],
        "year": to_years(raw[names["year"]], survey) if names["year"] else pd.NA,
        "weight": to_weights(raw[names["weight"]], survey),
    }
    answers = _read_answers(survey, scales, trends, taken)
    return pd.DataFrame(columns | answers), _count_left_out(everybody[~taken], waves)


def _name_columns(survey: SurveyFile) -> dict[str, str | None]:
    """This file's names of the columns about the respondent."""
    release = find_release(survey.names)
    if release not in FAMILIES:
        expected = " nor ".join(known.name for known in FAMILIES)
        found = f"; it looks like {release.name}" if release else ""
        remedy = release.remedy if release else _REMEDY
        raise InputError(survey.path, f"is neither {expected}{found}", remedy, row=survey.header_line)
    given = {name.lower(): name for name in survey.names}
    family = FAMILIES[release]
    names = {
        what: next((given[name] for name in alternatives if name in given), None)
        for what, alternatives in family._asdict().items()
    }
    missing = {
        what: " or ".join(name.upper() for name in getattr(family, what)) for what in names if names[what] is None
    }
    optional = ("interview", "year")
    refuse_missing(
        survey,
        {column: _MEANINGS[what] for what, column in missing.items() if what not in optional},
        {column: _MEANINGS[what] for what, column in missing.items() if what in optional},
        _REMEDY,
    )
    return names | {"study": given.get(_JOINT[0]) if release == JOINT else None}


def _read_samples(raw: pd.DataFrame, names: dict[str, str | None], survey: SurveyFile) -> pd.DataFrame:
    """Country (empty if ISO 3166 has none), wave and study of every respondent, and the country as the file has it."""
    country = raw[names["country"]]
    samples = pd.DataFrame(
        {
            "place": country.astype(str).str.strip(),
            "country": to_values(country, _country, survey, "is not a country of ISO 3166, by its letters or number"),
            "wave": to_values(raw[names["wave"]], whole_number, survey, "is not the number of a wave"),
            "study": 2,
        }
    )
    if names["study"]:
        samples["study"] = to_values(raw[names["study"]], whole_number, survey, "is neither 1 (EVS) nor 2 (WVS)")
        samples["wave"] = samples["wave"].where(samples["wave"] != _JOINT[1], _JOINT[2])
    return samples


def _country(text: str) -> str | None:
    if text in CODES or text in _NO_COUNTRY:
        return "" if text in _NO_COUNTRY else text
    if numbered := country_of_number(text):
        return numbered
    known = pycountry.countries.get(alpha_2=text)
    return known.alpha_3 if known else None


def _choose_samples(everybody: pd.DataFrame, waves: list[int]) -> pd.Series:
    """Who is used: respondents of a country's latest chosen wave, and of the WVS if both studies are in this wave."""
    usable = everybody[(everybody["country"] != "") & everybody["wave"].isin(waves)]
    taken = usable[usable["wave"] == usable.groupby("country")["wave"].transform("max")]
    taken = taken[taken["study"] == taken.groupby("country")["study"].transform("max")]
    return pd.Series(everybody.index.isin(taken.index), index=everybody.index)


def _count_left_out(others: pd.DataFrame, waves: list[int]) -> pd.DataFrame:
    evs = others["study"] == 1
    sample = evs.map({True: "EVS", False: "WVS"}) + " wave " + others["wave"].mask(evs, _JOINT[1]).astype(str)
    chosen = others["wave"].isin(waves)
    reason = sample + chosen.map({True: ", another sample of the country is used", False: ", not chosen"})
    reason = reason.where(others["country"] != "", "no country of ISO 3166 today")
    return others.groupby(["place", reason.rename("reason")]).size().rename("n").reset_index()


def _read_answers(
    survey: SurveyFile, scales: pd.DataFrame, trends: pd.DataFrame, taken: pd.Series
) -> dict[str, pd.Series]:
    given = {name.upper(): name for name in survey.names}
    known = scales.merge(trends[trends["variable"].isin(given)], on="question")
    if known.empty:
        problem = "there is no column of a question (A001, A165, ...)"
        raise InputError(survey.path, problem, _REMEDY, row=survey.header_line)
    raw = survey.read([given[variable] for variable in known["variable"]]).loc[taken.index[taken]]
    survey.accepted[READ_AS_MISSING] += count_marks(raw)
    return {
        row.question: to_codes(raw[given[row.variable]], row, survey, parse_recoding(row.codes))
        for row in known.itertuples()
    }


@click.command()
@click.option("--survey", type=readable, required=True, help="Time-series or joint file (CSV, SPSS, Stata; or a zip).")
@click.option("--scales", type=readable, required=True, help="Answer scale of each question (CSV).")
@click.option("--trends", type=readable, required=True, help="Variables of the questions in these files (CSV).")
@click.option("--waves", type=Words(int), required=True, help="Waves to use; of a country, the latest of these.")
@click.option("--responses", type=writable, required=True, help="Respondents (Parquet).")
@click.option("--columns", type=writable, required=True, help="What became of each column of the file (CSV).")
@click.option("--left-out", type=writable, required=True, help="Respondents of other waves and places, counted (CSV).")
def command(
    survey: Path, scales: Path, trends: Path, waves: list[int], responses: Path, columns: Path, left_out: Path
) -> None:
    """Read chosen waves of the WVS time series or the joint EVS/WVS file, and write the respondents as a table."""
    crosswalk = read_input(trends, Trends)
    with open_survey(survey, scratch=responses.parent) as file:
        table, others = parse_trends(file, read_input(scales, Scales), crosswalk, waves)
        about = [name for name in _name_columns(file).values() if name]
        ours = dict(zip(crosswalk["variable"], crosswalk["question"], strict=True))
        questions = {name: ours[name.upper()] for name in file.names if ours.get(name.upper()) in table}
        write_table(find_columns(file.names, about, questions), columns, Columns)
        accepted = describe_accepted(file)
    write_table(others, left_out, LeftOut)
    write_table(table, responses, Responses)
    click.echo(
        f"{len(table)} respondents of {table['country'].nunique()} countries, "
        f"{len(table.columns.drop(RESPONDENT))} questions; {int(others['n'].sum())} respondents left out",
        err=True,
    )
    if accepted:
        click.echo(accepted, err=True)
