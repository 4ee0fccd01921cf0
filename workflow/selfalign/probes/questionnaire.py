"""Checks of a probe bank and its texts against the survey's own file of questions, before anything runs."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from selfalign.errors import Faults, did_you_mean, listed
from selfalign.probes.bank import BLANK, find_blank_fault, list_codes
from selfalign.survey.questions import Question
from selfalign.tables import Table, read_input


class Drafts(Table):
    """The texts of probes as far as they are filled in."""

    probe: str = pa.Field(description="probe id, as in the bank")
    statement: str = pa.Field(description="a sentence with one blank, written ___")
    option_a: str = pa.Field(description="what fills the blank for pole A")
    option_b: str = pa.Field(description="what fills the blank for pole B")
    status: str = pa.Field(description="how far the wording was checked")


def check_poles(questions: list[Question], file: Path, bank: pd.DataFrame, bank_file: Path, faults: Faults) -> None:
    """Note probes on unknown questions, poles with unknown codes, and answer codes in no pole.

    Args:
        file: the file of questions, for messages.
        bank: the rows of a `Bank` table that are used.
        bank_file: its file, for messages.
    """
    known = {each.question: set(each.labels) for each in questions}
    lost = bank[~bank["question"].isin(known)]
    if len(lost):
        rows = listed([f"line {row.Index + 2} (probe {row.probe}: {row.question!r})" for row in lost.itertuples()])
        hint = did_you_mean(lost["question"].iloc[0], known)
        remedy = f"{hint} Correct the ids, or delete the rows here and in the texts"
        faults.add(bank_file, f"these questions are not in {file}: {rows}", remedy, column="question")
    poles = list_codes(bank[bank["question"].isin(known)])
    assigned = poles.groupby("probe")["code"].agg(set)
    unknown, unassigned = [], []
    for row in bank[bank["question"].isin(known)].itertuples():
        codes = known[row.question]
        if extra := sorted(assigned[row.probe] - codes):
            unknown.append(f"line {row.Index + 2} (probe {row.probe}: code {listed(list(map(str, extra)))})")
        if rest := sorted(codes - assigned[row.probe]):
            unassigned.append(f"line {row.Index + 2} (probe {row.probe}: code {listed(list(map(str, rest)))})")
    if unknown:
        problem = f"the poles have codes that are no answers in {file}: {listed(unknown)}"
        faults.add(bank_file, problem, "Correct the codes here, or the answers there")
    if unassigned:
        problem = f"answer codes are in none of pole_a, pole_b and neither: {listed(unassigned)}"
        faults.add(bank_file, problem, "Put each answer code of the question into one of the three columns")


def check_drafts(path: Path, bank: pd.DataFrame, bank_file: Path, faults: Faults) -> None:
    """Note all probes whose text is missing, or not filled in, or has no blank; and texts of no probe.

    Args:
        path: the texts in one language.
        bank: a `Bank` table.
        bank_file: its file, for messages.
    """

    def blank(texts: pd.DataFrame) -> str:
        return ""

    texts = read_input(path, Drafts, dict.fromkeys(["statement", "option_a", "option_b", "status"], blank))
    empty, broken, same = [], [], []
    for row in texts.itertuples():
        parts = [name for name in ("statement", "option_a", "option_b") if not getattr(row, name)]
        if parts:
            empty.append(f"line {row.Index + 2} (probe {row.probe}: {' '.join(parts)})")
        elif find_blank_fault(row.statement):
            broken.append(f"line {row.Index + 2} (probe {row.probe}: {row.statement!r})")
        elif row.option_a == row.option_b:
            same.append(f"line {row.Index + 2} (probe {row.probe}: {row.option_a!r})")
    leave = f"To leave a probe out, delete its row here and in {bank_file}"
    kinds = [
        (empty, "cells are not filled in", f"Fill them in. {leave}"),
        (broken, f"the statement needs one blank, written {BLANK} (three underscores)", "Correct the statements"),
        (same, "option_a and option_b are the same", "Write two options that stand for the two poles"),
        (
            sorted(set(bank["probe"]) - set(texts["probe"])),
            "these probes of the bank have no row",
            f"Add a row for each. {leave}",
        ),
        (
            sorted(set(texts["probe"]) - set(bank["probe"])),
            f"these are no probes of {bank_file}",
            "Correct the ids, or delete the rows",
        ),
        (
            sorted(set(texts.loc[texts["probe"].duplicated(), "probe"])),
            "these probes have two rows",
            "Delete one of the two rows",
        ),
    ]
    for found, problem, remedy in kinds:
        if found:
            faults.add(path, f"{problem}: {listed(found)}", remedy)


def check_words(questions: list[Question], file: Path, bank: pd.DataFrame, faults: Faults) -> None:
    """Note questions of the bank that cannot be asked with the whole scale: without a wording, or without labels.

    Args:
        file: the file of questions, for messages.
        bank: the rows of a `Bank` table that are used.
    """
    asked = [each for each in questions if each.question in set(bank["question"])]
    bare = [f"line {each.line} ({each.question})" for each in asked if not each.wording]
    if bare:
        problem = f"a frame asks with the whole scale, and these questions have no wording: {listed(bare)}"
        faults.add(file, problem, "Fill in the wording, or use another frame in prompts.frames", column="wording")
    bare = [f"line {each.line} ({each.question})" for each in asked if not _is_labelled(each)]
    if bare:
        problem = f"a frame asks with the whole scale, and these questions lack labels: {listed(bare)}"
        remedy = "Label all answers, or only the first and the last"
        faults.add(file, problem, remedy, column="answers")


def _is_labelled(question: Question) -> bool:
    """Whether all answers have a label, or only both ends."""
    has = [bool(label) for label in question.labels.values()]
    return all(has) or (has[0] and has[-1] and not any(has[1:-1]))
