"""Log-probabilities of answers to prompts, with every distinct prefix of their tokens computed once.

Prompts with their answers form a prefix tree. The engine computes its nodes in preorder, one row of nodes at a time. A
token attends only to its ancestors, and its position is its depth. Before a row, only the keys and values of its first
token's ancestors are needed; the others are dropped. docs/inference.md has the reasons and the measurements.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import numpy as np
import torch
from torch import nn
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import CacheLayerMixin

from selfalign.errors import InputError
from selfalign.inference.local.attention import Row, in_tree
from selfalign.inference.local.devices import is_out_of_memory
from selfalign.inference.local.render import Rendered
from selfalign.inference.local.transfer import Parcel, send
from selfalign.inference.local.tree import Tree, cut_rows, grow, rows_needed
from selfalign.weight_checks import weight_of

VERSION = "5"
"""Part of the fingerprint of an answer: raise it when a change of the engine changes answers."""


@dataclass(frozen=True)
class Batch:
    """Prompts that one step of an engine completed.

    Attributes:
        answers: each prompt with the log-probabilities (nats) of its `sequences`: its answers, then its openings.
        tokens: number of tokens that were computed since the previous batch.
    """

    answers: list[tuple[Rendered, tuple[float, ...]]]
    tokens: int


def score(
    model: PreTrainedModel, prompts: Sequence[Rendered], engine: str, row_tokens: int, done: Collection[str] = ()
) -> Iterator[Batch]:
    """Log-probabilities of the answers to prompts, in batches, as they are computed.

    Args:
        model: causal language model, ready for inference.
        prompts: all prompts of a job, no two with the same key. The rows are planned over all of them, done or
            not, so that a resumed job computes the same numbers.
        engine: one of `choices.ENGINES`.
        row_tokens: distinct tokens per forward pass. It is halved when memory runs out.
        done: keys of the prompts that need no answer.

    Raises:
        InputError: there is not enough memory for one token at a time, the model keeps a state along the text, or it
            has no embedding for a token of a prompt.
    """
    _check_tokens(model, prompts)
    missing = [prompt for prompt in prompts if prompt.key not in done]
    if engine == "packed":
        return Packed(model, prompts).score(missing, row_tokens)
    return map(partial(_score_naive, model), missing)


class Packed:
    """The prefix tree of some prompts, and a model that computes it."""

    def __init__(self, model: PreTrainedModel, prompts: Sequence[Rendered]) -> None:
        self.model = model
        self.tree = grow(prompt.tokens + answer[:-1] for prompt in prompts for answer in prompt.sequences)
        check_kind(model, int(self.tree.depths.max()) + 1)
        self.steps = {prompt.key: [self._steps(prompt, answer) for answer in prompt.sequences] for prompt in prompts}
        # Rows are read for all prompts, answered or not: with fewer places the matrix products round differently.
        self.wanted = defaultdict(set)
        for node, token in (step for answers in self.steps.values() for answer in answers for step in answer):
            self.wanted[node].add(token)
        self.kept: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.past: list[int] = []
        self.ahead: dict[tuple[int, int], Row] = {}
        # If the last layer may be on another device than the first, its places are a list, which goes to any device.
        self.on_one_device = len({part.device for part in model.parameters()}) == 1

    def score(self, prompts: Sequence[Rendered], row_tokens: int) -> Iterator[Batch]:
        """Log-probabilities of the answers to some of the prompts, row by row."""
        # A prompt is complete with the last node that one of its answers is read from.
        last = {p.key: max(node for answer in self.steps[p.key] for node, _ in answer) for p in prompts}
        waiting = sorted(prompts, key=lambda prompt: last[prompt.key], reverse=True)
        missing = {node for prompt in prompts for answer in self.steps[prompt.key] for node, _ in answer}
        log_p: dict[tuple[int, int], float] = {}
        tokens = 0
        for start, end in self._walk(missing, row_tokens, log_p):
            tokens += end - start
            complete = []
            while waiting and last[waiting[-1].key] < end:
                prompt = waiting.pop()
                answers = self.steps[prompt.key]
                complete.append((prompt, tuple(sum(log_p[step] for step in answer) for answer in answers)))
            if complete:
                yield Batch(complete, tokens)
                tokens = 0

    def _steps(self, prompt: Rendered, answer: tuple[int, ...]) -> list[tuple[int, int]]:
        """The nodes that predict each token of an answer, each with its token."""
        node = self.tree.ends[prompt.tokens + answer[:-1]]
        nodes = []
        for _ in answer:
            nodes.append(int(node))
            node = self.tree.parents[node]
        return list(zip(reversed(nodes), answer, strict=True))

    def _walk(
        self, missing: set[int], row_tokens: int, log_p: dict[tuple[int, int], float]
    ) -> Iterator[tuple[int, int]]:
        """Compute the rows that are needed, add their log-probabilities to `log_p`, and yield their bounds."""
        rows = rows_needed(self.tree, cut_rows(self.tree, row_tokens), missing)[::-1]
        behind = int(self.model.device.type == "cuda")  # a GPU computes a row while the previous one is read
        launched: list[tuple[int, int, _Found]] = []
        while rows or launched:
            if rows:
                start, end = rows.pop()
                try:
                    launched.append((start, end, self._launch(start, end, rows[-1] if rows else None)))
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    rows = halve([*rows, (start, end)], self.model, error)
            while len(launched) > (behind if rows else 0):
                start, end, found = launched.pop(0)
                log_p |= found.read(start)
                yield start, end

    @torch.inference_mode()
    def _launch(self, start: int, end: int, following: tuple[int, int] | None) -> "_Found":
        """Compute a row: log-probabilities of the wanted tokens after its nodes. Keep the keys for the next row."""
        tree = self.tree
        places = [node - start for node in range(start, end) if node in self.wanted]
        where = send(np.array(places, dtype=np.int64), self.model.device) if self.on_one_device else places
        cache = DynamicCache(self.kept or None)
        row = self._look(start, end, self.past)
        with _last_mlp_at(self.model, where, end - start):
            logits = compute_row(self.model, tree.tokens[start:end], row, cache, where)
        found = _Found(places, [sorted(self.wanted[start + place]) for place in places], logits)
        if following is not None:  # prepared while a GPU computes this row; kept at once, so that a row can be repeated
            path = tree.path(tree.parents[following[0]])
            kept, ahead = keep_path(cache, self.past, start, path), self._look(*following, path)
            self.kept, self.past, self.ahead = kept, path, {following: ahead}
        return found

    def _look(self, start: int, end: int, past: list[int]) -> Row:
        """A row with its mask, prepared while the previous row was computed, or now."""
        if (row := self.ahead.pop((start, end), None)) is None:
            row = row_of(self.tree, past, start, end)
            row.cut(self.model.device.type)
        return row


class _Found:
    """Log-probabilities of some tokens after some places of a row, which a GPU may still compute."""

    def __init__(self, places: list[int], tokens: list[list[int]], logits: torch.Tensor) -> None:
        """Take the wanted log-probabilities from the logits of the places (places x vocabulary)."""
        self.steps = [(place, token) for place, wanted in zip(places, tokens, strict=True) for token in wanted]
        self.parcel = Parcel(_log_probabilities(logits, tokens))

    def read(self, start: int) -> dict[tuple[int, int], float]:
        """By node and token, for a row that starts at a node."""
        steps = [(start + place, token) for place, token in self.steps]
        return dict(zip(steps, self.parcel.open(), strict=True))


def compute_row(
    model: PreTrainedModel, tokens: np.ndarray, row: Row, cache: DynamicCache, places: torch.Tensor | list[int]
) -> torch.Tensor:
    """Logits at some places of a row (places x vocabulary). The row's keys and values are added to the cache.

    Args:
        tokens: of the row (n).
        cache: keys and values of the earlier tokens that the row sees.
        places: in the row.
    """
    device = model.device
    given = {
        "input_ids": send(tokens[None], device),
        "position_ids": send(row.own_depths[None], device),
        "attention_mask": torch.ones(1, len(row.first), dtype=torch.long, device=device),
        "past_key_values": cache,
        "use_cache": True,
        "logits_to_keep": places,
    }
    known = _arguments_of(type(model).forward)
    with in_tree(model, row):
        logits: torch.Tensor = model(**{name: given[name] for name in given if name in known}).logits
    return logits[0]


@cache
def _arguments_of(forward: Callable[..., object]) -> frozenset[str]:
    """Names of the arguments of a forward pass."""
    return frozenset(inspect.signature(forward).parameters)


def row_of(tree: Tree, past: Sequence[int], start: int, end: int) -> Row:
    """Neighbouring nodes of a tree as tokens that see their ancestors and themselves.

    Args:
        past: the ancestors of node `start`, from the root on.
        start: first node of the row.
        end: the node after its last one.
    """
    nodes = np.array([*past, *range(start, end)])
    return Row(nodes[len(past) :], nodes, tree.until[nodes], tree.depths[nodes])


def keep_path(
    cache: DynamicCache, past: Sequence[int], start: int, path: Sequence[int]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of a path in the tree, by layer, from the cache of a row.

    Args:
        cache: keys and values of the nodes in `past`, then of the row.
        past: nodes before the row that it saw.
        start: first node of the row.
        path: nodes to keep.
    """
    columns = {node: column for column, node in enumerate(past)}
    kept = np.array([columns.get(node, len(past) + node - start) for node in path], dtype=np.int64)
    sent = lru_cache(partial(send, kept))
    found = []
    for layer in cache.layers:
        assert isinstance(layer, CacheLayerMixin) and layer.keys is not None and layer.values is not None
        found.append((layer.keys[:, :, sent(layer.keys.device)], layer.values[:, :, sent(layer.values.device)]))
    return found


