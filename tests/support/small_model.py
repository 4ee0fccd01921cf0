"""A small random model with the default model's tokenizer, for tests in which any answers will do."""

import json
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

SIZES = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "num_hidden_layers": 40,  # so many that a job takes long enough to be killed between two batches
    "initializer_range": 0.1,  # so that it has opinions
}


def write_small_model(folder: Path, smollm2: Path) -> None:
    """Write a random model in the default model's architecture, always the same one.

    Its files are larger than those that Snakemake compares by their content (1 MB).

    Args:
        folder: where to write it.
        smollm2: folder of the default model, with its configuration, tokenizer and chat template.
    """
    torch.manual_seed(1)
    settings = json.loads((smollm2 / "config.json").read_text(encoding="utf-8")) | SIZES
    model = AutoModelForCausalLM.from_config(LlamaConfig(**settings), dtype=torch.float32)
    model.save_pretrained(folder)
    for path in smollm2.iterdir():
        if path.suffix in (".json", ".jinja") and path.name != "config.json":
            shutil.copy(path, folder)
