"""Tables of counts: a count that is not clear is refused, never read as another one."""

from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.survey.files import open_survey
from selfalign.survey.parse_counts import read_counts
from selfalign.survey.questions import read_questions
from selfalign.survey.table_columns import TableLayout


def test_count_with_a_separator_of_thousands_is_refused(tmp_path: Path) -> None:
    survey, file = tmp_path / "counts.csv", tmp_path / "questions.csv"
    survey.write_text('item;answer;n\nq;1;"1,000"\nq;2;2.000\nq;3;300\n', encoding="utf-8")
    file.write_text("question,answers\nq,1; 2; 3\n", encoding="utf-8")
    settings = {"columns": {"question": "item", "code": "answer", "count": "n"}, "country": "PRT"}
    with open_survey(survey, tmp_path) as opened, pytest.raises(InputError) as refused:
        read_counts(opened, read_questions(file), TableLayout.of_survey(settings), file)
    assert "without a separator of thousands: line 2 (q, code 1, count 1,000), line 3 (" in str(refused.value)
