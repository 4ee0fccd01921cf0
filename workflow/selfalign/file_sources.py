"""Sources of models and surveys: their keys, the form of each value, and what to write instead."""

import json
import re
from collections.abc import Mapping
from typing import Any

from selfalign.errors import InputError

OR_DOWNLOAD_IT = "or download the file yourself and give it as the source, {file: its path}"
"""What one can do where a download fails."""

_COMMIT = "[0-9a-f]{40}"
_HASH = "a full commit hash, of 40 hexadecimal digits: a branch or a tag can move"
_DIGEST = (r"[0-9a-f]{64}", "64 hexadecimal digits in lower case")

MODEL_KEYS = {
    "package": {"package", "members", "file", "sha256"},
    "packages": {"packages", "members", "file", "sha256"},
    "hub": {"hub", "revision"},
    "folder": {"folder"},
}
"""Keys of a model's source, by kind."""

MODEL_PATTERNS = {
    "package": (r"[A-Za-z0-9][\w.-]*==[\w.!+-]+", 'a package with its version, such as "name==1.0"'),
    "file": (r"\w[\w.-]*\.gguf", 'a bare file name that ends in ".gguf"'),
    "sha256": _DIGEST,
    "hub": (r"[\w.-]+/[\w.-]+", 'a model of the hub, such as "organisation/name"'),
    "revision": (_COMMIT, _HASH),
    "folder": (r".+", "the path of a folder"),
    "members": (r".+", "the path of a file inside the package"),
}
"""Form of each value of a model's source, and its meaning."""

SURVEY_KINDS = ({"url", "sha256"}, {"hub", "revision", "path"})
"""Keys of a survey's source that is fetched."""

SURVEY_PATTERNS = {
    "url": (r"https?://[^\s/?#]+(/\S*)?", "an address that begins with http:// or https://"),
    "sha256": _DIGEST,
    "hub": (r"[\w.-]+/[\w.-]+", 'a data set of the hub, such as "organisation/name"'),
    "revision": (_COMMIT, _HASH),
    "path": (r"(?!.*(^|/)\.\.?(/|$))[^/\\]+(/[^/\\]+)*", "the path of a file in the data set"),
}
"""Form of each value of a survey's source, and its meaning."""


def check_model_source(source: object, place: str, between: str = "/") -> dict[str, Any]:
    """A model's source, checked; one "package" is turned into "packages", one for each member.

    Args:
        source: a mapping with the keys of one kind of source (see `MODEL_KEYS`).
        place: name of the setting, for messages.
        between: what stands between the setting and a key in messages.

    Raises:
        InputError: not one kind of source, a key missing or unknown, or a value of the wrong form.
    """
    kinds = [kind for kind in MODEL_KEYS if isinstance(source, dict) and kind in source]
    if not isinstance(source, dict) or len(kinds) != 1 or set(source) != MODEL_KEYS[kinds[0]]:
        expected = " or ".join("{" + ", ".join(sorted(keys)) + "}" for keys in MODEL_KEYS.values())
        raise InputError(
            place, f"got {_describe(source)}; expected {expected}", "Give one kind of source, with all of its keys"
        )
    for key, value in source.items():
        _check_value(f"{place}{between}{key}", key, value, MODEL_PATTERNS, source)
    return _pair_packages(source, place)


def check_survey_source(source: object, place: str, between: str = "/") -> dict[str, str]:
    """A survey's source that is fetched, checked.

    Args:
        source: a mapping with the keys of one kind of source (see `SURVEY_KINDS`).
        place: name of the setting, for messages.
        between: what stands between the setting and a key in messages.

    Raises:
        InputError: not one kind of source, a value of the wrong form, or an address with a password in it.
    """
    if not isinstance(source, dict) or set(source) not in SURVEY_KINDS:
        problem = f"got {_describe(source)}; expected {{url, sha256}} or {{hub, revision, path}}"
        raise InputError(place, problem, "Give all keys of one kind")
    refuse_login(source.get("url"), f"{place}{between}url")
    for key, value in source.items():
        _check_value(f"{place}{between}{key}", key, value, SURVEY_PATTERNS, source)
    return source


def refuse_login(
    url: object, place: str, remedy: str = f"Take it out and put it into ~/.netrc, {OR_DOWNLOAD_IT}"
) -> None:
    """Raise InputError, which does not show it, where an address holds a name or a password: it would get into logs.

    Args:
        place: name of the setting.
        remedy: what the user can do.
    """
    if isinstance(url, str) and "@" in url.partition("://")[2].partition("/")[0]:
        raise InputError(place, "the address holds a name or password, which would be written to logs", remedy)


def _describe(source: object) -> str:
    return "{" + ", ".join(sorted(source)) + "}" if isinstance(source, dict) else json.dumps(source)


def _check_value(
    place: str, key: str, value: object, patterns: Mapping[str, tuple[str, str]], source: dict[str, object]
) -> None:
    many = key in ("packages", "members")
    pattern, meaning = patterns["package" if key == "packages" else key]
    values = value if many and isinstance(value, list) else [value]
    if many != isinstance(value, list) or not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in values):
        expected = f"a list, each {meaning}" if many else meaning
        remedy = _find_commit(source, value) if key == "revision" else "Correct the value"
        raise InputError(place, f"got {json.dumps(value)}; expected {expected}", remedy)


def _find_commit(source: dict[str, object], revision: object) -> str:
    """How to get the commit hash of a branch or tag."""
    kind = "datasets/" if "path" in source else ""
    address = f"https://huggingface.co/{kind}{source.get('hub')}"
    branch = revision if isinstance(revision, str) and re.fullmatch(r"[\w./-]+", revision) else "main"
    return f"Copy the hash from {address}/commits/{branch}, or from the command: git ls-remote {address} {branch}"


def _pair_packages(source: dict[str, Any], place: str) -> dict[str, Any]:
    if "package" in source:
        members = source["members"]
        source = {"packages": [source["package"]] * len(members)} | {k: v for k, v in source.items() if k != "package"}
    if "packages" in source and not 0 < len(source["members"]) == len(source["packages"]):
        raise InputError(
            place,
            f"names {len(source['packages'])} packages and {len(source['members'])} members",
            "Give one member for each package, in the order in which they are joined",
        )
    return source
