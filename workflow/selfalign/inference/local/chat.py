"""A model's chat template: the text that it writes around messages, and how an answer stands in that text."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import click
from jinja2 import TemplateError, UndefinedError
from transformers import PreTrainedTokenizerBase

from selfalign.errors import InputError, did_you_mean
from selfalign.inference.choices import DATE
from selfalign.inference.messages import without_system
from selfalign.inference.thoughts import CLOSED, OPENED, is_closed_thought, is_open

_SWITCH = re.compile(r"\b\w*(?:think|thought|reason)\w*\b")
_UNDEFINED = re.compile(r"'(\w+)' is undefined")
_PLAIN = "Set format: plain for this model, or use another model"

# Jinja sees this macro instead of the function of transformers, which reads the clock.
_CLOCK = (
    "{% macro strftime_now(format) %}{% set clock = namespace(text=format) %}"
    "{% for code, value in selfalign_clock.items() %}{% set clock.text = clock.text.replace(code, value) %}"
    "{% endfor %}{{ clock.text }}{% endmacro %}"
)


@dataclass(frozen=True)
class ChatLayout:
    """How a template lays out a conversation of some roles that ends with a question.

    Attributes:
        gaps: the template's own text before each message's words, and after the last.
        answered: roles of the messages, in the order of the gaps.
        lead: white space between the prompt and an answer.
        end: the text that ends an answer, such as `<|im_end|>`.
        last: all that the template writes after an answer that is the last message.
        header: the text between the end of an answer and the words of the next question.
        replaced: a closed thought that ends the prompt and that an answered conversation does not have; mostly empty.
        replacement: white space that an answered conversation has in place of this thought.
    """

    gaps: tuple[str, ...]
    answered: tuple[str, ...]
    lead: str
    end: str
    last: str
    header: str
    replaced: str
    replacement: str

    def fill(self, words: Sequence[str]) -> tuple[str, list[int]]:
        """Text of a conversation with these words, and where each earlier answer ends in it."""
        text, ends = "", []
        for gap, role, content in zip(self.gaps, self.answered, words, strict=False):
            text += gap + content
            if role == "assistant":
                ends.append(len(text))
        return text + self.gaps[-1], ends

    def answer(self, text: str, answer: str) -> str:
        """Text of an answered conversation, made from the text of its prompt."""
        return text[: len(text) - len(self.replaced)] + self.replacement + answer + self.last

    @property
    def thinks_at_the_end(self) -> bool:
        """Whether a closed thought stands before the answer that is read, and not before earlier answers."""
        earlier = [gap for gap, role in zip(self.gaps, self.answered, strict=False) if role == "assistant"]
        return bool(CLOSED.search(self.gaps[-1])) and not all(map(CLOSED.search, earlier))


class _UnfitError(Exception):
    """A template does not lay out a conversation so that answers can be read.

    Attributes:
        reason: what it does.
        thought: whether it writes or opens a thought.
        needs: name of a variable that it needs and that no setting gives; empty: none.
        can_move: whether it may lay out the conversation if the instruction opens the first user's turn.
    """

    def __init__(self, reason: str, thought: bool = False, can_move: bool = True, needs: str = "") -> None:
        super().__init__(reason)
        self.reason, self.thought, self.needs = reason, thought, needs
        self.can_move = can_move and not thought


class ChatTemplate:
    """A tokenizer's chat template with its settings."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, settings: Mapping[str, object]) -> None:
        self.tokenizer = tokenizer
        self.name = tokenizer.name_or_path or "the tokenizer"
        self.given = dict(settings)
        self.moved = False
        self.layouts: dict[tuple[str, ...], ChatLayout] = {}

    @cached_property
    def source(self) -> str:
        """Source of the template that is used, before the date is fixed.

        Raises:
            InputError: there is none, or several, and none is chosen.
        """
        known, chosen = self.tokenizer.chat_template, self.given.get("chat_template")
        names = sorted(known) if isinstance(known, dict) else []
        if chosen is not None and chosen not in names and "{" not in str(chosen):
            remedy = (
                did_you_mean(str(chosen), names) if names else "Remove this setting: the tokenizer has one template"
            )
            raise InputError("template", "no chat template has this name", remedy, column="chat_template", value=chosen)
        if not known and chosen is None:
            raise InputError(
                self.name,
                "the tokenizer has no chat template",
                "Set format: plain for this model (a base model), or template: {chat_template: TEXT} with its template",
            )
        if names and chosen is None and "default" not in names:
            raise InputError(
                self.name,
                f"the tokenizer has several chat templates ({', '.join(names)}) and no default",
                f"Choose one, such as template: {{chat_template: {names[0]}}}, or set format: plain",
            )
        return self.tokenizer.get_chat_template(None if chosen is None else str(chosen))

    @cached_property
    def settings(self) -> dict[str, object]:
        """Variables for the template, with a fixed date."""
        given = {key: value for key, value in self.given.items() if key not in ("date", "chat_template")}
        today = _read_date(self.given.get("date", DATE))
        if "date_string" in self.source:
            given = {"date_string": f"{today:%d %b %Y}"} | given  # as Llama's template writes a date
        if "strftime_now" not in self.source:
            return given | {"chat_template": self.source}
        return given | {"chat_template": _CLOCK + self.source, "selfalign_clock": _clock(today)}

    def prepare(self, conversations: Iterable[tuple[str, ...]]) -> None:
        """Find the layouts of conversations.

        If the template drops, repeats or refuses the instruction in one of them, the instruction opens the first user's
        turn in all of them.

        Args:
            conversations: roles of the messages of each.

        Raises:
            InputError: the template is broken, or answers cannot be read in it.
        """
        conversations = sorted(set(conversations), key=len)
        try:
            reason = self._prepare(conversations)
        except _UnfitError as fault:
            raise self._refuse(fault, conversations) from None
        if reason:
            click.echo(f"the instruction opens the first user's turn, because {reason}", err=True)
        if any(layout.thinks_at_the_end for layout in self.layouts.values()):
            click.echo(
                "the template writes a closed thought before the answer that is read, and none before the answers of"
                " demonstrations; with shown: message there are no earlier answers",
                err=True,
            )
        if switch := self._find_doubt(conversations):
            click.echo(f"this model may think first; to turn thoughts off, set template: {switch}", err=True)

    def _prepare(self, conversations: Sequence[tuple[str, ...]]) -> str:
        """Find the layouts. Returns the reason why the instruction was moved; empty: it was not."""
        try:
            self.layouts = {roles: self._lay_out(roles) for roles in conversations}
            return ""
        except _UnfitError as fault:
            if not fault.can_move or not any("system" in roles for roles in conversations):
                raise
            reason = fault.reason
        self.moved = True
        self.layouts = {roles: self._lay_out(roles) for roles in conversations}
        return reason

    def write(self, messages: list[dict[str, str]]) -> str:
        """Text of a conversation; with the generation prompt if it ends with a question.

        Raises:
            InputError: the template fails.
        """
        try:
            return self._write(messages)
        except _UnfitError as fault:
            raise self._refuse(fault, []) from None

    def _write(self, messages: list[dict[str, str]]) -> str:
        settings: dict[str, Any] = {**self.settings, "add_generation_prompt": messages[-1]["role"] == "user"}
        if self.moved:
            messages = without_system(messages)
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False, **settings))
        except InputError:
            raise
        except TemplateError as error:
            unknown = _UNDEFINED.fullmatch(_say(error)) if isinstance(error, UndefinedError) else None
            needs = unknown[1] if unknown else ""
            raise _UnfitError(f"the chat template fails: {_say(error)}", needs=needs) from None
        except Exception as error:  # a template is a program that somebody else wrote
            raise _UnfitError(f"the chat template fails: {type(error).__name__}: {_say(error)}") from None

    def _refuse(self, fault: _UnfitError, conversations: Sequence[tuple[str, ...]]) -> InputError:
        remedy = _PLAIN
        if fault.needs:
            remedy = (
                f"Set template: {{{fault.needs}: TEXT}} with the text that this model expects, or set format: plain"
            )
        if fault.thought:
            switch = next((setting for setting, _ in self._turn_off(conversations)), "")
            never = "No setting of the template turns thoughts off. Use another model, or set format: plain"
            remedy = f"Set template: {switch} for this model" if switch else never
        return InputError(self.name, fault.reason, remedy)

    def _find_doubt(self, conversations: Sequence[tuple[str, ...]]) -> str:
        """The setting that may turn thoughts off, because it changes the text; empty: there is none."""
        changes = (setting for setting, other in self._turn_off(conversations) if other.layouts != self.layouts)
        return next(changes, "")

    def _turn_off(self, conversations: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, "ChatTemplate"]]:
        """Settings that may turn thoughts off, each with a template that has it and lays out the conversations.

        Each name comes once: a switch that is tested for truth takes the text "none" for "on".
        """
        for name in dict.fromkeys(_SWITCH.findall(self.source)):
            for value in _list_off(name):
                other = ChatTemplate(self.tokenizer, self.given | {name: value})
                try:
                    other._prepare(conversations)
                except _UnfitError:
                    continue
                yield f"{{{name}: {str(value).lower()}}}", other
                break

    def _lay_out(self, roles: tuple[str, ...]) -> ChatLayout:
        """Layout of a conversation, found with words that stand for those of a real one."""
        words = [f"zq{place}qz" for place in range(len(roles) + 2)]
        *contents, answer, following = words
        messages = [{"role": role, "content": word} for role, word in zip(roles, contents, strict=True)]
        answered = [*messages, {"role": "assistant", "content": answer}]
        text, whole = self._write(messages), self._write(answered)
        gaps = _cut(text, contents, roles)
        _check_thoughts(gaps, roles)
        written, last = self._read_answer(text, whole, answer, contents[-1])
        replaced, replacement = _differ(gaps[-1], written)
        lead = self._read_lead(messages, answer, replaced) if replaced else replacement
        more = self._write([*answered, {"role": "user", "content": following}])
        if more.count(answer) != 1 or more.count(following) != 1 or more.index(following) < more.index(answer):
            raise _UnfitError("the chat template drops or repeats an answer or the question after it")
        between = _between(more, answer, following)
        end = self._find_end(last, between, gaps[0])
        _compare(gaps, roles, written, end)
        return ChatLayout(tuple(gaps), roles, lead, end, last, between[len(end) :], replaced, replacement)

    def _read_answer(self, text: str, whole: str, answer: str, question: str) -> tuple[str, str]:
        """All that the template writes between the question and its answer, and after the answer."""
        if whole.count(answer) != 1:
            raise _UnfitError("the chat template drops or repeats an answer")
        before, _, last = whole.partition(answer)
        start, _, gap = text.rpartition(question)
        written = before.rpartition(question)[2]
        shorter = written.removeprefix(gap)
        if OPENED.search(shorter) or CLOSED.search(shorter):
            raise _UnfitError(f"the chat template writes a thought before an answer ({_quote(written)})", thought=True)
        replaced, lead = _differ(gap, written)
        if not before.startswith(start + question) or (replaced and not is_closed_thought(replaced)):
            raise _UnfitError(
                "the chat template writes a conversation with its last answer in another way than without"
                f" ({_quote(text[-60:])} and then {_quote(before[-60:])})"
            )
        if lead.strip():
            raise _UnfitError(f"the chat template writes {_quote(lead)} before an answer, which is not white space")
        return written, last

    def _read_lead(self, messages: Sequence[dict[str, str]], answer: str, thought: str) -> str:
        """White space between a closed thought at the end of the prompt and an answer.

        Conversations without thoughts do not show this white space, so the answer gets a thought here. Some templates
        write none; their answers follow at once.
        """
        reason = "zqthoughtqz"
        try:
            whole = self._write([*messages, {"role": "assistant", "content": answer, "reasoning_content": reason}])
        except _UnfitError:
            return ""
        between = _between(whole, reason, answer)
        space, written = _last_space(between), _last_space(thought)
        return space[len(written) :] if CLOSED.search(between) and space.startswith(written) else ""

    @cached_property
    def _special(self) -> set[int]:
        """Ids of the special tokens, also of those to which the tokenizer gives no role."""
        added = self.tokenizer.added_tokens_decoder.items()
        return set(self.tokenizer.all_special_ids) | {number for number, token in added if token.special}

    def _find_end(self, last: str, between: str, opening: str) -> str:
        """What ends an answer, wherever it stands: the tokens that follow an answer both at the end and before a turn.

        White space after a token that ends the turn is not part of it, because no model writes it. The beginning of the
        next turn is not part of it either; some templates write one after the last answer too.

        Args:
            last: the text after an answer that is the last message.
            between: the text between an answer and the next question.
            opening: the text before the first message.
        """
        one, other = (_Encoded(self.tokenizer, part) for part in (last, between))
        chars = 0
        for (token, (_, stop)), (same, _) in zip(one.tokens, other.tokens, strict=False):
            if token != same:
                break
            chars = stop
        end = _without_opening(last[:chars], opening.removeprefix(self.tokenizer.bos_token or "")).rstrip()
        if not end or not between.startswith(end):
            end = between[: len(between) - len(between.lstrip())]
        if not end and other.tokens and other.tokens[0][0] in self._special:
            end = between[: other.tokens[0][1][1]].rstrip()
        if not end:
            raise _UnfitError("the chat template writes nothing that ends an answer")
        return end


