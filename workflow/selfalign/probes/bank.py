"""Reading of the probe bank and of its wordings, with every row checked."""

from pathlib import Path

import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.probes.tables import Bank, Texts
from selfalign.tables import read_input

BLANK = "___"


def parse_codes(text: str) -> set[int]:
    """Codes of a text such as `1-2 5`: {1, 2, 5}."""
    codes: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        codes |= set(range(int(first), int(last or first) + 1))
    return codes


def read_bank(path: Path) -> pd.DataFrame:
    """Probe bank, a `Bank` table in the order of the file.

    Raises:
        InputError: a row breaks the schema, or a code belongs to two poles.
    """
    bank = read_input(path, Bank)
    for row, probe in enumerate(bank.itertuples(), start=2):
        claimed = [*parse_codes(probe.pole_a), *parse_codes(probe.pole_b), *parse_codes(probe.neither)]
        twice = sorted({code for code in claimed if claimed.count(code) > 1})
        if twice:
            raise InputError(
                path,
                f"code {twice[0]} of probe {probe.probe} is claimed more than once by pole_a, pole_b and neither",
                "Give each code to one of the three",
                row=row,
                column="pole_b",
                value=probe.pole_b,
            )
    return bank


def select_categories(bank: pd.DataFrame, categories: list[str], file: Path) -> pd.DataFrame:
    """The probes of some categories; of all, where none is named.

    Raises:
        InputError: the bank has no such category.
    """
    known = set(bank["category"])
    for category in categories:
        if category not in known:
            raise InputError(file, "no probe is of this category", did_you_mean(category, known), value=category)
    return bank[bank["category"].isin(categories or known)]


def read_texts(path: Path, bank: pd.DataFrame) -> pd.DataFrame:
    """Wording of the bank's probes in one language: a `Texts` table indexed by probe, in the bank's order.

    Raises:
        InputError: a row breaks the schema, a statement has not exactly one blank, a text belongs to no probe of
            the bank, or a probe has no text.
    """
    texts = read_input(path, Texts)
    for row, text in enumerate(texts.itertuples(), start=2):
        blanks = text.statement.count(BLANK)
        if blanks != 1 or BLANK + "_" in text.statement:
            raise InputError(
                path,
                f"the statement of probe {text.probe} has {blanks} blanks; expected one, written {BLANK}",
                "Reword the statement",
                row=row,
                column="statement",
                value=text.statement,
            )
        if text.probe not in set(bank["probe"]):
            raise InputError(
                path,
                "is not a probe of the bank",
                f"{did_you_mean(text.probe, bank['probe'])} Correct the id, or add the probe to the bank",
                row=row,
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
