"""The forms in which a reply may begin with an option, and their probability."""

import math
from collections.abc import Sequence

_STOPS = {"zh": "。", "ja": "。", "bn": "।", "hi": "।", "ur": "۔"}


def list_forms(options: Sequence[str], language: str = "") -> list[list[str]]:
    """The forms of each option that a reader accepts: as shown, capitalised, and both with a final full stop.

    If a capitalised option is the same as another option, it counts only for the other option.

    Args:
        options: in words, in the order shown.
        language: code of their language; empty: the rules of most languages.
    """
    stop = _STOPS.get(language.partition("-")[0], ".")
    forms = []
    for option in options:
        words = [option, *({capitalise(option, language)} - set(options))]
        forms.append([*words, *(word + stop for word in words if not word.endswith(stop))])
    return forms


def capitalise(text: str, language: str = "") -> str:
    """A text with a capital first letter. Turkish and Azerbaijani write İ for i."""
    first = "İ" if text[:1] == "i" and language.partition("-")[0] in ("tr", "az") else text[:1].title()
    return first + text[1:]


def prefix_free(sequences: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The distinct sequences that do not begin with another one, in the given order."""
    given = set(sequences)
    return tuple(one for one in dict.fromkeys(sequences) if not any(one[:end] in given for end in range(1, len(one))))


def log_p_open(openings: Sequence[Sequence[tuple[int, ...]]], log_p: Sequence[Sequence[float]]) -> list[float]:
    """Log-probability (nats) that a reply begins with the words of each option.

    With S_o the token sequences of option o, none of which begins with another of them:

        open(o) = log( sum over s in S_o of [ p(s) - sum of p(t) ] )

    Here t runs over the sequences of other options that begin with s, except those that begin with another such t. So
    a reply "would not" counts as "would not", and not as "would".

    Args:
        openings: the sequences of each option.
        log_p: the log-probability (nats) of each sequence after the prompt.
    """
    known = {
        (place, one): value
        for place, (sequences, values) in enumerate(zip(openings, log_p, strict=True))
        for one, value in zip(sequences, values, strict=True)
    }
    found = []
    for place, sequences in enumerate(openings):
        others = {one: value for (other, one), value in known.items() if other != place}
        total = 0.0
        for one in sequences:
            longer = prefix_free([other for other in others if len(other) > len(one) and other[: len(one)] == one])
            total += math.exp(known[place, one]) - math.fsum(math.exp(others[other]) for other in longer)
        found.append(math.log(min(total, 1.0)) if total > 0 else -math.inf)
    return found
