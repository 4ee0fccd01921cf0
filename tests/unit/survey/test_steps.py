"""The survey stage: published counts, respondents simulated from them, weighted shares, missing answers."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from facts import FACTS, needs_facts
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.survey.parse_shares import RULES
from selfalign.survey.schemas import Distributions, Missing, Responses, Scales
from selfalign.survey.simulate_survey import check_counts, simulate
from selfalign.survey.weigh_answers import count_codes, count_missing, weigh
from selfalign.tables import read_input, read_table
from surveys import SCALES, SURVEY, parse, run


@pytest.fixture(scope="module")
def scales() -> pd.DataFrame:
    return read_input(SCALES, Scales)


@pytest.fixture(scope="module")
def few(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts of two countries, all questions; not all were asked in China."""
    return counts[counts["country"].isin(["CHN", "DEU"])].reset_index(drop=True)


@pytest.fixture(scope="module")
def survey(few: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the example with two countries, taken through the steps as the workflow takes it."""
    folder = tmp_path_factory.mktemp("survey")
    few.to_csv(folder / "counts.csv", index=False)
    run("simulate-survey", "--counts", folder / "counts.csv", "--seed", 1, "--output", folder / "example.csv")
    responses = folder / "responses.parquet"
    columns = ["--responses", responses, "--columns", folder / "columns.csv"]
    run("parse-wvs7", "--survey", folder / "example.csv", "--scales", SCALES, *columns)
    tables = ["--distributions", folder / "distributions.parquet", "--missing", folder / "missing.csv"]
    run("weigh-answers", "--responses", responses, *tables)
    return folder


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
def test_example_has_all_published_counts_and_sample_sizes(counts: pd.DataFrame) -> None:
    published = pd.read_csv(FACTS / "wvs7_counts_19_countries.csv")
    key = ["country", "question", "code"]
    given_answers = counts[counts["code"] >= 0].set_index(key)["count"].sort_index()
    pd.testing.assert_series_equal(given_answers, published.set_index(key)["count"].sort_index())
    sizes = published.groupby("country")["n_total"].unique().map(list)
    assert counts["country"].nunique() == 19 and counts["question"].nunique() == 259
    for (country, question), size in counts.groupby(["country", "question"])["count"].sum().items():
        assert [size] == sizes[country], (country, question)
    pairs = counts[["country", "question"]].drop_duplicates().value_counts("country")
    assert set(pairs) == {259}, "a question that was not asked is there too, with code -4"
    not_asked = counts[counts["code"] == -4].value_counts("country").to_dict()
    assert not_asked == {"CHN": 37, "GBR": 13, "AUS": 2, "NZL": 2, "USA": 2, "BOL": 1, "DEU": 1, "RUS": 1, "THA": 1}


@needs_facts
def test_shares_of_the_example_agree_with_published_weighted_ones(counts: pd.DataFrame) -> None:
    published = pd.read_csv(FACTS / "wvs7_binary_shares_65_countries.csv")
    published = published[published["country"].isin(counts["country"])]
    valid = counts[counts["code"] >= 0].merge(published, on=["country", "question"])
    first, last = (valid["rule"].map({rule: codes[end] for rule, codes in RULES.items()}) for end in (0, 1))
    named = valid["count"].where(valid["code"].between(first, last), 0)
    pairs = [valid["country"], valid["question"]]
    shares = named.groupby(pairs).sum() / valid["count"].groupby(pairs).sum()
    gaps = (shares - published.set_index(["country", "question"])["share"]).abs()
    assert len(gaps) == 19 * 68 - 11 and gaps.notna().all()  # 11 were not asked
    assert gaps[["BOL", "DEU", "ETH", "KEN", "NLD", "NZL", "ZWE"]].max() < 6e-7, "all weights are 1 there"
    assert gaps.mean() < 0.004
    assert gaps.max() < 0.075


@needs_facts
def test_scales_are_those_of_the_codebook(scales: pd.DataFrame) -> None:
    codebook = json.loads((FACTS / "wvs7_codebook_v5.json").read_text(encoding="utf-8"))
    for row in scales.itertuples():
        codes = [int(code) for code in codebook[row.question]["choices"] if int(code) >= 0]
        assert (row.first, row.last) == (min(codes), max(codes)), row.question
    substantive = {f"Q{number}" for number in range(1, 260)} & set(codebook)
    assert substantive - set(scales["question"]) == {"Q223"}  # the party, whose codes are a country's own


# Simulated respondents


@pytest.mark.slow
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


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(small_counts(), st.integers(0, 2**32))
def test_any_counts_come_back_from_simulation_weighing_and_counting(table: pd.DataFrame, seed: int) -> None:
    responses = parse(simulate(table, seed).to_csv(index=False))
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


@pytest.mark.slow
def test_northern_ireland_is_simulated_with_its_number_in_the_survey() -> None:
    table = pd.DataFrame({"country": "NIR", "question": "Q4", "code": [1, 2], "count": [3, 1]})
    check_counts(table, Path("counts.csv"))
    assert set(simulate(table, 1)["B_COUNTRY"]) == {909}


def test_simulated_answers_to_different_questions_are_independent(counts: pd.DataFrame) -> None:
    asked = answers(simulate(counts[(counts["country"] == "BOL") & (counts["code"] != -4)], seed=1))
    between = asked.corr().to_numpy()[np.triu_indices(258, k=1)]
    assert np.abs(between).max() < 5 / np.sqrt(2067)
    assert between.std() == pytest.approx(1 / np.sqrt(2067), rel=0.05)


@pytest.mark.slow
def test_simulated_file_has_the_form_of_the_official_one(survey: Path) -> None:
    assert (survey / "example.csv").read_bytes().startswith(b"\xef\xbb\xbfversion,doi,A_WAVE,B_COUNTRY,")
    table = pd.read_csv(survey / "example.csv", encoding="utf-8-sig", low_memory=False)
    numbers = table.groupby("B_COUNTRY_ALPHA")["B_COUNTRY"].unique().map(list)
    assert numbers["CHN"] == [156] and numbers["DEU"] == [276]
    assert table["D_INTERVIEW"].is_unique
    assert (table["W_WEIGHT"] == 1).all()


# From simulated respondents to distributions


@pytest.mark.slow
def test_parsed_file_has_the_respondents_and_codes_that_were_simulated(survey: Path, few: pd.DataFrame) -> None:
    responses = read_table(survey / "responses.parquet", Responses)
    simulated = simulate(few, seed=1)
    assert list(responses["country"]) == list(simulated["B_COUNTRY_ALPHA"])
    assert list(responses["interview"]) == list(simulated["D_INTERVIEW"])
    assert list(responses["respondent"]) == list(range(2, len(simulated) + 2))
    pd.testing.assert_frame_equal(answers(responses), answers(simulated)[answers(responses).columns], check_dtype=False)
    assert answers(responses).shape == (3036 + 1528, 259)


def test_weighted_shares_by_hand() -> None:
    table = weigh(count_codes(parse(SURVEY)))
    expected = pd.DataFrame(
        [
            ("DEU", "Q4", 1, 1, 1, 1.0, 1.0, 1 / 3),
            ("DEU", "Q4", 3, 3, 2, 2.0, 2.5, 2 / 3),
            ("DEU", "Q48", 10, 10, 1, 1.0, 1.0, 1.0),
            ("URY", "Q4", 4, 4, 1, 0.25, 0.0625, 1.0),
            ("URY", "Q48", 4, 4, 1, 0.25, 0.0625, 1.0),
        ],
        columns=Distributions.names(),
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)


def test_missing_answers_are_counted_by_kind() -> None:
    table = count_missing(count_codes(parse(SURVEY)))
    assert set(table.itertuples(index=False, name=None)) == {
        ("DEU", "Q4", "other", 1),
        ("DEU", "Q48", "dont_know", 1),
        ("DEU", "Q48", "no_answer", 2),
        ("URY", "Q4", "not_asked", 1),
        ("URY", "Q48", "not_applicable", 1),
    }


@pytest.mark.slow
def test_every_respondent_is_either_weighed_or_counted_as_missing(survey: Path, few: pd.DataFrame) -> None:
    weighed = read_table(survey / "distributions.parquet", Distributions)
    missing = read_table(survey / "missing.csv", Missing)
    total = pd.concat([weighed, missing]).groupby(["country", "question"])["n"].sum()
    assert total.to_dict() == few.groupby(["country", "question"])["count"].sum().to_dict()
    assert set(missing["kind"]) == {"other", "not_asked"}
    chinese = missing[(missing["country"] == "CHN") & (missing["kind"] == "not_asked")]
    assert len(chinese) == 37 and set(chinese["n"]) == {3036}


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
    return pd.DataFrame({"respondent": range(2, size + 2), "interview": 1, "wave": 7, "year": 2018, **drawn})


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(weighted_responses())
def test_shares_of_a_question_sum_to_one_and_are_ratios_of_weights(responses: pd.DataFrame) -> None:
    table = Distributions.validate(weigh(count_codes(responses)))
    assert np.allclose(table.groupby(["country", "question"])["share"].sum(), 1)
    for row in table.itertuples():
        people = responses[(responses["country"] == row.country) & (responses[row.question] >= 0)]
        who = people[people[row.question] == row.code]
        assert row.n == len(who)
        assert row.share == pytest.approx(who["weight"].sum() / people["weight"].sum())


def test_question_whose_weights_are_all_zero_has_no_share() -> None:
    text = SURVEY.replace("0.25", "0")
    counted = count_codes(parse(text))
    assert set(weigh(counted)["country"]) == {"DEU"}
    assert set(count_missing(counted)["country"]) == {"DEU", "URY"}


@pytest.mark.slow
def test_questions_come_in_natural_order(survey: Path, scales: pd.DataFrame) -> None:
    table = read_table(survey / "distributions.parquet", Distributions)
    for _, rows in table.groupby("country"):
        questions = list(rows["question"].unique())
        assert questions == sorted(questions, key=natural)
        assert questions.index("Q48") < questions.index("Q112") < questions.index("Q258")
    assert list(scales["question"]) == sorted(scales["question"], key=natural)
