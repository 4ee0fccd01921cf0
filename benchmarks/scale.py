"""Time and memory of the steps around a model, at once, twice and four times the number of the paper's cells.

    python benchmarks/scale.py FOLDER [--times 1,2,4] [--cores 1] [--model FOLDER] [--languages en]

The settings are those of config/paper.yaml: five models, fourteen countries in English, thirteen other languages with
one country each, the whole bank. Twice as many cells are the same arms again with another number of shots, so prompts,
cells and estimates all grow. The survey is the embedded example, so fourteen of its countries take the places of the
paper's. No model runs: answers are random numbers in the form of the real ones. The real rules do all the rest.

The workflow runs in FOLDER, and goes on where it was stopped. Every job writes down its seconds and its own peak
memory as the operating system counts it. The steps are then compared by docs/performance/scale.csv.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd
import yaml
from inference import default_model
from selfalign.inference.local.infer import load_tokenizer
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.local.setup import Setup, fill_date
from selfalign.inference.readouts import list_options, read_out
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import Entry
from selfalign.ledger.storage import Ledger
from selfalign.prompts.schemas import Design, Prompts
from selfalign.scoring.schemas import Scores
from selfalign.tables import read_table, write_table

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "docs" / "performance" / "scale.csv"
COUNTRIES = ["USA", "AUS", "BOL", "BRA", "CAN", "CHN", "ETH", "DEU", "GBR", "IND", "KEN", "MEX", "NGA", "RUS"]
"""Countries of the embedded example, in the places of the paper's."""

SHOTS = [5, 4, 3, 2]
RESULTS = [
    "tables/demonstrations/en.csv",
    "tables/readouts/model0/en.csv",
    *(f"tables/{name}.csv" for name in ("agreement", "contrasts", "contrasts_by_readout", "worth", "metrics")),
    "tables/transfer.csv",
]
"""Tables made from the scores, in the folder of a run; without mixed models, whose number does not grow with cells."""

FIGURES = [f"plot_{name}" for name in ("agreement", "contrasts", "margin", "calibration", "transfer")]
"""Rules of the figures. How many pages a figure has depends on the models and languages."""

MODELS = 5
SETUP = Setup(form="chat", dtype="float32", engine="packed", attention="sdpa", template={}, shown="turns")
"""How `selfalign infer` asks with the options of `measure_infer`."""

HOOK = """
import atexit, json, os, resource, sys, time

def note(started=time.time()):
    if len(sys.argv) > 1 and os.path.basename(sys.argv[0]) in ("selfalign", "__main__.py"):
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = {"seconds": time.time() - started, "cpu_seconds": used.ru_utime + used.ru_stime}
        line = {"step": sys.argv[1], **spent, "peak_mb": used.ru_maxrss / 1024}
        with open(os.environ["SCALE_RECORD"], "a") as file:
            file.write(json.dumps(line) + "\\n")

atexit.register(note)
"""
"""Runs in every Python process of the benchmark: each job writes down what it took."""


def make_config(times: int, languages: Sequence[str] = ()) -> dict:
    """Settings of a run with so many times the paper's cells, in some of its languages; in all if none is named."""
    paper = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))
    catalogue = yaml.safe_load((ROOT / "config" / "arms.yaml").read_text(encoding="utf-8"))["arms"]
    place = dict(zip(paper["languages"]["en"]["countries"], COUNTRIES, strict=True))
    names, arms = paper["languages"]["en"]["arms"], {}
    for shots in SHOTS[:times]:
        for name in names if shots == SHOTS[0] else names[1:]:
            arm = catalogue.get(name, {}) | paper["arms"].get(name, {})
            arm |= {"sources": [place[one] for one in arm["sources"]]} if "sources" in arm else {}
            own = shots == SHOTS[0]
            arms[name if own else f"{name}_{shots}"] = arm | (
                {} if own else {"label": f"{arm['label']}, {shots}", "shots": shots}
            )
    endpoint = {"url": "http://localhost:9/v1", "model": "none", "readout": "echo"}  # nobody asks it
    return {
        "run": {
            "name": f"scale{times}",
            "survey": "example",
            "languages": list(languages or paper["languages"]),
            "models": [f"model{number}" for number in range(MODELS)],
        },
        "models": {
            f"model{number}": {"label": f"Model {number}", "format": "chat", "endpoint": endpoint}
            for number in range(MODELS)
        },
        "arms": arms,
        "languages": {
            code: {"countries": [place[one] for one in language["countries"]], "arms": list(arms)}
            for code, language in paper["languages"].items()
        },
        **{key: paper[key] for key in ("probes", "prompts", "scoring") if key in paper},
    }


