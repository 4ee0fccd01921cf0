"""The origin of each form of survey, and its citation."""

from collections.abc import Mapping
from typing import Any

from selfalign.survey.registry import FORMS

_REGISTER = (
    "The microdata of the World Values Survey are free for non-profit use after registration, and may not be "
    "passed on: open https://www.worldvaluessurvey.org, choose Data and Documentation, Data Download, then "
    "{file}, and fill in the form."
)


def how_to_get(form: str) -> str:
    """Steps to take if the file of a survey is missing: register and download it, or run without it."""
    steps = [how_to_register(form), "Put the file there, as it was downloaded, or correct the path."]
    return " ".join(filter(None, [*steps, FORMS[form].without]))


def how_to_register(form: str) -> str:
    """How to register for a file of microdata; empty for other forms."""
    return _REGISTER.format(file=FORMS[form].file) if FORMS[form].file else ""


def how_to_cite(survey: Mapping[str, Any]) -> str:
    """The citation of a survey, and how to get the microdata of the World Values Survey.

    Args:
        survey: its settings: form, and citation where the user gives one.
    """
    if "citation" in survey:
        return f"Cite the survey as: {survey['citation'].strip().removesuffix('.')}."
    form = survey["form"]
    source = how_to_register(form) or _REGISTER.format(file=FORMS["wvs7"].file)
    return f"Cite the survey as: {FORMS[form].citation}.\n{source}"
