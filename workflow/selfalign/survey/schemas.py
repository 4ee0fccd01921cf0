"""Tables of the survey stage, and the names of its codes."""

import pandas as pd
import pandera.pandas as pa

from selfalign.ids import NAME, PART, PEOPLE_ID
from selfalign.tables import Table

MISSING_KINDS: dict[int, str] = {
    -1: "dont_know",
    -2: "no_answer",
    -3: "not_applicable",
    -4: "not_asked",
    -5: "other",
}
"""The missing codes of the World Values Survey, kept apart by kind."""

RESPONDENT = ["respondent", "interview", "country", "wave", "year", "weight"]
"""The columns of `Responses` that are not questions."""

_QUESTION = r"^[A-Z][A-Za-z0-9_]*$"
_COUNTRY = r"^[A-Z]{3}$"


class Scales(Table):
    """The answer scale of each question: its substantive codes are first..last."""

    question: str = pa.Field(str_matches=NAME, unique=True, description="id of the question")
    first: int = pa.Field(ge=0, description="lowest substantive code")
    last: int = pa.Field(ge=1, description="highest substantive code")
    labels: str = pa.Field(str_matches=r"^[A-Za-z0-9_.-]+$", description="set of `CodeLabels` for the codes")
    order: str = pa.Field(
        str_matches=r"^(\d+( \d+)+)?$",
        description="codes that are offered as answers, from one end to the other: `1 3 2`; empty: first to last",
    )
    merged: str = pa.Field(
        str_matches=r"^(\d+=\d+( \d+=\d+)*)?$",
        description="codes that were not offered, each with the code that it counts as: `0=1`; others have no place",
    )


class Questions(Table):
    """Wordings of the questions, in one language."""

    question: str = pa.Field(unique=True, description="id of the question")
    wording: str = pa.Field(str_length={"min_value": 1}, description="the question, in the project's words")
    status: str = pa.Field(isin=["drafted", "reviewed"], description="how far the wording was checked")


class CodeLabels(Table):
    """Labels of answer codes, in one language: one row per set of labels and code."""

    labels: str = pa.Field(description="name of the set, as in `Scales`")
    code: int = pa.Field(ge=0, description="answer code; a code without a row is shown as its number")
    label: str = pa.Field(str_length={"min_value": 1}, description="label of the code, in the project's words")
    status: str = pa.Field(isin=["drafted", "reviewed"], description="how far the wording was checked")

    class Config:
        unique = ["labels", "code"]


class Counts(Table):
    """Published answer counts: one row per country, question and code (missing codes included)."""

    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    question: str = pa.Field(str_matches=_QUESTION, description="WVS-7 variable")
    code: int = pa.Field(ge=-5, description="answer code; negative is missing")
    count: int = pa.Field(ge=1, description="respondents, unweighted")

    class Config:
        unique = ["country", "question", "code"]


class Shares(Table):
    """Published shares of one pole: one row per country and question."""

    question: str = pa.Field(str_matches=_QUESTION, description="WVS-7 variable")
    rule: str = pa.Field(description="which answer codes the share is of: see `RULES` of parse_shares")
    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    share: float = pa.Field(ge=0, le=1, description="weighted share of these codes among the substantive answers")

    class Config:
        unique = ["country", "question"]


class Trends(Table):
    """Names of the questions of wave 7 in the time-series file and the joint EVS/WVS file."""

    question: str = pa.Field(str_matches=_QUESTION, unique=True, description="WVS-7 variable")
    variable: str = pa.Field(str_matches=r"^[A-Z]\d+[A-Z0-9_]*$", unique=True, description="variable of those files")
    codes: str = pa.Field(
        str_matches=r"^(\d+=\d+( \d+=\d+)*)?$",
        description="their code = code of wave 7, if any code differs: `0=2 1=1`",
    )


class OpinionTable(Table):
    """Aggregated opinions in the form of GlobalOpinionQA: one row per question."""

    question: str = pa.Field(description="wording of the question; a row without one is left out")
    selections: str = pa.Field(description="text of a Python dictionary: the shares of the options, by country")
    options: str = pa.Field(description="text of a Python list: the answer options")
    source: str = pa.Field(description="where the question is from: WVS or GAS")