def run(folder: Path, times: int, config: dict, cores: int, *targets: str) -> None:
    """Run the workflow in a folder; each job adds a line to the record of this size."""
    hook = folder / "hook"
    hook.mkdir(parents=True, exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    settings = folder / f"scale{times}.yaml"
    settings.write_text(json.dumps(config), encoding="utf-8")
    command = [Path(sys.executable).with_name("snakemake"), "--directory", folder, "--snakefile", ROOT / "Snakefile"]
    more = ["--configfile", settings, "--cores", str(cores), "--quiet", "rules", "--", *targets]
    subprocess.run([*command, *more], env=variables_of(folder, times), check=True)


def variables_of(folder: Path, times: int) -> dict[str, str]:
    """The environment of a job of a size, which lets it write down what it took."""
    paths = [str(folder / "hook"), str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "SCALE_RECORD": str(record_of(folder, times))}


def record_of(folder: Path, times: int) -> Path:
    """The file that collects what the jobs of a size took."""
    return (folder / f"jobs{times}.jsonl").resolve()


def write_answers(folder: Path, times: int) -> None:
    """Random answers of the first model to the prompts of a size; the other models get the same file."""
    results = folder / "results" / f"scale{times}"
    for path in sorted((results / "prompts").glob("*.parquet")):
        first = results / "answers" / "model0" / path.name
        if not first.exists() or first.stat().st_mtime < path.stat().st_mtime:
            write_table(make_answers(read_table(path, Prompts)), first, Answers)
        for other in others(first):
            os.link(first, other)


def write_scores(folder: Path, times: int) -> None:
    """The other models' scores: those of the first model under another name, to save the time of their jobs."""
    for first in sorted((folder / "results" / f"scale{times}" / "scores" / "model0").glob("*.parquet")):
        table = read_table(first, Scores)
        for other in others(first):
            write_table(table.assign(model=other.parent.name), other, Scores)


def others(first: Path) -> Iterator[Path]:
    """The other models' files of a name, which are not there yet."""
    for number in range(1, MODELS):
        other = first.parent.with_name(f"model{number}") / first.name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.unlink(missing_ok=True)
        yield other


def make_answers(prompts: pd.DataFrame) -> pd.DataFrame:
    """An `Answers` table of random log-probabilities, with texts of the real length."""
    table, rng = list_options(prompts), np.random.default_rng(1)
    texts = prompts["system"] + prompts["shown"] + prompts["asked"]
    table = table.assign(
        fingerprint="0" * 16,
        text=table["prompt"].map(pd.Series(texts.to_numpy(), prompts["prompt"])),
        tokens=400,
        answer_tokens=3,
        label=np.nan,
        option=-rng.exponential(4, len(table)),
        open=-rng.exponential(4, len(table)) - 1,
    )
    return read_out(table.assign(samples=pd.NA, standard_error=np.nan))


def measure_infer(folder: Path, times: int, model: Path) -> None:
    """The step infer where its ledger has all answers: render the English prompts, read the ledger, write the table."""
    weights, card = take_tokenizer(folder, model)
    prompts = folder / "results" / f"scale{times}" / "prompts" / "en.parquet"
    ledger = folder / f"ledger{times}.sqlite"
    if not ledger.exists():
        fill_ledger(ledger, read_table(prompts, Prompts), weights, json.loads(card.read_text(encoding="utf-8")))
    options = ["--prompts", prompts, "--card", card, "--weights", weights, "--language", "en", "--format", "chat"]
    options += ["--template", "{}", "--dtype", "float32", "--device", "cpu", "--gpus", 1, "--attention", "sdpa"]
    options += ["--engine", "packed", "--row-tokens", 2048, "--shown", "turns", "--reply", 0, "--threads", 1]
    options += ["--ledger", ledger, "--output", folder / "answers.parquet"]
    program = [sys.executable, "-m", "selfalign", "infer"]
    subprocess.run([*program, *map(str, options)], env=variables_of(folder, times), check=True)


def take_tokenizer(folder: Path, model: Path) -> tuple[Path, Path]:
    """A model's folder without its weights, so that a prompt that the ledger lacks is an error; and its card."""
    shutil.copytree(model, folder / "weights", ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
    shutil.copy(model.parent / "model.json", folder / "model.json")
    return folder / "weights", folder / "model.json"


def fill_ledger(path: Path, prompts: pd.DataFrame, weights: Path, card: dict) -> None:
    """Write random answers to all prompts into a ledger."""
    prompt_format = PromptFormat(load_tokenizer(weights), SETUP.form, fill_date(SETUP.template), "en")
    rendered = render(prompts, prompt_format, card["context_length"])
    rng = np.random.default_rng(1)

    def answer(one: Rendered) -> Entry:
        log_p, opened = (-rng.exponential(4, len(part)) for part in (one.answers, one.sequences[len(one.answers) :]))
        scores = {"log_p": log_p.tolist(), "open": opened.tolist()}
        return Entry(one.key, one.prompt, one.text, len(one.tokens), scores)

    distinct = list({one.key: one for one in rendered}.values())
    facts = SETUP.facts(card, "cpu")
    with Ledger(path) as ledger, ledger.run(facts, device="none", threads=1, versions={}) as run:
        for start in range(0, len(distinct), 1000):
            run.record([answer(one) for one in distinct[start : start + 1000]])


def count_cells(folder: Path, times: int) -> int:
    """Cells of all models, languages and option orders."""
    designs = (folder / "results" / f"scale{times}" / "design").glob("*.parquet")
    return MODELS * sum(len(read_table(path, Design, ["arm"])) for path in designs)


def share_people(folder: Path, first: int, times: int) -> None:
    """Give a size the files that do not depend on the number of cells, from the first size."""
    for part in ("people", "similarity", "demonstrations"):
        made, here = (folder / "results" / f"scale{one}" / part for one in (first, times))
        if not here.exists():
            shutil.copytree(made, here)


def summarise(folder: Path, sizes: list[int]) -> pd.DataFrame:
    """A row per step and size: jobs, seconds of all jobs, and the peak memory of the largest."""
    tables = []
    for times in sizes:
        jobs = pd.read_json(record_of(folder, times), lines=True)
        table = jobs.groupby("step").agg(
            jobs=("seconds", "size"),
            seconds=("seconds", "sum"),
            cpu_seconds=("cpu_seconds", "sum"),
            peak_mb=("peak_mb", "max"),
        )
        tables.append(table.assign(times=times, cells=count_cells(folder, times)).reset_index())
    table = pd.concat(tables)
    several = table.groupby("step")["times"].transform("nunique") == len(sizes)
    order = ["step", "times", "cells", "jobs", "seconds", "cpu_seconds", "peak_mb"]
    return table[several].sort_values(["step", "times"])[order].round({"seconds": 1, "cpu_seconds": 1, "peak_mb": 0})


def growth(table: pd.DataFrame, column: str) -> pd.Series:
    """By step, the slope of the logarithm of a column on that of the cells: 1 is proportional."""
    return table.groupby("step")[["cells", column]].apply(
        lambda rows: np.polyfit(np.log(rows["cells"]), np.log(rows[column]), 1)[0]
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--times", default="1,2,4", show_default=True, help="Sizes, in the paper's cells.")
@click.option("--cores", default=1, show_default=True, help="For Snakemake; with 1, no job disturbs another.")
@click.option("--model", type=click.Path(path_type=Path), help="Weights, for their tokenizer; the default model's.")
@click.option("--languages", default="", help="Some of the paper's languages, such as en; all if not given.")
def main(folder: Path, times: str, cores: int, model: Path | None, languages: str) -> None:
    """Measure every step at every size, print the table and its growth, and write docs/performance/scale.csv."""
    sizes = [int(one) for one in times.split(",")]
    for size in sizes:
        if size != sizes[0]:
            share_people(folder, sizes[0], size)
        config, place = make_config(size, languages.split()), f"results/scale{size}"
        each = config["run"]["languages"]
        run(folder, size, config, cores, *(f"{place}/prompts/{one}.parquet" for one in each))
        write_answers(folder, size)
        run(folder, size, config, cores, *(f"{place}/scores/model0/{one}.parquet" for one in each))
        write_scores(folder, size)
        run(folder, size, config, cores, *(f"{place}/{one}" for one in RESULTS), *FIGURES)
        measure_infer(folder, size, model or default_model())
    table = summarise(folder, sizes)
    for column in ("cpu_seconds", "peak_mb"):
        table[f"growth_of_{column}"] = table["step"].map(growth(table, column)).round(2)
    RECORD.parent.mkdir(exist_ok=True)
    table.to_csv(RECORD, index=False, lineterminator="\n")
    print(table.to_markdown(index=False))


if __name__ == "__main__":
    main()
