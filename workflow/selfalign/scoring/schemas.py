"""Tables of the scoring stage."""

from functools import partial
from typing import get_args

import pandas as pd
import pandera.pandas as pa

from selfalign.forms import ProbeKind
from selfalign.ids import PEOPLE_ID
from selfalign.inference.choices import READOUTS
from selfalign.prompts.schemas import ASKS, CELL, WAYS
from selfalign.scoring.choices import OPTION_ORDERS
from selfalign.scoring.measures import known_measures
from selfalign.scoring.metrics import METRICS
from selfalign.tables import Table

ALL = "all"
"""The row that is the mean of the countries, each counting the same."""

ALTERNATIVES = ("main", *get_args(ProbeKind), "value_attitude", "other", "without_forced", "discriminating", "middle")
"""Alternatives to the main estimates: one kind of probe; values and attitudes; all other kinds; no forced choices; only
cells in which the country and the source of the demonstrations differ; 5 of ten points as neither pole."""

OF_CATEGORIES = ("category", "discriminating")
"""Alternatives for each category of the bank, such as `category:religion`: its probes, or only those of its cells in
which the country and the source differ."""

CLUSTERS = ("battery", "category")
"""Groups of probes that an interval takes to be independent of each other."""

_unit = partial(pa.Field, ge=0, le=1)
"""A field with a number from 0 to 1."""

_LOW, _HIGH = min(each.low for each in METRICS.values()), max(each.high for each in METRICS.values())

EVERY_ARM = "all arms"
"""Stands in the column arm for all of them together; no arm can have this name, which has a space."""


class _OfArm(Table):
    """A row about an arm of a model in a language."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    arm: str = pa.Field(description="treatment")


class _OfCell(_OfArm):
    """A row about a cell of the experiment."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe")
    source: str = pa.Field(str_matches=rf"^$|^world$|{PEOPLE_ID}", description="whose answers the demonstrations have")
    seed: int = pa.Field(ge=0, description="seed of the demonstrations' draw")
    template: str = pa.Field(description="frame of the prompt")


class Scores(_OfCell):
    """A cell of the experiment, scored: its two option orders averaged and compared with the country's people.

    Every cell of the design has a row. Where it has no answer, p_a and the columns computed from it are null.
    """

    asks: str = pa.Field(isin=WAYS, description=ASKS)
    readout: str = pa.Field(isin=READOUTS, description="what decides between the options")
    category: str = pa.Field(description="thematic category of the probe")
    battery: str = pa.Field(description="battery of the probe")
    answered: bool = pa.Field(description="whether both option orders have an answer")
    bound: bool = pa.Field(
        description="whether p_a is a bound, the true value being further from 0.5: an endpoint listed one label only"
    )
    p_a: float = _unit(
        nullable=True,
        description="model's probability of pole A among both, from the mean log-odds of the two orders; in a frame of "
        "shares, the share of pole A that it states, mean of the two orders",
    )
    p_a_mean: float = _unit(nullable=True, description="the same from the mean of the two orders' probabilities")
    share_a: float = _unit(description="people's weighted share of pole A among both")
    majority: str = pa.Field(isin=["A", "B"], description="the people's answer")
    agreement: float = pa.Field(
        isin=[0.0, 0.5, 1.0],
        nullable=True,
        description="1 where the model chooses the people's answer; 0.5: p_a = 0.5; unanswered: scoring.unanswered",
    )
    alignment: float = _unit(nullable=True, description="soft alignment: 1 - |p_a - share_a|; null where unanswered")
    mass_outside: float = _unit(
        nullable=True, description="probability outside labels or options, by readout, mean of the orders"
    )
    mass_open: float = _unit(
        nullable=True,
        description="probability that a reply begins with an option, mean of the two orders; null where not read",
    )
    order_gap: float = _unit(
        nullable=True, description="|difference of the probability of pole A between the two orders|"
    )

    class Config:
        unique = ["model", "language", *CELL]


