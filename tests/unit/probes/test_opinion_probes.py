"""Test probes on questions of an opinion table: the draft, the reviewed table, and the countries of two surveys."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from bank import BANK
from places import ROOT
from refusal import assert_one_paragraph
from selfalign.errors import InputError
from selfalign.probes.draft_opinion_probes import draft_probes, word_question
from selfalign.probes.join_people import join_poles
from selfalign.probes.map_poles import map_poles
from selfalign.probes.opinion_cuts import Cut, UnclearError, cut_into_poles
from selfalign.probes.opinion_probes import (
    as_bank,
    check_opinion_probes,
    parse_answers,
    read_opinion_probes,
    select_tests,
)
from selfalign.probes.schemas import (
    Bank,
    DraftedProbes,
    JoinedCountries,
    LeftOutProbes,
    Poles,
    Texts,
    UncutQuestions,
)
from selfalign.survey.parse_opinions import (
    describe_opinions,
    opinions_to_distributions,
    rate_samples,
    read_opinion_questions,
)
from selfalign.survey.schemas import OpinionKeys, OpinionTable
from selfalign.tables import read_input
from two_surveys import BRIDGE, GAP, HARBOUR, MARKET, NOISE, TRAINS, write_second_survey

COUNTRIES = ["GBR", "KEN"]
ALL_OF_GAS = {"source": "GAS", "only": []}


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The questions and the distributions of the invented survey, as its step reads them."""
    file = write_second_survey(tmp_path_factory.mktemp("opinions") / "opinions.csv")
    known = read_input(ROOT / "resources" / "survey" / "opinions.csv", OpinionKeys)
    questions = read_opinion_questions(read_input(file, OpinionTable), known, file)
    samples = rate_samples(questions)
    return describe_opinions(questions, samples), opinions_to_distributions(questions, samples)


