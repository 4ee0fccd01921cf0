"""How prompts become text and tokens: chat templates of every kind, bare text, and how a reply may begin."""

import json
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rendering import SHOWN, SYSTEM, TURNS, byte_tokenizer, table_of
from selfalign.errors import InputError
from selfalign.inference.choices import ENGINES
from selfalign.inference.local import engine
from selfalign.inference.local.collect import collect
from selfalign.inference.local.openings import capitalise, list_forms, log_p_open, prefix_free
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.ledger.rows import Entry
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, utils


def read(
    tokenizer: PreTrainedTokenizerFast, table: pd.DataFrame | None = None, form: str = "chat", **template: object
) -> tuple[Rendered, list[str]]:
    """The first prompt as a model gets it, and its answers as text."""
    prompt, *_ = render(table_of() if table is None else table, PromptFormat(tokenizer, form, template), None)
    return prompt, [tokenizer.decode(answer) for answer in prompt.answers]


# Chat templates


def test_white_space_before_an_answer_belongs_to_its_tokens_and_to_a_labels() -> None:
    spaced = TURNS.replace("{{ m.content }}", "{{ (' ' if m.role == 'assistant' else '') + m.content }}")
    prompt, answers = read(byte_tokenizer(spaced), table_of(labels=("A", "B")))
    assert answers == [" A", " B", " small<|end|>", " big<|end|>"]
    assert "<|assistant|> big<|end|>" in prompt.text and prompt.text.endswith("<|assistant|>")


def test_white_space_that_the_tokenizer_joins_with_an_answer_is_read_with_it() -> None:
    spaced = TURNS.replace("<|assistant|>", "<|assistant|> ").replace(
        "|>{{ m", "|>{{ ' ' if m.role == 'assistant' }}{{ m"
    )
    prompt, answers = read(byte_tokenizer(spaced, merges=("Ġs",)))
    assert answers == [" small<|end|>", " big<|end|>"] and prompt.text.endswith("<|assistant|>")


@pytest.mark.parametrize(
    "template",
    [
        TURNS.replace("{{ m.content }}", "{{ m.content if m.role != 'system' }}"),
        TURNS.replace("for m in messages", "for m in messages if m.role != 'system'"),
        "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>"
        "{% if loop.last and messages[0].role == 'system' and m.role == 'user' %}"
        "{{ messages[0].content }}\n\n{% endif %}"
        "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
        TURNS.replace("{{ m.content }}", "{{ m.content * (2 if m.role == 'system' else 1) }}"),
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TURNS,
    ],
    ids=["empty", "dropped", "last turn", "doubled", "refused"],
)
def test_instruction_opens_the_first_turn_if_the_template_does_not_write_it_once(
    template: str, capsys: pytest.CaptureFixture
) -> None:
    prompt, answers = read(byte_tokenizer(template))
    opened = prompt.text.partition("<|user|>")[2]
    assert opened.startswith(f"{SYSTEM}\n\n{SHOWN[0][0]}<|end|><|assistant|>big<|end|>")
    assert prompt.text.count("Choose one.") == 1
    assert answers == ["small<|end|>", "big<|end|>"]
    assert capsys.readouterr().err.count("the instruction opens the first user's turn, because the chat template") == 1


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (TURNS.replace("for m in messages", "for m in messages[-2:]"), "drops"),
        (TURNS.replace("{{ m.content }}", "{{ m.content * (2 if m.role == 'user' else 1) }}"), "writes 2 times a question"),  # noqa: E501
        ("{% if not add_generation_prompt %}whole {% endif %}" + TURNS, "in another way than without"),
        (TURNS.replace("{{ m.content }}", "{{ ('Re: ' if m.role == 'assistant' else '') + m.content }}"), "'Re: ' before"),  # noqa: E501
        ("{% for m in messages %}{{ m.content }}{% endfor %}", "nothing that ends an answer"),
        (TURNS.replace("{{ m.content }}", "{{ m.content | replace('one', 'two') }}"), "as they are"),
        (TURNS.replace("{{ m.content }}", "{{ m.content | replace('small', 'tiny') if m.role == 'assistant' else m.content }}"),  # noqa: E501
         "as they are"),
    ],
)  # fmt: skip
def test_template_that_changes_what_is_asked_is_refused_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(byte_tokenizer(template))


