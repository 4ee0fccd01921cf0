"""Reading of the probe bank and of its wordings, with every row checked."""

import re
from pathlib import Path

import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.probes.tables import Bank, Texts
from selfalign.tables import read_input

BLANK = "___"

_OPTIONAL = {
    "category": lambda bank: "survey",
    "battery": lambda bank: bank.get("question", ""),
    "siblings": lambda bank: bank.get("question", ""),
    "scale": lambda bank: "ordinal",
    "reversed": lambda bank: "",
    "neither": lambda bank: "",
}
"""Columns of a bank that may be missing or empty, and what fills them."""


def parse_codes(text: str) -> set[int]:
    """Codes of a text such as `1-2 5`: {1, 2, 5}."""
    codes: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        codes |= set(range(int(first), int(last or first) + 1))
    return codes


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
    for probe in bank.itertuples():
        claimed = [*parse_codes(probe.pole_a), *parse_codes(probe.pole_b), *parse_codes(probe.neither)]
        twice = sorted({code for code in claimed if claimed.count(code) > 1})
        if twice:
            raise InputError(
                path,
                f"code {twice[0]} of probe {probe.probe} is claimed more than once by pole_a, pole_b and neither",
                "Give each code to one of the three",
                row=probe.Index + 2,
                column="pole_b",
                value=probe.pole_b,
            )
    return bank


def select_probes(bank: pd.DataFrame, categories: list[str], only: list[str], file: Path) -> pd.DataFrame:
    """The probes of some categories and of some ids; an empty list leaves nothing out.

    Raises:
        InputError: the bank has no such category or probe, or none is left.
    """
    chosen = bank
    for column, key, names in (("category", "categories", categories), ("probe", "only", only)):
        known = set(bank[column])
        unknown = [name for name in names if name not in known]
        if unknown:
            more = f" (and {len(unknown) - 1} more: {', '.join(unknown[1:])})" if unknown[1:] else ""
            raise InputError(
                file,
                f"the bank has no such {column}{more}",
                f"{did_you_mean(unknown[0], known)} Correct probes.{key} in the config",
                column=column,
                value=unknown[0],
            )
        chosen = chosen[chosen[column].isin(names or known)]
    if chosen.empty:
        raise InputError(
            file, "none of probes.only is of the categories of probes.categories", "Empty one of the lists"
        )
    return chosen


def _find_fault(statement: str) -> str | None:
    """What is wrong with the blank of a statement."""
    blanks = re.findall("_{3,}", statement)
    if len(blanks) != 1:
        return f"{len(blanks)} blanks"
    return "a blank that is too long" if blanks[0] != BLANK else None


def read_texts(path: Path, bank: pd.DataFrame) -> pd.DataFrame:
    """Wording of the bank's probes in one language: a `Texts` table indexed by probe, in the bank's order.

    Raises:
        InputError: a row breaks the schema, a statement has not exactly one blank, a text belongs to no probe of
            the bank, or a probe has no text.
    """
    texts = read_input(path, Texts, {"status": lambda texts: "drafted"})
    known = set(bank["probe"])
    for text in texts.itertuples():
        if fault := _find_fault(text.statement):
            raise InputError(
                path,
                f"the statement of probe {text.probe} has {fault}; expected one blank, written {BLANK}",
                "Reword the statement",
                row=text.Index + 2,
                column="statement",
                value=text.statement,
            )
        if text.probe not in known:
            raise InputError(
                path,
                "is not a probe of the bank",
                f"{did_you_mean(text.probe, bank['probe'])} Correct the id, or add the probe to the bank",
                row=text.Index + 2,
                column="probe",
                value=text.probe,
            )
    absent = bank.loc[~bank["probe"].isin(texts["probe"]), "probe"]
    if len(absent):
        raise InputError(
            path,
            f"{len(absent)} probes of the bank have no text here, the first of them {absent.iloc[0]}",
            "Add a row for each",
            column="probe",
        )
    return texts.set_index("probe").loc[bank["probe"]]
