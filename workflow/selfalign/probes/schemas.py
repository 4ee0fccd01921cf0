"""Tables of the probes stage."""

from typing import get_args

import pandas as pd
import pandera.pandas as pa

from selfalign.forms import ProbeKind
from selfalign.ids import NAME, PART, PEOPLE_ID
from selfalign.tables import Table


class Bank(Table):
    """The probe bank: which answer codes of a question make pole A and pole B of a probe."""

    probe: str = pa.Field(str_matches=NAME, unique=True, description="probe id")
    question: str = pa.Field(str_matches=NAME, description="id of the question")
    category: str = pa.Field(str_matches=NAME, description="thematic section of the survey")
    battery: str = pa.Field(str_matches=NAME, description="questions asked with the same stem and scale")
    siblings: str = pa.Field(
        str_length={"min_value": 1}, description="probes that ask the same; never shown to each other"
    )
    scale: str = pa.Field(isin=["binary", "nominal", "ordinal"], description="kind of answer scale")
    reversed: str = pa.Field(
        isin=["yes", "no", ""],
        description="whether a higher code means less of the thing; empty if nominal",
    )
    pole_a: str = pa.Field(str_matches=r"^\d+(-\d+)?( \d+(-\d+)?)*$", description="codes of pole A, such as `1-2 5`")
    pole_b: str = pa.Field(str_matches=r"^\d+(-\d+)?( \d+(-\d+)?)*$", description="codes of pole B")
    neither: str = pa.Field(str_matches=r"^(\d+(-\d+)?( \d+(-\d+)?)*)?$", description="codes of no pole (midpoints)")
    on_request: str = pa.Field(isin=["yes", ""], description="yes: used only if probes.only names the probe")


class Selected(Bank):
    """The rows of the bank that a run uses. The later steps read these in place of the bank."""


class LeftOutProbes(Table):
    """The probes of the bank that a run does not use, and why."""

    probe: str = pa.Field(str_matches=NAME, unique=True, description="probe id")
    category: str = pa.Field(str_matches=NAME, description="thematic section of the survey")
    reason: str = pa.Field(str_matches=NAME, description="the first setting of probes that leaves the probe out")


class ProbeKinds(Table):
    """The kind of each probe of a bank."""

    probe: str = pa.Field(str_matches=NAME, unique=True, description="probe id, as in the bank")
    kind: str = pa.Field(
        isin=get_args(ProbeKind),
        description="what the probe asks for; docs/probes.md defines each kind",
    )
    forced: str = pa.Field(
        isin=["yes", ""], description="whether people could choose only some items of a list, so that answers depend"
    )


class Texts(Table):
    """The wording of probes in one language."""

    probe: str = pa.Field(unique=True, description="probe id, as in the bank")
    statement: str = pa.Field(description="a sentence with one blank, written ___")
    option_a: str = pa.Field(str_length={"min_value": 1}, description="what fills the blank for pole A")
    option_b: str = pa.Field(str_length={"min_value": 1}, description="what fills the blank for pole B")
    status: str = pa.Field(isin=["drafted", "reviewed"], description="how far the wording was checked")

    @pa.dataframe_check(error="option_a and option_b differ")
    @classmethod
    def options_differ(cls, texts: pd.DataFrame) -> pd.Series:
        """The two options of a probe are not the same words."""
        return texts["option_a"] != texts["option_b"]


