"""A survey in the official form in which women and men of two countries differ, by numbers that are known."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from places import ROOT
from selfalign.survey.files import open_survey
from selfalign.survey.parse_wvs7 import parse_wvs7
from selfalign.survey.read_groups import read_crosswalk, read_groups
from selfalign.survey.schemas import Groups, Responses
from surveys import scales

CROSSWALK = ROOT / "resources" / "survey" / "groups" / "wvs7.csv"
MISSING_SEX = 3
"""Respondents of each country whose sex is not known."""


def write_planted(path: Path, countries: tuple[str, ...] = ("DEU", "NGA", "MEX")) -> Path:
    """Write the survey: of each country 20 men, 20 women and 3 people without an answer to Q260.

    To Q4, 5 men with a weight of 2 and no other man answer with code 4 (pole A): 10 of the men's weight of 25. All
    women but 5 answer so. To Q6, all of Germany answers with code 1 (pole B), and nobody elsewhere. To Q8, code 2
    (pole A) is the answer of the men and of the country.
    """
    rows = ["B_COUNTRY_ALPHA,D_INTERVIEW,W_WEIGHT,Q4,Q6,Q8,Q260,Q262,Q275,H_SETTLEMENT"]
    for country in countries:
        q6 = 1 if country == "DEU" else 4
        for number in range(20):
            heavy = number < 5
            age, level, place = 20 + 3 * number, number % 9, number % 5 + 1
            rows.append(f"{country},1,{2 if heavy else 1},{4 if heavy else 1},{q6},2,1,{age},{level},{place}")
            rows.append(f"{country},1,1,{1 if heavy else 4},{q6},{2 if heavy else 1},2,{age},{level},{place}")
        rows += [f"{country},1,1,4,{q6},2,{code},-1,99,-5" for code in ("-2", "", "-5")]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def read_planted(path: Path, crosswalk: Path = CROSSWALK) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The respondents, and the groups of each."""
    with TemporaryDirectory() as scratch, open_survey(path, Path(scratch)) as file:
        responses = Responses.validate(parse_wvs7(file, scales()).reset_index(drop=True))
        return responses, Groups.validate(read_groups(file, read_crosswalk(crosswalk), responses))
