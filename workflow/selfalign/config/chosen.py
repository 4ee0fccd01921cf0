"""The probes that a run uses, where the config chooses them by kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfalign.errors import InputError
from selfalign.home import HOME, locate
from selfalign.probes.arora import AroraRows
from selfalign.probes.bank import read_bank
from selfalign.probes.kinds import count_kinds, keep_kinds, read_kinds
from selfalign.tables import read_input

NAME = "kinds.csv"
"""The file beside a bank that says what each probe asks for."""


def kinds_file(config: Mapping[str, Any], home: Path = HOME) -> Path | None:
    """The file with the kinds of the run's probes; None if the bank has no such file beside it.

    The probes of Arora et al. ask the questions of our bank, so they have the kinds of our bank.

    Args:
        config: the merged settings.
        home: the workflow's own folder.
    """
    bank = Path(config["probes"]["bank"])
    if _is_made(bank):
        return Path(locate(f"resources/probes/{NAME}", home))
    file = bank.with_name(NAME)
    return file if file.is_file() else None


def choose_probes(config: Mapping[str, Any], home: Path = HOME) -> list[str]:
    """The ids of the probes to use, by probes.only and probes.kinds; empty for all.

    Args:
        config: the merged settings.
        home: the workflow's own folder.

    Raises:
        InputError: the bank has no file of kinds, or no probe is of the chosen kinds.
    """
    only, kinds = list(config["probes"]["only"]), list(config["probes"].get("kinds", []))
    if not kinds:
        return only
    file, known = _needed_file(config, home), _ids(config, home)
    unknown = [probe for probe in only if probe not in known]  # kept, so that the check of probes.only names them
    offered = [one for one in only if one in known] if only else _ids(config, home, on_request=False)
    return unknown + keep_kinds(offered, kinds, read_kinds(file), file)


def count_left_out(config: Mapping[str, Any], home: Path = HOME) -> dict[str, int]:
    """By kind, how many probes of the bank the setting probes.kinds leaves out; `none`: probes without a kind.

    Args:
        config: the merged settings.
        home: the workflow's own folder.
    """
    chosen = config["probes"].get("kinds")
    if not chosen:
        return {}
    kinds = read_kinds(_needed_file(config, home))
    return count_kinds([probe for probe in _ids(config, home) if kinds["kind"].get(probe) not in chosen], kinds)


def tell_left_out(config: Mapping[str, Any], home: Path = HOME) -> str:
    """How many probes of the bank the setting probes.kinds leaves out, in words; empty if none."""
    counts = count_left_out(config, home)
    named = {kind: "without a kind" if kind == "none" else kind for kind in counts}
    listed = ", ".join(f"{number} {named[kind]}" for kind, number in counts.items())
    return f"probes.kinds leaves out {sum(counts.values())} of the bank's probes: {listed}" if counts else ""


def _needed_file(config: Mapping[str, Any], home: Path) -> Path:
    file = kinds_file(config, home)
    if file is None:
        problem = f"the probe bank has no file {NAME} beside it, so its probes have no kinds"
        place = Path(config["probes"]["bank"]).with_name(NAME)
        remedy = f"Write {place} with the columns probe and kind, or empty the list"
        raise InputError("config: probes.kinds", problem, remedy)
    return file


def _ids(config: Mapping[str, Any], home: Path, on_request: bool = True) -> list[str]:
    """The probes of the bank. A bank that the workflow makes may not be there yet: its rows are known.

    Args:
        config: the merged settings.
        home: the workflow's own folder.
        on_request: with those that are used only if probes.only names them.
    """
    bank = Path(config["probes"]["bank"])
    if not _is_made(bank):
        rows = read_bank(bank)
        return list(rows.loc[on_request | (rows["on_request"] != "yes"), "probe"])
    rows = read_input(Path(locate("resources/probes/arora.csv", home)), AroraRows)
    return list(rows.loc[rows["dropped"] == "", "probe"])


def _is_made(bank: Path) -> bool:
    return str(bank).startswith("results/")
