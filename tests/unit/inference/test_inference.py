"""The inference stage: rendering, prefix trees that answer as single prompts do, and a ledger that survives."""

import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import dispatch_model
from families import CONFIGS, WINDOW, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from nonempty import some
from selfalign.errors import InputError
from selfalign.inference.choices import ENGINES
from selfalign.inference.local import attention, check, engine
from selfalign.inference.local.check import check_during, check_engine, check_first_layers
from selfalign.inference.local.collect import collect
from selfalign.inference.local.devices import load_model, model_bytes
from selfalign.inference.local.engine import check_kind, row_of
from selfalign.inference.local.infer import answer
from selfalign.inference.local.render import Rendered
from selfalign.inference.local.tree import Tree, cut_rows, grow, rows_needed
from selfalign.inference.readouts import list_options, read_out
from selfalign.inference.schemas import Answers
from selfalign.ledger.rows import fingerprint_of
from selfalign.ledger.storage import Ledger
from tiny import (
    CASES,
    CHAT,
    POLITICS,
    PREMISE,
    PRESS,
    RELIGION,
    SIZES,
    SYSTEM,
    Case,
    score_all,
    speak,
    table_of,
    tiny_llama,
    tiny_tokenizer,
)
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    DogeConfig,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Lfm2Config,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

pytestmark = pytest.mark.usefixtures("one_thread")

NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT
FACTS = {"engine": "packed"}


def rendered(*tokens: list[int], answers: tuple[tuple[int, ...], ...] = ((1,), (2,))) -> list[Rendered]:
    """Prompts of given tokens, answered with the tokens 1 and 2 or with others."""
    return [Rendered(f"{place:016x}", "-", tuple(ids), answers) for place, ids in enumerate(tokens)]


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    return tiny_llama()


@st.composite
def trees(draw: st.DrawFn, longest_answer: int = 4) -> list[Rendered]:
    """Prompts of three kinds of tokens, with two to four answers of the same: many are another's prefix."""
    ids = st.lists(st.integers(3, 5), min_size=1, max_size=9).map(tuple)
    answer = st.lists(st.integers(3, 5), min_size=1, max_size=longest_answer).map(tuple)
    answers = st.lists(answer, min_size=2, max_size=4, unique=True).map(tuple)
    cases = draw(st.lists(st.tuples(ids, answers), min_size=1, max_size=12, unique=True))
    return [Rendered(f"{place:016x}", "-", tokens, answers) for place, (tokens, answers) in enumerate(cases)]


def prefixes(prompts: list[Rendered]) -> set[tuple[int, ...]]:
    """Every token that must be computed to score these prompts, named by all up to it."""
    whole = [prompt.tokens + answer[:-1] for prompt in prompts for answer in prompt.answers]
    return {tokens[:end] for tokens in whole for end in range(1, len(tokens) + 1)}


# Rendering


def test_demonstrations_stand_above_the_question_in_plain_text() -> None:
    prompt, *_ = speak(tiny_tokenizer(None), table_of(CASES[3:]), "plain")
    assert prompt.text == f"{SYSTEM}\n\n{POLITICS}\nAnswer: B\n\n{RELIGION}\nAnswer: A\n\n{PRESS}\nAnswer:"


def test_template_without_a_system_role_gets_the_instruction_from_the_first_user() -> None:
    table = table_of([([], "What?"), ([("Who?", "B")], "What?")])
    alone, shown, _ = speak(tiny_tokenizer(NO_SYSTEM), table)
    assert alone.text == f"<|user|>{SYSTEM}\n\nWhat?<|end|><|assistant|>"
    turns = "<|assistant|>B<|end|><|user|>What?<|end|><|assistant|>"
    assert shown.text == f"<|user|>{SYSTEM}\n\nWho?<|end|>{turns}"


def test_prompts_are_rendered_in_order_and_keep_their_names() -> None:
    *prompts, premise = speak(tiny_tokenizer(), table_of(CASES))
    assert [prompt.prompt for prompt in [*prompts, premise]] == list(table_of(CASES)["prompt"])
    for prompt, (shown, asked) in zip(prompts, CASES, strict=True):
        turns = "".join(f"<|user|>{question}<|end|><|assistant|>{answer}<|end|>" for question, answer in shown)
        assert prompt.text == f"<|system|>{SYSTEM}<|end|>{turns}<|user|>{asked}<|end|><|assistant|>"


@pytest.mark.parametrize(
    ("form", "text"),
    [("chat", f"<|system|>{SYSTEM}<|end|><|user|>___<|end|><|assistant|>"), ("plain", f"{SYSTEM}\n\n___\nAnswer:")],
)
def test_premise_is_the_frame_with_a_blank_as_its_question(form: str, text: str) -> None:
    premise = speak(tiny_tokenizer(), table_of(CASES), form)[-1]
    assert (premise.prompt, premise.text, len(premise.answers)) == (PREMISE, text, 2)