class OpinionProbes(Table):
    """Test probes on questions of an opinion table: the table that a user reviews."""

    probe: str = pa.Field(str_matches=NAME, unique=True, description="probe id")
    question: str = pa.Field(str_matches=NAME, description="id of the question, as in opinions.csv of the survey")
    category: str = pa.Field(str_matches=NAME, description="topic")
    battery: str = pa.Field(str_matches=NAME, description="questions asked with the same stem and options")
    siblings: str = pa.Field(
        str_length={"min_value": 1},
        description="siblings of the demonstrations that ask the same, which are not shown: `Q57`, or `Q234 Q243`",
    )
    pole_a: str = pa.Field(str_matches=r"^\d+(-\d+)?( \d+(-\d+)?)*$", description="codes of pole A, such as `1 2`")
    pole_b: str = pa.Field(str_matches=r"^\d+(-\d+)?( \d+(-\d+)?)*$", description="codes of pole B")
    neither: str = pa.Field(str_matches=r"^(\d+(-\d+)?( \d+(-\d+)?)*)?$", description="codes of no pole")
    statement: str = pa.Field(description="a sentence with one blank, written ___")
    option_a: str = pa.Field(str_length={"min_value": 1}, description="what fills the blank for pole A")
    option_b: str = pa.Field(str_length={"min_value": 1}, description="what fills the blank for pole B")
    status: str = pa.Field(isin=["drafted", "reviewed"], description="whether a person checked poles and words")
    answers: str = pa.Field(
        description="the options and their codes when the row was made: `1 Yes; 2 No`; not compared if empty"
    )

    @pa.dataframe_check(error="option_a and option_b differ")
    @classmethod
    def options_differ(cls, table: pd.DataFrame) -> pd.Series:
        """The two options of a probe are not the same words."""
        return table["option_a"] != table["option_b"]


class DraftedProbes(OpinionProbes):
    """Test probes that the program drafted, with notes for the reviewer."""

    note_wording: str = pa.Field(description="the question in the source's words")
    note_missing: str = pa.Field(nullable=True, description="options set aside as missing answers")
    note_missing_share: float = pa.Field(ge=0, le=1, description="mean share of these over countries")
    note_countries: int = pa.Field(ge=0, description="countries that were asked")


class UncutQuestions(Table):
    """Questions of an opinion table that the program could not turn into a probe, and why."""

    question: str = pa.Field(unique=True, description="id of the question")
    reason: str = pa.Field(str_length={"min_value": 1}, description="why there is no probe")
    answers: str = pa.Field(description="the options and their codes: `1 Yes; 2 No`")
    wording: str = pa.Field(description="the question in the source's words")
    countries: int = pa.Field(ge=0, description="countries that were asked")


class JoinedCountries(Table):
    """A country of either of two surveys, and how much of each it has."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", unique=True, description="ISO 3166 alpha-3")
    tested: int = pa.Field(ge=0, description="test probes that its people answered with a pole")
    shown: int = pa.Field(ge=0, description="probes that its people answered with a pole, for demonstrations")
    used: bool = pa.Field(description="whether it has both; others are left out")


TIE = 1e-12
"""A share of pole A that is this close to one half is a tie."""


class Poles(Table):
    """The answer of a country's people to a probe."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    probe: str = pa.Field(description="probe id")
    n: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="respondents who answered with either pole, unweighted; empty if not published"
    )
    neither: pd.Int64Dtype = pa.Field(
        ge=0, nullable=True, description="respondents whose answer is of no pole, left out of n and share_a"
    )
    share_a: float = pa.Field(ge=0, le=1, description="weighted share of pole A among both poles")
    standard_error: float = pa.Field(
        ge=0, nullable=True, description="of share_a, linearised for the weights; empty where n is"
    )
    majority: str = pa.Field(isin=["A", "B", "tie"], description="the answer of the country")

    class Config:
        unique = ["country", "probe"]


class Replicates(Table):
    """Shares of pole A in other samples of a country's people."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    probe: str = pa.Field(description="probe id")
    method: str = pa.Field(
        isin=["respondents", "normal", "none"],
        description="drawn from respondents; from a published standard error; or not at all, as none is published",
    )
    respondents: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="respondents of the country with a weight, whom the samples are drawn from"
    )
    shares: object = pa.Field(description="list of shares of pole A, one per sample; empty where nothing is drawn")

    class Config:
        unique = ["country", "probe"]


class GroupSizes(Table):
    """The size of each group of each country, and the respondents that are in no group of a variable."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="ISO 3166 alpha-3")
    variable: str = pa.Field(str_matches=f"^{PART}$", description="what the groups differ in, such as sex")
    group: str = pa.Field(nullable=True, description="name of the group; empty: respondents in no group")
    people: str = pa.Field(str_matches=PEOPLE_ID, nullable=True, description="id of the group in all other tables")
    n: int = pa.Field(ge=0, description="respondents, unweighted")
    effective_n: float = pa.Field(
        ge=0, nullable=True, description="effective number of respondents for the weights (Kish 1965)"
    )
    used: bool = pa.Field(description="whether the run may use the group")
    reason: str = pa.Field(
        nullable=True,
        description="too_small: fewer respondents than run.groups.least; of respondents in no group, as in `Groups`",
    )


