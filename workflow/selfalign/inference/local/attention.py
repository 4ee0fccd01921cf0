"""Attention over a row of a prefix tree: each token attends to its ancestors, within the model's own mask.

A model of transformers makes its masks with a rule about places: no later token, and in some layers no token beyond a
window. For a row of the tree, this module applies the rule to depths in the tree, and joins it with "is an ancestor".
So every family counts its windows along a token's own prompt.

Most of the places before a token in a row belong to other prompts. So a row is cut into chunks. The tokens of a chunk
are compared only with the places that at least one of them sees.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.models.bloom.modeling_bloom import BloomPreTrainedModel, build_alibi_tensor

NAME = "selfalign_tree"

CHUNKS = {"cpu": 128}
_CHUNK = 512
"""Tokens of a row that attend together, by device; measured in docs/inference.md."""

KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Kernels of PyTorch's attention. cuDNN's is left out: it plans each new shape, and each chunk has another shape."""

Rule = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""A model's rule for a kind of layers: whether a token sees a place, from batch, head, token and place."""


@dataclass(frozen=True)
class Row:
    """Neighbouring nodes of a prefix tree, and the ancestors of the first node.

    Attributes:
        seen: whether a place is an ancestor of a token, or the token itself: n tokens x (p + n) places.
        depths: of the tokens (n).
        past: number of places before the row (p). Their depths are 0 to p - 1.
    """

    seen: np.ndarray
    depths: np.ndarray
    past: int
    _cuts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = field(
        default_factory=dict, repr=False, compare=False, kw_only=True
    )

    @property
    def places(self) -> np.ndarray:
        """Depths of all places (p + n)."""
        return np.concatenate([np.arange(self.past), self.depths])

    def cut(self, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Chunks of neighbouring tokens: the places that at least one of them sees, and which token sees which place.

        The chunks are stored, because they can be cut while a device still computes the previous row.

        Args:
            size: tokens of a chunk.
        """
        if size not in self._cuts:
            parts = [self.seen[start : start + size] for start in range(0, len(self.depths), size)]
            columns = [part.any(axis=0).nonzero()[0] for part in parts]
            self._cuts[size] = [(seen, part[:, seen]) for seen, part in zip(columns, parts, strict=True)]
        return self._cuts[size]


@dataclass(frozen=True)
class Chunk:
    """Neighbouring tokens of a row, the places that they see, and the mask of these places: see `_bias`."""

    start: int
    end: int
    columns: torch.Tensor
    bias: torch.Tensor


def chunk_size(device: torch.device) -> int:
    """Tokens of a row that attend together on a device."""
    return CHUNKS.get(device.type, _CHUNK)


@contextmanager
def in_tree(model: PreTrainedModel, row: Row) -> Iterator[None]:
    """Inside this context, a forward pass of the model over a row attends as in the tree."""
    if model._supports_attention_backend:
        usual, name = model.config._attn_implementation, NAME
        mask = partial(_cut_mask, row, chunk_size(model.device))
        model.set_attn_implementation(NAME)
    else:
        usual = name = model.config._attn_implementation
        mask = partial(_whole_mask, row, name)
    ALL_MASK_ATTENTION_FUNCTIONS[name] = mask
    try:
        with _alibi_by_depth(model, row.places), sdpa_kernel(KERNELS):
            yield
    finally:
        del ALL_MASK_ATTENTION_FUNCTIONS[name]
        if name != usual:
            model.set_attn_implementation(usual)


def _cut_mask(
    row: Row, size: int, *, mask_function: Rule, dtype: torch.dtype, device: torch.device, **_: object
) -> list[Chunk]:
    """The mask of a kind of layers, as chunks that `attend` takes."""
    places, chunks = row.places, []
    for start, (columns, seen) in zip(range(0, len(row.depths), size), row.cut(size), strict=True):
        allowed = _ask(mask_function, row.depths[start : start + size], places[columns], device)
        bias = _bias(torch.from_numpy(seen).to(device) & allowed, dtype)
        chunks.append(Chunk(start, start + len(bias), torch.from_numpy(columns).to(device), bias))
    return chunks


def _whole_mask(
    row: Row, name: str, *, mask_function: Rule, dtype: torch.dtype, device: torch.device, **_: object
) -> torch.Tensor:
    """The mask of a kind of layers, for models with their own attention: 1 x 1 x n x (p + n)."""
    seen = torch.from_numpy(row.seen).to(device) & _ask(mask_function, row.depths, row.places, device)
    return seen[None, None] if name == "sdpa" else _bias(seen, dtype)[None, None]


def _ask(rule: Rule, depths: np.ndarray, places: np.ndarray, device: torch.device) -> torch.Tensor:
    """A model's rule about every pair of a token's and a place's depth."""
    zero = torch.zeros(1, 1, dtype=torch.long, device=device)
    return rule(zero, zero, torch.from_numpy(depths[:, None]).to(device), torch.from_numpy(places[None]).to(device))


def _bias(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Numbers to add to scores: 0 where a token sees a place, otherwise the smallest number of the format."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, torch.finfo(dtype).min)


@contextmanager
def _alibi_by_depth(model: PreTrainedModel, places: np.ndarray) -> Iterator[None]:
    """Make BLOOM's bias by depth in the tree. BLOOM would count the distance between tokens along the row."""
    if not isinstance(model, BloomPreTrainedModel):
        yield
        return

    def build(mask: torch.Tensor, heads: int, dtype: torch.dtype) -> torch.Tensor:
        alibi = build_alibi_tensor(torch.ones(1, int(places.max()) + 1, device=mask.device), heads, dtype)
        return alibi[:, :, torch.from_numpy(places).to(mask.device)]

    model.base_model.build_alibi_tensor = build
    try:
        yield
    finally:
        del model.base_model.build_alibi_tensor


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: list[Chunk],
    scaling: float | None = None,
    softcap: float | None = None,
    position_bias: torch.Tensor | None = None,
    s_aux: torch.Tensor | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention function in the form of transformers' `AttentionInterface`.

    Args:
        query: (1, heads, n, size).
        key: (1, heads or fewer, p + n, size), the past before the row; so is value.
        attention_mask: chunks of the row.
        softcap: bound of the scores, as in Gemma 2.

    Returns:
        (1, n, heads, size), and None in the place of attention weights.

    Raises:
        NotImplementedError: the model uses a term of the scores that this function does not know.
    """
    if position_bias is not None or s_aux is not None:
        raise NotImplementedError(
            f"{type(module).__name__} adds a term to its scores that the packed engine does not know"
        )
    groups = query.shape[1] // key.shape[1]
    # Given a mask, PyTorch's fused attention lets heads share their keys on a CPU; elsewhere each head gets a copy.
    shared = softcap is None and query.device.type == "cpu"
    outputs = []
    for chunk in attention_mask:
        columns = chunk.columns.to(query.device)
        keys, values = (part[:, :, columns] for part in (key, value))
        if not shared:
            keys, values = (part.repeat_interleave(groups, dim=1) for part in (keys, values))
        queries, bias = query[:, :, chunk.start : chunk.end], chunk.bias.to(query.device)
        if softcap is None:
            fused = scaled_dot_product_attention(
                queries, keys, values, attn_mask=bias, scale=scaling, enable_gqa=shared
            )
            outputs.append(fused)
        else:
            outputs.append(_attend_capped(queries, keys, values, bias, scaling, softcap))
    # Contiguous, as transformers' own functions return it: some families (AFMoE, JetMoE) take a view of it.
    return torch.cat(outputs, dim=2).transpose(1, 2).contiguous(), None


def _attend_capped(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor,
    scaling: float | None,
    softcap: float,
) -> torch.Tensor:
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = torch.tanh(scores / softcap) * softcap + bias
    return scores.softmax(dim=-1, dtype=torch.float32).to(query.dtype) @ value


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, _cut_mask)  # `in_tree` replaces it by the mask of its row
