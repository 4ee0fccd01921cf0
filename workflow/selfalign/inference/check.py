"""Whether the packed engine answers the prompts of a job as the naive one does: asked before the job begins.

In float32 the two may differ by rounding only. Formats of fewer digits round so much that a fault could hide in it, so
that there the first layers are compared in float32, and the whole model is held to a bound that only a gross fault
breaks.
"""

import gc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.utils import logging

from selfalign.errors import InputError
from selfalign.inference import engine
from selfalign.inference.devices import load_model, require_decoder
from selfalign.inference.render import Rendered

_CHECKED = 2
_EXACT = 1e-3
"""Nats: no answer may differ by more in float32."""
_ROUNDED = {torch.bfloat16: 0.5, torch.float16: 0.1}
"""Nats: the median answer may not differ by more in formats of fewer digits."""
_LAYERS = 4
_REMEDY = "Set engine: naive for this model"


def check_engine(model: PreTrainedModel, prompts: Sequence[Rendered], row_tokens: int) -> float:
    """Compare the packed engine with the naive one on a few prompts of this very job, the longest among them.

    Returns:
        The largest difference, in nats.

    Raises:
        InputError: they differ by more than rounding: the model needs the naive engine.
    """
    ordered = sorted(prompts, key=lambda prompt: (len(prompt.tokens), prompt.key))
    some = {prompt.key: prompt for prompt in [*ordered[-_CHECKED:], *ordered[:: max(1, len(ordered) // _CHECKED)]]}
    try:
        packed, naive = (_score_all(model, list(some.values()), kind, row_tokens) for kind in engine.ENGINES)
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = f"the packed engine does not know this kind of model ({' '.join(str(error).split())})"
        raise InputError(model.name_or_path, reason, _REMEDY) from None
    deltas = np.concatenate([np.abs(np.subtract(packed[key], naive[key])) for key in some])
    sound = deltas.max() <= _EXACT if model.dtype == torch.float32 else np.median(deltas) <= _ROUNDED[model.dtype]
    if not sound:
        raise InputError(
            model.name_or_path, f"the packed engine is {deltas.max():.3g} nats from the naive one", _REMEDY
        )
    return float(deltas.max())


def check_first_layers(
    weights: Path, place: torch.device, attention: str, prompts: Sequence[Rendered], row_tokens: int
) -> tuple[int, float]:
    """As `check_engine`, in float32, with a model of the first layers: four, and as many as hold one of every kind.

    Args:
        weights: folder of the model.
        place: device to compute on.
        attention: one of `devices.ATTENTIONS`.
        prompts: those of the job.
        row_tokens: distinct tokens per forward pass.

    Returns:
        The number of layers, and the largest difference, in nats.

    Raises:
        InputError: as `check_engine` and `load_model` do.
    """
    config = require_decoder(weights).get_text_config()
    kinds = getattr(config, "layer_types", None) or []
    layers = min(config.num_hidden_layers, max([_LAYERS, *(kinds.index(kind) + 1 for kind in kinds)]))
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # else it reports every layer that is left out
    try:
        model = load_model(weights, "float32", [place], attention, layers)
    finally:
        logging.set_verbosity(before)
    delta = check_engine(model, prompts, row_tokens)
    del model
    gc.collect()
    torch.cuda.empty_cache()  # what this process keeps for later would not count as free for the whole model
    return layers, delta


def _score_all(
    model: PreTrainedModel, prompts: list[Rendered], kind: str, row_tokens: int
) -> dict[str, tuple[float, ...]]:
    batches = engine.score(model, prompts, kind, row_tokens)
    return {prompt.key: scores for batch in batches for prompt, scores in batch.answers}
