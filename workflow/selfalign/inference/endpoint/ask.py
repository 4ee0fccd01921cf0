"""Step ask: the answers of a model behind an OpenAI-compatible endpoint to the prompts of one language."""

import sys
from collections import deque
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pandas as pd
from tqdm import tqdm

from selfalign.errors import InputError, did_you_mean
from selfalign.inference.choices import FORMATS, SHOWN
from selfalign.inference.endpoint.bodies import is_sound, tokens_of
from selfalign.inference.endpoint.checks import checks_of, read_checks
from selfalign.inference.endpoint.client import Gate, ask, read_key
from selfalign.inference.endpoint.collect import chain, collect_replies
from selfalign.inference.endpoint.requests import Request, requests_of, rest_of
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.messages import place_demonstrations
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.ledger.storage import JobRecord, Ledger
from selfalign.options import Json, readable, writable
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table, write_table


def read_endpoint(settings: Mapping[str, Any]) -> Endpoint:
    """An endpoint from its settings. Settings with a default may be missing.

    Raises:
        InputError: a setting is unknown, url or model is missing, or the url has no valid port.
    """
    for name in sorted(settings.keys() - Endpoint.model_fields.keys()):
        raise InputError("--endpoint", f'"{name}" is not a known key', did_you_mean(name, Endpoint.model_fields))
    if not {"url", "model"} <= set(settings):
        raise InputError("--endpoint", "url or model is missing", "Give both")
    try:
        _ = urlsplit(settings["url"]).port
    except ValueError as error:
        raise InputError(
            "--endpoint", f"the url is not an address ({error})", "Correct url", value=settings["url"]
        ) from None
    return Endpoint.read(settings)


def list_requests(prompts: pd.DataFrame, endpoint: Endpoint, form: str) -> dict[str, Request]:
    """All requests that a table of prompts needs, by key. Prompts with the same text share requests.

    The first ones are the checks of the endpoint's template.

    Raises:
        InputError: the readout skips all prompts.
    """
    requests = [request for prompt in prompts.itertuples() for request in requests_of(prompt, endpoint, form)]
    if not requests:
        raise InputError(
            endpoint.url,
            "no prompt shows labels, and the log-probability of a first token says nothing on whole options",
            "Add a frame with labels to prompts.frames, or set readout: samples or echo for this model",
        )
    return {request.key: request for request in [*checks_of(endpoint, form), *requests]}


def send_requests(
    missing: list[Request], wanted: int, endpoint: Endpoint, done: Mapping[str, Entry], run: JobRecord
) -> list[str]:
    """Send the missing requests, and record each answer when it arrives.

    Args:
        missing: requests without a usable answer.
        wanted: number of all requests.
        done: entries of the ledger, which count towards the budget.
        run: the record of this job.

    Returns:
        Messages for the user: requests that failed at all attempts, and answers with too few replies.
    """
    gate = Gate(endpoint, len(done), sum(tokens_of(entry.scores) or 0 for entry in done.values()))
    queue, short = deque(missing), 0
    with tqdm(total=wanted, initial=wanted - len(missing), unit="request", mininterval=5, desc="ask") as progress:

        def take(request: Request, entry: Entry) -> None:
            nonlocal short
            tokens = tokens_of(entry.scores) or 0
            if endpoint.max_tokens and not tokens and "withheld" not in entry.scores:
                remedy = "Leave max_tokens out and set max_requests"
                raise InputError(endpoint.url, "the endpoint does not say how many tokens it counts", remedy)
            run.record([entry], tokens=tokens, replace=request.key in done)
            gate.count(tokens)
            progress.update()
            replies = entry.scores.get("replies")
            if replies and (rest := rest_of(request, len(replies), endpoint)):
                short += 1
                queue.append(rest)
                progress.total = (progress.total or 0) + 1

        failures = ask(queue, endpoint, gate, take)
    lines = [f"failed: {failure}" for failure in failures]
    fewer = f"{short} answers had fewer replies than asked for: the others were asked for again"
    return lines + ([fewer] if short else [])


