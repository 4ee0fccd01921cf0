"""Tables of the survey stage, and the names of its codes."""

import pandera.pandas as pa

from selfalign.tables import Table

MISSING_KINDS: dict[int, str] = {
    -1: "dont_know",
    -2: "no_answer",
    -3: "not_applicable",
    -4: "not_asked",
    -5: "other",
}
"""The missing codes of WVS-7, kept apart by kind."""

WEIGHT = "W_WEIGHT"
COUNTRY = "B_COUNTRY_ALPHA"
INTERVIEW = "D_INTERVIEW"


class Scales(Table):
    """The answer scale of each question of WVS-7: its substantive codes are first..last."""

    question: str = pa.Field(str_matches=r"^Q\d+[A-Z]?$", unique=True, description="WVS-7 variable")
    first: int = pa.Field(ge=0, description="lowest substantive code")
    last: int = pa.Field(ge=1, description="highest substantive code")


class Counts(Table):
    """Published answer counts: one row per country, question and code (missing codes included)."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    question: str = pa.Field(str_matches=r"^Q\d+[A-Z]?$", description="WVS-7 variable")
    code: int = pa.Field(ge=-5, description="answer code; negative is missing")
    count: int = pa.Field(ge=1, description="respondents, unweighted")

    class Config:
        unique = ["country", "question", "code"]


class Responses(Table):
    """One row per respondent; beside these columns, one int16 column of answer codes per question."""

    respondent: int = pa.Field(ge=2, unique=True, description="line of the survey file")
    interview: int = pa.Field(description="D_INTERVIEW; not unique in every release")
    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    weight: float = pa.Field(ge=0, description="W_WEIGHT")

    class Config:
        strict = False


class Distributions(Table):
    """One row per country, question and substantive answer code that somebody gave."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    question: str = pa.Field(description="WVS-7 variable")
    code: int = pa.Field(ge=0, description="answer code")
    n: int = pa.Field(ge=1, description="respondents, unweighted")
    weight: float = pa.Field(ge=0, description="sum of their weights")
    weight_squared: float = pa.Field(ge=0, description="sum of their squared weights, for standard errors")
    share: float = pa.Field(ge=0, le=1, description="weighted share among the substantive answers")

    class Config:
        unique = ["country", "question", "code"]


class Missing(Table):
    """What weigh_answers set aside: one row per country, question and kind of missing answer."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    question: str = pa.Field(description="WVS-7 variable")
    kind: str = pa.Field(isin=sorted(MISSING_KINDS.values()), description="kind of missing answer")
    n: int = pa.Field(ge=1, description="respondents, unweighted")

    class Config:
        unique = ["country", "question", "kind"]
