"""Greedy replies to prompts: each next token is the likeliest one, until a token ends the reply.

The packed engine computes the prompts as a prefix tree, row by row, as `selfalign.inference.local.engine` does. It
answers the prompts that end in a row together: each forward pass adds one token to every reply that is not complete. A
new token is a new leaf of the tree. It sees its own prompt and its own reply, and no keys or values are copied.
"""

import inspect
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel

from selfalign.errors import InputError
from selfalign.inference.local.attention import Row, in_tree
from selfalign.inference.local.devices import is_out_of_memory
from selfalign.inference.local.engine import check_kind, halve, keep_path, row_of
from selfalign.inference.local.render import Rendered
from selfalign.inference.local.transfer import send
from selfalign.inference.local.tree import cut_rows, grow, rows_needed


class Reply(NamedTuple):
    """A greedy reply to a prompt.

    Attributes:
        prompt: the prompt.
        tokens: token ids of the reply, without the token that ends it.
        ended: whether the model ended it; False if it was cut off.
    """

    prompt: Rendered
    tokens: tuple[int, ...]
    ended: bool


@dataclass(frozen=True)
class ReplyBatch:
    """Replies that one step of an engine completed, and how many tokens the model computed for them."""

    replies: list[Reply]
    tokens: int


def reply(
    model: PreTrainedModel,
    prompts: Sequence[Rendered],
    stops: Collection[int],
    new_tokens: int,
    batch_tokens: int,
    engine: str = "packed",
    done: Collection[str] = (),
) -> Iterator[ReplyBatch]:
    """Greedy replies to prompts, in batches, as they are computed.

    Only the logits decide: penalties and temperatures in the model's generation settings are not used. If two tokens
    have equal logits, the one with the lower id is chosen.

    Args:
        model: causal language model, ready for inference.
        prompts: all prompts of a job. The rows are planned over all of them, so that a resumed job computes the same
            numbers.
        stops: ids of the tokens that end a reply.
        new_tokens: the largest number of tokens of a reply. One more is computed, to see whether the reply ends.
        batch_tokens: distinct tokens of prompts per forward pass. It is halved when memory runs out.
        engine: one of `selfalign.inference.choices.ENGINES`.
        done: keys of the prompts that need no reply.

    Raises:
        InputError: there is not enough memory for one token, the model's logits are not finite, or the model keeps a
            state along the text.
    """
    missing = [prompt for prompt in prompts if prompt.key not in done]
    if not missing:
        return iter(())
    if engine == "packed":
        return _Packed(model, prompts, sorted(stops), new_tokens).reply(missing, batch_tokens)
    return (_reply_naive(model, prompt, frozenset(stops), new_tokens) for prompt in missing)


class _Packed:
    """The prefix tree of some prompts, and a model that answers them."""

    def __init__(self, model: PreTrainedModel, prompts: Sequence[Rendered], stops: list[int], new_tokens: int) -> None:
        self.model, self.stops, self.new_tokens = model, stops, new_tokens
        self.tree = grow(prompt.tokens for prompt in prompts)
        check_kind(model, int(self.tree.depths.max()) + 1 + new_tokens)
        self.kept: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.past: list[int] = []
        self.arguments = set(inspect.signature(model.forward).parameters)

    def reply(self, prompts: Sequence[Rendered], batch_tokens: int) -> Iterator[ReplyBatch]:
        """Replies to some of the prompts, row by row."""
        missing: dict[int, list[Rendered]] = defaultdict(list)  # prompts of the same tokens differ in their options
        for prompt in prompts:
            missing[self.tree.ends[prompt.tokens]].append(prompt)
        rows = rows_needed(self.tree, cut_rows(self.tree, batch_tokens), missing)[::-1]
        while rows:
            start, end = rows.pop()
            wanted = [node for node in range(start, end) if node in missing]
            # A resumed job computes all replies of a row again: with fewer the matrix products round differently.
            ends = sorted(node for node in self.tree.ends.values() if start <= node < end) if wanted else []
            try:
                found, tokens = self._compute(start, end, ends, rows[-1][0] if rows else None)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                rows = halve([*rows, (start, end)], self.model, error)
                continue
            yield ReplyBatch([Reply(prompt, *found[node]) for node in wanted for prompt in missing[node]], tokens)

    @torch.inference_mode()
    def _compute(
        self, start: int, end: int, ends: list[int], following: int | None
    ) -> tuple[dict[int, tuple[tuple[int, ...], bool]], int]:
        """Compute a row and the replies to prompts that end at some of its nodes. Keep the keys for the next row."""
        tree = self.tree
        cache = DynamicCache(self.kept or None)
        row = row_of(tree, self.past, start, end)
        heads = [node - start for node in ends]
        logits = self._forward(tree.tokens[start:end], row, cache, heads)
        found, tokens = self._continue(ends, heads, row, cache, logits) if ends else ({}, 0)
        if following is not None:
            path = tree.path(tree.parents[following])
            self.kept, self.past = keep_path(cache, self.past, start, path), path
        return found, end - start + tokens

    def _continue(
        self, ends: list[int], heads: list[int], row: Row, cache: DynamicCache, logits: torch.Tensor
    ) -> tuple[dict[int, tuple[tuple[int, ...], bool]], int]:
        """Replies after a row, by the last node of their prompt, and how many tokens were computed for them."""
        said: dict[int, list[int]] = {node: [] for node in ends}
        ended, computed = set(), 0
        alive, depths, leaves = np.array(ends), row.own_depths[heads], row
        for step in range(self.new_tokens + 1):
            tokens = _choose(logits, self.model)
            stopped = np.isin(tokens, self.stops)
            ended |= set(alive[stopped].tolist())
            going = np.flatnonzero(~stopped)
            if step == self.new_tokens or not len(going):
                break
            alive, depths, tokens = alive[going], depths[going] + 1, tokens[going]
            for node, token in zip(alive.tolist(), tokens.tolist(), strict=True):
                said[node].append(token)
            leaves = _grow_leaves(leaves, alive, depths)
            logits = self._forward(tokens, leaves, cache, list(range(len(going))))
            computed += len(going)
        return {node: (tuple(ids), node in ended) for node, ids in said.items()}, computed

    def _forward(self, tokens: np.ndarray, row: Row, cache: DynamicCache, places: list[int]) -> torch.Tensor:
        """Logits at some places of a row (places x vocabulary); the row's keys and values are added to the cache."""
        device = self.model.device
        given = {
            "input_ids": send(tokens[None], device),
            "position_ids": send(row.own_depths[None], device),
            "attention_mask": torch.ones(1, len(row.first), dtype=torch.long, device=device),
            "past_key_values": cache,
            "use_cache": True,
            "logits_to_keep": places,
        }
        with in_tree(self.model, row):
            logits: torch.Tensor = self.model(**{name: given[name] for name in given if name in self.arguments}).logits
        return logits[0]


