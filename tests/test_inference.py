"""The inference stage: rendering, prefix trees that answer as single prompts do, and a ledger that survives."""

import itertools
import json
import math
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from selfalign.errors import InputError
from selfalign.inference import engine
from selfalign.inference.infer import answer, check_engine, collect, fingerprint, load_model
from selfalign.inference.ledger import Ledger
from selfalign.inference.render import FORMATS, Rendered, Speech, render
from selfalign.inference.tables import Answers
from selfalign.probes.bank import read_bank, read_texts
from selfalign.prompts.tables import Prompts
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT
SYSTEM = "Fill in the blank the way you see it. Answer with A or B only."
POLITICS = "To me, politics means ___.\nA: a lot\nB: little"
RELIGION = "Religion plays a ___ part in my life.\nA: big\nB: small"
PRESS = "The press ___ my confidence.\nA: has\nB: lacks"
Case = tuple[list[tuple[str, str]], str]
CASES: list[Case] = [
    ([], PRESS),
    ([], POLITICS),
    ([(POLITICS, "B")], PRESS),
    ([(POLITICS, "B"), (RELIGION, "A")], PRESS),
]
"""Demonstrations, and the question that is asked."""
PREMISE = "f" * 16
CARD = {"weights_sha256": "1", "tokenizer_sha256": "2", "chat_template_sha256": "3", "context_length": 512}


def tiny_tokenizer(
    chat_template: str | None = CHAT, merges: tuple[tuple[str, str], ...] = ()
) -> PreTrainedTokenizerFast:
    """A tokenizer of single bytes, and of merges if any; needs no download."""
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["".join(merge) for merge in merges]
    tokenizer = Tokenizer(models.BPE({symbol: place for place, symbol in enumerate(symbols)}, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.chat_template = chat_template
    return fast


SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "initializer_range": 0.5,  # so that it has opinions
}


def tiny_llama() -> LlamaForCausalLM:
    """A random Llama, always the same."""
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SIZES)).eval()


def table_of(
    cases: list[Case], options: tuple[str, ...] = ("has", "lacks it"), labels: tuple[str, ...] = ("A", "B")
) -> pd.DataFrame:
    """A table of prompts, and their premise."""
    cases = [*cases, ([], "")]
    table = {
        "prompt": [f"{place:016x}" for place in range(len(cases))],
        "system": SYSTEM,
        "shown": [json.dumps(shown) for shown, _ in cases],
        "asked": [asked for _, asked in cases],
        "cue": "Answer:",
        "options": json.dumps(options),
        "labels": [json.dumps(labels)] * (len(cases) - 1) + ["[]"],
        "premise": [PREMISE] * (len(cases) - 1) + [""],
        "demonstrations": "",
    }
    table = pd.DataFrame(table)
    table.loc[table["premise"] == "", "prompt"] = PREMISE
    return Prompts.validate(table)


def speak(tokenizer: PreTrainedTokenizerBase, table: pd.DataFrame, form: str = "chat", context: int = 8192) -> list[Rendered]:
    """Prompts as a model would get them."""
    return render(table, Speech(tokenizer, form), context)