def test_answer_that_the_tokenizer_joins_with_the_text_before_it_is_refused() -> None:
    named = "{% for m in messages %}{{ m.role }}:{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"  # noqa: E501
    with pytest.raises(
        InputError, match=r"prompt 0{16}.*'small': the tokenizer joins the answer with the text before it"
    ):
        read(byte_tokenizer(named, merges=(":s",)))


def test_thought_in_answers_is_refused_with_the_setting_that_stops_it() -> None:
    thinks = TURNS.replace(
        "{{ m.content }}",
        "{% if m.role == 'assistant' and enable_thinking is not defined %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}",  # noqa: E501
    )
    with pytest.raises(InputError, match=r"writes a thought before an answer.*Set template: {enable_thinking: false}"):
        read(byte_tokenizer(thinks))
    _, answers = read(byte_tokenizer(thinks), enable_thinking=False)
    assert answers == ["small<|end|>", "big<|end|>"]


def test_thought_that_the_generation_prompt_closes_is_accepted_and_reported(capsys: pytest.CaptureFixture) -> None:
    empty = "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    closed = (
        "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}"  # as Qwen 3
    )
    template = TURNS.replace("{{ m.content }}", closed).replace(
        "<|assistant|>{% endif", f"<|assistant|>{empty}{{% endif"
    )
    with pytest.raises(InputError, match=r"enable_thinking: false"):
        read(byte_tokenizer(template))
    prompt, answers = read(byte_tokenizer(template), enable_thinking=False)
    assert prompt.text.endswith("<|assistant|><think>\n\n</think>\n\n")
    assert prompt.text.count("<think>") == 1 < prompt.text.count("<|assistant|>")
    assert answers == ["small<|end|>", "big<|end|>"]
    assert "a closed thought before the answer that is read, and none before" in capsys.readouterr().err
    read(byte_tokenizer(TURNS))
    assert "thought" not in capsys.readouterr().err


def test_thought_that_the_generation_prompt_opens_is_refused() -> None:
    always = TURNS.replace("<|assistant|>{% endif", "<|assistant|><think>\n{% endif")
    with pytest.raises(InputError, match="opens a thought before an answer.*No setting"):
        read(byte_tokenizer(always))


GEMMA_4 = (
    "{% if enable_thinking or messages[0].role == 'system' %}<|system|>{{ '<|think|>\n' if enable_thinking }}"
    "{{ messages[0].content if messages[0].role == 'system' }}<|end|>{% endif %}"
    "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>"
    "{{ '<|channel>thought\n<channel|>' if not enable_thinking }}{% endif %}"
)
"""The layout of Gemma 4 with its marks of a thought."""

SEED = (
    "{% set budget = thinking_budget if thinking_budget is defined else -1 %}"
    "{% for m in messages %}<|{{ m.role }}|>"
    "{{ '\n<seed:think>' + m.reasoning_content + '</seed:think>' if m.reasoning_content }}"
    "{{ '\n' + m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}"
    "{{ '<seed:think>\nThe budget is 0.\n</seed:think>' if budget == 0 }}{% endif %}"
)
"""The layout of Seed-OSS, which writes a line break between a thought and the answer."""

HUNYUAN = TURNS.replace(
    "<|assistant|>{% endif",
    "<|assistant|>{{ '<think>\n\n</think>\n' if enable_thinking is defined and not enable_thinking }}{% endif",
)
"""The layout of Hunyuan."""