class Unanswered(Table):
    """A prompt for which the model's choice is not known: one option order of a cell without an answer."""

    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe")
    source: str = pa.Field(nullable=True, description="whose answers the demonstrations have")
    seed: int = pa.Field(description="seed of the demonstrations' draw")
    template: str = pa.Field(description="frame of the prompt")
    order: str = pa.Field(description="which pole's option comes first")
    prompt: str = pa.Field(description="the prompt")
    reason: str = pa.Field(
        isin=["no answer", "choice left open"],
        description="no answer; or the label that was listed in one order does not settle the choice of both",
    )


class Readouts(Table):
    """Two readouts of one model's answers in a language and frame, compared over the cells of an arm."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    template: str = pa.Field(description="frame of the prompt")
    arm: str = pa.Field(description=f"treatment, or `{EVERY_ARM}`: the cells of all arms together")
    readout: str = pa.Field(isin=READOUTS, description="one readout")
    against: str = pa.Field(isin=READOUTS, description="the other")
    cells: int = pa.Field(ge=1, description="cells with an answer in both readouts, option orders averaged")
    not_compared: int = pa.Field(ge=0, description="cells without an answer in a readout; no other column has them")
    agreement: float = _unit(description="share of cells in which the one chooses the people's answer")
    agreement_against: float = _unit(description="share in which the other does")
    differ: float = _unit(description="share of cells in which they choose differently")
    correlation: float = pa.Field(nullable=True, description="Spearman's, of the probabilities of pole A")

    class Config:
        unique = ["model", "language", "template", "arm", "readout", "against"]


REPLY_KINDS = ("option", "empty", "other")
"""Kinds of greedy replies: one of the options; no text; another text, which may be a refusal or an explanation."""


class Replies(_OfCell):
    """A cell of the experiment in one option order, and the greedy reply to its prompt."""

    order: str = pa.Field(isin=["AB", "BA"], description="which pole's option comes first")
    prompt: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", description="id of the prompt")
    reply: str = pa.Field(description="the greedy reply")
    kind: str = pa.Field(isin=REPLY_KINDS, description="whether it is an option, empty, or another text")
    replied: str = pa.Field(isin=["A", "B"], nullable=True, description="pole that the reply chooses; null: none")
    likelier: str = pa.Field(
        isin=["A", "B"], nullable=True, description="pole with the higher likelihood in this order; null: neither"
    )
    mismatch: pd.BooleanDtype = pa.Field(
        nullable=True, description="whether reply and likelihood choose different poles; null where one chooses none"
    )
    majority: str = pa.Field(isin=["A", "B"], description="the people's answer")

    class Config:
        unique = ["model", "language", *CELL, "order"]


class ReplyShares(_OfArm):
    """Greedy replies of one model in a language, arm and frame: what they are, and what they choose."""

    template: str = pa.Field(description="frame of the prompts")
    replies: int = pa.Field(ge=1, description="cells in both option orders that have a reply")
    option: float = _unit(description="share of replies that are one of the options")
    empty: float = pa.Field(  # type: ignore[assignment]  # hides a method of pandera that nothing calls
        ge=0, le=1, description="share of replies without text"
    )
    other: float = _unit(description="share of replies that are another text: no option is chosen")
    agreement: float = _unit(
        nullable=True,
        description="share of replies that choose the people's answer; those without an option count by the rule",
    )
    compared: int = pa.Field(ge=0, description="replies that are an option where the likelihoods choose one too")
    mismatch: float = _unit(nullable=True, description="share of these in which the reply chooses the other pole")
    both_orders: int = pa.Field(ge=0, description="cells whose replies in both orders are options")
    orders_differ: float = _unit(
        nullable=True, description="share of these in which the two replies choose different poles"
    )

    class Config:
        unique = ["model", "language", "arm", "template"]


class Stated(_OfCell):
    """A cell of a frame of shares in one option order: the share of pole A that a model states."""

    order: str = pa.Field(isin=["AB", "BA"], description="which pole's option comes first; its share is asked for")
    prompt: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", description="id of the prompt")
    readout: str = pa.Field(isin=READOUTS, description="what weighs the numbers")
    stated: float = _unit(nullable=True, description="share of pole A, the mean over the numbers")
    spread: float = _unit(nullable=True, description="standard deviation over the numbers")
    likeliest: float = _unit(nullable=True, description="share of pole A by the number with the highest weight")
    mass_outside: float = _unit(nullable=True, description="probability of all but the numbers")
    reply: str = pa.Field(nullable=True, description="the greedy reply; null: none was asked for")
    replied: float = _unit(nullable=True, description="share of pole A by the reply; null: it is none of the numbers")
    share_a: float = _unit(description="people's weighted share of pole A among both")
    majority: str = pa.Field(isin=["A", "B"], description="the people's answer")

    class Config:
        unique = ["model", "language", *CELL, "order"]


class StatedShares(_OfArm):
    """How near the shares that a model states are to the people's, in an arm, frame and country.

    Both option orders of a cell are averaged first. Each source and seed is then compared alone, and they are averaged.
    """

    template: str = pa.Field(description="frame of the prompts")
    country: str = pa.Field(description=f"ISO 3166 alpha-3, or `{ALL}`: the mean of the countries")
    reading: str = pa.Field(
        isin=["mean", "reply"], description="of the stated share: the mean over the numbers, or the greedy reply"
    )
    probes: int = pa.Field(ge=0, description="probes with a stated share; the most of a source, seed and country")
    not_stated: int = pa.Field(ge=0, description="other probes, in no other column")
    stated: float = _unit(nullable=True, description="mean share of pole A that the model states")
    people: float = _unit(nullable=True, description="mean share of pole A of the people")
    error: float = _unit(nullable=True, description="mean |stated share - people's share|")
    error_of_half: float = pa.Field(
        ge=0, le=0.5, nullable=True, description="the same if the model always stated one half"
    )
    agreement: float = _unit(
        nullable=True, description="share of probes whose stated majority is the people's; one half: 0.5"
    )
    correlation: float = pa.Field(
        ge=-1, le=1, nullable=True, description="Pearson's, of stated and people's shares over probes"
    )
    slope: float = pa.Field(
        nullable=True, description="rise of the stated share per rise of the people's share, by least squares"
    )
    order_gap: float = _unit(nullable=True, description="mean difference of the two option orders' shares of pole A")
    spread: float = _unit(
        nullable=True, description="mean standard deviation over the numbers; only of the reading mean"
    )
    mass_outside: float = _unit(
        nullable=True, description="mean probability of all but the numbers; only of the reading mean"
    )

    class Config:
        unique = ["model", "language", "arm", "template", "country", "reading"]


class ScaleScores(_OfCell):
    """An answer on a whole scale in a cell of the experiment: how probable the model makes it, and people give it."""

    question: str = pa.Field(description="WVS-7 variable")
    readout: str = pa.Field(isin=READOUTS, description="what decides between the answers")
    code: int = pa.Field(ge=0, description="answer code")
    place: int = pa.Field(ge=1, description="place among the answers, as offered in order AB")
    position: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="place on the scale; empty where nominal")
    p: float = _unit(
        nullable=True,
        description="model's probability of the answer among all, from the mean log-probabilities of the two orders",
    )
    p_mean: float = _unit(nullable=True, description="the same from the mean of the two orders' probabilities")
    share: float = _unit(description="people's weighted share of the answer among all")

    class Config:
        unique = ["model", "language", *CELL, "code"]


class Metrics(_OfArm):
    """A metric of an arm in a country, and of the baselines on the same probes."""

    asks: str = pa.Field(isin=WAYS, description=ASKS)
    country: str = pa.Field(
        str_matches=rf"^all$|{PEOPLE_ID}", description="a country (ISO 3166 alpha-3) or a group; `all`: their mean"
    )
    metric: str = pa.Field(
        isin=list(METRICS), description="which metric; docs/metrics.md has range and direction of each"
    )
    value: float = pa.Field(ge=_LOW, le=_HIGH, nullable=True, description="the model's; empty where not defined")
    uniform: float = pa.Field(ge=_LOW, le=_HIGH, nullable=True, description="of every option as likely as any other")
    world: float = pa.Field(ge=_LOW, le=_HIGH, nullable=True, description="of the mean of all other surveyed countries")
    nearest: float = pa.Field(
        ge=_LOW, le=_HIGH, nullable=True, description="of the people of the nearest other country"
    )
    nearest_country: str = pa.Field(
        nullable=True, str_matches=r"^([A-Z]{3})?$", description="which country that is; empty for `all`"
    )
    ceiling: float = pa.Field(
        ge=_LOW,
        le=_HIGH,
        nullable=True,
        description="of as many people of the country again; empty without numbers of them",
    )
    probes: int = pa.Field(ge=0, description="probes that the value is over; of `all`, in the country with most")
    not_applicable: int = pa.Field(ge=0, description="probes left out because the metric does not apply to them")

    class Config:
        unique = ["model", "language", "arm", "asks", "country", "metric"]


class Estimates(Table):
    """A measure of an arm, averaged over probes, with its interval and p-value."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    country: str = pa.Field(description="ISO 3166 alpha-3, or `all`: the mean of the countries")
    measure: str = pa.Field(
        isin=known_measures(), description="what is estimated; docs/metrics.md has the range of each"
    )
    estimate: float = pa.Field(description="mean over probes")
    standard_error: float = pa.Field(ge=0, nullable=True, description="of the estimate; empty with one battery only")
    low: float = pa.Field(nullable=True, description="lower end of the interval")
    high: float = pa.Field(nullable=True, description="upper end of the interval")
    df: float = pa.Field(ge=0, description="degrees of freedom of the standard error")
    p: float = _unit(
        nullable=True,
        description="two-sided, against 0 for a difference, else against the value of a model that knows nothing; "
        "empty if the standard error is 0",
    )
    family: str = pa.Field(nullable=True, description="rows corrected together for many comparisons")
    p_holm: float = _unit(nullable=True, description="p corrected within the family (Holm)")
    p_bh: float = _unit(nullable=True, description="p corrected within the family (Benjamini and Hochberg)")
    probes: int = pa.Field(ge=1, description="number of probes")
    batteries: int = pa.Field(ge=1, description="number of batteries, the clusters of the bootstrap")
    respondents: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="people asked in the country, or in all; empty where it is not published"
    )


