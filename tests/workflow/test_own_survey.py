"""A survey of one's own: any columns, any ids, its own questions and citation."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import national
import pandas as pd
import pytest
import yaml
from project import Project, read_settings
from refusal import Refused
from selfalign.config.read import check_settings
from selfalign.errors import Faults, InputError
from selfalign.probes.bank import read_bank
from selfalign.probes.questionnaire import check_words
from selfalign.probes.scales import read_scale_texts, read_scales
from selfalign.survey.files import open_survey
from selfalign.survey.inspect_file import find_candidates, inspect_columns
from selfalign.survey.parse_counts import read_counts, to_distributions
from selfalign.survey.parse_table import parse_table
from selfalign.survey.questions import join_list, read_questions, split_list, tidy, to_scales
from selfalign.survey.registry import how_to_cite
from selfalign.survey.schemas import CodeLabels, Columns, Distributions, LeftOut, Missing, Questions, Responses, Scales
from selfalign.survey.table_columns import TableLayout
from selfalign.survey.weigh_answers import count_codes, weigh
from surveys import run

QUESTIONS = """question,column,wording,answers,missing,note_counts
v1,V 1,How much?,1 = a lot; 2 = some; 3 = little,8 = dont_know; 9 = no_answer,ignored
v2,,,1; 2,blank = not_asked; 9,
"""
SURVEY = """id,land,w,V 1,v2,note
a1,DEU,1.0,1,2,x
a2,DEU,0.5,3,1,
a3,DEU,2.5,8,,
a4,FRA,1.5,2.0,9,
"""
SETTINGS = {"columns": {"country": "land", "weight": "w", "respondent": "id"}}


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the invented national survey in its four forms."""
    folder = tmp_path_factory.mktemp("national")
    national.write_survey(folder)
    return folder


def parse(survey: str | bytes, questions: str = QUESTIONS, settings: dict = SETTINGS) -> tuple:
    """Responses, columns and left-out rows of the text of a CSV."""
    with TemporaryDirectory() as folder:
        data, file = Path(folder, "survey.csv"), Path(folder, "questions.csv")
        data.write_bytes(survey.encode() if isinstance(survey, str) else survey)
        file.write_text(questions, encoding="utf-8")
        with open_survey(data, Path(folder)) as opened:
            table, columns, others = parse_table(opened, read_questions(file), TableLayout.of_survey(settings), file)
    return Responses.validate(table.reset_index(drop=True)), Columns.validate(columns), LeftOut.validate(others)


def told(survey: str | bytes, questions: str = QUESTIONS, settings: dict = SETTINGS) -> str:
    """The message with which a survey is refused."""
    with pytest.raises(InputError) as refused:
        parse(survey, questions, settings)
    return str(refused.value)


# The file of questions


def test_values_are_compared_as_numbers_or_as_words() -> None:
    assert [tidy(value) for value in (" 01 ", "1.0", "-2", "0.5", "Agree  strongly", "1_0", "nan")] == [
        *("1", "1", "-2", "0.5", "agree strongly", "1_0", "nan")
    ]


def test_lists_keep_semicolons_that_are_escaped() -> None:
    parts = ["1 = yes; always", "2 = no"]
    assert split_list(join_list(parts)) == parts


