"""The forms of surveys: one entry per form has all that the workflow knows about it, except how its file is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WAVE_7 = (
    "Haerpfer, C., Inglehart, R., Moreno, A., Welzel, C., Kizilova, K., Diez-Medrano, J., Lagos, M., Norris, P., "
    "Ponarin, E. & Puranen, B. (eds.) (2022). World Values Survey: Round Seven - Country-Pooled Datafile. Version"
    " 6.0. doi:10.14281/18241.24"
)
_ALL_WAVES = (
    "Inglehart, R., Haerpfer, C., Moreno, A., Welzel, C., Kizilova, K., Diez-Medrano, J., Lagos, M., Norris, P., "
    "Ponarin, E. & Puranen, B. (eds.) (2022). World Values Survey: All Rounds - Country-Pooled Datafile. "
    "doi:10.14281/18241.17; for the joint file EVS/WVS (2022). European Values Study and World Values Survey: "
    "Joint EVS/WVS 2017-2022 Dataset. doi:10.14281/18241.21"
)
_OPINIONS = (
    "Durmus, E. et al. (2023). Towards Measuring the Representation of Subjective Global Opinions in Language "
    "Models. arXiv:2306.16388 (CC BY-NC-SA 4.0); its questions are from the Pew Global Attitudes Survey and the "
    "World Values Survey"
)


@dataclass(frozen=True)
class Form:
    """A form of survey.

    Attributes:
        respondents: whether its step writes a table of respondents; otherwise it writes distributions.
        questionnaire: files in resources/survey/ that its step reads.
        citation: how to cite the survey; empty if every user gives the citation.
        file: which file to ask the World Values Survey Association for; empty if the data are not from there.
        without: what a user can run without the file.
        groups: file in resources/survey/ that defines the groups of people by their values; empty if every user
            gives one, or if there are no respondents who were asked.
    """

    respondents: bool
    questionnaire: tuple[str, ...] = ()
    citation: str = ""
    file: str = ""
    without: str = ""
    groups: str = ""


_ENGLISH = ("questions/en.csv", "labels/en.csv")

FORMS = {
    "wvs7": Form(
        True,
        ("scales.csv", *_ENGLISH),
        _WAVE_7,
        "Wave 7 (2017-2022) and the cross-national file (WVS_Cross-National_Wave_7_csv)",
        "Without microdata, config/paper_shares.yaml runs with published shares of 68 questions",
        "groups/wvs7.csv",
    ),
    "trends": Form(
        True,
        ("scales.csv", "trends.csv", *_ENGLISH),
        _ALL_WAVES,
        "the time-series file (WVS_Time_Series) or the joint EVS/WVS file",
        groups="groups/trends.csv",
    ),
    "counts": Form(True, ("scales.csv", *_ENGLISH), _WAVE_7),
    "shares": Form(False, ("scales.csv",), _WAVE_7),
    "opinions": Form(False, ("opinions.csv",), _OPINIONS),
    "table": Form(True),
}
"""By the value of surveys.*.form in the config. Of form table, a file of counts has no respondents."""

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