def list_usable(done: Mapping[str, Entry], endpoint: Endpoint) -> dict[str, Entry]:
    """The usable entries of a ledger. An earlier version recorded answers without checks."""
    return {key: entry for key, entry in done.items() if is_sound(entry.scores, endpoint.readout)}


def list_missing(requests: Mapping[str, Request], done: Mapping[str, Entry], endpoint: Endpoint) -> list[Request]:
    """The requests without a usable answer, and the requests for missing replies.

    A check of the instruction is needed only before another request.

    Args:
        requests: all that are needed, by key.
        done: entries of the ledger, by key.
    """
    usable = list_usable(done, endpoint)
    following = [chain(request, usable, endpoint)[1] for request in requests.values()]
    missing = [request for request in following if request is not None]
    idle = endpoint.readout != "echo" and all(request.check for request in missing)
    return [] if idle else missing


def count_unanswered(table: pd.DataFrame, endpoint: Endpoint) -> int:
    """Number of prompts with an option that the endpoint gave no answer for."""
    column = "label" if endpoint.readout == "logprobs" else "option"
    return int(table.loc[table[column].isna(), "prompt"].nunique())


def report(answers: pd.DataFrame, endpoint: Endpoint) -> None:
    """Print how many prompts lack an answer, and how many have only an upper bound."""
    asked = answers["prompt"].nunique()
    if missing := count_unanswered(answers, endpoint):
        click.echo(f"{missing} of {asked} prompts lack an answer: null, not imputed", err=True)
    if bound := answers.loc[answers["label_bound"], "prompt"].nunique():
        click.echo(f"{bound} of {asked} prompts have a label that is not listed: an upper bound is kept", err=True)


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="Messages, or bare text.")
@click.option("--shown", type=click.Choice(SHOWN), default="turns", help="Where demonstrations are in a chat.")
@click.option("--language", default="", help="Code of the prompts' language: its rules compare replies with options.")
@click.option(
    "--endpoint", "settings", type=Json(dict[str, Any]), required=True, help="Settings of the endpoint (JSON)."
)
@click.option("--ledger", "ledger_path", type=writable, required=True, help="Ledger of answers (SQLite), kept.")
@click.option("--output", type=writable, required=True, help="Answers (Parquet).")
def command(
    prompts: Path, form: str, shown: str, language: str, settings: dict[str, Any], ledger_path: Path, output: Path
) -> None:
    """Ask an endpoint the prompts that the ledger lacks, and write the answers to all prompts."""
    endpoint, table = read_endpoint(settings), place_demonstrations(read_table(prompts, Prompts), shown, form)
    read_key(endpoint)
    requests = list_requests(table, endpoint, form)
    facts = endpoint.facts(form, shown)
    with Ledger(ledger_path) as ledger:
        done = ledger.answered(fingerprint_of(facts), texts=False)
        missing = list_missing(requests, done, endpoint)
        new = len(missing)
        unneeded = 0 if new else sum(one.check and key not in done for key, one in requests.items())
        known = len(requests) - new - unneeded
        click.echo(f"{new + known} requests: {new} to make, {known} in the ledger", err=True)
        if spoiled := sum(request.key in done for request in missing):
            click.echo(f"{spoiled} answers in the ledger cannot be used, and are asked for again", err=True)
        if new:
            versions = {"openai": version("openai"), "python": sys.version.partition(" ")[0]}
            with ledger.run(facts, device="endpoint", threads=endpoint.concurrency, versions=versions) as run:
                for checks in (True, False):  # the checks come first, so that no answer is paid for if one fails
                    some = [request for request in missing if request.check == checks]
                    wanted = len(some) if checks else len(requests)
                    for line in send_requests(some, wanted, endpoint, done, run) if some else []:
                        click.echo(line, err=True)
                    done = ledger.answered(fingerprint_of(facts), texts=False)
                    if checks:
                        read_checks(list_usable(done, endpoint), endpoint, form)
        usable = list_usable(done, endpoint)
        answers = collect_replies(table, usable, endpoint, form, fingerprint_of(facts), language)
        report(answers, endpoint)
        write_table(answers, output, Answers)