SMOLLM_3 = (
    "{% set thinks = enable_thinking is not defined or enable_thinking %}"
    "<|system|>Mode: {{ '/think' if thinks else '/no_think' }}\n"
    "{% for m in messages %}{{ '<|' + m.role + '|>' if m.role != 'system' }}"
    "{{ '<think>\n\n</think>\n' if m.role == 'assistant' and not thinks }}{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{{ '<think>\n\n</think>\n' if not thinks }}{% endif %}"
)
"""The layout of SmolLM 3, which names the mode in the system turn."""


@pytest.mark.parametrize(
    ("template", "settings", "thought", "lead"),
    [
        (GEMMA_4, {}, "<|channel>thought\n<channel|>", ""),
        (GEMMA_4, {"enable_thinking": False}, "<|channel>thought\n<channel|>", ""),
        (SEED, {"thinking_budget": 0}, "<seed:think>\nThe budget is 0.\n</seed:think>", "\n"),
        (HUNYUAN, {"enable_thinking": False}, "<think>\n\n</think>\n", ""),
        (
            TURNS.replace("|>{{ m", "|>{{ '\n' if m.role == 'assistant' }}{{ m").replace(
                "<|assistant|>{%", "<|assistant|><think></think>\n{%"
            ),
            {},
            "<think></think>\n",
            "",
        ),
    ],
    ids=["Gemma 4", "Gemma 4 off", "Seed-OSS", "Hunyuan", "space in its place"],
)
def test_closed_thought_of_the_generation_prompt_alone_is_accepted_and_reported(
    template: str, settings: dict[str, object], thought: str, lead: str, capsys: pytest.CaptureFixture
) -> None:
    prompt, answers = read(byte_tokenizer(template), **settings)
    assert prompt.text.count(thought) == 1 and prompt.text.endswith(thought)
    assert prompt.text.count("<|assistant|>") == len(SHOWN) + 1
    assert answers == [f"{lead}small<|end|>", f"{lead}big<|end|>"]
    said = capsys.readouterr().err
    assert said.count("a closed thought before the answer that is read, and none before") == 1
    assert "may think" not in said


def test_thought_that_is_not_whole_or_not_alone_before_an_answer_is_refused() -> None:
    for more in ("Well: <think></think>", "<think></think> Well:", "<seed:budget>0</seed:budget>"):
        template = TURNS.replace("<|assistant|>{%", f"<|assistant|>{more}{{%")
        with pytest.raises(InputError, match="in another way than without"):
            read(byte_tokenizer(template))


def test_closed_thought_does_not_hide_that_the_answer_stands_in_another_way() -> None:
    template = TURNS.replace("<|assistant|>{%", "<|assistant|><think></think>{%")
    colon = template.replace("{{ m.content }}", "{{ ': ' if m.role == 'assistant' }}{{ m.content }}")
    with pytest.raises(InputError, match="writes ': ' before an answer|in another way than without"):
        read(byte_tokenizer(colon))
    last = template.replace("{{ m.content }}", "{{ '\n' if m.role == 'assistant' and loop.last }}{{ m.content }}")
    with pytest.raises(InputError, match="other white space before the last answer than before earlier ones"):
        read(byte_tokenizer(last))


@pytest.mark.parametrize("system", [True, False], ids=["before the instruction", "in a turn of its own"])
def test_template_that_turns_thoughts_on_is_refused_with_the_setting_that_turns_them_off(system: bool) -> None:
    template = GEMMA_4 if system else GEMMA_4.replace("messages[0].role == 'system'", "false")
    with pytest.raises(
        InputError, match=r"turns thoughts on \('<\|think\|>'\)\. Set template: {enable_thinking: false}"
    ):
        read(byte_tokenizer(template), enable_thinking=True)


@pytest.mark.parametrize(
    ("template", "settings", "switch"),
    [
        (SMOLLM_3, {}, "{enable_thinking: false}"),
        (SMOLLM_3, {"enable_thinking": True}, "{enable_thinking: false}"),
        (SEED, {}, "{thinking_budget: 0}"),
        (HUNYUAN, {}, "{enable_thinking: false}"),
        ("{{ 'Effort: ' + reasoning_effort | default('high') }}" + TURNS, {}, "{reasoning_effort: none}"),
    ],
)
def test_setting_that_may_turn_thoughts_off_is_named_once(
    template: str, settings: dict[str, object], switch: str, capsys: pytest.CaptureFixture
) -> None:
    read(byte_tokenizer(template), **settings)
    lines = [line for line in capsys.readouterr().err.splitlines() if "think" in line]
    assert lines == [f"this model may think first; to turn thoughts off, set template: {switch}"]


