"""What `selfalign start-survey` finds in a file: countries, and columns that may be weights."""

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from selfalign.survey.files import open_survey
from selfalign.survey.inspect_file import Facts
from selfalign.survey.parse_table import parse_table
from selfalign.survey.questions import read_questions
from selfalign.survey.start_survey import guess_countries
from surveys import run


@pytest.mark.parametrize(
    ("labels", "countries"),
    [
        pytest.param({"4": "Great Britain", "8": "Russia", "9": "Nowhere"}, ["GBR", "RUS", None], id="names"),
        pytest.param({"792": "Turkey", "410": "South Korea"}, ["TUR", "KOR"], id="names of ISO numbers"),
        pytest.param({"4": "", "8": "", "276": ""}, ["AFG", "ALB", "DEU"], id="ISO numbers"),
        pytest.param({"1": "", "4": "", "8": ""}, [None, None, None], id="other numbers"),
        pytest.param({"PT": "", "DEU": "", "France": ""}, ["PRT", "DEU", "FRA"], id="texts"),
    ],
)
def test_country_is_the_one_that_the_label_names(labels: dict[str, str], countries: list[str | None]) -> None:
    facts = Facts(
        "land", counts=dict.fromkeys(labels, 1), labels={key: label for key, label in labels.items() if label}
    )
    assert list(guess_countries(facts).values()) == countries


def test_other_columns_of_weights_are_named(tmp_path: Path) -> None:
    rows = [f"{n},{0.5 + n % 2},{0.7 + n % 3},{1 + n % 2},{1 + n % 3},{1 + n % 4}" for n in range(20)]
    (tmp_path / "ess.csv").write_text("\n".join(["idno,dweight,pspwght,a,b,c", *rows]) + "\n", encoding="utf-8")
    said = run("start-survey", tmp_path / "ess.csv", "--country", "PRT", "--folder", tmp_path / "ess")
    assert "weight: column dweight\n" in said
    assert "other columns that may be weights: pspwght; choose with --weight" in said


def test_scale_whose_labels_are_codes_gets_values_that_are_read_as_codes(tmp_path: Path) -> None:
    answers = [float(1 + n % 4) for n in range(40)]
    labels = {float(code): str(code - 1) for code in range(1, 5)}
    table = pd.DataFrame(dict.fromkeys(("a", "b", "c"), answers))
    pyreadstat.write_sav(table, str(tmp_path / "s.sav"), variable_value_labels=dict.fromkeys(table, labels))
    run("start-survey", tmp_path / "s.sav", "--country", "PRT", "--folder", tmp_path / "s")
    questions = read_questions(tmp_path / "s/questions.csv")
    with open_survey(tmp_path / "s.sav", tmp_path) as file:
        responses, _, _ = parse_table(file, questions, {"country": "PRT"}, tmp_path / "s/questions.csv")
    assert responses["a"].tolist() == [int(answer) for answer in answers]
