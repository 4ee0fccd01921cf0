"""`selfalign status`: how far a run is, while it runs and after it has ended."""

import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click

from selfalign.audit.status.progress import (
    ASKING,
    CUT_OFF,
    DONE,
    FAILED,
    LEFT,
    RUNNING,
    AnswerProgress,
    PlannedJob,
    Start,
    began,
    count_answers,
    is_locked,
    last_seconds,
    read_start,
    state_of,
)
from selfalign.runs import Run, find_run
from selfalign.screen_text import align, duration

_MESSAGE = re.compile(r"^selfalign: (.+)$", re.MULTILINE)


def describe_progress(run: Run, start: Start) -> str:
    """How far a run is, as text: its jobs, the answers of its models, the time left, and the use of endpoints."""
    states = {job.name: state_of(job, start) for job in start.jobs}
    answers = list_answers(run, start)
    lines = [_headline(run, start, states), *_jobs(start, states), "", *_table(answers), *_costs(start, answers)]
    if start.alive:
        lines += ["", _time_left(start, states, answers)]
    elif set(states.values()) - {DONE}:
        lines += ["", how_to_continue(start)]
    return "\n".join(lines)


def list_answers(run: Run, start: Start) -> dict[tuple[str, str], AnswerProgress]:
    """How far each model of a run is in each language, by their names."""
    jobs = {(job.wildcards["model"], job.wildcards["language"]): job for job in start.jobs if job.rule in ASKING}
    found = {}
    for ask in start.asks:
        model, language = ask.model, ask.language
        log = run.folder / "logs" / ask.rule / model / f"{language}.log"
        ledger = run.ledger(model, language)
        job, answers = jobs.get((model, language)), run.answers(model, language)
        # A start plans no such job if the answers are there, or if it does not need them.
        state = state_of(job, start) if job else DONE if answers.exists() else LEFT
        counted = count_answers(state, start, log, ledger)
        if counted.total is None and ask.rule == "infer":
            counted = replace(counted, total=count_needed(run.prompts(language), ask.replies))
        found[model, language] = counted
    return found


def count_needed(path: Path, replies: bool) -> int | None:
    """Answers that a model on this machine will be asked for, as its log counts them; None where that is not known.

    Args:
        path: a `Prompts` table.
        replies: whether each prompt that is no premise also gets a greedy reply.
    """
    from pyarrow.parquet import read_table

    if not path.exists():
        return None
    premises = read_table(path, columns=["premise"])["premise"].to_pylist()
    return len(premises) + (sum(premise != "" for premise in premises) if replies else 0)


def _headline(run: Run, start: Start, states: dict[str, str]) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(start.time))
    if start.alive:
        state = f"running since {since}"
    elif set(states.values()) <= {DONE}:
        state = f"complete, started {since}"
    else:
        state = f"stopped, started {since}"
    return f'Run "{run.name}" in {run.folder}: {state}'


def _jobs(start: Start, states: dict[str, str]) -> list[str]:
    """Jobs by state, and the names of those that run, failed or were cut off."""
    counts = Counter(states.values())
    parts = [f"{counts[state]} {state}" for state in (RUNNING, CUT_OFF, FAILED, LEFT) if counts[state]]
    lines = [f"Jobs: {', '.join([f'{counts[DONE]} of {len(states)} done', *parts])}"]
    now = time.time()
    for job in start.jobs:
        state = states[job.name]
        if state == RUNNING:
            lines.append(f"  running   {job.name}, for {duration(now - (began(job) or now))}")
        elif state == CUT_OFF:
            lines.append(f"  cut off   {job.name}")
        elif state == FAILED:
            lines.append(f"  failed    {job.name}: {reason(job)}")
    return lines


def reason(job: PlannedJob) -> str:
    """Why a job failed: its last message to the user; and where its log is."""
    logs = " ".join(job.log)
    for log in filter(Path.exists, map(Path, job.log)):
        if messages := _MESSAGE.findall(log.read_text(encoding="utf-8", errors="replace")):
            return f"{messages[-1]} (log: {logs})"
    return f"it left no message. The system may have ended it, for lack of memory or time (log: {logs})"


