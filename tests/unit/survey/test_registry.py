"""The forms of surveys: what the registry says of each is true of the workflow."""

import re

import pytest
from project import ROOT
from selfalign.steps import STEPS
from selfalign.survey.registry import FORMS, how_to_cite

RULES = (ROOT / "workflow" / "rules" / "survey.smk").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_form_has_a_step_that_writes_the_registered_tables(form: str) -> None:
    rules = re.split(r"\nrule (\w+):", RULES)
    bodies = {name: body for name, body in zip(rules[1::2], rules[2::2], strict=True) if name.startswith("parse_")}
    mine = {name: body for name, body in bodies.items() if re.search(rf'surveys_of\([^)]*"{form}"', body)}
    assert mine and set(mine) <= set(STEPS)
    written = {"responses.parquet" in body for body in mine.values()}
    assert FORMS[form].respondents in written
    assert written == {FORMS[form].respondents} or form == "table", "counts of answers have no respondents"


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.citation])
def test_shipped_form_is_cited_and_its_files_are_there(form: str) -> None:
    assert FORMS[form].citation in how_to_cite({"form": form})
    assert all((ROOT / "resources" / "survey" / file).is_file() for file in FORMS[form].questionnaire)
