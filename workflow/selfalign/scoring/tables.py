"""Tables of the scoring stage."""

import pandas as pd
import pandera.pandas as pa

from selfalign.inference.tables import READOUTS
from selfalign.prompts.tables import CELL
from selfalign.tables import Table

MEASURES = ("agreement", "alignment", "mass_outside", "order_gap")
"""What is estimated: agreement with the majority, soft alignment, mass outside the options, effect of their order."""

METRICS = (
    "agreement",
    "alignment",
    "js_divergence",
    "js_distance",
    "wasserstein",
    "mean_error",
    "pearson",
    "spearman",
    "response_pattern",
)
"""How a model's answers are compared with the people's; docs/metrics.md says what each is."""

ALL = "all"
"""The row that is the mean of the countries, each counting the same."""


class Scores(Table):
    """A cell of the experiment, scored: its two option orders averaged and compared with the country's people."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe")
    source: str = pa.Field(str_matches=r"^([A-Z]{3}|world)?$", description="whose answers the demonstrations carry")
    seed: int = pa.Field(ge=0, description="seed of the demonstrations' draw")
    template: str = pa.Field(description="frame of the prompt")
    readout: str = pa.Field(isin=READOUTS, description="what decides between the options")
    category: str = pa.Field(description="thematic category of the probe")
    battery: str = pa.Field(description="battery of the probe")
    p_a: float = pa.Field(ge=0, le=1, description="model's probability of pole A among both, mean of the two orders")
    share_a: float = pa.Field(ge=0, le=1, description="people's weighted share of pole A among both")
    majority: str = pa.Field(isin=["A", "B"], description="the people's answer")
    agreement: float = pa.Field(
        isin=[0.0, 0.5, 1.0], description="1 where the model chooses the people's answer; 0.5: p_a = 0.5"
    )
    alignment: float = pa.Field(ge=0, le=1, description="soft alignment: 1 - |p_a - share_a|")
    mass_outside: float = pa.Field(
        ge=0, le=1, description="probability outside labels or options, by readout, mean of the two orders"
    )
    order_gap: float = pa.Field(ge=0, le=1, description="|difference of p_a between the two orders|")

    class Config:
        unique = ["model", "language", *CELL]


class Unanswered(Table):
    """A cell in one option order to which the model gave no answer; the cell is left out of the scores."""

    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe")
    source: str = pa.Field(nullable=True, description="whose answers the demonstrations carry")
    seed: int = pa.Field(description="seed of the demonstrations' draw")
    template: str = pa.Field(description="frame of the prompt")
    order: str = pa.Field(description="which pole's option comes first")
    prompt: str = pa.Field(description="the prompt that has no answer")


class Readouts(Table):
    """Two readouts of one model's answers in a language and frame, compared over cells."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    template: str = pa.Field(description="frame of the prompt")
    readout: str = pa.Field(isin=READOUTS, description="one readout")
    against: str = pa.Field(isin=READOUTS, description="the other")
    cells: int = pa.Field(ge=1, description="cells that both answer, their option orders averaged")
    differ: float = pa.Field(ge=0, le=1, description="share of cells in which they choose differently")
    correlation: float = pa.Field(nullable=True, description="Spearman's, of the probabilities of pole A")

    class Config:
        unique = ["model", "language", "template", "readout", "against"]


class Estimates(Table):
    """A measure of an arm, averaged over probes, with its interval."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(description="ISO 3166 alpha-3, or `all`: the mean of the countries")
    measure: str = pa.Field(isin=MEASURES, description="what is estimated; shares, 0 to 1")
    estimate: float = pa.Field(description="mean over probes")
    low: float = pa.Field(description="lower end of the interval")
    high: float = pa.Field(description="upper end of the interval")
    probes: int = pa.Field(ge=1, description="number of probes")
    batteries: int = pa.Field(ge=1, description="number of batteries, the clusters of the bootstrap")


class Contrasts(Estimates):
    """A measure's difference between two arms, paired by probe, with its interval."""

    against: str = pa.Field(description="the arm that is subtracted")


class ScaleScores(Table):
    """An answer on a whole scale in a cell of the experiment: how probable the model makes it, and people give it."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe, whose question is asked")
    source: str = pa.Field(str_matches=r"^([A-Z]{3}|world)?$", description="whose answers the demonstrations carry")
    seed: int = pa.Field(ge=0, description="seed of the demonstrations' draw")
    template: str = pa.Field(description="frame of the prompt")
    question: str = pa.Field(description="WVS-7 variable")
    readout: str = pa.Field(isin=READOUTS, description="what decides between the answers")
    code: int = pa.Field(ge=0, description="answer code")
    place: int = pa.Field(ge=1, description="place among the answers, as offered in order AB")
    position: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="place on the scale; empty where nominal")
    p: float = pa.Field(ge=0, le=1, description="model's probability of the answer among all, mean of the two orders")
    share: float = pa.Field(ge=0, le=1, description="people's weighted share of the answer among all")

    class Config:
        unique = ["model", "language", *CELL, "code"]


class Metrics(Table):
    """A metric of an arm in a country, beside what others score in the model's place, on the same probes."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(
        str_matches=r"^([A-Z]{3}|all)$", description="ISO 3166 alpha-3, or `all`: mean of the countries"
    )
    metric: str = pa.Field(isin=METRICS, description="which metric; docs/metrics.md has range and direction of each")
    value: float = pa.Field(ge=-1, le=1, nullable=True, description="the model's; empty where not defined")
    uniform: float = pa.Field(ge=-1, le=1, nullable=True, description="of every option as likely as any other")
    world: float = pa.Field(ge=-1, le=1, nullable=True, description="of the mean of all other surveyed countries")
    nearest: float = pa.Field(ge=-1, le=1, nullable=True, description="of the people of the nearest other country")
    nearest_country: str = pa.Field(
        nullable=True, str_matches=r"^([A-Z]{3})?$", description="which country that is; empty for `all`"
    )
    ceiling: float = pa.Field(
        ge=-1, le=1, nullable=True, description="of as many people of the country again; empty without numbers of them"
    )
    probes: int = pa.Field(ge=0, description="probes that the value is over; of `all`, in the country with most")
    not_applicable: int = pa.Field(ge=0, description="probes left out because the metric does not apply to them")

    class Config:
        unique = ["model", "language", "arm", "country", "metric"]