CONTRAST_KEYS = ["model", "language", "arm", "against", "against_model", "against_language", "beyond", "measure"]
"""The columns that name a contrast; each of its rows also has a country."""


class Contrasts(Estimates):
    """A measure's difference between two arms, models or languages, paired by probe, with its interval and p-value."""

    against: str = pa.Field(description="the arm that is subtracted")
    against_model: str = pa.Field(description="the model of what is subtracted")
    against_language: str = pa.Field(description="the language of what is subtracted")
    beyond: str = pa.Field(
        nullable=True, description="the difference between two arms that is also subtracted; empty for none"
    )


class MainContrasts(Contrasts):
    """A contrast that a figure draws. The mean of the countries has its main interval, which the figure draws."""

    main: str = pa.Field(
        isin=CLUSTERS,
        nullable=True,
        description="which interval is the main one; empty for one country of several, which has low and high only",
    )
    main_low: float = pa.Field(nullable=True, description="lower end of the main interval")
    main_high: float = pa.Field(nullable=True, description="upper end")
    main_p: float = _unit(nullable=True, description="two-sided, against 0, by the main interval's t")


class Verdicts(Table):
    """A contrast of the mean of the countries with intervals by battery and by category, and the main one of them."""

    role: str = pa.Field(isin=["primary", "secondary"], description="primary: the hypothesis of scoring.primary")
    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    against: str = pa.Field(description="the arm that is subtracted")
    against_model: str = pa.Field(description="the model of what is subtracted")
    against_language: str = pa.Field(description="the language of what is subtracted")
    beyond: str = pa.Field(nullable=True, description="the difference that is also subtracted; empty for none")
    measure: str = pa.Field(isin=list(METRICS), description="what is estimated")
    estimate: float = pa.Field(description="mean over probes")
    main: str = pa.Field(isin=CLUSTERS, description="which interval is the main one")
    reason: str = pa.Field(description="why")
    main_low: float = pa.Field(nullable=True, description="lower end of the main interval")
    main_high: float = pa.Field(nullable=True, description="upper end")
    main_p: float = _unit(nullable=True, description="two-sided, against 0, by the main interval's t")
    main_p_holm: float = _unit(nullable=True, description="corrected after Holm within the role and the measure")
    standard_error: float = pa.Field(ge=0, nullable=True, description="with batteries as clusters, as in contrasts.csv")
    low: float = pa.Field(nullable=True, description="lower end of the interval by battery")
    high: float = pa.Field(nullable=True, description="upper end")
    df: float = pa.Field(ge=0, description="its degrees of freedom")
    p: float = _unit(nullable=True, description="by battery")
    batteries: int = pa.Field(ge=1, description="number of batteries")
    category_standard_error: float = pa.Field(ge=0, nullable=True, description="with categories as clusters")
    category_low: float = pa.Field(nullable=True, description="lower end of the interval by category")
    category_high: float = pa.Field(nullable=True, description="upper end")
    category_df: float = pa.Field(ge=0, description="its degrees of freedom")
    category_p: float = _unit(nullable=True, description="by category")
    categories: int = pa.Field(ge=1, description="number of categories")

    class Config:
        unique = CONTRAST_KEYS


