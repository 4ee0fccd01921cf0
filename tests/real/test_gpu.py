"""The GPU benchmark on the CPU with tiny shapes: it measures what it writes, and a failed part stops no other."""

import csv
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import torch
from asking import table_of
from places import ROOT
from selfalign.inference.local import engine
from selfalign.inference.local.render import PromptFormat, render
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig
from warm import BIN, warm_programs


@pytest.fixture(scope="module")
def table(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The benchmark's table, on a tiny model that speaks SmolLM2's tokens."""
    folder = tmp_path_factory.mktemp("gpu")
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = AutoModelForCausalLM.from_config(LlamaConfig(vocab_size=len(tokenizer), **sizes)).eval()
    model.save_pretrained(folder / "weights")
    tokenizer.save_pretrained(folder / "weights")
    prompts = table_of(5, labels=())
    prompts.to_parquet(folder / "prompts.parquet")
    rendered = render(prompts, PromptFormat(tokenizer, "chat"), None)
    answered = [one for batch in engine.score(model, rendered, "naive", 1) for one in batch.answers]
    rows = [(one.prompt, place, p) for one, log_p in answered for place, p in enumerate(log_p[:2], start=1)]
    pd.DataFrame(rows, columns=["prompt", "place", "option"]).to_parquet(folder / "answers.parquet")
    files = ["--prompts", folder / "prompts.parquet", "--answers", folder / "answers.parquet"]
    _benchmark("pack", folder / "bundle", "--weights", folder / "weights", "--safetensors", "--size", "quick", *files)
    how = ["--device", "cpu", "--shape", "tiny", "--rows", "16384,512", "--most", "3"]
    _benchmark("run", folder / "bundle", "--output", folder / "out", *how)
    with (folder / "out" / "gpu.csv").open(encoding="utf-8") as file:
        return pd.DataFrame(csv.DictReader(file)).set_index(["part", "case", "measure"])


def _benchmark(*arguments: object) -> None:
    python = (warm_programs() or BIN) / "python"
    subprocess.run([python, ROOT / "benchmarks" / "gpu.py", *map(str, arguments)], check=True)


def test_every_part_ends_within_its_limit(table: pd.DataFrame):
    ended = table.xs("ended", level="measure")["value"]
    assert ended.str.startswith("done").all(), ended.to_dict()


def test_float32_answers_as_the_cpu_did(table: pd.DataFrame):
    case = ("exactness", "default's English prompts, float32")
    assert float(table.loc[(*case, "largest difference from the CPU"), "value"]) < 1e-4
    assert float(table.loc[(*case, "choices that differ from the CPU's"), "value"]) == 0


def test_flex_attention_answers_as_chunks_do(table: pd.DataFrame):
    rows = table.xs("median difference from chunks", level="measure")
    assert (rows["value"].astype(float) < 0.05).all()  # bfloat16: rounding alone


def test_speed_is_reported_as_a_share_of_the_limit(table: pd.DataFrame):
    rates = table.xs("rate", level="measure")["value"].astype(float)
    assert (rates > 0).all()
    assert "per_probe/option, selfalign, rows of 512" in table.loc["speed"].index.get_level_values("case")