def test_questions_become_scales_wordings_and_labels(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text(
        "answers;question;wording\n1 = low, 2-3, 5 = high;a.b-1;What?\n".replace(", ", "| ")
        .replace(";", ",")
        .replace("|", ";")
        + "x2 ,,\n".replace("x2 ,,", "3; 1; 2,x2,"),
        encoding="utf-8",
    )
    scales, wordings, labels = to_scales(read_questions(file))
    assert Scales.validate(scales).to_numpy().tolist() == [
        ["a.b-1", 1, 5, "a.b-1", "1 2 3 5", ""],
        ["x2", 1, 3, "x2", "3 1 2", ""],
    ]
    assert list(Questions.validate(wordings)["wording"]) == ["What?", "x2"]
    assert CodeLabels.validate(labels)[["labels", "code", "label"]].to_numpy().tolist() == [
        ["a.b-1", 1, "low"],
        ["a.b-1", 5, "high"],
        ["x2", 3, "3"],
        ["x2", 1, "1"],
        ["x2", 2, "2"],
    ]


def test_mistakes_in_questions_are_reported_together(tmp_path: Path, refused: Refused) -> None:
    rows = ["weight,1; 2,", "b,agree; disagree,", "c,1; 1,", "d,1,", "e,1; 2,8 = dunno", "f,1; 2,2 = other", "g,2-1,"]
    file = tmp_path / "questions.csv"
    file.write_text("\n".join(["question,answers,missing", *rows]) + "\n", encoding="utf-8")
    outputs = [f"--{name}={tmp_path / name}.csv" for name in ("scales", "questions-out", "labels")]
    outputs[1] = f"--questions={tmp_path / 'out.csv'}"
    tells = ["7 mistakes", "line 2", "another meaning", "line 3", '"agree" is not an answer code', "line 4", "twice"]
    tells += ["line 5", "two answers or more", "line 6", '"dunno"', "dont_know", "line 7", "also an answer", "line 8"]
    refused("split-questions", "--file", file, *outputs, tells=tells)


def test_questions_are_asked_with_their_whole_scale(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    text = "question,wording,answers\na,How much?,0 = none; 1-3; 4 = all\nb,Which?,2 = this; 1 = that\nc,,1; 2\n"
    file.write_text(text, encoding="utf-8")
    asked = read_questions(file)
    for name, table in zip(("scales", "questions", "labels"), to_scales(asked), strict=True):
        table.to_csv(tmp_path / f"{name}.out.csv", index=False)
    bank = pd.DataFrame({"probe": ["a", "b"], "question": ["a", "b"], "scale": "ordinal"})
    scales = read_scales(tmp_path / "scales.out.csv", bank)
    texts = read_scale_texts(tmp_path / "questions.out.csv", tmp_path / "labels.out.csv", scales)
    assert texts[["question", "wording", "shown"]].to_numpy().tolist() == [
        *(["a", "How much?", shown] for shown in ("0 = none", "1", "2", "3", "4 = all")),
        *(["b", "Which?", shown] for shown in ("this", "that")),
    ]
    faults = Faults()
    check_words(asked, file, bank, faults)
    faults.refuse()
    check_words(asked, file, bank.assign(question=["a", "c"]), faults)
    with pytest.raises(InputError, match=r"no wording: line 4 \(c\).*lack labels: line 4 \(c\)"):
        faults.refuse()


# Respondents


def test_rows_are_read_by_hand() -> None:
    table, columns, others = parse(SURVEY)
    expected = {
        "respondent": [2, 3, 4, 5],
        "interview": [2, 3, 4, 5],
        "country": ["DEU", "DEU", "DEU", "FRA"],
        "weight": [1.0, 0.5, 2.5, 1.5],
        "v1": [1, 3, -1, 2],
        "v2": [2, 1, -4, -5],
    }
    pd.testing.assert_frame_equal(table[list(expected)], pd.DataFrame(expected), check_dtype=False)
    assert table[["wave", "year"]].isna().all(axis=None)
    assert dict(zip(columns["column"], columns["use"], strict=True)) == {
        **dict.fromkeys(["id", "land", "w"], "respondent"),
        **dict.fromkeys(["V 1", "v2"], "question"),
        "note": "unused",
    }
    assert others.empty


def test_shares_are_weighted() -> None:
    shares = weigh(count_codes(parse(SURVEY)[0])).set_index(["country", "question", "code"])["share"]
    assert shares["DEU", "v1", 1] == pytest.approx(1 / 1.5)
    assert shares["DEU", "v2", 2] == pytest.approx(1 / 1.5)
    assert shares["FRA", "v1", 2] == 1
    without = {"columns": {"country": "land"}}
    shares = weigh(count_codes(parse(SURVEY, settings=without)[0])).set_index(["country", "question", "code"])["share"]
    assert shares["DEU", "v1", 1] == 0.5


def test_answers_in_words_and_recoded_values() -> None:
    questions = (
        "question,column,answers,missing,values\n"
        "a,Größe,1 = Stimme zu; 2 = Lehne ab,Weiß nicht = dont_know,\n"
        "b,,1 = low; 2 = middle; 3 = high,99 = other,-1; 0; 1\n"
    )
    rows = "Größe;b\nStimme zu;-1\nlehne AB;1\nWeiß nicht;99\nNA;0\n;\n"
    settings = {"country": "AUT"}
    for text in (rows.encode(), rows.encode("utf-8-sig")):
        table, _, others = parse(text, questions, settings)
        assert table[["a", "b"]].to_numpy().tolist() == [[1, 1], [2, 3], [-1, -5], [-5, 2]]
        assert others.to_numpy().tolist() == [["(no country)", "empty row", 1]]
    table, _, _ = parse(rows.replace("Größe", "Q").encode("cp1252"), questions.replace("Größe", "Q"), settings)
    assert table["a"].tolist() == [1, 2, -1, -5]


def test_codes_of_countries_may_be_in_any_case() -> None:
    assert list(parse(SURVEY.replace("a2,DEU", "a2,deu"))[0]["country"]) == ["DEU"] * 3 + ["FRA"]


def test_countries_by_value_and_those_left_out() -> None:
    rows = SURVEY.replace("DEU", "1").replace("FRA", "2.0")
    settings = SETTINGS | {"countries": {"1": "DEU", "2": None}}
    table, _, others = parse(rows, settings=settings)
    assert list(table["country"]) == ["DEU"] * 3
    assert others.to_numpy().tolist() == [["2.0", "null in surveys.*.countries", 1]]


def test_respondents_without_a_weight_can_be_left_out() -> None:
    rows = SURVEY.replace(",0.5,", ",,")
    table, _, others = parse(rows, settings=SETTINGS | {"missing_weight": "leave_out"})
    assert list(table["weight"]) == [1.0, 2.5, 1.5]
    assert others.to_numpy().tolist() == [["DEU", "no weight", 1]]


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        pytest.param(
            "w,V 1",
            "W,V1",
            ["no column", '"w" (columns.weight', '"V 1" (', "line 2; perhaps 'V1'", "perhaps 'W'"],
            id="columns",
        ),
        pytest.param("8,,", "7,3,", ["v1 (column V 1): '7' (1 resp", "line 4; v2", "'3'", "`missing`"], id="codes"),
        pytest.param(
            ",0.5,", ",,", ["1 respondents have no weight", "line 3", "missing_weight: leave_out"], id="blank"
        ),
        pytest.param(",0.5,", ",heavy,", ['"w"', "number of 0 or more", "'heavy'", "line 3"], id="weight in words"),
        pytest.param(",0.5,", ",-1,", ["number of 0 or more", "'-1'", "line 3"], id="negative weight"),
        pytest.param(",0.5,", ",1e300,", ["at most 1e12", "'1e300'", "line 3"], id="huge weight"),
        pytest.param("a3", "a1", ["1 ids", "'a1' in lines 2, 4", "take `respondent` out"], id="repeated ids"),
        pytest.param("FRA", "Gallia", ['"land"', "'Gallia' (1 respondents)", "line 5", "null"], id="country"),
        pytest.param(SURVEY, SURVEY.splitlines()[0] + "\n", ["no respondents"], id="no respondents"),
    ],
)
def test_mistakes_in_the_survey_are_reported(old: str, new: str, tells: list[str]) -> None:
    assert old in SURVEY
    message = told(SURVEY.replace(old, new))
    for part in tells:
        assert part in message, message


