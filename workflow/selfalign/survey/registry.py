"""The forms of surveys: one entry per form has all that the workflow knows about it, except how its file is read."""

from dataclasses import dataclass

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
