"""Flex attention over a row of a prefix tree, in the place of the engine's chunks: for the GPU benchmark alone.

A chunk gathers the keys that its tokens see. Flex attention gathers nothing: it skips blocks of 128 x 128 pairs that
the tree rules out, in one kernel that PyTorch compiles.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from selfalign.inference.local import attention
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface

_COMPILED = torch.compile(flex_attention, dynamic=True)


def _mask(row: attention.Row, *, mask_function: attention.Rule, device: torch.device, **_: object) -> BlockMask:
    """The mask of a kind of layers over a whole row."""
    allowed = attention._ask(mask_function, row.own_depths, row.depths, device)
    seen = torch.from_numpy(row.seen).to(device) & allowed
    tokens, places = seen.shape

    def sees(batch: torch.Tensor, head: torch.Tensor, token: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        return seen[token, place]

    return create_block_mask(sees, None, None, tokens, places, device=device)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: BlockMask,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    compute = _COMPILED if query.device.type == "cuda" else flex_attention
    shared = key.shape[1] != query.shape[1]
    output = compute(query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=shared)
    return output.transpose(1, 2), None


@contextmanager
def flex() -> Iterator[None]:
    """While it lasts, the packed engine computes attention by flex attention."""
    usual = attention._cut_mask
    attention._cut_mask = _mask
    AttentionInterface.register(attention.ATTENTION_NAME, _attend)
    try:
        yield
    finally:
        attention._cut_mask = usual
        AttentionInterface.register(attention.ATTENTION_NAME, attention.attend)