class OpinionKeys(Table):
    """Which questions of GlobalOpinionQA are questions of wave 7; without their text, whose licence forbids it."""

    question: str = pa.Field(str_matches=_QUESTION, description="WVS-7 variable")
    digest: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", unique=True, description="of the question's text: see `digest_text`"
    )
    codes: str = pa.Field(
        str_matches=r"^\d+( \d+)*$", description="code of each substantive option, in the order of the options"
    )


class Columns(Table):
    """A column of a survey file, and its use."""

    column: str = pa.Field(description="name in the file")
    use: str = pa.Field(
        isin=["respondent", "question", "variant", "unused"],
        description="about the respondent; a question; another form of a question (one country's, recoded); none",
    )
    question: str = pa.Field(nullable=True, description="the question, or the question that it is a variant of")


class Responses(Table):
    """One row per respondent: these columns, and one int16 column of answer codes per question."""

    respondent: int = pa.Field(ge=2, unique=True, description="record of the survey file; its header is record 1")
    interview: pd.Int64Dtype = pa.Field(
        nullable=True, description="number of the interview; not unique in every release; empty where the file has none"
    )
    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    wave: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="wave of the survey; empty where it has none")
    year: pd.Int64Dtype = pa.Field(nullable=True, description="year of the interview; empty where the file has none")
    weight: float = pa.Field(ge=0, description="weight of the respondent within the country")

    class Config:
        strict = False


class Distributions(Table):
    """One row per country, question and substantive answer code that somebody gave.

    Published shares may be of several codes together (code..last_code), and come without numbers of respondents.
    """

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    question: str = pa.Field(description="id of the question")
    code: int = pa.Field(ge=0, description="answer code")
    last_code: int = pa.Field(ge=0, description="last answer code of the row; usually the same as code")
    n: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="respondents, unweighted; empty where not published")
    weight: float = pa.Field(ge=0, nullable=True, description="sum of their weights")
    weight_squared: float = pa.Field(
        ge=0, nullable=True, description="sum of their squared weights, for standard errors"
    )
    share: float = pa.Field(ge=0, le=1, description="weighted share among the substantive answers")

    class Config:
        unique = ["country", "question", "code"]


class Missing(Table):
    """Missing answers: one row per country, question and kind of missing answer."""

    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    question: str = pa.Field(description="id of the question")
    kind: str = pa.Field(isin=sorted(MISSING_KINDS.values()), description="kind of missing answer")
    n: int = pa.Field(ge=1, description="respondents, unweighted")

    class Config:
        unique = ["country", "question", "kind"]


class GroupCodes(Table):
    """Groups of people by the values of a survey file's columns: one row per part of a group."""

    variable: str = pa.Field(str_matches=f"^{PART}$", description="variable that defines the groups, such as sex")
    group: str = pa.Field(str_matches=f"^{PART}$", description="name of the group, such as female")
    column: str = pa.Field(
        str_length={"min_value": 1},
        description="column of the survey file; of several columns of a variable, the first that the file has is read",
    )
    values: str = pa.Field(str_length={"min_value": 1}, description="a number, numbers such as `18-29`, or a text")


NO_COLUMN, UNLISTED = "no_column", "unlisted"
"""Reasons, other than a missing answer, why a respondent is in no group: no such column; no group has the value."""

_IN_NO_GROUP = [*sorted(MISSING_KINDS.values()), NO_COLUMN, UNLISTED]


class Groups(Table):
    """The group of each respondent by each variable, or why there is none."""

    respondent: int = pa.Field(ge=2, description="record of the survey file, as in `Responses`")
    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    variable: str = pa.Field(str_matches=f"^{PART}$", description="what the groups differ in")
    group: str = pa.Field(str_matches=f"^{PART}$", nullable=True, description="name of the group; empty for none")
    reason: str = pa.Field(
        isin=_IN_NO_GROUP,
        nullable=True,
        description="why the respondent is in no group: the kind of missing answer; a column that the file lacks; a "
        "value that no group has",
    )

    class Config:
        unique = ["respondent", "variable"]


class GroupCounts(Table):
    """How many respondents of a country each group has, and how many are in none."""

    country: str = pa.Field(str_matches=_COUNTRY, description="ISO 3166 alpha-3")
    variable: str = pa.Field(str_matches=f"^{PART}$", description="what the groups differ in")
    group: str = pa.Field(nullable=True, description="name of the group; empty for none")
    reason: str = pa.Field(isin=_IN_NO_GROUP, nullable=True, description="why these respondents are in no group")
    n: int = pa.Field(ge=1, description="respondents, unweighted")
    share: float = pa.Field(ge=0, le=1, nullable=True, description="weighted share of the country's respondents")


