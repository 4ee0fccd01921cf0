"""The default model and its tokenizer, loaded once."""

from pathlib import Path

import pytest
import torch
from selfalign.inference.local.devices import load_model
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


@pytest.fixture(scope="session")
def speaker(smollm2: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The default model and its tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)
    return load_model(smollm2, "float32", [torch.device("cpu")]), tokenizer
