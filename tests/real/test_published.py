"""Chat templates and tokenizers of published models: what a model gets is what its makers' files say.

These tests download packages. Run them with `pytest -m downloads`.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import templates
from echoing import echoed, log_p_of
from places import ROOT
from published import TOKENIZERS, fetch_mistral, fetch_templates, fetch_tokenizer
from selfalign.errors import InputError
from selfalign.inference.local.render import PromptFormat, Rendered, render
from selfalign.inference.messages import messages_of, without_system
from selfalign.prompts.wording import read_roles
from transformers import AutoTokenizer, PreTrainedTokenizerBase, utils

pytestmark = pytest.mark.downloads

TOOLS = ROOT / "tools"
ROLES = ROOT / "resources" / "roles"

WITHOUT_TEMPLATE = {"llama2": "llama2:7b", "gemma2": "gemma2:2b"}
"""Tokenizers whose package has no chat template, and the published template that belongs to them."""

HARMONY = (
    "{{ '<|start|>system<|message|>Current date: ' + strftime_now('%Y-%m-%d') + '<|end|>' }}"
    "{% for m in messages %}"
    "{% if m.role == 'system' %}<|start|>developer<|message|>{{ m.content }}<|end|>"
    "{% elif m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>"
    "{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}"
    "{{ '<|return|>' if loop.last else '<|end|>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
"""The layout of gpt-oss, for which no package has the template. The model chooses the channel, and thinks first."""


@pytest.fixture(scope="session")
def published() -> dict[str, templates.Published]:
    """The published templates by the name of the model, the first of each name."""
    return fetch_templates()


def tokenizer_of(name: str) -> PreTrainedTokenizerBase:
    """A published tokenizer."""
    return AutoTokenizer.from_pretrained(fetch_tokenizer(name), local_files_only=True)


@pytest.fixture(scope="module", params=[name for name in TOKENIZERS if name != "gptoss"])
def published_speaker(
    request: pytest.FixtureRequest, published: dict[str, templates.Published]
) -> tuple[str, PreTrainedTokenizerBase]:
    """Name of a published tokenizer, and the tokenizer with its chat template."""
    tokenizer = tokenizer_of(request.param)
    if other := WITHOUT_TEMPLATE.get(request.param):
        assert tokenizer.chat_template is None
        tokenizer.chat_template = published[other].source
    return request.param, tokenizer


def places(tokens: Sequence[int], part: Sequence[int]) -> list[int]:
    """Where a sequence of tokens stands in another."""
    return [start for start in range(len(tokens)) if tuple(tokens[start : start + len(part)]) == tuple(part)]


def conversation(moved: bool) -> list[dict[str, str]]:
    messages = messages_of(next(pd.DataFrame([templates.PROMPT]).itertuples()))
    return without_system(messages) if moved else messages


def assert_demonstrations_are_read(prompt: Rendered, after: int | None = None) -> None:
    """Each option is read with the tokens that its demonstration has in the prompt, after the same token.

    Args:
        prompt: to check.
        after: the token before a demonstration's answer, if it is not the prompt's last.
    """
    after = prompt.tokens[-1] if after is None else after
    for answer in prompt.answers:
        assert sum(prompt.tokens[place - 1] == after for place in places(prompt.tokens, answer)) == 1


def assert_right(
    tokenizer: PreTrainedTokenizerBase, settings: dict[str, object], per_turn: bool = False
) -> tuple[Rendered, bool]:
    """Check a prompt against what the template itself writes; return it, and whether the instruction was moved.

    Args:
        tokenizer: with its template.
        settings: of the template.
        per_turn: whether the template begins each of the user's turns with a BOS, as that of Llama 2 does.
    """
    prompt, chat = templates.try_template(tokenizer, settings)
    row = templates.PROMPT
    parts = [row["system"], *(question for question, _ in json.loads(row["shown"])), row["asked"]]
    assert [prompt.text.count(part) for part in parts] == [1, 1, 1, 1]
    assert sorted(parts, key=prompt.text.index) == parts
    line = tokenizer("\n", add_special_tokens=False).input_ids[0]
    if prompt.text.count("</think>") != 1 or not prompt.text.rstrip().endswith("</think>"):
        assert_demonstrations_are_read(prompt)
    elif prompt.answers[0][0] != line:  # an empty thought stands before the last answer only
        assert_demonstrations_are_read(prompt, after=line)

    begin = tokenizer.bos_token_id
    once = begin is not None and (tokenizer.bos_token in prompt.text or tokenizer("a").input_ids[0] == begin)
    turns = len(parts) - 1 if per_turn else 1
    assert prompt.tokens.count(begin) == (turns if once else 0)
    if once:
        assert begin in prompt.tokens[:3] and prompt.tokens[:2] != (begin, begin)

    given = {"date_string": "26 Jul 2024"} | settings
    for option, answer in zip(json.loads(row["options"]), prompt.answers, strict=True):
        answered = [*conversation(chat.moved), {"role": "assistant", "content": option}]
        answered.append({"role": "user", "content": "Friends are ___"})
        whole = tokenizer.apply_chat_template(answered, tokenize=True, return_dict=False, **given)
        bare = prompt.tokens if whole[0] == prompt.tokens[0] else prompt.tokens[1:]
        if "strftime_now" not in tokenizer.chat_template and "enable_thinking" not in settings:
            assert tuple(whole[: len(bare) + len(answer)]) == bare + answer
    return prompt, chat.moved


# All templates of the package


def test_roles_stand_once_in_every_chat(smollm2: Path, published: dict[str, templates.Published]) -> None:
    roles = read_roles(ROLES / "en.yaml")
    texts = [roles.fill(role, "You are from Germany.", "here") for role in roles.texts]
    accepted = 0
    for one in published.values():
        tokenizer = templates.equip(AutoTokenizer.from_pretrained(smollm2, local_files_only=True), one)
        for text in texts:
            row = templates.PROMPT | {"system": f"{text}\n{templates.PROMPT['system']}"}
            try:
                (prompt,) = render(pd.DataFrame([row]), PromptFormat(tokenizer, "chat", {}, "en"), None)
            except InputError:
                continue  # the template is refused for any instruction
            accepted += 1
            assert prompt.text.count(row["system"]) == 1, one.model
    assert accepted > 150


class Tomorrow(datetime):
    """A clock that shows another day."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        return datetime(2031, 3, 4, 5, 6, 7)


