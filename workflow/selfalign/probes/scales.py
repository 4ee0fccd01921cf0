"""The whole answer scale of a question: its codes in order, and its words in a language."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from selfalign.errors import InputError
from selfalign.probes.schemas import ScaleCodes, ScaleTexts
from selfalign.survey.cells import parse_recoding
from selfalign.survey.schemas import CodeLabels, Questions, Scales
from selfalign.tables import cell_error, read_input


def read_scales(path: Path, bank: pd.DataFrame) -> pd.DataFrame:
    """Answer codes of the bank's questions, in the order of bank and codes.

    Args:
        path: a CSV of the form of `Scales`.
        bank: a `Bank` table.

    Returns:
        A `ScaleCodes` table.

    Raises:
        InputError: a row breaks the schema, its order or merged codes make no sense, or a question of the bank has no
            row.
    """
    scales = read_input(path, Scales)
    kinds = bank.drop_duplicates("question").set_index("question")["scale"]
    _check_presence(kinds.index, scales, path, "Add a row for each")
    for scale in scales.itertuples():
        if fault := _find_fault(scale):
            remedy = "Name each code that is offered once in order, and in merged those that count as one of them"
            raise cell_error(path, scale, "order", fault, remedy)
    rows = scales.set_index("question", drop=False).loc[kinds.index]
    codes = [(kinds[row.question], *place) for row in rows.itertuples() for place in _list_places(row)]
    table = pd.DataFrame(codes, columns=["scale", "question", "labels", "code", "counted", "place"])
    table["position"] = table["place"].where(table["scale"] != "nominal")
    return ScaleCodes.validate(table[ScaleCodes.names()])


def sort_questions(table: pd.DataFrame, columns: list[str], scales: pd.DataFrame) -> pd.DataFrame:
    """A table sorted by some of its columns, questions in the order of a `ScaleCodes` table."""
    places = {question: place for place, question in enumerate(scales["question"].unique())}
    return table.sort_values(columns, key=lambda key: key.map(places) if key.name == "question" else key)


def is_modal(table: pd.DataFrame) -> pd.Series:
    """Whether an answer is given more often than any other of its country and question."""
    by = [table[column] for column in ("country", "question")]
    largest = np.isclose(table["share"], table["share"].groupby(by).transform("max"), rtol=0, atol=1e-12)
    alone = pd.Series(largest, table.index).groupby(by).transform("sum") == 1
    return largest & alone


def modal_answers(spread: pd.DataFrame) -> pd.DataFrame:
    """What a country's people answer most often: columns country, question, code; no row at a tie.

    Args:
        spread: a `PeopleScales` table.
    """
    return spread.loc[spread["modal"], ["country", "question", "code"]].reset_index(drop=True)


def _check_presence(questions: pd.Index, table: pd.DataFrame, path: Path, remedy: str) -> None:
    absent = questions[~questions.isin(table["question"])]
    if len(absent):
        problem = f"{len(absent)} questions of the bank have no row here, the first of them {absent[0]}"
        raise InputError(path, problem, remedy, column="question")


class Scale(Protocol):
    """A row of `Scales`."""

    question: str
    first: int
    last: int
    labels: str
    order: str
    merged: str


def _offered(scale: Scale) -> list[int]:
    """The codes of a scale that are offered as answers, in order."""
    return [int(code) for code in scale.order.split()] or list(range(scale.first, scale.last + 1))


def _list_places(scale: Scale) -> list[tuple[str, str, int, int | None, int | None]]:
    """Question, labels, code, counted and place of each code of a scale."""
    places = {code: place for place, code in enumerate(_offered(scale), start=1)}
    counted = {code: code for code in places} | parse_recoding(scale.merged)
    placed = {code: places.get(other) for code, other in counted.items()}
    return [
        (scale.question, scale.labels, code, counted.get(code), placed.get(code))
        for code in range(scale.first, scale.last + 1)
    ]


def _find_fault(scale: Scale) -> str | None:
    """The fault of a scale; None if there is none."""
    offered = _offered(scale)
    named = [*offered, *(int(pair.split("=")[0]) for pair in scale.merged.split())]
    for code in named:
        if not scale.first <= code <= scale.last:
            return f"code {code} is not a code of {scale.question}, whose codes are {scale.first} to {scale.last}"
        if named.count(code) > 1:
            return f"code {code} of {scale.question} is named more than once by order and merged"
    for code, other in parse_recoding(scale.merged).items():
        if other not in offered:
            return f"code {code} of {scale.question} is to count as {other}, which is not offered"
    return None


def read_scale_texts(questions: Path, labels: Path, scales: pd.DataFrame) -> pd.DataFrame:
    """The questions of some scales and the answers that are offered, in one language.

    If every answer has a label, the labels are the answers. If only the first and the last answer have a label, the
    codes are the answers, and the labels are shown next to the codes of both ends.

    Args:
        questions: a CSV of the form of `Questions`.
        labels: a CSV of the form of `CodeLabels`.
        scales: a `ScaleCodes` table.

    Returns:
        A `ScaleTexts` table in the order of `scales` and, within a question, of places.

    Raises:
        InputError: a row breaks the schema, a question has no wording, or an answer has no label that needs one.
    """
    wording, words = read_input(questions, Questions), read_input(labels, CodeLabels)
    _check_presence(pd.Index(scales["question"].unique()), wording, questions, "Word each, from the English meaning")
    offered = scales[(scales["code"] == scales["counted"]).fillna(False)]
    table = offered.merge(words[["labels", "code", "label"]], how="left").merge(wording[["question", "wording"]])
    table = sort_questions(table, ["question", "place"], scales)
    by = table["question"]
    labelled = table["label"].notna()
    end = (table["place"] == 1) | (table["place"] == table.groupby(by)["place"].transform("max"))
    verbal = labelled.groupby(by).transform("all")
    numbered = (labelled == end).groupby(by).transform("all")
    _check_labels(table[~verbal & ~numbered & ~labelled], labels)
    code = table["code"].astype(str)
    table["shown"] = table["label"].mask(numbered & ~verbal & end, code + " = " + table["label"]).fillna(code)
    table["answer"] = table["label"].where(verbal, code)
    return ScaleTexts.validate(table[ScaleTexts.names()].reset_index(drop=True))


def _check_labels(bare: pd.DataFrame, labels: Path) -> None:
    if len(bare):
        first = bare.iloc[0]
        raise InputError(
            labels,
            f"code {first['code']} of {first['question']} has no label; {len(bare)} answers lack theirs",
            "Label every code of a scale; or, where the answers are numbers, the first and the last only",
            column="labels",
            value=first["labels"],
        )
