"""The bank of probes: where it is, and the bank and its texts, read once. Copy a table before you change it."""

from functools import cache

import pandas as pd
from places import ROOT
from selfalign.probes.bank import read_bank, read_texts

BANK_FOLDER = ROOT / "resources" / "probes"

BANK_FILE = BANK_FOLDER / "probes.csv"

BANK = read_bank(BANK_FILE)

DEFAULT_BANK = BANK[BANK["on_request"] == ""].reset_index(drop=True)
"""The probes that a run has if its config asks for no others."""

LANGUAGES = sorted(path.stem for path in (BANK_FOLDER / "texts").glob("*.csv"))
"""The languages of the bank's texts."""


@cache
def bank_texts(language: str = "en") -> pd.DataFrame:
    """The texts of the bank in a language, by probe."""
    return read_texts(BANK_FOLDER / "texts" / f"{language}.csv", BANK)
