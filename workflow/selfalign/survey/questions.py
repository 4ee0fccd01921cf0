"""The file of questions of a survey of the form `table`: column, wording and answer codes of each question."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import pandera.pandas as pa

from selfalign.errors import Faults, Place, did_you_mean
from selfalign.ids import NAME
from selfalign.survey.cells import is_blank, tidy
from selfalign.survey.schemas import MISSING_KINDS, RESPONDENT
from selfalign.tables import Table, read_input

EMPTY = "blank"
"""The word for an empty cell in the column `missing`."""

HIGHEST = 32767
"""The highest answer code that a table of respondents can hold."""

NOT_IDS = {"NA", "NaN", "nan", "null", "NULL", "None"}
"""Words that programs which read a table, such as pandas and R, take for an empty cell."""

_KINDS = {kind: code for code, kind in MISSING_KINDS.items()}
_ANSWER = re.compile(r"(?P<first>\d+)(?:\s*-\s*(?P<last>\d+)|\s*=\s*(?P<label>.*))?", re.DOTALL)


class QuestionFile(Table):
    """The file of questions: one row per question."""

    question: str = pa.Field(str_matches=NAME, unique=True, description="id of the question: letters, digits, . _ -")
    column: str = pa.Field(description="column of the survey file; the id if empty")
    wording: str = pa.Field(description="the question as it was asked")
    answers: str = pa.Field(str_length={"min_value": 1}, description="codes and labels of the answers, in order")
    missing: str = pa.Field(description="values that are no answer, and their kind")
    values: str = pa.Field(description="values in the survey file, in the order of the answers; the codes if empty")


_OPTIONAL = {
    "column": lambda table: table.get("question", ""),
    "wording": lambda table: "",
    "missing": lambda table: "",
    "values": lambda table: "",
}


@dataclass(frozen=True)
class Question:
    """A question of the survey.

    Attributes:
        question: its id.
        column: its column in the survey file.
        wording: the question as it was asked; may be empty.
        labels: label of each answer code, in the order of the scale; empty where the file gives none.
        codes: answer code, or code of the kind of missing answer, of each value of the survey file (see `tidy`). The
            word `blank` is also the empty cell; if it is an answer, the empty cell is the empty text.
        line: its line in the file of questions.
    """

    question: str
    column: str
    wording: str
    labels: dict[int, str]
    codes: dict[str, int]
    line: int

    def code_of(self, value: str) -> int | None:
        """Code of a value of the survey file: negative for a missing answer, None for an unknown value.

        A mark such as NA is an empty cell, unless the file of questions lists it.
        """
        text = tidy(value)
        if text in self.codes:
            return self.codes[text]
        if not is_blank(value):
            return None
        empty = self.codes.get("", self.codes.get(EMPTY, _KINDS["other"]))
        return empty if empty in MISSING_KINDS else _KINDS["other"]


def split_list(text: str) -> list[str]:
    """The parts of a text between semicolons; `\\;` is a semicolon within a part."""
    parts = re.split(r"(?<!\\);", text)
    return [part.replace("\\;", ";").strip() for part in parts if part.strip()]


def join_list(parts: list[str]) -> str:
    """A text that `split_list` splits into these parts."""
    return "; ".join(" ".join(part.split()).replace(";", "\\;") for part in parts)


def read_questions(path: Path) -> list[Question]:
    """The questions of a file.

    Raises:
        InputError: the file breaks its form. All rows with a mistake are reported together.
    """
    table = read_input(path, QuestionFile, _OPTIONAL)
    faults, questions = Faults(), []
    for row in table.itertuples():
        line = row.Index + 2
        if row.question in (*RESPONDENT, *NOT_IDS):
            remedy = "Choose another id, and keep the name of the column in the column `column`"
            faults.add(path, "this id has another meaning", remedy, row=line, column="question", value=row.question)
        labels = _read_answers(row, path, line, faults)
        codes = _read_values(row, labels, path, line, faults) if labels else {}
        questions.append(Question(row.question, row.column.strip(), row.wording.strip(), labels, codes, line))
    faults.refuse()
    return questions


class _Row(Protocol):
    """The cells of a row of the file that hold lists."""

    answers: str
    values: str
    missing: str


def _read_answers(row: _Row, path: Path, line: int, faults: Faults) -> dict[int, str]:
    """Labels by code, in the order of the file; empty where the cell has a mistake."""
    place: Place = {"row": line, "column": "answers", "value": row.answers}
    labels: dict[int, str] = {}
    for part in split_list(row.answers):
        found = _ANSWER.fullmatch(part)
        if found is None:
            problem = f'"{part}" is not an answer code with its label'
            faults.add(path, problem, "Write the answers as in `1 = agree; 2 = disagree`, or `1; 2; 3`", **place)
            return {}
        first, last = int(found["first"]), int(found["last"] or found["first"])
        if last > HIGHEST or first > last:
            remedy = f"Give codes from 0 to {HIGHEST}, and the values of the survey file in the column `values`"
            faults.add(path, f'"{part}" is not a code, or not codes in ascending order', remedy, **place)
            return {}
        for code in range(first, last + 1):
            if code in labels:
                faults.add(path, f"code {code} is listed twice", "List each code once", **place)
                return {}
            labels[code] = (found["label"] or "").strip()
    if len(labels) < 2:
        remedy = "List all answers with semicolons between them, or delete the row"
        faults.add(path, "a question needs two answers or more", remedy, **place)
        return {}
    given = [label.casefold() for label in labels.values() if label]
    if len(set(given)) < len(given):
        faults.add(path, "two codes have the same label", "Give each code a different label", **place)
        return {}
    return labels


def _read_values(row: _Row, labels: dict[int, str], path: Path, line: int, faults: Faults) -> dict[str, int]:
    """Code of each value of the survey file."""
    values = split_list(row.values)
    if fault := _find_fault(values, labels):
        faults.add(path, *fault, row=line, column="values", value=row.values)
        return {}
    if values:
        codes = {tidy(value): code for value, code in zip(values, labels, strict=True)}
    else:
        codes = {tidy(label): code for code, label in labels.items() if label} | {str(code): code for code in labels}
    for part in split_list(row.missing):
        value, equals, kind = part.rpartition("=")
        value, kind = (value.strip(), kind.strip()) if equals else (part, "other")
        place: Place = {"row": line, "column": "missing", "value": row.missing}
        if kind not in _KINDS:
            remedy = f"{did_you_mean(kind, _KINDS)} Write it as in `8 = dont_know; 9 = no_answer`"
            faults.add(path, f'"{kind}" is not a kind of missing answer', remedy, **place)
        elif tidy(value) == EMPTY and codes.get(EMPTY, -1) >= 0:
            codes[""] = _KINDS[kind]
        elif codes.get(tidy(value), -1) >= 0:
            faults.add(path, f'"{value}" is also an answer', "Keep it in one of the two columns", **place)
        elif codes.get(tidy(value), _KINDS[kind]) != _KINDS[kind]:
            faults.add(path, f'"{value}" has two kinds', "Keep one of the two", **place)
        else:
            codes[tidy(value)] = _KINDS[kind]
    return codes


def _find_fault(values: list[str], labels: dict[int, str]) -> tuple[str, str] | None:
    """What is wrong with the values of the survey file, and what to do."""
    if values and len(values) != len(labels):
        problem = f"has {len(values)} values for {len(labels)} answers"
        return problem, "Give one value for each answer, in the same order, or leave the cell empty"
    twice = [value for value, number in Counter(map(tidy, values)).items() if number > 1]
    if twice:
        return f'the value "{twice[0]}" stands for two answers', "Give each answer a different value"
    if not values and (unclear := find_unclear(labels)):
        problem = f'"{unclear[0]}" is a code, and also the label of another code'
        return problem, "Write the values of the survey file into `values`, in the order of the answers"
    return None


def find_unclear(labels: dict[int, str]) -> list[str]:
    """Labels that are the code of another answer, such as `0` for the code 1 and `1` for the code 2.

    Args:
        labels: label of each answer code.
    """
    codes = {str(code): code for code in labels}
    return [label for code, label in labels.items() if codes.get(tidy(label), code) != code]


def to_scales(questions: list[Question]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The questions in the form of the shipped questionnaire.

    Returns:
        A `Scales`, a `Questions` and a `CodeLabels` table. The set of labels of a question has the question's id as its
        name. A question without a wording gets its id, and a question without labels gets its codes.
    """
    scales, wordings, labels = [], [], []
    for each in questions:
        codes = list(each.labels)
        plain = codes == list(range(codes[0], codes[-1] + 1))
        order = "" if plain else " ".join(map(str, codes))
        ends = {"first": min(codes), "last": max(codes)}
        scales.append({"question": each.question, **ends, "labels": each.question, "order": order, "merged": ""})
        wordings.append({"question": each.question, "wording": each.wording or each.question, "status": "drafted"})
        known = {code: label for code, label in each.labels.items() if label} or {code: str(code) for code in codes}
        rows = [{"labels": each.question, "code": code, "label": label} for code, label in known.items()]
        labels += [row | {"status": "drafted"} for row in rows]
    return pd.DataFrame(scales), pd.DataFrame(wordings), pd.DataFrame(labels)