def test_key_changes_with_what_the_model_is_given_and_not_with_the_prompts_name() -> None:
    table = table_of(CASES)
    prompts = speak(tiny_tokenizer(), table)
    assert len({prompt.key for prompt in prompts}) == len(prompts)
    renamed = speak(tiny_tokenizer(), table.assign(prompt=[f"{place:016x}" for place in range(10, 15)]))
    assert [prompt.key for prompt in renamed] == [prompt.key for prompt in prompts]
    others = speak(tiny_tokenizer(), table.assign(options='["has", "lacks"]'))
    assert {prompt.text for prompt in others} == {prompt.text for prompt in prompts}
    assert not {prompt.key for prompt in others} & {prompt.key for prompt in prompts}


def test_base_model_without_a_chat_template_is_refused_in_chat_and_taken_in_plain() -> None:
    with pytest.raises(InputError, match="no chat template. Set format: plain"):
        speak(tiny_tokenizer(None), table_of(CASES))
    assert speak(tiny_tokenizer(None), table_of([([], "What?")]), "plain")[0].text == f"{SYSTEM}\n\nWhat?\nAnswer:"


def test_plain_text_needs_no_working_chat_template() -> None:
    broken = tiny_tokenizer("{{ raise_exception('tools are required') }}")
    assert speak(broken, table_of([([], "What?")]), "plain")[0].text == f"{SYSTEM}\n\nWhat?\nAnswer:"


def test_prompt_longer_than_the_context_is_refused_and_never_cut() -> None:
    tokenizer, table = tiny_tokenizer(), table_of(CASES[:1])
    prompt, _ = speak(tokenizer, table)
    length = len(prompt.tokens) + max(map(len, prompt.answers))
    assert speak(tokenizer, table, context=length)[0] == prompt
    with pytest.raises(InputError, match=f"has {length} tokens with its answer, the model takes {length - 1}. Use"):
        speak(tokenizer, table, context=length - 1)


def test_message_on_a_prompt_that_is_too_long_for_its_answer_names_a_number_above_the_context() -> None:
    tokenizer, table = tiny_tokenizer(), table_of(CASES[:1])
    length = len(speak(tokenizer, table)[0].tokens)
    with pytest.raises(InputError) as refusal:
        speak(tokenizer, table, "chat", length)
    counted, taken = re.search(r"(\d+) tokens.* takes (\d+)", str(refusal.value)).groups()
    assert int(counted) > int(taken)