class ContrastsByReadout(Contrasts):
    """A contrast as the models' answers are read by one of the readouts."""

    readout: str = pa.Field(isin=READOUTS, description="what decides between the options, in all frames")
    templates: str = pa.Field(description="the frames in which the model's answers have the readout")


class Alternatives(Contrasts):
    """A contrast under an alternative, for the mean of the countries: other probes, or another cut of the scales."""

    alternative: str = pa.Field(
        str_matches=rf"^({'|'.join(ALTERNATIVES)}|({'|'.join(OF_CATEGORIES)}):.+)$",
        description="what differs; `main`: nothing; after a colon: the category of the probes",
    )
    left_out: int = pa.Field(ge=0, description="probes of the main estimate that this estimate lacks")
    changed: pd.Int64Dtype = pa.Field(
        ge=0, nullable=True, description="majorities that the cut changes, of the countries' probes; empty: no cut"
    )
    main: str = pa.Field(isin=CLUSTERS, description="which interval is the main one")
    reason: str = pa.Field(description="why")
    main_low: float = pa.Field(nullable=True, description="lower end of the main interval")
    main_high: float = pa.Field(nullable=True, description="upper end")
    main_p: float = _unit(nullable=True, description="two-sided, against 0, by the main interval's t")
    category_standard_error: float = pa.Field(ge=0, nullable=True, description="with categories as clusters")
    category_low: float = pa.Field(nullable=True, description="lower end of the interval by category")
    category_high: float = pa.Field(nullable=True, description="upper end")
    category_df: float = pa.Field(ge=0, description="its degrees of freedom")
    category_p: float = _unit(nullable=True, description="by category")
    categories: int = pa.Field(ge=1, description="number of categories")


