"""The probes that a run uses, where the config chooses them by kind."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from selfalign.config.sections import Config
from selfalign.errors import InputError
from selfalign.home import HOME, is_made, locate
from selfalign.probes.adopt_arora_bank import make_bank
from selfalign.probes.arora import AroraRows
from selfalign.probes.bank import read_bank
from selfalign.probes.kinds import KINDS_FILE, NO_KIND, add_kinds, count_kinds
from selfalign.probes.selection import find_reasons
from selfalign.tables import read_input


def kinds_file(config: Config, home: Path = HOME) -> Path | None:
    """The file with the kinds of the run's probes; None if the folder of the bank has no such file.

    The probes of Arora et al. ask the questions of our bank, so they have the kinds of our bank.

    Args:
        home: the workflow's own folder.
    """
    bank = Path(config.probes.bank)
    if is_made(bank):
        return Path(locate(f"resources/probes/{KINDS_FILE}", home))
    file = bank.with_name(KINDS_FILE)
    return file if file.is_file() else None


def with_kinds(bank: pd.DataFrame, config: Config, home: Path = HOME) -> pd.DataFrame:
    """A bank as `selfalign.probes.selection` needs it: with the column `kind` if probes.kinds selects kinds.

    Args:
        bank: a `Bank` table, the bank of the run.
        home: the workflow's own folder.

    Raises:
        InputError: the bank has no file of kinds, or the file is wrong.
    """
    return add_kinds(bank, _needed_file(config, home)) if config.probes.kinds else bank


def count_left_out(config: Config, home: Path = HOME) -> dict[str, int]:
    """By kind, how many probes the setting probes.kinds leaves out of those that the other settings leave.

    Args:
        home: the workflow's own folder.
    """
    if not config.probes.kinds:
        return {}
    bank = with_kinds(_read_bank(config, home), config, home)
    return count_kinds(bank.loc[find_reasons(bank, config.probes.criteria) == "kinds", "kind"])


def describe_left_out(config: Config, home: Path = HOME) -> str:
    """How many probes the setting probes.kinds leaves out, in words; empty if none."""
    counts = count_left_out(config, home)
    if not counts:
        return ""
    named = {kind: "without a kind" if kind == NO_KIND else kind for kind in counts}
    listed = ", ".join(f"{number} {named[kind]}" for kind, number in counts.items())
    return f"probes.kinds leaves out {count_in_words(counts)}: {listed}"


def count_in_words(counts: Mapping[str, int]) -> str:
    """A number of probes in words.

    Args:
        counts: as `count_left_out` returns them.
    """
    number = sum(counts.values())
    return f"{number} probe{'s' if number > 1 else ''}"


def _needed_file(config: Config, home: Path) -> Path:
    file = kinds_file(config, home)
    if file is None:
        problem = f"the folder of the probe bank has no file {KINDS_FILE}, so its probes have no kinds"
        place = Path(config.probes.bank).with_name(KINDS_FILE)
        remedy = f"Write {place} with the columns probe and kind, or empty the list"
        raise InputError("config: probes.kinds", problem, remedy)
    return file


def _read_bank(config: Config, home: Path) -> pd.DataFrame:
    """The bank. One that the workflow makes may not be there yet, so it is made here, without its wordings."""
    bank = Path(config.probes.bank)
    if not is_made(bank):
        return read_bank(bank)
    facts = read_input(Path(locate("resources/probes/arora.csv", home)), AroraRows)
    ours = read_bank(Path(locate("resources/probes/probes.csv", home)))
    return make_bank(facts[facts["dropped"] == ""], ours)