# The tree


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=9).map(tuple), min_size=1, max_size=14))
def test_tree_has_a_node_for_each_distinct_prefix_in_preorder(sequences: list[tuple[int, ...]]) -> None:
    tree = grow(sequences)
    assert len(tree) == len({one[:end] for one in sequences for end in range(1, len(one) + 1)})
    for sequence in sequences:
        path = tree.path(tree.ends[sequence])
        assert tuple(tree.tokens[path]) == sequence
        assert list(tree.depths[path]) == list(range(len(sequence)))
    for node, parent in enumerate(tree.parents):
        assert parent < node
        assert parent == -1 or parent in tree.path(node - 1)  # nothing stands between a node and its subtree


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=9).map(tuple), min_size=1, max_size=14), st.data())
def test_token_of_a_row_sees_its_ancestors_and_itself(sequences: list[tuple[int, ...]], data: st.DataObject) -> None:
    tree = grow(sequences)
    start = data.draw(st.integers(0, len(tree) - 1))
    end = data.draw(st.integers(start + 1, len(tree)))
    past = tree.path(tree.parents[start])
    places = np.array([*past, *range(start, end)])
    for node, seen in zip(range(start, end), row_of(tree, past, start, end).seen, strict=True):
        assert list(places[seen]) == tree.path(node)


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(trees(), st.integers(1, 30))
def test_rows_hold_every_node_once_in_order_within_their_size(prompts: list[Rendered], size: int) -> None:
    tree = grow(prompt.tokens + answer[:-1] for prompt in prompts for answer in prompt.answers)
    rows = cut_rows(tree, size)
    assert [node for start, end in rows for node in range(start, end)] == list(range(len(tree)))
    assert all(end - start <= size for start, end in rows)
    for start, end in rows[:-1]:
        assert end - start >= size // 2
        assert tree.depths[end] == tree.depths[start + max(1, size // 2) : start + size + 1].min()


def test_rows_end_between_prompts() -> None:
    tree = grow([(1, 2, 3, 4), (1, 2, 5, 6), (1, 7, 8, 9)])
    assert list(tree.depths) == [0, 1, 2, 3, 2, 3, 1, 2, 3]
    assert cut_rows(tree, 7) == [(0, 6), (6, 9)]
    assert cut_rows(tree, 5) == [(0, 4), (4, 9)]


def test_resumed_job_computes_little_again() -> None:
    draw = random.Random(1)

    def invent(number: int) -> tuple[int, ...]:
        return tuple(draw.randint(3, 299) for _ in range(number))

    start = invent(20)
    countries = [start + invent(100) for _ in range(5)]
    tree = grow(country + invent(30) for country in countries for _ in range(40))
    rows = cut_rows(tree, 256)
    for row in range(len(some(rows))):
        again = rows_needed(tree, rows[: row + 1], [rows[row][0]])
        assert len(again) <= 2 * len(countries)  # of 29: those in which a country begins, and itself


@pytest.mark.slow
@settings(deadline=None, derandomize=True)
@given(trees(), st.integers(1, 9), st.data())
def test_rows_needed_hold_the_ancestors_of_their_first_nodes_and_no_other_rows(
    prompts: list[Rendered], size: int, data: st.DataObject
) -> None:
    tree = grow(prompt.tokens + answer[:-1] for prompt in prompts for answer in prompt.answers)
    rows = cut_rows(tree, size)
    wanted = set(data.draw(st.lists(st.integers(0, len(tree) - 1), min_size=1, max_size=4)))
    needed = rows_needed(tree, rows, wanted)
    assert needed == sorted(needed) and set(needed) <= set(rows)

    def nodes_of(chosen: list[tuple[int, int]]) -> set[int]:
        return {node for start, end in chosen for node in range(start, end)}

    asked = wanted | {node for start, _ in needed for node in tree.path(tree.parents[start])}
    assert asked <= nodes_of(needed)
    for row in needed:
        assert asked & nodes_of([row])


# Answers


def assert_close(one: list[tuple], other: list[tuple], bound: float = 1e-4) -> None:
    for left, right in zip(one, other, strict=True):
        assert left == pytest.approx(right, abs=bound)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 60), st.randoms(use_true_random=False))
def test_rows_of_any_order_and_size_answer_as_single_prompts_do(
    llama: LlamaForCausalLM, prompts: list[Rendered], row_tokens: int, shuffler: random.Random
) -> None:
    shuffler.shuffle(prompts)
    assert_close(score_all(llama, prompts, "packed", row_tokens), score_all(llama, prompts, "naive"))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 30))
def test_every_distinct_prefix_is_computed_once(
    llama: LlamaForCausalLM, prompts: list[Rendered], row_tokens: int
) -> None:
    batches = list(engine.score(llama, prompts, "packed", row_tokens))
    assert sum(batch.tokens for batch in batches) == len(prefixes(prompts))
    assert sorted(prompt.prompt for batch in batches for prompt, _ in batch.answers) == sorted(
        p.prompt for p in prompts
    )


@pytest.mark.slow
@pytest.mark.parametrize("row_tokens", [3, 1000])
def test_last_mlp_is_computed_where_an_answer_is_read_and_nowhere_else(
    row_tokens: int, llama: LlamaForCausalLM, family_prompts: list[Rendered]
) -> None:
    computed: dict[int, int] = defaultdict(int)

    def count(layer: int, _: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        computed[layer] += inputs[0].shape[1]

    layers = llama.model.layers
    hooks = [layer.mlp.gate_proj.register_forward_pre_hook(partial(count, k)) for k, layer in enumerate(layers)]
    score_all(llama, family_prompts, "packed", row_tokens)
    for hook in hooks:
        hook.remove()
    read = {p.tokens + answer[:end] for p in family_prompts for answer in p.answers for end in range(len(answer))}
    assert computed == {0: len(prefixes(family_prompts)), 1: len(read)}
    assert not layers[-1].mlp._forward_hooks and not layers[-1].mlp._forward_pre_hooks


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 60))
def test_answer_depends_only_on_its_own_prompt(
    llama: LlamaForCausalLM, prompts: list[Rendered], row_tokens: int
) -> None:
    together = score_all(llama, prompts, "packed", row_tokens)
    alone = [score_all(llama, [prompt], "packed", row_tokens)[0] for prompt in prompts]
    assert_close(together, alone)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 20), st.data())
def test_resumed_job_computes_the_very_numbers_of_an_undisturbed_one(
    llama: LlamaForCausalLM, prompts: list[Rendered], row_tokens: int, data: st.DataObject
) -> None:
    whole = dict(zip((p.key for p in prompts), score_all(llama, prompts, "packed", row_tokens), strict=True))
    done = set(data.draw(st.lists(st.sampled_from(sorted(whole)), unique=True)))
    rest = [prompt for prompt in prompts if prompt.key not in done]
    assert score_all(llama, prompts, "packed", row_tokens, done=done) == [whole[prompt.key] for prompt in rest]


