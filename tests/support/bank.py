"""The bank of probes, read once."""

from pathlib import Path

from selfalign.probes.bank import read_bank

BANK = read_bank(Path(__file__).resolve().parents[2] / "resources" / "probes" / "probes.csv")
