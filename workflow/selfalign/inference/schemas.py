"""Tables of the inference stage."""

import pandas as pd
import pandera.pandas as pa

from selfalign.inference.choices import READOUTS
from selfalign.tables import Table


class Answers(Table):
    """An option of a distinct prompt, with all readouts of one model in nats."""

    prompt: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", description="id of the prompt")
    place: int = pa.Field(ge=1, description="which of the prompt's options it is, in the order shown")
    fingerprint: str = pa.Field(description="what answered: hash of weights, tokenizer, template, dtype and engine")
    text: str = pa.Field(description="exactly what the model was given")
    tokens: pd.Int64Dtype = pa.Field(ge=1, nullable=True, description="length of the text, where it is known")
    answer: str = pa.Field(description="the option in words")
    answer_tokens: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="tokens of the option's words and of what ends them, where they are known"
    )
    answer_bytes: int = pa.Field(ge=1, description="bytes of the option's words in UTF-8")
    label: float = pa.Field(le=0, nullable=True, description="log-probability of its label; null where none is shown")
    option: float = pa.Field(le=0, nullable=True, description="log-probability of its words and of what ends them")
    per_token: float = pa.Field(le=0, nullable=True, description="option / answer_tokens")
    per_byte: float = pa.Field(le=0, nullable=True, description="open / answer_bytes")
    label_bound: bool = pa.Field(
        description="whether label is only an upper bound: the endpoint listed its likeliest tokens, not this one"
    )
    open: float = pa.Field(
        le=0,
        nullable=True,
        description="log-probability that a reply begins with its words, in any form that a reader accepts",
    )
    pmi: float = pa.Field(nullable=True, description="option - option after the prompt's premise; null for a premise")
    mass_outside_labels: float = pa.Field(ge=0, le=1, nullable=True, description="probability of all but the labels")
    mass_outside_options: float = pa.Field(ge=0, le=1, nullable=True, description="probability of all but the options")
    mass_open: float = pa.Field(
        ge=0, le=1, nullable=True, description="probability that a reply begins with the words of one of the options"
    )
    reply: str = pa.Field(
        nullable=True, description="greedy reply to the prompt; null: none was asked for, or it was withheld"
    )
    replied: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="place of the option that the reply is; null: no option, or no reply"
    )
    samples: pd.Int64Dtype = pa.Field(
        ge=1, nullable=True, description="replies that were drawn; null where probabilities were read"
    )
    greedy: float = pa.Field(
        le=0,
        nullable=True,
        description="0 for the option that the reply is, minus infinity for the others; null: no option, or no reply",
    )
    standard_error: float = pa.Field(ge=0, nullable=True, description="of the option's share of the replies drawn")

    class Config:
        unique = ["prompt", "place"]


SCORED = [
    "prompt",
    "place",
    *READOUTS,
    "label_bound",
    "mass_outside_labels",
    "mass_outside_options",
    "mass_open",
    "samples",
]
"""The columns of `Answers` that scoring reads. They exclude the texts, which need most of a file."""
