"""The greedy replies of a job: the tokens that end a reply, its entry in the ledger, and the option that it means."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pandas as pd
from transformers import AutoConfig, GenerationConfig, PreTrainedTokenizerBase

from selfalign.errors import InputError
from selfalign.inference.letters import which_option
from selfalign.inference.local.generate import Reply
from selfalign.inference.local.render import PromptFormat, Rendered
from selfalign.inference.readouts import read_greedy
from selfalign.inference.thoughts import CLOSED, OPENED
from selfalign.ledger.rows import Entry


@dataclass(frozen=True)
class ReplyPlan:
    """The prompts of a job that get a reply.

    Attributes:
        prompts: by the key of the reply; prompts of the same tokens share one.
        keys: the key of the reply to each prompt, by the prompt's id.
        stops: ids of the tokens that end a reply.
        new_tokens: the largest number of tokens of a reply.
    """

    prompts: dict[str, Rendered]
    keys: dict[str, str]
    stops: frozenset[int]
    new_tokens: int

    def missing(self, answered: Collection[str]) -> set[str]:
        """Keys of the replies that the ledger lacks."""
        return self.prompts.keys() - set(answered)

    def done(self, answered: Collection[str]) -> set[str]:
        """Keys of the prompts whose reply the ledger has."""
        return {prompt.key for key, prompt in self.prompts.items() if key in answered}


def plan_replies(
    table: pd.DataFrame,
    rendered: Sequence[Rendered],
    prompt_format: PromptFormat,
    weights: Path,
    new_tokens: int,
    context: int | None,
) -> ReplyPlan:
    """Choose the prompts that get a reply: all except premises, or no prompts if no reply is wanted.

    Args:
        table: a `Prompts` table.
        rendered: its prompts as text and tokens, in the same order.
        prompt_format: how prompts become text and tokens.
        weights: folder of the model.
        new_tokens: the largest number of tokens of a reply; 0: no replies.
        context: the largest number of tokens that the model takes; None if it has no limit.

    Raises:
        InputError: a prompt and its reply do not fit into the context.
    """
    if not new_tokens:
        return ReplyPlan({}, {}, frozenset(), 0)
    asked = [one for one, premise in zip(rendered, table["premise"], strict=True) if premise]
    for prompt in asked:
        if context is not None and len(prompt.tokens) + new_tokens > context:
            raise InputError(
                f"prompt {prompt.prompt}",
                f"has {len(prompt.tokens)} tokens, and {new_tokens} more with its reply; the model takes {context}",
                "Set a smaller reply for this model, or use fewer shots",
            )
    lengths = table["options"].map(lambda options: len(json.loads(options)))
    options = [answer for one, length in zip(rendered, lengths, strict=True) for answer in one.answers[-length:]]
    stops = find_stops(weights, prompt_format.tokenizer, prompt_format.form, options)
    ends = hashlib.sha256(json.dumps(sorted(stops)).encode()).hexdigest()
    keys = {prompt.prompt: _key(prompt, new_tokens, ends) for prompt in asked}
    return ReplyPlan({keys[prompt.prompt]: prompt for prompt in reversed(asked)}, keys, frozenset(stops), new_tokens)


def _key(prompt: Rendered, new_tokens: int, ends: str) -> str:
    """Hash of the model's input, without the options: 16 hexadecimal digits, as `Rendered.key`."""
    return hashlib.sha256(json.dumps([prompt.tokens, f"reply {new_tokens}", ends]).encode()).hexdigest()[:16]


def find_stops(
    weights: Path, tokenizer: PreTrainedTokenizerBase, form: str, options: Iterable[tuple[int, ...]]
) -> set[int]:
    """Ids of the tokens that end a reply.

    These are the ends of text that the model's folder names, and the token that ends an answer in its chat template.
    In bare text a reply also ends with its line, like the answers of the demonstrations.

    Args:
        weights: folder of the model.
        form: `chat` or `plain`.
        options: token ids of the options' words and of their ends, in all prompts of the job.
    """
    named = [_generation(weights), AutoConfig.from_pretrained(weights, local_files_only=True), tokenizer]
    stops = {token for one in named for token in _listed(getattr(one, "eos_token_id", None))}
    if form == "plain":
        return stops | _line_breaks(tokenizer)
    shared = reduce(_shared_end, options)
    added = [token for token in shared if token in tokenizer.added_tokens_decoder]
    # If the template has no token for the end of an answer, a reply ends with its line.
    return stops | ({added[0]} if added else _line_breaks(tokenizer))


def _generation(weights: Path) -> GenerationConfig | None:
    there = (weights / "generation_config.json").is_file()
    return GenerationConfig.from_pretrained(weights, local_files_only=True) if there else None


def _listed(token: int | list[int] | None) -> list[int]:
    if token is None:
        return []
    return token if isinstance(token, list) else [token]


def _shared_end(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The tokens that two sequences share at their ends."""
    length = 0
    while length < min(len(one), len(other)) and one[-1 - length] == other[-1 - length]:
        length += 1
    return one[len(one) - length :]


def _line_breaks(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids of all tokens with a line break in their text."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return {token for token, text in enumerate(texts) if "\n" in text}


def entry_of_reply(reply: Reply, key: str, tokenizer: PreTrainedTokenizerBase) -> Entry:
    """Entry of the ledger for a reply: its text, its token ids, and whether the model ended it."""
    tokens = list(reply.tokens)
    scores = {"reply": _decode(tokens, tokenizer), "reply_tokens": tokens, "ended": reply.ended}
    return Entry(key, reply.prompt.prompt, reply.prompt.text, len(reply.prompt.tokens), scores)


def _decode(tokens: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Text of a reply without special tokens, unless they mark a thought, as those of Gemma 4 and Magistral do."""
    whole = str(tokenizer.decode(tokens))
    marked = OPENED.search(whole) or CLOSED.search(whole)
    return whole if marked else str(tokenizer.decode(tokens, skip_special_tokens=True))


def add_replies(
    answers: pd.DataFrame,
    prompts: pd.DataFrame,
    plan: ReplyPlan,
    answered: Mapping[str, Entry],
    language: str,
    tokenizer: PreTrainedTokenizerBase,
) -> pd.DataFrame:
    """Fill the columns reply, replied and greedy of answers. A reply that was cut off does not count as an option.

    Args:
        answers: an `Answers` table.
        prompts: a `Prompts` table.
        plan: which of the prompts have a reply.
        answered: entries of the ledger, by key.
        language: ISO 639-1, of the prompts.
        tokenizer: of the model. Ledgers of earlier versions have replies without the marks of thoughts.

    Returns:
        An `Answers` table.
    """
    texts, places = {}, {}
    for prompt in prompts.itertuples():
        if prompt.prompt in plan.keys:
            said = answered[plan.keys[prompt.prompt]].scores
            labels, options = json.loads(prompt.labels), json.loads(prompt.options)
            text = _decode(said["reply_tokens"], tokenizer)
            texts[prompt.prompt] = text
            places[prompt.prompt] = which_option(text, labels, options, language=language) if said["ended"] else None
    asked = answers["prompt"]
    answers = answers.assign(
        reply=asked.map(texts).astype(object).where(asked.isin(texts.keys()), None),
        replied=asked.map(places).astype("Int64"),
    )
    return answers.assign(greedy=read_greedy(answers))
