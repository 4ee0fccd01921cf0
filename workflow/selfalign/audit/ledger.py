"""`selfalign ledger`: what ledgers of answers hold, whether they are intact, several made one, and one made smaller."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from selfalign.errors import InputError, did_you_mean
from selfalign.inference.ledger import (
    PATIENCE,
    Ledger,
    Row,
    check_row,
    check_schema,
    decode,
    intact_rows,
    stands_for,
    tell_damage,
    told_plainly,
)
from selfalign.layout import align
from selfalign.options import readable, writable

_SAME = 1e-9  # nats
_SHOWN = 20
_SHORTEST = 64  # bytes: no row is shorter
_HASH = re.compile(r"[0-9a-f]{32,}")


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger to read, as it is at this moment; no byte of it is changed.

    Raises:
        InputError: there is none, a job is using it, or it cannot be read.
    """
    if not path.is_file():
        raise InputError(path, "there is no such ledger", "Check the path")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with told_plainly(path), closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
        database.text_factory = decode
        database.execute("BEGIN")
        check_schema(path, database)
        yield database


def _parsed(text: str | None) -> object:
    """A value of JSON, or None where it is missing or damaged, which is for `verify` to tell."""
    try:
        return json.loads(text or "null")
    except json.JSONDecodeError:
        return None


# List


def describe(path: Path) -> dict[str, object]:
    """What a ledger holds: its size, and for each fingerprint its facts, number of answers, and runs, first to last."""
    with opened(path) as database:
        answers = dict(database.execute("SELECT fingerprint, count(*) FROM answers GROUP BY fingerprint"))
        facts = dict(database.execute("SELECT fingerprint, facts FROM models"))
        table = database.execute("SELECT * FROM runs ORDER BY started, run")
        runs = [dict(zip([column for column, *_ in table.description], row, strict=True)) for row in table]
    models = [
        {
            "fingerprint": mark,
            "facts": _parsed(facts.get(mark)),
            "answers": answers.get(mark, 0),
            "runs": [{**run, "versions": _parsed(run["versions"])} for run in runs if run["fingerprint"] == mark],
        }
        for mark in sorted(facts.keys() | answers.keys())
    ]
    return {"ledger": str(path), "bytes": path.stat().st_size, "models": models}


