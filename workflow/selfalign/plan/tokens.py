"""How many tokens a model must compute: counted with its tokenizer, or estimated from the length of the texts."""

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfalign.config.sections import Model
from selfalign.draws import draw_number
from selfalign.inference.local.openings import list_forms
from selfalign.inference.local.tree import cut_rows, grow, rows_needed
from selfalign.inference.messages import Prompt, messages_of, place_demonstrations, plain_text
from selfalign.plan.designs import Laid

SAMPLE = 3000
"""Prompts of a language that are rendered, unless all are asked for."""

PER_MESSAGE = 5
"""Tokens that a chat template writes around a message, where there is no tokenizer to count them."""

UNKNOWN = 2.5
"""Characters per token of a language that the table of factors lacks."""

_MARK = "\x1e"  # the end of a message; no text has this character


@dataclass(frozen=True)
class Tokens:
    """Tokens of one model in one language.

    Attributes:
        prompts: distinct prompts and premises, as the model gets them.
        answered: of these, how many have an answer in the ledger.
        single: tokens to compute if each prompt is computed alone, with its answers after it.
        computed: tokens to compute for all prompts if each distinct prefix is computed once.
        new: of these, the tokens for prompts without an answer.
        sent: of the prompts alone, without answers.
        bytes: of all answers in the ledger.
        seconds: that rendering all of them takes on this machine; 0 where nothing was rendered.
        estimated: whether the numbers are estimated from the length of the texts.
        sampled: whether the numbers are extrapolated from some of the test probes.
    """

    prompts: int
    answered: int
    single: float
    computed: float
    new: float
    sent: float
    bytes: float
    seconds: float
    estimated: bool
    sampled: bool


def read_factors(path: Path) -> dict[str, float]:
    """Characters per token of each language, by code, from the table of factors."""
    factors: dict[str, float] = pd.read_csv(path).set_index("language")["characters_per_token"].to_dict()
    return factors