class Specifications(Table):
    """Own minus other country in one specification, for the mean of the countries."""

    model: str = pa.Field(
        description="as named in the config; models with the same weights but another form have the name of the first"
    )
    form: str = pa.Field(description="how the model is asked: `turns` or one `message` of a chat, or `plain` text")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    frame: str = pa.Field(description="frame of the prompts")
    selector: str = pa.Field(description="how demonstrations are chosen; `diverse` if unlike each other too")
    pool: str = pa.Field(description="candidates for demonstrations: all but siblings, or which are left out too")
    shots: int = pa.Field(ge=1, description="number of demonstrations")
    sequence: str = pa.Field(description="order of the demonstrations")
    shown_in: str = pa.Field(description="language of the demonstrations, or asked, or own")
    persona: str = pa.Field(description="language of the persona, and the role if the arm has one; or none")
    readout: str = pa.Field(isin=READOUTS, description="what decides between the options")
    order: str = pa.Field(isin=OPTION_ORDERS, description="option orders; AB: pole A first")
    cut: str = pa.Field(description="cut of the answer scales: bank, or middle: 5 of ten points is neither pole")
    probe_kind: str = pa.Field(description=f"kind of the probes, or `{ALL}`")
    arm: str = pa.Field(description="arm with the country's own answers")
    against: str = pa.Field(description="the same with other countries' answers, which is subtracted")
    measure: str = pa.Field(isin=known_measures(), description="what is estimated")
    estimate: float = pa.Field(description="mean over probes and countries")
    standard_error: float = pa.Field(ge=0, nullable=True, description="of the estimate; empty with one battery only")
    low: float = pa.Field(nullable=True, description="lower end of the interval")
    high: float = pa.Field(nullable=True, description="upper end of the interval")
    probes: int = pa.Field(ge=1, description="number of probes")
    batteries: int = pa.Field(ge=1, description="number of their batteries")

    class Config:
        unique = [
            *("model", "form", "language", "frame", "arm", "against"),
            *("readout", "order", "cut", "probe_kind", "measure"),
        ]


