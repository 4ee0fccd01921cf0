"""Where each form of survey comes from, and how to cite it."""

from collections.abc import Mapping
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
_CITATIONS = {"wvs7": _WAVE_7, "counts": _WAVE_7, "shares": _WAVE_7, "trends": _ALL_WAVES, "opinions": _OPINIONS}
_REGISTER = (
    "The microdata of the World Values Survey are free for non-profit use after registration, and may not be "
    "passed on: open https://www.worldvaluessurvey.org, choose Data and Documentation, Data Download, then "
    "{file}, and fill in the form."
)
_WITHOUT = {
    "wvs7": "Without microdata, config/paper_shares.yaml runs with published shares of 68 questions",
}
_FILES = {
    "wvs7": "Wave 7 (2017-2022) and the cross-national file (WVS_Cross-National_Wave_7_csv)",
    "trends": "the time-series file (WVS_Time_Series) or the joint EVS/WVS file",
}


def how_to_get(form: str) -> str:
    """What to do if a survey's file is not there: register and put it there, or run without it."""
    steps = [how_to_register(form), "Put the file there, as it was downloaded, or correct the path."]
    return " ".join(filter(None, [*steps, _WITHOUT.get(form)]))


def how_to_register(form: str) -> str:
    """How to register for a file of microdata; empty for other forms."""
    return _REGISTER.format(file=_FILES[form]) if form in _FILES else ""


def how_to_cite(survey: Mapping[str, Any]) -> str:
    """What to cite in a publication that uses a survey, and how to get the microdata of the World Values Survey.

    Args:
        survey: its settings: form, and citation where the user gives one.
    """
    if "citation" in survey:
        return f"Cite the survey as: {survey['citation'].strip().removesuffix('.')}."
    form = survey["form"]
    source = how_to_register(form) or _REGISTER.format(file=_FILES["wvs7"])
    return f"Cite the survey as: {_CITATIONS[form]}.\n{source}"