@contextmanager
def _last_mlp_at(model: PreTrainedModel, places: torch.Tensor | list[int], length: int) -> Iterator[None]:
    """Inside this context, the last layer's MLP is computed at some places of a row of `length` tokens.

    Its output at the others is 0. No later layer uses them. Keys and values are computed before the MLP.
    """
    mlp = _last_mlp(model)
    if mlp is None:
        yield
        return

    def take(_: nn.Module, inputs: tuple[torch.Tensor]) -> torch.Tensor:
        return inputs[0][:, places]

    def put(_: nn.Module, __: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        whole = output.new_zeros(1, length, output.shape[-1])
        whole[:, places] = output
        return whole

    hooks = mlp.register_forward_pre_hook(take), mlp.register_forward_hook(put)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _last_mlp(model: PreTrainedModel) -> nn.Module | None:
    """The MLP of a model's last layer, if all its weights are in linear layers; otherwise None."""
    layers = getattr(model.get_decoder(), "layers", None)
    mlp = getattr(layers[-1], "mlp", None) if layers else None
    if mlp is None:
        return None
    weighted = [module for module in mlp.modules() if any(True for _ in module.parameters(recurse=False))]
    return mlp if all(isinstance(module, nn.Linear) for module in weighted) else None


def _check_tokens(model: PreTrainedModel, prompts: Sequence[Rendered]) -> None:
    """Refuse prompts with a token that the model has no embedding for."""
    rows = weight_of(model.get_input_embeddings()).shape[0]
    for prompt in prompts:
        highest = max(map(max, [prompt.tokens, *prompt.sequences]))
        if highest >= rows:
            raise InputError(
                f"prompt {prompt.prompt}",
                f"it has the token number {highest}, but the model has {rows} embeddings",
                "Give the tokenizer that belongs to the model's weights",
            )


def check_kind(model: PreTrainedModel, longest: int) -> None:
    """Refuse models in which an answer depends on more than a token's ancestors and depth."""
    config = model.config.get_text_config()
    given = getattr(config, "rope_parameters", None) or {}
    ropes = [given, *(part for part in given.values() if isinstance(part, dict))]  # some have one per kind of layer
    fault = None
    if getattr(model, "_is_stateful", False):
        fault = "keeps a state along the text"
    elif "local" in (getattr(config, "attention_layers", None) or []):
        fault = "counts the tokens of its window along the row (GPT-Neo)"
    for rope in ropes:
        if rope.get("rope_type") not in ("dynamic", "longrope"):
            continue
        # Beyond the bound, the rotation of all positions in a forward pass changes, also for the row's other prompts.
        bound = rope.get("original_max_position_embeddings", config.max_position_embeddings)
        if longest > bound:
            fault = f"computes prompts of more than {bound} tokens differently, and one has {longest}"
    if fault:
        raise InputError(model.name_or_path, fault, "Set engine: naive for this model")


def _log_probabilities(logits: torch.Tensor, tokens: list[list[int]]) -> torch.Tensor:
    """Log-probabilities of some tokens in each row of logits (rows x vocabulary), one after the other."""
    logits = logits.float()
    pairs = [(row, token) for row, wanted in enumerate(tokens) for token in wanted]
    rows, ids = (send(part, logits.device) for part in np.array(pairs, dtype=np.int64).reshape(-1, 2).T.copy())
    return (logits[rows, ids] - logits.logsumexp(dim=-1)[rows]).clamp(max=0)  # rounding may give a number above 0


def halve(rows: list[tuple[int, int]], model: PreTrainedModel, error: Exception) -> list[tuple[int, int]]:
    """Halves of rows, which are in reverse order.

    Raises:
        InputError: the next row has one token.
    """
    start, end = rows[-1]
    if end - start == 1:
        reason = str(error).partition("\n")[0]
        raise InputError(
            model.name_or_path,
            f"there is not enough memory for a single token ({reason})",
            "Use another dtype or a device with more memory, or let the model span several GPUs",
        ) from None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    middles = [(start + end) // 2 for start, end in rows]
    halves = [((middle, end), (start, middle)) for (start, end), middle in zip(rows, middles, strict=True)]
    return [half for pair in halves for half in pair if half[0] < half[1]]


@torch.inference_mode()
def _score_naive(model: PreTrainedModel, prompt: Rendered) -> Batch:
    """One forward pass per answer to a prompt."""
    scores = tuple(_score_answer(model, prompt.tokens, answer) for answer in prompt.sequences)
    return Batch([(prompt, scores)], sum(len(prompt.tokens) + len(answer) for answer in prompt.sequences))


def _score_answer(model: PreTrainedModel, tokens: tuple[int, ...], answer: tuple[int, ...]) -> float:
    ids = torch.tensor([tokens + answer], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(tokens) - 1 :].cpu()
    log_p = logits.double().log_softmax(-1)  # in float32 it is 1e-4 off over a vocabulary of 262,144
    return sum(float(log_p[place, token]) for place, token in enumerate(answer))