class GroupEstimates(Estimates):
    """A measure of an arm for groups of people, with its interval.

    `variable` and `group` say which groups: `all` groups of the variable, or one. `country` says where: the mean of
    `all` countries, or one country.
    """

    variable: str = pa.Field(description="what the groups differ in, such as sex")
    group: str = pa.Field(description="one group of the variable; `all`: the mean of its groups")


class GroupContrasts(Contrasts):
    """A difference between two arms for groups of people, paired by probe, with its interval: see `GroupEstimates`."""

    variable: str = pa.Field(description="what the groups differ in, such as sex")
    group: str = pa.Field(description="one group of the variable; `all`: the mean of its groups")
    shown: str = pa.Field(
        description="whose answers the arm that is subtracted shows: other_group, of the same country; other, the same "
        "group of another country; country, the whole country",
    )
    cells: str = pa.Field(
        isin=["all", "discriminating"],
        description="discriminating: the people and the source of the subtracted arm have different majorities",
    )


class Transfer(Estimates):
    """The loss with another country's demonstrations: an arm minus its control with one source, paired by probe."""

    against: str = pa.Field(description="the arm answered by other countries")
    source: str = pa.Field(str_matches=PEOPLE_ID, description="whose answers its demonstrations have")
    shown: float = pa.Field(description="mean over probes with these demonstrations")


class Languages(Contrasts):
    """A gain asked in one language or in the country's own, or the second minus the first, with its interval.

    In the mean of the countries, the language is `own`: each country's own language.
    """


class Categories(Contrasts):
    """A gain within one category of values, for the mean of the countries; its interval is from its batteries."""

    category: str = pa.Field(description="category of values; `batteries` is the number of its batteries")


class Kinds(Contrasts):
    """A gain of the models of a kind, of one of them, or between two kinds, for the mean of the countries."""

    kind: str = pa.Field(description="kind of the model or models: english or multilingual")
    models: int = pa.Field(ge=1, description="number of models that are averaged; 1 for a single model")