def test_weights_with_a_separator_of_thousands_are_refused() -> None:
    message = told('id,land,w,V 1,v2\na1,DEU,987,1,2\na2,DEU,"1,234",3,1\n')
    assert "separator of thousands: '1,234' (1 respondents), the first in line 3. Write 1234 for 1,234" in message


@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        ({"missing_weight": "leave_out"}, "3 of DEU (no weight), 1 of FRA (no weight)"),
        ({"countries": {"DEU": None, "FRA": None}}, "3 of DEU (null in surveys.*.countries), 1 of FRA (null"),
    ],
    ids=["weights", "countries"],
)
def test_survey_whose_rows_are_all_left_out_is_refused(settings: dict, tells: str) -> None:
    rows = re.sub(r",\d\.5,|,1\.0,", ",,", SURVEY)
    assert f"no row is left; left out are: {tells}" in told(rows, settings=SETTINGS | settings)


def test_question_without_answers_is_refused() -> None:
    rows = "id,land,w,V 1,v2\na1,DEU,1,1,9\na2,DEU,1,2,\n"
    message = told(rows)
    assert "nobody answered these questions: v2 (line 3, column v2)" in message


def test_mistakes_of_several_kinds_are_reported_together() -> None:
    message = told(SURVEY.replace("a3", "a1").replace(",0.5,", ",x,").replace("FRA", "F").replace(",2.0,", ",5,"))
    assert message.startswith("4 mistakes were found. (1) ")


