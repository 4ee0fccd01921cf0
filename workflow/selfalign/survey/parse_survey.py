"""Step parse_survey: the official WVS-7 file (CSV, plain or in a zip) as one table of respondents."""

import csv
import io
import zipfile
from pathlib import Path

import click
import numpy as np
import pandas as pd

from selfalign.countries import CODES
from selfalign.errors import InputError, did_you_mean
from selfalign.options import readable, writable
from selfalign.survey.tables import COUNTRY, INTERVIEW, MISSING_KINDS, WEIGHT, Responses, Scales
from selfalign.tables import read_input, write_table

_ID_COLUMNS = [INTERVIEW, COUNTRY, WEIGHT]
_REMEDY = (
    "Get the cross-national wave 7 file (WVS_Cross-National_Wave_7_csv) from the World Values Survey Association "
    "and give it unchanged"
)
_ROW_REMEDY = "Correct the row (a quote may be left open), or give the file as it was downloaded"
_TOO_LARGE = 2**63


def read_survey_file(path: Path) -> str:
    """Text of a survey file: a CSV, or the one CSV in a zip.

    Raises:
        InputError: the file is missing, empty, a zip that is broken, locked or without exactly one CSV, or not UTF-8.
    """
    try:
        raw = _unzip(path) if path.suffix.lower() == ".zip" else path.read_bytes()
    except FileNotFoundError:
        raise InputError(path, "there is no such survey file", "Check survey.file in the config") from None
    except (zipfile.BadZipFile, EOFError, zipfile.zlib.error) as error:
        raise InputError(
            path, f"is not a whole zip archive ({error})", "Download it again, or unzip it and give the CSV"
        ) from None
    except (RuntimeError, NotImplementedError) as error:  # it has a password, or a compression that Python lacks
        raise InputError(path, f"cannot be unzipped here ({error})", "Unzip it, and give the CSV") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not UTF-8 text ({error})", "Save it as UTF-8") from None
    if not text.strip():
        raise InputError(path, "the file is empty", _REMEDY)
    return text


def _unzip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        if len(members) != 1:
            raise InputError(path, f"holds {len(members)} CSV files where one was expected", _REMEDY)
        return archive.read(members[0])


