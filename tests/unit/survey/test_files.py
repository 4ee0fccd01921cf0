"""The official wave 7 file in all its forms: whichever was downloaded, however it was saved, the table is the same."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.errors import InputError
from selfalign.survey.describe_survey import count_answer_kinds, describe_samples
from selfalign.survey.files import open_survey
from selfalign.survey.parse_wvs7 import find_columns
from selfalign.survey.schemas import Columns, Responses
from selfalign.survey.weigh_answers import count_codes
from selfalign.tables import read_table
from surveys import SCALES, SURVEY, parse, parse_arguments, read_wvs7, run, write_zip

ANSWERS = ["Q4", "Q48", "Q82_EU"]
LETTERS = {-1.0: "a", -2.0: "b", -3.0: "c", -4.0: "d", -5.0: "e"}
"""How Stata writes the missing codes."""


def test_real_rows_are_read_by_hand() -> None:
    expected = {
        "respondent": [2, 3, 4, 5, 6, 7],
        "interview": [276070001, 276070002, 276070003, 276070004, 858069901, 858069901],
        "country": ["DEU", "DEU", "DEU", "DEU", "URY", "URY"],
        "wave": [7] * 6,
        "year": [2017, 2018, 2018, 2018, 2022, None],
        "weight": [1.0, 0.5, 2.5, 1.5, 0.25, 1.75],
        "Q4": [1, 3, -5, 3, 4, -4],
        "Q48": [10, -1, -2, -2, 4, -3],
    }
    table = pd.DataFrame(expected).astype({"year": "Int64"})
    pd.testing.assert_frame_equal(parse(SURVEY), table, check_dtype=False)


def test_file_without_years_is_read() -> None:
    without = parse(SURVEY.replace("A_YEAR", "A_DAY"))
    assert without["year"].isna().all()
    pd.testing.assert_frame_equal(without.drop(columns="year"), parse(SURVEY).drop(columns="year"))


def subset(old: str = "", new: str = "") -> str:
    """The survey as R's write.csv gives a part of it: with the numbers of the rows, quotes, and one text replaced."""
    assert old in SURVEY
    lines = [line.split(",") for line in SURVEY.replace(old, new).splitlines()]
    quoted = [
        [cell if number and cell[:1].isdigit() else f'"{cell}"' for cell in row] for number, row in enumerate(lines)
    ]
    return "".join(",".join([f'"{number or ""}"', *row]) + "\n" for number, row in enumerate(quoted))


def test_subset_without_interviews_is_read_and_repeats_are_not_counted(tmp_path: Path) -> None:
    table = parse(SURVEY.replace("D_INTERVIEW", "row"))
    assert table["interview"].isna().all()
    pd.testing.assert_frame_equal(table.drop(columns="interview"), parse(SURVEY).drop(columns="interview"))
    quality = describe_samples(table, count_answer_kinds(count_codes(table)))
    assert quality["repeated_interviews"].isna().all()
    some = describe_samples(parse(SURVEY), count_answer_kinds(count_codes(parse(SURVEY))))
    assert list(some["repeated_interviews"]) == [0, 2]


def test_interview_that_is_blank_repeats_none(tmp_path: Path) -> None:
    table = parse(SURVEY.replace("276070001", "").replace("276070002", "NA"))
    assert table["interview"].isna().tolist() == [True, True, False, False, False, False]
    assert describe_samples(table, count_answer_kinds(count_codes(table)))["repeated_interviews"].tolist() == [0, 2]


def test_countries_by_number_are_read_where_the_codes_are_missing() -> None:
    numbered = parse(SURVEY.replace("B_COUNTRY_ALPHA", "C_COW_ALPHA").replace("858,URY", "909,URY"))
    assert list(numbered["country"]) == ["DEU"] * 4 + ["NIR"] * 2


@pytest.mark.parametrize("mark", ["NA", '"NA"', "NaN", "#NULL!", "#N/A", "."])
def test_mark_of_a_missing_answer_is_read_as_one(mark: str) -> None:
    assert list(parse(SURVEY.replace(",4,4,-4,", f",{mark},4,-4,")).loc[4, ["Q4", "Q48"]]) == [-5, 4]