@pytest.mark.parametrize(
    ("template", "settings"),
    [
        (SMOLLM_3, {"enable_thinking": False}),
        (HUNYUAN, {"enable_thinking": False}),
        (SEED, {"thinking_budget": 0}),
        (GEMMA_4, {}),
        ("{{ 'Think first.' if thinking }}" + TURNS, {}),  # does not think unless it is asked to
        (TURNS.replace("m.content", "(m.reasoning_content or '') + m.content"), {}),
    ],
)
def test_model_that_does_not_think_by_default_is_not_suspected(
    template: str, settings: dict[str, object], capsys: pytest.CaptureFixture
) -> None:
    _, answers = read(byte_tokenizer(template), **settings)
    assert answers[0].endswith("small<|end|>")
    assert "may think" not in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{{ m.content | trim }}", "{{ m.content }}"])
def test_template_may_trim_what_it_gets(content: str) -> None:
    prompt, answers = read(byte_tokenizer(TURNS.replace("{{ m.content }}", content)), table_of(system=f"{SYSTEM}\n"))
    assert answers == ["small<|end|>", "big<|end|>"] and prompt.text.count(SYSTEM) == 1


def test_answer_ends_as_earlier_answers_do() -> None:
    over = TURNS + "{% if not add_generation_prompt %}<|over|>{% endif %}"
    assert read(byte_tokenizer(over))[1] == ["small<|end|>", "big<|end|>"]
    lines = TURNS.replace("<|end|>", "<|end|>\n")
    assert read(byte_tokenizer(lines))[1] == ["small<|end|>", "big<|end|>"]


def test_beginning_of_the_next_turn_does_not_end_an_answer() -> None:
    turns = "{% for m in messages %}<|over|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
    always = turns + "{{ '<|over|>assistant\n' }}"  # as Dolphin
    assert read(byte_tokenizer(always))[1] == ["small<|end|>", "big<|end|>"]
    named = always.replace("<|over|>", "GPT ")
    assert read(byte_tokenizer(named))[1] == ["small<|end|>", "big<|end|>"]


def test_token_of_the_next_turn_ends_an_answer_if_the_template_writes_no_other_end() -> None:
    bare = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"  # as GLM 4
    tokenizer = byte_tokenizer(bare + "{% if add_generation_prompt %}<|assistant|>{% endif %}")
    assert tokenizer.convert_tokens_to_ids("<|user|>") not in tokenizer.all_special_ids
    assert read(tokenizer)[1] == ["small<|user|>", "big<|user|>"]


@pytest.mark.parametrize("shown", [SHOWN, []])
@pytest.mark.parametrize(("merges", "pattern", "end"), [((), "", 2), (("ĊĊ",), "", 1), (("ĊĊ",), r"\s+(?!\S)|\s+", 2)])
def test_template_without_a_token_at_the_end_of_a_turn_ends_answers_with_its_white_space(
    shown: list[tuple[str, str]], merges: tuple[str, ...], pattern: str, end: int
) -> None:
    names = "{% for m in messages %}{{ '\n\n' if not loop.first }}{{ m.role }}: {{ m.content }}{% endfor %}"
    tokenizer = byte_tokenizer(names + "{{ '\n\nassistant:' if add_generation_prompt }}", merges, pattern)
    prompt, answers = read(tokenizer, table_of(shown))
    assert answers == [" small\n\n", " big\n\n"]
    assert [len(answer) for answer in prompt.answers] == [6 + end, 4 + end]


# The date


