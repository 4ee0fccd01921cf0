"""Digests of the probes that a run uses, so that an edited probe that it does not use reruns nothing."""

import csv
from hashlib import sha256
from pathlib import Path

from selfalign.errors import InputError
from selfalign.tables import find_form


def digest_probes(bank: Path, categories: list[str], only: list[str]) -> str:
    """Digest of the rows of a bank that a run uses.

    Args:
        bank: a probe bank (CSV).
        categories: those to use; all where it is empty.
        only: probes to use, by id; all where it is empty.
    """
    rows = _read_rows(bank)
    used = [row for row in rows if _is_in(row, "category", categories) and _is_in(row, "probe", only)]
    return _digest(used)


def digest_texts(bank: Path, texts: Path, categories: list[str], only: list[str]) -> str:
    """Digest of the wordings of the probes that a run uses.

    Args:
        bank: a probe bank (CSV).
        texts: wordings of its probes (CSV).
        categories, only: as for `digest_probes`.
    """
    rows = _read_rows(bank)
    used = {row.get("probe") for row in rows if _is_in(row, "category", categories) and _is_in(row, "probe", only)}
    return _digest([row for row in _read_rows(texts) if row.get("probe") in used])


def _is_in(row: dict[str, str], column: str, names: list[str]) -> bool:
    return not names or row.get(column) in names


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Rows as they are; what is wrong with them is for the step that reads the table to tell."""
    try:
        form = find_form(path)
        with path.open(encoding=form["encoding"], newline="") as file:
            return list(csv.DictReader(file, delimiter=form["sep"]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, f"cannot be read as a table: {error}", "Save it as CSV in UTF-8") from error


def _digest(rows: list[dict[str, str]]) -> str:
    return sha256(repr([sorted(row.items(), key=str) for row in rows]).encode()).hexdigest()[:16]
