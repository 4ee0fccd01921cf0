"""Greedy replies: the packed loop says what one prompt at a time says, and what transformers' own loop says."""

import random
from collections.abc import Iterator

import pytest
import torch
from families import CONFIGS, VOCABULARY, tiny_model
from selfalign.inference import generate
from selfalign.inference.render import Rendered
from transformers import GenerationConfig, PreTrainedModel

UNKNOWN = {"mpt", "falcon_alibi"}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models are slower with more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def prompts() -> list[Rendered]:
    """Prompts of up to twenty tokens that share beginnings; two have the same tokens, one begins another."""
    draw = random.Random(2)

    def some(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randint(3, 299) for _ in range(draw.randint(least, most)))

    starts = [some(4, 12) for _ in range(3)]
    tokens = [draw.choice(starts) + some(1, 8) for _ in range(12)]
    tokens += [tokens[0], tokens[1] + some(2, 2)]
    return [Rendered(f"{place:016x}", "-", ids, ((place + 3,),)) for place, ids in enumerate(tokens)]


def reply_all(model: PreTrainedModel, prompts: list[Rendered], *how, **more) -> list[generate.Reply]:
    """Replies in the order of the prompts."""
    found = {one.prompt.key: one for batch in generate.reply(model, prompts, *how, **more) for one in batch.replies}
    return [found[prompt.key] for prompt in prompts if prompt.key in found]


def by_transformers(model: PreTrainedModel, prompt: Rendered, stops: set[int], new_tokens: int) -> tuple[int, ...]:
    """What `generate` of transformers appends, less the token that ends it."""
    ids = torch.tensor([prompt.tokens])
    how = GenerationConfig(do_sample=False, max_new_tokens=new_tokens, eos_token_id=sorted(stops), pad_token_id=0)
    # An id beyond the vocabulary stops nothing.
    told = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=how)[0, ids.shape[1] :].tolist()
    return tuple(told[:-1] if told[-1] in stops else told)


@pytest.mark.parametrize("family", [family for family in CONFIGS if family not in UNKNOWN])
def test_rows_reply_as_transformers_does_in_every_family(family: str, prompts: list[Rendered]) -> None:
    model = tiny_model(family)
    first, second, *_ = (by_transformers(model, prompt, {VOCABULARY}, 6) for prompt in prompts[:2])
    stops = {first[0], second[2]}
    longer = [by_transformers(model, prompt, stops, 7) for prompt in prompts]
    assert longer[0] == () and len(set(longer)) > 5 and max(map(len, longer)) == 7
    for kind, size in (("naive", 1), ("packed", 9), ("packed", 1000)):
        replies = reply_all(model, prompts, stops, 6, size, kind)
        assert [one.tokens for one in replies] == [tokens[:6] for tokens in longer], (kind, size)
        assert [one.ended for one in replies] == [len(tokens) < 7 for tokens in longer], (kind, size)
