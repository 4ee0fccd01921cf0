"""Attention over a row of a prefix tree: each token attends to its ancestors, within the model's own mask.

A model of transformers makes its masks with a rule about places: no later token, and in some layers no token beyond a
window. For a row of the tree, this module applies the rule to depths in the tree, and joins it with "is an ancestor".
So every family counts its windows along a token's own prompt.

Most of the places before a token in a row belong to other prompts. So a row is cut into chunks. The tokens of a chunk
are compared only with the places that at least one of them sees. On a CPU the chunks attend one after the other. On a
GPU they attend in one call, because a call costs more than the work for a few places that nobody sees.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.models.bloom.modeling_bloom import BloomPreTrainedModel, build_alibi_tensor
from transformers.models.llama4.modeling_llama4 import Llama4PreTrainedModel, Llama4TextAttention

from selfalign.inference.local.transfer import send

ATTENTION_NAME = "selfalign_tree"

CHUNKS = {"cpu": 128}
_CHUNK = 512
"""Tokens of a chunk, by kind of device; measured in docs/inference.md."""

ALONE = ("cpu",)
"""Kinds of devices on which chunks attend one after the other, each with no more places than its tokens see."""

_NEVER = np.iinfo(np.int64).max
"""Start of a range that holds no number."""

_ALIGNED = 8
"""Places of a chunk are a multiple of this. Otherwise each layer copies the mask to align it."""

KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Kernels of PyTorch's attention. cuDNN's is left out: it plans each new shape, and each chunk has another shape."""

Rule = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""A model's rule for a kind of layers: whether a token sees a place, from batch, head, token and place."""


@dataclass(frozen=True)
class ChunkGroup:
    """Neighbouring chunks of a row, which attend in one call.

    Attributes:
        start: first token.
        end: the token after the last one.
        numbers: of the tokens (chunks x tokens of a chunk); -1 beyond the last token.
        columns: the places that at least one token of the chunk sees, among all places of the row (chunks x k).
        first: start of each of these places' ranges (chunks x k). No token sees the places that only fill a line.
        until: the number after each of these places' ranges (chunks x k).
    """

    start: int
    end: int
    numbers: np.ndarray
    columns: np.ndarray
    first: np.ndarray
    until: np.ndarray


