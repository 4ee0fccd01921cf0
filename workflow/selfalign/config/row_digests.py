"""Digests of the user's files, and of the rows that a run uses, so that an edit of the other rows reruns nothing."""

from collections.abc import Collection, Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from selfalign.config.probe_kinds import kinds_file
from selfalign.config.sections import Config
from selfalign.digests import digest_file
from selfalign.home import is_made
from selfalign.probes.selection import digest_rows, find_used

_WHOLE = 64_000_000
"""Bytes of a file that is read as a whole. Of a larger one, such as a model's weights, only parts are read."""

_PARTS, _PART = 64, 65_536
"""Number of these parts, and bytes of each."""


def digest_given(sources: Iterable[Any], wildcards: object = None, partly_read: Collection[str] = ()) -> str:
    """Digest of the size and content of files; empty without files.

    Snakemake compares an input's content only if the input is newer than the results. A file that replaces another one
    may be older: `cp -p`, `mv`, `rsync -a`, archives and links to folders keep its time. Snakemake ignores a parameter
    that follows from a job's inputs, so this digest follows from paths and input functions.

    Args:
        sources: paths, lists of paths, and Snakemake's input functions, which return one or the other. Files that are
            not there or that the workflow makes do not count.
        wildcards: of the job, for the input functions.
        partly_read: files of which only some rows count. They do not count here.
    """
    named = [one(wildcards) if callable(one) else one for one in sources]
    files = [file for one in named for file in ([one] if isinstance(one, str) else one)]
    paths = [Path(file) for file in files if not is_made(file) and file not in partly_read]
    digests = [_digest_content(path, path.stat().st_mtime_ns) for path in paths if path.is_file()]
    return sha256("".join(digests).encode()).hexdigest()[:16] if digests else ""


@cache
def _digest_content(path: Path, _changed: int) -> str:
    """Digest of a file's content; of a large file, of its size and parts.

    Snakemake asks once per job. So the time of the last change is an argument, and a file is read again only if it
    differs.
    """
    size = path.stat().st_size
    if size <= _WHOLE:
        return digest_file(path)
    digest = sha256(str(size).encode())
    with path.open("rb") as file:
        for part in range(_PARTS):
            file.seek((size - _PART) * part // (_PARTS - 1))
            digest.update(file.read(_PART))
    return digest.hexdigest()


def digest_bank(config: Config) -> str:
    """Digest of the rows of the probe bank that the run uses.

    If the workflow makes the bank, the digest of the file of kinds, if these select probes, or else nothing.

    Raises:
        InputError: the bank cannot be read.
    """
    bank = config.probes.bank
    if not is_made(bank):
        return digest_rows(Path(bank), find_used(Path(bank), config.probes.criteria))
    kinds = kinds_file(config) if config.probes.kinds else None
    return digest_given([str(kinds)]) if kinds else ""


def digest_wording(config: Config, file: str) -> str:
    """Digest of the wordings of the probes that the run uses; empty if the workflow makes the file.

    If the workflow makes the bank, its rows are not known before a run, so all wordings of the file count.

    Args:
        file: wordings of the bank's probes.

    Raises:
        InputError: the bank or the file cannot be read.
    """
    bank = config.probes.bank
    if is_made(file):
        return ""
    return digest_rows(Path(file), None if is_made(bank) else find_used(Path(bank), config.probes.criteria))


def digest_compared(config: Config, file: str, measure: str) -> str:
    """Digest of the wordings that count for a measure of similarity.

    The measure bm25 counts in how many statements of the file a word occurs, so all rows count.

    Args:
        file: wordings of the bank's probes.
        measure: of similarity.
    """
    if measure == "bm25" and not is_made(file):
        return digest_rows(Path(file))
    return digest_wording(config, file)
