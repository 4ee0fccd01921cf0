"""Log-probabilities of the two answers to each prompt, with every shared token prefix computed once per row.

Prompts with their answers, sorted by their tokens, form a prefix tree. A row holds the distinct tokens of some
neighbouring prompts; an attention mask lets each token see its ancestors only, and its position is its depth. One
forward pass of a row answers all of its prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from transformers import PreTrainedModel

from selfalign.inference.render import Rendered

VERSION = "1"
"""Part of the fingerprint of an answer: raise it when a change here or in `render` changes answers."""

ENGINES = ("packed", "naive")
"""`packed`: rows of prefix trees; `naive`: one forward pass per prompt and answer, the reference."""


@dataclass(frozen=True)
class Row:
    """Distinct tokens of some sequences: n tokens, the depth of each, the ancestors that each may see (n x n), and for
    each sequence the places of its tokens in the row."""

    tokens: list[int]
    positions: list[int]
    visible: torch.Tensor
    paths: list[list[int]]


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of leading tokens that two prompts share."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def plan_rows(prompts: Sequence[Rendered], budget: int) -> list[list[Rendered]]:
    """Cut prompts, sorted by their tokens, into rows of at most `budget` distinct tokens, fewest tokens in all.

    A row begins anew at the root of the tree, so a cut costs the prefix that it cuts through: where to cut is found by
    dynamic programming. The plan depends on the set of prompts only, not on their order: a job that was killed and
    starts again gets the same rows. A prompt longer than the budget has a row of its own.
    """
    ordered = sorted(prompts, key=lambda prompt: (prompt.tokens, prompt.prompt))
    alone = [len(prompt.tokens) + sum(len(answer) - 1 for answer in prompt.answers) for prompt in ordered]
    shared = [0] + [shared_length(one.tokens, other.tokens) for one, other in pairwise(ordered)]
    cheapest, cut = [0], [0]
    for end in range(1, len(ordered) + 1):
        cheapest.append(cheapest[end - 1] + alone[end - 1])
        cut.append(end - 1)
        size = alone[end - 1]
        for start in range(end - 2, -1, -1):
            size += alone[start] - shared[start + 1]
            if size > budget:
                break
            if cheapest[start] + size < cheapest[end]:
                cheapest[end], cut[end] = cheapest[start] + size, start
    rows, end = [], len(ordered)
    while end:
        rows.append(ordered[cut[end] : end])
        end = cut[end]
    return rows[::-1]


def pack(sequences: Sequence[Sequence[int]]) -> Row:
    """Prefix tree of sequences of tokens, which are in sorted order, laid out as one row."""
    tokens: list[int] = []
    positions: list[int] = []
    ancestors: list[list[int]] = []
    paths: list[list[int]] = []
    previous: Sequence[int] = ()
    for sequence in sequences:
        shared = shared_length(previous, sequence)
        new = range(len(tokens), len(tokens) + len(sequence) - shared)
        path = [*(paths[-1][:shared] if paths else ()), *new]
        tokens += sequence[shared:]
        positions += range(shared, len(sequence))
        ancestors += [path[: depth + 1] for depth in range(shared, len(sequence))]
        paths.append(path)
        previous = sequence
    visible = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for token, seen in enumerate(ancestors):
        visible[token, seen] = True
    return Row(tokens, positions, visible, paths)


@torch.inference_mode()
def score_packed(model: PreTrainedModel, prompts: Sequence[Rendered]) -> list[tuple[float, float]]:
    """Log-probabilities (nats) of the two answers to each prompt of a row, by one forward pass.

    Only the places that predict a token of an answer reach the vocabulary projection.
    """
    asked = sorted((prompt.tokens + answer[:-1], answer) for prompt in prompts for answer in prompt.answers)
    row = pack([sequence for sequence, _ in asked])
    # The last len(answer) tokens of a path predict the tokens of its answer, each the next one.
    reads = {
        case: list(zip(path[-len(case[1]) :], case[1], strict=True))
        for case, path in zip(asked, row.paths, strict=True)
    }
    places = sorted({place for read in reads.values() for place, _ in read})
    mask = torch.zeros(row.visible.shape, dtype=model.dtype).masked_fill(~row.visible, torch.finfo(model.dtype).min)
    logits = model(
        input_ids=torch.tensor([row.tokens], device=model.device),
        position_ids=torch.tensor([row.positions], device=model.device),
        attention_mask=mask[None, None].to(model.device),
        use_cache=False,
        logits_to_keep=torch.tensor(places, device=model.device),
    ).logits[0]
    log_p = dict(zip(places, logits.float().log_softmax(-1).cpu(), strict=True))
    scores = {case: sum(float(log_p[place][token]) for place, token in read) for case, read in reads.items()}
    return [tuple(scores[prompt.tokens + answer[:-1], answer] for answer in prompt.answers) for prompt in prompts]


@torch.inference_mode()
def score_naive(model: PreTrainedModel, prompts: Sequence[Rendered]) -> list[tuple[float, float]]:
    """Log-probabilities (nats) of the two answers to each prompt, by one forward pass per prompt and answer."""
    return [tuple(_score_answer(model, prompt.tokens, answer) for answer in prompt.answers) for prompt in prompts]


def _score_answer(model: PreTrainedModel, tokens: tuple[int, ...], answer: tuple[int, ...]) -> float:
    ids = torch.tensor([tokens + answer], device=model.device)
    log_p = model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1).cpu()
    return sum(float(log_p[len(tokens) - 1 + place, token]) for place, token in enumerate(answer))
