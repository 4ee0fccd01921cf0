"""Kinds of probes: what each probe asks for, and whether it is a forced choice."""

from pathlib import Path
from typing import get_args

import pandas as pd

from selfalign.forms import ProbeKind
from selfalign.probes.schemas import ProbeKinds
from selfalign.tables import read_input

KINDS_FILE = "kinds.csv"
"""Name of the file with the kinds of a bank's probes, in the folder of the bank."""

NO_KIND = "none"
"""In place of the kind of a probe that the file of kinds lacks."""

PROBE_KINDS: tuple[str, ...] = get_args(ProbeKind)
"""All kinds of probes."""


def read_kinds(path: Path) -> pd.DataFrame:
    """The kinds of probes: a `ProbeKinds` table indexed by probe.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, ProbeKinds, {"forced": lambda table: ""}).set_index("probe")


def add_kinds(bank: pd.DataFrame, file: Path) -> pd.DataFrame:
    """A bank with a column `kind`, which is `NO_KIND` for a probe without one.

    Args:
        bank: a `Bank` table.
        file: the kinds of its probes (CSV).

    Raises:
        InputError: a row of the file breaks the schema.
    """
    return bank.assign(kind=bank["probe"].map(read_kinds(file)["kind"]).fillna(NO_KIND))


def count_kinds(kinds: pd.Series) -> dict[str, int]:
    """How many probes are of each kind, in the order of `PROBE_KINDS`, and last those without a kind.

    Args:
        kinds: as `add_kinds` returns them.
    """
    found = kinds.value_counts()
    return {kind: int(found[kind]) for kind in (*PROBE_KINDS, NO_KIND) if kind in found}