def sample_prompts(laid: Laid, most: int) -> list[Collection[str]]:
    """Ids of the prompts of some test probes: half of the sample, and the whole sample.

    All prompts of a probe are taken together, because they share most of their tokens with each other.

    Args:
        laid: a language's design.
        most: prompts and premises of the sample; 0: all.

    Returns:
        Two collections of ids, the first part of the second; one if all prompts are taken.
    """
    prompts = laid.prompts
    if not most or len(prompts) <= most:
        return [set(prompts["prompt"])]
    used = laid.cells[["probe", "prompt"]].drop_duplicates()
    probes = sorted(used["probe"].unique(), key=lambda probe: draw_number("plan", probe))
    share = most / len(prompts)
    number = max(2, min(len(probes), round(share * len(probes))))
    premises = prompts.set_index("prompt")["premise"]

    def take(some: int) -> set[str]:
        ids = set(used.loc[used["probe"].isin(probes[:some]), "prompt"])
        return ids | (set(premises[list(ids)]) & set(premises.index))

    return [take(number // 2), take(number)]


def extrapolate(parts: list[tuple[int, np.ndarray]], total: int) -> np.ndarray:
    """Sums over all prompts, from those over a half sample and over the whole sample.

    Prompts share prefixes, so the first ones need more tokens than the later ones. Beyond the sample, each prompt adds
    what it adds in the second half of the sample.

    Args:
        parts: number of prompts, and the sums, of each part; the last is the largest.
        total: number of all prompts.
    """
    (first, low), (last, high) = parts[0], parts[-1]
    whole: np.ndarray = high * (total / last)
    if last < total and len(parts) > 1:
        whole = high + (high - low) / max(last - first, 1) * (total - last)
    return whole


def count_tokens(
    laid: Laid, meter: "TokenCounter | TokenEstimator", model: Model, answered: Mapping[str, Collection[str]], most: int
) -> Tokens:
    """Prompts and tokens of a model in a language.

    Args:
        laid: the language's design.
        meter: counts, or estimates.
        model: that is asked.
        answered: keys of the answers in the ledger, by the id of their prompt.
        most: prompts to render; 0: all.
    """
    sets = sample_prompts(laid, most)
    table = place_demonstrations(laid.prompts, model.shown, model.format)
    parts = [meter.measure(table[table["prompt"].isin(ids)], answered, model) for ids in sets]
    sizes = [(part.rows, np.array([part.single, part.computed, part.new, part.sent, part.bytes])) for part in parts]
    single, computed, new, sent, size = extrapolate(sizes, len(table))
    last = parts[-1]
    if len(sets) == 1:
        prompts, done = last.prompts, last.answered
    else:
        prompts = len(table)
        done = int(table["prompt"].isin(answered).sum() * last.sure)
    return Tokens(
        prompts=prompts,
        answered=done,
        single=single,
        computed=computed,
        new=min(new, computed) if done < prompts or model.reply else 0.0,
        sent=sent,
        bytes=size,
        seconds=last.seconds * len(table) / last.rows,
        estimated=meter.estimates,
        sampled=len(sets) > 1,
    )


@dataclass(frozen=True)
class Measured:
    """Sums over some prompts, as `Tokens` has them over all.

    Attributes:
        rows: prompts that were measured.
        sure: share of the prompts with an answer in the ledger whose answer is to these very tokens.
    """

    rows: int
    prompts: int
    answered: int
    sure: float
    single: float
    computed: float
    new: float
    sent: float
    bytes: float
    seconds: float


class TokenCounter:
    """Measures prompts for one model in one language: renders them with its tokenizer and grows their prefix tree.

    Args:
        language: of the prompts.
    """

    estimates = False

    def __init__(self, tokenizer: Any, language: str) -> None:
        self.tokenizer, self.language = tokenizer, language

    def measure(self, prompts: pd.DataFrame, answered: Mapping[str, Collection[str]], model: Model) -> Measured:
        """The sums over some prompts; arguments as those of `count_tokens`."""
        from selfalign.inference.local.greedy import plan_replies  # transformers takes seconds to import
        from selfalign.inference.local.render import PromptFormat, render

        started = time.monotonic()
        prompt_format = PromptFormat(self.tokenizer, model.format, model.template.given, self.language)
        every = render(prompts, prompt_format, None)
        rendered = list({one.key: one for one in every}.values())
        seconds = time.monotonic() - started
        keys = {key for one in answered.values() for key in one}
        missing = [one for one in rendered if one.key not in keys]
        named = [one for one in rendered if one.prompt in answered]
        sent = sum(len(one.tokens) for one in rendered)
        computed, new = _compute(rendered, missing, model)
        if model.reply:
            folder = Path(self.tokenizer.name_or_path)
            more, unsaid = _compute_replies(
                plan_replies(prompts, every, prompt_format, folder, model.reply, None), keys, model
            )
            computed, new = computed + more, new + unsaid
        return Measured(
            rows=len(prompts),
            prompts=len(rendered),
            answered=len(rendered) - len(missing),
            sure=sum(one.key in keys for one in named) / len(named) if named else 1.0,
            single=sent + sum(len(grow(one.sequences)) for one in rendered),
            computed=computed,
            new=new,
            sent=sent,
            bytes=sum(_row_bytes(one.text, len(one.sequences)) for one in rendered),
            seconds=seconds,
        )


def _compute(rendered: list[Any], missing: list[Any], model: Model) -> tuple[float, float]:
    """Tokens that the engine computes for all prompts, and for the rest of them that have no answer."""
    if model.engine == "naive":
        sizes = [sum(len(one.tokens) + len(answer) for answer in one.sequences) for one in rendered]
        unsaid = {one.key for one in missing}
        return sum(sizes), sum(size for one, size in zip(rendered, sizes, strict=True) if one.key in unsaid)
    tree = grow(one.tokens + answer[:-1] for one in rendered for answer in one.sequences)
    nodes = {int(tree.ends[one.tokens + answer[:-1]]) for one in missing for answer in one.sequences}
    rows = rows_needed(tree, cut_rows(tree, model.row_tokens), nodes) if nodes else []
    return len(tree), sum(end - start for start, end in rows)


def _compute_replies(plan: Any, keys: Collection[str], model: Model) -> tuple[int, int]:
    """Tokens that the engine computes for all replies, and for those that the ledger lacks."""
    if not plan.prompts:
        return 0, 0
    tree = grow(one.tokens for one in plan.prompts.values())
    nodes = {int(tree.ends[plan.prompts[key].tokens]) for key in plan.missing(keys)}
    rows = rows_needed(tree, cut_rows(tree, model.row_tokens), nodes) if nodes else []
    replied = sum(start <= node < end for start, end in rows for node in map(int, tree.ends.values()))
    return len(tree) + len(plan.prompts) * model.reply, sum(end - start for start, end in rows) + replied * model.reply


class TokenEstimator:
    """Measures prompts as `TokenCounter` does, without a tokenizer: from the length of the texts.

    Args:
        per_token: characters per token of the language.
    """

    estimates = True

    def __init__(self, per_token: float) -> None:
        self.per_token = per_token

    def measure(self, prompts: pd.DataFrame, answered: Mapping[str, Collection[str]], model: Model) -> Measured:
        """The sums over some prompts; arguments as those of `count_tokens`."""
        chat = model.format == "chat"
        texts = {prompt.prompt: text_of(prompt, chat) for prompt in prompts.itertuples()}
        forms = {
            prompt.prompt: [form for of_option in list_forms(json.loads(prompt.options)) for form in of_option]
            for prompt in prompts.itertuples()
        }
        missing = [name for name in texts if name not in answered]
        sent = sum(map(self.tokens, texts.values()))
        if model.engine == "naive":
            each = {name: sum(self.tokens(text + form) for form in forms[name]) for name, text in texts.items()}
            computed, new = sum(each.values()), sum(each[name] for name in missing)
        else:
            computed = self._distinct(text + form for name, text in texts.items() for form in forms[name])
            new = self._distinct(texts[name] + form for name in missing for form in forms[name])
        if model.reply:
            replied = [name for name, premise in zip(prompts["prompt"], prompts["premise"], strict=True) if premise]
            computed += self._replies([texts[name] for name in replied], model.reply)
            new += self._replies([texts[name] for name in replied if name not in answered], model.reply)
        return Measured(
            rows=len(prompts),
            prompts=len(texts),
            answered=len(texts) - len(missing),
            sure=1.0,
            single=sent + sum(map(self._distinct, forms.values())),
            computed=computed,
            new=new,
            sent=sent,
            bytes=sum(_row_bytes(text, len(forms[name])) for name, text in texts.items()),
            seconds=0.0,
        )

    def tokens(self, text: str) -> float:
        """Tokens of a text with marks between its messages."""
        marks = text.count(_MARK)
        return PER_MESSAGE * marks + (len(text) - marks) / self.per_token

    def _replies(self, texts: Sequence[str], length: int) -> float:
        """Tokens of replies of the longest length, and of the prompts before them, which are computed again."""
        return self._distinct(texts) + len(texts) * length

    def _distinct(self, texts: Iterable[str]) -> float:
        """Tokens of the distinct prefixes of some texts."""
        total, before = 0.0, ""
        for text in sorted(set(texts)):
            total += self.tokens(text[shared_characters(before, text) :])
            before = text
        return total


def shared_characters(one: str, other: str) -> int:
    """Number of leading characters that two texts share, by bisection: most texts share hundreds."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _row_bytes(text: str, sequences: int) -> int:
    """Bytes of an answer in the ledger: its text, its numbers, and what names it."""
    return len(text.encode("utf-8")) + 22 * sequences + 130


def text_of(prompt: Prompt, chat: bool) -> str:
    """A prompt's words, with a mark after each message of a chat.

    Args:
        prompt: a row of a `Prompts` table, as a named tuple.
        chat: whether it is sent as messages, or as bare text.
    """
    if not chat:
        return plain_text(prompt) + " "
    return "".join(message["content"] + _MARK for message in messages_of(prompt))
