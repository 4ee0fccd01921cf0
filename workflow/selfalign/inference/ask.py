"""Step ask: what a model behind an OpenAI-compatible endpoint answers to each prompt of one language."""

import sys
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pandas as pd
from tqdm import tqdm

from selfalign.errors import InputError, did_you_mean
from selfalign.inference.endpoint import Answer, Gate, ask, read_key
from selfalign.inference.ledger import Entry, Ledger, Run, fingerprint
from selfalign.inference.messages import SHOWN, place_demonstrations
from selfalign.inference.questions import Endpoint, Request, requests_of
from selfalign.inference.replies import collect, entry_of, withheld
from selfalign.inference.tables import Answers
from selfalign.options import Json, readable, writable
from selfalign.prompts.tables import Prompts
from selfalign.tables import read_table, write_table


def read_endpoint(settings: Mapping[str, Any]) -> Endpoint:
    """An endpoint from its settings, which may leave out what has a default.

    Raises:
        InputError: a setting is unknown, or url or model is missing.
    """
    known = {one.name for one in fields(Endpoint)}
    for name in sorted(set(settings) - known):
        raise InputError("--endpoint", f'"{name}" is not a known key', did_you_mean(name, known))
    if not {"url", "model"} <= set(settings):
        raise InputError("--endpoint", "url or model is missing", "Give both")
    return Endpoint(**settings)


def list_requests(prompts: pd.DataFrame, endpoint: Endpoint, form: str) -> dict[str, Request]:
    """All requests that a table of prompts needs, by key; prompts that read the same share theirs.

    Raises:
        InputError: the readout reaches none of the prompts.
    """
    requests = [request for prompt in prompts.itertuples() for request in requests_of(prompt, endpoint, form)]
    if not requests:
        raise InputError(
            endpoint.url,
            "no prompt shows labels, and the log-probability of a first token says nothing on whole options",
            "Add a frame with labels to prompts.frames, or set readout: samples or echo for this model",
        )
    return {request.key: request for request in requests}


def answer(requests: list[Request], endpoint: Endpoint, done: Mapping[str, Entry], run: Run) -> list[str]:
    """Ask what was not asked yet, and record each answer at once.

    Args:
        requests: all that are needed.
        endpoint: that is asked.
        done: what the ledger has; counts towards the budget.
        run: records.

    Returns:
        What became of requests that failed for good.
    """
    missing = [request for request in requests if request.key not in done]
    gate = Gate(endpoint, len(done), sum(sum(entry.scores["usage"]) for entry in done.values()))
    old = len(requests) - len(missing)
    with tqdm(total=len(requests), initial=old, unit="request", mininterval=5, desc="ask") as progress:

        def take(request: Request, got: Answer) -> None:
            entry = withheld(request, got["withheld"]) if "withheld" in got else entry_of(request, got, endpoint)
            tokens = sum(entry.scores["usage"])
            if endpoint.max_tokens and not tokens and "withheld" not in got:
                remedy = "Leave max_tokens out and set max_requests"
                raise InputError(endpoint.url, "the endpoint does not say how many tokens it counts", remedy)
            run.record([entry], tokens=tokens)
            gate.count(tokens)
            progress.update()

        return ask(missing, endpoint, gate, take)


def count_missing(table: pd.DataFrame, endpoint: Endpoint) -> int:
    """Number of prompts with an option that the endpoint gave no answer for."""
    column = "label" if endpoint.readout == "logprobs" else "option"
    return table.loc[table[column].isna(), "prompt"].nunique()


@click.command()
@click.option("--prompts", type=readable, required=True, help="Distinct prompts (Parquet).")
@click.option("--format", "form", type=click.Choice(("chat", "plain")), required=True, help="Messages, or bare text.")
@click.option("--shown", type=click.Choice(SHOWN), default="turns", help="Where demonstrations are in a chat.")
@click.option("--endpoint", "settings", type=Json(), required=True, help="Settings of the endpoint (JSON).")
@click.option("--ledger", "ledger_path", type=writable, required=True, help="Ledger of answers (SQLite), kept.")
@click.option("--output", type=writable, required=True, help="Answers (Parquet).")
def command(prompts: Path, form: str, shown: str, settings: dict[str, Any], ledger_path: Path, output: Path) -> None:
    """Ask an endpoint what the ledger lacks, and write the answers to all prompts."""
    endpoint, table = read_endpoint(settings), place_demonstrations(read_table(prompts, Prompts), shown, form)
    read_key(endpoint)
    requests = list_requests(table, endpoint, form)
    facts = endpoint.facts(form) | ({"shown": shown} if shown != "turns" else {})
    with Ledger(ledger_path) as ledger:
        done = ledger.answered(fingerprint(facts))
        new = len(requests.keys() - done.keys())
        click.echo(f"{len(requests)} requests: {new} to make, {len(requests) - new} in the ledger", err=True)
        if new:
            versions = {"openai": version("openai"), "python": sys.version.partition(" ")[0]}
            with ledger.run(facts, device="endpoint", threads=endpoint.concurrency, versions=versions) as run:
                for failure in answer(list(requests.values()), endpoint, done, run):
                    click.echo(f"failed: {failure}", err=True)
            done = ledger.answered(fingerprint(facts))
        answers = collect(table, done, endpoint, form, fingerprint(facts))
        if missing := count_missing(answers, endpoint):
            asked = answers["prompt"].nunique()
            click.echo(f"{missing} of {asked} prompts lack an answer: null, not imputed", err=True)
        write_table(answers, output, Answers)