def test_the_three_formats_hold_the_same(surveyed: Path, tmp_path: Path) -> None:
    tables = {}
    for form in ("csv", "sav", "dta"):
        folder = tmp_path / form
        command = ["start-survey", surveyed / f"national.{form}", "--country", "PRT", "--folder", folder]
        run(*command, "--questions", "imp_family..dem_imp")
        layout = TableLayout.of_survey({"columns": {"weight": "weight", "respondent": "caseid"}, "country": "PRT"})
        with open_survey(surveyed / f"national.{form}", tmp_path) as file:
            questions = read_questions(folder / "questions.csv")
            tables[form] = parse_table(file, questions, layout, folder / "questions.csv")[0].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables["sav"], tables["dta"])
    kinds = {-1: -5, -2: -5}  # a CSV does not say what 8 and 9 mean
    pd.testing.assert_frame_equal(tables["csv"], tables["sav"].replace(kinds), check_dtype=False)
    raw = pd.read_csv(surveyed / "national.csv")
    assert (tables["sav"]["imp_family"] == raw["imp_family"].replace({8: -1, 9: -2})).all()
    assert tables["sav"]["weight"].tolist() == raw["weight"].tolist()
    assert (tables["sav"]["immig_jobs"] == -5).sum() == raw["immig_jobs"].isna().sum() == 300


# Counts


