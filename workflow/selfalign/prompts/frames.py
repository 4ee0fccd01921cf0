"""Reading and filling of the frames of a prompt."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from selfalign.errors import InputError, did_you_mean
from selfalign.fields import fields_of, find_place, has_formats
from selfalign.probes.bank import BLANK
from selfalign.prompts.schemas import Way
from selfalign.yaml_files import YAML_MISTAKES, YAML_WORDS, load_yaml

_FIELDS = {"statement", "first", "second"}
_SCALE_FIELDS = {"statement", "options"}
_PARTS = {"system", "question", "cue", "answers"}
_BETWEEN = " / "
"""Stands between the options of a whole scale."""


@dataclass(frozen=True)
class Item:
    """Something that can be asked: a probe, a neutral item, or a question with its whole scale.

    Attributes:
        statement: a sentence with a blank, or a question.
        codes: what each option stands for: the poles A and B, or the scale's answer codes, in order.
        shown: the options as a question lists them.
        answers: the options as they are answered.
        counts: whether the answers are numbers of people who choose the first option. They keep their order, so the
            number that answers a code depends on the option that comes first.
    """

    statement: str
    codes: tuple[str, ...]
    shown: tuple[str, ...]
    answers: tuple[str, ...]
    counts: bool = False

    def turned(self, order: str) -> "Item":
        """The item with its options in an order: `AB` is the given order, `BA` the reverse."""
        if order == "AB":
            return self
        answers = self.answers if self.counts else self.answers[::-1]
        return replace(self, codes=self.codes[::-1], shown=self.shown[::-1], answers=answers)


@dataclass(frozen=True)
class Frame:
    """The wording and layout of a prompt: an instruction, a question and its answers.

    The question has the fields statement, first and second; or statement and options, where it is asked with its whole
    scale. The cue ("Answer:") comes between question and answer in bare text; a chat needs none. Demonstrations are
    answered with two labels, such as A and B, or with the words of the options (None).

    A frame of shares asks how many of 100 people choose the first option. Its instruction has the field {place}, for
    the part of a country's persona that the forms mark, such as "You are from {place}."; other frames have no forms.
    """

    name: str
    system: str
    question: str
    cue: str
    labels: tuple[str, str] | None
    whole_scale: bool = False
    forms: tuple[str, ...] = ()

    @property
    def asks(self) -> Way:
        """What is answered: one of two options, an answer of the whole scale, or a share of people."""
        if self.forms:
            return "share"
        return "scale" if self.whole_scale else "poles"

    def name_place(self, sentence: str) -> str | None:
        """The instruction with the country of a persona; None if the sentence has none of the forms."""
        for form in self.forms:
            if place := find_place(sentence, form):
                return self.system.format(place=place)
        return None

    def ask(self, item: Item) -> str:
        """The question, with the options in the order in which they stand."""
        if self.whole_scale:
            return self.question.format(statement=item.statement, options=_BETWEEN.join(item.shown))
        first, second = item.shown
        return self.question.format(statement=item.statement, first=first, second=second)

    def ask_nothing(self, item: Item) -> str:
        """The question of a premise: the frame and the options as they stand, with a bare blank as the statement.

        The blank needs no words, so a premise has the same form in every language and frame.
        """
        return self.ask(replace(item, statement=BLANK))

    def answer(self, item: Item, code: str) -> str:
        """What a demonstration answers."""
        return (self.labels or item.answers)[item.codes.index(code)]


def read_yaml(path: Path, write: str, remedy: str) -> Any:
    """The content of a file of texts of one language.

    Args:
        write: what to do where there is no file.
        remedy: what else helps.

    Raises:
        InputError: the file is missing, or is not YAML.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(path, "there is no such file", f"{write}. {remedy}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        check = f"Correct this line or the one before it: {YAML_MISTAKES}"
        raise InputError(path, f"is not YAML: {error.problem}", f"{check}. {remedy}", row=line) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML in UTF-8: {error}", f"Save it as text in UTF-8. {remedy}") from None


def read_frame(path: Path, name: str) -> Frame:
    """One frame of a language's file of frames.

    Raises:
        InputError: the file is missing or no such mapping, or the frame is not there, lacks a part or has a wrong one.
    """
    remedy = "See resources/templates/en.yaml for the form"
    frames = read_yaml(path, "Write the frames of this language", remedy)
    if not isinstance(frames, dict):
        raise InputError(path, f'has no frames; expected "{name}"', f"Write this frame. {remedy}")
    if name not in frames:
        raise InputError(path, f'there is no frame "{name}"', f"{did_you_mean(name, map(str, frames))} {remedy}")
    if fault := _find_fault(frames[name]):
        raise InputError(path, f'frame "{name}": {fault}', remedy)
    frame = frames[name]
    answers = frame["answers"]
    labels = None if isinstance(answers, str) else (str(answers[0]), str(answers[1]))
    forms = frame.get("persona", [])
    forms = (forms,) if isinstance(forms, str) else tuple(forms)
    return Frame(name, frame["system"], frame["question"], frame["cue"], labels, answers == "scale", forms)


def _find_fault(frame: object) -> str | None:
    """What is wrong with a frame as it was read."""
    if not isinstance(frame, dict):
        return "it needs system, question, cue and answers"
    shares = frame.get("answers") == "share"
    needed = _PARTS | {"persona"} if shares else _PARTS
    if missing := sorted(needed - set(frame)):
        return f"it has no {' and no '.join(missing)}"
    if "persona" in frame and not shares:
        return "it has a persona, which is only for frames with answers: share"
    if unknown := sorted(set(map(str, frame)) - needed):
        return f"{unknown[0]} is not a part of it; expected only {', '.join(sorted(needed))}"
    for part in ("system", "question", "cue"):
        if not isinstance(frame[part], str):
            return f"{part} is {frame[part]!r}; expected text"
    expected = _SCALE_FIELDS if frame["answers"] == "scale" else _FIELDS
    fault = _find_fault_of_answers(frame["answers"]) or _find_wrong_fields("question", frame["question"], expected)
    if fault:
        return fault
    if BLANK in frame["question"]:
        return f"the question has a blank ({BLANK}), which only statements may have"
    return _find_fault_of_place(frame) if shares else None


def _find_fault_of_answers(answers: object) -> str | None:
    """What is wrong with the labels of a frame, or with the word that stands instead of them."""
    if isinstance(answers, list) and any(isinstance(answer, bool) for answer in answers):
        return f"answers has {', '.join(map(str, answers))} instead of words. {YAML_WORDS}, so put labels in quotes"
    labels = isinstance(answers, list) and len(set(map(str, answers))) == 2 == len(answers)
    if answers not in ("options", "scale", "share") and not labels:
        return "answers is neither two labels nor one of the words options, scale and share"
    return None


def _find_wrong_fields(part: str, text: str, expected: set[str]) -> str | None:
    try:
        fields, formatted = fields_of(text), has_formats(text)
    except ValueError as error:
        return f"a brace of the {part} is not paired ({error})"
    if formatted:
        return f"a field of the {part} has a ! or : in its braces; expected only its name"
    return None if fields == expected else f"the {part} has the fields {sorted(fields)}; expected {sorted(expected)}"


def _find_fault_of_place(frame: dict[str, Any]) -> str | None:
    """What is wrong with the place of the people that a frame of shares asks about."""
    if fault := _find_wrong_fields("system", frame["system"], {"place"}):
        return fault
    forms = [frame["persona"]] if isinstance(frame["persona"], str) else frame["persona"]
    if not isinstance(forms, list) or not forms or any(str(form).count("{place}") != 1 for form in forms):
        expected = "a sentence with the field {place} once, or a list of such sentences"
        return f"persona is {frame['persona']!r}; expected {expected}"
    return None
