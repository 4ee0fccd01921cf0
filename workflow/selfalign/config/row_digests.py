"""Digests of the rows of the user's files that a run uses, so that an edit of the other rows reruns nothing."""

from pathlib import Path

from selfalign.config.sections import Config
from selfalign.home import is_made
from selfalign.probes.selection import digest_all_wordings, digest_probes, digest_texts


def digest_bank(config: Config) -> str:
    """Digest of the rows of the probe bank that the run uses; empty if the workflow makes the bank.

    Raises:
        InputError: the bank cannot be read.
    """
    bank = config.probes.bank
    return "" if is_made(bank) else digest_probes(Path(bank), config.probes.criteria)


def digest_wording(config: Config, file: str) -> str:
    """Digest of the wordings of the probes that the run uses; empty if the workflow makes the file or the bank.

    Args:
        file: wordings of the bank's probes.

    Raises:
        InputError: the bank or the file cannot be read.
    """
    bank = config.probes.bank
    return "" if is_made(bank) or is_made(file) else digest_texts(Path(bank), Path(file), config.probes.criteria)


def digest_compared(config: Config, file: str, measure: str) -> str:
    """Digest of the wordings that count for a measure of similarity.

    The measure bm25 counts in how many statements of the file a word occurs, so all rows count.

    Args:
        file: wordings of the bank's probes.
        measure: of similarity.
    """
    if measure == "bm25" and not is_made(file):
        return digest_all_wordings(Path(file))
    return digest_wording(config, file)
