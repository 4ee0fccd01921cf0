"""The tokens of answers in echoed chats, against those of the local engine."""

import math

import pytest
from asking import endpoint_of
from echoing import echoed, entries_of, log_p_of
from rendering import TURNS, byte_tokenizer, table_of
from selfalign.errors import InputError
from selfalign.inference.endpoint.checks import checks_of
from selfalign.inference.endpoint.collect import collect_replies
from selfalign.inference.endpoint.turns import is_text
from selfalign.inference.local.render import PromptFormat, render

LOOP = "{% for m in messages %}"
END = "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
HEADED = "<|over|><|{{ m.role }}|>\n\n{{ m.content }}<|end|>"
LIKE_MISTRAL = (
    LOOP + "{% if m.role == 'assistant' %} {{ m.content }}<|end|>{% elif m.role == 'user' %}<|user|> {{ m.content }}"
    " <|over|>{% else %}<|system|>{{ m.content }}{% endif %}{% endfor %}"
)
TEMPLATES = {
    "nothing but the end": TURNS,
    "a line break after each turn": TURNS.replace("<|end|>", "<|end|>\n"),
    "Llama 3: the next header is always written": "<|start|>"
    + LOOP
    + HEADED
    + "{% endfor %}<|over|><|assistant|>{{ '\n\n' }}",
    "ChatML: the same after a line break": LOOP
    + HEADED.replace("\n\n", "\n")
    + "\n{% endfor %}<|over|><|assistant|>{{ '\n' }}",
    "Phi 3: the end of the text at the end": TURNS.replace("<|end|>", "<|end|>\n").replace(
        "{% endif %}", "{% else %}<|over|>{% endif %}"
    ),
    "Phi 4: the same without a line break": TURNS.replace("{% endif %}", "{% else %}<|over|>{% endif %}"),
    "Nemotron: a line break and then the end": TURNS.replace("<|end|>", "\n<|end|>"),
    "Mistral: white space after the end": TURNS.replace("<|end|>", "<|end|> "),
    "Mixtral: white space before an answer": LIKE_MISTRAL,
    "Falcon 2: a line break is the end": LOOP
    + "{{ m.role }}:\n{{ m.content }}\n"
    + END.replace("<|assistant|>", "assistant:\n"),
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("shown", [None, []], ids=["demonstrations", "none"])
@pytest.mark.parametrize(
    "options",
    [("small", "big"), ("would", "would not"), ("μικρό", "μεγάλο"), ("很重要", "不重要"), ("小🙂", "é")],
    ids=["English", "one begins as the other", "Greek", "Chinese", "other characters"],
)
def test_tokens_are_those_of_the_local_engine(template: str, shown: list | None, options: tuple[str, str]) -> None:
    tokenizer = byte_tokenizer(template, pattern=r"\n+|\s|[^\s]+")
    prompts = table_of(shown, options=options, labels=("A", "B"))
    local = render(prompts, PromptFormat(tokenizer, "chat"), None)
    read = echoed(tokenizer, prompts)
    for prompt in local:
        rows, own = read[read["prompt"] == prompt.prompt], prompt.answers
        sums = [math.fsum(map(log_p_of, answer)) for answer in own]
        assert list(rows["answer_tokens"]) == [len(answer) for answer in own[-2:]]
        assert list(rows["option"]) == pytest.approx(sums[-2:])
        assert list(rows["label"].dropna()) == pytest.approx(sums[:-2])


@pytest.mark.parametrize(
    ("template", "tells"),
    [
        pytest.param(
            LOOP
            + "{% if not loop.first %}<|end|>{% endif %}<|{{ m.role }}|>{{ m.content }}"
            + END.replace("<|ass", "<|end|><|ass"),
            ["'' after the last answer", "'<|end|><|user|>' after earlier", "cannot be read", "readout: samples"],
            id="the end stands only before the next turn",
        ),
        pytest.param(
            TURNS.replace("<|assistant|>{% endif %}", "<|assistant|><|over|>{% endif %}"),
            ["tokens before an answer", "readout: samples"],
            id="a prompt ends in another way",
        ),
        pytest.param(
            LOOP + HEADED + "{% endfor %}<|over|><|assistant|>",
            ["'<|end|><|over|><|assistant|>' after the last answer", "cannot be read", "readout: samples"],
            id="the next header is always written, and the first token is not known",
        ),
        pytest.param(
            LOOP + "{% if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endif %}" + END,
            ["drops the instruction", "Set instruction: user"],
            id="the instruction is dropped",
        ),
        pytest.param(
            "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
            "{{ messages[0].content }}{% if add_generation_prompt %}<|assistant|>{% endif %}",
            ["moves the instruction", "Set instruction: user"],
            id="the instruction comes last",
        ),
        pytest.param(
            LOOP + "{% if loop.last or m.role != 'assistant' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endif %}" + END,
            ["drops the answer", "format: plain"],
            id="earlier answers are dropped",
        ),
    ],
)
def test_template_in_which_answers_cannot_be_read_is_refused(template: str, tells: list[str]) -> None:
    with pytest.raises(InputError) as refusal:
        echoed(byte_tokenizer(template), table_of())
    assert all(part in str(refusal.value) for part in tells), refusal.value


def test_end_that_the_tokenizer_joins_with_the_last_word_is_refused() -> None:
    template = LOOP + "{{ m.role }}: {{ m.content }}\n" + END.replace("<|assistant|>", "assistant: ")
    tokenizer = byte_tokenizer(template, merges=("gĊ",))
    with pytest.raises(InputError, match="'big'.*'big.n', so they are not separate"):
        echoed(tokenizer, table_of())


def test_ledger_without_the_checks_is_not_read() -> None:
    tokenizer, prompts = byte_tokenizer(), table_of()
    endpoint = endpoint_of(readout="echo")
    answered = entries_of(tokenizer, prompts)
    for check in checks_of(endpoint, "chat"):
        without = {key: entry for key, entry in answered.items() if key != check.key}
        with pytest.raises(InputError, match=r"no answer to the requests that show.*Run the step ask again"):
            collect_replies(prompts, without, endpoint, "chat", "-")


@pytest.mark.parametrize(
    ("read", "text", "same"),
    [
        ("\ufffd\ufffd\ufffd", "重", True),
        ("\ufffd" * 4, "🙂", True),
        ("很\ufffd\ufffd要", "很重要", True),
        ("\ufffd\ufffd要", "重大", False),
        ("不\ufffd\ufffd", "很重", False),
        ("\ufffd", "important", False),
        ("\ufffd", "重要性", False),
        ("\ufffd" * 9, "重", False),
        ("a.c", "abc", False),
    ],
)
def test_pieces_of_characters_do_not_stand_for_other_words(read: str, text: str, same: bool) -> None:
    assert is_text(read, text) == same
