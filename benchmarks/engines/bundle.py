"""Files that the GPU benchmark needs on a machine that has nothing but this repository, PyTorch and transformers."""

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from selfalign.inference.local.render import Rendered

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "config.json")
PART_BYTES = 32 * 2**20
"""Size of the pieces of the weights: a machine may take only so much at a time."""


@dataclass(frozen=True)
class Bundle:
    """A folder of such files.

    Attributes:
        folder: with the tokenizer, and with the weights as model.safetensors or as pieces of a GGUF file.
    """

    folder: Path

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer and of the model's configuration."""
        return self.folder / "tokenizer"

    def read(self, name: str) -> list:
        """One of `prompts` (tokens, answers and the CPU's log-probabilities) and `cases` (by workload)."""
        with gzip.open(self.folder / f"{name}.json.gz", "rt", encoding="utf-8") as file:
            return json.load(file)

    def write(self, name: str, content: object) -> None:
        """Write what `read` reads."""
        with gzip.open(self.folder / f"{name}.json.gz", "wt", encoding="utf-8") as file:
            json.dump(content, file)

    def prompts(self) -> tuple[list[Rendered], list[list[float]]]:
        """The default's English prompts, and the log-probabilities (nats) of their answers on the CPU in float32."""
        rows = self.read("prompts")
        rendered = [
            Rendered(row["prompt"], "", tuple(row["tokens"]), tuple(map(tuple, row["answers"]))) for row in rows
        ]
        return rendered, [row["log_p"] for row in rows]

    def gguf(self) -> Path | None:
        """The GGUF file, put together from its pieces; None where the weights are safetensors."""
        pieces = sorted(self.folder.glob("weights.gguf.*"))
        if not pieces:
            return None
        whole = self.folder / "weights.gguf"
        with whole.open("wb") as file:
            for piece in pieces:
                file.write(piece.read_bytes())
        return whole


def pack(folder: Path, weights: Path, gguf: Path | None, prompts: Path, answers: Path, size: str) -> None:
    """Write a bundle.

    Args:
        folder: to write to.
        weights: folder of the model, with its tokenizer.
        gguf: file to take the weights from, in pieces; None: take model.safetensors.
        prompts: a `Prompts` table.
        answers: an `Answers` table of this model: what the CPU answers to them.
        size: one of `engines.workloads.SIZES`.
    """
    import pandas as pd
    from inference import make_cases  # another benchmark in this folder
    from selfalign.inference.local.render import PromptFormat, render
    from transformers import AutoTokenizer

    bundle = Bundle(folder)
    bundle.tokenizer.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER:
        if (weights / name).exists():
            shutil.copy(weights / name, bundle.tokenizer / name)
    if gguf is None:
        shutil.copy(weights / "model.safetensors", bundle.folder / "model.safetensors")
    else:
        content = gguf.read_bytes()
        for place, start in enumerate(range(0, len(content), PART_BYTES)):
            (folder / f"weights.gguf.{place}").write_bytes(content[start : start + PART_BYTES])
    tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)
    form = "chat" if tokenizer.chat_template else "plain"
    rendered = render(pd.read_parquet(prompts), PromptFormat(tokenizer, form), None)
    log_p = pd.read_parquet(answers).sort_values(["prompt", "place"]).groupby("prompt")["option"].agg(list)
    rows = [
        {
            "prompt": one.prompt,
            "tokens": one.tokens,
            "answers": one.answers[-len(log_p[one.prompt]) :],
            "log_p": log_p[one.prompt],
        }
        for one in rendered
    ]
    bundle.write("prompts", rows)
    cases, distinct, _ = make_cases(size, tokenizer)
    wanted = [name for name in cases if name.endswith("/option")]
    bundle.write("cases", {name: {"requests": cases[name], "distinct": distinct[name]} for name in wanted})
