"""Options of commands: a setting passed as JSON has the type that its command names."""

from typing import Any

import click
import pytest
from selfalign.contrasts import Contrast
from selfalign.options import Json


def test_value_has_the_type_that_the_command_names() -> None:
    assert Json(tuple[str, str]).convert('["own", "other"]', None, None) == ("own", "other")
    text = '["own", "zero"], {"arm": "own", "against": "zero", "beyond": ["random", "zero"]}'
    plain, other = Json(list[Contrast]).convert(f"[{text}]", None, None)
    assert plain == Contrast(arm="own", against="zero") and other.beyond == ("random", "zero")
    assert Json(dict[str, Any]).convert('{"level": 0.95, "\u00e9": null}', None, None) == {"level": 0.95, "é": None}


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        (tuple[str, str], '["own"]', ["[1]", "required"]),
        (tuple[str, str], '["own", 3]', ["3 at [1]", "valid string"]),
        (dict[str, str], "[]", ["[]: ", "object"]),
        (bool, "tru", ["not JSON", "column 3"]),
        (list[Contrast], '[{"arm": "own"}]', ["at [0]['against']", "required"]),
        (
            list[Contrast],
            '[{"arm": "own", "against": "zero", "agains": "x"}]',
            ["'x' at [0]['agains']", "not permitted"],
        ),
    ],
)
def test_another_value_is_refused_with_its_place(form: Any, text: str, words: list[str]) -> None:
    with pytest.raises(click.BadParameter) as refused:
        Json(form).convert(text, None, None)
    assert all(word in refused.value.message for word in words), refused.value.message
