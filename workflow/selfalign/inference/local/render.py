"""From a prompt's messages to the text and the tokens that a model gets."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

import pandas as pd
from tokenizers import Encoding
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from selfalign.errors import InputError
from selfalign.inference.local.chat import ChatTemplate
from selfalign.inference.local.openings import list_forms, prefix_free
from selfalign.inference.messages import BREAK, Prompt, asked_after, messages_of, plain_ends, plain_text

TokenIds = tuple[int, ...]

_BATCH = 1024
"""Prompts that the tokenizer reads together: it shares them between the cores."""


@dataclass(frozen=True)
class Rendered:
    """A prompt as a model gets it.

    Attributes:
        prompt: id of the prompt.
        text: its text.
        tokens: its token ids. A first token that the tokenizer adds is not in the text.
        answers: token ids of each answer after the prompt: the labels, if any are shown, then the options. An answer
            begins with the white space that stands before it. An option ends with the tokens that end a
            demonstration's answer, a label does not.
        openings: of each option, the token ids of the forms in which a reply may begin with its words. None of them
            begins with another of the same option.
    """

    prompt: str
    text: str
    tokens: TokenIds
    answers: tuple[TokenIds, ...]
    openings: tuple[tuple[TokenIds, ...], ...] = ()

    @cached_property
    def key(self) -> str:
        """Hash of the model's input and of the answers to score: 16 hexadecimal digits.

        An edited template makes other keys, so an old answer is never taken for a new one.
        """
        given = [self.tokens, self.answers, self.openings]
        return hashlib.sha256(json.dumps(given).encode()).hexdigest()[:16]

    @cached_property
    def sequences(self) -> tuple[TokenIds, ...]:
        """All token ids that an engine scores after the prompt: the answers, then the openings of each option."""
        return (*self.answers, *(one for openings in self.openings for one in openings))


@dataclass(frozen=True)
class PromptFormat:
    """How prompts become the text and tokens of a model.

    Attributes:
        tokenizer: the model's.
        form: one of `choices.FORMATS`.
        template: variables for the chat template, such as a date.
        language: code of the prompts' language, for capital letters and full stops.
    """

    tokenizer: PreTrainedTokenizerBase
    form: str
    template: Mapping[str, object] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True)
class _Asked:
    """Text of a prompt, and how its answers stand after it.

    Attributes:
        text: of the prompt.
        ends: where the answers of demonstrations end in it, in characters.
        lead: white space before an answer.
        end: what ends an answer.
        next: what follows the end.
    """

    text: str
    ends: Sequence[int]
    lead: str
    end: str
    next: str


@dataclass(frozen=True)
class _Cut:
    """Tokens of an answer.

    Attributes:
        words: those of its words.
        end: those that end it.
        joined: whether the first token of the end is also the last part of the words, as a full stop with line breaks.
    """

    words: TokenIds
    end: TokenIds
    joined: bool = False


class _JoinedError(Exception):
    """The tokenizer joins white space at the end of the prompt with the answer."""


def render(prompts: pd.DataFrame, prompt_format: PromptFormat, context: int | None) -> list[Rendered]:
    """Render every prompt for a model.

    Args:
        prompts: a `Prompts` table.
        prompt_format: how prompts become text and tokens.
        context: the most tokens that the model takes; None where it names no limit.

    Raises:
        InputError: the chat template or the tokenizer does not let answers be read, or a prompt is too long.
    """
    reader = _Reader(prompt_format, prompts)
    try:
        return reader.render(prompts, context)
    except _JoinedError:
        reader.holds = True
        return reader.render(prompts, context)


class _Reader:
    """Renders the prompts of one job.

    Attributes:
        holds: whether white space at the end of a prompt is read with the answer, because the tokenizer joins both.
    """

    def __init__(self, prompt_format: PromptFormat, prompts: pd.DataFrame) -> None:
        self.prompt_format, self.tokenizer, self.holds = prompt_format, prompt_format.tokenizer, False
        self.name = self.tokenizer.name_or_path or "the tokenizer"
        self.added = set(self.tokenizer.all_special_ids) | set(self.tokenizer.added_tokens_decoder)
        self.before = self._find_added()
        self.split, self.split_whole = lru_cache(maxsize=65_536)(self._split), lru_cache(maxsize=64)(self._split)
        self.tail_tokens = lru_cache(maxsize=4096)(self._tokenize)
        self.numbers: dict[int, int] = {}  # one object per id: a second one would take four times a reference
        self.written: set[tuple[tuple[str, ...], str]] = set()  # roles and option: how a template writes an answer
        if prompt_format.form == "chat":
            self.chat = ChatTemplate(self.tokenizer, prompt_format.template)
            self.chat.prepare({_roles(prompt) for prompt in prompts.itertuples()})

    def render(self, prompts: pd.DataFrame, context: int | None) -> list[Rendered]:
        rendered = []
        with tqdm(total=len(prompts), unit="prompt", mininterval=5, delay=5, desc="render") as progress:
            for batch in _batches(prompts.itertuples(), _BATCH):
                asked = [self._ask(prompt) for prompt in batch]
                read = self.tokenizer([one.text for one in asked], add_special_tokens=False).encodings
                for prompt, one, encoding in zip(batch, asked, read, strict=True):
                    rendered.append(self._render_one(prompt, one, encoding, context))
                    progress.update()
        return rendered

    def _ask(self, prompt: Prompt) -> _Asked:
        asked = self._ask_chat(prompt) if self.prompt_format.form == "chat" else _ask_plain(prompt)
        if not self.holds:
            return asked
        text = asked.text.rstrip()
        return _Asked(text, asked.ends, asked.text[len(text) :] + asked.lead, asked.end, asked.next)

    def _render_one(self, prompt: Prompt, asked: _Asked, encoding: Encoding, context: int | None) -> Rendered:
        labels, options = json.loads(prompt.labels), json.loads(prompt.options)
        tokens = tuple(map(self.numbers.setdefault, encoding.ids, encoding.ids))
        tail = self._cut_tail(asked.text, encoding)

        def read(answer: str) -> _Cut:
            found = self._read(asked, tail, answer)
            if isinstance(found, str):
                if asked.text != asked.text.rstrip() and not self.holds:
                    raise _JoinedError
                raise self._refuse(prompt, answer, found)
            return found

        def begin(answer: str) -> TokenIds:
            """Tokens of an answer that any text may follow."""
            found = self._read(asked, tail, answer)
            if isinstance(found, str) or found.joined:  # a full stop and the line breaks after it may be one token
                found = self._read(asked, tail, answer, alone=True)
            return read(answer).words if isinstance(found, str) else found.words

        closed = [read(option) for option in options]
        forms = list_forms(options, self.prompt_format.language)
        openings = tuple(prefix_free([begin(form) for form in of_option]) for of_option in forms)
        answers = (*map(begin, labels), *(option.words + option.end for option in closed))
        self._check_ends(prompt, asked, encoding, {option.end for option in closed})
        rendered = Rendered(prompt.prompt, asked.text, self._begin(tokens), answers, openings)
        _check_length(rendered, context)
        return rendered

    def _ask_chat(self, prompt: Prompt) -> _Asked:
        """A prompt's text by the chat template. The real text must be the layout, filled with the prompt's words.

        How the template writes an answer is checked once for each option and layout.
        """
        messages = messages_of(prompt)
        roles = tuple(message["role"] for message in messages)
        layout = self.chat.layouts[roles]
        words = [message["content"] for message in messages]
        text = self.chat.write(messages)
        for content in (words, [word.strip() for word in words]):
            expected, ends = layout.fill(content)
            if text == expected:
                break
        else:
            lost = [word for word in words if word.strip() not in text]
            raise InputError(
                f"prompt {prompt.prompt}",
                "the chat template does not write the instruction, each demonstration and the question as they are",
                "Set format: plain for this model, or change this text",
                value=lost[0] if lost else None,
            )
        for option in json.loads(prompt.options):
            if (roles, option) in self.written:
                continue
            written = self.chat.write([*messages, {"role": "assistant", "content": option}])
            if written not in [layout.answer(text, answer) for answer in (option, option.strip())]:
                raise self._refuse(prompt, option, "the chat template does not write the answer as it is")
            self.written.add((roles, option))
        follows = _first_word(words[-1])
        return _Asked(text, ends, layout.lead, layout.end, layout.header + follows)

    def _cut_tail(self, text: str, encoding: Encoding) -> str | None:
        """The end of a prompt's text that decides the tokens after it; None if no such end is found.

        It begins at the last special token, because tokenizers split a text at special tokens first. In bare text it
        begins at the question or close to it: short ends are read faster, and many prompts share a question. An end is
        used only if it has the same tokens alone as in the prompt. `_split` then refuses answers that change a token
        of it. Both conditions together make the rest exact: a tokenizer merges neighbours only, so an answer cannot
        change a token before this end without changing the end.
        """
        tokens, offsets = tuple(encoding.ids), encoding.offsets
        special = next((place for place in range(len(tokens) - 1, -1, -1) if tokens[place] in self.added), None)
        starts = [(offsets[special][0],) * 2] if special is not None else _list_starts(text)
        for first, start in starts:
            place, tail = encoding.char_to_token(first), text[start:]
            if place and offsets[place][0] == first and self.tail_tokens(tail) == tokens[place:]:
                return tail
        return None

    def _read(self, asked: _Asked, tail: str | None, answer: str, alone: bool = False) -> _Cut | str:
        """Tokens of an answer and of what ends it, or of the answer alone; or the reason why there are none."""
        given = (asked.lead + answer, *(("", "") if alone else (asked.end, asked.next)))
        found = self.split(tail, *given) if tail else ""
        return self.split_whole(asked.text, *given) if isinstance(found, str) else found

    def _tokenize(self, text: str) -> TokenIds:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def _split(self, tail: str, answer: str, end: str, following: str) -> _Cut | str:
        """Tokens of an answer after the end of a prompt, and of what ends it; or the reason why there are none.

        Without an end, the text stops after the answer.
        """
        start = self.tail_tokens(tail)
        encoding = self.tokenizer(tail + answer + end + following, add_special_tokens=False).encodings[0]
        tokens, offsets = tuple(encoding.ids), encoding.offsets
        stop = len(tail) + len(answer)
        if tokens[: len(start)] != start:
            return "the tokenizer joins the answer with the text before it"
        first = _first_from(offsets, len(start), stop)
        last = _first_from(offsets, first, stop + len(end))
        if first == len(start):
            return "the tokenizer joins the answer with the text around it"
        if not end:
            return _Cut(tokens[len(start) :], ())
        # A special token may take the white space after it.
        rest = (tail + answer + end + following)[stop + len(end) : offsets[last - 1][1]]
        joined = offsets[first - 1][1] > stop
        first -= joined
        if first == len(start) or last == first or rest.strip():
            return "the tokenizer joins the answer or what ends it with the text after it"
        return _Cut(tokens[len(start) : first], tokens[first:last], joined)

    def _check_ends(self, prompt: Prompt, asked: _Asked, encoding: Encoding, ends: set[TokenIds]) -> None:
        """Check that the tokens that end the options are those that end each demonstration's answer."""
        for place in asked.ends:
            # White space may belong to no token's characters; such an end begins one character later.
            start = next((at for at in (encoding.char_to_token(place), encoding.char_to_token(place + 1)) if at), None)
            for end in ends:
                if start is None or tuple(encoding.ids[start : start + len(end)]) != end:
                    raise self._refuse(
                        prompt,
                        asked.text[:place][-20:],
                        "the tokens after this demonstration's answer are not those after the options",
                    )

    def _begin(self, tokens: TokenIds) -> TokenIds:
        """Tokens with those that the tokenizer adds before a text, once."""
        before = self.before
        if self.prompt_format.form == "chat" and (before != (self.tokenizer.bos_token_id,) or before[0] in tokens):
            return tokens
        return tokens if before and tokens[: len(before)] == before else before + tokens

    def _find_added(self) -> TokenIds:
        """Tokens that the tokenizer adds before a text.

        Raises:
            InputError: it adds an end of text, which bare text must not have before an answer.
        """
        if not self.tokenizer.is_fast:
            raise InputError(
                self.name,
                "the tokenizer does not report which characters each token stands for",
                "Convert it to a tokenizer.json with Hugging Face tokenizers, or use another model",
            )
        alone = tuple(self.tokenizer("a", add_special_tokens=False).input_ids)
        whole = tuple(self.tokenizer("a").input_ids)
        start = next((at for at in range(len(whole)) if whole[at : at + len(alone)] == alone), 0)
        after = whole[start + len(alone) :]
        if after and self.prompt_format.form == "plain":
            names = " ".join(self.tokenizer.convert_ids_to_tokens(list(after)))
            raise InputError(
                self.name,
                f"the tokenizer adds an end-of-text token ({names}) to every text, so no answer can follow a prompt",
                "Remove this token from post_processor in tokenizer.json, or set format: chat for this model",
            )
        if start == 0 and self.tokenizer.bos_token_id is not None and _declares_bos(self.tokenizer):
            return (self.tokenizer.bos_token_id,)
        return whole[:start]

    def _refuse(self, prompt: Prompt, answer: str, reason: str) -> InputError:
        remedy = (
            "Set format: plain for this model"
            if self.prompt_format.form == "chat"
            else "Choose other answers in the frame"
        )
        return InputError(
            f"prompt {prompt.prompt}", reason, f"{remedy}, or use another model", column="answer", value=answer
        )


