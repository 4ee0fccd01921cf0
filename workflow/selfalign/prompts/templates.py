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
    """A frame: an instruction, a question with the fields statement, first and second, and the two answers' labels."""

    name: str
    system: str
    question: str
    labels: tuple[str, str]

    def ask(self, statement: str, first: str, second: str) -> str:
        """The question of one probe, without an answer."""
        return self.question.format(statement=statement, first=first, second=second)

    def show(self, statement: str, first: str, second: str, place: int) -> str:
        """The question of one probe with its answer: option 0 (the first) or 1."""
        return f"{self.ask(statement, first, second)} {self.labels[place]}"


def read_template(path: Path, name: str) -> Template:
    """One frame of a language's templates file.

    Raises:
        InputError: the file is missing or no such mapping, or the frame is not there or lacks a part.
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
    frame = frames[name]
    if not isinstance(frame, dict) or set(frame) != {"system", "question", "labels"} or len(frame["labels"]) != 2:
        raise InputError(path, f'template "{name}" needs system, question and two labels', remedy)
    fields = {field for _, field, _, _ in Formatter().parse(frame["question"]) if field is not None}
    if fields != _FIELDS:
        raise InputError(
            path,
            f'the question of template "{name}" has the fields {sorted(fields)}; expected {sorted(_FIELDS)}',
            remedy,
        )
    if BLANK in frame["question"]:
        raise InputError(path, f'the question of template "{name}" holds a blank of its own', remedy)
    return Template(name, frame["system"], frame["question"], tuple(map(str, frame["labels"])))
