"""Should the engine multiply by oneDNN or by MKL? Both are in PyTorch. Time, and difference from the reference.

The three workloads of benchmarks/inference.py, in the frame of words, float32 on a CPU, both libraries in turn; then
prompts of a run, compared with one forward pass per prompt and answer. docs/inference.md has the result.

    python benchmarks/onednn.py [--model FOLDER] [--prompts TABLE] [--most 22]
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from engines.workloads import WORKLOADS, build_workloads
from selfalign.inference.local import engine
from selfalign.inference.local.devices import load_model
from selfalign.inference.local.render import PromptFormat, Rendered, render
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedModel

ROOT = Path(__file__).resolve().parent.parent


class OneDnn(TorchFunctionMode):
    """While it is entered, products with a model's weights are computed by oneDNN."""

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Every function of PyTorch that is called meanwhile."""
        return (_multiply if function is linear else function)(*args, **(kwargs or {}))


def _multiply(given: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(given, weight, bias, "none", [], "")  # what PyTorch's compiler calls


LIBRARIES: dict[str, Callable[[], AbstractContextManager[object]]] = {"MKL": nullcontext, "oneDNN": OneDnn}


def score(model: PreTrainedModel, prompts: list[Rendered], kind: str, library: str) -> tuple[float, np.ndarray]:
    """Seconds, and the log-probabilities of all answers."""
    start = time.perf_counter()
    with LIBRARIES[library]():
        scores = {
            prompt.key: own for batch in engine.score(model, prompts, kind, 2048) for prompt, own in batch.answers
        }
    return time.perf_counter() - start, np.concatenate([scores[prompt.key] for prompt in prompts])


@click.command()
@click.option("--model", type=Path, default=ROOT / "results/shared/models/smollm2-135m/weights", help="Folder.")
@click.option("--prompts", type=Path, default=ROOT / "results/default/prompts/es.parquet", help="Of a run (Parquet).")
@click.option("--most", default=22, show_default=True, help="At most so many of them, spread evenly.")
@click.option("--threads", default=2, show_default=True)
@click.option("--repeats", default=6, show_default=True)
def main(model: Path, prompts: Path, most: int, threads: int, repeats: int) -> None:
    """Print the median seconds of each workload, and the differences from the reference, by library."""
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    prompt_format = PromptFormat(tokenizer, "chat" if tokenizer.chat_template else "plain")
    tables, loaded = build_workloads("quick"), load_model(model, "float32", [torch.device("cpu")])
    rows = []
    for workload in tqdm([*WORKLOADS] * (repeats + 1)):  # the first round warms up
        given = render(tables[workload, "option"], prompt_format, None)
        rows.append({"workload": workload} | {name: score(loaded, given, "packed", name)[0] for name in LIBRARIES})
    seconds = pd.DataFrame(rows[len(WORKLOADS) :]).groupby("workload", sort=False).median()
    print(seconds.assign(saved=1 - seconds["oneDNN"] / seconds["MKL"]).round(3).to_markdown())

    table = pd.read_parquet(prompts)
    given = list({prompt.key: prompt for prompt in render(table, prompt_format, None)}.values())
    given = given[:: -(-len(given) // most)]
    truth = score(loaded, given, "naive", "MKL")[1]
    for name in LIBRARIES:
        deltas = np.abs(score(loaded, given, "packed", name)[1] - truth)
        print(
            f"{name}: {len(deltas)} answers, largest difference {deltas.max():.1e} nats, median {np.median(deltas):.1e}"
        )


if __name__ == "__main__":
    main()