def _declares_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer's configuration says that a text begins with a BOS.

    `transformers` 5 ignores this for tokenizers of bytes that are declared as Llama's, such as DeepSeek's.
    """
    file = Path(tokenizer.name_or_path, "tokenizer_config.json")
    if not tokenizer.name_or_path or not file.is_file():
        return False
    return json.loads(file.read_text(encoding="utf-8")).get("add_bos_token") is True


def _ask_plain(prompt: Prompt) -> _Asked:
    return _Asked(plain_text(prompt), plain_ends(prompt), " ", BREAK, _first_word(asked_after(prompt)))


def _roles(prompt: Prompt) -> tuple[str, ...]:
    return tuple(message["role"] for message in messages_of(prompt))


def _batches(prompts: Iterable[Prompt], size: int) -> Iterator[list[Prompt]]:
    remaining = iter(prompts)
    while batch := list(islice(remaining, size)):
        yield batch


def _list_starts(text: str) -> list[tuple[int, int]]:
    """Where the end of a text may begin: at the question, at the blank line before it, at its second word.

    A text without a blank line has no such place; some chat templates without special tokens write such texts. Each
    place is that of the first token and that of the text, in characters. They differ by the space before the second
    word, for tokenizers that write a space before every text.
    """
    if BREAK not in text:
        return []
    question = text.rfind(BREAK) + len(BREAK)
    space = text.find(" ", question)
    starts = [(question, question), (question - len(BREAK),) * 2]
    return [*starts, (space, space + 1)] if space > 0 else starts


def _first_word(text: str) -> str:
    return (text.split(maxsplit=1) or [""])[0]


def _first_from(offsets: Sequence[tuple[int, int]], start: int, place: int) -> int:
    """The first token, not before `start`, that begins at a character or after it."""
    return next((token for token in range(start, len(offsets)) if offsets[token][0] >= place), len(offsets))


def _check_length(rendered: Rendered, context: int | None) -> None:
    length = len(rendered.tokens) + max(map(len, rendered.sequences))
    if context is not None and length > context:
        raise InputError(
            f"prompt {rendered.prompt}",
            f"has {length} tokens with its answer, the model takes {context}",
            "Use fewer shots or a model with a longer context; prompts are never cut",
        )
