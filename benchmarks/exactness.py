"""How far the engine is from one forward pass per prompt and answer: the largest difference (nats) on real prompts.

    python benchmarks/exactness.py NAME=FOLDER[:DTYPE] ... [--prompts TABLE] [--most N]

A format with fewer digits than float32 rounds both results. So each is also compared with the naive engine in float32.
A last comparison is without the float32 of the output layer. Ties are prompts whose first two answers are equally
likely. The prompts are those of benchmarks/inference.py, or a table that a run of the workflow made. docs/exactness.md
has the results.
"""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from engines.workloads import build_workloads
from selfalign.inference.choices import ENGINES
from selfalign.inference.local import engine
from selfalign.inference.local.devices import load_model
from selfalign.inference.local.infer import load_tokenizer
from selfalign.inference.local.render import PromptFormat, Rendered, render
from tqdm import tqdm
from transformers import AutoModelForCausalLM, PreTrainedModel

COLUMNS = ["model", "format", "prompts", "answers", "packed - naive", "packed - float32", "naive - float32"]
COLUMNS += ["rounded output layer - float32", "ties", "ties, rounded output layer"]


def score(model: PreTrainedModel, prompts: list[Rendered], kind: str) -> dict[str, tuple[float, ...]]:
    """Scores by key."""
    with tqdm(total=len(prompts), desc=kind, mininterval=5) as progress:
        scores = {}
        for batch in engine.score(model, prompts, kind, 1024):
            scores |= {prompt.key: answers for prompt, answers in batch.answers}
            progress.update(len(batch.answers))
    return scores


def compare(folder: Path, dtype: str, table: pd.DataFrame) -> list[str]:
    """The columns from `prompts` on: differences as the largest and the median, and the ties of the packed engine."""
    tokenizer = load_tokenizer(folder)
    prompt_format = PromptFormat(tokenizer, "chat" if tokenizer.chat_template else "plain")
    prompts = list({prompt.key: prompt for prompt in render(table, prompt_format, None)}.values())
    model = load_model(folder, dtype, [torch.device("cpu")])
    packed, naive = (score(model, prompts, kind) for kind in ENGINES)
    pairs, tied = [(packed, naive)], [packed]
    if dtype != "float32":
        true = score(load_model(folder, "float32", [torch.device("cpu")]), prompts, "naive")
        kind = {"dtype": getattr(torch, dtype), "local_files_only": True}
        rounded = score(AutoModelForCausalLM.from_pretrained(folder, **kind).eval(), prompts, "packed")
        pairs += [(packed, true), (naive, true), (rounded, true)]
        tied.append(rounded)
    deltas = [np.concatenate([np.abs(np.subtract(one[key], other[key])) for key in naive]) for one, other in pairs]
    texts = [f"{delta.max():.1e} (median {np.median(delta):.1e})" for delta in deltas]
    ties = [f"{np.mean([first == second for first, second, *_ in one.values()]):.1%}" for one in tied]
    absent = ["-"] if dtype == "float32" else []  # of float32 there is nothing to compare with float32
    return [str(len(prompts)), str(len(deltas[0])), *texts, *absent * 3, *ties, *absent]


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="NAME=FOLDER[:DTYPE]...")
@click.option("--prompts", type=Path, help="Prompts (Parquet).")
@click.option("--most", type=int, default=0, help="At most so many prompts, spread evenly; 0 is all.")
@click.option("--threads", default=2, show_default=True)
def main(models: tuple[str, ...], prompts: Path | None, most: int, threads: int) -> None:
    """Print a table with a row for each model."""
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n")
    torch.set_num_threads(threads)
    tables = [pd.read_parquet(prompts)] if prompts else list(build_workloads("quick").values())
    table = pd.concat(tables).drop_duplicates("prompt")
    if most:
        table = table.iloc[:: -(-len(table) // most)]
    for model in models:
        name, _, place = model.partition("=")
        folder, _, dtype = place.partition(":")
        cells = [name, dtype or "float32", *compare(Path(folder), dtype or "float32", table)]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