def _told(ledger: dict) -> str:
    """A description as text."""
    head = [
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
    lines = [f"{ledger['ledger']}: {_size(ledger['bytes'])}"]
    lines += align([head, *([model["fingerprint"], *_summed_up(model)] for model in ledger["models"])])
    lines += [f"{model['fingerprint']}: {_facts(model['facts'])}" for model in ledger["models"]]
    return "\n".join(lines)


def _summed_up(model: dict) -> list[str]:
    """Cells of a fingerprint's row; the rates are of all its runs together."""
    runs = model["runs"]
    seconds = sum(run["seconds"] for run in runs)
    rates = [f"{sum(run[what] for run in runs) / seconds:,.1f}" if seconds else "-" for what in ("prompts", "tokens")]
    times = [run["started"][:16].replace("T", " ") for run in runs] or ["-"]
    memory = max((run["peak_memory"] for run in runs), default=0)
    ended = sum(run["ended"] is not None for run in runs)
    counts = [f"{model['answers']:,}", f"{len(runs):,}", f"{ended:,}"]
    differences = [run["difference"] for run in runs if run.get("difference") is not None]
    difference = f"{max(differences):.1e}" if differences else "-"
    return [*counts, times[0], times[-1], *rates, _size(memory) if memory else "-", difference]


def _facts(facts: object) -> str:
    if not isinstance(facts, dict):
        return "nothing is known of it"
    return ", ".join(f"{name} {_HASH.sub(lambda found: found[0][:12], str(fact))}" for name, fact in facts.items())


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


# Verify


def find_faults(path: Path) -> tuple[int, list[str]]:
    """Number of a ledger's answers that can be read, and all that is wrong with the ledger, a sentence each.

    Raises:
        InputError: it cannot be opened.
    """
    with opened(path) as database:
        known, faults = _check_models(database)
        count, unknown = 0, Counter()
        try:
            for number, *columns in database.execute("SELECT rowid, * FROM answers NOT INDEXED"):
                count += 1
                try:
                    check_row(tuple(columns))
                except ValueError as error:
                    faults.append(f"row {number} of its answers, key {columns[1]}, {error}")
                else:
                    unknown[columns[0]] += columns[0] not in known
        except sqlite3.DatabaseError as error:
            faults.append(f"the answers after the first {count} cannot be read ({error})")
        faults += [f"{n} answers are under the unknown fingerprint {mark}" for mark, n in unknown.items() if n]
        faults += [f"SQLite: {line}" for line in _integrity(database) if line != "ok"]
    return count, faults


def _integrity(database: sqlite3.Connection) -> list[str]:
    try:
        return [line for (told,) in database.execute("PRAGMA integrity_check") for line in str(told).splitlines()]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def _check_models(database: sqlite3.Connection) -> tuple[set[str], list[str]]:
    """Fingerprints whose facts are known, and what is wrong with the tables of models and of runs."""
    known, faults = set(), []
    try:
        for mark, facts in database.execute("SELECT fingerprint, facts FROM models"):
            if stands_for(mark, facts):
                known.add(mark)
            else:
                faults.append(f"the facts of fingerprint {mark} are not those that it stands for")
        for run, mark, versions in database.execute("SELECT run, fingerprint, versions FROM runs"):
            if not isinstance(_parsed(versions), dict):
                faults.append(f"run {run} has versions that are no JSON")
            if mark not in known:
                faults.append(f"run {run} is under the unknown fingerprint {mark}")
    except sqlite3.DatabaseError as error:
        faults.append(f"its models and runs cannot be read ({error})")
    return known, faults


def require_intact(path: Path) -> None:
    """Check that nothing is wrong with a ledger.

    Raises:
        InputError: something is.
    """
    if faults := find_faults(path)[1]:
        raise tell_damage(path, f"{faults[0]}; `selfalign ledger verify` tells all")


# Merge


def merge(sources: list[Path], target: Path, intact: bool = False, within: float = _SAME) -> tuple[int, int]:
    """Add to a ledger the answers of others that it lacks, and their runs: all of them, or nothing.

    Args:
        sources: ledgers, which stay as they are.
        target: a ledger, which is made if there is none.
        intact: take from damaged sources what is intact.
        within: nats by which two scores of the same prompt may differ; the first one stays.

    Returns:
        How many answers were added, and how many there are now.

    Raises:
        InputError: a ledger is damaged or in use, or two have different answers.
    """
    read = _rows_one_by_one if intact else intact_rows
    for source in sources:
        if target.exists() and source.exists() and source.samefile(target):
            raise InputError(source, "is both a source and the target", "Name it once")
        if not intact:
            require_intact(source)
    for _ in _new_rows(sources, read, {}, within):
        pass  # refuse before there is a target, so that a refusal leaves nothing behind
    with Ledger(target) as ledger, ledger.change() as database:
        known = {row[:2]: (row[5], target) for row in intact_rows(target, database)}
        before = len(known)
        database.executemany(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", _new_rows(sources, read, known, within)
        )
        for source in sources:
            _add_runs(source, database)
    return len(known) - before, len(known)


def _rows_one_by_one(path: Path, database: sqlite3.Connection) -> Iterator[Row]:
    """Rows of a damaged ledger that are intact, each sought by its number, since a damaged page ends a walk."""
    try:
        last = database.execute("SELECT max(rowid) FROM answers").fetchone()[0] or 0
    except sqlite3.DatabaseError:
        last = path.stat().st_size // _SHORTEST
    for number in range(1, last + 1):
        try:
            row = database.execute("SELECT * FROM answers NOT INDEXED WHERE rowid = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row and _is_intact(row):
            yield row


def _is_intact(row: Row) -> bool:
    try:
        check_row(row)
    except ValueError:
        return False
    return True


def _new_rows(
    sources: list[Path],
    read: Callable[[Path, sqlite3.Connection], Iterator[Row]],
    known: dict[tuple[str, str], tuple[str, Path]],
    within: float,
) -> Iterator[Row]:
    """Rows of ledgers that are not among the known, which maps fingerprint and key to scores and where they are.

    What is yielded is known from then on.
    """
    for source in sources:
        with opened(source) as database:
            for row in read(source, database):
                mark, key, prompt, _, _, scores, _ = row
                if (mark, key) not in known:
                    known[mark, key] = scores, source
                    yield row
                    continue
                other, where = known[mark, key]
                if not _alike(json.loads(scores), json.loads(other), within):
                    raise InputError(
                        source,
                        f"key {key} (prompt {prompt}) under fingerprint {mark} has the scores {scores},"
                        f" but {other} in {where}",
                        "Nothing is merged. If they differ only by rounding, keep the target's: --within 0.001."
                        " Otherwise prune one of the two, or keep the ledgers apart",
                    )


def _alike(one: object, other: object, within: float) -> bool:
    """Whether two values of JSON are the same, but for numbers that differ by at most `within`."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= within
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(*pair, within) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name], within) for name in one)
    return one == other


def _add_runs(source: Path, target: sqlite3.Connection) -> None:
    """Add a ledger's models and runs; of a run that is in both, the copy that came farther stays."""
    with opened(source) as database:
        models, runs = _read_all(database, "models"), _read_all(database, "runs")
    known = {row[0]: _progress(row) for row in target.execute("SELECT * FROM runs")}
    farther = [row for row in runs if row[0] not in known or _progress(row) > known[row[0]]]
    target.executemany("INSERT OR IGNORE INTO models VALUES (?, ?)", (row for row in models if stands_for(*row)))
    whole = [(*row, None)[:12] for row in farther]  # a ledger of version 1 has 11 columns
    target.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", whole)


def _read_all(database: sqlite3.Connection, table: str) -> list[tuple]:
    """Rows of a table; none if it is damaged: a job writes what it needs anew."""
    try:
        return database.execute(f"SELECT * FROM {table} NOT INDEXED").fetchall()
    except sqlite3.DatabaseError:
        return []


def _progress(run: tuple) -> tuple[int, bool]:
    _, _, _, ended, prompts, *_ = run
    return prompts, ended is not None


# Prune


def find_superfluous(
    database: sqlite3.Connection, keep: set[str], prompts: set[str]
) -> tuple[list[int], list[list[str]]]:
    """Answers that are not to be kept.

    Args:
        database: an open ledger.
        keep: fingerprints to keep; all if empty.
        prompts: ids of prompts to keep; all if empty.

    Returns:
        Numbers of their rows; and for each fingerprint its name, how many answers it has, and how many go and stay.
    """
    rows, answers, gone = [], Counter(), Counter()
    for number, mark, prompt in database.execute("SELECT rowid, fingerprint, prompt FROM answers"):
        answers[mark] += 1
        if (keep and mark not in keep) or (prompts and prompt not in prompts):
            gone[mark] += 1
            rows.append(number)
    cells = [[mark, *(f"{n:,}" for n in (answers[mark], gone[mark], answers[mark] - gone[mark]))] for mark in answers]
    return rows, sorted(cells)


def delete(path: Path, rows: list[int]) -> None:
    """Delete rows of answers, and models and runs that have no answers then; give the space back.

    Raises:
        InputError: the ledger is in use, or cannot be written.
    """
    with Ledger(path) as ledger, ledger.change() as database:
        database.executemany("DELETE FROM answers WHERE rowid = ?", ((row,) for row in rows))
        for table in ("models", "runs"):
            database.execute(f"DELETE FROM {table} WHERE fingerprint NOT IN (SELECT fingerprint FROM answers)")
    with told_plainly(path), closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
        database.execute("VACUUM")


# Commands


@click.group()
def command() -> None:
    """List, verify, merge or prune the ledgers that keep the answers of models."""


_ledgers = click.argument("ledgers", nargs=-1, required=True, type=readable)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print(text: str) -> None:
    click.echo(text.encode("utf-8", "backslashreplace"))  # a damaged row may hold anything


@command.command("list")
@_ledgers
@_as_json
def list_ledgers(ledgers: tuple[Path, ...], as_json: bool) -> None:
    """What LEDGERS hold: models by fingerprint, answers, runs, rates, peak memory."""
    told = [describe(path) for path in ledgers]
    _print(json.dumps(told, indent=2) if as_json else "\n\n".join(map(_told, told)))


@command.command("verify")
@_ledgers
@_as_json
@click.pass_context
def verify_ledgers(context: click.Context, ledgers: tuple[Path, ...], as_json: bool) -> None:
    """Check every answer of LEDGERS; exit code 1 if anything is wrong."""
    found = []
    for path in ledgers:
        try:
            count, faults = find_faults(path)
        except InputError as error:
            count, faults = 0, [str(error)]
        found.append({"ledger": str(path), "answers": count, "faults": faults})
    if as_json:
        _print(json.dumps(found, indent=2))
    for one in () if as_json else found:
        faults = one["faults"]
        state = f"{len(faults):,} fault{'s' * (len(faults) > 1)}" if faults else "all intact"
        _print(f"{one['ledger']}: {one['answers']:,} answers, {state}")
        more = [f"and {len(faults) - _SHOWN:,} more"] if len(faults) > _SHOWN else []
        for fault in [*faults[:_SHOWN], *more]:
            _print(f"  {fault}")
    context.exit(1 if any(one["faults"] for one in found) else 0)


@command.command("merge")
@click.argument("sources", nargs=-1, required=True, type=readable)
@click.option("--into", "target", type=writable, required=True, help="Ledger to add to; made if there is none.")
@click.option("--intact", is_flag=True, help="Take from damaged ledgers what is intact.")
@click.option(
    "--within",
    type=click.FloatRange(min=0),
    default=_SAME,
    show_default=True,
    help="Nats by which two scores of the same prompt may differ; the target's stay.",
)
def merge_ledgers(sources: tuple[Path, ...], target: Path, intact: bool, within: float) -> None:
    """Add the answers of SOURCES to another ledger: all of them, or nothing where two ledgers differ."""
    added, now = merge(list(sources), target, intact, within)
    click.echo(f"{target}: {added:,} answers added, {now:,} now")


@command.command("prune")
@click.argument("ledger", type=readable)
@click.option("--keep", multiple=True, help="Fingerprint to keep, others go; may be repeated.")
@click.option("--prompts", multiple=True, type=readable, help="Prompts to keep (Parquet), others go; may be repeated.")
@click.option("--yes", is_flag=True, help="Delete them; without it, only say what would go.")
def prune_ledger(ledger: Path, keep: tuple[str, ...], prompts: tuple[Path, ...], yes: bool) -> None:
    """Delete answers of LEDGER that are not to be kept, and give the space back."""
    from selfalign.prompts.tables import Prompts  # pandas takes a second, and no other command needs it
    from selfalign.tables import read_table

    if not (keep or prompts):
        raise InputError(ledger, "nothing says what is to be kept", "Give --keep, --prompts or both")
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
    click.echo(f"{len(rows):,} answers deleted; {_size(before)} before, {_size(ledger.stat().st_size)} now.")
