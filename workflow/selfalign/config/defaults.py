"""The default settings below a user's own, and the files of the project that settings name."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from selfalign.errors import InputError
from selfalign.home import is_made, locate
from selfalign.survey.find_file import find_file
from selfalign.yaml_files import load_yaml

DEFAULTS = [
    "config/config.yaml",
    "config/surveys.yaml",
    "config/languages.yaml",
    "config/models.yaml",
    "config/arms.yaml",
]
"""Files of default settings, in the workflow's own folder."""

_PATHS = [path.split(".") for path in (
    "probes.bank", "probes.texts", "probes.arora", "test_probes.table", "demonstrations.embedding.model",
    "prompts.templates", "prompts.personas", "prompts.roles", "prompts.neutral", "prompts.spoken",
    "surveys.*.source.file", "surveys.*.questions", "surveys.*.groups", "models.*.source.folder",
    "scoring.map.items", "scoring.map.zones", "scoring.map.published", "figures.style.font", "figures.style.texts",
)]  # fmt: skip
"""Settings that name a file or a folder; * is any name."""


def fill_in(config: dict[str, Any], files: list[Path]) -> None:
    """Add the default settings below the user's own, in place. A mapping is merged, anything else is replaced.

    The source of a model or survey is replaced as a whole if the user names another kind of source.

    A config that names the countries of some languages, and not run.languages, runs these languages: those of the
    default would ask about countries that the user did not name.

    Raises:
        InputError: a file of default settings is not there.
    """
    _choose_languages(config)
    merged: dict[str, Any] = {}
    for path in files:
        if not path.is_file():
            remedy = "Clone the repository, and name the Snakefile of the clone"
            raise InputError(path, "the default settings are not in the folder of the workflow's Snakefile", remedy)
        _merge(merged, load_yaml(path.read_text(encoding="utf-8")))
    _drop_replaced_sources(merged, config)
    _merge(merged, config)
    config.clear()
    config.update(merged)


def _choose_languages(config: dict[str, Any]) -> None:
    languages, run = config.get("languages"), config.get("run", {})
    if isinstance(languages, dict) and isinstance(run, dict) and "languages" not in run:
        named = [name for name, settings in languages.items() if isinstance(settings, dict) and "countries" in settings]
        if named:
            config["run"] = {**run, "languages": named}


def _drop_replaced_sources(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Remove a default's source or endpoint where the user names one of another kind: merged, they would contradict."""
    for kind in ("models", "surveys"):
        entries = above.get(kind)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            default = below[kind].get(name, {})
            if not isinstance(entry, dict):
                continue
            if "endpoint" in entry and "source" not in entry:
                default.pop("source", None)
            if isinstance(entry.get("source"), dict):
                default.pop("endpoint", None)
                if set(entry["source"]) - set(default.get("source", {})):
                    default.pop("source", None)


def locate_survey(path: str, home: Path) -> str:
    """The path of a survey's file, which may have the number of a download before its name (`find_file`).

    Args:
        path: relative to the working folder, or absolute.
        home: the workflow's own folder, where a file is looked for that the working folder lacks.
    """
    found = find_file(Path(path)) or (None if is_made(path) else find_file(home / path))
    return str(found) if found else path


def locate_files(config: dict[str, Any], home: Path) -> None:
    """Let settings that name a file of the project find it, wherever the workflow runs from.

    Args:
        config: the merged settings, changed in place.
        home: the workflow's own folder.
    """
    for *keys, last in _PATHS:
        for place in _places(config, keys):
            if isinstance(place.get(last), str):
                place[last] = locate_survey(place[last], home) if last == "file" else locate(place[last], home)


def list_files(config: Mapping[str, Any], surveys: Collection[str]) -> list[str]:
    """Files that settings name and that are there; of a folder, all files in it. Without those of models.

    Args:
        config: the settings.
        surveys: names of the surveys whose files are listed.
    """
    config = {**config, "surveys": {name: config["surveys"][name] for name in surveys}, "models": {}}
    named = [place.get(last) for *keys, last in _PATHS for place in _places(config, keys)]
    paths = [Path(value) for value in named if isinstance(value, str) and not is_made(value)]
    inside = [one for path in paths if path.is_dir() for one in sorted(path.rglob("*"))]
    return sorted(str(path) for path in [*paths, *inside] if path.is_file())


def _places(config: dict[str, Any], keys: list[str]) -> list[dict[str, Any]]:
    places = [config]
    for key in keys:
        parts = [part for place in places for part in (place.values() if key == "*" else [place.get(key)])]
        places = [part for part in parts if isinstance(part, dict)]
    return places


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Put settings above others, in place.

    Snakemake's `update_config` would keep a default list where the user writes `{}`; here the check refuses that.
    """
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value
