"""Names of models and arms, as figures show them."""

import unicodedata


def clean_label(text: str) -> str:
    """A label on one line: any white space becomes a space, and control characters are left out."""
    words = "".join(" " if each.isspace() else each for each in text).split()
    return " ".join("".join(each for each in word if unicodedata.category(each) != "Cc") for word in words)


def isolate(label: str) -> str:
    """A label that keeps its direction to itself.

    Without this, a label in Arabic script would turn the order of "arm - other arm" around, and so the sign.
    """
    right_to_left = any(unicodedata.bidirectional(each) in ("R", "AL") for each in label)
    return f"\N{FIRST STRONG ISOLATE}{label}\N{POP DIRECTIONAL ISOLATE}" if right_to_left else label
