"""The time that the variables of jobs (`selfalign.cpu_environment`) save: one job alone, and two on the same cores.

The variables decide how long idle threads of PyTorch wait before they sleep, and whether freed memory is returned. Both
readouts of one workload of benchmarks/inference.py run in separate processes, in turn. docs/decisions.md has the
result.

    python benchmarks/variables.py [--model FOLDER] [--way "as here" --way ...] [--repeats 8]
"""

import json
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click
import pandas as pd
from engines.workloads import FRAMES
from inference import Worker, default_model, make_cases
from selfalign.cpu_environment import FAST, MEMORY, THREADS
from tqdm import tqdm
from transformers import AutoTokenizer

WAYS: dict[str, dict[str, str]] = {
    "as here": FAST,
    "sleep at once": MEMORY | {"OMP_WAIT_POLICY": "PASSIVE"},
    "300 turns": FAST | {"GOMP_SPINCOUNT": "300"},
    "30000 turns": FAST | {"GOMP_SPINCOUNT": "30000"},
    "threads as PyTorch's": MEMORY,
    "memory given back": THREADS,
}
WORKLOAD = "zero_shot"


def take(workers: list[Worker]) -> tuple[float, float]:
    """Seconds until all workers, at the same time, have scored the workload, and the peak memory (GB) of the first."""
    start = time.perf_counter()
    for readout in FRAMES:
        for worker in workers:
            worker.tell(case=f"{WORKLOAD}/{readout}")
        answers = [worker.answer() for worker in workers]
    return time.perf_counter() - start, answers[0]["peak_gb"]


@click.command()
@click.option("--model", type=Path, help="Folder of weights and tokenizer; the default model's otherwise.")
@click.option("--way", "ways", multiple=True, type=click.Choice(list(WAYS)), default=list(WAYS), show_default=True)
@click.option("--threads", default=os.cpu_count(), show_default=True, help="Of each job.")
@click.option("--repeats", default=8, show_default=True)
def main(model: Path | None, ways: tuple[str, ...], threads: int, repeats: int) -> None:
    """Print the median seconds of one job and of two at once, their ratios to the first way, and the peak memory."""
    model = str((model or default_model()).resolve())
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    cases, *_ = make_cases("quick", tokenizer)
    options = {"model": model, "device": "cpu", "dtype": "float32", "threads": threads, "row_tokens": 2048, "shape": ""}
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings = Path(folder, "settings.json")
        settings.write_text(json.dumps(options | {"special": not tokenizer.chat_template, "cases": cases}), "utf-8")
        pairs = {way: [stack.enter_context(Worker("ours", settings, WAYS[way])) for _ in range(2)] for way in ways}
        for pair in pairs.values():
            for worker in pair:
                worker.answer()
            take(pair)  # warms up
        for _ in tqdm(range(repeats)):
            for way, pair in pairs.items():
                (alone, _), (two, peak) = take(pair[:1]), take(pair)
                rows.append({"way": way, "alone": alone, "two": two, "peak, GB": peak})
    medians = pd.DataFrame(rows).groupby("way", sort=False).median()
    seconds = medians[["alone", "two"]]
    print(medians.join((seconds / seconds.iloc[0]).add_suffix(", ratio")).round(3).to_markdown())


if __name__ == "__main__":
    main()
