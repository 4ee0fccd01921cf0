"""The bank of probes: where it is, and the bank read once."""

from places import ROOT
from selfalign.probes.bank import read_bank

BANK_FOLDER = ROOT / "resources" / "probes"

BANK_FILE = BANK_FOLDER / "probes.csv"

BANK = read_bank(BANK_FILE)

DEFAULT_BANK = BANK[BANK["on_request"] == ""].reset_index(drop=True)
"""The probes that a run has if its config asks for no others."""
