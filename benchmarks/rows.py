"""How long the engine's rows and their chunks should be: the share of the limit that each choice reaches.

The three workloads of benchmarks/inference.py, in the frame of words, with SmolLM2 or another model. Choices are
interleaved, and the rate of matmul is measured after each. docs/inference.md has the table.

    python benchmarks/rows.py [--model FOLDER] [--rows 1024,2048] [--chunks 64,128,192,0]
"""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click
import pandas as pd
import torch
from engines.workloads import WORKLOADS, build_workloads
from selfalign.inference.local import attention, engine
from selfalign.inference.local.devices import load_model
from selfalign.inference.local.render import PromptFormat, Rendered, render
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedModel

ROOT = Path(__file__).resolve().parent.parent
SQUARE = 2048


def matmul_rate() -> float:
    """Operations a second of a large matrix product, now."""
    left, right, seconds = torch.randn(SQUARE, SQUARE), torch.randn(SQUARE, SQUARE), []
    for _ in range(5):
        start = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - start)
    return 2 * SQUARE**3 / median(seconds)


def dense_parameters(model: PreTrainedModel) -> int:
    """Parameters outside the embedding and the output projection."""
    tables = {
        id(part.weight): part.weight.numel() for part in (model.get_input_embeddings(), model.get_output_embeddings())
    }
    return model.num_parameters() - sum(tables.values())


def measure(model: PreTrainedModel, prompts: list[Rendered], rows: int, chunk: int) -> float:
    """Share of the limit that a choice reaches: the time of matmul alone, over the time taken."""
    attention.CHUNKS["cpu"] = chunk or rows
    before = matmul_rate()
    start = time.perf_counter()
    tokens = sum(batch.tokens for batch in engine.score(model, prompts, "packed", rows))
    seconds = time.perf_counter() - start
    return tokens * 2 * dense_parameters(model) / ((before + matmul_rate()) / 2) / seconds


def measure_all(
    model: PreTrainedModel, workloads: dict[str, list[Rendered]], choices: list[tuple[int, int]], repeats: int
) -> Iterator[tuple[str, int, int, float]]:
    """Every choice on every workload, again and again."""
    every = list(itertools.product(range(repeats), workloads.items(), choices))
    for _, (workload, prompts), (rows, chunk) in tqdm(every):
        yield workload, rows, chunk, measure(model, prompts, rows, chunk)


@click.command()
@click.option("--model", type=Path, default=ROOT / "results/shared/models/smollm2-135m/weights", help="Folder.")
@click.option("--rows", default="1024,2048", show_default=True, help="Tokens of a row.")
@click.option("--chunks", default="64,128,192,0", show_default=True, help="Tokens of a chunk; 0 is the whole row.")
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(model: Path, rows: str, chunks: str, threads: int, repeats: int) -> None:
    """Print the share of the limit, by workload, of every length of rows and chunks."""
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    prompt_format = PromptFormat(tokenizer, "chat" if tokenizer.chat_template else "plain")
    tables = build_workloads("quick")
    workloads = {workload: render(tables[workload, "option"], prompt_format, None) for workload in WORKLOADS}
    choices = list(itertools.product(map(int, rows.split(",")), map(int, chunks.split(","))))
    loaded = load_model(model, "float32", [torch.device("cpu")])
    measure(loaded, workloads["zero_shot"], *choices[0])  # warms up
    table = pd.DataFrame(
        measure_all(loaded, workloads, choices, repeats), columns=["workload", "row", "chunk", "fraction"]
    )
    shares = table.groupby(["row", "chunk", "workload"])["fraction"].median().unstack()[list(WORKLOADS)]
    print(shares.assign(mean=shares.mean(axis=1)).round(2).to_markdown())


if __name__ == "__main__":
    main()
