"""The data dictionary and the quality table of a survey."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.survey.describe_survey import count_answer_kinds, describe_samples, effective_size
from selfalign.survey.schemas import Dictionary, Quality, Responses
from selfalign.survey.weigh_answers import count_codes
from selfalign.tables import read_table, write_table
from surveys import COUNTS, RESOURCES, SCALES, run

pytestmark = pytest.mark.slow

RESPONSES = pd.DataFrame(
    [
        (2, 1, "DEU", 7, 2017, 1.0, 1, 10, 2),
        (3, 2, "DEU", 7, 2018, 0.5, 2, -4, 2),
        (4, 3, "DEU", 7, 2018, 2.5, -1, -4, -2),
        (5, 4, "DEU", 7, pd.NA, 0.0, -5, 4, -3),
        (6, 9, "URY", 7, pd.NA, 1.0, 4, -4, 1),
        (7, 9, "URY", 7, pd.NA, 1.0, 4, -4, 1),
        (8, 8, "URY", 7, pd.NA, 1.0, 3, -4, 1),
    ],
    columns=["respondent", "interview", "country", "wave", "year", "weight", "Q4", "Q48", "Q57"],
).astype({"year": "Int64"})


def describe(folder: Path, responses: Path, scales: Path, questions: Path, labels: Path) -> None:
    words = ["--questions", questions, "--labels", labels]
    outputs = ["--dictionary", folder / "dictionary.csv", "--quality", folder / "quality.csv"]
    run("describe-survey", "--responses", responses, "--scales", scales, *words, *outputs)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with both tables of the respondents above."""
    folder = tmp_path_factory.mktemp("described")
    write_table(RESPONSES, folder / "responses.parquet", Responses)
    (folder / "scales.csv").write_text(
        "question,first,last,labels,order,merged\nQ57,1,2,trust,,\nQ4,1,4,importance,,\nQ48,1,10,ten,,\n"
    )
    (folder / "questions.csv").write_text("question,wording,status\nQ4,How important is politics?,drafted\n")
    labels = ["importance,1,very", "trust,1,yes", "importance,4,not at all", "trust,2,no"]
    rows = "".join(f"{row},reviewed\n" for row in labels)
    (folder / "labels.csv").write_text(f"labels,code,label,status\n{rows}")
    describe(folder, *(folder / name for name in ("responses.parquet", "scales.csv", "questions.csv", "labels.csv")))
    return folder


def test_dictionary_by_hand(described: Path) -> None:
    table = read_table(described / "dictionary.csv", Dictionary).set_index("question")
    assert list(table.index) == ["Q57", "Q4", "Q48"], "the order of the scales"
    assert table.loc["Q4", ["wording", "answers"]].to_list() == [
        "How important is politics?",
        "1 very; 4 not at all",
    ]
    assert table["wording"].isna().to_list() == [True, False, True]
    assert table["answers"].fillna("").to_list() == ["1 yes; 2 no", "1 very; 4 not at all", ""]
    assert table.loc["Q48", ["first", "last"]].to_list() == [1, 10]
    # Q48: half of the German sample was asked (a split ballot), nobody in Uruguay.
    assert table["countries"].to_list() == [2, 2, 1]
    assert table["not_asked_in"].fillna("").to_list() == ["", "", "URY"]
    assert table["partly_asked_in"].fillna("").to_list() == ["", "", "DEU"]
    kinds = ["valid", "dont_know", "no_answer", "not_applicable", "not_asked", "other"]
    assert table.loc["Q57", kinds].to_list() == [5, 0, 1, 1, 0, 0]
    assert table.loc["Q4", kinds].to_list() == [5, 1, 0, 0, 0, 1]
    assert table.loc["Q48", kinds].to_list() == [2, 0, 0, 0, 5, 0]


def test_quality_by_hand(described: Path) -> None:
    table = read_table(described / "quality.csv", Quality).set_index("country")
    german, uruguayan = table.loc["DEU"], table.loc["URY"]
    assert german[["wave", "first_year", "last_year", "n"]].to_list() == [7, 2017, 2018, 4]
    assert german[["weight_min", "weight_mean", "weight_max", "zero_weights"]].to_list() == [0, 1, 2.5, 1]
    # Kish: (1 + 0.5 + 2.5)^2 / (1 + 0.25 + 6.25)
    assert german["effective_n"] == pytest.approx(16 / 7.5)
    assert german["design_effect"] == pytest.approx(4 / (16 / 7.5))
    assert german[["questions", "questions_not_asked"]].to_list() == [3, 0]
    kinds = ["valid", "dont_know", "no_answer", "not_applicable", "other"]
    assert german[kinds].to_list() == pytest.approx([6 / 10, 1 / 10, 1 / 10, 1 / 10, 1 / 10]), "12 cells, 2 not asked"
    assert german[["repeated_interviews", "repeated_answers"]].to_list() == [0, 0]
    assert uruguayan[["n", "effective_n", "design_effect", "zero_weights"]].to_list() == [3, 3, 1, 0]
    assert uruguayan[["first_year", "last_year"]].isna().all()
    assert uruguayan[["questions", "questions_not_asked"]].to_list() == [2, 1]
    assert uruguayan[kinds].to_list() == [1, 0, 0, 0, 0]
    assert uruguayan[["repeated_interviews", "repeated_answers"]].to_list() == [2, 2]


