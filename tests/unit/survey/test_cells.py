"""Cells of survey files: numbers, counts, blanks and values that are the same."""

import unicodedata

import pytest
from selfalign.survey.cells import find_thousands, is_blank, read_count, read_number, read_weight, tidy


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 2.50 ", 2.5), ("2,5", 2.5), ("-1e2", -100), (".5", 0.5), ("1_0", None), ("inf", None), ("", None)],
)
def test_number_has_a_point_or_a_comma_before_its_decimals(text: str, number: float | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["1,000", "2.000", "12,345,678", "1.5", "-1", "45%", "1 000"])
def test_count_with_a_separator_of_thousands_is_not_read_as_a_decimal(text: str) -> None:
    assert read_count(text) is None


@pytest.mark.parametrize(
    ("texts", "marked"),
    [
        (["1,234", "987", "12,500"], ["1,234", "12,500"]),
        (["1.234", "987", "12.500"], ["1.234", "12.500"]),
        (["1.234", "987", "0.875"], []),
        (["1.234", "987", "1.5"], []),
        (["1.125", "1", "2"], []),
        (["1.125", "1500"], []),
        (["1.234", "2.500"], []),
        (["987", "100"], []),
        ([], []),
    ],
)
def test_separator_of_thousands_is_found_where_decimals_are_unlikely(texts: list[str], marked: list[str]) -> None:
    assert find_thousands(texts) == marked


def test_weight_is_not_negative_and_not_huge() -> None:
    assert [read_weight(text) for text in ("0", "0,5", "1e12", "-0.1", "1e13", "x")] == [0, 0.5, 1e12, None, None, None]


def test_count_is_a_whole_number() -> None:
    assert [read_count(text) for text in ("0", " 7 ", "7.0", "7,00", "1000")] == [0, 7, 7, 7, 1000]


def test_same_values_are_tidied_to_the_same_text() -> None:
    assert {tidy(value) for value in ("1", "01", " 1.0", "1,0", "+1")} == {"1"}
    assert tidy("1,000") == "1,000"
    assert tidy(unicodedata.normalize("NFD", "Très  ÉLEVÉ")) == "très élevé"


def test_marks_of_programs_are_blank_in_any_case() -> None:
    assert all(map(is_blank, ["", " ", "NA", "na", "NaN", "<NA>", "N/A", "#N/A", "#NULL!", "."]))
    assert not any(map(is_blank, ["0", "no", "none", "-", "nap"]))