def test_page_shows_every_published_template(smollm2: Path) -> None:
    _, _, shown = templates.PAGE.read_text(encoding="utf-8").partition(templates.MARK)
    assert shown == "\n" + templates.write_table(smollm2)


def test_accepted_templates_write_what_is_asked(
    smollm2: Path, published: dict[str, templates.Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, dated = 0, []
    for name, one in published.items():
        tokenizer = templates.equip(AutoTokenizer.from_pretrained(smollm2, local_files_only=True), one)
        settings = {"enable_thinking": False} if name == "qwen3:0.6b" else {}
        try:
            prompt, _ = assert_right(tokenizer, settings, per_turn=name == "llama2:7b")
        except InputError:
            continue
        accepted += 1
        if "strftime_now" in one.source:
            with monkeypatch.context() as patch:
                patch.setattr(utils.chat_template_utils, "datetime", Tomorrow)
                assert templates.try_template(tokenizer, settings)[0].key == prompt.key
            dated.append(name)
    assert accepted >= 80 and "devstral:latest" in dated


def assert_echo_is_read_as_here(tokenizer: PreTrainedTokenizerBase, settings: dict[str, object]) -> None:
    """Check that a server with a template gives the tokens of the local engine.

    Raises:
        InputError: the template is refused, here or with the server.
    """
    prompt, chat = templates.try_template(tokenizer, settings)
    more = {"instruction": "user" if chat.moved else "system", "extra": {"chat_template_kwargs": settings}}
    read = echoed(tokenizer, pd.DataFrame([templates.PROMPT]), **more)
    assert list(read["answer_tokens"]) == [len(answer) for answer in prompt.answers]
    assert list(read["option"]) == pytest.approx([math.fsum(map(log_p_of, answer)) for answer in prompt.answers])


NOT_THROUGH_ECHO = {"glm4:9b", "granite-code:3b", "qwen:0.5b"}
"""Templates that write another end after the last answer than before a question."""


def test_server_that_echoes_chats_gives_the_tokens_of_the_local_engine(
    smollm2: Path, published: dict[str, templates.Published]
) -> None:
    same, refused = set(), set()
    for name, one in published.items():
        tokenizer = templates.equip(AutoTokenizer.from_pretrained(smollm2, local_files_only=True), one)
        settings = {"enable_thinking": False} if name == "qwen3:0.6b" else {}
        try:
            templates.try_template(tokenizer, settings)
        except InputError:
            continue
        try:
            assert_echo_is_read_as_here(tokenizer, settings)
            same.add(name)
        except InputError as refusal:
            if "tokens before an answer" not in str(refusal):  # SmolLM2's tokenizer joins two line breaks at an end
                refused.add(name)
    assert len(same) >= 70
    assert same >= {"phi3:3.8b", "phi4-mini:3.8b", "nemotron-mini:4b", "mistral:7b-instruct-fp16", "mixtral:8x7b"}
    assert refused == NOT_THROUGH_ECHO


def test_server_with_a_published_tokenizer_gives_the_tokens_of_the_local_engine(
    published_speaker: tuple[str, PreTrainedTokenizerBase],
) -> None:
    name, tokenizer = published_speaker
    assert_echo_is_read_as_here(tokenizer, {"enable_thinking": False} if name == "qwen3" else {})


def test_template_that_needs_a_variable_is_accepted_with_it(
    smollm2: Path, published: dict[str, templates.Published]
) -> None:
    tokenizer = templates.equip(
        AutoTokenizer.from_pretrained(smollm2, local_files_only=True), published["firefunction-v2:70b"]
    )
    with pytest.raises(InputError, match=r"'functions' is undefined. Set template: {functions: TEXT}"):
        templates.try_template(tokenizer, {})
    given = {"functions": "[]", "datetime": "2024-07-26"}
    assert "Available functions as JSON spec:\n[]" in templates.try_template(tokenizer, given)[0].text


# Real tokenizers with their templates


def test_chat_of_a_published_tokenizer(published_speaker: tuple[str, PreTrainedTokenizerBase]) -> None:
    name, tokenizer = published_speaker
    if name == "qwen3":
        with pytest.raises(InputError, match=r"writes a thought before an answer.*{enable_thinking: false}"):
            assert_right(tokenizer, {})
    settings = {"enable_thinking": False} if name == "qwen3" else {}
    prompt, moved = assert_right(tokenizer, settings, per_turn=name == "llama2")
    ends = {
        "llama2": "▁ </s>",
        "llama3": "<|eot_id|>",
        "llama3_1": "<|eot_id|>",
        "gemma2": "<end_of_turn>",
        "gemma3": "<end_of_turn>",
        "qwen3": "<|im_end|>",
        "deepseek_v3": "<｜end▁of▁sentence｜>",
    }
    words = {"llama2": ["▁un important", "▁important"]}.get(name, ["un important", "important"])
    read = [" ".join(tokenizer.convert_ids_to_tokens(list(answer))) for answer in prompt.answers]
    assert read == [f"{words[1]} {ends[name]}", f"{words[0]} {ends[name]}"]
    assert moved == (name == "gemma2")
    assert prompt.text.endswith("<think>\n\n</think>\n\n") == (name == "qwen3")


def test_date_of_a_published_template_is_the_setting(published: dict[str, templates.Published]) -> None:
    tokenizer = tokenizer_of("llama3_1")
    tokenizer.chat_template = published["llama3.1:8b"].source  # the package has an early one without a date
    fixed, _ = templates.try_template(tokenizer, {})
    chosen, _ = templates.try_template(tokenizer, {"date": "2025-03-05"})
    assert "Today Date: 26 Jul 2024" in fixed.text and "Today Date: 05 Mar 2025" in chosen.text


def test_gpt_oss_is_refused_because_the_model_chooses_the_channel() -> None:
    tokenizer = tokenizer_of("gptoss")
    with pytest.raises(InputError, match="has no chat template. Set format: plain"):
        templates.try_template(tokenizer, {})
    tokenizer.chat_template = HARMONY
    with pytest.raises(InputError, match=r"writes '<\|channel\|>final<\|message\|>' before an answer, which is not"):
        templates.try_template(tokenizer, {})


ONE_TOKEN = {"llama3", "llama3_1", "gemma2", "gemma3", "qwen3", "deepseek_v3", "gptoss"}
"""Tokenizers with one token for two line breaks."""


@pytest.mark.parametrize("name", TOKENIZERS)
def test_bare_text_of_a_published_tokenizer_ends_answers_as_in_the_demonstrations(name: str) -> None:
    tokenizer = tokenizer_of(name)
    (prompt,) = render(pd.DataFrame([templates.PROMPT]), PromptFormat(tokenizer, "plain", {}, "en"), None)
    assert_demonstrations_are_read(prompt)
    adds = name not in ("llama3", "qwen3", "gptoss")
    assert prompt.tokens.count(tokenizer.bos_token_id) == adds == (prompt.tokens[0] == tokenizer.bos_token_id)
    alone = tokenizer("\n\n", add_special_tokens=False).input_ids
    for option, answer in zip(("important", "unimportant"), prompt.answers, strict=True):
        assert tokenizer.decode(answer).strip(" ") == f"{option}\n\n"
        if name in ONE_TOKEN:
            assert list(answer[-1:]) == alone
        else:
            assert tokenizer.convert_ids_to_tokens(list(answer[-2:])) == ["<0x0A>", "<0x0A>"]
        whole = tokenizer(f"{prompt.text} {option}\n\nFriends are ___ in my life.", add_special_tokens=False).input_ids
        assert tuple(whole[: len(prompt.tokens[adds:] + answer)]) == prompt.tokens[adds:] + answer


# Mistral's own encoder

CASES = {
    "v1": [None, "mixtral:8x7b"],
    "v2": [None, "mixtral:8x22b"],
    "v3": [None, "mixtral:8x22b"],
    "v7": [None, "mistral-large:123b"],
    "v3-tekken": [None],
    "v7-tekken": [None, "mistral-small:24b", "devstral:latest"],
}
"""Versions of Mistral's format with the templates to compare: None is the one that `mistral-common` generates."""

OLD = ["mistral:7b-instruct-fp16", "llava:7b"]
"""Early templates for v1 that leave out spaces which Mistral's encoder writes."""

OTHER_LANGUAGES = [
    {
        "system": "Boşluğu doldurun.\nBir seçenek seçin.",
        "shown": json.dumps([["Aile hayatımda ___.\nSeçenekler: önemli / önemsiz", "önemli"]]),
        "asked": "İş hayatımda ___.\nSeçenekler: önemsiz / önemli",
        "options": json.dumps(["önemsiz", "önemli"]),
    },
    {
        "system": "请填空。\n请选择一个选项。",
        "shown": json.dumps([["家庭在我的生活中___。\n选项:重要 / 不重要", "不重要"]]),
        "asked": "工作在我的生活中___。\n选项:重要 / 不重要",
        "options": json.dumps(["重要", "不重要"]),
    },
    {"shown": "[]"},
]


@pytest.fixture(scope="session")
def mistral() -> tuple[Path, Path]:
    """Folder of Mistral's own code, and folder of the tokenizers made with it."""
    return fetch_mistral()


def encode(mistral: tuple[Path, Path], given: dict[str, list[list[dict[str, str]]]]) -> dict[str, list[list[int]]]:
    """Tokens of conversations by Mistral's encoder."""
    command = [sys.executable, TOOLS / "mistral_reference.py", mistral[0], "encode", mistral[1]]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def rows() -> Iterable[dict[str, str]]:
    yield templates.PROMPT
    for changes in OTHER_LANGUAGES:
        yield templates.PROMPT | changes


def test_mistral_prompts_have_the_tokens_of_mistrals_own_encoder(
    mistral: tuple[Path, Path], published: dict[str, templates.Published]
) -> None:
    expected: dict[str, list[tuple[str, tuple[int, ...], bool]]] = {version: [] for version in CASES}
    given: dict[str, list[list[dict[str, str]]]] = {version: [] for version in CASES}
    for version, sources in CASES.items():
        for source in sources + (OLD if version == "v1" else []):
            tokenizer = AutoTokenizer.from_pretrained(mistral[1] / version, local_files_only=True)
            if source:
                tokenizer.chat_template = published[source].source
            for row in rows():
                table = pd.DataFrame([row])
                (prompt,) = render(table, PromptFormat(tokenizer, "chat", {}, ""), None)
                _, chat = templates.try_template(tokenizer, {})
                messages = messages_of(next(table.itertuples()))
                messages = without_system(messages) if chat.moved else messages
                exact = source not in OLD
                given[version].append(messages)
                expected[version].append((source, prompt.tokens, exact))
                for option, answer in zip(json.loads(row["options"]), prompt.answers, strict=True):
                    more = [{"role": "assistant", "content": option}, {"role": "user", "content": "x"}]
                    given[version].append(messages + more)
                    expected[version].append((source, prompt.tokens + answer, exact))
    compared = 0
    for version, found in encode(mistral, given).items():
        for (source, ours, exact), theirs in zip(expected[version], found, strict=True):
            assert (tuple(theirs[: len(ours)]) == ours) == exact, (version, source)
            compared += 1
    assert compared == 12 * (len(sum(CASES.values(), [])) + len(OLD))


def test_early_mistral_templates_differ_from_the_encoder_in_spaces_only(
    mistral: tuple[Path, Path], published: dict[str, templates.Published]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(mistral[1] / "v1", local_files_only=True)
    (theirs,) = encode(mistral, {"v1": [conversation(moved=True)]})["v1"]
    for name in OLD:
        tokenizer.chat_template = published[name].source
        prompt, _ = templates.try_template(tokenizer, {})
        assert "".join(tokenizer.decode(prompt.tokens).split()) == "".join(tokenizer.decode(theirs).split())


def test_mistral_puts_an_instruction_into_the_last_turn_and_the_prompt_into_the_first(
    mistral: tuple[Path, Path],
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(mistral[1] / "v3", local_files_only=True)
    prompt, chat = templates.try_template(tokenizer, {})
    (theirs,) = encode(mistral, {"v3": [conversation(moved=False)]})["v3"]
    last = tokenizer.decode(theirs).rpartition("[INST]")[2]
    assert chat.moved and templates.PROMPT["system"] in last
    assert templates.PROMPT["system"] not in prompt.text.rpartition("[INST]")[2]