def counted(rows: str, settings: dict | None = None) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Distributions, missing answers and left-out rows of a table of counts."""
    names = {"question": "item", "code": "answer", "count": "n", "country": "land"}
    with TemporaryDirectory() as folder:
        data, file = Path(folder, "counts.csv"), Path(folder, "questions.csv")
        data.write_text(rows, encoding="utf-8")
        file.write_text(QUESTIONS.replace("v1,V 1", "v1,first"), encoding="utf-8")
        with open_survey(data, Path(folder)) as opened:
            layout = TableLayout.of_survey(settings or {"columns": names})
            counts, others = read_counts(opened, read_questions(file), layout, file)
    shares, missing = to_distributions(counts)
    return Distributions.validate(shares), Missing.validate(missing), others


COUNTS = """land,item,answer,n
DEU,first,1,30
DEU,first,2,10
DEU,first,8,5
DEU,v2,1,7
DEU,v2,9,2
FRA,v2,2,1
DEU,other,1,4
"""


def test_counts_are_read_by_hand() -> None:
    shares, missing, others = counted(COUNTS)
    assert shares[["country", "question", "code", "n", "weight", "share"]].to_numpy().tolist() == [
        ["DEU", "v1", 1, 30, 30.0, 0.75],
        ["DEU", "v1", 2, 10, 10.0, 0.25],
        ["DEU", "v2", 1, 7, 7.0, 1.0],
        ["FRA", "v2", 2, 1, 1.0, 1.0],
    ]
    assert missing.to_numpy().tolist() == [["DEU", "v1", "dont_know", 5], ["DEU", "v2", "other", 2]]
    assert others.to_numpy().tolist() == [["other", "not a question of questions.csv", 1]]


def test_mistakes_in_counts_are_reported_together() -> None:
    rows = COUNTS.replace("first,2,10", "first,5,10").replace("v2,1,7", "v2,1,7.5").replace("v2,9,2", "v2,1,2")
    with pytest.raises(InputError) as refused:
        counted(rows.replace("FRA", "Gallia"))
    for part in (
        "4 mistakes",
        "'Gallia' (1 rows), the first in line 7",
        "line 3 (first, code 5",
        "line 5 (",
        "line 6 (",
    ):
        assert part in str(refused.value)
    with pytest.raises(InputError, match="no answers to these questions: v1"):
        counted(COUNTS.replace("first", "second"))


# Banks and citations


def test_bank_needs_four_columns_only(tmp_path: Path) -> None:
    file = tmp_path / "probes.csv"
    file.write_bytes("probe;question;pole_a;pole_b;note\np-1;q.1;1;2;Ü\n".encode("cp1252"))
    bank = read_bank(file)
    assert bank.iloc[0].to_dict() == {
        "probe": "p-1",
        "question": "q.1",
        "category": "survey",
        "battery": "q.1",
        "siblings": "q.1",
        "scale": "ordinal",
        "reversed": "",
        "pole_a": "1",
        "pole_b": "2",
        "neither": "",
        "on_request": "",
    }


def test_citation_is_the_surveys_own() -> None:
    assert how_to_cite({"form": "table", "citation": "Silva (2026). A survey."}) == (
        "Cite the survey as: Silva (2026). A survey."
    )
    assert "World Values Survey" in how_to_cite({"form": "wvs7"})


# start-survey


def test_templates_hold_codes_and_counts_of_every_column(surveyed: Path, tmp_path: Path) -> None:
    said = run("start-survey", surveyed / "national.sav", "--country", "PRT", "--folder", tmp_path / "mine")
    assert "weight: column weight" in said and "respondent: column caseid" in said
    assert "gender: about the respondent" in said
    codes = pd.read_csv(tmp_path / "mine/codes.csv", dtype=str, keep_default_na=False)
    raw = pd.read_csv(surveyed / "national.csv")
    assert list(dict.fromkeys(codes["column"])) == list(raw.columns)
    told = codes[codes["column"] == "tr_parl"].set_index("value")
    assert told["respondents"].astype(int).to_dict() == {
        str(code): n for code, n in raw["tr_parl"].value_counts().items()
    }
    assert told.loc["8", ["label", "use"]].tolist() == ["Don't know", "dont_know"]
    probes = pd.read_csv(tmp_path / "mine/probes.csv", dtype=str, keep_default_na=False).set_index("probe")
    assert list(probes.index) == list(national.TEXTS)
    assert probes.loc["lifesat", ["pole_a", "pole_b", "neither"]].tolist() == ["0 1 2 3 4", "6 7 8 9 10", "5"]
    assert list(probes["battery"].head(6)) == ["imp_family"] * 3 + ["tr_parl"] * 3
    config = yaml.safe_load((tmp_path / "mine/config.yaml").read_text(encoding="utf-8"))
    assert config["languages"]["en"]["arms"] == ["zero_shot", "random", "chrf", "chrf_inverted"]


def test_missing_answers_and_weights_are_found_by_their_names(tmp_path: Path) -> None:
    values = {
        "w_climate": [1, 2, 3, 4],
        "wt": [0.5, 1, 1.5, 1],
        "a": [1, 2, 3, 99],
        "b": ["Confia na polícia", "Não confia", "Não sabe", "NR"],
        "c": [-1, 0, 1, -9],
        "d": [1, 2, 8, 9],
        "e": [6, 7, 8, 9],
    }
    pd.DataFrame({name: column * 5 for name, column in values.items()}).to_csv(tmp_path / "s.csv", index=False)
    with open_survey(tmp_path / "s.csv", tmp_path) as file:
        facts = {each.name: each for each in inspect_columns(file)}
    found = find_candidates(list(facts.values()), 20)
    assert {role: names for role, names in found.items() if names} == {"weight": ["wt"]}
    assert {name: each.missing for name, each in facts.items() if each.missing} == {
        "a": {"99": "other"},
        "b": {"Não sabe": "dont_know", "NR": "no_answer"},
        "c": {"-9": "other", "-1": "other"},
        "d": {"8": "other", "9": "other"},
    }


def test_templates_are_not_written_over(surveyed: Path, tmp_path: Path, refused: Refused) -> None:
    command = ["start-survey", surveyed / "national.csv", "--country", "PRT", "--folder", tmp_path / "mine"]
    run(*command)
    refused(*command, tells=["there already", "questions.csv", "--replace"])
    run(*command, "--replace")


@pytest.mark.parametrize(
    ("extra", "tells"),
    [
        pytest.param([], ["which country", "--country", "such as DEU"], id="no country"),
        pytest.param(["--country", "Portugal"], ["neither a country", "PRT, Portugal"], id="wrong country"),
        pytest.param(["--country", "PRT", "--language", "xx"], ["'xx'", "Known languages: bn, de"], id="language"),
        pytest.param(["--country", "PRT", "--weight", "wheight"], ['"wheight"', 'Did you mean "weight"'], id="weight"),
        pytest.param(["--country", "PRT", "--questions", "tr_parl, x"], ['has no column "x"'], id="no question"),
        pytest.param(["--country", "PRT", "--questions", "caseid"], ["more than 50 values: caseid"], id="an id"),
    ],
)
def test_start_survey_reports_what_is_missing(
    extra: list[str], tells: list[str], surveyed: Path, tmp_path: Path, refused: Refused
) -> None:
    refused("start-survey", surveyed / "national.csv", "--folder", tmp_path / "mine", *extra, tells=tells)


def test_several_countries_get_the_arm_of_other_countries(tmp_path: Path) -> None:
    rows = [f"{('PT', 'Spain', 'Nowhere')[n % 3]},{1 + n % 3},{1 + n % 4},{n % 2},agree strongly" for n in range(40)]
    rows = ["land,a,b,c,d", *rows, "Spain,1,1,1,disagree a bit"]
    (tmp_path / "two.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    run("start-survey", tmp_path / "two.csv", "--country", "land", "--folder", tmp_path / "two")
    text = (tmp_path / "two/config.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    assert config["surveys"]["two"]["countries"] == {"PT": "PRT", "Spain": "ESP", "Nowhere": ""}
    assert config["languages"]["en"] == {
        "countries": ["ESP", "PRT"],
        "arms": ["zero_shot", "random", "chrf", "chrf_other", "chrf_inverted"],
    }
    assert config["surveys"]["two"]["columns"] == {"country": "land"}
    questions = pd.read_csv(tmp_path / "two/questions.csv", dtype=str).set_index("question")
    assert questions.loc["d", "answers"] == "1 = agree strongly; 2 = disagree a bit"
    assert config["arms"]["chrf"]["shots"] == 2


# The workflow


@pytest.fixture
def started(surveyed: Path, plain: Project) -> Project:
    """A project with the templates of the national survey, filled in but for the texts and the citation."""
    for file in surveyed.iterdir():
        (plain.folder / file.name).write_bytes(file.read_bytes())
    command = ["start-survey", plain.folder / "national.sav", "--country", "PRT", "--folder", plain.folder / "mine"]
    run(*command)
    path = plain.folder / "mine/config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(f"{plain.folder}/", ""), encoding="utf-8")
    return plain


def overlay(project: Project) -> dict:
    """The settings of the templates."""
    return yaml.safe_load((project.folder / "mine/config.yaml").read_text(encoding="utf-8"))


def test_what_is_not_filled_in_is_refused_before_anything_runs(started: Project) -> None:
    config = overlay(started)
    national.edit_rows(
        started.folder / "mine/probes.csv", lambda row: row.update(pole_b="3") if row["probe"] == "imp_work" else None
    )
    national.edit_rows(started.folder / "mine/questions.csv", lambda row: row["question"] != "lifesat")
    said = started.snakemake("--dry-run", config=config)
    assert said.code == 1
    message = said.lines_of_ours()[0]
    for part in (
        "4 mistakes",
        "mine.citation: is not filled in",
        "(probe lifesat: 'lifesat')",
        "(probe imp_work: code 4)",
        "cells are not filled in",
    ):
        assert part in message, message
    assert not (started.folder / "results").exists()


def test_people_of_a_survey_are_weighed_by_the_workflow(started: Project, surveyed: Path) -> None:
    national.fill_in(started.folder / "mine")
    made = started.folder / "results/shared/survey/mine"
    said = started.snakemake(str((made / "responses.parquet").relative_to(started.folder)), config=overlay(started))
    assert said.code == 0, said.output
    tables = {name: made / f"{name}.csv" for name in ("scales", "questions", "labels", "missing", "dictionary")}
    files = [f"--{name}={tables[name]}" for name in ("scales", "questions", "labels")]
    run("split-questions", f"--file={started.folder / 'mine/questions.csv'}", *files)
    responses, shares = f"--responses={made / 'responses.parquet'}", f"--distributions={made / 'distributions.parquet'}"
    run("weigh-answers", responses, shares, f"--missing={tables['missing']}")
    described = [f"--dictionary={tables['dictionary']}", f"--quality={made / 'quality.csv'}"]
    run("describe-survey", responses, *files, *described)
    outputs = [f"--poles={made / 'poles.parquet'}", f"--dropped={made / 'dropped.csv'}"]
    run("map-poles", shares, f"--bank={started.folder / 'mine/probes.csv'}", "--countries=PRT", *outputs)
    poles = pd.read_parquet(made / "poles.parquet").set_index("probe")
    raw = pd.read_csv(surveyed / "national.csv")
    assert list(poles.index) == list(national.TEXTS)
    for probe, low, high in (("imp_relig", 2, 4), ("women_jobs", 2, 5), ("dem_imp", 5, 10)):
        codes = raw[probe].where(raw[probe] != 3) if probe == "women_jobs" else raw[probe]
        share = raw.loc[codes <= low, "weight"].sum() / raw.loc[codes <= high, "weight"].sum()
        assert poles.loc[probe, "share_a"] == pytest.approx(share)
    dictionary = pd.read_csv(tables["dictionary"]).set_index("question")
    assert dictionary.loc["tr_press", "answers"].startswith("1 A great deal; 2 Quite a lot")
    assert dictionary.loc["tr_press", "dont_know"] == (raw["tr_press"] == 8).sum()


def test_settings_of_a_table_are_checked_together() -> None:
    config = read_settings()
    config["surveys"]["mine"] = {"form": "table", "source": {"file": "x.csv"}, "columns": {"count": "n", "weight": "w"}}
    config["surveys"]["mine"]["countries"] = {"1": "DEU", "2": "", "3": None}
    config["surveys"]["example"]["country"] = "DEU"
    with pytest.raises(InputError) as refused:
        check_settings(json.loads(json.dumps(config)))
    for part in ("the form counts has no country", "questions: is missing", "not filled in: 2"):
        assert part in str(refused.value)
    for part in ("has no country", "has question, code and count", "has no weight"):
        assert part in str(refused.value)