@pytest.fixture(scope="module")
def draft(survey: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return draft_probes(*survey, "GAS")


@pytest.fixture(scope="module")
def ids(survey: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, str]:
    """By wording, the id of a question."""
    return survey[0].set_index("wording")["question"].to_dict()


@pytest.fixture
def written(draft: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the draft as a user's table, with one cell changed."""

    def write(row: int = 0, **cells: str) -> Path:
        table = draft[0].copy()
        for column, value in cells.items():
            table.loc[row, column] = value
        table.to_csv(tmp_path / "reviewed.csv", index=False)
        return tmp_path / "reviewed.csv"

    return write


@pytest.mark.parametrize(
    ("options", "cut"),
    [
        ("Very good; Somewhat good; Somewhat bad; Very bad", Cut((1, 2), (3, 4), (), "good", "bad")),
        ("Very bad; Somewhat bad; Very good", Cut((1, 2), (3,), (), "bad", "good")),
        ("Very well; Somewhat well; Not too well; Not well at all", Cut((1, 2), (3, 4), (), "well", "not well")),
        (
            "A lot of confidence; Some confidence; Not too much confidence; No confidence at all",
            Cut((1, 2), (3, 4), (), "confidence", "little or no confidence"),
        ),
        ("Not at all likely; Not too likely; Very likely", Cut((1, 2), (3,), (), "not likely", "likely")),
        ("Yes, it helps; No, it does not help", Cut((1,), (2,), (), "yes", "no")),
        ("Much better; Better; About the same; Worse", Cut((1, 2), (4,), (3,), "better", "worse")),
        ("Optimistic; Pessimistic; Neither (DO NOT READ)", Cut((1,), (2,), (3,), "optimistic", "pessimistic")),
        (
            "Improve a lot; Improve a little; Remain the same; Worsen a lot",
            Cut((1, 2), (4,), (3,), "improve", "worsen"),
        ),
        ("A more active role; A less active role", Cut((1,), (2,), (), "a more active role", "a less active role")),
        (
            "I like American films; I dislike American films",
            Cut((1,), (2,), (), "I like American films", "I dislike American films"),
        ),
    ],
)
def test_clear_options_are_cut(options: str, cut: Cut) -> None:
    labels = dict(enumerate(options.split("; "), start=1))
    assert cut_into_poles(labels, labels) == cut


@pytest.mark.parametrize(
    ("options", "given", "why"),
    [
        ("Major threat; Minor threat; Not a threat", "1 2 3", "not degrees of two opposites"),
        ("Men; Women; Both", "1 2 3", "not degrees of two opposites"),
        ("Good; Bad; Good", "1 2 3", "not in order"),
        ("Very good; Somewhat bad; Neither", "1 3", "fewer than two options"),
        ("Better; Easy", "1 2", "not degrees of two opposites"),
    ],
)
def test_other_options_are_not_cut(options: str, given: str, why: str) -> None:
    with pytest.raises(UnclearError, match=why):
        cut_into_poles(dict(enumerate(options.split("; "), start=1)), map(int, given.split()))


def test_option_without_answers_has_no_pole() -> None:
    """The data set mixes the options of other questions into some lists; nobody chose these."""
    options = {1: "Good", 2: "Bad", 3: "Trains should be free of charge"}
    assert cut_into_poles(options, [1, 2]) == Cut((1,), (2,), (3,), "good", "bad")
    with pytest.raises(UnclearError):
        cut_into_poles(options, [1, 2, 3])


@pytest.mark.parametrize(
    ("wording", "statement", "stem"),
    [
        ("Is tea\n good?", "Is tea good? ___", ""),
        (HARBOUR, "Do you approve or disapprove of how the harbour is run? ___", HARBOUR[:-15]),
        ("Say how much you like it...Tea.", "Say how much you like it...Tea. ___", "Say how much you like it"),
        (
            "Is life in (Survey country) good? (Survey country) is",
            "Is life in our country good? Our country is ___",
            "",
        ),
    ],
)
def test_question_becomes_a_statement(wording: str, statement: str, stem: str) -> None:
    found, shared = word_question(wording)
    assert (found, shared.removesuffix(" ")) == (statement, stem.removesuffix(" "))


@pytest.mark.parametrize("wording", [GAP, "Do ____ and ____ agree? a. cats", "Is (INSERT ITEM) good?"])
def test_question_with_a_gap_is_refused(wording: str) -> None:
    with pytest.raises(UnclearError):
        word_question(wording)


def test_draft_has_the_clear_questions_of_the_source_and_lists_the_others(
    draft: tuple[pd.DataFrame, pd.DataFrame], ids: dict[str, str]
) -> None:
    table, uncut = DraftedProbes.validate(draft[0]), UncutQuestions.validate(draft[1])
    assert list(table["question"]) == [ids[one] for one in (TRAINS, HARBOUR, MARKET, BRIDGE)]
    assert list(uncut["question"]) == [ids[NOISE], ids[GAP]]
    trains = table.iloc[0]
    assert (trains["pole_a"], trains["pole_b"], trains["neither"]) == ("1 2", "3 4", "")
    assert table.iloc[3]["neither"] == "5"
    assert trains["note_missing"] == "DK/Refused" and trains["note_missing_share"] == pytest.approx(0.075)
    assert set(table["status"]) == {"drafted"}


def test_questions_of_one_list_are_one_battery(draft: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    trains, harbour, market, bridge = draft[0]["battery"]
    assert harbour == market and len({trains, harbour, bridge}) == 3
    assert trains == draft[0]["question"].iloc[0], "a question that stands alone is its own cluster"


def test_reviewed_table_needs_few_columns(survey: tuple, ids: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    row = f"{ids[TRAINS]};1-2;3-4;Trains are ___.;fine;slow\n"
    file.write_text(f"question;pole_a;pole_b;statement;option_a;option_b\n{row}", encoding="utf-8")
    table = read_opinion_probes(file)
    taken, _ = select_tests(table, *survey, COUNTRIES, ALL_OF_GAS, file)
    bank = Bank.validate(as_bank(taken))
    assert bank[["probe", "battery", "siblings"]].iloc[0].tolist() == [ids[TRAINS]] * 3
    assert bank["scale"].tolist() == ["ordinal"]
    assert Texts.validate(taken[Texts.names()])["statement"].tolist() == ["Trains are ___."]


def test_probes_are_left_out_and_counted(survey: tuple, written: Callable[..., Path], ids: dict[str, str]) -> None:
    table = read_opinion_probes(written())
    two = {**ALL_OF_GAS, "only": [ids[HARBOUR], ids[MARKET]]}
    taken, others = select_tests(table, *survey, ["DEU"], two, Path("t.csv"))
    assert list(taken["probe"]) == [ids[MARKET]]
    reasons = LeftOutProbes.validate(others).set_index("probe")["reason"].to_dict()
    assert reasons == {ids[TRAINS]: "only", ids[HARBOUR]: "countries", ids[BRIDGE]: "only"}
    with pytest.raises(InputError, match="no test probe is left .*4 by source"):
        select_tests(table, *survey, ["DEU"], {"source": "WVS", "only": []}, Path("t.csv"))


@pytest.mark.parametrize(
    ("cells", "tells"),
    [
        ({"question": "G0"}, ["reviewed.csv", "line 2", "'G0'", "no such question"]),
        ({"answers": "1 Good; 2 Bad"}, ["line 2", "answers", "1 Very good; 2 Somewhat good", "made for another file"]),
        ({"pole_b": "2 3 4"}, ["code 2", "claimed more than once"]),
        ({"pole_b": "3"}, ["code 4", "maps to no pole"]),
        ({"statement": "Trains."}, ["0 blanks", "Reword"]),
        ({"battery": "importance_in_life"}, ["'importance_in_life'", "two surveys share no battery", "siblings"]),
        ({"probe": "Q1"}, ["'Q1'", "also a probe of the bank"]),
        ({"option_b": "good"}, ["option_a and option_b differ"]),
    ],
)
def test_wrong_row_is_refused(
    cells: dict[str, str], tells: list[str], survey: tuple, written: Callable[..., Path]
) -> None:
    file = written(**cells)
    with pytest.raises(InputError) as refused:
        table = read_opinion_probes(file)
        check_opinion_probes(table, BANK, file)
        select_tests(table, *survey, COUNTRIES, ALL_OF_GAS, file)
    assert_one_paragraph(f"selfalign: {refused.value}\n", tells)


def test_answers_are_parsed() -> None:
    assert parse_answers("1 Yes; 2 No; or maybe; 10 Never") == {1: "Yes", 2: "No; or maybe", 10: "Never"}


@pytest.fixture(scope="module")
def people() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers of another survey to two probes of the shipped bank, and these probes. South Africa is not in it."""
    bank = BANK[BANK["probe"].isin(["Q1", "Q4"])]
    rows = [
        (country, question, code, code, pd.NA, float("nan"), float("nan"), share)
        for country, share_1 in {"GBR": 0.9, "DEU": 0.2, "KEN": 0.6, "MEX": 0.7}.items()
        for question in ("Q1", "Q4")
        for code, share in ((1, share_1), (4, 1 - share_1))
    ]
    columns = ["country", "question", "code", "last_code", "n", "weight", "weight_squared", "share"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64"}), bank


def test_surveys_are_joined_in_their_common_countries(
    survey: tuple, draft: tuple, people: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    tests = as_bank(draft[0])
    poles, tested, joined = join_poles(survey[1], tests, *people, COUNTRIES)
    assert JoinedCountries.validate(joined).set_index("country")["used"].to_dict() == {
        "DEU": True,
        "GBR": True,
        "KEN": True,
        "MEX": False,
        "ZAF": False,
    }
    assert set(Poles.validate(poles)["country"]) == set(tested["country"]) == {"DEU", "GBR", "KEN"}
    shares = poles.set_index(["country", "probe"])["share_a"]
    of_trains = map_poles(survey[1], tests).set_index(["country", "probe"])["share_a"]
    assert shares["GBR", tests["probe"].iloc[0]] == pytest.approx(0.2 / 0.8)
    assert shares["GBR", "Q1"] == pytest.approx(0.9)
    assert of_trains["GBR"].equals(shares["GBR"][of_trains["GBR"].index])


def test_country_of_one_survey_is_refused(survey: tuple, draft: tuple, people: tuple) -> None:
    with pytest.raises(InputError) as refused:
        join_poles(survey[1], as_bank(draft[0]), *people, ["GBR", "MEX", "ZAF", "USA"])
    tells = ["MEX (no test probe)", "ZAF (no demonstration)", "USA (no test probe)", "DEU, GBR, KEN"]
    assert_one_paragraph(f"selfalign: {refused.value}\n", tells)
