"""Requests, tokens and price of a model behind an endpoint."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from selfalign.config.sections import Model, Price
from selfalign.inference.endpoint.checks import checks_of
from selfalign.inference.endpoint.requests import answers_of, requests_of
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.messages import place_demonstrations
from selfalign.plan.designs import Laid
from selfalign.plan.tokens import TokenEstimator, text_of


@dataclass(frozen=True)
class Requests:
    """What a model behind an endpoint is asked in one language.

    Attributes:
        prompts: distinct prompts that the readout reaches.
        requests: all that they need, and the checks of the endpoint's template.
        missing: requests without an answer in the ledger.
        sent: tokens that the missing requests send, estimated from the length of the texts.
        received: tokens that come back at most.
    """

    prompts: int
    requests: int
    missing: int
    sent: float
    received: float


def count_requests(laid: Laid, model: Model, endpoint: Endpoint, ledger: Path, per_token: float) -> Requests:
    """Requests and tokens of a language.

    Args:
        laid: the language's design.
        model: that is asked.
        endpoint: where the model answers.
        ledger: of the model in this language.
        per_token: characters per token of the language.

    Raises:
        InputError: a job is using the ledger, or it cannot be read.
    """
    table = place_demonstrations(laid.prompts, model.shown, model.format)
    estimator, chat = TokenEstimator(per_token), model.format == "chat"
    if ledger.is_file():
        return _count_missing(table, model, endpoint, ledger, estimator)
    prompts = requests = 0
    sent = received = 0.0
    for prompt in table.itertuples():
        if endpoint.readout != "echo" and not prompt.premise:
            continue
        number = len(requests_of(prompt, endpoint, model.format))
        prompts, requests = prompts + bool(number), requests + number
        tokens = estimator.tokens(text_of(prompt, chat))
        sent += number * tokens
        if endpoint.readout == "echo":
            sent += sum(estimator.tokens(answer) for answer, _ in answers_of(prompt))
        received += endpoint.samples * endpoint.reply_tokens if endpoint.readout == "samples" and number else number
    for check in checks_of(endpoint, model.format) if requests else []:
        requests, sent = requests + 1, sent + estimator.tokens(check.text)
        received += endpoint.reply_tokens if endpoint.readout == "samples" else 1
    return Requests(prompts, requests, requests, sent, received)


def _count_missing(
    table: pd.DataFrame, model: Model, endpoint: Endpoint, ledger: Path, estimator: TokenEstimator
) -> Requests:
    """Requests of a language, and the tokens of those that a ledger lacks."""
    from selfalign.inference.endpoint.ask import list_missing, list_requests
    from selfalign.ledger.reading import read_entries
    from selfalign.ledger.rows import fingerprint_of

    facts = endpoint.facts(model.format, model.shown)
    requests = list_requests(table, endpoint, model.format)
    missing = list_missing(requests, read_entries(ledger, fingerprint_of(facts)), endpoint)
    chat = model.format == "chat"
    texts = {prompt.prompt: text_of(prompt, chat) for prompt in table.itertuples()}
    sent = sum(
        estimator.tokens(one.text)
        if one.check
        else estimator.tokens(texts[one.prompt]) + estimator.tokens(one.answer or "")
        for one in missing
    )
    received = sum(
        endpoint.reply_tokens * int(one.draws.partition("+")[2] or 1) if endpoint.readout == "samples" else 1
        for one in missing
    )
    prompts = len({one.prompt for one in requests.values() if not one.check})
    return Requests(prompts, len(requests), len(missing), sent, float(received))


def find_price(asked: list[Requests], price: Price | None) -> float | None:
    """Price of the missing requests at most; None if no price is known.

    Args:
        asked: of all languages.
        price: of a million tokens.
    """
    if price is None:
        return None
    return sum(one.sent * price.input + one.received * price.output for one in asked) / 1e6


def find_hours(asked: list[Requests], endpoint: Endpoint, measured: pd.DataFrame) -> float | None:
    """Hours that the missing requests take; None if their rate is neither limited nor measured.

    Args:
        asked: of all languages.
        measured: the rows of this model that `read_rates` returns.
    """
    requests, tokens = sum(one.missing for one in asked), sum(one.sent + one.received for one in asked)
    minutes = [
        amount / limit
        for limit, amount in ((endpoint.requests_per_minute, requests), (endpoint.tokens_per_minute, tokens))
        if limit is not None
    ]
    if len(measured):
        minutes.append(requests / (measured["prompts"].sum() / measured["seconds"].sum()) / 60)
    return max(minutes) / 60 if minutes else None