def test_names_in_lower_case_are_read() -> None:
    header, _, people = SURVEY.partition("\n")
    pd.testing.assert_frame_equal(parse(f"{header.lower()}\n{people}"), parse(SURVEY))


def test_log_counts_what_was_accepted(tmp_path: Path) -> None:
    text = subset("D_INTERVIEW", "row").replace("Q4", "q4").replace("W_WEIGHT", "w_weight").replace('""', "NA")
    text += "NA," * 10 + "NA\n" + "," * 10 + "\n"
    (tmp_path / "survey.csv").write_text(text)
    said = run(*parse_arguments(tmp_path / "survey.csv"))
    assert "6 respondents of 2 countries, 2 questions\n" in said
    for counted in (
        "empty rows left out: 2;",
        "cells with NA or a similar mark read as missing: 1;",
        "column names in another case: 3;",
        "optional columns missing (D_INTERVIEW): 1\n",
    ):
        assert counted in said, said
    assert read_table(tmp_path / "responses.parquet", Responses)["respondent"].tolist() == [2, 3, 4, 5, 6, 7]


def test_log_of_a_published_file_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text(SURVEY)
    assert "accepted" not in run(*parse_arguments(tmp_path / "survey.csv"))


def test_respondents_keep_their_records_below_empty_rows() -> None:
    lines = SURVEY.splitlines()
    lines[3:3] = ["," * 9, " " + "," * 9, ""]
    assert list(parse("\n".join(lines))["respondent"]) == [2, 3, 6, 7, 8, 9]


def test_blank_answer_is_missing_for_another_reason() -> None:
    blank = parse(SURVEY.replace(",4,4,-4,", ",,  ,-4,"))
    assert list(blank.loc[4, ["Q4", "Q48"]]) == [-5, -5]


# Comma-separated values


def rows() -> list[list[str]]:
    return list(csv.reader(io.StringIO(SURVEY)))


