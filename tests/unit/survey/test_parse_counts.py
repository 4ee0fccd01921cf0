"""Tables of counts: a count that is not clear is refused, never read as another one."""

from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.survey.files import open_survey
from selfalign.survey.parse_counts import read_counts
from selfalign.survey.questions import read_questions
from selfalign.survey.table_columns import TableLayout

COLUMNS = {"country": "place", "question": "item", "code": "answer", "count": "n"}


def test_count_with_a_separator_of_thousands_is_refused(tmp_path: Path) -> None:
    survey, file = tmp_path / "counts.csv", tmp_path / "questions.csv"
    survey.write_text('item;answer;n\nq;1;"1,000"\nq;2;2.000\nq;3;300\n', encoding="utf-8")
    file.write_text("question,answers\nq,1; 2; 3\n", encoding="utf-8")
    settings = {"columns": {"question": "item", "code": "answer", "count": "n"}, "country": "PRT"}
    with open_survey(survey, tmp_path) as opened, pytest.raises(InputError) as refused:
        read_counts(opened, read_questions(file), TableLayout.of_survey(settings), file)
    assert "without a separator of thousands: line 2 (q, code 1, count 1,000), line 3 (" in str(refused.value)


def counts_of(tmp_path: Path, rows: str, countries: dict[str, str]) -> dict[tuple[str, int], int]:
    """Counts by country and code of a question whose code 1 is agree, and in which DK and REF are no answer."""
    survey, file = tmp_path / "counts.csv", tmp_path / "questions.csv"
    survey.write_text(f"place,item,answer,n\n{rows}", encoding="utf-8")
    file.write_text(
        "question,answers,values,missing\nq,1 = agree; 2 = disagree,,DK = dont_know; REF = no_answer\n",
        encoding="utf-8",
    )
    layout = TableLayout.of_survey({"columns": COLUMNS, "countries": countries})
    with open_survey(survey, tmp_path) as opened:
        table, _ = read_counts(opened, read_questions(file), layout, file)
    return {(row.country, row.code): row.n for row in table.itertuples()}


@pytest.mark.parametrize("again", ["1", " 1", "1.0", "01", "agree"])
def test_code_that_is_there_twice_is_refused_however_it_is_written(again: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"twice: line 3 \(q, code .*, count 20\)|does not list this code: line 3"):
        counts_of(tmp_path, f"DEU,q,1,10\nDEU,q,{again},20\nDEU,q,2,5\n", {})


def test_places_of_one_country_are_added(tmp_path: Path) -> None:
    rows = "East,q,1,10\nEast,q,2,5\nEast,q,DK,1\nEast,q,REF,2\nWest,q,1,20\nWest,q,2,7\n"
    counts = counts_of(tmp_path, rows, {"East": "DEU", "West": "DEU"})
    assert counts[("DEU", 1)] == 30 and counts[("DEU", 2)] == 12
    assert sum(n for (_, code), n in counts.items() if code < 0) == 3


def test_counts_that_are_all_left_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no row is left; left out are: 2 of East \(null in surveys"):
        counts_of(tmp_path, "East,q,1,10\nEast,q,2,5\n", {"East": None})