class LeftOut(Table):
    """Counts of the rows of a source that are not used."""

    place: str = pa.Field(description="country, wave or question, as the source names it")
    reason: str = pa.Field(description="why its rows were left out")
    n: int = pa.Field(ge=1, description="rows")

    class Config:
        unique = ["place", "reason"]


class Opinions(Table):
    """The dictionary of an opinion table: one row per question that is used."""

    question: str = pa.Field(
        str_matches=_QUESTION, unique=True, description="WVS-7 variable; another question is G and a part of its digest"
    )
    source: str = pa.Field(description="where the question is from: WVS or GAS")
    wording: str = pa.Field(description="wording of the question, in the source's words")
    answers: str = pa.Field(description="the substantive options and their codes: `1 Yes; 2 No`")
    missing: str = pa.Field(nullable=True, description="options set aside as missing answers: `No answer | Refused`")
    missing_share: float = pa.Field(
        ge=0, le=1, nullable=True, description="mean share of these answers over the countries; empty without a country"
    )
    countries: int = pa.Field(ge=0, description="countries whose answers were taken")


class Dictionary(Table):
    """The data dictionary: one row per question of the survey."""

    question: str = pa.Field(unique=True, description="id of the question")
    wording: str = pa.Field(nullable=True, description="wording of the question, in the project's words")
    answers: str = pa.Field(nullable=True, description="labels of the codes, in the project's words: `1 yes; 2 no`")
    first: int = pa.Field(ge=0, description="lowest substantive code")
    last: int = pa.Field(ge=1, description="highest substantive code")
    countries: int = pa.Field(ge=0, description="countries where anybody was asked")
    not_asked_in: str = pa.Field(nullable=True, description="countries where nobody was asked")
    partly_asked_in: str = pa.Field(
        nullable=True, description="countries where a part was asked (split ballot, filter)"
    )
    valid: int = pa.Field(ge=0, description="respondents with a substantive answer, unweighted")
    dont_know: int = pa.Field(ge=0, description="respondents who said that they do not know")
    no_answer: int = pa.Field(ge=0, description="respondents who gave no answer")
    not_applicable: int = pa.Field(ge=0, description="respondents to whom it does not apply")
    not_asked: int = pa.Field(ge=0, description="respondents who were not asked")
    other: int = pa.Field(ge=0, description="respondents whose answer is missing for another or an unknown reason")


class Quality(Table):
    """The quality table: one row per country of the survey."""

    country: str = pa.Field(str_matches=_COUNTRY, unique=True, description="ISO 3166 alpha-3")
    wave: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="wave of the survey; empty where it has none")
    first_year: pd.Int64Dtype = pa.Field(nullable=True, description="year of the first interview")
    last_year: pd.Int64Dtype = pa.Field(nullable=True, description="year of the last interview")
    n: int = pa.Field(ge=1, description="respondents")
    weight_min: float = pa.Field(ge=0, description="smallest weight")
    weight_mean: float = pa.Field(ge=0, description="mean weight; 1 where the weights are as published")
    weight_max: float = pa.Field(ge=0, description="largest weight")
    zero_weights: int = pa.Field(ge=0, description="respondents with the weight 0")
    effective_n: float = pa.Field(ge=0, description="effective sample size for the weights (Kish 1965)")
    design_effect: float = pa.Field(
        ge=1 - 1e-9, nullable=True, description="n over effective_n: variance lost to weights"
    )
    questions: int = pa.Field(ge=0, description="questions that anybody was asked")
    questions_not_asked: int = pa.Field(ge=0, description="questions that nobody was asked")
    valid: float = pa.Field(ge=0, le=1, description="share of substantive answers among all that were asked for")
    dont_know: float = pa.Field(ge=0, le=1, description="share of answers `don't know`, of those asked for")
    no_answer: float = pa.Field(ge=0, le=1, description="share of refusals, of those asked for")
    not_applicable: float = pa.Field(ge=0, le=1, description="share of `not applicable`, of those asked for")
    other: float = pa.Field(
        ge=0, le=1, description="share missing for another or an unknown reason, of those asked for"
    )
    repeated_interviews: pd.Int64Dtype = pa.Field(
        ge=0,
        nullable=True,
        description="respondents who share an interview number with another one; empty if the file has no numbers",
    )
    repeated_answers: int = pa.Field(ge=0, description="respondents with exactly the same answers as another one")
