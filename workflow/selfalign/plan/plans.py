"""The parts of a plan. Their fields, in this order, are the keys of `selfalign plan --json`."""

from dataclasses import dataclass, field

from selfalign.plan.endpoints import Requests
from selfalign.plan.precision import Width
from selfalign.plan.tokens import Tokens


@dataclass(frozen=True)
class PlannedSurvey:
    """The survey of a run.

    Attributes:
        name: of the survey; of two surveys, of that of the test probes and of that of the demonstrations.
        countries: number of its countries.
        probes: number of probes that the run asks.
        batteries: number of their batteries.
        left_out_by_kind: number of probes that probes.kinds leaves out, by kind.
    """

    name: str
    countries: int
    probes: int
    batteries: int
    left_out_by_kind: dict[str, int]


@dataclass(frozen=True)
class PlannedLanguage:
    """Numbers of the design of a language: cells, distinct prompts, distinct premises, arms and countries."""

    cells: int
    prompts: int
    premises: int
    arms: int
    countries: int


@dataclass(frozen=True)
class PlannedSize:
    """Number of parameters of a model, and the source of the number: see `selfalign.plan.models.Size`."""

    number: float
    source: str


@dataclass(frozen=True)
class PlannedRate:
    """The speed of a model, its source and its place: see `selfalign.plan.models.Rate`."""

    tokens_per_second: float
    source: str
    place: str


@dataclass(frozen=True)
class PlannedWeights:
    """A model that runs on this machine. The numbers are sums over the languages.

    Attributes:
        model: its name.
        kind: `weights`.
        parameters: its size; None if it is not known.
        languages: tokens, by language.
        prompts, answered, sent, single, computed, new: see `Tokens`.
        estimated: whether the tokens are estimated, because the tokenizer is not here.
        sampled: whether the tokens are extrapolated from a part of the prompts.
        rate: its speed; None if it is not known.
        device: kind of device that it runs on.
        gpus: number of GPUs.
        hours: that the new tokens take; None if the rate is not known.
        memory: peak memory in bytes; None if neither the size nor a run is known.
        disk: bytes that the model and its answers still need; None if the size is not known.
    """

    model: str
    kind: str
    parameters: PlannedSize | None
    languages: dict[str, Tokens]
    prompts: float
    answered: float
    sent: float
    single: float
    computed: float
    new: float
    estimated: bool
    sampled: bool
    rate: PlannedRate | None
    device: str
    gpus: int
    hours: float | None
    memory: float | None
    disk: float | None


@dataclass(frozen=True)
class PlannedEndpoint:
    """A model behind an endpoint. The numbers are sums over the languages.

    Attributes:
        model: its name.
        kind: `endpoint`.
        languages: requests and tokens, by language.
        prompts, requests, missing, sent, received: see `Requests`.
        estimated: True, because tokens are always estimated.
        price: of the missing requests at most; None if no price is known.
        hours: that the missing requests take; None if their rate is not known.
        disk: bytes of all answers.
    """

    model: str
    kind: str
    languages: dict[str, Requests]
    prompts: float
    requests: float
    missing: float
    sent: float
    received: float
    estimated: bool
    price: float | None
    hours: float | None
    disk: float


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes:
        run: its name.
        survey: of the run.
        languages: design, by language.
        models: of the run.
        level: coverage of the intervals.
        widths: the expected interval of each arm and contrast.
        contrasts: names of those that the report shows.
        main_language: the language with most countries, whose widths the report shows.
        notes: for the reader.
        files: config files that the user gave.
    """

    run: str
    survey: PlannedSurvey
    languages: dict[str, PlannedLanguage]
    models: list[PlannedWeights | PlannedEndpoint]
    level: float
    widths: list[Width]
    contrasts: list[str]
    main_language: str
    notes: list[str]
    files: list[str] = field(default_factory=list)