class _OfReader(Table):
    """A row about an arm or a contrast, next to that of a reader."""

    model: str = pa.Field(nullable=True, description="as named in the config; empty: the reader follows a fixed rule")
    reader: str = pa.Field(description="name of the reader; see docs/readers.md")
    language: str = pa.Field(description="ISO 639-1")
    arm: str = pa.Field(description=f"treatment; `{EVERY_ARM}`: the reader follows a fixed rule")
    against: str = pa.Field(nullable=True, description="the arm that is subtracted; empty for the arm alone")
    beyond: str = pa.Field(nullable=True, description="the difference that is also subtracted; empty for none")
    measure: str = pa.Field(description="what is estimated: agreement or alignment")
    country: str = pa.Field(description=f"ISO 3166 alpha-3, or `{ALL}`: the mean of the countries")
    estimate: float = pa.Field(nullable=True, description="of the model")

    class Config:
        unique = ["model", "reader", "language", "arm", "against", "beyond", "measure", "country"]


class ReaderEstimates(_OfReader):
    """The columns of `ReaderContrasts` that figures read, which tables of earlier versions have too."""

    reader_estimate: float = pa.Field(nullable=True, description="of the reader")

    class Config:
        strict = False
        ordered = False


class ReaderContrasts(_OfReader):
    """An arm or a contrast of a model next to that of a simple reader of the same demonstrations, with intervals.

    A reader that answers by a fixed rule has the same answers in every arm. Its rows have no model.
    """

    low: float = pa.Field(nullable=True, description="lower end of its interval by battery")
    high: float = pa.Field(nullable=True, description="upper end")
    reader_estimate: float = pa.Field(nullable=True, description="of the reader")
    reader_low: float = pa.Field(nullable=True, description="lower end of its interval by battery")
    reader_high: float = pa.Field(nullable=True, description="upper end")
    share: float = pa.Field(
        nullable=True,
        description="the model's contrast as a share of the reader's; empty for an arm alone, where the two "
        "have different probes, and where the reader's contrast does not differ from 0",
    )
    share_low: float = pa.Field(nullable=True, description="lower end of its interval by battery (Fieller 1954)")
    share_high: float = pa.Field(nullable=True, description="upper end")
    probes: int = pa.Field(ge=1, description="probes of the model; of a fixed rule, its own")
    batteries: int = pa.Field(ge=1, description="their batteries")
    main: str = pa.Field(isin=CLUSTERS, nullable=True, description="which interval of the model is the main one")
    reason: str = pa.Field(nullable=True, description="why")
    main_low: float = pa.Field(nullable=True, description="lower end of the model's main interval")
    main_high: float = pa.Field(nullable=True, description="upper end")
    reader_main: str = pa.Field(isin=CLUSTERS, nullable=True, description="the same of the reader")
    reader_main_low: float = pa.Field(nullable=True, description="lower end of the reader's main interval")
    reader_main_high: float = pa.Field(nullable=True, description="upper end")
    share_main: str = pa.Field(isin=CLUSTERS, nullable=True, description="the same of the share")
    share_main_low: float = pa.Field(
        nullable=True,
        description="lower end of the share's main interval; empty also where the reader's contrast does not differ "
        "from 0 by its main interval",
    )
    share_main_high: float = pa.Field(nullable=True, description="upper end")
    categories: int = pa.Field(ge=1, description="categories of the probes")


