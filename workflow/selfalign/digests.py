"""SHA-256 digests of files."""

import hashlib
from pathlib import Path

from selfalign.errors import InputError


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_input(path: Path) -> str:
    """SHA-256 of a file that the settings name.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return digest_file(path)
    except OSError as error:
        raise InputError(path, "the file cannot be read", "Correct the path in the config") from error