class Tomorrow(datetime):
    """A clock that shows another day."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        return datetime(2031, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("written", "default", "chosen"),
    [
        (
            "{{ strftime_now('%d %B %Y, %-d/%-m %H:%M %%') }}",
            "26 July 2024, 26/7 00:00 %",
            "05 March 2025, 5/3 00:00 %",
        ),
        ("{{ date_string or strftime_now('%Y') }}", "26 Jul 2024", "05 Mar 2025"),
    ],
)
def test_date_is_a_setting_and_never_the_clock(
    written: str, default: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = byte_tokenizer(f"{written} {TURNS}")
    today = read(tokenizer)[0]
    assert today.text.startswith(f"{default} <|system|>")
    assert read(tokenizer, date="2025-03-05")[0].text.startswith(f"{chosen} <|system|>")
    monkeypatch.setattr(utils.chat_template_utils, "datetime", Tomorrow)
    assert read(tokenizer)[0].key == today.key


def test_old_setting_of_the_date_is_kept_and_a_wrong_date_is_refused() -> None:
    tokenizer = byte_tokenizer("{{ date_string }}" + TURNS)
    assert read(tokenizer, date_string="1 May 1999")[0].text.startswith("1 May 1999<|system|>")
    with pytest.raises(InputError, match=r'column "date", value \'26 Jul\': is not a date. Write it as'):
        read(tokenizer, date="26 Jul")


# The first token


@pytest.mark.parametrize("adds", ["", "start"])
@pytest.mark.parametrize("writes", ["", "{{ bos_token }}"])
def test_prompt_begins_with_one_token_of_a_text(adds: str, writes: str) -> None:
    tokenizer = byte_tokenizer(writes + TURNS, adds=adds)
    prompt, answers = read(tokenizer)
    assert prompt.tokens.count(tokenizer.bos_token_id) == bool(adds or writes)
    assert (prompt.tokens[0] == tokenizer.bos_token_id) == bool(adds or writes)
    assert answers == ["small<|end|>", "big<|end|>"]
    bare = read(tokenizer, form="plain")[0]
    assert bare.tokens.count(tokenizer.bos_token_id) == bool(adds)


def test_first_token_that_only_the_configuration_declares_is_added(tmp_path: Path) -> None:
    byte_tokenizer().save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    declared = json.loads(file.read_text()) | {"add_bos_token": True, "tokenizer_class": "LlamaTokenizerFast"}
    file.write_text(json.dumps(declared))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.bos_token_id not in tokenizer("a").input_ids  # as with DeepSeek, in transformers 5
    for form in ("plain", "chat"):
        tokens = read(tokenizer, form=form)[0].tokens
        assert tokens[0] == tokenizer.bos_token_id and tokens.count(tokenizer.bos_token_id) == 1


def test_end_of_text_that_the_tokenizer_adds_is_named() -> None:
    tokenizer = byte_tokenizer(adds="end")
    with pytest.raises(InputError, match=r"adds an end-of-text token \(<\|end\|>\)"):
        read(tokenizer, form="plain")
    assert read(tokenizer)[1] == ["small<|end|>", "big<|end|>"]


# Broken templates


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (TURNS.replace("m.content", "m.content + none"), "the chat template fails: TypeError: "),
        (TURNS.replace("m.content", "m.name + m.content"), "the chat template fails: .*no attribute 'name'"),
        ("{% for m in messages %}{{ m.role }", "the chat template fails: "),
    ],
)
def test_broken_template_is_one_paragraph(template: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"{reason}.*Set format: plain") as refusal:
        read(byte_tokenizer(template))
    assert "\n" not in str(refusal.value)


def test_variable_that_a_template_needs_is_named_and_can_be_given() -> None:
    needs = "{{ 'Tools: ' + functions }}" + TURNS  # as FireFunction
    with pytest.raises(InputError, match=r"'functions' is undefined. Set template: {functions: TEXT} with the text"):
        read(byte_tokenizer(needs))
    assert read(byte_tokenizer(needs), functions="none")[0].text.startswith("Tools: none<|system|>")


def test_named_templates_need_a_choice() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = {"rag": TURNS, "tools": "x"}
    with pytest.raises(InputError, match=r"several chat templates \(rag, tools\) and no default.*chat_template: rag"):
        read(tokenizer)
    assert read(tokenizer, chat_template="rag")[1] == ["small<|end|>", "big<|end|>"]
    with pytest.raises(InputError, match=r"value 'rug': no chat template has this name. Did you mean \"rag\""):
        read(tokenizer, chat_template="rug")


# Bare text


@pytest.mark.parametrize("shown", [SHOWN, []])
@pytest.mark.parametrize(
    ("merges", "pattern", "end"), [((), "", "ĊĊ"), (("ĊĊ",), "", "ĊĊ"), (("ĊĊ",), r"\s+(?!\S)|\s+", "Ċ Ċ")]
)
def test_option_in_bare_text_ends_with_the_tokens_after_a_demonstrations_answer(
    shown: list[tuple[str, str]], merges: tuple[str, ...], pattern: str, end: str
) -> None:
    tokenizer = byte_tokenizer(None, merges, pattern)
    prompt, answers = read(tokenizer, table_of(shown), "plain")
    assert answers == [" small\n\n", " big\n\n"]
    ends = ["Ċ", "Ċ"] if not merges else end.split()
    assert tokenizer.convert_ids_to_tokens(list(prompt.answers[0]))[6:] == ends
    if shown:
        text = tokenizer.convert_ids_to_tokens(list(prompt.tokens))
        place = "".join(text).index("Answer:Ġbig") + len("Answer:Ġbig")
        at = next(n for n in range(len(text)) if len("".join(text[:n])) == place)
        assert text[at : at + len(ends)] == ends


JOINS = (".Ċ", "ĊĊ")
"""As Llama 3, Qwen and DeepSeek, whose tokenizers join a full stop with the line breaks after it."""


def test_full_stop_that_the_tokenizer_joins_with_line_breaks_is_no_reason_to_refuse() -> None:
    tokenizer = byte_tokenizer(None, merges=JOINS, pattern=r"\.\s*")
    assert tokenizer.tokenize("a.\n\n") == ["a", ".Ċ", "Ċ"]
    prompt, answers = read(tokenizer, table_of(labels=("A.", "B."), shown=[]), "plain")
    assert answers == [" A.", " B.", " small\n\n", " big\n\n"]
    assert [[tokenizer.decode(one) for one in forms] for forms in prompt.openings] == [
        [" small", " Small"],
        [" big", " Big"],
    ]


def test_option_that_ends_with_a_full_stop_is_read_as_a_demonstrations_answer_is_written() -> None:
    tokenizer = byte_tokenizer(None, merges=JOINS, pattern=r"\.\s*")
    shown = [("first one", "big."), ("second one", "small.")]
    prompt, answers = read(tokenizer, table_of(shown, options=("small.", "big.")), "plain")
    assert answers == [" small.\n\n", " big.\n\n"]
    assert tokenizer.convert_ids_to_tokens(list(prompt.answers[1])) == ["Ġ", "b", "i", "g", ".Ċ", "Ċ"]
    assert "Ġ b i g .Ċ Ċ" in " ".join(tokenizer.convert_ids_to_tokens(list(prompt.tokens)))
    with pytest.raises(InputError, match="after this demonstration's answer are not those after the options"):
        read(tokenizer, table_of([("first one", "big")], options=("small.", "big.")), "plain")


def test_chat_without_special_tokens_and_blank_lines_is_read() -> None:
    turns = "{% for m in messages %}{{ m.role }}:\n{{ m.content }}\n{% endfor %}"
    tokenizer = byte_tokenizer(turns + "{% if add_generation_prompt %}assistant:\n{% endif %}", merges=("sy",))
    prompt, answers = read(tokenizer, table_of(system="Choose one."))
    assert answers[:2] == ["small\n", "big\n"]
    assert tokenizer.decode(prompt.tokens) == prompt.text and prompt.text.endswith("\nassistant:\n")


def test_labels_in_bare_text_follow_a_space_and_have_no_end() -> None:
    assert read(byte_tokenizer(None), table_of(labels=("A", "B")), "plain")[1][:2] == [" A", " B"]


# How a reply may begin


def test_forms_are_those_that_a_reader_accepts() -> None:
    assert list_forms(["small", "Ünlü"]) == [["small", "Small", "small.", "Small."], ["Ünlü", "Ünlü."]]
    assert list_forms(["iyi"], "tr") == [["iyi", "İyi", "iyi.", "İyi."]]
    assert list_forms(["a", "A"]) == [["a", "a."], ["A", "A."]]
    assert list_forms(["大"], "zh") == [["大", "大。"]]
    assert (capitalise("iyi"), capitalise("élan"), capitalise("")) == ("Iyi", "Élan", "")


def test_sequence_that_begins_with_another_is_left_out() -> None:
    assert prefix_free([(1, 2), (1,), (3, 4), (1,), (3, 4, 5), (2,)]) == ((1,), (3, 4), (2,))


def test_shorter_option_excludes_the_longer_one() -> None:
    openings = [[(1,), (2,)], [(1, 3), (2, 3)], [(1, 3, 4)]]
    given = [[0.5, 0.2], [0.3, 0.05], [0.1]]
    opens = log_p_open(openings, [[math.log(p) for p in values] for values in given])
    assert np.exp(opens) == pytest.approx([0.7 - 0.35, 0.35 - 0.1, 0.1])


def test_probability_of_openings_is_that_of_all_replies_with_them() -> None:
    torch.manual_seed(3)
    tokenizer = byte_tokenizer()
    sizes = {"vocab_size": 262, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 2, "initializer_range": 0.5}
    model = LlamaForCausalLM(LlamaConfig(**sizes)).eval()
    table = table_of(options=("w", "wn", "z"))
    rendered = render(table, PromptFormat(tokenizer, "chat"), None)
    scored = {
        kind: {p.key: list(s) for batch in engine.score(model, rendered, kind, 64) for p, s in batch.answers}
        for kind in ENGINES
    }
    answered = {
        p.key: Entry(p.key, p.prompt, p.text, len(p.tokens),
                     {"log_p": scored["packed"][p.key][: len(p.answers)], "open": scored["packed"][p.key][len(p.answers) :]})  # noqa: E501
        for p in rendered
    }  # fmt: skip
    for p in rendered:
        assert scored["packed"][p.key] == pytest.approx(scored["naive"][p.key], abs=1e-4)
    got = collect(table, rendered, answered, "mark")
    found = got[got["prompt"] == "0" * 16].set_index("answer")

    # Every reply of two tokens, sorted by the words it begins with.
    tokens = rendered[0].tokens
    with torch.inference_mode():
        first = model(torch.tensor([tokens])).logits[0, -1].double().softmax(-1)
        begins = {letter: tokenizer.convert_tokens_to_ids(letter) for letter in "wWzZ"}
        second = {
            letter: model(torch.tensor([[*tokens, token]])).logits[0, -1].double().softmax(-1)
            for letter, token in begins.items()
        }
    n = tokenizer.convert_tokens_to_ids("n")
    both = {letter: float(first[begins[letter]] * second[letter][n]) for letter in "wW"}
    alone = {letter: float(first[begins[letter]]) for letter in "wWzZ"}
    expected = {
        "w": alone["w"] + alone["W"] - both["w"] - both["W"],
        "wn": both["w"] + both["W"],
        "z": alone["z"] + alone["Z"],
    }
    assert np.exp(found["open"]).to_dict() == pytest.approx(expected, rel=1e-3)
    assert found["mass_open"].iloc[0] == pytest.approx(sum(expected.values()), rel=1e-3)
    assert (got["open"] >= got["option"]).all()
    assert (got["mass_open"] <= 1).all()
    assert (got["mass_open"] >= 1 - got["mass_outside_options"] - 1e-9).all()
