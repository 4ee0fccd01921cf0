"""Greedy replies: computed as transformers computes them, resumed, matched to options, and scored."""

import inspect
import json
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from families import CONFIGS, VOCABULARY, tiny_model
from jobs import Job
from places import ROOT
from selfalign.config.read import check_settings
from selfalign.errors import InputError
from selfalign.inference.choices import ENGINES, FORMATS, SHOWN
from selfalign.inference.local import generate
from selfalign.inference.local.check import check_replies
from selfalign.inference.local.greedy import ReplyPlan, add_replies, entry_of_reply, find_stops, plan_replies
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.messages import place_demonstrations
from selfalign.inference.readouts import list_options
from selfalign.ledger.storage import Ledger
from selfalign.scoring.compare_replies import read_replies, summarise
from tiny import CASES, POLITICS, PREMISE, PRESS, SYSTEM, table_of, tiny_llama, tiny_tokenizer
from transformers import (
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

pytestmark = pytest.mark.usefixtures("one_thread")

UNKNOWN = {"mpt", "falcon_alibi", "gpt_neo"}


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
    model, prompts = tiny_model(family), [*prompts[:8], *prompts[-2:]]
    first, second = (by_transformers(model, prompt, {VOCABULARY}, 6) for prompt in prompts[:2])
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


def test_replies_are_compared_with_the_naive_engine_during_the_job(prompts: list[Rendered]) -> None:
    model = tiny_model("llama")
    stops = {reply_all(model, prompts[:1], [], 3, 50)[0].tokens[1], VOCABULARY}
    checked = list(check_replies(model, generate.reply(model, prompts, stops, 4, 20), stops, share=1e9))
    kinds = {(one.ended, len(one.tokens)) for batch, _ in checked for one in batch.replies}
    assert (True, 1) in kinds and (False, 4) in kinds
    found = [difference for batch, difference in checked if batch.replies]
    assert len(found) > 3 and all(0 <= difference < 1e-4 for difference in found)
    few = [delta for _, delta in check_replies(model, generate.reply(model, prompts, stops, 4, 20), stops, share=0.0)]
    assert sum(difference is not None for difference in few) == 1


@pytest.mark.parametrize("fault", ["token", "ended", "cut off"])
def test_wrong_reply_stops_the_job_and_the_message_has_the_difference(fault: str, prompts: list[Rendered]) -> None:
    model = tiny_model("llama")
    (right,) = reply_all(model, prompts[:1], [], 4, 50)
    said, best = generate.follow(model, right, [])
    assert said == best and len(said) == 5
    stops = [right.tokens[3]] if fault == "cut off" else [VOCABULARY - 1]
    wrong = {
        "token": right._replace(tokens=(right.tokens[0], right.tokens[1] % 299 + 1, *right.tokens[2:])),
        "ended": right._replace(tokens=right.tokens[:3], ended=True),  # it would go on
        "cut off": right._replace(tokens=right.tokens[:3]),  # it would end
    }[fault]
    said, best = generate.follow(model, wrong, stops)
    worst = max(b - s for s, b in zip(said, best, strict=True))
    batches = iter([generate.ReplyBatch([wrong], 1)])
    with pytest.raises(InputError, match=f"is {worst:.3g} nats from the naive one on prompt {wrong.prompt.prompt}"):
        list(check_replies(model, batches, stops))


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
    for kind in ENGINES:
        with pytest.raises(InputError, match="logits are not finite.*another dtype"):
            reply_all(model, prompts, [], 4, 1000, kind)


# The default model


def test_default_model_replies_as_transformers_does(
    speaker: tuple[PreTrainedModel, PreTrainedTokenizerBase], smollm2: Path
) -> None:
    model, tokenizer = speaker
    table = table_of(CASES[1:3], labels=())
    for form in FORMATS:
        prompt_format = PromptFormat(tokenizer, form)
        plan = plan_replies(table, render(table, prompt_format, None), prompt_format, smollm2, 5, None)
        prompts = list(plan.prompts.values())
        assert sorted(prompt.prompt for prompt in prompts) == sorted(table["prompt"])[:-1]  # not the premise
        replies = reply_all(model, prompts, plan.stops, 5, 200)
        expected = [by_transformers(model, prompt, set(plan.stops), 5) for prompt in prompts]
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


# Jobs


def job_arguments(folder: Path, made: Path, *more: object) -> list[object]:
    """Arguments of a job with the inputs in one folder, and its ledger and answers in another."""
    inputs = ["--prompts", folder / "prompts.parquet", "--card", folder / "model.json", "--weights", folder / "weights"]
    how = ["--format", "chat", "--dtype", "float32", "--device", "cpu", "--engine", "packed", "--row-tokens", 100]
    places = ["--ledger", made / "ledger.sqlite", "--output", made / "answers.parquet"]
    return ["infer", *inputs, *how, "--threads", 1, *places, *more]


def run_job(folder: Path, made: Path, *more: object) -> pd.DataFrame:
    """Run a job to its end; its answers."""
    made.mkdir(exist_ok=True)
    job = Job(job_arguments(folder, made, *more), made / "log")
    assert job.wait(120) == 0, job.said()
    return pd.read_parquet(made / "answers.parquet")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model and 60 prompts, of which some have the same text and other options."""
    folder = tmp_path_factory.mktemp("inputs")
    tiny_llama().save_pretrained(folder / "weights")
    tiny_tokenizer().save_pretrained(folder / "weights")
    (folder / "model.json").write_text(json.dumps({"weights_sha256": "1" * 64, "context_length": 4096}))
    table = table_of([([("Who?", "A")] * (n % 50 % 3), f"What {n % 50}? {'Really? ' * (n % 5)}") for n in range(60)])
    table.loc[50:59, "options"] = '["has", "has not"]'
    table.to_parquet(folder / "prompts.parquet")
    return folder


@pytest.fixture(scope="module")
def told(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a job with replies leaves that nobody disturbs."""
    made = tmp_path_factory.mktemp("told")
    run_job(inputs, made, "--reply", 5)
    return made


def entries(made: Path) -> dict[str, str]:
    """What a ledger holds: scores, as JSON, by key."""
    with closing(sqlite3.connect(made / "ledger.sqlite")) as database:
        return dict(database.execute("SELECT key, scores FROM answers"))


def prompts_computed(made: Path) -> list[int]:
    """Number of answers and replies of every run of a ledger."""
    with closing(sqlite3.connect(made / "ledger.sqlite")) as database:
        return [count for (count,) in database.execute("SELECT prompts FROM runs ORDER BY rowid")]


def test_replies_added_later_compute_no_likelihood_again(inputs: Path, told: Path, tmp_path: Path) -> None:
    plain = run_job(inputs, tmp_path)
    assert plain["reply"].isna().all() and plain["replied"].isna().all()
    run_job(inputs, tmp_path, "--reply", 5)
    assert (tmp_path / "answers.parquet").read_bytes() == (told / "answers.parquet").read_bytes()
    assert entries(tmp_path) == entries(told)
    assert prompts_computed(tmp_path) == [61, 50]  # 10 prompts share another's tokens
    assert "61 prompts: 0 to answer, 61 in the ledger" in (tmp_path / "log").read_text()
    run_job(inputs, tmp_path, "--reply", 5)
    assert prompts_computed(tmp_path) == [61, 50]
    assert run_job(inputs, tmp_path).drop(columns=["reply", "replied"]).equals(plain.drop(columns=["reply", "replied"]))


def test_answers_of_a_gpu_are_read_where_there_is_none(inputs: Path, told: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    with closing(sqlite3.connect(told / "ledger.sqlite")) as database:
        ((mark, facts),) = database.execute("SELECT fingerprint, facts FROM models")
    with Ledger(told / "ledger.sqlite") as ledger:
        answers = list(ledger.answered(mark).values())
    there = {"device": "cuda:0", "threads": 1, "versions": {}}
    with Ledger(made / "ledger.sqlite") as ledger, ledger.run(json.loads(facts) | {"device": "cuda"}, **there) as run:
        run.record(answers)
    table = run_job(inputs, made, "--reply", 5, "--device", "cuda")
    assert (table["fingerprint"] != mark).all()
    expected = pd.read_parquet(told / "answers.parquet")
    assert table.drop(columns="fingerprint").equals(expected.drop(columns="fingerprint"))
    if not torch.cuda.is_available():
        refused = Job(job_arguments(inputs, tmp_path, "--device", "cuda"), tmp_path / "log")
        assert refused.wait(120) == 1
        assert "PyTorch sees no such device" in refused.said()


def test_answers_have_a_reply_for_each_prompt_and_none_for_the_premise(inputs: Path, told: Path) -> None:
    table, answers = pd.read_parquet(inputs / "prompts.parquet"), pd.read_parquet(told / "answers.parquet")
    premise = answers["prompt"] == PREMISE
    assert answers.loc[premise, "reply"].isna().all() and answers.loc[~premise, "reply"].notna().all()
    assert (answers.groupby("prompt")["reply"].nunique(dropna=False) == 1).all()
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    for prompt in render(table, PromptFormat(tokenizer, "chat"), None)[:3]:
        tokens = by_transformers(model, prompt, {tokenizer.eos_token_id, 2}, 5)
        reply = answers.loc[answers["prompt"] == prompt.prompt, "reply"].iloc[0]
        assert reply == tokenizer.decode(tokens, skip_special_tokens=True)


def test_killed_job_resumes_to_the_same_replies(inputs: Path, told: Path, tmp_path: Path) -> None:
    run_job(inputs, tmp_path)
    journal = tmp_path / "ledger.sqlite-wal"
    for pages in (12, 24):
        job, journal = (
            Job(job_arguments(inputs, tmp_path, "--reply", 5), tmp_path / "log"),
            tmp_path / "ledger.sqlite-wal",
        )
        while job.wait(0.001) is None and not (journal.exists() and journal.stat().st_size > 4096 * pages):
            pass
        job.send(signal.SIGKILL)
        job.wait()
    run_job(inputs, tmp_path, "--reply", 5)
    assert (tmp_path / "answers.parquet").read_bytes() == (told / "answers.parquet").read_bytes()
    assert entries(tmp_path) == entries(told)
    assert sum(prompts_computed(tmp_path)) == len(entries(told))  # none was computed twice
    first, *replies = prompts_computed(tmp_path)
    assert first == 61 and len(replies) == 3 and all(0 < count < 50 for count in replies)  # no job gave all


def test_reply_that_does_not_fit_into_the_context_is_refused(inputs: Path) -> None:
    table, prompt_format = pd.read_parquet(inputs / "prompts.parquet"), PromptFormat(tiny_tokenizer(), "chat")
    prompts = render(table, prompt_format, None)
    longest = max(len(prompt.tokens) for prompt in prompts[:-1])
    assert plan_replies(table, prompts, prompt_format, inputs / "weights", 16, longest + 16).prompts
    with pytest.raises(InputError, match=f"16 more with its reply; the model takes {longest + 15}. Set a smaller"):
        plan_replies(table, prompts, prompt_format, inputs / "weights", 16, longest + 15)


# Matching and scoring


def test_reply_is_matched_to_its_own_prompts_options_and_none_if_it_was_cut_off() -> None:
    table = table_of([([], POLITICS), ([], PRESS)], ("has", "lacks it"))
    table["labels"] = ['["A", "B"]', "[]", "[]"]
    names, tokenizer, prompt = list(table["prompt"]), tiny_tokenizer(), Rendered("p", "text", (1,), ())
    answers = list_options(table)[["prompt", "place"]]

    def places(reply: str, ended: bool = True) -> list[object]:
        entry = entry_of_reply(generate.Reply(prompt, tuple(tokenizer(reply).input_ids), ended), "k", tokenizer)
        plan = ReplyPlan({}, dict.fromkeys(names[:2], "k"), frozenset(), 5)
        filled = add_replies(answers, table, plan, {"k": entry}, "en", tokenizer).set_index(["prompt", "place"])
        assert filled.loc[names[2], "reply"].isna().all() and (filled.loc[names[0], "reply"] == reply).all()
        return [filled.loc[(name, 1), "replied"] for name in names]

    assert places("B") == [2, pd.NA, pd.NA]  # the second prompt shows no labels
    assert places(" Lacks it.\n") == [2, 2, pd.NA]
    assert places("has", ended=False) == [pd.NA, pd.NA, pd.NA]
    assert places("") == [pd.NA, pd.NA, pd.NA]
    both = ReplyPlan({}, dict.fromkeys(names[:2], "k"), frozenset(), 5)
    said = {"k": entry_of_reply(generate.Reply(prompt, tuple(tokenizer("has").input_ids), True), "k", tokenizer)}
    filled = add_replies(answers, table, both, said, "en", tokenizer).set_index(["prompt", "place"])
    assert filled.loc[names[0], "greedy"].tolist() == [0, -np.inf] and filled.loc[names[2], "greedy"].isna().all()


CELL_OF = {"arm": "own", "country": "BOL", "source": "BOL", "seed": 0, "template": "cloze"}
POLES = pd.DataFrame({"country": "BOL", "probe": ["Q1", "Q2", "Q3"], "majority": ["A", "A", "B"]})


def scored(
    *cases: tuple[str, str, str | None, int | None, tuple[float, float]], samples: int | None = None
) -> pd.DataFrame:
    """Replies of cases: probe, order, reply, place of the option that it is, likelihoods of both options."""
    design, answers = [], []
    for number, (probe, order, reply, place, log_p) in enumerate(cases):
        prompt = f"{number:016x}"
        design.append({**CELL_OF, "probe": probe, "asks": "poles", "order": order, "prompt": prompt})
        told = {"prompt": prompt, "reply": reply, "replied": place, "samples": samples}
        answers += [told | {"place": one, "option": value} for one, value in enumerate(log_p, start=1)]
    answers = pd.DataFrame(answers).astype({"replied": "Int64"})
    return read_replies(pd.DataFrame(design), answers, POLES, {"cloze": "option"})


def test_reply_and_likelihood_choose_poles_by_the_order_of_the_options() -> None:
    table = scored(
        ("Q1", "AB", "first", 1, (-1.0, -2.0)),
        ("Q1", "BA", "first", 1, (-1.0, -2.0)),
        ("Q2", "AB", "second", 2, (-1.0, -2.0)),
        ("Q2", "BA", "I cannot say", None, (-2.0, -1.0)),
        ("Q3", "AB", " ", None, (-1.0, -1.0)),
        ("Q3", "BA", "second", 2, (-1.0, -1.0)),
    )
    assert list(table["replied"].fillna("")) == ["A", "B", "B", "", "", "A"]
    assert list(table["likelier"].fillna("")) == ["A", "B", "A", "A", "", ""]
    assert list(table["kind"]) == ["option", "option", "option", "other", "empty", "option"]
    assert list(table["mismatch"]) == [False, False, True, pd.NA, pd.NA, pd.NA]


def test_shares_of_replies_by_hand() -> None:
    table = scored(
        ("Q1", "AB", "first", 1, (-1.0, -2.0)),  # A, as the people and as the likelihood
        ("Q1", "BA", "first", 1, (-2.0, -1.0)),  # B, neither
        ("Q2", "AB", "first", 1, (-1.0, -2.0)),  # A, both
        ("Q2", "BA", "second", 2, (-1.0, -2.0)),  # A, the people
        ("Q3", "AB", "I cannot say", None, (-2.0, -1.0)),
        ("Q3", "BA", "", None, (-2.0, -1.0)),
    )
    (row,) = summarise(table, "half").to_dict("records")
    assert row == pytest.approx(
        {
            "arm": "own",
            "template": "cloze",
            "replies": 6,
            "option": 4 / 6,
            "empty": 1 / 6,
            "other": 1 / 6,
            "agreement": (3 + 2 * 0.5) / 6,
            "compared": 4,
            "mismatch": 2 / 4,
            "both_orders": 2,
            "orders_differ": 1 / 2,
        }
    )
    assert [summarise(table, rule)["agreement"].item() for rule in ("wrong", "left_out")] == [3 / 6, 3 / 4]


def test_share_of_one_reply_is_no_likelihood_to_compare_it_with() -> None:
    told = [("Q1", "AB", "first", 1, (0.0, -np.inf)), ("Q1", "BA", "first", 1, (0.0, -np.inf))]
    assert scored(*told)["mismatch"].tolist() == [False, False]
    table = scored(*told, samples=1)
    assert table["mismatch"].isna().all() and table["likelier"].isna().all()
    (row,) = summarise(table, "half").to_dict("records")
    assert (row["option"], row["compared"], row["orders_differ"]) == (1, 0, 1)


def test_arm_without_any_option_has_shares_and_no_mismatch() -> None:
    table = scored(("Q1", "AB", "Sorry", None, (-1.0, -2.0)), ("Q1", "BA", "Sorry", None, (-1.0, -2.0)))
    (row,) = summarise(table, "half").to_dict("records")
    assert (row["replies"], row["other"], row["agreement"], row["compared"]) == (2, 1, 0.5, 0)
    assert np.isnan([row["mismatch"], row["orders_differ"]]).all()


# The one-message form


def test_demonstrations_are_lines_of_the_message() -> None:
    table = table_of([([(POLITICS, "B"), ("Is it so? (yes / no)", "yes")], PRESS), ([], PRESS)])
    placed = place_demonstrations(table, "message", "chat")
    lines = "To me, politics means ___. (A: a lot / B: little) Answer: B\nIs it so? (yes / no) Answer: yes"
    assert list(placed["asked"]) == [f"{lines}\n\n{PRESS}", PRESS, "___"]
    one, none, premise = render(placed, PromptFormat(tiny_tokenizer(), "chat"), None)
    assert one.text == f"<|system|>{SYSTEM}<|end|><|user|>{lines}\n\n{PRESS}<|end|><|assistant|>"
    before = render(table, PromptFormat(tiny_tokenizer(), "chat"), None)
    assert [none, premise] == before[1:] and one.prompt == before[0].prompt and one.key != before[0].key
    assert place_demonstrations(table, "turns", "plain") is table
    with pytest.raises(InputError, match="bare text has no messages. Set shown: turns, or format: chat"):
        place_demonstrations(table, "message", "plain")


def test_place_of_demonstrations_is_part_of_the_fingerprint(inputs: Path, tmp_path: Path) -> None:
    marks = {tuple(run_job(inputs, tmp_path, "--shown", shown)["fingerprint"].unique()) for shown in SHOWN}
    assert len(marks) == 2


@pytest.mark.parametrize(
    ("model", "tells"),
    [
        ({"endpoint": {"url": "http://a", "model": "b"}, "reply": 4}, "models.m.reply.*4.*has an endpoint.*samples: 1"),
        (
            {"source": {"folder": "f"}, "reply": 17},
            "models.m.reply, value 17: must be a whole number at least 0 and at most 16",
        ),
        (
            {"source": {"folder": "f"}, "format": "plain", "shown": "message"},
            "models.m.shown.*text has no messages",
        ),
    ],
)
def test_setting_that_cannot_be_is_refused(model: dict, tells: str) -> None:
    config: dict = {}
    for name in ("config", "surveys", "languages", "models", "arms"):
        config |= yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    config["models"] |= {"m": {"label": "M"} | model}
    with pytest.raises(InputError, match=tells):
        check_settings(config)
