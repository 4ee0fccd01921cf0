"""Greedy replies: computed as transformers computes them, resumed, matched to options, and scored."""

import inspect
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from families import CONFIGS, VOCABULARY, tiny_model
from selfalign.errors import InputError
from selfalign.inference import engine, generate
from selfalign.inference.devices import load_model
from selfalign.inference.greedy import find_stops, plan_replies
from selfalign.inference.render import FORMATS, Rendered, Speech, render
from test_inference import CASES, table_of
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

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


def test_reply_is_cut_off_after_the_most_tokens(prompts: list[Rendered]) -> None:
    model = tiny_model("llama")
    (free,) = reply_all(model, prompts[:1], [], 3, 50)
    assert (len(free.tokens), free.ended) == (3, False)
    stop = free.tokens[2]
    assert reply_all(model, prompts[:1], [stop], 3, 50) == [(prompts[0], free.tokens[:2], True)]
    assert reply_all(model, prompts[:1], [stop], 2, 50) == [(prompts[0], free.tokens[:2], True)]
    assert reply_all(model, prompts[:1], [stop], 1, 50) == [(prompts[0], free.tokens[:1], False)]


def test_every_distinct_prefix_of_prompts_and_replies_is_computed_once(prompts: list[Rendered]) -> None:
    model = tiny_model("llama")
    for size in (9, 1000):
        batches = list(generate.reply(model, prompts, [], 4, size))
        said = {one.prompt.tokens: one.tokens for batch in batches for one in batch.replies}
        prefixes = {tokens[:end] for tokens in said for end in range(1, len(tokens) + 1)}
        assert sum(batch.tokens for batch in batches) == len(prefixes) + 4 * len(said)


def test_resumed_job_replies_with_the_same_tokens_and_computes_only_its_rows(prompts: list[Rendered]) -> None:
    model, how = tiny_model("llama"), ([], 4, 20)
    batches = [batch for batch in generate.reply(model, prompts, *how) if batch.replies]
    assert len(batches) > 3
    done = {one.prompt.key for batch in batches[:2] for one in batch.replies}
    rest = [batch for batch in generate.reply(model, prompts, *how, done=done) if batch.replies]
    assert [batch.replies for batch in rest] == [batch.replies for batch in batches[2:]]
    assert list(generate.reply(model, prompts, *how, done={prompt.key for prompt in prompts})) == []


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("no room"), RuntimeError("DefaultCPUAllocator: not enough memory")]
)
def test_row_is_halved_until_memory_suffices(
    error: Exception, prompts: list[Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, forward = tiny_model("llama"), LlamaForCausalLM.forward
    expected, longest = reply_all(model, prompts, [], 4, 1000), []

    def stingy(self: LlamaForCausalLM, **given: object) -> object:
        longest.append(given["attention_mask"].shape[1])
        if longest[-1] > 40:
            raise error
        return forward(self, **given)

    stingy.__signature__ = inspect.signature(forward)
    monkeypatch.setattr(LlamaForCausalLM, "forward", stingy)
    assert reply_all(model, prompts, [], 4, 1000) == expected
    assert max(longest) > 40


def test_logits_that_are_not_finite_are_refused(prompts: list[Rendered]) -> None:
    model = tiny_model("llama")
    model.lm_head.weight.data[7] = float("nan")
    for kind in engine.ENGINES:
        with pytest.raises(InputError, match="logits are not finite.*another dtype"):
            reply_all(model, prompts, [], 4, 1000, kind)


# The default model


@pytest.fixture(scope="module")
def speaker(smollm2: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)
    return load_model(smollm2, "float32", [torch.device("cpu")]), tokenizer


def test_default_model_replies_as_transformers_does(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], smollm2: Path
) -> None:
    model, tokenizer = speaker
    table = table_of(CASES, labels=())
    for form in FORMATS:
        speech = Speech(tokenizer, form)
        plan = plan_replies(table, render(table, speech, None), speech, smollm2, 8, None)
        prompts = list(plan.prompts.values())
        assert sorted(prompt.prompt for prompt in prompts) == sorted(table["prompt"])[:-1]  # not the premise
        replies = reply_all(model, prompts, plan.stops, 8, 200)
        expected = [by_transformers(model, prompt, set(plan.stops), 8) for prompt in prompts]
        assert [one.tokens for one in replies] == expected


def test_stops_are_the_ends_of_turns_and_in_bare_text_the_line(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], smollm2: Path
) -> None:
    tokenizer, end = speaker[1], speaker[1].eos_token_id
    answers = [(105, 106, end), (107, 106, end)]
    assert find_stops(smollm2, tokenizer, "chat", answers) == {end}
    assert find_stops(smollm2, tokenizer, "chat", [(105, end, 198), (107, end, 198)]) == {end}
    lines = find_stops(smollm2, tokenizer, "plain", answers)
    assert {end, *tokenizer("\n").input_ids, *tokenizer("\n\n").input_ids} <= lines
    assert all("\n" in tokenizer.decode([token]) for token in lines - {end})
    assert tokenizer(" a").input_ids[0] not in lines