UNKNOWN = {"mpt", "falcon_alibi", "gpt_neo"}
"""Families that compute the distance between tokens where no caller can tell it to them."""


@pytest.fixture(scope="module")
def family_prompts() -> list[Rendered]:
    """Prompts of up to twenty tokens that share beginnings, each with three answers."""
    draw = random.Random(1)

    def some(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randint(3, 299) for _ in range(draw.randint(least, most)))

    starts = [some(4, 12) for _ in range(3)]
    answers = [tuple(some(1, 4) for _ in range(3)) for _ in range(10)]
    return [
        Rendered(f"{place:016x}", "-", draw.choice(starts) + some(1, 8), answer) for place, answer in enumerate(answers)
    ]


Answered = Callable[[str], tuple[PreTrainedModel, list[tuple]]]


@pytest.fixture(scope="module")
def answered(family_prompts: list[Rendered]) -> Answered:
    """A function that gives a model of a family, and its answers by the naive engine, computed once."""

    @cache
    def give(family: str) -> tuple[PreTrainedModel, list[tuple]]:
        model = tiny_model(family)
        return model, score_all(model, family_prompts, "naive")

    return give


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in CONFIGS if family not in UNKNOWN])
def test_rows_answer_as_single_prompts_do_in_every_family(
    family: str, family_prompts: list[Rendered], answered: Answered
) -> None:
    model, naive = answered(family)
    assert np.std(naive) > 0.5  # the model has opinions
    for row_tokens in (9, 60, 1000):
        assert_close(score_all(model, family_prompts, "packed", row_tokens), naive)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gemma2", "gemma3", "bloom", "qwen3"])
@pytest.mark.parametrize("row_tokens", [9, 60, 1000])
def test_chunks_that_attend_in_one_call_as_on_a_gpu_answer_alike(
    row_tokens: int,
    family: str,
    family_prompts: list[Rendered],
    answered: Answered,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, naive = answered(family)
    monkeypatch.setattr(attention, "ALONE", ())
    monkeypatch.setattr(attention, "CHUNKS", {"cpu": 7})
    assert_close(score_all(model, family_prompts, "packed", row_tokens), naive)


@pytest.mark.parametrize("family", sorted(UNKNOWN))
def test_family_that_the_packed_engine_does_not_know_is_refused(family: str, family_prompts: list[Rendered]) -> None:
    with pytest.raises(InputError, match="Set engine: naive for this model"):
        check_engine(tiny_model(family), family_prompts, 100)


def test_scores_are_log_probabilities_of_the_next_token(llama: LlamaForCausalLM) -> None:
    prompts = [Rendered(f"{token:016x}", "-", (7, 8, 9), ((token,), (token + 1,))) for token in range(0, 300, 2)]
    assert np.exp(score_all(llama, prompts, "packed")).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ENGINES)
def test_log_probabilities_of_an_answer_of_several_tokens_add_up(kind: str, llama: LlamaForCausalLM) -> None:
    ((whole,),) = score_all(llama, [Rendered("0", "-", (7, 8), ((3, 4, 5),))], kind)
    steps = [Rendered("0", "-", (7, 8, 3, 4, 5)[:end], (((3, 4, 5)[end - 2],),)) for end in (2, 3, 4)]
    assert whole == pytest.approx(sum(first for (first,) in score_all(llama, steps, kind)), abs=1e-4)


def test_options_leave_no_probability_to_be_counted_twice_and_labels_do(llama: LlamaForCausalLM) -> None:
    prompts = speak(tiny_tokenizer(), table_of(CASES, ("a", "ab"), ("a", "ab")))[:-1]
    assert all(prompt.answers[1][:1] == prompt.answers[0] for prompt in prompts)
    assert not any(prompt.answers[3][: len(prompt.answers[2])] == prompt.answers[2] for prompt in prompts)
    scores = np.array(score_all(llama, prompts, "packed"))
    assert (np.exp(scores[:, 2:4]).sum(axis=1) <= 1).all()
    assert (scores[:, 2:4] < scores[:, :2]).all()


SHORT = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:128] data. DefaultCPUAllocator: not enough memory"),
]


@contextmanager
def memory_for(tokens: int, model: PreTrainedModel, error: Exception = SHORT[0]) -> Iterator[None]:
    """Let a model run out of memory when it is given more tokens at a time."""

    def refuse(_: object, __: tuple, given: dict[str, torch.Tensor]) -> None:
        if given["input_ids"].shape[1] > tokens:
            raise error

    hook = model.register_forward_pre_hook(refuse, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.slow
@settings(max_examples=10, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 20))
def test_row_is_halved_until_memory_suffices_and_nothing_is_lost(
    llama: LlamaForCausalLM, prompts: list[Rendered], tokens: int
) -> None:
    with memory_for(tokens, llama):
        short = score_all(llama, prompts, "packed", 64)
    assert_close(short, score_all(llama, prompts, "packed", 64))


