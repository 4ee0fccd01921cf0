"""Log-probabilities of the labels after each prompt, with every shared token prefix computed once per row.

Prompts that are sorted by their tokens form a prefix tree. A row holds the distinct tokens of some neighbouring
prompts; an attention mask lets each token see its ancestors only, and its position is its depth. One forward pass
of a row answers all of its prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from selfalign.inference.render import Rendered

VERSION = "1"
"""Part of the fingerprint of an answer: raise it when a change here changes log-probabilities."""

ENGINES = ("packed", "naive")
"""`packed`: rows of prefix trees; `naive`: one forward pass per prompt and label, the reference."""


@dataclass(frozen=True)
class Row:
    """Distinct tokens of some prompts: n tokens, their depth, the ancestors each may see, where each prompt ends."""

    tokens: list[int]
    positions: list[int]
    visible: torch.Tensor
    ends: list[int]


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of leading tokens that two prompts share."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def plan_rows(prompts: Sequence[Rendered], budget: int) -> list[list[Rendered]]:
    """Cut prompts, sorted by their tokens, into rows of at most `budget` distinct tokens.

    The plan depends on the set of prompts only, not on their order: a job that was killed and starts again gets
    the same rows. A prompt longer than the budget has a row of its own.
    """
    rows: list[list[Rendered]] = []
    filled = 0
    for prompt in sorted(prompts, key=lambda prompt: (prompt.tokens, prompt.prompt)):
        new = len(prompt.tokens)
        if rows:
            new -= shared_length(rows[-1][-1].tokens, prompt.tokens)
        if not rows or filled + new > budget:
            rows.append([])
            filled, new = 0, len(prompt.tokens)
        rows[-1].append(prompt)
        filled += new
    return rows


def pack(prompts: Sequence[Sequence[int]]) -> Row:
    """Prefix tree of prompts, laid out as one row; the prompts are in sorted order.

    Returns:
        n distinct tokens; `visible` is n x n, true where a token may see another (its ancestors and itself).
    """
    tokens: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    paths: list[list[int]] = []
    path: list[int] = []
    previous: Sequence[int] = ()
    for prompt in prompts:
        shared = shared_length(previous, prompt)
        path = path[:shared] + list(range(len(tokens), len(tokens) + len(prompt) - shared))
        tokens += prompt[shared:]
        positions += range(shared, len(prompt))
        paths += [path[: depth + 1] for depth in range(shared, len(prompt))]
        ends.append(path[-1])
        previous = prompt
    visible = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for token, ancestors in enumerate(paths):
        visible[token, ancestors] = True
    return Row(tokens, positions, visible, ends)


@torch.inference_mode()
def score_packed(model: PreTrainedModel, prompts: Sequence[Rendered]) -> list[tuple[float, float]]:
    """Log-probabilities (nats) of the two labels of each prompt of a row; the labels are single tokens.

    Only the last token of each prompt reaches the vocabulary projection.
    """
    row = pack([prompt.tokens for prompt in prompts])
    hidden = torch.finfo(model.dtype).min
    mask = torch.zeros(row.visible.shape, dtype=model.dtype).masked_fill(~row.visible, hidden)
    logits = model(
        input_ids=torch.tensor([row.tokens], device=model.device),
        position_ids=torch.tensor([row.positions], device=model.device),
        attention_mask=mask[None, None].to(model.device),
        use_cache=False,
        logits_to_keep=torch.tensor(row.ends, device=model.device),
    ).logits[0]
    log_p = logits.float().log_softmax(-1).cpu()
    return [(float(line[p.labels[0][0]]), float(line[p.labels[1][0]])) for line, p in zip(log_p, prompts, strict=True)]


@torch.inference_mode()
def score_naive(model: PreTrainedModel, prompts: Sequence[Rendered]) -> list[tuple[float, float]]:
    """Log-probabilities (nats) of the two labels of each prompt, by one forward pass per prompt and label."""
    return [tuple(_score_label(model, prompt.tokens, label) for label in prompt.labels) for prompt in prompts]


def _score_label(model: PreTrainedModel, tokens: tuple[int, ...], label: tuple[int, ...]) -> float:
    ids = torch.tensor([tokens + label], device=model.device)
    log_p = model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1).cpu()
    return sum(float(log_p[len(tokens) - 1 + place, token]) for place, token in enumerate(label))