def written(**form: object) -> str:
    """The rows of the survey, written by Python's csv."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **form).writerows(rows())
    return text.getvalue()


def with_note(note: str | bytes) -> bytes:
    """The survey, with a free-text answer as it may stand in a file."""
    note = note.encode() if isinstance(note, str) else note
    return SURVEY.encode().replace(b"NOTE", note)


def with_notes_first(note: str) -> bytes:
    """The survey with its free-text answers in the first column, all of them a note."""
    text = io.StringIO()
    (header, *people), writer = rows(), csv.writer(text, lineterminator="\n")
    writer.writerows([[header[-1], *header[:-1]], *([note, *cells[:-1]] for cells in people)])
    return text.getvalue().encode()


CSV = {
    "semicolons": written(delimiter=";").encode(),
    "tabs": written(delimiter="\t").encode(),
    "byte order mark": SURVEY.encode("utf-8-sig"),
    "semicolons and byte order mark": written(delimiter=";").encode("utf-8-sig"),
    "Windows line ends": SURVEY.replace("\n", "\r\n").encode(),
    "old Macintosh line ends": SURVEY.replace("\n", "\r").encode(),
    "all cells quoted": written(quoting=csv.QUOTE_ALL).encode(),
    "all cells quoted, byte order mark": written(quoting=csv.QUOTE_ALL).encode("utf-8-sig"),
    "a line sep=;": b"sep=;\n" + written(delimiter=";").encode(),
    "a line sep=, and byte order mark": b"\xef\xbb\xbfsep=,\r\n" + SURVEY.replace("\n", "\r\n").encode(),
    "a line sep=|": b'"sep=|"\n' + written(delimiter="|").encode(),
    "Excel's Unicode text": written(delimiter="\t").encode("utf-16"),
    "UTF-16 without byte order mark": SURVEY.encode("utf-16-le"),
    "UTF-16, big-endian": SURVEY.encode("utf-16-be"),
    "decimal commas": written(delimiter=";")
    .replace(".5;", ",5;")
    .replace(".25;", ",25;")
    .replace(".0;", ",0;")
    .encode(),
    "codes with a decimal comma": written(delimiter=";").replace(";3;", ";3,0;").encode(),
    "names with labels": SURVEY.replace("Q4,", "Q4: Important in life,")
    .replace("W_WEIGHT", '"W_WEIGHT: Weight"')
    .encode(),
    "R's write.csv": subset().encode(),
    "empty rows below": (SURVEY + ("," * 9 + "\n") * 3).encode(),
    "empty columns at the end": SURVEY.replace("\n", ",,,\n").encode(),
    "no last line end": SURVEY.rstrip("\n").encode(),
    "blank lines": SURVEY.replace("\n", "\n\n").encode(),
    "a column without a name": SURVEY.replace("note", "").encode(),
    "separators at line ends": SURVEY.replace("\n", ",\n").encode(),
    "a line end in the header": SURVEY.replace("note", '"no\nte"').encode(),
    "codes as decimals": SURVEY.replace(",1,", ",1.0,").replace(",3,", ",3.00,").encode(),
    "codes with spaces": SURVEY.replace(",1,", ", 1 ,").encode(),
    "interviews as decimals": SURVEY.replace("070001", "070001.0").encode(),
    "Latin-1": with_note("región, Zürich".replace(",", "").encode("latin-1")),
    "UTF-8": with_note("regiόn ポケ"),
    "two encodings in a cell": with_note("Zürich ".encode() + "Zürich".encode("latin-1") + b"\x81\xff"),
    "a NUL": with_note(b"a\0b"),
    "doubled quotes": with_note('"said ""no, never"";"'),
    "quotes not doubled": with_note('"said "no" to me"'),
    "quotes in the middle": with_note('said "no" to me'),
    "a quote in the middle": with_note('5" of snow'),
    "quotes after a space": with_note(' "no"'),
    "text after quotes": with_note('"no" she said'),
    "empty quotes": with_note('""'),
    "apostrophes": with_note("'don''t"),
    "backslashes": with_note('\\"no\\" \\n'),
    "separators in quotes": with_note('"a,b;c\td"'),
    "line ends in quotes": with_note('"a\nb\r\n\r\nc, d"'),
    "line ends in quotes of the first column": with_notes_first("I like it.\nWell, mostly, yes\nno"),
    "separators and line ends in quotes": with_note('"a, b\n,,,,,,,,,,,,\nc, d, e"'),
    "a very long cell": with_note("x" * 200_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", CSV.values(), ids=CSV.keys())
def test_every_form_of_csv_gives_the_same_table(form: bytes, tmp_path: Path) -> None:
    assert form != SURVEY.encode()
    (tmp_path / "survey.csv").write_bytes(form)
    pd.testing.assert_frame_equal(read_wvs7(tmp_path / "survey.csv"), parse(SURVEY))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=6, max_size=6), st.sampled_from(",;\t"))
def test_free_text_of_any_kind_moves_no_other_cell(notes: list[str], separator: str) -> None:
    header, *people = rows()
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([header, *([*cells[:-1], note] for cells, note in zip(people, notes, strict=True))])
    pd.testing.assert_frame_equal(parse(text.getvalue()), parse(SURVEY))


# SPSS and Stata


def typed() -> pd.DataFrame:
    """The survey as SPSS and Stata hold it: numbers, and nothing where a cell is blank."""
    table = pd.DataFrame(rows()[1:], columns=rows()[0])
    numbers = ["B_COUNTRY", "D_INTERVIEW", "A_YEAR", "W_WEIGHT", *ANSWERS]
    return table.assign(**{name: pd.to_numeric(table[name]).astype("float64") for name in numbers})


def write_sav(path: Path, **more: object) -> None:
    pyreadstat.write_sav(
        typed(),
        path,
        column_labels={"Q4": "Important in life: politics"},
        variable_value_labels={"Q4": {1.0: "Very important", -1.0: "Don´t know"}, "B_COUNTRY": {276.0: "Germany"}},
        **more,
    )


def write_sav_with_missing_ranges(path: Path) -> None:
    write_sav(path, missing_ranges={"Q4": [{"lo": -5.0, "hi": -1.0}], "Q48": [-1.0, -2.0], "W_WEIGHT": [0.5]})


def write_sav_in_two_encodings(path: Path) -> None:
    write_sav(path)
    raw = path.read_bytes()
    assert raw.count("´".encode()) == 1
    path.write_bytes(raw.replace("´".encode(), b"\xb4 "))


def write_dta(path: Path) -> None:
    pyreadstat.write_dta(typed(), path, variable_value_labels={"Q4": {1: "Very important"}})


def write_dta_with_extended_missing_values(path: Path) -> None:
    table = typed()
    for name in ANSWERS:
        table[name] = table[name].astype(object).replace(LETTERS)
    table["A_YEAR"] = table["A_YEAR"].astype(object).replace(LETTERS)
    kinds = dict.fromkeys([*ANSWERS, "A_YEAR"], list(LETTERS.values()))
    pyreadstat.write_dta(table, path, missing_user_values=kinds, variable_value_labels={"Q4": {1: "Very", "a": "dk"}})


def write_dta_of_small_types(version: int) -> Callable[[Path], None]:
    types = {"B_COUNTRY": "int16", "D_INTERVIEW": "int32", "A_YEAR": "int16", "W_WEIGHT": "float32"}
    types |= {"Q4": "float32", "Q48": "int8", "Q82_EU": "int8"}

    def write(path: Path) -> None:
        typed().astype(types).to_stata(path, version=version, write_index=False)

    return write


LABELLED = {
    "labels.sav": write_sav,
    "uncompressed.sav": lambda path: write_sav(path, row_compress=False),
    "compressed.sav": lambda path: write_sav(path, row_compress=True),
    "missing ranges.sav": write_sav_with_missing_ranges,
    "two encodings.sav": write_sav_in_two_encodings,
    "UPPER.SAV": write_sav,
    "labels.dta": write_dta,
    "missing values.dta": write_dta_with_extended_missing_values,
    "small types, Stata 8.dta": write_dta_of_small_types(114),
    "small types, Stata 14.dta": write_dta_of_small_types(118),
}


@pytest.mark.parametrize(("name", "write"), LABELLED.items(), ids=LABELLED.keys())
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zip"])
def test_spss_and_stata_files_give_the_same_table(
    name: str, write: Callable[[Path], None], zipped: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    write(path)
    if zipped:
        path = write_zip(tmp_path / "survey.zip", {f"WVS_v6.0/{name}": path.read_bytes(), "codebook.pdf": "%PDF"})
    pd.testing.assert_frame_equal(read_wvs7(path), parse(SURVEY))


# Archives


@pytest.mark.parametrize(("suffix", "write"), [(".sav", pyreadstat.write_sav), (".dta", pyreadstat.write_dta)])
def test_text_of_one_letter_is_not_a_missing_value(suffix: str, write: Callable, tmp_path: Path) -> None:
    path = tmp_path / f"survey{suffix}"
    write(pd.DataFrame({"sex": ["m", "f", "m"], "q": [1.0, None, 2.5]}), str(path))
    with open_survey(path, tmp_path) as file:
        assert file.read(["sex", "q"]).astype(object).to_numpy().tolist() == [["m", "1"], ["f", ""], ["m", "2.5"]]


def test_extended_missing_values_of_stata_keep_their_dot_next_to_texts(tmp_path: Path) -> None:
    table = pd.DataFrame({"q": pd.Series([1, "a", "b"], dtype=object), "sex": ["m", "f", "a"]})
    pyreadstat.write_dta(table, str(tmp_path / "s.dta"), missing_user_values={"q": ["a", "b"]})
    with open_survey(tmp_path / "s.dta", tmp_path) as file:
        assert file.read(["q", "sex"]).astype(object).to_numpy().tolist() == [["1", "m"], [".a", "f"], [".b", "a"]]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ('"id";"Age, in years, now";"Q1"', ["id", "Age, in years, now", "Q1"]),
        ("id;Family, friends, work;Q1", ["id", "Family, friends, work", "Q1"]),
        ("id,Trust: family,Trust: friends", ["id", "Trust: family", "Trust: friends"]),
        ("Größe;Q1: Important in life;note: x", ["Größe", "Q1", "note"]),
        ('"id, of\nthe person";"Q1\nwhole";Q2', ["id, of\nthe person", "Q1\nwhole", "Q2"]),
    ],
    ids=["quoted commas", "bare commas", "labels of one stem", "letters and labels", "line ends"],
)
def test_columns_are_read_by_name_and_not_by_label(header: str, names: list[str], tmp_path: Path) -> None:
    mark = "," if header.startswith("id,") else ";"
    (tmp_path / "s.csv").write_text(f"{header}\n{mark.join('123')}\n", encoding="utf-8")
    with open_survey(tmp_path / "s.csv", tmp_path) as file:
        assert file.names == names
        assert file.read(names).astype(object).to_numpy().tolist() == [["1", "2", "3"]]


def test_rows_of_descriptions_by_qualtrics_are_refused(tmp_path: Path) -> None:
    text = 'Q1,Q2\nHow important,"Trust\nin people"\n"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n1,2\n'
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="line 2: has two rows of descriptions .* Delete these two rows"):
        open_survey(tmp_path / "s.csv", tmp_path).__enter__()


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"WVS.csv": SURVEY}, id="the file alone"),
        pytest.param({"WVS_v6.0.csv/": "", "WVS_v6.0.csv/WVS.CSV": SURVEY}, id="in a folder that is called like it"),
        pytest.param({"readme.txt": "x", "codebook.pdf": "%PDF", "WVS.csv": SURVEY, ".hidden.csv": "x"}, id="beside"),
        pytest.param(
            {"__MACOSX/": "", "__MACOSX/._WVS.csv": "x", "__MACOSX/WVS.csv": "x", ".DS_Store": "", "WVS.csv": SURVEY},
            id="made on a Macintosh",
        ),
        pytest.param({"données/WVS é.csv": SURVEY, ".": "", "a..b.txt": ""}, id="odd names"),
    ],
)
def test_survey_is_found_in_an_archive(members: dict[str, str], tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(read_wvs7(write_zip(tmp_path / "survey.ZIP", members)), parse(SURVEY))


@pytest.mark.slow
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archive_with_any_byte_changed_is_refused_or_read_whole(compression: int, tmp_path: Path) -> None:
    raw = write_zip(tmp_path / "survey.zip", {"WVS.csv": SURVEY, "readme.txt": "x"}, compression).read_bytes()
    refused = 0
    for place in range(len(raw)):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << place % 8
        (tmp_path / "survey.zip").write_bytes(damaged)
        try:
            with open_survey(tmp_path / "survey.zip", tmp_path / "scratch") as file:
                assert file.data.read_bytes() == SURVEY.encode()
        except InputError:
            refused += 1
    assert refused > 200


# Columns


def test_use_of_each_column_is_printed() -> None:
    uses = {
        "version": ("unused", None),
        "D_INTERVIEW": ("respondent", None),
        "Q33": ("question", "Q33"),
        "Q33_3": ("variant", "Q33"),
        "Q82": ("question", "Q82"),
        "Q82_EU": ("variant", "Q82"),
        "Q94R": ("variant", "Q94"),
        "Q94": ("question", "Q94"),
        "Q234A": ("question", "Q234A"),
        "Q9": ("unused", None),
        "Q290": ("unused", None),
        "S018": ("unused", None),
        "I_Q33": ("unused", None),
        "(column 14)": ("unused", None),
    }
    questions = {name: name for name in ("Q33", "Q82", "Q94", "Q234A")}
    table = Columns.validate(find_columns(list(uses), ["D_INTERVIEW", "W_WEIGHT"], questions))
    expected = pd.DataFrame([(name, *use) for name, use in uses.items()], columns=["column", "use", "question"])
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_program_writes_respondents_and_columns_and_counts_them(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text(SURVEY)
    outputs = ["--responses", tmp_path / "out" / "responses.parquet", "--columns", tmp_path / "out" / "columns.csv"]
    said = run("parse-wvs7", "--survey", tmp_path / "survey.csv", "--scales", SCALES, *outputs)
    assert said == "6 respondents of 2 countries, 2 questions\n"
    pd.testing.assert_frame_equal(read_table(tmp_path / "out" / "responses.parquet", Responses), parse(SURVEY))
    columns = read_table(tmp_path / "out" / "columns.csv", Columns)
    assert list(columns["column"]) == rows()[0]
    assert list(columns.loc[columns["use"] == "respondent", "column"]) == [
        "B_COUNTRY_ALPHA",
        "D_INTERVIEW",
        "A_YEAR",
        "W_WEIGHT",
    ]
    assert list(columns.loc[columns["use"] == "question", "question"]) == ["Q4", "Q48"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["columns.csv", "responses.parquet"]
