"""Bad survey files: each mistake is one paragraph with line, column, value and remedy; nothing is left behind."""

import zipfile
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from refusal import Refused
from surveys import COUNTS, SURVEY, parse_arguments, write_zip

HEADER = SURVEY.splitlines()[0]


# Comma-separated values


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        # the header
        pytest.param(SURVEY, "", ["the file is empty", "as it was downloaded"], id="empty file"),
        pytest.param(SURVEY, "\n\n", ["line 1", "one column only"], id="blank file"),
        pytest.param(SURVEY, HEADER + "\n", ["has a header but no respondents"], id="header only"),
        pytest.param(SURVEY, HEADER, ["has a header but no respondents"], id="header only, without a line end"),
        pytest.param(SURVEY, "version\n6-0-0\n", ["line 1", "'version'", "one column only"], id="one column"),
        pytest.param(
            SURVEY, f"sep=;\n{SURVEY}", ["line 2", "one column only", 'the line "sep=;" declares'], id="another sep="
        ),
        pytest.param(
            SURVEY, f"{',' * 9}\n{SURVEY}", ["line 1: the first row is empty", "Delete the empty rows"], id="empty row"
        ),
        pytest.param(
            SURVEY,
            SURVEY.replace(",", "|"),
            ["line 1", "'version|B_COUNTRY|", "expected columns with a comma, semicolon or tab", "Save it as CSV"],
            id="another separator",
        ),
        pytest.param(
            "W_WEIGHT",
            "WEIGHT",
            [
                "line 1: these required columns are missing: W_WEIGHT (the respondent's weight; WEIGHT may be the same",
                "No optional column is missing",
                "Add these columns to the subset. Or: Get the cross-national wave 7 file",
            ],
            id="weights renamed",
        ),
        pytest.param(
            "B_COUNTRY,B_COUNTRY_ALPHA",
            "country,COUNTRY_ALPHA",
            ["line 1", "missing: B_COUNTRY_ALPHA (", "B_COUNTRY will do; COUNTRY_ALPHA may be the same"],
            id="countries renamed",
        ),
        pytest.param(
            "W_WEIGHT", "S017", ["line 1", "are missing: W_WEIGHT (the respondent's weight)."], id="no weights"
        ),
        pytest.param("Q4,Q48", "X4,X48", ["line 1", "missing: Q1, Q2, ... (answers; at least one"], id="no questions"),
        pytest.param(
            HEADER,
            "version,code,land,number,when,weight,item4,item48,item82,note",
            ["B_COUNTRY_ALPHA (", "W_WEIGHT (", "Q1, Q2, ... (", "but optional: D_INTERVIEW (", "A_YEAR (the year"],
            id="all that is missing, in one message",
        ),
        pytest.param(
            "A_YEAR,W_WEIGHT",
            "w_weight,W_Weight",
            ["line 1: w_weight and W_Weight may both be", "Rename"],
            id="two cases",
        ),
        pytest.param("Q48", "Q4", ["line 1", 'column "Q4"', "there twice", "as it was downloaded"], id="column twice"),
        # countries
        pytest.param(
            "URY,858069901",
            "TURK,858069901",
            ["line 6", 'column "B_COUNTRY_ALPHA"', "'TURK'", 'Did you mean "TUR"', "Correct the row"],
            id="unknown country",
        ),
        pytest.param("DEU", "276", ["line 2", "'276'", "ISO 3166 alpha-3", "may stand for DEU, Germany"], id="numeric"),
        pytest.param("URY", "32", ["line 6", "'32'", "may stand for ARG, Argentina"], id="numeric without its zero"),
        pytest.param("DEU", "DE", ["line 2", "'DE'", "may stand for DEU, Germany"], id="two letters"),
        pytest.param("DEU", "deu", ["line 2", "'deu'", "may stand for DEU, Germany"], id="lower-case country"),
        pytest.param("DEU", "Germany", ["line 2", "'Germany'", "may stand for DEU, Germany"], id="name of a country"),
        pytest.param("DEU", "999", ["line 2", "'999'", "have three letters, such as DEU"], id="number of no country"),
        pytest.param(
            "ALPHA,D_INTERVIEW,A_YEAR,W_WEIGHT,Q4,Q48,Q82_EU,note\n6-0-0,276",
            "NAME,D_INTERVIEW,A_YEAR,W_WEIGHT,Q4,Q48,Q82_EU,note\n6-0-0,999",
            ["line 2", 'column "B_COUNTRY"', "'999'", "not the ISO 3166 number"],
            id="unknown number where countries are numbered",
        ),
        pytest.param("URY", "", ["line 6", 'column "B_COUNTRY_ALPHA"', "value ''", "three letters"], id="no country"),
        # weights, interviews, years
        pytest.param(",0.5,", ",-0.5,", ["line 3", 'column "W_WEIGHT"', "'-0.5'", "0 or more"], id="negative weight"),
        pytest.param(",0.5,", ",inf,", ["line 3", 'column "W_WEIGHT"', "'inf'", "0 or more"], id="infinite weight"),
        pytest.param(",0.5,", ",nan,", ["line 3", 'column "W_WEIGHT"', "'nan'", "0 or more"], id="weight NaN"),
        pytest.param(",0.5,", ",heavy,", ["line 3", "'heavy'", "a weight is a number of 0 or more"], id="a word"),
        pytest.param(",0.5,", ",,", ["line 3", 'column "W_WEIGHT"', "value ''", "0 or more"], id="no weight"),
        pytest.param(",0.5,", ",NA,", ["line 3", 'column "W_WEIGHT"', "'NA'", "leave out the resp"], id="weight NA"),
        pytest.param("276070002", "2.5", ["line 3", 'column "D_INTERVIEW"', "'2.5'", "whole"], id="half an interview"),
        pytest.param("276070002", "inf", ["line 3", 'column "D_INTERVIEW"', "'inf'"], id="infinite interview"),
        pytest.param("002,2018", "002,2018.5", ["line 3", 'column "A_YEAR"', "'2018.5'", "whole"], id="half a year"),
        pytest.param("002,2018", "002,18", ["line 3", 'column "A_YEAR"', "'18'", "such as 2018"], id="year 18"),
        pytest.param("002,2018", "002,inf", ["line 3", 'column "A_YEAR"', "'inf'"], id="infinite year"),
        # answers
        pytest.param(
            "3,-1,3",
            "5,-1,3",
            ["line 3", 'column "Q4"', "value '5'", "Q4 are 1 to 4, and -5 to -1 for missing", "mark the answer"],
            id="high code",
        ),
        pytest.param("3,-1,3", "0,-1,3", ["line 3", 'column "Q4"', "'0'", "are 1 to 4"], id="low code"),
        pytest.param("3,-1,3", "3,-6,3", ["line 3", 'column "Q48"', "'-6'", "-5 to -1"], id="unknown missing code"),
        pytest.param("3,-1,3", "2.5,-1,3", ["line 3", 'column "Q4"', "'2.5'", "are 1 to 4"], id="half a code"),
        pytest.param(
            "3,-1,3", "Often,-1,3", ["line 3", "'Often'", "are 1 to 4", "as_factor"], id="labels instead of codes"
        ),
        # rows and quotes
        pytest.param("3,-1,3,", "3,-1,3,,7", ["line 3", "11 fields, and the header 10"], id="a field too many"),
        pytest.param("3,-1,3,", "3,-1,3", ["line 3", "9 fields, and the header 10"], id="a field too few"),
        pytest.param(",1.75,-4,-3,-4,y\n", "", ["line 7", "5 fields, and the header 10"], id="cut off in a row"),
        pytest.param(
            "6-0-0,858,URY,858069901,2022",
            '\n6-0-0,858,"URY,858069901,2022',
            ["line 7", "a quote may be left open"],
            id="a quote that is not closed",
        ),
        pytest.param(
            "NOTE", f'"{"x" * 140_000}', ["line 2", "a quote may be left open"], id="not closed, in a large file"
        ),
        pytest.param(
            "NOTE", '"NOTE', ["line 2", "field 10", "holds other rows", "left open"], id="swallows all other rows"
        ),
        pytest.param(
            "NOTE\n",
            '"NOTE\n' + SURVEY.splitlines()[1].replace("NOTE", '"closed"') + "\n",
            ["line 2", "field 10", "holds other rows"],
            id="swallows a row up to the next quote",
        ),
        pytest.param("NOTE", '"a "b, c" d"', ["line 2", "11 fields, and the header 10"], id="quotes not doubled"),
    ],
)
def test_mistake_in_a_survey_file_is_reported_with_line_and_column(
    old: str, new: str, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    assert old in SURVEY
    survey = tmp_path / "survey.csv"
    survey.write_text(SURVEY.replace(old, new, 1), encoding="utf-8")
    refused(*parse_arguments(survey), tells=[str(survey), *tells])


def test_message_stays_short_in_a_file_with_the_wrong_country_column(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "survey.csv").write_text(SURVEY.replace("DEU", "Deutschland"))
    assert len(refused(*parse_arguments(tmp_path / "survey.csv"), tells=["'Deutschland'"])) < 400


@pytest.mark.parametrize(
    ("content", "tells"),
    [
        (SURVEY.encode("utf-16")[:-1], ["is not text in UTF-16", 'Save it as "CSV UTF-8"']),
        (SURVEY.encode("utf-32-be"), ["line 1", "in an encoding that is not known", 'Save it as "CSV UTF-8"']),
    ],
    ids=["half a character", "UTF-32"],
)
def test_text_that_cannot_be_decoded_is_refused(
    content: bytes, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    survey = tmp_path / "survey.csv"
    survey.write_bytes(content)
    refused(*parse_arguments(survey), tells=[str(survey), *tells])


def test_mistake_below_blank_answers_and_other_columns_keeps_its_line(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "survey.csv"
    changed = SURVEY.replace(",", ";").replace(";10;", ";;").replace("3;-1", "9;-1")
    survey.write_text("\ufeff" + changed, encoding="utf-8")
    refused(*parse_arguments(survey), tells=["line 3", 'column "Q4"', "'9'"])


def test_mistake_below_a_sep_line_and_empty_rows_keeps_its_line(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "survey.csv"
    changed = SURVEY.replace(",", ";").replace("858;URY;858069901;2022", "858;URY;858069901;22")
    lines = ["sep=;", *changed.splitlines()]
    lines.insert(4, ";" * 9)
    survey.write_text("\n".join(lines))
    refused(*parse_arguments(survey), tells=["line 8", 'column "A_YEAR"', "'22'"])


def test_blank_lines_and_line_ends_in_fields_do_not_shift_the_lines(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "survey.csv"
    survey.write_text(SURVEY.replace("NOTE\n", '"two\nlines"\n\n').replace("3,-2,2", "9,-2,2"), encoding="utf-8")
    refused(*parse_arguments(survey), tells=["line 7", 'column "Q4"', "'9'"])


# Other files


def test_survey_that_is_not_there_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "none.csv"
    refused(*parse_arguments(survey), tells=[str(survey), "no such survey file", "in the config"])


@pytest.mark.parametrize(
    ("name", "remedy"), [("survey.csv.gz", "Unpack it"), ("survey.7z", "Unpack it"), ("survey", "Download it")]
)
def test_survey_of_another_format_is_refused(name: str, remedy: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / name).write_text(SURVEY)
    refused(*parse_arguments(tmp_path / name), tells=[name, "not one of .csv, .sav, .dta, nor a .zip", remedy])


@pytest.mark.parametrize(
    ("name", "remedy"), [("survey.rds", "write.csv(data"), ("survey.RData", "write.csv("), ("survey.xlsx", "CSV UTF-8")]
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zip"])
def test_file_of_r_or_excel_is_refused_with_the_way_to_csv(
    name: str, remedy: str, zipped: bool, tmp_path: Path, refused: Refused
) -> None:
    survey = tmp_path / name
    survey.write_text(SURVEY)
    if zipped:
        survey = write_zip(tmp_path / "survey.zip", {name: SURVEY})
    refused(*parse_arguments(survey), tells=[name, ".csv, .sav, .dta", remedy])


EARLIER_WAVE = "V1;V2;V2A;" + ";".join(f"V{number}" for number in range(3, 259)) + "\n" + "6;276" + ";1" * 257 + "\n"
EVS = "studyno,version,id_cocas,caseno,country," + ",".join(f"v{number}" for number in range(1, 283)) + "\n"


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        pytest.param(
            EARLIER_WAVE,
            ["the file of an earlier wave", "WVS_Time_Series_1981-2022_csv", "form: trends and waves: [6]"],
            id="wave 6",
        ),
        pytest.param(
            EARLIER_WAVE.lower().replace(";", ","), ["the file of an earlier wave", "form: trends"], id="wave 6, from R"
        ),
        pytest.param(
            "S002VS,S003,COUNTRY_ALPHA,S007,S017,A001\n6,276,DEU,1,1.0,2\n",
            ["this is the WVS time series", "Set form: trends"],
            id="time series",
        ),
        pytest.param(
            "study,wave,uniqid,cntry,cntry_AN,year,gwght,A001\n2,7,1,276,DE,2018,1,2\n",
            ["this is the joint EVS/WVS file", "Set form: trends"],
            id="joint file",
        ),
        pytest.param(EVS, ["the European Values Study alone", "Get the joint EVS/WVS file"], id="EVS"),
        pytest.param(
            SURVEY.replace("Q4,", "Q1P,"), ["inverted wave 7 file", "WVS_Cross-National_Wave_7_csv"], id="inverted"
        ),
    ],
)
def test_another_release_is_named_with_the_expected_one(
    text: str, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    survey = tmp_path / "survey.csv"
    survey.write_text(text)
    refused(*parse_arguments(survey), tells=[f"{survey}, line 1: this is ", *tells])


def write_labelled(path: Path, people: int = 6, **changes: object) -> Path:
    """A survey in SPSS's or Stata's form, some columns of which are changed."""
    columns = {"D_INTERVIEW": range(people), "B_COUNTRY_ALPHA": "DEU", "W_WEIGHT": 1.0, "Q4": 1.0, "Q48": -2.0}
    write = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
    write(pd.DataFrame(columns | changes), path)
    return path


@pytest.mark.parametrize("name", ["survey.sav", "survey.dta"])
@pytest.mark.parametrize(
    ("changes", "tells"),
    [
        pytest.param({"Q4": [1, 2, 3, 4, 5, 1]}, ["line 6", 'column "Q4"', "value '5'", "are 1 to 4"], id="high code"),
        pytest.param({"Q48": [1, 2, 3, 2.5, 5, 1]}, ["line 5", 'column "Q48"', "'2.5'"], id="half a code"),
        pytest.param({"W_WEIGHT": [1, 1, None, 1, 1, 1]}, ["line 4", 'column "W_WEIGHT"', "value ''"], id="no weight"),
        pytest.param({"W_WEIGHT": [1, -1.5, 1, 1, 1, 1]}, ["line 3", "'-1.5'", "0 or more"], id="negative weight"),
        pytest.param({"B_COUNTRY_ALPHA": 276}, ["line 2", "'276'", "may stand for DEU, Germany"], id="numeric country"),
        pytest.param(
            {"A_YEAR": pd.Timestamp("2018-03-01")},
            ["line 2", 'column "A_YEAR"', "such as 2018"],
            id="a date for a year",
        ),
        pytest.param({"people": 0}, ["has a header but no respondents"], id="nobody"),
    ],
)
def test_mistake_in_an_spss_or_stata_file_is_reported(
    name: str, changes: dict, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    refused(*parse_arguments(write_labelled(tmp_path / name, **changes)), tells=[name, *tells])


@pytest.mark.parametrize("kind", [".sav", ".dta"])
@pytest.mark.parametrize("part", [0.05, 0.4, 0.7, 0.95])
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zip"])
def test_spss_or_stata_file_that_is_cut_off_is_refused(
    kind: str, part: float, zipped: bool, tmp_path: Path, refused: Refused
) -> None:
    survey = write_labelled(tmp_path / f"survey{kind}", people=500)
    raw = survey.read_bytes()
    survey.write_bytes(raw[: int(len(raw) * part)])
    if zipped:
        survey = write_zip(tmp_path / "survey.zip", {survey.name: survey.read_bytes()})
    refused(*parse_arguments(survey), tells=[str(survey), f"cannot be read as {kind}", "Download it again"])


@pytest.mark.parametrize("kind", [".sav", ".dta"])
@pytest.mark.parametrize("content", ["hello", SURVEY])
def test_file_that_is_none_of_spss_or_stata_is_refused(
    kind: str, content: str, tmp_path: Path, refused: Refused
) -> None:
    survey = tmp_path / f"survey{kind}"
    survey.write_text(content)
    refused(*parse_arguments(survey), tells=[str(survey), f"cannot be read as {kind}", "Download it again"])
    survey.write_text("")
    refused(*parse_arguments(survey), tells=[str(survey), "the file is empty"])


# Archives


def refuse_archive(survey: Path, refused: Refused, *tells: str) -> None:
    refused(*parse_arguments(survey), tells=[str(survey), *tells])


def test_truncated_zip_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = write_zip(tmp_path / "survey.zip", {"wvs.csv": SURVEY * 50})
    survey.write_bytes(survey.read_bytes()[:-40])
    refuse_archive(survey, refused, "not a whole zip", "Download it again")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_with_a_flipped_byte_is_refused(compression: int, tmp_path: Path, refused: Refused) -> None:
    survey = write_zip(tmp_path / "survey.zip", {"wvs.csv": SURVEY * 50}, compression)
    raw = bytearray(survey.read_bytes())
    raw[80] ^= 0xFF
    survey.write_bytes(raw)
    refuse_archive(survey, refused, "not a whole zip", "Download it again")


def set_in_headers(survey: Path, offset: int, value: int) -> None:
    """Change a byte of both headers of an archive's first member; the offset is that in the first of them."""
    raw = bytearray(survey.read_bytes())
    for header, more in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        raw[raw.index(header) + offset + more] = value
    survey.write_bytes(raw)


def test_zip_that_asks_for_a_password_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = write_zip(tmp_path / "survey.zip", {"wvs.csv": SURVEY})
    set_in_headers(survey, 6, 1)
    refuse_archive(survey, refused, "password", "Unzip it")


def test_zip_by_another_compression_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = write_zip(tmp_path / "survey.ZIP", {"wvs.csv": SURVEY})
    set_in_headers(survey, 8, 99)
    refuse_archive(survey, refused, "compression", "Unzip it")


def test_zip_that_is_none_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "survey.zip"
    survey.write_text("<html>please log in</html>")
    refuse_archive(survey, refused, "not a whole zip", "Download it again")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ((), 0),
        (("one.csv", "two.csv"), 2),
        (("wave/one.csv", "wave/one.sav", "wave/one.dta"), 3),
        (("._wvs.csv", "__MACOSX/wvs.csv"), 0),
    ],
    ids=["none", "two", "three formats", "litter only"],
)
def test_zip_without_exactly_one_table_is_refused(
    names: tuple[str, ...], count: int, tmp_path: Path, refused: Refused
) -> None:
    survey = write_zip(tmp_path / "survey.zip", dict.fromkeys(["readme.txt", *names], SURVEY))
    listed = names if count else ()
    refuse_archive(survey, refused, f"holds {count} survey files", "where one was expected", "Unzip it", *listed)


def test_zip_in_a_zip_is_refused(tmp_path: Path, refused: Refused) -> None:
    inner = write_zip(tmp_path / "inner.zip", {"wvs.csv": SURVEY})
    survey = write_zip(tmp_path / "survey.zip", {"wvs.zip": inner.read_bytes()})
    refuse_archive(survey, refused, "holds 0 survey files", "Unzip it")


@pytest.mark.parametrize(
    "name",
    [
        "../wvs.csv",
        "a/../../wvs.csv",
        "/wvs.csv",
        "..\\wvs.csv",
        "C:\\wvs.csv",
        "C:wvs.csv",
        "\\\\host\\share\\wvs.csv",
    ],
)
@pytest.mark.parametrize("beside", [{}, {"wvs.csv": SURVEY}], ids=["alone", "beside"])
def test_member_that_climbs_out_of_the_archive_is_refused(
    name: str, beside: dict[str, str], tmp_path: Path, refused: Refused
) -> None:
    survey = write_zip(tmp_path / "in" / "survey.zip", beside | {name: SURVEY})
    refuse_archive(survey, refused, repr(name), "would be written outside", "Do not trust this archive")


@pytest.mark.slow
def test_zip_bomb_is_refused(tmp_path: Path, refused: Refused) -> None:
    survey = write_zip(tmp_path / "survey.zip", {"wvs.csv": SURVEY + "\n" * 2**25})
    assert survey.stat().st_size < 100_000
    refuse_archive(survey, refused, "wvs.csv would unzip to 33,55", "no survey does", "Do not trust this archive")


@pytest.mark.parametrize(
    ("size", "packed"), [(2**32 - 2, None), (17 * 2**30, 2**30)], ids=["large for its bytes", "too large"]
)
def test_member_with_a_huge_declared_size_is_refused(
    size: int, packed: int | None, tmp_path: Path, refused: Refused
) -> None:
    survey = tmp_path / "survey.zip"
    with zipfile.ZipFile(survey, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wvs.csv", SURVEY)
        archive.filelist[0].file_size = size
        archive.filelist[0].compress_size = packed or archive.filelist[0].compress_size
    refuse_archive(survey, refused, f"would unzip to {size:,} bytes", "no survey does")


@pytest.mark.slow
def test_member_is_not_unzipped_beyond_its_declared_size(tmp_path: Path, refused: Refused) -> None:
    survey = tmp_path / "survey.zip"
    with zipfile.ZipFile(survey, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wvs.csv", SURVEY + "\n" * 2**25)
        archive.filelist[0].file_size = len(SURVEY)
    refuse_archive(survey, refused, "not a whole zip", "Download it again")


# Published counts


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        pytest.param(
            "BOL,Q4,1,309\n", "BOL,Q4,1,310\n", ["Q4 in BOL", "2068", "2067", "code -5"], id="counts do not add up"
        ),
        pytest.param("BOL,Q4,1,309\n", "BOL,Q4,1,0\n", ['column "count"', "1 or more"], id="a count of nobody"),
        pytest.param("BOL,Q4,1,309\n", "BOL,Q4,1,309\nBOL,Q4,1,309\n", ["not be repeated"], id="a row twice"),
        pytest.param("AUS,Q1,-5,10\n", "AAA,Q1,-5,10\n", ["line 2", 'column "country"', "'AAA'"], id="no country"),
    ],
)
def test_mistake_in_published_counts_is_reported(
    old: str, new: str, tells: list[str], tmp_path: Path, refused: Refused
) -> None:
    text = COUNTS.read_text()
    assert text.count(old) == 1
    (tmp_path / "counts.csv").write_text(text.replace(old, new))
    arguments = ["simulate-survey", "--counts", tmp_path / "counts.csv", "--seed", 1]
    refused(*arguments, "--output", tmp_path / "example.csv", tells=["counts.csv", *tells])
