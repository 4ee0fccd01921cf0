"""Tables of the prompts stage."""

from typing import Literal, get_args

import pandas as pd
import pandera.pandas as pa

from selfalign.ids import PEOPLE_ID
from selfalign.tables import Table

CELL = ["arm", "country", "probe", "source", "seed", "template"]
"""What names a cell of the experiment, before its two option orders are averaged."""

CONTENT = ["system", "shown", "asked", "cue", "options", "labels"]
"""What a prompt consists of."""

Way = Literal["poles", "scale", "share"]
WAYS: tuple[Way, ...] = get_args(Way)
"""Ways of asking: with two options, with the whole answer scale, or for the share of people who choose an option.

If a run has several, its estimates are those of the first. Ways are never averaged.
"""

ASKS = "whether with two options, with the whole answer scale, or for the share of people who choose an option"


def first_way(*asks: pd.Series) -> str:
    """The first of `WAYS` that some cells have; the first of all if there are no cells.

    Args:
        asks: the columns asks of the cells' tables.
    """
    return next((way for way in WAYS if any((column == way).any() for column in asks)), WAYS[0])


class Design(Table):
    """A cell of the experiment in one option order, and the prompt that it uses."""

    arm: str = pa.Field(description="treatment, as named in the config")
    country: str = pa.Field(str_matches=PEOPLE_ID, description="whose people the answer is compared with")
    probe: str = pa.Field(description="test probe")
    source: str = pa.Field(
        str_matches=rf"^$|^world$|{PEOPLE_ID}", description="whose answers the demonstrations have; empty: nobody's"
    )
    seed: int = pa.Field(ge=0, description="seed of the demonstrations' draw; 0 where nothing is drawn")
    template: str = pa.Field(description="frame of the prompt")
    asks: str = pa.Field(isin=WAYS, description=ASKS)
    order: str = pa.Field(isin=["AB", "BA"], description="which pole's option, or end of the scale, comes first")
    prompt: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", description="id of the prompt (content hash)")

    class Config:
        unique = [*CELL, "order"]


class Prompts(Table):
    """A distinct prompt; many cells may use it.

    A premise is a prompt without the test probe: same instruction, demonstrations and options, with a blank as the
    statement. No cell uses it; the readout pmi subtracts what a model answers to it.
    """

    prompt: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", unique=True, description="id: hash of the columns from system to labels"
    )
    system: str = pa.Field(description="instruction")
    shown: str = pa.Field(description="demonstrations: JSON list of pairs of question and answer")
    asked: str = pa.Field(str_length={"min_value": 1}, description="question")
    cue: str = pa.Field(description="what comes between question and answer in bare text")
    options: str = pa.Field(description="the options in words, in the order shown: JSON list")
    labels: str = pa.Field(description="the options' labels, such as A and B: JSON list, empty where none are shown")
    premise: str = pa.Field(
        str_matches=r"^([0-9a-f]{16})?$",
        description="id of the prompt's premise: the same prompt with a blank as the statement; empty: this is one. "
        "The table has premises only with the setting prompts.premises",
    )
    demonstrations: str = pa.Field(
        description="the demonstrations in order, such as `Q4=A Q57a=B`: probe (or neutral item) and pole answered"
    )


class Personas(Table):
    """Sentences that ask a model to be a person of a country, in one language."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", unique=True, description="ISO 3166 alpha-3")
    persona: str = pa.Field(str_length={"min_value": 1}, description="a sentence, said before the instruction")


class Neutral(Table):
    """Cloze statements about matters of fact, in one language: demonstrations without values."""

    item: str = pa.Field(str_matches=r"^[A-Za-z]\w*$", unique=True, description="id")
    statement: str = pa.Field(description="a sentence with one blank, written ___")
    option_a: str = pa.Field(str_length={"min_value": 1}, description="one filling of the blank")
    option_b: str = pa.Field(str_length={"min_value": 1}, description="the other")
    answer: str = pa.Field(isin=["A", "B"], description="which is right")


class Countries(Table):
    """The language of each country."""

    country: str = pa.Field(str_matches=r"^[A-Z]{3}$", unique=True, description="ISO 3166 alpha-3")
    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")


class Demonstrations(Table):
    """Similarity of an arm's demonstrations to its test probes, over all its sets of demonstrations."""

    language: str = pa.Field(str_matches=r"^[a-z]{2}$", description="ISO 639-1")
    arm: str = pa.Field(description="treatment, as named in the config")
    strategy: str = pa.Field(  # type: ignore[assignment]  # hides a method of pandera that nothing calls
        description="how its demonstrations are chosen; none if they are not of the bank"
    )
    sets: int = pa.Field(ge=1, description="different sets; one per test probe, source and seed, unless frames differ")
    shown: int = pa.Field(ge=1, description="demonstrations in all sets together")
    not_ranked: int = pa.Field(ge=0, description="those that the strategy did not rank; not in the columns that follow")
    measure: str = pa.Field(description="of the similarity: the strategy's own, chrf where it draws")
    similarity: float = pa.Field(ge=-100, le=100, nullable=True, description="mean, in points")
    similarity_q05: float = pa.Field(ge=-100, le=100, nullable=True, description="5 % are below")
    similarity_q25: float = pa.Field(ge=-100, le=100, nullable=True, description="first quartile")
    similarity_q50: float = pa.Field(ge=-100, le=100, nullable=True, description="median")
    similarity_q75: float = pa.Field(ge=-100, le=100, nullable=True, description="third quartile")
    similarity_q95: float = pa.Field(ge=-100, le=100, nullable=True, description="5 % are above")
    same_battery: float = pa.Field(ge=0, le=1, nullable=True, description="share asked in the test probe's battery")
    same_category: float = pa.Field(ge=0, le=1, nullable=True, description="share of the test probe's category")
    same_options: float = pa.Field(ge=0, le=1, nullable=True, description="share with the test probe's two options")
    within_5: float = pa.Field(
        ge=0, le=1, nullable=True, description="share at most 5 question numbers away in the questionnaire"
    )

    class Config:
        unique = ["language", "arm"]
