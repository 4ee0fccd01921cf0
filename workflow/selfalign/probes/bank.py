"""Reading of the probe bank and of its wordings, with every row checked."""

import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from selfalign.errors import InputError, did_you_mean, listed
from selfalign.probes.schemas import Bank, Texts
from selfalign.tables import cell_error, read_input

BLANK = "___"

_OPTIONAL = {
    "category": lambda bank: "survey",
    "battery": lambda bank: bank.get("question", ""),
    "siblings": lambda bank: bank.get("question", ""),
    "scale": lambda bank: "ordinal",
    "reversed": lambda bank: "",
    "neither": lambda bank: "",
    "on_request": lambda bank: "",
}
"""Columns of a bank that may be missing or empty, and what fills them."""


def parse_codes(text: str) -> set[int]:
    """Codes of a text such as `1-2 5`: {1, 2, 5}."""
    codes: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        codes |= set(range(int(first), int(last or first) + 1))
    return codes


def name_siblings(siblings: str, known: Collection[str]) -> set[str]:
    """Names of the siblings of a probe, which it is not shown: one name, or several that are separated by spaces.

    Args:
        siblings: a cell of the column siblings.
        known: the siblings of the demonstrations. A known name may have spaces, so it is not split.
    """
    return {siblings} if siblings in known else set(siblings.split())


def list_codes(bank: pd.DataFrame) -> pd.DataFrame:
    """Which pole each answer code is of: columns probe, question, pole (A, B or neither), code; one row per code.

    Args:
        bank: a `Bank` table.
    """
    sides = {"A": "pole_a", "B": "pole_b", "neither": "neither"}
    tables = [
        bank[["probe", "question"]].assign(pole=pole, code=[sorted(parse_codes(codes)) for codes in bank[column]])
        for pole, column in sides.items()
    ]
    return pd.concat(tables).explode("code").dropna().astype({"code": "int64"})


def read_bank(path: Path) -> pd.DataFrame:
    """Probe bank, a `Bank` table in the order of the file.

    Without a battery, a probe stands alone. Without siblings, the probes of one question are siblings.

    Raises:
        InputError: there is no row, a row breaks the schema, or a code belongs to two poles.

    Returns:
        The index of a row is its line in the file less 2.
    """
    bank = read_input(path, Bank, _OPTIONAL)
    check_claimed(bank, path)
    return bank


def check_claimed(bank: pd.DataFrame, path: Path) -> None:
    """Refuse a probe that gives an answer code to two poles, or has a range without codes, such as `5-2`.

    Args:
        bank: columns probe, pole_a, pole_b and neither; the index of a row is its line in the file less 2.
        path: the bank's file.

    Raises:
        InputError: names the row and the code.
    """
    for probe in bank.itertuples():
        for column in ("pole_a", "pole_b", "neither"):
            if not all(map(parse_codes, getattr(probe, column).split())):
                problem = f"a range of codes of probe {probe.probe} ends below its first code"
                raise cell_error(path, probe, column, problem, "Write the smaller code first")
        claimed = [*parse_codes(probe.pole_a), *parse_codes(probe.pole_b), *parse_codes(probe.neither)]
        twice = sorted({code for code in claimed if claimed.count(code) > 1})
        if twice:
            problem = f"code {twice[0]} of probe {probe.probe} is claimed more than once by pole_a, pole_b and neither"
            raise cell_error(path, probe, "pole_b", problem, "Give each code to one of the three")


def find_blank_fault(statement: str) -> str | None:
    """What is wrong with the blank of a statement; None if it has exactly one, written `BLANK`."""
    blanks = re.findall("_{3,}", statement)
    if len(blanks) != 1:
        return f"{len(blanks)} blanks"
    return "a blank that is too long" if blanks[0] != BLANK else None


def check_statements(texts: pd.DataFrame, path: Path, kind: str = "probe") -> None:
    """Refuse a statement that does not have exactly one blank.

    Args:
        texts: columns statement and `kind`; the index of a row is its line in the file less 2.
        path: their file.
        kind: the column with the ids.

    Raises:
        InputError: names the row.
    """
    for text in texts.itertuples():
        if fault := find_blank_fault(text.statement):
            problem = f"the statement of {kind} {getattr(text, kind)} has {fault}; expected one blank, written {BLANK}"
            raise cell_error(path, text, "statement", problem, "Reword the statement")


def read_texts(path: Path, bank: pd.DataFrame, others: bool = False) -> pd.DataFrame:
    """Wording of probes in one language: a `Texts` table indexed by probe.

    Args:
        path: a CSV of the form of `Texts`.
        bank: a `Bank` table.
        others: whether `bank` has the probes of a run only, so that the file has texts of other probes too.

    Returns:
        The texts in the order of `bank`; with `others`, all texts in the order of the file.

    Raises:
        InputError: a row breaks the schema, a statement does not have exactly one blank, a probe has no text, or,
            without `others`, a text is of a probe that `bank` does not have.
    """
    texts = read_input(path, Texts, {"status": lambda texts: "drafted"})
    known = set(bank["probe"])
    check_statements(texts, path)
    for text in texts.itertuples():
        if not others and text.probe not in known:
            remedy = f"{did_you_mean(text.probe, bank['probe'])} Correct the id, or add the probe to the bank"
            raise cell_error(path, text, "probe", "is not a probe of the bank", remedy)
    absent = bank.loc[~bank["probe"].isin(texts["probe"]), "probe"]
    if len(absent):
        raise InputError(
            path,
            f"these probes of the bank have no text here: {listed(list(absent))}",
            "Add a row for each",
            column="probe",
        )
    texts = texts.set_index("probe")
    return texts if others else texts.loc[bank["probe"]]
