"""Settings as options of a command."""

import shlex
import subprocess

import pytest
from configs import altered
from selfalign.config.commands import as_braces, as_json, as_options
from selfalign.config.paths import Paths


def test_options_reach_the_command_as_they_were() -> None:
    text = as_options({"level": 0.95, "resample": ["batteries", "seeds"], "measures": (), "file": "my file's.csv"})
    assert shlex.split(text) == [
        *("--level", "0.95", "--resample", "batteries seeds"),
        *("--measures", "", "--file", "my file's.csv"),
    ]


def test_json_does_not_depend_on_the_order_of_keys() -> None:
    assert as_json({"b": [2, 1], "a": None}) == as_json({"a": None, "b": [2, 1]}) == '{"a": null, "b": [2, 1]}'


@pytest.mark.slow
def test_bash_expands_paths_with_braces_to_all_files() -> None:
    paths = Paths(altered("paper_shares")).results
    files = [path.replace("<run>", "results/paper").replace("<shared>", "results/shared") for path in paths]
    text = as_braces(files)
    expanded = subprocess.run(["bash", "-c", f"printf '%s\\n' {text}"], capture_output=True, text=True, check=True)
    assert sorted(expanded.stdout.splitlines()) == sorted(files)
    assert len(text) < len(" ".join(files)) / 2
    assert as_braces(["a/b.csv", "c.json", "a/d.csv", "a/b.tar.gz"]) == "a/{b,d}.csv c.json a/b.tar.gz"
