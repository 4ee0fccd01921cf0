"""`selfalign compare`: the differences between two runs, and which of them moved which estimate."""

from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.audit.compare.changes import (
    CHANGED,
    RunDifferences,
    count_cells,
    find_causes,
    find_changed_values,
    list_scored_cells,
    pair_cells,
    pair_estimates,
)
from selfalign.audit.compare.report import describe_differences, differences_to_json
from selfalign.errors import InputError
from selfalign.prompts.schemas import Design, Prompts
from selfalign.runs import PROMPTS, Run, find_run
from selfalign.scoring.schemas import ALL, Alternatives, Contrasts, Estimates, Scores, Verdicts
from selfalign.tables import Table, read_table

_CONTRAST = ["model", "language", "arm", "against", "against_model", "against_language", "beyond", "country", "measure"]

COMPARED_TABLES: dict[str, tuple[type[Table], list[str]]] = {
    "agreement": (Estimates, ["model", "language", "arm", "country", "measure"]),
    "contrasts": (Contrasts, _CONTRAST),
    "verdicts": (Verdicts, _CONTRAST),
    "alternatives": (Alternatives, [*_CONTRAST, "alternative"]),
}
"""Tables of estimates that are compared, with their schema and the columns that name a row."""

_STEPS = {
    "agreement": "estimate_agreement",
    "contrasts": "estimate_contrasts",
    "verdicts": "choose_intervals",
    "alternatives": "estimate_alternatives",
}
_HOW_ESTIMATED = (
    *(f"scoring.{key}" for key in ("draws", "level", "seed", "resample", "families")),
    *(f"probes.{key}" for key in ("replicates", "seed")),  # samples of the people
)


def compare_runs(first: Run, second: Run) -> RunDifferences:
    """All differences between two finished runs.

    Raises:
        InputError: a run is not finished, or one of its files cannot be read.
    """
    records = [run.read_record() for run in (first, second)]
    changes = {
        name: find_changed_values(*(record.get(name, {}) for record in records))
        for name in ("config", "code", "packages", "selfalign")
    }
    digests = [{file: facts["sha256"] for file, facts in record.get("inputs", {}).items()} for record in records]
    platforms = [{key: record.get(key) for key in ("python", "machine")} for record in records]
    changes["config"].pop("run.name", None)
    pairs = pair_cells(*(read_run_cells(run) for run in (first, second)))
    return RunDifferences(
        settings=changes["config"],
        inputs=find_changed_values(digests[0], digests[1]),
        code=changes["code"],
        versions=changes["selfalign"] | changes["packages"] | find_changed_values(platforms[0], platforms[1]),
        prompts=compare_prompts(first, second),
        cells=count_cells(pairs),
        estimates={name: _compare_table(name, first, second, pairs, changes) for name in COMPARED_TABLES},
    )


def read_run_cells(run: Run) -> pd.DataFrame:
    """The scored cells of a run, as `list_scored_cells` returns them.

    Raises:
        InputError: the run has no scores yet.
    """
    files = run.list_scores()
    if not files:
        raise InputError(run.folder / "scores", "there are no scores", "Let snakemake finish the run")
    scores = pd.concat([read_table(file, Scores) for file in files], ignore_index=True)
    languages = {file.stem for file in files}
    designs = {one: read_table(run.design(one), Design) for one in sorted(languages)}
    return list_scored_cells(scores, designs)


def compare_prompts(first: Run, second: Run) -> dict[str, dict[str, int]]:
    """By language, the number of distinct prompts that both runs have, or only one of them."""
    languages = {file.stem for run in (first, second) for file in run.folder.glob(PROMPTS.format(language="*"))}
    found = {}
    for language in sorted(languages):
        before, after = (_prompts(run, language) for run in (first, second))
        found[language] = {"both": len(before & after), "first": len(before - after), "second": len(after - before)}
    return found


def _prompts(run: Run, language: str) -> set[str]:
    path = run.prompts(language)
    return set(read_table(path, Prompts)["prompt"]) if path.is_file() else set()


def _compare_table(name: str, first: Run, second: Run, pairs: pd.DataFrame, changes: dict[str, Any]) -> pd.DataFrame:
    schema, key = COMPARED_TABLES[name]
    before, after = (_read_estimates(run, name, schema) for run in (first, second))
    moved = pair_estimates(before, after, key)
    others = _other_causes(name, changes)
    return moved.assign(why=[_describe_why(row, pairs, others) for row in moved.to_dict("records")])


def _read_estimates(run: Run, name: str, schema: type[Table]) -> pd.DataFrame:
    """A table of a run, without rows if the run lacks it. The interval of a verdict is the main one."""
    path = run.table(name)
    table = read_table(path, schema) if path.is_file() else pd.DataFrame(columns=schema.names())
    if name == "verdicts":
        table = table.assign(country=ALL, low=table["main_low"], high=table["main_high"])
    return table


def _other_causes(name: str, changes: dict[str, Any]) -> str:
    """The changes that can move an estimate whose cells are the same."""
    causes = [key for key in _HOW_ESTIMATED if key in changes["config"]]
    if _STEPS[name] in changes["code"]:
        causes.append(f"code of {_STEPS[name]}")
    if changes["packages"]:
        causes.append("versions of packages")
    return ", ".join(causes) or "nothing that is on record"


def _describe_why(row: dict[str, Any], pairs: pd.DataFrame, others: str) -> str:
    if row["status"] != "moved":
        return f"only the {'first' if row['status'] == 'removed' else 'second'} run has it"
    counts = find_causes(row, pairs)
    words = CHANGED | {"added": "added", "removed": "removed"}
    return "; ".join(f"{count} cells: {words[name]}" for name, count in counts.items()) or others


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--all", "everything", is_flag=True, help="List every difference, not the first 20 of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print all as JSON.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), help="Folder of all runs.")
def command(first: str, second: str, everything: bool, as_json: bool, results: Path) -> None:
    """Compare two finished runs: settings, inputs, code, versions, prompts, and estimates with what moved them."""
    runs = find_run(first, results), find_run(second, results)
    found = compare_runs(*runs)
    click.echo(
        differences_to_json(found) if as_json else describe_differences(*runs, found, 10**9 if everything else 20)
    )
