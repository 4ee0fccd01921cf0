"""The group of each respondent: crosswalks, columns, missing answers, and their counts."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from grouped import CROSSWALK, read_planted, write_planted
from nonempty import some
from places import ROOT
from refusal import Refused
from selfalign.errors import InputError
from selfalign.survey.files import open_survey
from selfalign.survey.read_groups import count_groups, read_crosswalk, read_groups
from selfalign.survey.schemas import GroupCounts

TRENDS = ROOT / "resources" / "survey" / "groups" / "trends.csv"
CODEBOOK = ROOT.parent / "shared" / "data" / "wvs7_codebook_v5.json"


def groups_of(survey: str, crosswalk: str) -> list[tuple[str | None, str | None]]:
    """Group and reason of each respondent, by the text of a survey file and of a crosswalk."""
    with TemporaryDirectory() as folder:
        data, file = Path(folder, "survey.csv"), Path(folder, "groups.csv")
        data.write_text(survey, encoding="utf-8")
        file.write_text(crosswalk, encoding="utf-8")
        people = pd.DataFrame({"respondent": range(2, survey.count("\n") + 1), "country": "DEU"})
        with open_survey(data, Path(folder)) as opened:
            found = read_groups(opened, read_crosswalk(file), people)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in found[["group", "reason"]].to_numpy()]


def test_official_codes_make_the_groups(tmp_path: Path) -> None:
    responses, groups = read_planted(write_planted(tmp_path / "survey.csv", ("DEU",)))
    counts = GroupCounts.validate(count_groups(groups, responses))
    n = {(row.variable, row.group if pd.notna(row.group) else row.reason): row.n for row in counts.itertuples()}
    assert n == {
        **{("sex", "male"): 20, ("sex", "female"): 20, ("sex", "no_answer"): 1, ("sex", "other"): 2},
        **{("age", "under_30"): 8, ("age", "30-49"): 12, ("age", "50+"): 20, ("age", "dont_know"): 3},
        **{("education", "lower"): 16, ("education", "middle"): 8, ("education", "higher"): 16},
        ("education", "unlisted"): 3,
        **{("settlement", "urban"): 32, ("settlement", "rural"): 8, ("settlement", "other"): 3},
    }
    assert (counts.groupby("variable")["n"].sum() == len(responses)).all()  # nobody is left out
    men = counts[counts["group"] == "male"].iloc[0]
    assert men["share"] == pytest.approx(25 / 48, abs=1e-6)  # of all weights of the country


def test_first_column_that_the_file_has_is_read() -> None:
    crosswalk = "variable,group,column,values\nlevel,low,R,1\nlevel,low,S,0-2\nlevel,high,S,3-8\nlevel,high,R,3\n"
    assert groups_of("R,S\n1,8\n3,0\n2,0\n", crosswalk) == [("low", None), ("high", None), (None, "unlisted")]
    assert groups_of("x,s\n1,8\n3,0\n2,2.0\n", crosswalk) == [("high", None), ("low", None), ("low", None)]
    assert groups_of("x,y\n1,8\n3,0\n", crosswalk) == [(None, "no_column")] * 2


def test_words_ranges_and_marks_are_read() -> None:
    rows = ["variable;group;column;values;note", "sex;women;Geschlecht;weiblich;x", "sex;women;Geschlecht;W;"]
    crosswalk = "\n".join([*rows, "sex;men;Geschlecht;2;"]) + "\n"
    values = ["weiblich", " Weiblich ", "w", "2", "02", "2,0", "2.5", "NA", "", ".a", "-3", "divers"]
    survey = "Geschlecht;other\n" + "".join(f"{value};1\n" for value in values)
    found = groups_of(survey, crosswalk)
    assert [group for group, _ in found] == [*["women"] * 3, *["men"] * 3, *[None] * 6]
    assert [reason for _, reason in found[6:]] == [
        "unlisted",
        "other",
        "other",
        "dont_know",
        "not_applicable",
        "unlisted",
    ]


def test_two_groups_cannot_share_a_value(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("variable,group,column,values\nage,young,A,16-30\nage,old,A,30-99\n", encoding="utf-8")
    outputs = ["--groups", tmp_path / "g.parquet", "--counts", tmp_path / "c.csv"]
    arguments = ["read-groups", "--survey", file, "--crosswalk", file, "--responses", file, *outputs]
    refused(*arguments, tells=[str(file), "line 3", '"values"', "'30-99'", "young and old of age share a value of A"])
    file.write_text("variable,group,column,values\nage,young,A,30-16\n", encoding="utf-8")
    refused(*arguments, tells=["line 2", "the first number is larger than the last", "Exchange them"])
    file.write_text("variable,group,column,values\nage,the young,A,16-30\n", encoding="utf-8")
    refused(*arguments, tells=["line 2", '"group"', "'the young'"])


def test_parts_of_one_group_may_overlap(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text(
        "variable,group,column,values\nage,young,A,16-30\nage,young,A,30\nage,young,B,1\n", encoding="utf-8"
    )
    assert len(read_crosswalk(file)) == 3
    with pytest.raises(InputError, match="has a header but no rows"):
        file.write_text("variable,group,column,values\n", encoding="utf-8")
        read_crosswalk(file)


@pytest.mark.parametrize("file", [CROSSWALK, TRENDS], ids=lambda file: file.stem)
def test_shipped_crosswalks_have_the_four_variables(file: Path) -> None:
    table = read_crosswalk(file)
    groups = table.groupby("variable", sort=False)["group"].unique().map(list).to_dict()
    assert groups == {
        "sex": ["male", "female"],
        "age": ["under_30", "30-49", "50+"],
        "education": ["lower", "middle", "higher"],
        "settlement": ["urban", "rural"],
    }


@pytest.mark.skipif(not CODEBOOK.is_file(), reason="needs the codebook of the survey")
def test_codes_of_wave_7_are_those_of_its_codebook() -> None:
    codebook = json.loads(CODEBOOK.read_text(encoding="utf-8"))
    table = read_crosswalk(CROSSWALK)
    for column, rows in some(table).groupby("column"):
        codes = {int(code) for code in codebook[column]["choices"] if not code.startswith("-")}
        given = set()
        for values in rows["values"]:
            first, _, last = values.partition("-")
            given |= set(range(int(first), int(last or first) + 1))
        assert codes == (given if column != "Q262" else set()), column
    for row in table.itertuples():
        if row.column in ("Q260", "Q275R", "H_URBRURAL"):
            assert codebook[row.column]["choices"][row.values].lower() == row.group


def test_range_is_also_a_text() -> None:
    crosswalk = "variable,group,column,values\nage,young,band,18-29\nage,older,band,30 - 49\n"
    found = groups_of("band,x\n18-29,1\n30 - 49,1\n25,1\n30.0,1\n50-64,1\n", crosswalk)
    assert [group for group, _ in found] == ["young", "older", "young", "older", None]
