"""Fields of texts: names in braces, such as {place}, that a program fills in."""

from string import Formatter


def fields_of(text: str) -> set[str]:
    """The names of the fields of a text.

    Raises:
        ValueError: a brace is not paired.
    """
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def has_formats(text: str) -> bool:
    """Whether a field of a text also says how it is to be written, as in {place!r} or {share:.1f}."""
    return any(form or way for _, _, form, way in Formatter().parse(text))


def find_place(sentence: str, form: str) -> str | None:
    """The place that a sentence names.

    Args:
        sentence: such as "You are from Germany."
        form: a sentence with the field {place} once, such as "You are from {place}."

    Returns:
        None if the sentence does not have the form, or the form has no field.
    """
    before, field, after = form.partition("{place}")
    place = sentence.removeprefix(before).removesuffix(after)
    return place if field and place and before + place + after == sentence else None