def rendered(*tokens: list[int], answers: tuple[tuple[int, ...], ...] = ((1,), (2,))) -> list[Rendered]:
    """Prompts of given tokens, answered with the tokens 1 and 2 or with others."""
    return [Rendered(f"{place:016x}", "-", tuple(ids), answers) for place, ids in enumerate(tokens)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models are slower with more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    return tiny_llama()


@pytest.fixture(scope="session")
def speaker(smollm2: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The default model and its tokenizer."""
    return load_model(smollm2, "float32", "cpu"), AutoTokenizer.from_pretrained(smollm2, local_files_only=True)


@st.composite
def trees(draw: st.DrawFn, longest_answer: int = 4) -> list[Rendered]:
    """Prompts of three kinds of tokens, with answers of the same: many are another's prefix, or equal but in name."""
    ids = st.lists(st.integers(3, 5), min_size=1, max_size=9).map(tuple)
    answer = st.lists(st.integers(3, 5), min_size=1, max_size=longest_answer).map(tuple)
    cases = draw(st.lists(st.tuples(ids, st.tuples(answer, answer)), min_size=1, max_size=12))
    return [Rendered(f"{place:016x}", "-", tokens, answers) for place, (tokens, answers) in enumerate(cases)]


def prefixes(prompts: list[Rendered]) -> set[tuple[int, ...]]:
    """Every token that must be computed to score these prompts, named by all up to it."""
    whole = [prompt.tokens + answer[:-1] for prompt in prompts for answer in prompt.answers]
    return {tokens[:end] for tokens in whole for end in range(1, len(tokens) + 1)}


# Rendering


def test_chat_is_rendered_as_the_model_was_taught(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[:1]), "chat", 8192)
    assert prompt.text == (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{PRESS}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert speaker[1].decode(prompt.tokens) == prompt.text
    assert [speaker[1].decode(answer) for answer in prompt.answers] == ["A", "B"]
    assert all(len(answer) == 1 for answer in prompt.answers)


def test_demonstrations_are_earlier_turns_of_a_chat(speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[3:]), "chat", 8192)
    assert prompt.text == (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{POLITICS}<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n"
        f"<|im_start|>user\n{RELIGION}<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        f"<|im_start|>user\n{PRESS}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_demonstrations_stand_above_the_question_in_plain_text() -> None:
    prompt, *_ = speak(tiny_tokenizer(None), table_of(CASES[3:]), "plain", 8192)
    assert prompt.text == f"{SYSTEM}\n\n{POLITICS}\nAnswer: B\n\n{RELIGION}\nAnswer: A\n\n{PRESS}\nAnswer:"


def test_plain_text_is_instruction_and_question_and_its_answer_follows_a_space(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase],
) -> None:
    prompt, *_ = speak(speaker[1], table_of(CASES[:1]), "plain", 8192)
    assert prompt.text == f"{SYSTEM}\n\n{PRESS}\nAnswer:"
    assert [speaker[1].decode(answer) for answer in prompt.answers] == [" A", " B"]
    assert all(len(answer) == 1 for answer in prompt.answers)


@pytest.mark.parametrize(("form", "answer"), [("chat", "{}<|im_end|>"), ("plain", " {}\n")])
def test_closed_answer_ends_where_the_models_turn_or_line_ends(
    form: str, answer: str, speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    table = table_of(CASES[:1], "would", "would not", closed=True)
    prompt, *_ = speak(speaker[1], table, form, 8192)
    decoded = [speaker[1].decode(tokens) for tokens in prompt.answers]
    assert decoded == [answer.format("would"), answer.format("would not")]
    assert prompt.text == speak(speaker[1], table_of(CASES[:1]), form, 8192)[0].text


@pytest.mark.parametrize("form", FORMATS)
def test_no_real_closed_answer_begins_with_the_other(
    form: str, speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    resources = Path(__file__).parent.parent / "resources" / "probes"
    begins = 0
    for language in ("en", "es"):
        for text in read_texts(
            resources / "texts" / f"{language}.csv", read_bank(resources / "probes.csv")
        ).itertuples():
            begins += text.option_a.startswith(text.option_b) or text.option_b.startswith(text.option_a)
            table = table_of([([], text.statement)], text.option_a, text.option_b, closed=True)
            one, other = speak(speaker[1], table, form, 8192)[0].answers
            assert one[: len(other)] != other and other[: len(one)] != one
    assert begins > 0


def test_template_without_a_system_role_gets_the_instruction_from_the_first_user() -> None:
    alone, shown = render(table_of([([], "What?"), ([("Who?", "B")], "What?")]), tiny_tokenizer(NO_SYSTEM), "chat", 512)
    assert alone.text == f"<|user|>{SYSTEM}\n\nWhat?<|end|><|assistant|>"
    turns = "<|assistant|>B<|end|><|user|>What?<|end|><|assistant|>"
    assert shown.text == f"<|user|>{SYSTEM}\n\nWho?<|end|>{turns}"


def test_prompts_are_rendered_in_order_and_keep_their_names() -> None:
    prompts = speak(tiny_tokenizer(), table_of(CASES), "chat", 4096)
    assert [prompt.prompt for prompt in prompts] == list(table_of(CASES)["prompt"])
    for prompt, (shown, asked) in zip(prompts, CASES, strict=True):
        turns = "".join(f"<|user|>{question}<|end|><|assistant|>{answer}<|end|>" for question, answer in shown)
        assert prompt.text == f"<|system|>{SYSTEM}<|end|>{turns}<|user|>{asked}<|end|><|assistant|>"


def test_answer_that_merges_with_the_text_before_it_is_refused() -> None:
    tokenizer = tiny_tokenizer("{% for m in messages %}{{ m.content }}{% endfor %}", merges=((":", "B"),))
    with pytest.raises(InputError, match="prompt 0{16}.*'B': the answer does not follow .* Choose other answers"):
        render(table_of([([], "What:")]), tokenizer, "chat", 4096)


def test_closed_answer_takes_in_all_that_ends_a_turn() -> None:
    tokenizer = tiny_tokenizer(CHAT + "{% if not add_generation_prompt %}<|over|>{% endif %}")
    prompt, *_ = speak(tokenizer, table_of(CASES, closed=True), "chat", 4096)
    assert tokenizer.decode(prompt.answers[0]) == "A<|end|><|over|>"


def test_template_that_writes_a_whole_conversation_otherwise_is_refused() -> None:
    tokenizer = tiny_tokenizer("{% if not add_generation_prompt %}<|whole|>{% endif %}" + CHAT)
    with pytest.raises(InputError, match="does not follow .* another format for this model"):
        speak(tokenizer, table_of(CASES, closed=True), "chat", 4096)


def test_template_that_puts_thoughts_before_an_answer_is_refused() -> None:
    thoughts = "{% if m.role == 'assistant' %}<think></think>{% endif %}{{ m.content }}"
    tokenizer = tiny_tokenizer(CHAT.replace("{{ m.content }}", thoughts))  # so does Qwen3's
    with pytest.raises(InputError, match="another format for this model"):
        speak(tokenizer, table_of(CASES, closed=True), "chat", 4096)


def test_base_model_without_a_chat_template_is_refused_in_chat_and_taken_in_plain() -> None:
    with pytest.raises(InputError, match="no chat template. Set format: plain"):
        speak(tiny_tokenizer(None), table_of(CASES), "chat", 4096)
    assert (
        render(table_of([([], "What?")]), tiny_tokenizer(None), "plain", 4096)[0].text == f"{SYSTEM}\n\nWhat?\nAnswer:"
    )


def test_plain_text_needs_no_working_chat_template() -> None:
    broken = tiny_tokenizer("{{ raise_exception('tools are required') }}")
    assert render(table_of([([], "What?")]), broken, "plain", 4096)[0].text == f"{SYSTEM}\n\nWhat?\nAnswer:"


def test_prompt_longer_than_the_context_is_refused_and_never_cut() -> None:
    tokenizer, table = tiny_tokenizer(), table_of(CASES[:1])
    length = len(speak(tokenizer, table, "chat", 4096)[0].tokens)
    assert len(speak(tokenizer, table, "chat", length + 1)[0].tokens) == length
    with pytest.raises(InputError, match=f"has {length + 1} tokens with its answer, the model takes {length - 1}. Use"):
        speak(tokenizer, table, "chat", length - 1)


def test_message_on_a_prompt_that_is_too_long_for_its_answer_names_a_number_above_the_context() -> None:
    tokenizer, table = tiny_tokenizer(), table_of(CASES[:1])
    length = len(speak(tokenizer, table, "chat", 4096)[0].tokens)
    with pytest.raises(InputError) as refusal:
        speak(tokenizer, table, "chat", length)
    counted, taken = re.search(r"(\d+) tokens.* takes (\d+)", str(refusal.value)).groups()
    assert int(counted) > int(taken)


# Rows


@settings(deadline=None, derandomize=True)
@given(trees(), st.integers(1, 40), st.randoms(use_true_random=False))
def test_plan_keeps_every_prompt_respects_the_budget_and_ignores_order(
    prompts: list[Rendered], budget: int, shuffler: random.Random
) -> None:
    rows = engine.plan_rows(prompts, budget)
    assert sorted((p for row in rows for p in row), key=lambda p: p.prompt) == prompts
    for row in rows:
        assert len(prefixes(row)) <= budget or len(row) == 1
    shuffled = prompts.copy()
    shuffler.shuffle(shuffled)
    assert engine.plan_rows(shuffled, budget) == rows


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trees(longest_answer=1), st.integers(1, 30))
def test_plan_computes_as_few_tokens_as_any_cut_of_the_sorted_prompts(prompts: list[Rendered], budget: int) -> None:
    ordered = sorted(prompts[:7], key=lambda prompt: (prompt.tokens, prompt.prompt))
    totals = []
    for cuts in itertools.product((False, True), repeat=len(ordered) - 1):
        edges = [0, *(place for place, cut in enumerate(cuts, start=1) if cut), len(ordered)]
        rows = [ordered[start:end] for start, end in itertools.pairwise(edges)]
        if all(len(prefixes(row)) <= budget or len(row) == 1 for row in rows):
            totals.append(sum(len(prefixes(row)) for row in rows))
    assert sum(len(prefixes(row)) for row in engine.plan_rows(ordered, budget)) == min(totals)


def test_plan_cuts_real_rows_by_hand() -> None:
    prompts = rendered([1, 2, 3], [1, 2, 4], [1, 5], [1, 6])
    for budget, lengths in ((6, [4]), (4, [2, 2]), (3, [1, 1, 2]), (1, [1, 1, 1, 1])):
        assert [len(row) for row in engine.plan_rows(prompts, budget)] == lengths


@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(3, 5), min_size=1, max_size=9), min_size=1, max_size=14).map(sorted))
def test_row_is_the_prefix_tree_of_its_sequences(sequences: list[list[int]]) -> None:
    row = engine.pack(sequences)
    assert len(row.tokens) == len({tuple(one[:end]) for one in sequences for end in range(1, len(one) + 1)})
    for sequence, path in zip(sequences, row.paths, strict=True):
        assert [row.tokens[token] for token in path] == sequence
        assert [row.positions[token] for token in path] == list(range(len(sequence)))
        for depth, token in enumerate(path, start=1):
            assert row.visible[token].nonzero().flatten().tolist() == path[:depth]
    assert {token for path in row.paths for token in path} == set(range(len(row.tokens)))


