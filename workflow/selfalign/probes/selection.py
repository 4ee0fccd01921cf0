"""Which probes of the bank a run uses, and why it leaves out the others."""

import csv
import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from selfalign.errors import InputError, did_you_mean
from selfalign.probes.bank import read_bank
from selfalign.probes.kinds import KINDS_FILE, add_kinds
from selfalign.tables import find_form

CRITERIA = {"only": "probe", "categories": "category", "kinds": "kind"}
"""By setting of the config's section `probes`, the column of the bank whose values the setting lists.

An empty list leaves nothing out, except probes on request: only the setting `only` selects them. A probe that several
settings leave out counts for the first of them. The bank's file has no column `kind`: where the setting `kinds` is not
empty, `selfalign.probes.kinds.add_kinds` adds the column. A new criterion is one entry here, and a setting of that name
in `selfalign.config.sections.Probes`. The rest follows: the step `select_probes`, its rule, the checks before a run,
the digests, `plan` and `trace`.
"""

_REQUEST = "on_request"
"""The column that decides only whether a row is used, so it does not count in the digest of the used rows."""

Settings = Mapping[str, Any]
"""The config's section `probes`, or its keys of `CRITERIA`."""


def find_reasons(bank: pd.DataFrame, settings: Settings) -> pd.Series:
    """The setting that leaves a probe out, by row of the bank; an empty text where the run uses the probe.

    Args:
        bank: a `Bank` table, with the column `kind` if the setting `kinds` is not empty.
        settings: lists of values, by setting of `CRITERIA`; a setting may be missing.
    """
    reasons = pd.Series("", index=bank.index)
    for setting, column in CRITERIA.items():
        if values := settings.get(setting):
            reasons = reasons.mask((reasons == "") & ~bank[column].isin(values), setting)
    return reasons if settings.get("only") else reasons.mask(bank["on_request"] == "yes", "only")


def select_probes(bank: pd.DataFrame, settings: Settings, file: Path) -> pd.DataFrame:
    """The probes that a run uses: a `Bank` table in the order of the bank and with its index.

    Args:
        bank: as for `find_reasons`.
        settings: as for `find_reasons`.
        file: the bank's file, for errors.

    Raises:
        InputError: a setting names what the bank does not have, or no probe is left.
    """
    for setting, column in CRITERIA.items():
        if setting != "kinds":  # the schema of the config knows all kinds, and a bank need not have probes of each
            _check_known(settings.get(setting) or [], set(bank[column]), setting, column, file)
    chosen = bank[find_reasons(bank, settings) == ""]
    if chosen.empty:
        named = " and ".join(f"probes.{setting}" for setting in CRITERIA if settings.get(setting))
        problem = f"no probe is left by {named}" if named else "all probes are on request"
        raise InputError(file, problem, "Empty one of the lists, or name probes in probes.only")
    return chosen.drop(columns="kind", errors="ignore")


def _check_known(values: Sequence[str], known: set[str], setting: str, column: str, file: Path) -> None:
    unknown = [value for value in values if value not in known]
    if unknown:
        more = f" (and {len(unknown) - 1} more: {', '.join(unknown[1:])})" if unknown[1:] else ""
        raise InputError(
            file,
            f"the bank has no such {column}{more}",
            f"{did_you_mean(unknown[0], known)} Correct probes.{setting} in the config",
            column=column,
            value=unknown[0],
        )


def list_left_out(bank: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The probes that a run does not use, with the reason: a `LeftOutProbes` table in the order of the bank.

    Args:
        bank: as for `find_reasons`.
        settings: as for `find_reasons`.
    """
    table = bank[["probe", "category"]].assign(reason=find_reasons(bank, settings))
    return table[table["reason"] != ""].reset_index(drop=True)


def find_used(bank: Path, settings: Settings) -> frozenset[str]:
    """Ids of the probes that a run uses.

    Args:
        bank: a probe bank (CSV); with the setting `kinds`, the file of kinds is in its folder.
        settings: as for `find_reasons`.
    """
    chosen = json.dumps({setting: settings.get(setting) or [] for setting in CRITERIA})
    files = (bank, bank.with_name(KINDS_FILE))
    return _find_used(bank, chosen, tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files))


@cache
def _find_used(bank: Path, settings: str, _changed: tuple[int, ...]) -> frozenset[str]:
    """Snakemake asks for digests once per job, so the bank is read once per state of its files."""
    table, chosen = read_bank(bank), json.loads(settings)
    table = add_kinds(table, bank.with_name(KINDS_FILE)) if chosen["kinds"] else table
    return frozenset(table.loc[find_reasons(table, chosen) == "", "probe"])


def digest_rows(path: Path, probes: frozenset[str] | None = None) -> str:
    """Digest of the rows of some probes, so that an edited row of another probe reruns nothing.

    Args:
        path: a probe bank, or wordings of its probes (CSV).
        probes: their ids; all rows count if not given.
    """
    rows = [row for row in _read_rows(path) if probes is None or row.get("probe") in probes]
    rows = [{name: cell for name, cell in row.items() if name != _REQUEST} for row in rows]
    return sha256(repr([sorted(row.items(), key=str) for row in rows]).encode()).hexdigest()[:16]


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Rows as they are: the step that reads the table checks them."""
    try:
        form = find_form(path)
        with path.open(encoding=form["encoding"], newline="") as file:
            return list(csv.DictReader(file, delimiter=form["sep"]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, f"cannot be read as a table: {error}", "Save it as CSV in UTF-8") from error