@pytest.mark.parametrize("place", ["_log_probabilities", "keep_path"])
def test_row_that_fails_after_the_model_is_computed_again_with_its_own_past(
    place: str, llama: LlamaForCausalLM, family_prompts: list[Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = score_all(llama, family_prompts, "packed", 40)
    usual, calls = getattr(engine, place), []

    def short(*given: object) -> object:
        calls.append(given)
        if len(calls) in (2, 5):
            raise SHORT[0]
        return usual(*given)

    monkeypatch.setattr(engine, place, short)
    assert_close(score_all(llama, family_prompts, "packed", 40), expected)
    assert len(calls) > 5


@pytest.mark.parametrize("error", SHORT)
def test_memory_too_small_for_one_token_is_reported(error: Exception, llama: LlamaForCausalLM) -> None:
    prompts = rendered([3, 4, 5], [3, 4, 6])
    with (
        memory_for(0, llama, error),
        pytest.raises(InputError, match="not enough memory for a single token .* Use another dtype"),
    ):
        score_all(llama, prompts, "packed")


ONE_IS_LONG = rendered(*([3, token] for token in range(4, 12)), [3, 11, 7, 8, 9, 10, 11, 12])


def short_sighted(tree: Tree, past: list[int], start: int, end: int) -> attention.Row:
    """As `row_of`, but that tokens far from the root do not see it."""
    row = row_of(tree, past, start, end)
    row.until[0] = min(np.flatnonzero(tree.depths > 4), default=row.until[0])
    return row


def test_packed_engine_that_is_wrong_is_found_out_on_the_longest_prompt(
    llama: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_engine(llama, ONE_IS_LONG, 100) < 1e-4
    monkeypatch.setattr(engine, "row_of", short_sighted)
    with pytest.raises(InputError, match="nats from the naive one on prompt .* Set engine: naive"):
        check_engine(llama, ONE_IS_LONG, 100)


@contextmanager
def disturbed(model: PreTrainedModel, passes: int) -> Iterator[None]:
    """Let the first forward passes of a model be wrong by some hundredths of a nat, as after a faulty first call."""
    left = [passes]

    def disturb(_: nn.Module, __: tuple, logits: torch.Tensor) -> torch.Tensor:
        left[0] -= 1
        return logits + 0.05 * torch.cos(torch.arange(logits.shape[-1])) if left[0] >= 0 else logits

    hook = model.lm_head.register_forward_hook(disturb)
    try:
        yield
    finally:
        hook.remove()


def test_comparison_that_fails_once_is_made_again(llama: LlamaForCausalLM, capsys: pytest.CaptureFixture[str]) -> None:
    with disturbed(llama, passes=1):
        assert check_engine(llama, ONE_IS_LONG, 100) < 1e-4
    told = capsys.readouterr().err
    assert "is made once more" in told
    assert "Set engine" not in told


def batches_of(model: PreTrainedModel, prompts: list[Rendered], wrong: float = 0.0) -> Iterator[engine.Batch]:
    """Batches of the packed engine, of which every answer is wrong by some nats."""
    for batch in engine.score(model, prompts, "packed", 8):
        yield engine.Batch([(p, tuple(score - wrong for score in scores)) for p, scores in batch.answers], batch.tokens)


@pytest.mark.slow
def test_answers_are_compared_during_the_job(llama: LlamaForCausalLM, family_prompts: list[Rendered]) -> None:
    every = list(check_during(llama, batches_of(llama, family_prompts), share=1e9))
    assert len(every) > 2
    assert all(0 <= difference < 1e-4 for _, difference in every)
    assert [p.key for b, _ in every for p, _ in b.answers] == [
        p.key for b in batches_of(llama, family_prompts) for p, _ in b.answers
    ]
    few = [difference for _, difference in check_during(llama, batches_of(llama, family_prompts), share=0.0)]
    assert few[0] is not None
    assert few[1:] == [None] * (len(few) - 1)


def test_of_many_answers_some_are_compared(llama: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Rendered("0" * 16, "-", (3, 4, 5), tuple((token,) for token in range(10, 80)))
    compared, score_all = [], check._score_all

    def counted(model: PreTrainedModel, prompts: list[Rendered], kind: str, row_tokens: int) -> check.PromptScores:
        compared.append((kind, [len(prompt.sequences) for prompt in prompts]))
        return score_all(model, prompts, kind, row_tokens)

    monkeypatch.setattr(check, "_score_all", counted)
    assert check_engine(llama, [prompt], 100) < 1e-4
    ((_, difference),) = check_during(llama, batches_of(llama, [prompt]))
    assert difference < 1e-4
    assert compared == [("packed", [8]), ("naive", [8]), ("naive", [8])]
    with pytest.raises(InputError, match=r"0\.00(19|20|2)\d* nats from the naive one"):
        next(check_during(llama, batches_of(llama, [prompt], wrong=0.002)))
    few, places = check._thin(prompt)
    assert few.sequences == tuple(prompt.sequences[place] for place in places)
    assert (places[0], places[-1]) == (0, 69) and len(set(places)) == 8
    assert check._thin(ONE_IS_LONG[0]) == (ONE_IS_LONG[0], range(len(ONE_IS_LONG[0].sequences)))


def test_wrong_answer_stops_the_job_before_its_batch_is_recorded(
    llama: LlamaForCausalLM, family_prompts: list[Rendered]
) -> None:
    right = next(batches_of(llama, family_prompts))
    prompt, scores = min(right.answers, key=lambda answer: answer[0].key)
    with pytest.raises(InputError) as refused:
        next(check_during(llama, batches_of(llama, family_prompts, wrong=0.002)))
    told = str(refused.value)
    assert "0.002 nats from the naive one on prompt " + prompt.prompt in told
    numbers = re.search(r"it gives (-[\d.]+), the naive engine gives (-[\d.]+);", told)
    packed, naive = map(float, numbers.groups())
    assert min(abs(packed - (score - 0.002)) for score in scores) < 1e-6
    assert min(abs(naive - score) for score in scores) < 1e-4
    assert told.endswith("Set engine: naive for this model.")


def test_fault_of_the_reference_alone_stops_no_job(
    llama: LlamaForCausalLM, family_prompts: list[Rendered], capsys: pytest.CaptureFixture[str]
) -> None:
    batch = next(batches_of(llama, family_prompts))
    with disturbed(llama, passes=1):
        ((_, difference),) = check_during(llama, iter([batch]))
    assert difference < 1e-4
    assert "is made once more" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "stops"), [(0.05, False), (3.0, True)])
def test_rounding_stops_no_job_but_a_gross_fault_does(
    wrong: float, stops: bool, rounding: Path, family_prompts: list[Rendered]
) -> None:
    model = load_model(rounding, "bfloat16", [torch.device("cpu")])
    batches = [
        engine.Batch([(p, tuple(score - wrong for score in scores))], 0)
        for b in engine.score(model, family_prompts[:6], "naive", 8)
        for p, scores in b.answers
    ]
    checked = check_during(model, iter(batches), share=1e9)
    if stops:
        with pytest.raises(InputError, match="Set engine: naive"):
            list(checked)
    else:
        assert [round(difference, 6) for _, difference in checked] == [wrong] * 6


UNSUPPORTED = {
    "lfm2": lambda: Lfm2Config(**SIZES, layer_types=["conv", "full_attention"]),
    "doge": lambda: DogeConfig(**SIZES),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", UNSUPPORTED)
def test_family_that_breaks_the_packed_engine_is_sent_to_the_naive_one(
    family: str, family_prompts: list[Rendered]
) -> None:
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(UNSUPPORTED[family]()).eval()
    with pytest.raises(InputError, match=r"does not know this kind of model \(.+\)\. Set engine: naive"):
        check_engine(model, family_prompts, 100)
    assert np.isfinite(score_all(model, family_prompts, "naive")).all()


def test_error_of_the_model_itself_is_not_blamed_on_the_engine(llama: LlamaForCausalLM) -> None:
    with memory_for(0, llama, ZeroDivisionError("ours")), pytest.raises(ZeroDivisionError):
        check_engine(llama, ONE_IS_LONG, 100)
    with memory_for(0, llama, SHORT[0]), pytest.raises(InputError, match="not enough memory for a single token"):
        check_engine(llama, ONE_IS_LONG, 100)


@pytest.mark.parametrize("kind", ENGINES)
def test_token_without_an_embedding_is_refused(kind: str, llama: LlamaForCausalLM) -> None:
    rows = llama.get_input_embeddings().weight.shape[0]
    with pytest.raises(InputError, match=f"token number {rows}, but the model has {rows} embeddings"):
        score_all(llama, rendered([3, 4], [3, rows]), kind)


LAYERS = 8
FULL = 6
"""Place of the one layer without a window, from 1."""


@pytest.fixture(scope="module")
def rounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in bfloat16, of whose layers one has no window."""
    kinds = ["sliding_attention" if place != FULL else "full_attention" for place in range(1, LAYERS + 1)]
    sizes = SIZES | {"num_hidden_layers": LAYERS, "head_dim": 8, "sliding_window": WINDOW, "layer_types": kinds}
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("rounding")
    Gemma3ForCausalLM(Gemma3TextConfig(**sizes)).to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_rounding_of_a_short_number_format_stops_no_job(rounding: Path, family_prompts: list[Rendered]) -> None:
    model = load_model(rounding, "bfloat16", [torch.device("cpu")])
    assert 1e-3 < check_engine(model, family_prompts, 100) < 5
    layers, delta = check_first_layers(rounding, torch.device("cpu"), "sdpa", family_prompts, 100)
    assert (layers, len(model.model.layers)) == (FULL, LAYERS)
    assert delta < 1e-4


def all_seeing(*given: object) -> attention.Row:
    """As `row_of`, but that every token sees every place."""
    row = row_of(*given)
    return replace(row, first=np.zeros_like(row.first), until=np.full_like(row.until, 10**9))


@pytest.mark.slow
def test_gross_fault_is_found_out_in_a_short_number_format(
    rounding: Path, family_prompts: list[Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(rounding, "bfloat16", [torch.device("cpu")])
    monkeypatch.setattr(engine, "row_of", all_seeing)
    with pytest.raises(InputError, match="nats from the naive one on prompt .* Set engine: naive"):
        check_engine(model, family_prompts, 100)


@pytest.mark.slow
def test_fault_that_could_be_rounding_is_found_out_in_float32(rounding: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(rounding, "bfloat16", [torch.device("cpu")])
    monkeypatch.setattr(engine, "row_of", short_sighted)
    check_engine(model, ONE_IS_LONG, 100)  # sees nothing: most answers are right
    with pytest.raises(InputError, match="nats from the naive one on prompt .* Set engine: naive"):
        check_first_layers(rounding, torch.device("cpu"), "sdpa", ONE_IS_LONG, 100)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gemma3", "bloom", "gpt2", "gpt_neox", "qwen3_moe"])
def test_first_layers_of_a_model_are_its_own(family: str, family_prompts: list[Rendered], tmp_path: Path) -> None:
    whole = tiny_model(family)
    whole.save_pretrained(tmp_path)
    first = load_model(tmp_path, "float32", [torch.device("cpu")], layers=2)
    assert first.config.num_hidden_layers == 2
    assert model_bytes(tmp_path, "float32", 2) == 4 * first.num_parameters() < model_bytes(tmp_path, "float32")
    given, theirs = dict(first.named_parameters()), dict(whole.named_parameters())
    assert all(torch.equal(weight, theirs[name]) for name, weight in given.items())
    assert max(np.abs(np.subtract(*(score_all(first, family_prompts, kind) for kind in ENGINES))).ravel()) < 1e-4


def ask(model: PreTrainedModel, table: pd.DataFrame, kind: str, folder: Path) -> pd.DataFrame:
    """Answers of a model, by way of a ledger."""
    prompts = speak(tiny_tokenizer(), table)
    with Ledger(folder / "ledger.sqlite") as ledger:
        with ledger.run(FACTS, device="cpu", threads=1, versions={}) as run:
            answer(model, prompts, kind, 400, set(), run)
        return Answers.validate(collect(table, prompts, ledger.answered(fingerprint_of(FACTS)), fingerprint_of(FACTS)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENGINES)
def test_readouts_are_the_models_log_probabilities_of_labels_and_options(
    kind: str, llama: LlamaForCausalLM, tmp_path: Path
) -> None:
    table = table_of(CASES)
    prompts = speak(tiny_tokenizer(), table)
    answers = ask(llama, table, kind, tmp_path)
    assert list(answers["prompt"]) == [prompt for prompt in table["prompt"] for _ in range(2)]
    assert list(answers["place"]) == [1, 2] * len(table)
    premise = answers[answers["prompt"] == PREMISE].set_index("answer")["option"]
    assert answers.loc[answers["prompt"] == PREMISE, ["label", "pmi", "mass_outside_labels"]].isna().all(axis=None)
    for prompt in prompts[:-1]:
        (label, other, *options), rows = naive_scores(llama, prompt), answers[answers["prompt"] == prompt.prompt]
        assert list(rows["text"]) == [prompt.text] * 2
        assert list(rows["tokens"]) == [len(prompt.tokens)] * 2
        assert list(rows["label"]) == pytest.approx([label, other], abs=1e-4)
        assert list(rows["option"]) == pytest.approx(options, abs=1e-4)
        assert list(rows["answer"]) == ["has", "lacks it"]
        # In bytes-tokens of their own, and the special token that ends the turn.
        assert list(rows["answer_tokens"]) == [4, 9] and list(rows["answer_bytes"]) == [3, 8]
        assert list(rows["per_token"]) == pytest.approx([options[0] / 4, options[1] / 9], abs=1e-4)
        assert list(rows["per_byte"]) == pytest.approx([rows["open"].iloc[0] / 3, rows["open"].iloc[1] / 8])
        alone = [premise["has"], premise["lacks it"]]
        assert list(rows["pmi"]) == pytest.approx(list(np.subtract(options, alone)), abs=1e-4)
        outside = 1 - math.exp(label) - math.exp(other)
        assert list(rows["mass_outside_labels"]) == pytest.approx([outside] * 2, abs=1e-5)
        assert list(rows["mass_outside_options"]) == pytest.approx([1 - np.exp(options).sum()] * 2, abs=1e-5)


def naive_scores(model: PreTrainedModel, prompt: Rendered) -> list[float]:
    """Log-probabilities of answers, by the book."""
    scores = []
    for ids in prompt.answers:
        with torch.inference_mode():
            log_p = model(torch.tensor([prompt.tokens + ids])).logits[0].log_softmax(-1)
        scores.append(sum(float(log_p[len(prompt.tokens) - 1 + place, token]) for place, token in enumerate(ids)))
    return scores


def test_bytes_of_an_option_are_those_of_utf8() -> None:
    options = list_options(table_of(CASES[:1], ("重要", "no")))
    assert list(options["answer_bytes"]) == [6, 2, 6, 2]


def read_out_of(cases: list[Case], label: float | list[float], option: float) -> pd.DataFrame:
    """Answers of which the log-probabilities are given."""
    rest = {
        "answer_tokens": 1,
        "text": "-",
        "tokens": 1,
        "fingerprint": "f",
        "samples": pd.NA,
        "standard_error": np.nan,
    }
    return Answers.validate(read_out(list_options(table_of(cases)).assign(label=label, option=option, **rest)))


def test_mass_outside_is_never_below_zero() -> None:
    half = float(np.log(np.float32(0.5))) + 1e-7
    answers = read_out_of(CASES[:1], half, half)
    assert set(answers["mass_outside_labels"]) == set(answers["mass_outside_options"]) == {0}


def test_mass_outside_is_unknown_where_one_label_is() -> None:
    outside = read_out_of(CASES[:2], [-1.0, np.nan, -1.0, -2.0, np.nan, np.nan], -1.0)["mass_outside_labels"]
    assert list(outside.isna()) == [True, True, False, False, True, True]
    assert outside[2] == pytest.approx(1 - math.exp(-1) - math.exp(-2))


def test_window_by_place_in_the_row_is_refused_although_short_rows_hide_it(family_prompts: list[Rendered]) -> None:
    with pytest.raises(InputError, match=r"its window along the row \(GPT-Neo\). Set engine: naive"):
        score_all(tiny_model("gpt_neo"), family_prompts[:1], "packed", 5)


def test_bound_of_rope_is_found_in_one_kind_of_layers() -> None:
    long = {"short_factor": [1.0] * 8, "long_factor": [3.0] * 8, "original_max_position_embeddings": 8}
    model = tiny_model("gemma3")
    usual = model.config.rope_parameters
    model.config.rope_parameters = usual | {"full_attention": {"rope_type": "longrope", "rope_theta": 1e4, **long}}
    assert check_kind(model, 8) is None
    with pytest.raises(InputError, match="more than 8 tokens differently, and one has 9. Set engine: naive"):
        check_kind(model, 9)


def test_prompts_on_both_sides_of_a_bound_of_rope_are_refused() -> None:
    torch.manual_seed(1)
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10_000.0}
    model = LlamaForCausalLM(LlamaConfig(**SIZES | {"max_position_embeddings": 8}, rope_parameters=rope)).eval()
    short, long = rendered([3, 4, 5], [3, 4, 6, 7, 8, 9, 10, 11, 12])
    assert_close(score_all(model, [short], "packed"), score_all(model, [short], "naive"))
    with pytest.raises(InputError, match="more than 8 tokens differently, and one has 9. Set engine: naive"):
        score_all(model, [short, long], "packed")


def test_model_whose_layers_are_on_several_devices_answers_alike(family_prompts: list[Rendered]) -> None:
    model = tiny_model("gemma2")
    expected = score_all(model, family_prompts, "packed", 60)
    parts = {"model.embed_tokens": "cpu", "model.layers": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu"}
    spread = dispatch_model(tiny_model("gemma2"), parts | {"lm_head": "cpu"}, main_device="cpu", force_hooks=True)
    assert hasattr(spread.model.layers, "_hf_hook")
    assert score_all(spread, family_prompts, "packed", 60) == expected
