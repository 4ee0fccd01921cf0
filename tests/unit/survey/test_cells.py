"""Cells of survey files: numbers, counts, blanks and values that are the same."""

import unicodedata

import pytest
from selfalign.survey.cells import is_blank, read_count, read_number, tidy


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 2.50 ", 2.5), ("2,5", 2.5), ("-1e2", -100), (".5", 0.5), ("1_0", None), ("inf", None), ("", None)],
)
def test_number_has_a_point_or_a_comma_before_its_decimals(text: str, number: float | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["1,000", "2.000", "12,345,678", "1.5", "-1", "45%", "1 000"])
def test_count_with_a_separator_of_thousands_is_not_read_as_a_decimal(text: str) -> None:
    assert read_count(text) is None


def test_count_is_a_whole_number() -> None:
    assert [read_count(text) for text in ("0", " 7 ", "7.0", "7,00", "1000")] == [0, 7, 7, 7, 1000]


def test_same_values_are_tidied_to_the_same_text() -> None:
    assert {tidy(value) for value in ("1", "01", " 1.0", "1,0", "+1")} == {"1"}
    assert tidy("1,000") == "1,000"
    assert tidy(unicodedata.normalize("NFD", "Très  ÉLEVÉ")) == "très élevé"


def test_marks_of_programs_are_blank_in_any_case() -> None:
    assert all(map(is_blank, ["", " ", "NA", "na", "NaN", "<NA>", "N/A", "#N/A", "#NULL!", "."]))
    assert not any(map(is_blank, ["0", "no", "none", "-", "nap"]))
