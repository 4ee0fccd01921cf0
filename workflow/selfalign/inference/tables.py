"""Tables of the inference stage."""

import pandera.pandas as pa

from selfalign.tables import Table


class Answers(Table):
    """A distinct prompt, answered by one model: the log-probabilities of its two answers."""

    prompt: str = pa.Field(str_matches=r"^[0-9a-f]{16}$", unique=True, description="id of the prompt")
    fingerprint: str = pa.Field(description="what answered: hash of weights, tokenizer, template, dtype and engine")
    text: str = pa.Field(description="exactly what the model was given")
    tokens: int = pa.Field(ge=1, description="length of the text in tokens")
    log_p_first: float = pa.Field(le=0, description="log-probability (nats) of the answer that means the first option")
    log_p_second: float = pa.Field(
        le=0, description="log-probability (nats) of the answer that means the second option"
    )
    mass_outside: float = pa.Field(ge=0, le=1, description="probability of every other answer")