class CountryRanks(_OfArm):
    """The similarity of an arm's answers with the people of a surveyed country, its rank, and its change by the arm.

    Arms whose prompts are the same for all countries have a row for every country of the survey. The other arms have a
    row for each country that is asked about.
    """

    country: str = pa.Field(description=f"ISO 3166 alpha-3, or `{ALL}`: the mean of the countries asked about")
    asked: bool = pa.Field(description="whether the run asks about the country in this language")
    similarity: float = _unit(
        description="1 - Jensen-Shannon distance, mean over the probes that all ranked countries were asked"
    )
    low: float = pa.Field(nullable=True, description="lower end of its interval")
    high: float = pa.Field(nullable=True, description="upper end")
    even: float = _unit(nullable=True, description="similarity of an even guess with the country")
    rank: float = pa.Field(
        ge=1,
        nullable=True,
        description=f"of the country by similarity, or the mean rank (`{ALL}`); empty if it was asked too few probes",
    )
    rank_low: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="best rank of its confidence set")
    rank_high: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="worst rank of its confidence set")
    countries: int = pa.Field(ge=1, description="number of ranked countries")
    lead: float = pa.Field(
        nullable=True, description="similarity minus the mean similarity of the same answers with all ranked countries"
    )
    lead_low: float = pa.Field(nullable=True, description="lower end of its interval")
    lead_high: float = pa.Field(nullable=True, description="upper end")
    against: str = pa.Field(nullable=True, description="the arm with which the change compares; empty for this arm")
    change: float = pa.Field(nullable=True, description="similarity minus that of the other arm, paired by probe")
    change_low: float = pa.Field(nullable=True, description="lower end of its interval")
    change_high: float = pa.Field(nullable=True, description="upper end")
    improved: float = _unit(
        nullable=True, description=f"in rows `{ALL}`: share of the countries whose change is above 0"
    )
    improved_low: float = _unit(nullable=True, description="lowest share of its confidence set")
    improved_high: float = _unit(nullable=True, description="highest share of its confidence set")
    probes: int = pa.Field(ge=1, description="probes of the similarity")
    batteries: int = pa.Field(ge=1, description="their batteries")

    class Config:
        unique = ["model", "language", "arm", "country"]


class Worth(_OfArm):
    """How many people's answers an arm's answers are worth, in a country."""

    country: str = pa.Field(str_matches=PEOPLE_ID, description="a country (ISO 3166 alpha-3), or a group of it")
    respondents: int = pa.Field(
        ge=0, description="largest number of simulated answers whose interval covers the people's share often enough"
    )
    capped: bool = pa.Field(description="whether the number is the largest that was tried")
    equal_error: float = pa.Field(
        ge=0, nullable=True, description="people in a random sample with the same mean squared error; empty: no error"
    )
    squared_error: float = pa.Field(
        ge=0, description="mean of (p_a - share_a)^2, minus the sampling variance of share_a; not below 0"
    )
    probes: int = pa.Field(ge=1, description="number of probes")


class Mixed(Table):
    """A contrast of the mean of the countries by a mixed-effects model, and the bootstrap's estimate."""

    model: str = pa.Field(description="as named in the config")
    language: str = pa.Field(description="ISO 639-1")
    arm: str = pa.Field(description="treatment")
    against: str = pa.Field(description="the arm that is subtracted")
    against_model: str = pa.Field(description="the model of what is subtracted")
    against_language: str = pa.Field(description="the language of what is subtracted")
    beyond: str = pa.Field(
        nullable=True, description="the difference between two arms that is also subtracted; empty for none"
    )
    measure: str = pa.Field(isin=known_measures(), description="what is estimated")
    estimate: float = pa.Field(nullable=True, description="of the mixed model; empty where it could not be fitted")
    standard_error: float = pa.Field(ge=0, nullable=True, description="of the mixed model")
    low: float = pa.Field(nullable=True, description="lower end of the mixed model's interval")
    high: float = pa.Field(nullable=True, description="upper end of the mixed model's interval")
    df: float = pa.Field(ge=1, nullable=True, description="degrees of freedom: number of batteries - 1")
    p: float = _unit(nullable=True, description="two-sided, of the mixed model, by t with df")
    bootstrap: float = pa.Field(description="the bootstrap's estimate")
    difference: float = pa.Field(nullable=True, description="mixed minus bootstrap, in the bootstrap's standard errors")
    same_verdict: pd.BooleanDtype = pa.Field(
        nullable=True,
        description="whether both intervals exclude 0, or both include it; empty without a fit that converged",
    )
    converged: bool = pa.Field(description="whether the fit converged")
    note: str = pa.Field(nullable=True, description="why there is no fit")
    battery_sd: float = pa.Field(ge=0, nullable=True, description="standard deviation between batteries")
    probe_sd: float = pa.Field(ge=0, nullable=True, description="standard deviation between a battery's probes")
    residual_sd: float = pa.Field(ge=0, nullable=True, description="standard deviation within a probe")
