"""Settings as options of a command."""

import shlex

from selfalign.config.commands import as_json, as_options


def test_options_reach_the_command_as_they_were() -> None:
    text = as_options({"level": 0.95, "resample": ["batteries", "seeds"], "measures": (), "file": "my file's.csv"})
    assert shlex.split(text) == [
        *("--level", "0.95", "--resample", "batteries seeds"),
        *("--measures", "", "--file", "my file's.csv"),
    ]


def test_json_does_not_depend_on_the_order_of_keys() -> None:
    assert as_json({"b": [2, 1], "a": None}) == as_json({"a": None, "b": [2, 1]}) == '{"a": null, "b": [2, 1]}'
