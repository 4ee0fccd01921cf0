"""Attention over a row of a prefix tree, for every model of transformers that takes an attention function.

Of the places before a token in a row, most belong to other prompts. So the row is cut into chunks, and the tokens of a
chunk are compared with those places only that one of them sees.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "selfalign_tree"


class Chunk:
    """Some neighbouring tokens of a row, and what they see.

    Args:
        start: first token of the chunk in its row.
        seen: what each of its tokens sees (tokens x places), of the past and the row.
        depths: of its tokens.
        places: depths of all places.
    """

    def __init__(self, start: int, seen: np.ndarray, depths: np.ndarray, places: np.ndarray) -> None:
        self.start, self.end = start, start + len(seen)
        columns = seen.any(axis=0).nonzero()[0]
        self._columns = torch.from_numpy(columns)
        self._seen = torch.from_numpy(seen[:, columns])
        self._distances = torch.from_numpy(depths[:, None] - places[columns][None])
        self._made: dict[tuple[object, ...], torch.Tensor] = {}

    def columns(self, device: torch.device) -> torch.Tensor:
        """Places that its tokens see, in a row with its past."""
        return self._keep(("columns", device), lambda: self._columns.to(device))

    def bias(self, window: int | None, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What is added to the scores: 0 where a token sees a place, else the least number.

        A sliding window is counted along the token's own prompt, not along the row.
        """
        return self._keep((window, dtype, device), lambda: self._make_bias(window, dtype).to(device))

    def _make_bias(self, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        seen = self._seen if window is None else self._seen & (self._distances < window)
        return torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)

    def _keep(self, key: tuple[object, ...], make) -> torch.Tensor:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def cut_chunks(seen: np.ndarray, depths: np.ndarray, past: int, size: int) -> list[Chunk]:
    """Cut a row into chunks.

    Args:
        seen: what each token of the row sees (n x (p + n)).
        depths: of the row's tokens (n).
        past: number of places before the row (p), at the depths 0 to p - 1.
        size: tokens per chunk.
    """
    places = np.concatenate([np.arange(past), depths])
    return [
        Chunk(start, seen[start : start + size], depths[start : start + size], places)
        for start in range(0, len(seen), size)
    ]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    tree: Sequence[Chunk] = (),
    sliding_window: int | None = None,
    softcap: float | None = None,
    position_bias: torch.Tensor | None = None,
    s_aux: torch.Tensor | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention function in the form of transformers' `AttentionInterface`.

    Args:
        query: (1, heads, n, size).
        key: (1, heads or fewer, p + n, size), the past before the row; so is value.
        tree: chunks of the row; whoever calls the model passes them on.
        sliding_window: tokens that a layer looks back, its own among them.
        softcap: bound of the scores, as in Gemma 2.

    Returns:
        (1, n, heads, size), and None in the place of attention weights.

    Raises:
        NotImplementedError: the model asks for what this function does not know.
    """
    if not tree or position_bias is not None or s_aux is not None:
        raise NotImplementedError(f"{type(module).__name__} attends in a way that the packed engine does not know")
    groups = query.shape[1] // key.shape[1]
    outputs = []
    for chunk in tree:
        columns = chunk.columns(query.device)
        keys, values = (part[:, :, columns].repeat_interleave(groups, dim=1) for part in (key, value))
        bias = chunk.bias(sliding_window, query.dtype, query.device)
        queries = query[:, :, chunk.start : chunk.end]
        if softcap is None:
            outputs.append(scaled_dot_product_attention(queries, keys, values, attn_mask=bias, scale=scaling))
        else:
            outputs.append(_attend_capped(queries, keys, values, bias, scaling, softcap))
    return torch.cat(outputs, dim=2).transpose(1, 2), None


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