def parse(text: str, scales: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Respondents of a survey file, with their answer codes as they are (missing ones are negative).

    Args:
        text: a WVS-7 file: comma- or semicolon-separated, with a header.
        scales: a `Scales` table; of the file's columns, the questions named there are kept.
        file: name of the file, for messages.

    Returns:
        A `Responses` table; `respondent` is the line of the file (the header is line 1). Blank answers are -5.

    Raises:
        InputError: a column is missing, a row is too short or too long, or a country, weight, number of an interview or
            answer code is not valid.
    """
    separator = max(",;", key=text.partition("\n")[0].count)
    lines = _lines_of_rows(text, separator, file)
    header = _read_csv(text, file, sep=separator, nrows=0).columns
    _check_header(header, scales, file)
    questions = [question for question in scales["question"] if question in header]
    raw = _read_csv(text, file, sep=separator, usecols=[*_ID_COLUMNS, *questions], dtype=str)
    if raw.empty:
        raise InputError(file, "has a header but no respondents", _REMEDY)
    raw.index = lines[1:]
    _check_countries(raw[COUNTRY], file)
    columns = {
        "respondent": raw.index,
        "interview": _interviews(raw[INTERVIEW], file),
        "country": raw[COUNTRY],
        "weight": _weights(raw[WEIGHT], file),
    }
    codes = {row.question: _codes(raw[row.question], row, file) for row in scales.itertuples() if row.question in raw}
    return pd.DataFrame(columns | codes)


def _lines_of_rows(text: str, separator: str, file: Path) -> list[int]:
    """Line on which each row begins, the header's first; blank lines are no rows. Refuses rows of another length."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines: list[int] = []
    width, last = 0, 0
    try:
        for row in rows:
            line, last = last + 1, rows.line_num
            width = width or len(row)
            if row and len(row) != width:
                problem = f"the row has {len(row)} fields, and the header {width}"
                raise InputError(file, problem, _ROW_REMEDY, row=line)
            if row:
                lines.append(line)
    except csv.Error as error:
        raise InputError(file, f"cannot be read as CSV ({error})", _ROW_REMEDY, row=last + 1) from None
    return lines


def _read_csv(text: str, file: Path, **settings: object) -> pd.DataFrame:
    try:
        return pd.read_csv(io.StringIO(text), **settings)
    except pd.errors.ParserError as error:
        raise InputError(file, f"cannot be read as CSV ({str(error).strip()})", _ROW_REMEDY) from None


def _check_header(header: pd.Index, scales: pd.DataFrame, file: Path) -> None:
    if "Q1P" in header or "Q46P" in header or "Q57P" in header:
        raise InputError(file, "is the inverted release, whose recoded columns end in P (Q1P)", _REMEDY, column="Q1P")
    for column in _ID_COLUMNS:
        if column not in header:
            raise InputError(file, "this column is missing", _REMEDY, row=1, column=column)
    if not header.isin(scales["question"]).any():
        raise InputError(file, "there is no column of a question (Q1, Q2, ...)", _REMEDY, row=1)


def _check_countries(countries: pd.Series, file: Path) -> None:
    for row, country in countries[~countries.isin(CODES)].items():
        raise InputError(
            file,
            "is not an ISO 3166 alpha-3 code of a country",
            f"{did_you_mean(str(country), CODES)} Correct the row, or give the file as it was downloaded",
            row=row,
            column=COUNTRY,
            value=country,
        )


def _numbers(values: pd.Series, file: Path) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    for row in values.index[numbers.isna()]:
        raise InputError(file, "is not a number", "Correct the row", row=row, column=values.name, value=values[row])
    return numbers


def _interviews(values: pd.Series, file: Path) -> pd.Series:
    numbers = _numbers(values, file)
    for row in numbers.index[~(numbers.abs() < _TOO_LARGE) | (numbers % 1 != 0)]:
        raise InputError(
            file,
            "the number of an interview is a whole number",
            "Correct the row, or give the file as it was downloaded",
            row=row,
            column=INTERVIEW,
            value=values[row],
        )
    return numbers.astype("int64")


def _weights(values: pd.Series, file: Path) -> pd.Series:
    weights = _numbers(values, file)
    for row in weights.index[(weights < 0) | ~np.isfinite(weights)]:
        raise InputError(
            file,
            "a weight is a number of 0 or more",
            "Correct the row, or give the file as it was downloaded",
            row=row,
            column=WEIGHT,
            value=values[row],
        )
    return weights


def _codes(values: pd.Series, scale: tuple, file: Path) -> pd.Series:
    codes = _numbers(values.fillna("-5").str.strip().replace("", "-5"), file)
    valid = codes.isin(MISSING_KINDS) | (codes.between(scale.first, scale.last) & (codes % 1 == 0))
    for row in codes.index[~valid]:
        raise InputError(
            file,
            f"the answer codes of {scale.question} are {scale.first} to {scale.last}, and -5 to -1 for missing",
            "Correct the row, or mark the answer as missing (-5)",
            row=row,
            column=scale.question,
            value=values[row],
        )
    return codes.astype("int16")


@click.command()
@click.option("--survey", type=readable, required=True, help="Official WVS-7 file (CSV, or a zip with it).")
@click.option("--scales", type=readable, required=True, help="Answer scale of each question (CSV).")
@click.option("--output", type=writable, required=True, help="Responses (Parquet).")
def command(survey: Path, scales: Path, output: Path) -> None:
    """Read a survey file, check every row, and write the respondents as a table."""
    write_table(parse(read_survey_file(survey), read_input(scales, Scales), survey), output, Responses)
