"""The survey stage: simulated respondents, the official file in all its forms, weighted shares, missing answers."""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.cli import program
from selfalign.survey.parse_survey import parse, read_survey_file
from selfalign.survey.simulate_survey import simulate
from selfalign.survey.tables import Counts, Distributions, Missing, Responses, Scales
from selfalign.survey.weigh_answers import count_codes, count_missing, weigh
from selfalign.tables import read_input, read_table

ROOT = Path(__file__).parent.parent
COUNTS = ROOT / "resources" / "survey" / "example" / "counts.csv"
SCALES = ROOT / "resources" / "survey" / "scales.csv"
FACTS = ROOT.parent / "shared" / "data"
SURVEY = """D_INTERVIEW,B_COUNTRY,B_COUNTRY_ALPHA,version,W_WEIGHT,Q4,note,Q48
276070001,276,DEU,6-0-0,1.0,1,,10
276070002,276,DEU,6-0-0,0.5,3,"said ""no, never"";",-1
276070003,276,DEU,6-0-0,2.5,,x,-2
276070004,276,DEU,6-0-0,1.5,3,,-2
858069901,858,URY,6-0-0,0.25,4,,4
858069901,858,URY,6-0-0,1.75,-4, ,-3
"""
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the published figures to check against are not here")


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return read_input(COUNTS, Counts)


