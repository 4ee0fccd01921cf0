"""The version of a probe bank, and the digests of its files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from selfalign.digests import digest_input
from selfalign.errors import InputError
from selfalign.yaml_files import load_yaml

VERSION_FILE = "bank.yaml"
"""Name of the file with the version of a bank, in the folder of the bank."""

_KEYS = {"version", "date", "files"}


def digest_all(files: dict[str, str]) -> str:
    """One digest of several files: SHA-256 over their names and digests, in the order of the names."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_version(path: Path) -> dict[str, Any]:
    """The version file of a bank.

    Returns:
        version: such as `2.0.0`. date: of the release, as ISO 8601. files: SHA-256 of each file that is part of the
        release, by its path from the parent of the bank's folder.

    Raises:
        InputError: the file is no YAML mapping with these keys.
    """
    try:
        found = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(path, "not a readable YAML file", "Restore the file, or delete it") from error
    if not isinstance(found, dict) or set(found) != _KEYS or not isinstance(found["files"], dict):
        raise InputError(path, "expected the keys version, date and files", "Restore the file, or delete it")
    return {**found, "version": str(found["version"]), "date": str(found["date"])}


def describe_bank(bank: Path, texts: Iterable[Path], version: Path | None) -> dict[str, Any]:
    """The record of the bank that a run uses.

    Args:
        bank: the table of probes.
        texts: every file of wordings that the prompts of the run are made of.
        version: the version file in the folder of the bank; None if the bank has none.

    Returns:
        version, date: of the release; None without a version file.
        unchanged: whether every file used is a file of that release; None without a version file.
        changed: files that are not, by path: edited, or a user's own.
        files: SHA-256 of every file used, by path. digest: one SHA-256 of them all.

    Raises:
        InputError: a file cannot be read.
    """
    files = {str(path): digest_input(path) for path in [bank, *texts]}
    record: dict[str, object] = {"version": None, "date": None, "unchanged": None, "changed": []}
    if version is not None:
        release = read_version(version)
        root = version.resolve().parent.parent
        changed = sorted(path for path, digest in files.items() if not _is_part(Path(path), digest, root, release))
        record = {"version": release["version"], "date": release["date"], "unchanged": not changed, "changed": changed}
    return {**record, "digest": digest_all(files), "files": files}


def _is_part(path: Path, digest: str, root: Path, release: dict[str, Any]) -> bool:
    """Whether a file is in a release as it was released."""
    full = path.resolve()
    return full.is_relative_to(root) and release["files"].get(full.relative_to(root).as_posix()) == digest


def bank_in_words(record: dict[str, Any]) -> str:
    """A record of a bank in one sentence."""
    digest = record["digest"][:16]
    if record["version"] is None:
        return f"Probe bank: without a version; digest of its {len(record['files'])} files {digest}."
    changed = len(record["changed"])
    state = "as released" if record["unchanged"] else f"not as released (changed files: {changed})"
    return f"Probe bank: version {record['version']} of {record['date']}, {state}; digest {digest}."