class _Encoded:
    """Tokens of a text, each with the characters that it stands for."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, text: str) -> None:
        encoding = tokenizer(text, add_special_tokens=False).encodings[0]
        self.tokens = list(zip(encoding.ids, encoding.offsets, strict=True))


def _cut(text: str, words: Sequence[str], roles: Sequence[str]) -> list[str]:
    """The text around words, each of which must stand in it once, in order."""
    gaps, start = [], 0
    names = {"system": "the instruction", "user": "a question", "assistant": "an earlier answer"}
    for role, word in zip(roles, words, strict=True):
        count, place = text.count(word), text.find(word, start)
        if count != 1:
            does = "drops" if not count else f"writes {count} times"
            raise _UnfitError(f"the chat template {does} {names[role]}", can_move=role == "system")
        if place < 0:
            raise _UnfitError(
                "the chat template writes the messages in another order, or the instruction after a question"
            )
        gaps.append(text[start:place])
        start = place + len(word)
    return [*gaps, text[start:]]


def _check_thoughts(gaps: Sequence[str], roles: Sequence[str]) -> None:
    """Check that the template neither asks for thoughts before the first question nor opens one before an answer.

    Gemma 4 with thoughts turned on writes `<|think|>` before the instruction.
    """
    if is_open(gaps[-1]):
        raise _UnfitError(f"the chat template opens a thought before an answer ({_quote(gaps[-1])})", thought=True)
    start = "".join(gaps[: roles.index("user") + 1])
    if is_open(start):
        mark = OPENED.findall(start)[-1]
        raise _UnfitError(f"the chat template turns thoughts on ({_quote(mark)})", thought=True)


def _differ(gap: str, written: str) -> tuple[str, str]:
    """The end of the prompt that an answered conversation does not have, and what it writes in place of this end."""
    if written.startswith(gap):
        return "", written[len(gap) :]
    stem = written if gap.startswith(written) else written.rstrip()
    return (gap[len(stem) :], written[len(stem) :]) if gap.startswith(stem) else (gap, written)


def _compare(gaps: Sequence[str], roles: Sequence[str], written: str, end: str) -> None:
    """Check that earlier answers stand as the last one does.

    Args:
        gaps: the template's text around the messages.
        roles: of the messages.
        written: the text between the last question and its answer.
        end: what ends the last answer.
    """
    for place, role in enumerate(roles):
        if role != "assistant":
            continue
        if not gaps[place + 1].startswith(end):
            found = _quote(gaps[place + 1])
            raise _UnfitError(f"the chat template ends the last answer with {_quote(end)}, an earlier one with {found}")
        if _last_space(gaps[place]) != _last_space(written) and not CLOSED.search(written):
            raise _UnfitError(
                "the chat template writes other white space before the last answer than before earlier ones"
            )


def _between(text: str, one: str, other: str) -> str:
    return text.partition(one)[2].partition(other)[0]


def _without_opening(end: str, opening: str) -> str:
    """The end of a turn without the beginning of the next one, if it has both."""
    for place in range(1, len(end)):
        if end[:place].strip() and end[place:].strip() and opening.startswith(end[place:]):
            return end[:place]
    return end


def _list_off(name: str) -> list[object]:
    """Values of a setting that may turn thoughts off, the likeliest first."""
    if "budget" in name:
        return [0]
    return ["none", False] if "effort" in name else [False, "none"]


def _last_space(text: str) -> str:
    return text[len(text.rstrip()) :]


def _quote(text: str) -> str:
    return repr(text if len(text) <= 60 else f"...{text[-57:]}")


def _say(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _read_date(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InputError(
            "template", "is not a date", f'Write it as year, month, day: "{DATE}"', column="date", value=str(value)
        ) from None


def _clock(day: date) -> dict[str, str]:
    """What each code of `strftime` stands for at the start of a day; the longest codes come first."""
    codes = {f"%{code}": day.strftime(f"%{code}") for code in "aAwdbBmyYHIpMSfjUWcxXFT"}
    short = {f"%-{code}": codes[f"%{code}"].lstrip("0") or "0" for code in "dmyHIMSj"}
    return short | codes | {"%%": "%"}