@pytest.fixture(scope="module")
def scales() -> pd.DataFrame:
    return read_input(SCALES, Scales)


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the example, taken through the three steps as the workflow takes it."""
    folder = tmp_path_factory.mktemp("survey")
    run("simulate-survey", "--counts", COUNTS, "--seed", 1, "--output", folder / "example.csv")
    responses = folder / "responses.parquet"
    run("parse-survey", "--survey", folder / "example.csv", "--scales", SCALES, "--output", responses)
    tables = ["--distributions", folder / "distributions.parquet", "--missing", folder / "missing.csv"]
    run("weigh-answers", "--responses", responses, *tables)
    return folder


def run(*arguments: object) -> None:
    CliRunner().invoke(program, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)


def natural(question: str) -> tuple[int, str]:
    number, letter = re.fullmatch(r"Q(\d+)([A-Z]?)", question).groups()
    return int(number), letter


def answers(respondents: pd.DataFrame) -> pd.DataFrame:
    """The columns of questions."""
    return respondents[[column for column in respondents if re.fullmatch(r"Q\d+[A-Z]?", column)]]


def tally(respondents: pd.DataFrame, country: str) -> pd.Series:
    """Respondents by country, question and code."""
    long = answers(respondents).assign(country=respondents[country]).melt("country", var_name="question")
    return long.groupby(["country", "question", "value"]).size()


# The figures that are embedded


@needs_facts
def test_example_has_the_published_counts_and_sample_sizes(counts: pd.DataFrame) -> None:
    published = pd.read_csv(FACTS / "wvs7_counts_19_countries.csv").set_index(["country", "question", "code"])
    given_answers = counts[counts["code"] >= 0].set_index(["country", "question", "code"])["count"]
    assert set(counts["country"]) == {"BOL", "CHN", "DEU", "ETH", "IND", "MEX", "NGA", "RUS", "THA", "USA"}
    asked = published.index.droplevel("code").unique()
    expected = published[published.index.droplevel("code").isin(given_answers.index.droplevel("code"))]["count"]
    pd.testing.assert_series_equal(given_answers.sort_index(), expected.sort_index(), check_names=False)
    sizes = published.groupby("country")["n_total"].first()
    for (country, question), size in counts.groupby(["country", "question"])["count"].sum().items():
        assert size == sizes[country], (country, question)
    not_asked = counts[counts["code"] == -4].set_index(["country", "question"]).index
    assert set(not_asked) == {("CHN", question) for question in ("Q125", "Q130", "Q140", "Q227")}
    assert not not_asked.isin(asked).any()


@needs_facts
def test_scales_are_those_of_the_codebook(scales: pd.DataFrame) -> None:
    codebook = json.loads((FACTS / "wvs7_codebook_v5.json").read_text(encoding="utf-8"))
    for row in scales.itertuples():
        codes = [int(code) for code in codebook[row.question]["choices"] if int(code) >= 0]
        assert (row.first, row.last) == (min(codes), max(codes)), row.question
    substantive = {f"Q{number}" for number in range(1, 260)} & set(codebook)
    assert substantive - set(scales["question"]) == {"Q223"}  # the party, whose codes are a country's own


# Simulated respondents


def test_simulated_respondents_have_exactly_the_published_counts(counts: pd.DataFrame) -> None:
    some = counts[counts["country"].isin(["CHN", "NGA"])]
    expected = some.set_index(["country", "question", "code"])["count"]
    pd.testing.assert_series_equal(
        tally(simulate(some, seed=1), "B_COUNTRY_ALPHA").sort_index(),
        expected.sort_index(),
        check_names=False,
        check_index_type=False,
    )


@st.composite
def small_counts(draw: st.DrawFn) -> pd.DataFrame:
    """Counts of some questions in some countries, each country with a sample size of its own."""
    rows = []
    for country in draw(st.sets(st.sampled_from(["BOL", "DEU", "USA", "ZWE"]), min_size=1)):
        size = draw(st.integers(1, 30))
        for question in ("Q4", "Q48", "Q112"):
            cuts = sorted(draw(st.lists(st.integers(0, size), min_size=2, max_size=2)))
            parts = zip((-5, 1, 4), np.diff([0, *cuts, size]), strict=True)
            rows += [(country, question, code, int(count)) for code, count in parts if count]
    return pd.DataFrame(rows, columns=["country", "question", "code", "count"])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(small_counts(), st.integers(0, 2**32))
def test_any_counts_come_back_from_simulation_weighing_and_counting(table: pd.DataFrame, seed: int) -> None:
    responses = parse(simulate(table, seed).to_csv(index=False), read_input(SCALES, Scales), Path("survey.csv"))
    counted = count_codes(responses)
    back = pd.concat([weigh(counted)[["country", "question", "code", "n"]], counted[counted["code"] < 0]])
    key = ["country", "question", "code"]
    pd.testing.assert_series_equal(
        back.set_index(key)["n"].sort_index(),
        table.set_index(key)["count"].sort_index(),
        check_names=False,
        check_index_type=False,
        check_dtype=False,
    )


def test_simulation_depends_on_counts_and_seed_only(counts: pd.DataFrame) -> None:
    some = counts[(counts["country"] == "BOL") & counts["question"].isin(["Q4", "Q6", "Q8"])]
    one = simulate(some, seed=1)
    pd.testing.assert_frame_equal(one, simulate(some, seed=1))
    other = simulate(some, seed=2)
    for question in ("Q4", "Q6", "Q8"):
        assert not one[question].equals(other[question])


def test_country_or_question_more_leaves_the_answers_of_the_others(counts: pd.DataFrame) -> None:
    many = simulate(counts[counts["country"].isin(["BOL", "DEU"]) & counts["question"].isin(["Q4", "Q6", "Q8"])], 1)
    few = simulate(counts[(counts["country"] == "DEU") & counts["question"].isin(["Q4", "Q8"])], 1)
    german = many[many["B_COUNTRY_ALPHA"] == "DEU"].reset_index(drop=True)
    pd.testing.assert_frame_equal(german[few.columns], few)


def test_simulated_answers_to_different_questions_are_independent(counts: pd.DataFrame) -> None:
    correlations = answers(simulate(counts[counts["country"] == "BOL"], seed=1)).corr().to_numpy()
    between = correlations[np.triu_indices_from(correlations, k=1)]
    assert np.abs(between).max() < 5 / np.sqrt(2067)
    assert between.std() == pytest.approx(1 / np.sqrt(2067), rel=0.05)


def test_simulated_file_has_the_form_of_the_official_one(survey: Path) -> None:
    assert (survey / "example.csv").read_bytes().startswith(b"\xef\xbb\xbfversion,doi,A_WAVE,B_COUNTRY,")
    table = pd.read_csv(survey / "example.csv", encoding="utf-8-sig", low_memory=False)
    numbers = table.groupby("B_COUNTRY_ALPHA")["B_COUNTRY"].unique().map(list)
    assert numbers["BOL"] == [68] and numbers["DEU"] == [276] and numbers["USA"] == [840]
    assert table["D_INTERVIEW"].is_unique
    assert (table["W_WEIGHT"] == 1).all()


# The survey file


def test_parsed_file_has_the_respondents_and_codes_that_were_simulated(survey: Path, counts: pd.DataFrame) -> None:
    responses = read_table(survey / "responses.parquet", Responses)
    simulated = simulate(counts, seed=1)
    assert list(responses["country"]) == list(simulated["B_COUNTRY_ALPHA"])
    assert list(responses["interview"]) == list(simulated["D_INTERVIEW"])
    assert list(responses["respondent"]) == list(range(2, len(simulated) + 2))
    pd.testing.assert_frame_equal(answers(responses), answers(simulated)[answers(responses).columns], check_dtype=False)
    assert answers(responses).shape[1] == 71


def test_real_rows_are_read_by_hand(scales: pd.DataFrame) -> None:
    table = parse(SURVEY, scales, Path("survey.csv"))
    expected = {
        "respondent": [2, 3, 4, 5, 6, 7],
        "interview": [276070001, 276070002, 276070003, 276070004, 858069901, 858069901],
        "country": ["DEU", "DEU", "DEU", "DEU", "URY", "URY"],
        "weight": [1.0, 0.5, 2.5, 1.5, 0.25, 1.75],
        "Q4": [1, 3, -5, 3, 4, -4],
        "Q48": [10, -1, -2, -2, 4, -3],
    }
    pd.testing.assert_frame_equal(table.reset_index(drop=True), pd.DataFrame(expected), check_dtype=False)


def quoted(text: str) -> str:
    """The same rows with every cell in quotes."""
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return rows.to_csv(index=False, quoting=1)


def with_semicolons(text: str) -> str:
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return rows.to_csv(index=False, sep=";")


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda text: with_semicolons(text).encode(), id="semicolons"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="byte order mark"),
        pytest.param(lambda text: with_semicolons(text).encode("utf-8-sig"), id="semicolons and byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="Windows line ends"),
        pytest.param(lambda text: quoted(text).encode(), id="all cells quoted"),
        pytest.param(lambda text: text.rstrip("\n").encode(), id="no last line end"),
        pytest.param(lambda text: text.replace(",1,", ",1.0,").encode(), id="codes as decimals"),
        pytest.param(lambda text: text.replace(",1,", ", 1 ,").encode(), id="codes with spaces"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zip"])
def test_every_form_of_the_file_gives_the_same_table(form, zipped: bool, scales: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    path.write_bytes(form(SURVEY))
    assert form(SURVEY) != SURVEY.encode()
    if zipped:
        with zipfile.ZipFile(tmp_path / "survey.zip", "w") as archive:
            archive.write(path, "folder/WVS.CSV")
            archive.writestr("folder/readme.txt", "not the table")
        path = tmp_path / "survey.zip"
    pd.testing.assert_frame_equal(
        parse(read_survey_file(path), scales, path), parse(SURVEY, scales, Path("survey.csv"))
    )


def test_blank_answer_is_missing_for_another_reason(scales: pd.DataFrame) -> None:
    blank = parse(SURVEY.replace(",4,,4\n", ",,,  \n"), scales, Path("survey.csv"))
    assert list(blank.iloc[4][["Q4", "Q48"]]) == [-5, -5]


# Weighing


def test_weighted_shares_by_hand(scales: pd.DataFrame) -> None:
    table = weigh(count_codes(parse(SURVEY, scales, Path("survey.csv"))))
    expected = pd.DataFrame(
        [
            ("DEU", "Q4", 1, 1, 1.0, 1.0, 1 / 3),
            ("DEU", "Q4", 3, 2, 2.0, 2.5, 2 / 3),
            ("DEU", "Q48", 10, 1, 1.0, 1.0, 1.0),
            ("URY", "Q4", 4, 1, 0.25, 0.0625, 1.0),
            ("URY", "Q48", 4, 1, 0.25, 0.0625, 1.0),
        ],
        columns=list(Distributions.to_schema().columns),
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_missing_answers_are_counted_by_kind(scales: pd.DataFrame) -> None:
    table = count_missing(count_codes(parse(SURVEY, scales, Path("survey.csv"))))
    assert set(table.itertuples(index=False, name=None)) == {
        ("DEU", "Q4", "other", 1),
        ("DEU", "Q48", "dont_know", 1),
        ("DEU", "Q48", "no_answer", 2),
        ("URY", "Q4", "not_asked", 1),
        ("URY", "Q48", "not_applicable", 1),
    }


def test_every_respondent_is_either_weighed_or_counted_as_missing(survey: Path, counts: pd.DataFrame) -> None:
    weighed = read_table(survey / "distributions.parquet", Distributions)
    missing = read_table(survey / "missing.csv", Missing)
    total = pd.concat([weighed, missing]).groupby(["country", "question"])["n"].sum()
    pd.testing.assert_series_equal(total, counts.groupby(["country", "question"])["count"].sum(), check_names=False)
    assert set(missing["kind"]) == {"other", "not_asked"}
    chinese = missing[(missing["country"] == "CHN") & (missing["kind"] == "not_asked")]
    assert list(zip(chinese["question"], chinese["n"], strict=True)) == [
        ("Q125", 3036),
        ("Q130", 3036),
        ("Q140", 3036),
        ("Q227", 3036),
    ]


@st.composite
def weighted_responses(draw: st.DrawFn) -> pd.DataFrame:
    size = draw(st.integers(1, 25))
    cells = {
        "country": st.sampled_from(["BOL", "DEU"]),
        "weight": st.one_of(st.just(0.0), st.floats(1e-3, 1e3)),
        "Q4": st.sampled_from([-5, -1, 1, 2, 3, 4]),
        "Q48": st.sampled_from([-2, 1, 10]),
    }
    drawn = {name: draw(st.lists(cell, min_size=size, max_size=size)) for name, cell in cells.items()}
    return pd.DataFrame({"respondent": range(2, size + 2), "interview": 1, **drawn})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(weighted_responses())
def test_shares_of_a_question_sum_to_one_and_are_ratios_of_weights(responses: pd.DataFrame) -> None:
    table = Distributions.validate(weigh(count_codes(responses)))
    assert np.allclose(table.groupby(["country", "question"])["share"].sum(), 1)
    for row in table.itertuples():
        people = responses[(responses["country"] == row.country) & (responses[row.question] >= 0)]
        who = people[people[row.question] == row.code]
        assert row.n == len(who)
        assert row.share == pytest.approx(who["weight"].sum() / people["weight"].sum())


def test_question_whose_weights_are_all_zero_has_no_share(scales: pd.DataFrame) -> None:
    text = SURVEY.replace("0.25", "0")
    counted = count_codes(parse(text, scales, Path("survey.csv")))
    assert set(weigh(counted)["country"]) == {"DEU"}
    assert set(count_missing(counted)["country"]) == {"DEU", "URY"}


def test_questions_come_in_natural_order(survey: Path, scales: pd.DataFrame) -> None:
    table = read_table(survey / "distributions.parquet", Distributions)
    for _, rows in table.groupby("country"):
        questions = list(rows["question"].unique())
        assert questions == sorted(questions, key=natural)
        assert questions.index("Q48") < questions.index("Q112") < questions.index("Q258")
    assert list(scales["question"]) == sorted(scales["question"], key=natural)
