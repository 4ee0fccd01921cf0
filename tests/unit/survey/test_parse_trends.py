"""The time series of the World Values Survey and the joint EVS/WVS file: samples chosen, codes turned into wave 7's."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from places import ROOT
from selfalign.cli import main, program
from selfalign.survey.cells import parse_recoding
from selfalign.survey.schemas import LeftOut, Responses, Scales, Trends
from selfalign.tables import read_input, read_table

SCALES = ROOT / "resources" / "survey" / "scales.csv"
TRENDS = ROOT / "resources" / "survey" / "trends.csv"
CODEBOOK = ROOT.parent / "shared" / "data" / "wvs7_codebook_v5.json"
SERIES = """version,S001,S002VS,S003,COUNTRY_ALPHA,S007,S017,S020,A001,A165,A029,E037,F028,Z9
5-0-0,2,5,840,USA,1001,0.5,2006,1,1,0,1,8,a
5-0-0,2,6,840,USA,1002,1.25,2011,2,2,1,10,4,b
5-0-0,2,7,840,USA,1003,1,2017,2,2,1,10,5,"c, d"
5-0-0,2,6,909,NIR,1005,1,2011,-1,-2,-4,-3,-5,
5-0-0,2,5,276,DEU,1006,1,2006,4,1,1,3,1,
5-0-0,2,3,914,914,1004,1,1998,1,1,1,3,1,
"""
JOINT = """study,wave,uniqid,cntry,cntry_AN,year,gwght,A001,A165,A029
1,5,1,276,DE,2018,1.0,1,1,0
2,7,2,276,DE,2018,0.9,2,1,1
1,5,3,250,FR,2018,1.1,3,2,1
1,5,4,915,XK,2018,1.0,3,2,1
1,5,5,909,NIR,2018,1.0,4,2,1
"""


def parse(folder: Path, survey: Path, waves: str) -> None:
    arguments = ["parse-trends", "--survey", survey, "--scales", SCALES, "--trends", TRENDS, "--waves", waves]
    outputs = {"responses": "responses.parquet", "columns": "columns.csv", "left-out": "left_out.csv"}
    arguments += [part for name, file in outputs.items() for part in (f"--{name}", folder / file)]
    program(list(map(str, arguments)), standalone_mode=False)


def parsed(folder: Path, content: str, waves: str) -> pd.DataFrame:
    folder.mkdir(exist_ok=True)
    (folder / "trends.csv").write_bytes(content.encode())
    parse(folder, folder / "trends.csv", waves)
    return read_table(folder / "responses.parquet", Responses)


def left_out(folder: Path) -> set[tuple[str, str, int]]:
    return set(read_table(folder / "left_out.csv", LeftOut).itertuples(index=False, name=None))


def test_latest_of_the_chosen_waves_is_used_and_codes_are_those_of_wave_7(tmp_path: Path) -> None:
    table = parsed(tmp_path, SERIES, "5 6 7")
    expected = {
        "respondent": [4, 5, 6],
        "interview": [1003, 1005, 1006],
        "country": ["USA", "NIR", "DEU"],
        "wave": [7, 6, 5],
        "year": [2017, 2011, 2006],
        "weight": [1.0, 1.0, 1.0],
        "Q1": [2, -1, 4],
        "Q8": [1, -4, 1],
        "Q57": [2, -2, 1],
        "Q108": [1, -3, 8],
        "Q171": [4, -5, 1],
    }
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected), check_dtype=False)
    assert left_out(tmp_path) == {
        ("USA", "WVS wave 5, another sample of the country is used", 1),
        ("USA", "WVS wave 6, another sample of the country is used", 1),
        ("914", "no country of ISO 3166 today", 1),
    }


@pytest.mark.slow
def test_subset_from_r_is_read(tmp_path: Path) -> None:
    whole = parsed(tmp_path, SERIES, "6 7")
    lines = [
        line.replace("S007", "uid").lower().replace("usa", "USA").replace("nir", "NIR") for line in SERIES.splitlines()
    ]
    text = "\n".join(lines[:4]).replace("10,5", "NA,5").replace("1003,1,2017", "1003,1,NA") + "\n" + "NA," * 13 + "NA\n"
    table = parsed(tmp_path / "subset", text.replace('"c, d"', "c"), "6 7")
    assert table["interview"].isna().all() and table["year"].isna().all()
    assert list(table["country"]) == ["USA"] and list(table["weight"]) == [1.0]
    assert list(table["Q108"]) == [-5] and list(table["Q1"]) == list(whole.loc[whole["country"] == "USA", "Q1"])


def test_wave_that_is_not_chosen_is_counted(tmp_path: Path) -> None:
    table = parsed(tmp_path, SERIES, "6")
    assert list(zip(table["country"], table["wave"], table["weight"], strict=True)) == [("USA", 6, 1.25), ("NIR", 6, 1)]
    assert ("DEU", "WVS wave 5, not chosen", 1) in left_out(tmp_path)
    assert sum(n for _, _, n in left_out(tmp_path)) + len(table) == SERIES.count("\n") - 1


def test_joint_file_takes_the_wvs_where_both_asked_and_counts_evs_as_wave_7(tmp_path: Path) -> None:
    table = parsed(tmp_path, JOINT, "7")
    assert list(zip(table["country"], table["interview"], strict=True)) == [("DEU", 2), ("FRA", 3), ("NIR", 5)]
    assert (table["wave"] == 7).all()
    assert list(table["weight"]) == [0.9, 1.1, 1.0]
    assert left_out(tmp_path) == {
        ("DE", "EVS wave 5, another sample of the country is used", 1),
        ("XK", "no country of ISO 3166 today", 1),
    }


def older(text: str) -> str:
    """As version 3 of the time series was published: semicolons, decimal commas, no leading zero."""
    return text.replace("c, d", "c").replace(",", ";").replace("0.5", ",5").replace("1.25", "1,25")


def in_lower_case(text: str) -> str:
    header, _, rows = text.partition("\n")
    return f"{header.lower()}\n{rows}"


def with_windows_line_ends(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("form", [older, in_lower_case, with_windows_line_ends])
def test_every_form_of_the_file_gives_the_same_table(form: Callable[[str], str], tmp_path: Path) -> None:
    assert form(SERIES) != SERIES
    pd.testing.assert_frame_equal(
        parsed(tmp_path / "one", form(SERIES), "5 6"), parsed(tmp_path / "other", SERIES, "5 6")
    )


def test_stata_file_with_extended_missing_values(tmp_path: Path) -> None:
    numbers = pd.DataFrame(
        {
            "S002VS": [6.0, 6.0, 6.0],
            "S003": [840.0, 840.0, 840.0],
            "S007": [1.0, 2.0, 3.0],
            "S017": [1.0, 0.5, 1.5],
            "A001": [1, "a", "c"],
            "A029": [0, "b", "e"],
        }
    )
    pyreadstat.write_dta(numbers, tmp_path / "trends.dta", missing_user_values={"A001": list("ac"), "A029": list("be")})
    parse(tmp_path, tmp_path / "trends.dta", "6")
    table = read_table(tmp_path / "responses.parquet", Responses)
    assert list(table["Q1"]) == [1, -1, -3]
    assert list(table["Q8"]) == [2, -2, -5]
    assert list(table["country"]) == ["USA"] * 3
    assert table["year"].isna().all()


@pytest.mark.parametrize(
    ("old", "new", "waves", "tells"),
    [
        (
            "S002VS,S003,COUNTRY_ALPHA,S007,S017",
            "B,C,D,E,F",
            "6",
            ["line 1", "neither the WVS time series nor the joint EVS/WVS file. "],
        ),
        (
            "S002VS,S003,COUNTRY_ALPHA,S007,S017,S020,A001",
            "B_COUNTRY,C,B_COUNTRY_ALPHA,D_INTERVIEW,F,A_YEAR,Q1",
            "6",
            ["line 1", "it looks like the cross-national wave 7 file", "Set form: wvs7"],
        ),
        ("S017", "W", "6", ["line 1", "are missing: S017 (the respondent's weight). No optional"]),
        (
            "S002VS,S003,COUNTRY_ALPHA,S007,S017",
            "A,B,C,S007,D",
            "6",
            ["missing: COUNTRY_ALPHA or S003 (", "S002VS or S002 (the wave)", "S017 (the respondent's weight)"],
        ),
        ("A001,A165,A029,E037,F028", "Y1,Y2,Y3,Y4,Y5", "6", ["line 1", "no column of a question"]),
        ("DEU", "DEX", "6", ["line 6", 'column "COUNTRY_ALPHA"', "'DEX'", "ISO 3166"]),
        (",2,5,840", ",2,five,840", "6", ["line 2", 'column "S002VS"', "'five'", "not the number of a wave"]),
        ("1.25", "heavy", "6", ["line 3", 'column "S017"', "'heavy'", "0 or more"]),
        ("2,2,1,10,4", "2,2,2,10,4", "6", ["line 3", 'column "A029"', "'2'", "are 0, 1", "-5 to -1"]),
        ("2,2,1,10,4", "9,2,1,10,4", "6", ["line 3", 'column "A001"', "'9'", "are 1 to 4"]),
        ("5-0-0", "5-0-0", "2", ["nobody was asked in wave 2", "wave 3 5 6 7"]),
    ],
)
def test_mistake_is_reported_and_leaves_nothing(
    old: str,
    new: str,
    waves: str,
    tells: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    survey = tmp_path / "trends.csv"
    survey.write_text(SERIES.replace(old, new, 1), encoding="utf-8")
    outputs = ["--responses", "responses.parquet", "--columns", "columns.csv", "--left-out", "left_out.csv"]
    outputs = [part if part.startswith("--") else str(tmp_path / part) for part in outputs]
    inputs = ["--survey", survey, "--scales", SCALES, "--trends", TRENDS, "--waves", waves]
    monkeypatch.setattr(sys, "argv", ["selfalign", "parse-trends", *map(str, inputs), *outputs])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 1
    assert said.count("\n") == 1 and "Traceback" not in said
    for part in [str(survey), *tells]:
        assert part in said, said
    assert list(tmp_path.iterdir()) == [survey]


def test_mistake_in_a_wave_that_is_not_chosen_does_no_harm(tmp_path: Path) -> None:
    assert len(parsed(tmp_path, SERIES.replace("1,1,0,1,8", "9,9,9,99,9"), "6 7")) == 2


# The crosswalk


def test_every_code_of_a_recoding_is_one_of_wave_7() -> None:
    trends = read_input(TRENDS, Trends).merge(read_input(SCALES, Scales), on="question", how="left", validate="1:1")
    assert trends["first"].notna().all()
    for row in trends.itertuples():
        recoding = parse_recoding(row.codes)
        assert set(recoding.values()) <= set(range(int(row.first), int(row.last) + 1)), row.question
        if recoding:
            assert set(recoding.values()) == set(range(int(row.first), int(row.last) + 1)), row.question


@pytest.mark.skipif(not CODEBOOK.is_file(), reason="the codebook to check against is not here")
def test_mentioned_or_not_is_recoded_wherever_wave_7_has_two_codes_for_it() -> None:
    codebook = json.loads(CODEBOOK.read_text(encoding="utf-8"))
    trends = read_input(TRENDS, Trends).set_index("question")["codes"]
    named = [question for question in trends.index if codebook[question]["choices"].get("2", "").startswith("Not men")]
    assert len(named) == 20
    assert (trends[named] == "0=2 1=1").all()