class Members(Table):
    """Who is in a group that the run may use. A respondent is in one group of each variable at most."""

    respondent: int = pa.Field(ge=2, description="record of the survey file, as in `Responses`")
    people: str = pa.Field(str_matches=PEOPLE_ID, description="id of the group")

    class Config:
        unique = ["respondent", "people"]


class Dropped(Table):
    """Countries' probes that the experiment cannot use, and why."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    probe: str = pa.Field(description="probe id")
    reason: str = pa.Field(isin=["no_answers", "tie"], description="nobody answered with a pole, or an exact tie")

    class Config:
        unique = ["country", "probe"]


class ScaleCodes(Table):
    """A substantive answer code of a question of the bank, and where it stands on the question's scale."""

    question: str = pa.Field(description="id of the question")
    scale: str = pa.Field(isin=["binary", "nominal", "ordinal"], description="kind of answer scale, as in the bank")
    labels: str = pa.Field(description="set of labels that says what the code means")
    code: int = pa.Field(ge=0, description="answer code")
    counted: pd.Int64Dtype = pa.Field(
        ge=0, nullable=True, description="code as which it counts: itself if offered, one that is, or none: outside"
    )
    place: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="place of that code among the answers, as offered in order AB; empty: outside"
    )
    position: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="place on the scale, for distances; empty: nominal, or outside"
    )

    class Config:
        unique = ["question", "code"]


class ScaleTexts(Table):
    """A question with its whole answer scale, in one language: one row per answer that is offered."""

    question: str = pa.Field(description="id of the question")
    code: int = pa.Field(ge=0, description="answer code")
    place: int = pa.Field(ge=1, description="place among the answers, as offered in order AB")
    wording: str = pa.Field(str_length={"min_value": 1}, description="the question")
    shown: str = pa.Field(
        str_length={"min_value": 1}, description="the answer as it is listed: `1 = left`, or `rarely`"
    )
    answer: str = pa.Field(str_length={"min_value": 1}, description="the answer as it is given: `1`, or `rarely`")

    class Config:
        unique = ["question", "answer"]


class PeopleScales(Table):
    """How the people of a country spread over the answers to a question: a row for each that was offered."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    question: str = pa.Field(description="id of the question")
    code: int = pa.Field(ge=0, description="answer code")
    place: int = pa.Field(ge=1, description="place among the answers, as offered in order AB")
    position: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="place on the scale; empty where nominal")
    share: float = pa.Field(ge=0, le=1, description="weighted share among the answers that have a place")
    n: pd.Int64Dtype = pa.Field(ge=0, nullable=True, description="respondents, unweighted; empty where not published")
    modal: bool = pa.Field(description="whether more gave this answer than any other; never at a tie")

    class Config:
        unique = ["country", "question", "code"]


class DroppedScales(Table):
    """Countries' questions, or answers to them, that the whole scale cannot use, and why."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    question: str = pa.Field(description="id of the question")
    reason: str = pa.Field(
        isin=["no_answers", "codes_together", "tie", "outside"],
        description="nobody answered on the scale; shares published for several codes together; no modal answer, but "
        "a distribution; answers that have no place on the scale, left out of it",
    )
    n: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="respondents left out (outside), where published")
    share: float = pa.Field(ge=0, le=1, nullable=True, description="their weighted share of the substantive answers")

    class Config:
        unique = ["country", "question", "reason"]
