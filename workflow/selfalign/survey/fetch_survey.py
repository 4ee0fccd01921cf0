"""Step fetch_survey: bring a survey's file from an address or the data hub, whole and verified or not at all."""

import sys
import tempfile
from http import HTTPStatus
from pathlib import Path, PurePosixPath

import click
import pooch
from huggingface_hub import HfApi, RepoFile, hf_hub_download
from huggingface_hub.utils import disable_progress_bars
from tqdm import tqdm

from selfalign.digests import digest_file
from selfalign.errors import InputError, did_you_mean
from selfalign.file_sources import OR_DOWNLOAD_IT, check_survey_source
from selfalign.hub import check_arrived, hub_access, hub_errors
from selfalign.options import Json, writable
from selfalign.tables import written_aside

_TIMEOUT = 30


def fetch_address(source: dict[str, str], file: Path, place: str) -> None:
    """Download a file from an address; its SHA-256 must be the declared one.

    Args:
        source: "url", "sha256".
        file: the file to write.
        place: name of the setting, for messages. They leave out the text after a "?" in the address: it may be a key.

    Raises:
        InputError: the server is out of reach, refuses or breaks off, or the file has another digest.
    """
    address = source["url"].partition("?")[0]
    name = PurePosixPath(address).name
    bar = tqdm(desc=name, total=1, unit="B", unit_scale=True, mininterval=1, file=sys.stderr)  # pooch sets the total
    with bar as progress:
        download = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT)
        try:
            download(source["url"], str(file), None)
        except OSError as error:  # the errors of requests are of this class
            raise InputError(f"{place}/url", *_in_words(error, address)) from error
    got = digest_file(file)
    if got != source["sha256"]:
        raise InputError(
            f"{place}/sha256",
            f"expected {source['sha256']}, got {got} from {address}",
            "Trust no file whose digest differs; correct sha256 if its publisher has changed the file",
        )


def _in_words(error: OSError, address: str) -> tuple[str, str]:
    """The problem of a download and its remedy, without the text of the error, which has the whole address."""
    response = getattr(error, "response", None)
    if response is not None:
        reason = next((status.phrase for status in HTTPStatus if status == response.status_code), "")
        return (
            f"the server answers {response.status_code} {reason} to {address}",
            f"Check the address, {OR_DOWNLOAD_IT}",
        )
    problem = f"{address} cannot be fetched whole ({type(error).__name__})"
    return problem, f"Check the address and the network and run snakemake again, {OR_DOWNLOAD_IT}"


def fetch_dataset_file(source: dict[str, str], file: Path, place: str) -> None:
    """Download a file of a data set of the hub at a pinned commit; it must be what the hub lists.

    Args:
        source: "hub" (organisation/name), "revision" (commit hash), "path" (file in the data set).
        file: the file to write.
        place: name of the setting, for messages.

    Raises:
        InputError: the hub is out of reach, has no such data set, commit or file, asks for rights, or the file differs
            from what the hub lists.
    """
    disable_progress_bars()
    access, repo, revision, path = hub_access(), source["hub"], source["revision"], source["path"]
    with (
        hub_errors("data set", repo, revision, place),
        tempfile.TemporaryDirectory(dir=file.parent) as scratch,
    ):
        folder = path.rpartition("/")[0] or None
        tree = HfApi(**access).list_repo_tree(repo, folder, repo_type="dataset", revision=revision)
        listed = {entry.path: entry for entry in tree}
        found = listed.get(path)
        if not isinstance(found, RepoFile):
            problem = f"{repo} has no file {path} at {revision}"
            raise InputError(f"{place}/path", problem, did_you_mean(path, listed))
        click.echo(f"{repo} at {revision}: {path}, {found.size:,} bytes", err=True)
        arrived = Path(hf_hub_download(repo, path, repo_type="dataset", revision=revision, local_dir=scratch, **access))
        check_arrived(arrived, found, place)
        arrived.replace(file)


def fetch_survey(survey: str, source: object, output: Path) -> None:
    """Bring a survey's file to `output`, whole or not at all.

    Args:
        survey: the survey's name in the configuration.
        source: its source, as the configuration has it.
        output: file to write; what is there is replaced.

    Raises:
        InputError: the source is malformed, or cannot be fetched.
    """
    place = f"setting surveys/{survey}/source"
    checked = check_survey_source(source, place)
    with written_aside(output) as aside:
        (fetch_address if "url" in checked else fetch_dataset_file)(checked, aside, place)
    click.echo(f"{output}: {output.stat().st_size:,} bytes, SHA-256 {digest_file(output)}", err=True)


@click.command("fetch-survey")
@click.option("--survey", required=True, help="Name of the survey in the configuration.")
@click.option("--source", required=True, type=Json(object), help="Where its file is: a JSON object.")
@click.option("--output", required=True, type=writable, help="File to write.")
def command(survey: str, source: object, output: Path) -> None:
    """Bring a survey's file from an address or the data hub, and verify it."""
    fetch_survey(survey, source, output)
