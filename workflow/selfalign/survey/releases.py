"""The kinds of published survey files, known by the names of their columns, and a remedy for each."""

import re
from typing import NamedTuple


class Release(NamedTuple):
    """A kind of published file.

    Attributes:
        name: its name, for messages.
        form: the form that reads it; empty if no form does.
        remedy: what to do with it where another form was expected.
    """

    name: str
    form: str
    remedy: str


_GET_SERIES = (
    "Get the time-series file (WVS_Time_Series_1981-2022_csv), which has these respondents under the names that the "
    "workflow reads, and set form: trends and waves: [6] (the number of the wave) in the config"
)
WAVE_7 = Release("the cross-national wave 7 file", "wvs7", "Set form: wvs7 in the config")
INVERTED = Release(
    "the inverted wave 7 file, whose recoded columns end in P",
    "",
    "Get the file that is not inverted: WVS_Cross-National_Wave_7_csv, from the World Values Survey Association",
)
TIME_SERIES = Release("the WVS time series", "trends", "Set form: trends and waves: [7] (or other waves) in the config")
JOINT = Release("the joint EVS/WVS file", "trends", "Set form: trends in the config")
EARLIER = Release("the file of an earlier wave, which names its questions V4, V5 and so on", "", _GET_SERIES)
EVS = Release(
    "a file of the European Values Study alone",
    "",
    "Get the joint EVS/WVS file (EVS_WVS_Joint), and set form: trends in the config",
)


def find_release(names: list[str]) -> Release | None:
    """The published file that has such columns; None where none is known.

    Args:
        names: columns of a file, in upper or lower case.
    """
    given = {name.upper() for name in names}
    questions = {kind: sum(bool(re.fullmatch(kind + r"\d+[A-Z]?", name)) for name in given) for kind in "QV"}
    if {"ID_COCAS", "CASENO"} & given and questions["V"] > 9:
        return EVS
    if {"Q1P", "Q46P", "Q57P"} & given:
        return INVERTED
    if questions["Q"] and {"B_COUNTRY_ALPHA", "B_COUNTRY", "D_INTERVIEW", "W_WEIGHT"} & given:
        return WAVE_7
    if "UNIQID" in given or {"CNTRY", "GWGHT"} <= given:
        return JOINT
    if {"S002", "S002VS", "S003", "S007", "S017"} & given and not questions["V"]:
        return TIME_SERIES
    return EARLIER if {"V2", "V258", "V259"} & given and questions["V"] > 9 else None