# Answers


@settings(max_examples=15, deadline=None, derandomize=True)
@given(trees(), st.integers(1, 60), st.randoms(use_true_random=False))
def test_rows_answer_as_single_prompts_do_whatever_their_order_and_budget(
    llama: LlamaForCausalLM, prompts: list[Rendered], budget: int, shuffler: random.Random
) -> None:
    expected = dict(zip(prompts, engine.score_naive(llama, prompts), strict=True))
    shuffler.shuffle(prompts)
    for row in engine.plan_rows(prompts, budget):
        for prompt, scores in zip(row, engine.score_packed(llama, row), strict=True):
            assert scores == pytest.approx(expected[prompt], abs=1e-4)


@pytest.mark.parametrize(
    "answers",
    [pytest.param({}, id="letters"), pytest.param({"first": "has", "second": "lacks it", "closed": True}, id="words")],
)
def test_rows_of_the_real_model_answer_as_single_prompts_do(
    answers: dict[str, object], speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> None:
    model, tokenizer = speaker
    prompts = speak(tokenizer, table_of(CASES, **answers), "chat", 8192)
    packed, naive = engine.score_packed(model, prompts), engine.score_naive(model, prompts)
    assert np.abs(np.subtract(packed, naive)).max() <= 1e-4
    assert np.std(packed, axis=0).min() > 0.01  # the prompts do matter
    assert (np.exp(packed).sum(axis=1) < 1).all()
    if not answers:
        assert (np.exp(packed).sum(axis=1) > 0.1).all()


def test_scores_are_log_probabilities_of_the_next_token(llama: LlamaForCausalLM) -> None:
    prompts = [Rendered(f"{token:016x}", "-", (7, 8, 9), ((token,), (token + 1,))) for token in range(0, 300, 2)]
    assert np.exp(engine.score_packed(llama, prompts)).sum() == pytest.approx(1, abs=1e-5)


def test_log_probabilities_of_an_answer_of_several_tokens_add_up(llama: LlamaForCausalLM) -> None:
    (whole, _), *_ = engine.score_naive(llama, [Rendered("0", "-", (7, 8), ((3, 4, 5), (1,)))])
    steps = [Rendered("0", "-", (7, 8), ((3,), (1,))), Rendered("0", "-", (7, 8, 3), ((4,), (1,)))]
    steps.append(Rendered("0", "-", (7, 8, 3, 4), ((5,), (1,))))
    assert whole == pytest.approx(sum(first for first, _ in engine.score_naive(llama, steps)), abs=1e-4)


def test_closed_answers_leave_no_probability_to_be_counted_twice(llama: LlamaForCausalLM) -> None:
    table = table_of(CASES, "a", "ab")
    opened, closed = (render(table.assign(closed=kind), tiny_tokenizer(), "chat", 4096) for kind in (False, True))
    assert all(prompt.answers[1][:1] == prompt.answers[0] for prompt in opened)
    assert not any(prompt.answers[1][: len(prompt.answers[0])] == prompt.answers[0] for prompt in closed)
    assert (np.exp(engine.score_packed(llama, closed)).sum(axis=1) <= 1).all()
    assert (np.array(engine.score_packed(llama, closed)) < engine.score_packed(llama, opened)).all()


def sliding() -> MistralForCausalLM:
    """A model that sees four tokens back only, which an explicit mask overrules."""
    torch.manual_seed(1)
    return MistralForCausalLM(MistralConfig(**SIZES, sliding_window=4)).eval()


def test_model_that_the_packed_engine_gets_wrong_is_refused(llama: LlamaForCausalLM) -> None:
    prompts = rendered([3, 4, 5, 6, 7, 8, 9], [3, 4, 5, 6, 7, 8, 10, 11])
    check_engine(llama, prompts, "float32")
    with pytest.raises(InputError, match="nats from the naive one. Set engine: naive"):
        check_engine(sliding(), prompts, "float32")


def test_engine_is_checked_on_the_longest_prompt() -> None:
    short = [[3, token] for token in range(4, 12)]
    with pytest.raises(InputError, match="Set engine: naive"):
        check_engine(sliding(), rendered(*short[:3], [3, 6, 7, 8, 9, 10, 11, 12], *short[3:]), "float32")


@pytest.mark.parametrize("kind", engine.ENGINES)
def test_mass_outside_is_what_both_answers_leave(kind: str, llama: LlamaForCausalLM, tmp_path: Path) -> None:
    table = table_of(CASES)
    prompts = speak(tiny_tokenizer(), table, "chat", 4096)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        answer(llama, prompts, kind, 400, ledger, MARK, "float32")
        answers = Answers.validate(collect(table, ledger, MARK))
    assert list(answers["prompt"]) == list(table["prompt"])
    assert list(answers["tokens"]) == [len(prompt.tokens) for prompt in prompts]
    assert list(answers["text"]) == [prompt.text for prompt in prompts]
    for row, prompt in zip(answers.itertuples(), prompts, strict=True):
        with torch.inference_mode():
            p = llama(torch.tensor([prompt.tokens])).logits[0, -1].softmax(-1)
        first, second = (float(p[label]) for (label,) in prompt.answers)
        assert math.exp(row.log_p_first) == pytest.approx(first, rel=1e-3)
        assert math.exp(row.log_p_second) == pytest.approx(second, rel=1e-3)
        assert row.mass_outside == pytest.approx(1 - first - second, abs=1e-5)


def test_mass_outside_is_never_below_zero(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        half = float(np.log(np.float32(0.5))) + 1e-7
        ledger.record(MARK, [(f"{0:016x}", "-", 1, half, half)])
        assert Answers.validate(collect(table_of([([], "-")]), ledger, MARK))["mass_outside"].iloc[0] == 0


# The ledger


def test_recorded_answers_survive_reopening(tmp_path: Path) -> None:
    answers = [(f"{place:016x}", "text\nó", 3, -0.1 - place, -1e-300) for place in range(5)]
    with Ledger(tmp_path / "new" / "ledger.sqlite") as ledger:
        ledger.record(MARK, answers[:3])
        ledger.record(MARK, answers[3:])
        ledger.record("0" * 16, [answers[0]])
    with Ledger(tmp_path / "new" / "ledger.sqlite") as ledger:
        assert ledger.answered(MARK) == {row[0]: row for row in answers}
        assert set(ledger.answered("0" * 16)) == {answers[0][0]}
        assert ledger.answered("1" * 16) == {}


def test_batch_that_fails_is_absent_as_a_whole(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record(MARK, [("a", "-", 1, -1.0, -2.0)])
        with pytest.raises(sqlite3.IntegrityError):
            ledger.record(MARK, [("b", "-", 1, -1.0, -2.0), ("a", "-", 1, -1.0, -2.0)])
        assert set(ledger.answered(MARK)) == {"a"}


@pytest.mark.parametrize("delay", [0, 0.01, 0.03])  # seconds; a batch takes some 0.05
def test_killed_writer_leaves_whole_batches_and_no_lock(delay: float, tmp_path: Path) -> None:
    size, path = 20_000, tmp_path / "ledger.sqlite"
    writer = f"""
from itertools import count
from pathlib import Path
from selfalign.inference.ledger import Ledger
with Ledger(Path({str(path)!r})) as ledger:
    for batch in count():
        ledger.record({MARK!r}, [(f"{{batch}}-{{row}}", "-", 1, -1.0, -2.0) for row in range({size})])
        print(batch, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE, text=True)
    confirmed = int(process.stdout.readline())
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    confirmed = max([confirmed, *map(int, process.communicate()[0].split())])
    with Ledger(path) as ledger:
        answered = ledger.answered(MARK)
        assert len(answered) % size == 0
        assert len(answered) >= (confirmed + 1) * size
        ledger.record(MARK, [("new", "-", 1, -1.0, -2.0)])


def test_resumed_job_keeps_what_was_answered_and_answers_the_rest_alike(
    llama: LlamaForCausalLM, tmp_path: Path
) -> None:
    table = table_of(CASES)
    prompts = speak(tiny_tokenizer(), table, "chat", 4096)
    with Ledger(tmp_path / "whole.sqlite") as ledger:
        answer(llama, prompts, "packed", 400, ledger, MARK, "float32")
        whole = ledger.answered(MARK)
    done = (prompts[1].prompt, "recorded before", 7, -0.25, -2.5)
    with Ledger(tmp_path / "resumed.sqlite") as ledger:
        ledger.record(MARK, [done])
        answer(llama, prompts, "packed", 400, ledger, MARK, "float32")
        resumed = ledger.answered(MARK)
    assert resumed.pop(done[0]) == done
    for name, row in resumed.items():
        assert row[:3] == whole[name][:3]
        assert row[3:] == pytest.approx(whole[name][3:], abs=1e-4)
    assert len(resumed) == len(table) - 1


def test_fingerprint_changes_with_all_that_decides_an_answer_and_nothing_else() -> None:
    usual = fingerprint(CARD, "chat", "float32", "cpu", "packed")
    assert usual == fingerprint(dict(reversed(CARD.items())) | {"parameters": 5}, "chat", "float32", "cpu", "packed")
    others = [
        fingerprint(CARD, "plain", "float32", "cpu", "packed"),
        fingerprint(CARD, "chat", "bfloat16", "cpu", "packed"),
        fingerprint(CARD, "chat", "float32", "cuda", "packed"),
        fingerprint(CARD, "chat", "float32", "cpu", "naive"),
        *(fingerprint(CARD | {key: "9"}, "chat", "float32", "cpu", "packed") for key in CARD if "sha256" in key),
    ]
    assert len({usual, *others}) == 8


def test_fingerprint_changes_with_the_version_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(CARD, "chat", "float32", "cpu", "packed")
    monkeypatch.setattr(engine, "VERSION", engine.VERSION + "+")
    assert fingerprint(CARD, "chat", "float32", "cpu", "packed") != before