def _table(answers: dict[tuple[str, str], AnswerProgress]) -> list[str]:
    """A line for each model and language."""
    rows = [["model", "language", "answered", "of", "per second", "state"]]
    for (model, language), one in answers.items():
        total = "?" if one.total is None else f"{one.total:,}"
        rate = "-" if one.rate is None else f"{one.rate:,.1f}"
        done = "-" if one.done is None else f"{one.done:,}"
        rows.append([model, language, done, total, rate, one.state])
    return align(rows, left=(0, 1))


def _costs(start: Start, answers: dict[tuple[str, str], AnswerProgress]) -> list[str]:
    """A line on each endpoint that has counted tokens."""
    lines = []
    for ask in start.asks:
        if usage := answers[ask.model, ask.language].usage:
            sent, received = usage
            cost = ", price not in the settings"
            if ask.price:
                cost = f", cost {(sent * ask.price['input'] + received * ask.price['output']) / 1e6:,.2f}"
            lines.append(f"{ask.model} {ask.language}: {sent:,} tokens sent, {received:,} received{cost}")
    return ["", "All answers in the ledgers of endpoints:", *lines] if lines else []


def _time_left(start: Start, states: dict[str, str], answers: dict[tuple[str, str], AnswerProgress]) -> str:
    """When the answers will be there, and how long the other jobs took when they last ran."""
    rates = {model: one.rate for (model, _), one in answers.items() if one.rate}
    waiting = {names: one for names, one in answers.items() if one.state != DONE}
    known = {
        names: one.left / (one.rate or rates[names[0]])
        for names, one in waiting.items()
        if one.total and names[0] in rates
    }
    parts = [f"about {duration(sum(known.values()))} for the answers"] if known else []
    if unknown := [" ".join(names) for names in waiting if names not in known]:
        parts.append(f"not known yet for the answers of {', '.join(unknown)}")
    others = [job for job in start.jobs if job.rule not in ASKING and states[job.name] != DONE]
    timed = [seconds for job in others if (seconds := last_seconds(job)) is not None]
    if timed:
        parts.append(f"{duration(sum(timed))} for {len(timed)} other jobs, which is what they took last time")
    if len(timed) < len(others):
        parts.append(f"not known for {len(others) - len(timed)} other jobs, which have never ended yet")
    return f"Time left: {'; '.join(parts) or 'seconds'}"


# For the end of Snakemake


def explain_stop(run: Run, local: bool) -> list[str]:
    """Why a run stopped, how many answers are kept, and how to continue; each a message for the user.

    Args:
        run: that stopped.
        local: whether its jobs ran on this machine, so that their own messages are on the screen already.
    """
    start = read_start(run.folder)
    messages = []
    for job in start.jobs:
        if state_of(job, start) == FAILED:
            why = reason(job)
            said = local and not why.startswith("it left")
            messages.append(f"{job.name} failed. Its message is above." if said else f"{job.name} failed: {why}")
    # This Snakemake still holds the record of its start, but its jobs have ended.
    answers = list_answers(run, replace(start, alive=False)).values()
    asked = [(one.done, one.total) for one in answers if one.done is not None and one.total is not None]
    done, total = map(sum, zip(*asked, strict=True)) if asked else (0, 0)
    kept = f"{done:,} of {total:,} answers are kept." if asked else "All earlier answers are kept."
    return [*(messages or ["The run was interrupted."]), f"{kept} {how_to_continue(start)}"]


def how_to_continue(start: Start) -> str:
    """The command that continues a run."""
    first = "First run: snakemake --unlock\n" if not start.alive and is_locked() else ""
    return f"{first}To continue, run again: {start.command}"


@click.command()
@click.argument("run")
def command(run: str) -> None:
    """Show how far RUN is: jobs done, running and left, answers per second, time left and cost."""
    found = find_run(run)
    click.echo(describe_progress(found, read_start(found.folder)))
