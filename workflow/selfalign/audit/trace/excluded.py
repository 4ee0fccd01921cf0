"""Why a probe has no cell."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from selfalign.audit.trace.names import fold_name
from selfalign.errors import InputError, did_you_mean
from selfalign.probes.selection import CRITERIA, find_reasons

_REASONS = {
    "tie": "the two poles are exactly tied, so there is no majority",
    "no_answers": "nobody chose one of its poles",
}
_SCALE_REASONS = {
    "no_answers": "nobody answered on its scale",
    "codes_together": "the survey publishes one share for several of its codes",
    "tie": "no answer is the most frequent one",
}


def find_probe(text: str, bank: pd.DataFrame, place: object) -> str:
    """Id of a probe, in capitals or not.

    Args:
        text: what the user wrote.
        bank: a `Bank` table.
        place: its file, for the error.

    Raises:
        InputError: the bank has no such probe.
    """
    known: dict[str, str] = {fold_name(probe): probe for probe in bank["probe"]}
    if fold_name(text) not in known:
        remedy = did_you_mean(text.upper(), bank["probe"])
        raise InputError(place, f'the bank has no probe "{text}"', remedy)
    return known[fold_name(text)]


def why_not_chosen(probe: str, bank: pd.DataFrame, settings: Mapping[str, Any]) -> str | None:
    """Why the settings leave out a probe of the bank; None where they do not.

    Args:
        probe: its id.
        bank: a `Bank` table, with the column `kind` if the setting `kinds` is not empty.
        settings: the config's section probes.
    """
    setting = find_reasons(bank, settings)[bank["probe"] == probe].item()
    if not setting:
        return None
    if setting == "only" and not settings.get("only"):
        return f"{probe} is a probe on request: a run has it only if probes.only names it"
    if setting == "only":
        number = len(settings["only"])
        return f"the setting probes.only names {number} of the bank's {len(bank)} probes, and {probe} is not one"
    column = CRITERIA[setting]
    value, values = bank.set_index("probe")[column][probe], ", ".join(settings[setting])
    return f"its {column}, {value}, is not in the setting probes.{setting} ({values})"


def why_dropped(probe: str, country: str, dropped: pd.DataFrame) -> str | None:
    """Why a chosen probe cannot be used for a country; None where it can.

    Args:
        probe: its id.
        country: alpha-3 code.
        dropped: a `Dropped` table.
    """
    rows = dropped[(dropped["probe"] == probe) & (dropped["country"] == country)]
    return None if rows.empty else _REASONS[rows["reason"].iloc[0]]


def why_no_scale(question: str, country: str, dropped: pd.DataFrame) -> str | None:
    """Why a country's question cannot be asked with its whole scale; None where it can.

    Args:
        question: of the survey.
        country: alpha-3 code.
        dropped: a `DroppedScales` table.
    """
    rows = dropped[(dropped["question"] == question) & (dropped["country"] == country)]
    known = [_SCALE_REASONS[reason] for reason in rows["reason"] if reason in _SCALE_REASONS]
    return known[0] if known else None


def count_dropped(dropped: pd.DataFrame, countries: list[str]) -> pd.DataFrame:
    """What some countries lack: columns country, reason, probes (their ids)."""
    rows = dropped[dropped["country"].isin(countries)]
    table = rows.groupby(["country", "reason"], sort=True)["probe"].agg(list).reset_index(name="probes")
    return table.assign(reason=table["reason"].map(_REASONS))
