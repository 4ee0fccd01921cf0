"""The model hub: its address and key, its errors in words, and the check of a fetched file.

The hub's address is taken from HF_ENDPOINT, a token from HF_TOKEN, and from nowhere else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import httpx2
from huggingface_hub import RepoFile
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils.sha import git_hash

from selfalign.digests import digest_file
from selfalign.errors import InputError


class HubAccess(TypedDict):
    """Where the hub is, and with which token: keywords of huggingface_hub's functions. False: with none."""

    endpoint: str | None
    token: str | bool


def hub_access() -> HubAccess:
    """The hub's address and the token that the environment names."""
    return {"endpoint": os.environ.get("HF_ENDPOINT") or None, "token": os.environ.get("HF_TOKEN") or False}


@contextmanager
def hub_errors(kind: str, repo: str, revision: str, place: str) -> Iterator[None]:
    """Within it, an error of the hub becomes an InputError.

    Args:
        kind: what is fetched, for messages: "model" or "data set".
        repo: organisation/name.
        revision: commit hash.
        place: name of the setting, for messages.
    """
    try:
        yield
    except GatedRepoError as error:
        problem = f"{repo} is open only to those who accepted its terms"
        raise InputError(place, problem, "Accept them on the hub, and put a token in HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        problem = f"the hub has no {kind} {repo}, or hides it"
        raise InputError(place, problem, "Check its name; if it is private, put a token in HF_TOKEN") from error
    except RevisionNotFoundError as error:
        problem = f"{repo} has no commit {revision}"
        raise InputError(place, problem, f"Copy the hash from the {kind}'s list of commits") from error
    except RemoteEntryNotFoundError as error:
        problem = f"{repo} has no such file or folder at {revision}"
        raise InputError(place, problem, f"Copy the path from the {kind}'s list of files") from error
    except (httpx2.HTTPError, OSError, HFValidationError, XetDownloadError) as error:
        why = str(error).strip().splitlines() or [""]
        problem = f"{repo} cannot be fetched ({type(error).__name__}: {why[0]})"
        elsewhere = f"or download the {kind} elsewhere and give its {'folder' if kind == 'model' else 'file'}"
        raise InputError(
            place, problem, f"Check the network, HTTPS_PROXY and HF_ENDPOINT, {elsewhere} as the source"
        ) from error


def check_arrived(path: Path, file: RepoFile, place: str) -> None:
    """Raise InputError unless a downloaded file is what the hub lists.

    A large file is listed by its SHA-256, a small one by the name of its git object.
    """
    if file.lfs:
        expected, got = file.lfs.sha256, digest_file(path)
    else:
        expected, got = file.blob_id, git_hash(path.read_bytes())
    if got != expected:
        raise InputError(
            place, f"{path.name} arrived with the digest {got}; the hub lists {expected}", "Run snakemake again"
        )
