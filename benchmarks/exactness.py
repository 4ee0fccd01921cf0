"""How far the engine is from one forward pass per prompt and answer: the largest difference (nats) on real prompts.

    python benchmarks/exactness.py NAME=FOLDER[:DTYPE] ... [--prompts TABLE] [--most N]

The prompts are those of benchmarks/inference.py, or a table that a run of the workflow made. docs/inference.md has the
results.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from engines.workloads import build_workloads
from selfalign.inference import engine
from selfalign.inference.devices import load_model
from selfalign.inference.infer import load_tokenizer
from selfalign.inference.render import Rendered, Speech, render
from tqdm import tqdm
from transformers import PreTrainedModel


def score(model: PreTrainedModel, prompts: list[Rendered], kind: str) -> dict[str, tuple[float, ...]]:
    """Scores by key."""
    with tqdm(total=len(prompts), desc=kind, mininterval=5) as progress:
        scores = {}
        for batch in engine.score(model, prompts, kind, 1024):
            scores |= {prompt.key: answers for prompt, answers in batch.answers}
            progress.update(len(batch.answers))
    return scores


def compare(folder: Path, dtype: str, table: pd.DataFrame) -> tuple[int, int, float, float]:
    """Prompts, answers, and the largest and median difference."""
    tokenizer = load_tokenizer(folder)
    speech = Speech(tokenizer, "chat" if tokenizer.chat_template else "plain")
    prompts = list({prompt.key: prompt for prompt in render(table, speech, None)}.values())
    model = load_model(folder, dtype, [torch.device("cpu")])
    packed, naive = (score(model, prompts, kind) for kind in engine.ENGINES)
    deltas = np.concatenate([np.abs(np.subtract(packed[key], naive[key])) for key in naive])
    return len(prompts), len(deltas), float(deltas.max()), float(np.median(deltas))


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="NAME=FOLDER[:DTYPE]...")
@click.option("--prompts", type=Path, help="Prompts (Parquet).")
@click.option("--most", type=int, default=0, help="At most so many prompts, spread evenly; 0 is all.")
@click.option("--threads", default=2, show_default=True)
def main(models: tuple[str, ...], prompts: Path | None, most: int, threads: int) -> None:
    """Print the largest and the median difference of each model."""
    torch.set_num_threads(threads)
    tables = [pd.read_parquet(prompts)] if prompts else list(build_workloads("quick").values())
    table = pd.concat(tables).drop_duplicates("prompt")
    if most:
        table = table.iloc[:: -(-len(table) // most)]
    for model in models:
        name, _, place = model.partition("=")
        folder, _, dtype = place.partition(":")
        count, answers, largest, median = compare(Path(folder), dtype or "float32", table)
        print(f"| {name} | {dtype or 'float32'} | {count} | {answers} | {largest:.1e} | {median:.1e} |", flush=True)


if __name__ == "__main__":
    main()