@dataclass(frozen=True)
class Row:
    """Tokens of a forward pass, and the places that they may see: those with keys and values, then the tokens.

    In preorder, the descendants of a node are the nodes directly after it. So each place has a range of numbers, and a
    token sees the places whose range holds its own number.

    Attributes:
        numbers: of the tokens, ascending (n).
        first: start of each place's range (p + n).
        until: the number after each place's range (p + n).
        depths: of the places (p + n); the last n are the tokens'.
    """

    numbers: np.ndarray
    first: np.ndarray
    until: np.ndarray
    depths: np.ndarray
    _cuts: dict[str, list[ChunkGroup]] = field(default_factory=dict, repr=False, compare=False, kw_only=True)

    @property
    def seen(self) -> np.ndarray:
        """Whether each token sees each place (n x (p + n))."""
        return (self.first <= self.numbers[:, None]) & (self.numbers[:, None] < self.until)

    @property
    def own_depths(self) -> np.ndarray:
        """Depths of the tokens (n)."""
        return self.depths[len(self.depths) - len(self.numbers) :]

    def cut(self, kind: str) -> list[ChunkGroup]:
        """The chunks of the row, as they attend on a kind of device.

        They are stored, because they can be cut while a device still computes the previous row.
        """
        if kind not in self._cuts:
            size = CHUNKS.get(kind, _CHUNK)
            starts = range(0, len(self.numbers), size)
            if kind in ALONE:
                self._cuts[kind] = [self._cut([start], size, aligned=1) for start in starts]
            else:
                self._cuts[kind] = [self._cut(starts, size, aligned=_ALIGNED)]
        return self._cuts[kind]

    def _cut(self, starts: Sequence[int], size: int, aligned: int) -> ChunkGroup:
        """Chunks of some tokens, with as many places as the widest one has, rounded up."""
        chunks = [self.numbers[start : start + size] for start in starts]
        columns = [self._find_seen(chunk) for chunk in chunks]
        lines = len(chunks), -(-max(map(len, columns)) // aligned) * aligned
        numbers = np.full((len(chunks), len(chunks[0])), -1)
        places, first, until = np.zeros(lines, dtype=np.int64), np.full(lines, _NEVER), np.zeros(lines, dtype=np.int64)
        for line, (chunk, these) in enumerate(zip(chunks, columns, strict=True)):
            numbers[line, : len(chunk)] = chunk
            places[line, : len(these)] = these
            first[line, : len(these)] = self.first[these]
            until[line, : len(these)] = self.until[these]
        return ChunkGroup(starts[0], starts[0] + sum(map(len, chunks)), numbers, places, first, until)

    def _find_seen(self, numbers: np.ndarray) -> np.ndarray:
        """The places that at least one of some numbers sees."""
        following = np.searchsorted(numbers, self.first)  # the lowest number in or after each range
        there = following < len(numbers)
        return np.flatnonzero(there & (numbers[np.where(there, following, 0)] < self.until))


@dataclass(frozen=True)
class Chunks:
    """Neighbouring chunks of a row as `ChunkGroup` has them, on a device.

    Attributes:
        start: first token.
        end: the token after the last one.
        columns: places of each chunk (chunks x k).
        bias: numbers to add to scores (chunks x 1 x tokens of a chunk x k): see `_bias`.
    """

    start: int
    end: int
    columns: torch.Tensor
    bias: torch.Tensor


@contextmanager
def in_tree(model: PreTrainedModel, row: Row) -> Iterator[None]:
    """Inside this context, a forward pass of the model over a row attends as in the tree."""
    if model._supports_attention_backend:
        usual, name = model.config._attn_implementation, ATTENTION_NAME
        mask: partial[list[Chunks]] | partial[torch.Tensor] = partial(_cut_mask, row)
        model.set_attn_implementation(ATTENTION_NAME)
    else:
        usual = name = model.config._attn_implementation
        mask = partial(_whole_mask, row, name)
    ALL_MASK_ATTENTION_FUNCTIONS[name] = mask
    try:
        with _alibi_by_depth(model, row.depths), _scale_by_depth(model, row.own_depths), sdpa_kernel(KERNELS):
            yield
    finally:
        del ALL_MASK_ATTENTION_FUNCTIONS[name]
        if name != usual:
            model.set_attn_implementation(usual)


def _cut_mask(row: Row, *, mask_function: Rule, dtype: torch.dtype, device: torch.device, **_: object) -> list[Chunks]:
    """The mask of a kind of layers, as chunks that `attend` takes."""
    made = []
    for cut in row.cut(device.type):
        depths = np.zeros(cut.numbers.size, dtype=np.int64)
        depths[: cut.end - cut.start] = row.own_depths[cut.start : cut.end]
        allowed = _ask(mask_function, depths.reshape(cut.numbers.shape), row.depths[cut.columns], device)
        numbers = send(cut.numbers[:, :, None], device)
        first, until = (send(part[:, None], device) for part in (cut.first, cut.until))
        bias = _bias((first <= numbers) & (numbers < until) & allowed, dtype)
        made.append(Chunks(cut.start, cut.end, send(cut.columns, device), bias[:, None]))
    return made


def _whole_mask(
    row: Row, name: str, *, mask_function: Rule, dtype: torch.dtype, device: torch.device, **_: object
) -> torch.Tensor:
    """The mask of a kind of layers, for models with their own attention: 1 x 1 x n x (p + n)."""
    seen = send(row.seen, device) & _ask(mask_function, row.own_depths, row.depths, device)
    return seen[None, None] if name == "sdpa" else _bias(seen, dtype)[None, None]


def _ask(rule: Rule, depths: np.ndarray, places: np.ndarray, device: torch.device) -> torch.Tensor:
    """A model's rule about every pair of a token's and a place's depth (... x tokens, ... x places)."""
    zero = torch.zeros(1, 1, dtype=torch.long, device=device)
    return rule(zero, zero, send(depths[..., None], device), send(places[..., None, :], device))


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
        return alibi[:, :, send(places, mask.device)]

    model.base_model.build_alibi_tensor = build  # type: ignore[assignment]  # a method of this one model
    try:
        yield
    finally:
        del model.base_model.build_alibi_tensor


@contextmanager
def _scale_by_depth(model: PreTrainedModel, depths: np.ndarray) -> Iterator[None]:
    """Scale Llama 4's queries in layers without RoPE by depth in the tree. Llama 4 would use places along the row."""
    parts = model.modules() if isinstance(model, Llama4PreTrainedModel) else ()
    layers = [part for part in parts if isinstance(part, Llama4TextAttention) and not part.use_rope]
    tuned = [layer for layer in layers if layer.attn_temperature_tuning]

    def scale(layer: Llama4TextAttention, _: torch.nn.Module, __: object, query: torch.Tensor) -> torch.Tensor:
        places = send(depths[:, None], query.device).float() + 1
        scales = torch.log1p(torch.floor(places / layer.floor_scale)) * layer.attn_scale + 1
        return (query * scales).to(query.dtype)

    hooks = [layer.q_proj.register_forward_hook(partial(scale, layer)) for layer in tuned]
    for layer in tuned:
        layer.attn_temperature_tuning = False
    try:
        yield
    finally:
        for layer, hook in zip(tuned, hooks, strict=True):
            layer.attn_temperature_tuning = True
            hook.remove()


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: list[Chunks],
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
        attention_mask: the chunks of the row.
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
    for chunks in attention_mask:
        columns, bias = chunks.columns.to(query.device), chunks.bias.to(query.device)
        queries = _split(query[0, :, chunks.start : chunks.end], bias.shape[0], bias.shape[2])
        keys, values = (_gather(part[0], columns) for part in (key, value))
        if not shared:
            keys, values = (part.repeat_interleave(groups, dim=1) for part in (keys, values))
        if softcap is None:
            fused = scaled_dot_product_attention(
                queries, keys, values, attn_mask=bias, scale=scaling, enable_gqa=shared
            )
        else:
            fused = _attend_capped(queries, keys, values, bias, scaling, softcap)
        outputs.append(fused.transpose(1, 2).flatten(0, 1)[: chunks.end - chunks.start])
    # Contiguous, as transformers' own functions return it: some families (AFMoE, JetMoE) take a view of it.
    return torch.cat(outputs)[None], None


def _split(query: torch.Tensor, chunks: int, size: int) -> torch.Tensor:
    """Queries (heads x n x d) by chunk (chunks x heads x size x d); those beyond the last token are 0."""
    missing = chunks * size - query.shape[1]
    padded = pad(query, (0, 0, 0, missing)) if missing else query
    return torch.unflatten(padded, 1, (chunks, size)).transpose(0, 1)


def _gather(part: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Keys or values (heads x p + n x d) at the places of each chunk (chunks x k): chunks x heads x k x d."""
    # `index_select` copies whole vectors, and takes two thirds of the time of an index on a CPU.
    return torch.unflatten(part.index_select(1, columns.flatten()), 1, columns.shape).transpose(0, 1)


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


AttentionInterface.register(ATTENTION_NAME, attend)
AttentionMaskInterface.register(ATTENTION_NAME, _cut_mask)  # `in_tree` replaces it by the mask of its row
