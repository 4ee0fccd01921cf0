"""How long idle threads of PyTorch should wait for work before they sleep: one job alone, and two on the same cores.

Both readouts of one workload of benchmarks/inference.py, in processes of their own, interleaved. docs/architecture.md
has the result.

    python benchmarks/waiting.py [--threads 2] [--repeats 8]
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
from inference import WAITING, Worker, default_model, make_cases
from tqdm import tqdm
from transformers import AutoTokenizer

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
WAYS: dict[str, dict[str, str]] = {
    "sleep at once": PASSIVE,
    "300 turns": PASSIVE | {"GOMP_SPINCOUNT": "300"},
    "3,000 turns": WAITING,
    "30,000 turns": PASSIVE | {"GOMP_SPINCOUNT": "30000"},
    "as PyTorch comes": {},
}
WORKLOAD = "zero_shot"


def take(workers: list[Worker]) -> float:
    """Seconds until all workers, at the same time, have scored the workload."""
    start = time.perf_counter()
    for readout in FRAMES:
        for worker in workers:
            worker.tell(case=f"{WORKLOAD}/{readout}")
        for worker in workers:
            worker.answer()
    return time.perf_counter() - start


@click.command()
@click.option("--threads", default=os.cpu_count(), show_default=True, help="Of each job.")
@click.option("--repeats", default=8, show_default=True)
def main(threads: int, repeats: int) -> None:
    """Print the median seconds of one job and of two at once, by the way to wait, and their ratios to the first way."""
    model = str(default_model().resolve())
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    cases, _ = make_cases("quick", tokenizer)
    options = {"model": model, "device": "cpu", "dtype": "float32", "threads": threads, "row_tokens": 2048, "shape": ""}
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings = Path(folder, "settings.json")
        settings.write_text(json.dumps(options | {"special": not tokenizer.chat_template, "cases": cases}), "utf-8")
        pairs = {way: [stack.enter_context(Worker("ours", settings, WAYS[way])) for _ in range(2)] for way in WAYS}
        for pair in pairs.values():
            for worker in pair:
                worker.answer()
            take(pair)  # warms up
        for _ in tqdm(range(repeats)):
            rows += [{"way": way, "alone": take(pair[:1]), "two": take(pair)} for way, pair in pairs.items()]
    seconds = pd.DataFrame(rows).groupby("way", sort=False).median()
    ratios = (seconds / seconds.iloc[0]).add_suffix(", ratio")
    print(seconds.join(ratios).round(3).to_markdown())


if __name__ == "__main__":
    main()
