"""Values of settings that decide how models answer. The config and the steps of this stage share them."""

from typing import Literal, get_args

Readout = Literal["label", "option", "open", "per_token", "per_byte", "pmi", "greedy"]
READOUTS: tuple[Readout, ...] = get_args(Readout)
"""Measures of how strongly a model prefers an option. `selfalign.inference.readouts` has their formulas."""

DATE = "2024-07-26"
"""The date that templates write if the setting `template: {date: ...}` gives none. Llama 3.1 has the same default."""

LONGEST_REPLY = 16
"""The largest number of tokens of a greedy reply. Options have only a few words."""

ModelFormat = Literal["chat", "plain"]
FORMATS: tuple[ModelFormat, ...] = get_args(ModelFormat)
"""`chat`: the model's chat template, demonstrations as earlier turns; `plain`: bare text, for base models."""

ShownAs = Literal["turns", "message"]
SHOWN: tuple[ShownAs, ...] = get_args(ShownAs)
"""`turns`: demonstrations are earlier turns of the chat; `message`: they are lines of the user's only message."""

Attention = Literal["sdpa", "eager"]
ATTENTIONS: tuple[Attention, ...] = get_args(Attention)
"""Implementations of attention: PyTorch's fused one if the model's family has it, or plain matrix products."""

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
"""Number formats of weights and activations."""

Engine = Literal["packed", "naive"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
"""`packed`: rows of a prefix tree; `naive`: one forward pass per prompt and answer, the reference."""
