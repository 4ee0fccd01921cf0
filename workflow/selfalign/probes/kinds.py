"""Kinds of probes: what each probe asks for, and whether it is a forced choice."""

from collections.abc import Collection
from pathlib import Path
from typing import get_args

import pandas as pd

from selfalign.errors import InputError
from selfalign.forms import ProbeKind
from selfalign.probes.schemas import ProbeKinds
from selfalign.tables import read_input

PROBE_KINDS: tuple[str, ...] = get_args(ProbeKind)
"""All kinds of probes."""


def read_kinds(path: Path) -> pd.DataFrame:
    """The kinds of probes: a `ProbeKinds` table indexed by probe.

    Raises:
        InputError: a row breaks the schema.
    """
    return read_input(path, ProbeKinds, {"forced": lambda table: ""}).set_index("probe")


def count_kinds(probes: Collection[str], kinds: pd.DataFrame) -> dict[str, int]:
    """How many of some probes are of each kind, in the order of `PROBE_KINDS`; those without a kind are `none`.

    Args:
        probes: ids.
        kinds: as `read_kinds` returns them.
    """
    found = kinds["kind"].reindex(list(probes)).fillna("none").value_counts()
    return {kind: int(found[kind]) for kind in (*PROBE_KINDS, "none") if kind in found}


def keep_kinds(probes: Collection[str], chosen: Collection[str], kinds: pd.DataFrame, file: Path) -> list[str]:
    """The probes that are of one of the chosen kinds, in their order.

    Args:
        probes: ids.
        chosen: kinds of probes, at least one.
        kinds: as `read_kinds` returns them. Probes that it lacks have no kind, so they are not kept.
        file: of the kinds, for the error.

    Raises:
        InputError: no probe is left.
    """
    kept = [probe for probe, kind in kinds["kind"].reindex(list(probes)).items() if kind in chosen]
    if not kept:
        raise InputError(
            file,
            f"none of the {len(probes)} chosen probes is of these kinds: {', '.join(chosen)}",
            "Add kinds to probes.kinds, or probes to probes.only",
        )
    return kept
