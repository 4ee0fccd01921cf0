"""Reading and filling of the frames of a prompt."""

from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import yaml

from selfalign.errors import InputError, did_you_mean
from selfalign.probes.bank import BLANK

_FIELDS = {"statement", "first", "second"}


@dataclass(frozen=True)
class Template:
    """A frame of a prompt: an instruction, a question with the fields statement, first and second, and its answers.

    The cue ("Answer:") comes between question and answer in bare text; a chat needs none. Demonstrations are answered
    with two labels, such as A and B, or with the words of the two options (None).
    """

    name: str
    system: str
    question: str
    cue: str
    labels: tuple[str, str] | None

    def ask(self, statement: str, first: str, second: str) -> str:
        """The question of one probe."""
        return self.question.format(statement=statement, first=first, second=second)

    def answers(self, first: str, second: str) -> tuple[str, str]:
        """What a demonstration answers to a question with these options, one or the other."""
        return self.labels or (first, second)


def read_template(path: Path, name: str) -> Template:
    """One frame of a language's templates file.

    Raises:
        InputError: the file is missing or no such mapping, or the frame is not there, lacks a part or has a wrong one.
    """
    remedy = "See resources/templates/en.yaml for the form"
    try:
        frames = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(path, "there is no such file", f"Write the frames of this language. {remedy}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"is not YAML ({' '.join(str(error).split())})", remedy) from None
    if not isinstance(frames, dict) or name not in frames:
        known = frames if isinstance(frames, dict) else []
        raise InputError(path, f'there is no template "{name}"', f"{did_you_mean(name, known)} {remedy}")
    if fault := _find_fault(frames[name]):
        raise InputError(path, f'template "{name}": {fault}', remedy)
    frame = frames[name]
    labels = None if frame["answers"] == "options" else (str(frame["answers"][0]), str(frame["answers"][1]))
    return Template(name, frame["system"], frame["question"], frame["cue"], labels)


def _find_fault(frame: object) -> str | None:
    """What is wrong with a frame as it was read."""
    if not isinstance(frame, dict) or set(frame) != {"system", "question", "cue", "answers"}:
        return "it needs system, question, cue and answers"
    for part in ("system", "question", "cue"):
        if not isinstance(frame[part], str):
            return f"{part} is no text but {frame[part]!r}"
    answers = frame["answers"]
    if answers != "options" and not (isinstance(answers, list) and len(set(map(str, answers))) == 2 == len(answers)):
        return "answers is neither two labels nor the word options"
    try:
        fields = {field for _, field, _, _ in Formatter().parse(frame["question"]) if field is not None}
    except ValueError as error:
        return f"a brace of the question is not paired ({error})"
    if fields != _FIELDS:
        return f"the question has the fields {sorted(fields)}; expected {sorted(_FIELDS)}"
    return "the question holds a blank of its own" if BLANK in frame["question"] else None
