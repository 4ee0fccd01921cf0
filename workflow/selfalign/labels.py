"""Names of models and arms, as figures show them."""

import unicodedata


def clean(text: str) -> str:
    """A label on one line: any white space becomes a space, and control characters are left out."""
    words = "".join(" " if each.isspace() else each for each in text).split()
    return " ".join("".join(each for each in word if unicodedata.category(each) != "Cc") for word in words)
