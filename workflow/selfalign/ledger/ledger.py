"""`selfalign ledger`: the commands that list, verify, merge and prune ledgers."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from selfalign.errors import InputError, did_you_mean
from selfalign.ledger.integrity import find_faults, require_intact
from selfalign.ledger.merge import SAME, merge
from selfalign.ledger.prune import delete, find_superfluous
from selfalign.ledger.reading import describe_ledger
from selfalign.ledger.storage import opened
from selfalign.options import readable, writable
from selfalign.screen_text import align, size

_SHOWN = 20  # faults of a ledger
_HASH = re.compile(r"[0-9a-f]{32,}")
_COLUMNS = [
    "fingerprint",
    "answers",
    "runs",
    "ended",
    "first",
    "last",
    "prompts/s",
    "tokens/s",
    "peak memory",
    "difference",
]


@click.group()
def command() -> None:
    """List, verify, merge or prune the ledgers that keep the answers of models."""


_ledgers = click.argument("ledgers", nargs=-1, required=True, type=readable)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print(text: str) -> None:
    click.echo(text.encode("utf-8", "backslashreplace"))  # a damaged row may contain any bytes


@command.command("list")
@_ledgers
@_as_json
def list_ledgers(ledgers: tuple[Path, ...], as_json: bool) -> None:
    """Show the content of LEDGERS: models by fingerprint, answers, runs, rates, peak memory."""
    described = [describe_ledger(path) for path in ledgers]
    _print(json.dumps(described, indent=2) if as_json else "\n\n".join(map(_show, described)))


def _show(ledger: Mapping[str, Any]) -> str:
    """A description as text."""
    lines = [f"{ledger['ledger']}: {size(ledger['bytes'], 1)}"]
    lines += align([_COLUMNS, *([model["fingerprint"], *_sum_up(model)] for model in ledger["models"])])
    lines += [f"{model['fingerprint']}: {_show_facts(model['facts'])}" for model in ledger["models"]]
    return "\n".join(lines)


def _sum_up(model: Mapping[str, Any]) -> list[str]:
    """Cells of a fingerprint's row. The rates are over all its runs."""
    runs = model["runs"]
    seconds = sum(run["seconds"] for run in runs)
    rates = [f"{sum(run[what] for run in runs) / seconds:,.1f}" if seconds else "-" for what in ("prompts", "tokens")]
    times = [run["started"][:16].replace("T", " ") for run in runs] or ["-"]
    memory = max((run["peak_memory"] for run in runs), default=0)
    ended = sum(run["ended"] is not None for run in runs)
    counts = [f"{model['answers']:,}", f"{len(runs):,}", f"{ended:,}"]
    differences = [run["difference"] for run in runs if run.get("difference") is not None]
    difference = f"{max(differences):.1e}" if differences else "-"
    return [*counts, times[0], times[-1], *rates, size(memory, 1) if memory else "-", difference]


def _show_facts(facts: object) -> str:
    if not isinstance(facts, dict):
        return "its facts are missing or damaged"
    return ", ".join(f"{name} {_HASH.sub(lambda found: found[0][:12], str(fact))}" for name, fact in facts.items())


@command.command("verify")
@_ledgers
@_as_json
@click.pass_context
def verify_ledgers(context: click.Context, ledgers: tuple[Path, ...], as_json: bool) -> None:
    """Check every answer of LEDGERS. The exit code is 1 if anything is wrong."""
    found = []
    for path in ledgers:
        try:
            count, faults = find_faults(path)
        except InputError as error:
            count, faults = 0, [str(error)]
        found.append({"ledger": str(path), "answers": count, "faults": faults})
    _print(json.dumps(found, indent=2) if as_json else "\n".join(map(_show_faults, found)))
    context.exit(1 if any(one["faults"] for one in found) else 0)


def _show_faults(one: Mapping[str, Any]) -> str:
    faults = one["faults"]
    state = f"{len(faults):,} fault{'s' * (len(faults) > 1)}" if faults else "all intact"
    more = [f"and {len(faults) - _SHOWN:,} more"] if len(faults) > _SHOWN else []
    lines = [f"{one['ledger']}: {one['answers']:,} answers, {state}"]
    return "\n".join([*lines, *(f"  {fault}" for fault in [*faults[:_SHOWN], *more])])


@command.command("merge")
@click.argument("sources", nargs=-1, required=True, type=readable)
@click.option("--into", "target", type=writable, required=True, help="Ledger to add to; made if it does not exist.")
@click.option(
    "--within",
    type=click.FloatRange(min=0),
    default=SAME,
    show_default=True,
    help="Nats by which two scores of the same prompt may differ; the target's are kept.",
)
def merge_ledgers(sources: tuple[Path, ...], target: Path, within: float) -> None:
    """Add the answers of SOURCES to another ledger. If two ledgers differ, nothing is added."""
    added, now = merge(list(sources), target, within)
    click.echo(f"{target}: {added:,} answers added, {now:,} now")


@command.command("prune")
@click.argument("ledger", type=readable)
@click.option("--keep", multiple=True, help="Fingerprint to keep; others are deleted. May be repeated.")
@click.option("--prompts", multiple=True, type=readable, help="Prompts to keep (Parquet). May be repeated.")
@click.option("--yes", is_flag=True, help="Delete them; without it, only show what would be deleted.")
def prune_ledger(ledger: Path, keep: tuple[str, ...], prompts: tuple[Path, ...], yes: bool) -> None:
    """Delete the answers of LEDGER that --keep and --prompts do not keep, and make the file smaller."""
    from selfalign.prompts.schemas import Prompts  # pandas takes a second, and the other commands do not need it
    from selfalign.tables import read_table

    if not (keep or prompts):
        raise InputError(ledger, "nothing says what to keep", "Give --keep, --prompts or both")
    require_intact(ledger)
    wanted = {prompt for path in prompts for prompt in read_table(path, Prompts)["prompt"]}
    with opened(ledger) as database:
        known = {mark for (mark,) in database.execute("SELECT DISTINCT fingerprint FROM answers")}
        for mark in keep:
            if mark not in known:
                raise InputError(ledger, "no answer is under this fingerprint", did_you_mean(mark, known), value=mark)
        rows, cells = find_superfluous(database, set(keep), wanted)
    _print("\n".join(align([["fingerprint", "answers", "go", "stay"], *cells])))
    if not yes:
        click.echo(f"{len(rows):,} answers would go; nothing is deleted without --yes.")
        return
    before = ledger.stat().st_size
    delete(ledger, rows)
    click.echo(f"{len(rows):,} answers deleted; {size(before, 1)} before, {size(ledger.stat().st_size, 1)} now.")
