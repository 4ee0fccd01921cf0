"""Fields of texts: which a text has, and the place that a sentence names."""

import pytest
from selfalign.fields import fields_of, find_place


def test_fields_are_the_names_in_braces() -> None:
    assert fields_of("{persona} Of {place}, {{not}} this.") == {"persona", "place"}
    assert fields_of("None.") == set()
    with pytest.raises(ValueError, match="'}'"):
        fields_of("Of {place")


@pytest.mark.parametrize(
    ("sentence", "form", "place"),
    [
        ("You are from the USA.", "You are from {place}.", "the USA"),
        ("Germany is home.", "{place} is home.", "Germany"),
        ("You live in Germany.", "You are from {place}.", None),
        ("You are from.", "You are from {place}.", None),
        ("You are from .", "You are from {place}.", None),
        ("You are from Germany.", "", None),
    ],
)
def test_place_is_what_the_form_leaves_open(sentence: str, form: str, place: str | None) -> None:
    assert find_place(sentence, form) == place
