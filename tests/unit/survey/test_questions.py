"""The file of questions of a survey of the form `table`: each value of the survey file stands for one answer."""

from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.survey.questions import find_unclear, read_questions


def write(folder: Path, header: str, row: str) -> Path:
    path = folder / "questions.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "row", "tells"),
    [
        ("question,answers,values", "q,1 = a; 2 = b; 3 = c,x; y; Y", 'column "values".*"y" stands for two answers'),
        ("question,answers,missing", "q,1; 2,8 = dont_know; 8 = no_answer", '"8" has two kinds'),
        ("question,answers", 'q,"1 = a, 2 = b"', "two answers or more. List all answers with semicolons"),
        ("question,answers", "q,1 = 0; 2 = 1; 3 = 2", '"1" is a code, and also the label of another.*into `values`'),
    ],
    ids=["value twice", "two kinds", "commas", "labels that are codes"],
)
def test_value_that_stands_for_two_things_is_refused(header: str, row: str, tells: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=tells):
        read_questions(write(tmp_path, header, row))


def test_values_say_whether_a_number_is_a_code_or_a_label(tmp_path: Path) -> None:
    for values, expected in (("1; 2; 3", [None, 1, 2]), ("0; 1; 2", [1, 2, 3])):
        (question,) = read_questions(write(tmp_path, "question,answers,values", f"q,1 = 0; 2 = 1; 3 = 2,{values}"))
        assert [question.code_of(value) for value in ("0", "1", "2")] == expected


def test_file_in_utf_16_is_read_and_other_columns_are_named_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "questions.csv"
    path.write_bytes("question\tanswers\nq\t1 = größer; 2 = kleiner\n".encode("utf-16"))
    (question,) = read_questions(path)
    assert question.labels == {1: "größer", 2: "kleiner"}
    path.write_text("Question,Answers\nq,1; 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="has columns Question, Answers; expected question, column, wording, answers"):
        read_questions(path)


def test_labels_are_unclear_only_if_they_are_the_code_of_another_answer() -> None:
    assert find_unclear({1: "0", 2: "1", 3: "2"}) == ["1", "2"]
    assert find_unclear({1: "1", 2: "02", 3: "10", 4: ""}) == []


def test_mark_of_an_empty_cell_is_an_answer_if_the_file_lists_it(tmp_path: Path) -> None:
    (question,) = read_questions(write(tmp_path, "question,answers,missing", "q,1 = N/A; 2 = yes,blank = not_asked"))
    assert [question.code_of(value) for value in ("n/a", "yes", "NA", "", "no")] == [1, 2, -4, -4, None]


@pytest.mark.parametrize(("missing", "empty"), [("", -5), ("blank = not_asked", -4)])
def test_answer_with_the_label_blank_is_no_empty_cell(missing: str, empty: int, tmp_path: Path) -> None:
    (question,) = read_questions(write(tmp_path, "question,answers,missing", f"q,1 = A; 2 = Blank,{missing}"))
    assert [question.code_of(value) for value in ("A", "blank", "", "NA")] == [1, 2, empty, empty]
