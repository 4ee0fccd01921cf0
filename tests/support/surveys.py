"""A small survey in the form of the official wave 7 file, and the steps of the survey stage as functions."""

import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from click.testing import CliRunner
from places import ROOT
from selfalign.cli import program
from selfalign.survey.files import open_survey
from selfalign.survey.parse_wvs7 import parse_wvs7
from selfalign.survey.schemas import Responses, Scales
from selfalign.tables import read_input

RESOURCES = ROOT / "resources" / "survey"
COUNTS = RESOURCES / "example" / "counts.csv"
SCALES = RESOURCES / "scales.csv"
SURVEY = """version,B_COUNTRY,B_COUNTRY_ALPHA,D_INTERVIEW,A_YEAR,W_WEIGHT,Q4,Q48,Q82_EU,note
6-0-0,276,DEU,276070001,2017,1.0,1,10,-4,NOTE
6-0-0,276,DEU,276070002,2018,0.5,3,-1,3,
6-0-0,276,DEU,276070003,2018,2.5,,-2,1,x
6-0-0,276,DEU,276070004,2018,1.5,3,-2,2,
6-0-0,858,URY,858069901,2022,0.25,4,4,-4,
6-0-0,858,URY,858069901,-5,1.75,-4,-3,-4,y
"""


def run(*arguments: object) -> str:
    """What a step or another command of the program prints."""
    done = CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)
    return done.output


@cache
def scales() -> pd.DataFrame:
    """Answer scales of all questions."""
    return read_input(SCALES, Scales)


def read_wvs7(path: Path) -> pd.DataFrame:
    """Respondents of an official file of any form."""
    with TemporaryDirectory() as scratch, open_survey(path, Path(scratch)) as file:
        return Responses.validate(parse_wvs7(file, scales()).reset_index(drop=True))


def parse(text: str) -> pd.DataFrame:
    """Respondents of the text of a CSV."""
    with TemporaryDirectory() as folder:
        Path(folder, "survey.csv").write_text(text, encoding="utf-8", newline="")
        return read_wvs7(Path(folder, "survey.csv"))


def write_zip(path: Path, members: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive of these files."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def parse_arguments(survey: Path) -> list[object]:
    """Arguments of the program that read a survey file."""
    outputs = ["--responses", survey.parent / "responses.parquet", "--columns", survey.parent / "columns.csv"]
    return ["parse-wvs7", "--survey", survey, "--scales", SCALES, *outputs]
