"""The tool that prepares the study with test probes from Pew, and its review."""

import pandas as pd
import pew
from bank import BANK
from selfalign.survey.parse_opinions import read_literal


def test_rows_of_countries_become_questions() -> None:
    fish, boat = (
        {"question": "Fish?", "options": ["Yes", "No"]},
        {"question": "Boats?", "options": ["Yes", "No answer"]},
    )
    rows = [
        {**fish, "country": "Chile", "distribution": [0.2, 0.8]},
        {**boat, "country": "Peru", "distribution": [0.9, 0.1]},
        {**fish, "country": "Peru", "distribution": [0.3, 0.7]},
    ]
    table = pew.join_rows(rows)
    assert list(table["question"]) == ["Fish?", "Boats?"]
    assert list(table["source"]) == ["GAS", "WVS"], "only the World Values Survey names missing answers so"
    assert [read_literal(text) for text in table["selections"]] == [
        {"Chile": [0.2, 0.8], "Peru": [0.3, 0.7]},
        {"Peru": [0.9, 0.1]},
    ]
    assert read_literal(table.at[1, "options"]) == ["Yes", "No answer"]


def test_review_is_added_to_the_draft() -> None:
    columns = ["question", "siblings", "category", "battery", "value", "keep"]
    rows = [
        ("G1", "Q234 Q243", "a", "b", "yes", "yes"),
        ("G2", "", "c", "d", "no", "yes"),
        ("G3", "", "a", "b", "no", "?"),
    ]
    draft = pd.DataFrame({"question": ["G2", "G3", "G0", "G1"], "siblings": "x", "statement": ["2", "3", "0", "1"]})
    table = pew.review(draft, pd.DataFrame(rows, columns=columns))
    assert table[["question", "siblings", "category", "battery", "statement", "note_value"]].to_numpy().tolist() == [
        ["G2", "G2", "c", "d", "2", "no"],
        ["G1", "Q234 Q243", "a", "b", "1", "yes"],
    ]
    assert set(table["status"]) == {"reviewed"}


def test_review_names_siblings_of_the_bank() -> None:
    reviewed = pew.read_text(pew.REVIEW)
    siblings = set(BANK["siblings"])
    assert reviewed["question"].is_unique and len(reviewed) == 319
    assert {name for text in reviewed["siblings"] for name in text.split()} <= siblings
    assert (reviewed[["category", "battery", "keep"]] != "").all(axis=None)
    assert set(reviewed["value"]) == {"yes", "no"}
    assert (reviewed["keep"] == "yes").sum() == 313