def _grow_leaves(before: Row, ends: np.ndarray, depths: np.ndarray) -> Row:
    """The next token of each reply. Its number is the last node of its prompt, which only its own reply shares.

    Args:
        before: the forward pass before.
        ends: last node of each prompt, ascending.
        depths: of the tokens.
    """
    ranges = np.concatenate([before.first, ends]), np.concatenate([before.until, ends + 1])
    return Row(ends, *ranges, np.concatenate([before.depths, depths]))


def _choose(logits: torch.Tensor, model: PreTrainedModel) -> np.ndarray:
    """The likeliest token in each row of logits (rows x vocabulary). Of equal ones, the first.

    Raises:
        InputError: the largest logit of a row is not finite.
    """
    values, tokens = logits.float().max(dim=-1)
    if not values.isfinite().all():
        raise InputError(
            model.name_or_path,
            "the model's logits are not finite, so no reply is recorded",
            "Try another dtype or engine for this model",
        )
    return tokens.cpu().numpy()


@torch.inference_mode()
def _reply_naive(model: PreTrainedModel, prompt: Rendered, stops: frozenset[int], new_tokens: int) -> ReplyBatch:
    """The reply to one prompt, by one forward pass over all tokens for each new one: the reference."""
    tokens, computed, ended = list(prompt.tokens), 0, False
    for step in range(new_tokens + 1):
        ids = torch.tensor([tokens], device=model.device)
        (token,) = _choose(model(input_ids=ids, use_cache=False).logits[:, -1], model).tolist()
        computed += len(tokens)
        if ended := token in stops:
            break
        if step < new_tokens:
            tokens.append(token)
    return ReplyBatch([Reply(prompt, tuple(tokens[len(prompt.tokens) :]), ended)], computed)


@torch.inference_mode()
def follow(model: PreTrainedModel, reply: Reply, stops: Collection[int]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How likely a reply's tokens are by one forward pass over the prompt and the reply, and the likeliest ones there.

    Args:
        model: causal language model.
        reply: a greedy reply.
        stops: ids of the tokens that end a reply.

    Returns:
        Log-probabilities (nats) of the reply's tokens, and of the likeliest token in each of their places. The last
        place is that of the end: the likeliest token that ends the reply if it ended, otherwise the likeliest other.
    """
    ids = torch.tensor([reply.prompt.tokens + reply.tokens], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(reply.prompt.tokens) - 1 :].cpu()
    log_p = logits.double().log_softmax(-1)
    ends = torch.zeros(log_p.shape[-1], dtype=torch.bool)
    ends[[token for token in stops if token < len(ends)]] = True
    said = [float(log_p[place, token]) for place, token in enumerate(reply.tokens)]
    last = log_p[-1][ends if reply.ended else ~ends].max()
    return (*said, float(last)), tuple(log_p.max(dim=-1).values.tolist())
