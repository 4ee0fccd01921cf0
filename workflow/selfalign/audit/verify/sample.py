"""A random sample of the cells of a run, computed again by the naive engine on the real model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from selfalign.audit.jobs import Job
from selfalign.audit.verify.answers import MissingError, ask_again, find_mark
from selfalign.audit.verify.differences import compare_tables
from selfalign.audit.verify.findings import Difference, Findings
from selfalign.audit.verify.rerun import Rerun, read_options, run_step
from selfalign.errors import InputError
from selfalign.inference.local.collect import collect, entry_of_scores
from selfalign.inference.local.devices import lease, load_model
from selfalign.inference.local.engine import score
from selfalign.inference.schemas import Answers
from selfalign.prompts.schemas import CELL, Design, Prompts
from selfalign.scoring.schemas import Scores
from selfalign.tables import read_table, write_table

EXACT = 1e-3
"""Nats: no log-probability may differ by more in float32."""

SCORE_ROUNDING = {"bfloat16": 0.5, "float16": 0.1}
"""Nats: the median log-probability may not differ by more in formats of fewer digits."""

FURTHEST = {"bfloat16": 4.0, "float16": 1.0}
"""Nats: no log-probability may differ by more in these formats. Rounding alone gave at most 1 nat in bfloat16."""

_REPLIES = ["reply", "replied", "greedy"]
"""Columns of answers that the sample does not compute: a reply is generated, not scored."""


def check_sample(rerun: Rerun, size: int, seed: int, findings: Findings) -> None:
    """Draw cells from all scores of the run, and compute their answers and scores again.

    Args:
        rerun: the run, with the steps that were run again from raw inputs.
        size: number of cells.
        seed: of the draw.
        findings: get the differences and counts.
    """
    asked = {path: job for job in rerun.jobs if job.step in ("infer", "ask") for path in job.outputs}
    scored = [(job, read_options(job.step, job.arguments[1:])) for job in rerun.jobs if job.step == "score_answers"]
    cells: list[pd.DataFrame] = []
    sources: list[tuple[Job | None, Job]] = []
    for job, options in scored:
        source = asked.get(str(options["answers"]))
        table = pd.read_parquet(options["output"]) if options["output"].is_file() else pd.DataFrame()
        if reason := _why_not(source):
            which = f"{len(table)} cells of {options['model']} in {options['language']}"
            findings.skipped.append(f"{which}: not computed again, because {reason}")
        elif len(table):
            cells.append(table.assign(place=len(sources), row=range(len(table))))
            sources.append((source, job))
    if not cells or not size:
        return
    drawn = pd.concat(cells, ignore_index=True)
    rows = np.sort(np.random.default_rng(seed).choice(len(drawn), min(size, len(drawn)), replace=False))
    drawn = drawn.iloc[rows]
    with tqdm(total=len(drawn), unit="cell", desc="naive engine", leave=False) as progress:
        for place, chosen in drawn.groupby("place"):
            source, job = sources[place]
            try:
                _check_cells(rerun, source, job, chosen, findings)
            except (MissingError, InputError) as error:
                findings.skipped.append(
                    f"{len(chosen)} drawn cells of {job.outputs[0]}: not computed again, because {error}"
                )
            progress.update(len(chosen))


def _why_not(source: Job | None) -> str | None:
    """Why the answers of a job cannot be computed again; None if they can."""
    if source is None:
        return "the step that made its answers is not on record"
    if source.step == "ask":
        return "the model is behind an endpoint"
    weights = read_options(source.step, source.arguments[1:])["weights"]
    if not any(path.exists() for path in weights.glob("*.safetensors")):
        return f"the weights are not in {weights} any more"
    return None


def _check_cells(rerun: Rerun, source: Job, job: Job, cells: pd.DataFrame, findings: Findings) -> None:
    """Compute drawn cells of one model and language again: their answers, then their scores."""
    options = read_options(source.step, rerun.arguments(source))
    scoring = read_options(job.step, job.arguments[1:])
    design_file, answers_file = str(scoring["design"]), str(scoring["answers"])
    design = read_table(Path(rerun.current(design_file)), Design)
    design = design.merge(cells[CELL].astype(design[CELL].dtypes.to_dict()), on=CELL)
    if len(design) < 2 * len(cells):
        missing = 2 * len(cells) - len(design)
        problem = f"{missing} option orders of the drawn cells are not in the design that was made again"
        findings.differences.append(Difference(design_file, problem=problem))
    prompts = read_table(Path(rerun.current(str(options["prompts"]))), Prompts)
    wanted = set(design["prompt"])
    if (cells["readout"] == "pmi").any():
        wanted |= set(prompts.loc[prompts["prompt"].isin(wanted), "premise"])
    prompts = prompts[prompts["prompt"].isin(wanted)]
    recorded = pd.read_parquet(answers_file)
    answers = _answer(options, prompts, find_mark(options, recorded))
    before = recorded[recorded["prompt"].isin(prompts["prompt"])]
    _compare_answers(answers_file, before, answers, options["dtype"], findings)
    if (cells["readout"] == "greedy").any():  # these scores are computed from the replies of the run
        answers = answers.drop(columns=_REPLIES).merge(before[["prompt", "place", *_REPLIES]], on=["prompt", "place"])
    folder = rerun.scratch / "sample" / Path(job.outputs[0]).with_suffix("")
    files = {design_file: folder / "design.parquet", answers_file: folder / "answers.parquet"}
    write_table(design[Design.names()], files[design_file], Design)
    write_table(answers, files[answers_file], Answers)
    outputs = {path: folder / Path(path).name for path in job.outputs}
    run_step(job.step, rerun.arguments(job, {path: str(file) for path, file in (files | outputs).items()}))
    scores = read_table(outputs[str(scoring["output"])], Scores)
    _compare_scores(str(scoring["output"]), cells, scores, options["dtype"], findings)
    findings.checked["cells computed by the naive engine"] += len(cells)


def _answer(options: dict[str, Any], prompts: pd.DataFrame, mark: str) -> pd.DataFrame:
    """Answers of the naive engine: an `Answers` table."""
    asked = ask_again(options, prompts)
    distinct = list({prompt.key: prompt for prompt in asked.rendered}.values())
    with lease(options["device"], options["gpus"], str(options["weights"])) as places:
        model = load_model(options["weights"], options["dtype"], places, options["attention"])
        batches = score(model, distinct, "naive", options["row_tokens"])
        scored = {prompt.key: entry_of_scores(prompt, scores) for batch in batches for prompt, scores in batch.answers}
    return collect(asked.table, asked.rendered, scored, mark)


def _compare_answers(file: str, before: pd.DataFrame, now: pd.DataFrame, dtype: str, findings: Findings) -> None:
    """Compare answers of the naive engine with those of the run, which have the same prompts in the same order."""
    rows = before.index.to_numpy()
    left_out = _REPLIES + ([] if (now["pmi"].notna()).any() else ["pmi"])  # without premises there is no pmi
    columns = [column for column in now if column in before and column not in left_out]
    before = before.reset_index(drop=True)[columns]
    now = now[columns].set_index(["prompt", "place"]).reindex(pd.MultiIndex.from_frame(before[["prompt", "place"]]))
    now = now.reset_index()[columns]
    gaps = (before["option"] - now["option"]).abs()
    findings.checked["prompts computed by the naive engine"] += before["prompt"].nunique()
    if len(gaps):
        findings.notes.append(f"{file}: the naive engine differs by at most {gaps.max():.1e} nats on the sample")
    found = compare_tables(file, before, now, FURTHEST.get(dtype, EXACT))
    if dtype in SCORE_ROUNDING and gaps.median() > SCORE_ROUNDING[dtype]:
        problem = f"half of the sample's log-probabilities differ by more than {gaps.median():.3g} nats"
        found.append(Difference(file, column="option", problem=problem))
    findings.differences += [_in_rows(one, rows) for one in found]


def _compare_scores(file: str, cells: pd.DataFrame, now: pd.DataFrame, dtype: str, findings: Findings) -> None:
    columns = list(now.columns)
    now = cells[CELL].merge(now, on=CELL, how="left")[columns]
    found = compare_tables(file, cells[columns].reset_index(drop=True), now, EXACT if dtype == "float32" else np.inf)
    findings.differences += [_in_rows(one, cells["row"].to_numpy()) for one in found]


def _in_rows(one: Difference, rows: np.ndarray) -> Difference:
    """A difference in a part of a table, with its row in the whole table."""
    return one if one.row is None else replace(one, row=int(rows[one.row - 1]) + 1)
