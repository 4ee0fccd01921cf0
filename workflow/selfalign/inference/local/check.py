"""Comparisons of the packed engine with the naive one on prompts of the job, before it starts and while it runs.

In float32 the two may differ only by rounding. In formats with fewer digits, rounding could hide a fault. For them the
first layers are compared in float32, and the whole model has a bound that only a large fault exceeds.
"""

import gc
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import click
import numpy as np
import torch
from transformers import PreTrainedModel

from selfalign.errors import InputError
from selfalign.inference.local.devices import is_out_of_memory, load_model, read_model_config
from selfalign.inference.local.engine import Batch, score
from selfalign.inference.local.generate import ReplyBatch, follow
from selfalign.inference.local.render import Rendered

_CHECKED = 2
_EXACT = 1e-3
"""Nats: no answer may differ by more in float32."""
_ROUNDED = {torch.bfloat16: 0.5, torch.float16: 0.1}
"""Nats: the median answer may not differ by more in formats of fewer digits."""
_MANY, _FEW = 64, 8
"""If a prompt has more answers and openings than the first number, as many as the second are compared, about as many as
a prompt with two options has. The naive engine computes the whole prompt for each of them, and a prompt that asks for a
share has about 300."""
_LAYERS = 4
_SHARE = 0.01
"""Largest share of a job's time for the comparisons during the job, after the first one."""
_RECENT = 4
"""Prompts of the job over which the median is taken, in formats of fewer digits."""
_REMEDY = "Set engine: naive for this model"

PromptScores = dict[str, tuple[float, ...]]
"""By key of a prompt: log-probabilities of its answers, in nats."""
_Batch = TypeVar("_Batch", Batch, ReplyBatch)


class Gap(NamedTuple):
    """The largest difference between the engines, and where it is.

    Attributes:
        delta: the difference, in nats.
        prompt: id of the prompt.
        packed: log-probability by the packed engine, in nats.
        naive: log-probability by the naive engine, in nats.
    """

    delta: float
    prompt: str
    packed: float
    naive: float

    def __str__(self) -> str:
        return (
            f"the packed engine is {self.delta:.3g} nats from the naive one on prompt {self.prompt}: it gives "
            f"{self.packed:.6f}, the naive engine gives {self.naive:.6f}"
        )