def test_country_whose_weights_are_all_zero_is_described() -> None:
    nobody = RESPONSES.assign(weight=0.0)
    quality = Quality.validate(describe_samples(nobody, count_answer_kinds(count_codes(nobody))))
    assert quality["effective_n"].to_list() == [0, 0]
    assert quality["design_effect"].isna().all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.1, 10))
def test_effective_size_is_between_one_and_all_and_has_no_unit(weights: list[float], unit: float) -> None:
    size = effective_size(pd.Series(weights))
    assert 1 - 1e-9 <= size <= len(weights) + 1e-9
    assert effective_size(pd.Series(weights) * unit) == pytest.approx(size)
    assert effective_size(pd.Series([*weights, 0.0])) == pytest.approx(size), "who weighs nothing adds nothing"


def test_effective_size_is_that_of_the_variance_of_a_weighted_mean() -> None:
    random = np.random.default_rng(1)
    weights = random.lognormal(0, 0.7, 200)
    means = np.average(random.normal(size=(20_000, 200)), axis=1, weights=weights)
    assert 1 / means.var() == pytest.approx(effective_size(pd.Series(weights)), rel=0.05)


@st.composite
def responses(draw: st.DrawFn) -> pd.DataFrame:
    size = draw(st.integers(1, 20))
    cells = {
        "interview": st.integers(1, 5),
        "country": st.sampled_from(["BOL", "DEU"]),
        "weight": st.sampled_from([0.0, 0.5, 1.0, 2.5]),
        "Q4": st.sampled_from([-5, -4, -3, -2, -1, 1, 4]),
        "Q57": st.sampled_from([-4, 1, 2]),
    }
    drawn = {name: draw(st.lists(cell, min_size=size, max_size=size)) for name, cell in cells.items()}
    about = {"respondent": range(2, size + 2), "wave": 7, "year": 2018}
    return Responses.validate(pd.DataFrame(about | drawn)[[*RESPONSES.columns[:6], "Q4", "Q57"]])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(responses())
def test_quality_follows_from_the_respondents_one_by_one(people: pd.DataFrame) -> None:
    table = Quality.validate(describe_samples(people, count_answer_kinds(count_codes(people)))).set_index("country")
    assert list(table.index) == sorted(people["country"].unique())
    for country, sample in people.groupby("country"):
        row, rows = table.loc[country], list(sample.itertuples())
        cells = [code for person in rows for code in (person.Q4, person.Q57) if code != -4]
        for kind, codes in {"valid": range(1, 5), "dont_know": [-1], "no_answer": [-2], "other": [-5]}.items():
            share = sum(code in codes for code in cells) / max(len(cells), 1)
            assert row[kind] == pytest.approx(share), kind
        asked = sum(any(code != -4 for code in sample[question]) for question in ("Q4", "Q57"))
        assert (row["n"], row["questions"], row["questions_not_asked"]) == (len(rows), asked, 2 - asked)
        interviews = [person.interview for person in rows]
        assert row["repeated_interviews"] == sum(interviews.count(number) > 1 for number in interviews)
        answers = [(person.Q4, person.Q57) for person in rows]
        assert row["repeated_answers"] == sum(answers.count(pair) > 1 for pair in answers)


def test_example_is_described(tmp_path: Path) -> None:
    counts = pd.read_csv(COUNTS).query("country in ('CHN', 'DEU', 'GBR')")
    counts.to_csv(tmp_path / "counts.csv", index=False)
    run("simulate-survey", "--counts", tmp_path / "counts.csv", "--seed", 1, "--output", tmp_path / "survey.csv")
    responses, columns = tmp_path / "responses.parquet", tmp_path / "columns.csv"
    outputs = ["--responses", responses, "--columns", columns]
    run("parse-wvs7", "--survey", tmp_path / "survey.csv", "--scales", SCALES, *outputs)
    describe(tmp_path, responses, SCALES, RESOURCES / "questions" / "en.csv", RESOURCES / "labels" / "en.csv")
    quality = read_table(tmp_path / "quality.csv", Quality).set_index("country")
    assert quality["n"].to_dict() == counts[counts["question"] == "Q1"].groupby("country")["count"].sum().to_dict()
    assert quality["questions_not_asked"].to_dict() == {"CHN": 37, "DEU": 1, "GBR": 13}
    assert (quality["design_effect"] == 1).all()
    assert (quality["repeated_answers"] == 0).all()
    dictionary = read_table(tmp_path / "dictionary.csv", Dictionary).set_index("question")
    assert list(dictionary.index) == list(pd.read_csv(SCALES)["question"])
    assert dictionary["partly_asked_in"].isna().all()
    nowhere = counts[counts["code"] == -4].groupby("question")["country"].agg(lambda countries: " ".join(countries))
    assert dictionary["not_asked_in"].dropna().to_dict() == nowhere.to_dict()
    valid = counts[counts["code"] >= 0].groupby("question")["count"].sum()
    assert dictionary.loc[valid.index, "valid"].to_dict() == valid.to_dict()
