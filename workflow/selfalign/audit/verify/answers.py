"""The answers of a model, computed again from its ledger: from prompts, tokens and recorded log-probabilities."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.audit.verify.findings import Difference, Findings
from selfalign.errors import InputError
from selfalign.inference.endpoint.ask import list_usable, read_endpoint
from selfalign.inference.endpoint.collect import collect_replies
from selfalign.inference.local.collect import collect
from selfalign.inference.local.greedy import add_replies, plan_replies
from selfalign.inference.local.infer import load_tokenizer
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.local.setup import Setup, fill_date
from selfalign.inference.messages import place_demonstrations
from selfalign.inference.schemas import Answers
from selfalign.ledger.integrity import find_faults
from selfalign.ledger.reading import read_intact_entries
from selfalign.ledger.rows import Entry, fingerprint_of
from selfalign.prompts.schemas import Prompts
from selfalign.tables import read_table
from selfalign.weight_checks import quiet

_DEVICES = ("cpu", "cuda", "mps")
_SHOWN = 10


class MissingError(Exception):
    """A file that a check needs is missing. The message says which one, as the end of a sentence."""


@dataclass(frozen=True)
class Rendering:
    """Prompts as a model that runs here got them.

    Attributes:
        table: a `Prompts` table.
        rendered: its prompts, in the same order.
        prompt_format: how they became text and tokens.
        context: largest number of tokens that the model takes; None if it names no limit.
    """

    table: pd.DataFrame
    rendered: list[Rendered]
    prompt_format: PromptFormat
    context: int | None


def check_ledger(path: Path, findings: Findings) -> None:
    """Check every answer of a ledger against its digest. Each fault becomes a difference."""
    try:
        count, faults = find_faults(path)
    except InputError as error:
        findings.skipped.append(f"ledger: {error}")
        return
    findings.checked["answers in ledgers"] += count
    findings.differences += [Difference(str(path), problem=fault) for fault in faults]


def _read_intact(path: Path, mark: str) -> dict[str, Entry]:
    """The intact answers of a ledger under a fingerprint, by key; `check_ledger` reports the others.

    Raises:
        MissingError: there is no ledger, or it cannot be read now.
    """
    try:
        return read_intact_entries(path, mark)
    except InputError as error:
        raise MissingError(f"the ledger cannot be read ({error})") from None


def ask_again(options: dict[str, Any], prompts: pd.DataFrame) -> Rendering:
    """Turn prompts into a model's text and tokens, as the step infer does.

    Args:
        options: of the step.
        prompts: a `Prompts` table.

    Raises:
        MissingError: the weights are not there any more.
    """
    weights = options["weights"]
    if not (weights / "config.json").is_file():
        raise MissingError(f"the weights are not in {weights} any more")
    table = place_demonstrations(prompts, options["shown"], options["form"])
    with quiet():
        template = fill_date(options["template"])
        prompt_format = PromptFormat(load_tokenizer(weights), options["form"], template, options["language"])
        context = json.loads(options["card"].read_text(encoding="utf-8"))["context_length"]
        return Rendering(table, render(table, prompt_format, context), prompt_format, context)


def find_mark(options: dict[str, Any], recorded: pd.DataFrame) -> str:
    """Fingerprint of a model's answers, from its card and settings; the run may be from another kind of device."""
    card = json.loads(options["card"].read_text(encoding="utf-8"))
    setup = Setup.of_options(options)
    marks = [fingerprint_of(setup.facts(card, device)) for device in _DEVICES]
    return next((mark for mark in marks if (recorded["fingerprint"] == mark).any()), marks[0])


def answers_of_weights(options: dict[str, Any], recorded: Path, findings: Findings) -> tuple[pd.DataFrame, set[str]]:
    """Answers of a model that runs here, cut from its ledger.

    Args:
        options: of the step infer.
        recorded: the table of answers of the run.
        findings: get a difference for each prompt that the ledger has no intact answer to, or that reads otherwise.

    Returns:
        An `Answers` table, and the ids of the prompts that it lacks.

    Raises:
        MissingError: the weights or the ledger are not there any more.
    """
    asked = ask_again(options, read_table(options["prompts"], Prompts))
    mark = find_mark(options, read_table(recorded, Answers))
    entries = _read_intact(options["ledger_path"], mark)
    table, rendered = asked.table, asked.rendered
    lacking = {prompt.prompt for prompt in rendered if prompt.key not in entries}
    for prompt in sorted(lacking)[:_SHOWN]:
        problem = f"no intact answer to prompt {prompt} ({len(lacking)} prompts lack one)"
        findings.differences.append(Difference(str(options["ledger_path"]), problem=problem))
    kept = ~table["prompt"].isin(lacking)
    table, rendered = table[kept], [prompt for prompt in rendered if prompt.prompt not in lacking]
    plan = plan_replies(table, rendered, asked.prompt_format, options["weights"], options["new_tokens"], asked.context)
    if plan.missing(entries):
        problem = f"no intact reply to {len(plan.missing(entries))} prompts"
        findings.differences.append(Difference(str(options["ledger_path"]), problem=problem))
        raise MissingError("its ledger lacks replies")
    answers = collect(table, rendered, entries, mark)
    tokenizer = asked.prompt_format.tokenizer
    return add_replies(answers, table, plan, entries, options["language"], tokenizer), lacking


def answers_of_endpoint(options: dict[str, Any], recorded: Path, findings: Findings) -> tuple[pd.DataFrame, set[str]]:
    """Answers of a model behind an endpoint, cut from its ledger; as `answers_of_weights`."""
    endpoint = read_endpoint(options["settings"])
    table = place_demonstrations(read_table(options["prompts"], Prompts), options["shown"], options["form"])
    mark = fingerprint_of(endpoint.facts(options["form"], options["shown"]))
    usable = list_usable(_read_intact(options["ledger_path"], mark), endpoint)
    return collect_replies(table, usable, endpoint, options["form"], mark, options["language"]), set()