def check_engine(model: PreTrainedModel, prompts: Sequence[Rendered], row_tokens: int) -> float:
    """Compare the packed engine with the naive one on a few prompts of this job, including the longest.

    A failed comparison is repeated once, because a rare fault of the CPU's library does not occur twice.

    Returns:
        The largest difference, in nats.

    Raises:
        InputError: they differ by more than rounding, twice; or the packed engine does not know this kind of model.
    """
    ordered = sorted(prompts, key=lambda prompt: (len(prompt.tokens), prompt.key))
    chosen = {prompt.key: prompt for prompt in [*ordered[-_CHECKED:], *ordered[:: max(1, len(ordered) // _CHECKED)]]}
    some = [_thin(prompt)[0] for prompt in chosen.values()]
    for last in (False, True):
        packed = _score_packed(model, some, row_tokens)
        gap, sound = _compare(model, some, packed, _score_all(model, some, "naive", row_tokens))
        if sound:
            return gap.delta
        _fail(model, gap, last)
    raise AssertionError("the second failure raises")


def check_during(
    model: PreTrainedModel, batches: Iterator[Batch], share: float = _SHARE
) -> Iterator[tuple[Batch, float | None]]:
    """Compare some answers of a job with the naive engine, each before its batch is recorded.

    One prompt of the first batch is compared. Later one prompt of a batch is compared whenever the comparisons have
    taken less than a share of the job's time. The prompt is the one with the lowest key, which is a hash.

    Args:
        model: that gives the answers.
        batches: from the packed engine.
        share: of the job's time.

    Yields:
        Each batch, and the difference found in it, in nats; None where nothing was compared.

    Raises:
        InputError: the engines differ by more than rounding, also after the naive engine has answered again.
    """
    recent: deque[list[float]] = deque(maxlen=_RECENT)

    def check(batch: Batch) -> float | None:
        if not batch.answers:
            return None
        prompt, scores = min(batch.answers, key=lambda answer: answer[0].key)
        few, places = _thin(prompt)
        naive, packed = partial(_score_all, model, [few], "naive", 1), tuple(scores[place] for place in places)
        return _check_one(model, few, lambda: ({few.key: packed}, naive()), recent)

    return _check_some(batches, check, share)


def check_replies(
    model: PreTrainedModel, batches: Iterator[ReplyBatch], stops: Collection[int], share: float = _SHARE
) -> Iterator[tuple[ReplyBatch, float | None]]:
    """Compare some greedy replies of a job with the naive engine, each before its batch is recorded.

    They are chosen as `check_during` chooses prompts. The naive engine computes the probability of each token of the
    reply. The difference is how much likelier the naive engine's own choice is: 0 if both choose the same token.

    Args:
        model: that gives the replies.
        batches: from the packed engine.
        stops: ids of the tokens that end a reply.
        share: of the job's time.

    Yields, raises: as `check_during`.
    """
    recent: deque[list[float]] = deque(maxlen=_RECENT)

    def check(batch: ReplyBatch) -> float | None:
        if not batch.replies:
            return None
        reply = min(batch.replies, key=lambda reply: reply.prompt.key)

        def both() -> tuple[PromptScores, PromptScores]:
            said, likeliest = follow(model, reply, stops)
            return {reply.prompt.key: said}, {reply.prompt.key: likeliest}

        return _check_one(model, reply.prompt, both, recent)

    return _check_some(batches, check, share)


def _thin(prompt: Rendered) -> tuple[Rendered, Sequence[int]]:
    """A prompt with the answers that are compared, and their places among its `sequences`.

    All are compared unless there are more than `_MANY`. Then they are `_FEW` at equal distances, the first and the last
    among them.
    """
    number = len(prompt.sequences)
    if number <= _MANY:
        return prompt, range(number)
    places = np.linspace(0, number - 1, _FEW).round().astype(int).tolist()
    return Rendered(prompt.prompt, prompt.text, prompt.tokens, tuple(prompt.sequences[one] for one in places)), places


def _check_some(
    batches: Iterator[_Batch], check: Callable[[_Batch], float | None], share: float
) -> Iterator[tuple[_Batch, float | None]]:
    """Check the first batch, and later ones whenever the checks have taken less than a share of the time."""
    began, spent = time.monotonic(), 0.0
    for batch in batches:
        delta, now = None, time.monotonic()
        if spent <= share * (now - began):
            delta = check(batch)
            spent += time.monotonic() - now
        yield batch, delta


def _check_one(
    model: PreTrainedModel,
    prompt: Rendered,
    both: Callable[[], tuple[PromptScores, PromptScores]],
    recent: deque[list[float]],
) -> float | None:
    """Compare what both engines give to a prompt, twice if the first comparison fails; None if memory runs out."""
    for last in (False, True):
        try:
            packed, naive = both()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            click.echo(f"prompt {prompt.prompt} is not compared with the naive engine: no memory is left", err=True)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return None
        gap, sound = _compare(model, [prompt], packed, naive, recent)
        if sound:
            return gap.delta
        _fail(model, gap, last)
    return None


def _compare(
    model: PreTrainedModel,
    prompts: list[Rendered],
    packed: PromptScores,
    naive: PromptScores,
    recent: deque[list[float]] | None = None,
) -> tuple[Gap, bool]:
    """The largest difference, and whether the differences are rounding.

    Args:
        recent: differences of the prompts before. One prompt has too few answers for a median.
    """
    gaps = [
        Gap(abs(one - other), prompt.prompt, one, other)
        for prompt in prompts
        for one, other in zip(packed[prompt.key], naive[prompt.key], strict=True)
    ]
    gap = max(gaps, key=lambda gap: (np.isnan(gap.delta), gap.delta))
    if model.dtype == torch.float32:
        return gap, gap.delta <= _EXACT
    if recent is None:
        return gap, bool(np.median([gap.delta for gap in gaps]) <= _ROUNDED[model.dtype])
    recent.append([gap.delta for gap in gaps])
    sound = len(recent) < _RECENT or bool(np.median(np.concatenate(recent)) <= _ROUNDED[model.dtype])
    if not sound:
        recent.pop()  # the repeat adds it again
    return gap, sound


def _fail(model: PreTrainedModel, gap: Gap, last: bool) -> None:
    """Report a failed comparison; the last one stops the job."""
    if last:
        raise InputError(model.name_or_path, f"{gap}; a second comparison failed as the first one did", _REMEDY)
    click.echo(f"{gap}. The comparison is made once more", err=True)


def _score_packed(model: PreTrainedModel, prompts: list[Rendered], row_tokens: int) -> PromptScores:
    """Scores by the packed engine.

    Raises:
        InputError: the packed engine raises an error on prompts that the naive engine answers: it does not know this
            kind of model.
    """
    try:
        return _score_all(model, prompts, "packed", row_tokens)
    except InputError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        _score_all(model, prompts, "naive", row_tokens)  # if this fails too, the engine is not the reason
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(".")
        problem = f"the packed engine does not know this kind of model ({reason})"
        raise InputError(model.name_or_path, problem, _REMEDY) from error


def check_first_layers(
    weights: Path, place: torch.device, attention: str, prompts: Sequence[Rendered], row_tokens: int
) -> tuple[int, float]:
    """Compare the two engines in float32 on the first layers of a model: at least four, and one of every kind.

    Args:
        weights: folder of the model.
        place: device to compute on.
        attention: one of `choices.ATTENTIONS`.
        prompts: those of the job.
        row_tokens: distinct tokens per forward pass.

    Returns:
        The number of layers, and the largest difference, in nats.

    Raises:
        InputError: as `check_engine` and `load_model` do.
    """
    config = read_model_config(weights).get_text_config()
    kinds = getattr(config, "layer_types", None) or []
    layers = min(config.num_hidden_layers, max([_LAYERS, *(kinds.index(kind) + 1 for kind in kinds)]))
    model = load_model(weights, "float32", [place], attention, layers)
    delta = check_engine(model, prompts, row_tokens)
    del model
    gc.collect()
    torch.cuda.empty_cache()  # what this process keeps for later would not count as free for the whole model
    return layers, delta


def _score_all(model: PreTrainedModel, prompts: list[Rendered], engine: str, row_tokens: int) -> PromptScores:
    batches = score(model, prompts, engine, row_tokens)
    return {prompt.key: scores for batch in batches for prompt, scores in batch.answers}
