"""The two poles of a list of answer options, where the words of the options leave no doubt."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_DEGREE = (
    r"very|somewhat|mostly|completely|strongly|moderately|fairly|quite|totally|generally|much|"
    r"a lot of|some|a great deal of|great deal of"
)
_LEADING = re.compile(rf"(?:{_DEGREE})\s+(?=\w)", re.IGNORECASE)
_TRAILING = re.compile(r"\s+(?:a lot|a little|strongly|somewhat|at all)$", re.IGNORECASE)
_NEGATION = re.compile(r"(?P<word>not|no)\s+(?:(?:at all|too|very|that|so|much)\s+)*(?=\w)", re.IGNORECASE)
_YES_NO = re.compile(r"(yes|no)(?:,.*)?", re.IGNORECASE)
_VOLUNTEERED = re.compile(r"\((?:vol\.?|volunteered|do not read|dnr)\)", re.IGNORECASE)
_MIDDLE = re.compile(
    r"(?:(?:remain|remained|stay|stayed|about|it is|it's) )*(?:the )?same(?: for both)?|no change|neither\b.*|both\b.*|"
    r"(?:it )?(?:does not|doesn't) make (?:much |a |any )?difference\b.*|no difference\b.*|as \w+ as \d+ years ago",
    re.IGNORECASE,
)
_PAIRS = (
    "accept/reject agree/disagree approve/disapprove better/worse easy/difficult favor/oppose "
    "favorable/unfavorable good/bad improve/worsen increase/decrease increased/decreased like/dislike "
    "likely/unlikely more/less optimistic/pessimistic positive/negative safe/unsafe satisfied/dissatisfied "
    "stronger/weaker support/oppose united/divided"
)
_OPPOSITES = {frozenset(pair.split("/")) for pair in _PAIRS.split()}


class UnclearError(ValueError):
    """The options have no clear cut; the message says why."""


@dataclass(frozen=True)
class Cut:
    """Options as two poles.

    Attributes:
        pole_a: codes of the pole that comes first.
        pole_b: codes of the other pole.
        neither: codes of no pole.
        option_a: words for pole A.
        option_b: words for pole B.
    """

    pole_a: tuple[int, ...]
    pole_b: tuple[int, ...]
    neither: tuple[int, ...]
    option_a: str
    option_b: str


@dataclass(frozen=True)
class _Option:
    """An option without its degree: its core, and the word that negates the core ("not", "no" or empty)."""

    code: int
    core: str
    denial: str = ""


def cut_into_poles(options: Mapping[int, str], given: Iterable[int]) -> Cut:
    """The two poles of a list of options.

    A cut is clear in three cases. The options are degrees of two opposites: "Very good", "Somewhat bad". They are
    degrees of one word and of its denial: "Somewhat well", "Not too well". Or they are "Yes" and "No", whatever follows
    a comma. Options in the middle, such as "About the same", and volunteered ones, marked "(VOL)" or "(DO NOT READ)",
    are of neither pole. So are options that nobody chose.

    Args:
        options: the substantive options, by code.
        given: the codes that people in any country chose.

    Raises:
        UnclearError: the options are of another kind.
    """
    chosen, neither, sides = set(given), [], []
    for code, text in sorted(options.items()):
        plain = " ".join(text.replace("’", "'").split()).rstrip(".")
        if code not in chosen or _VOLUNTEERED.search(plain) or _MIDDLE.fullmatch(plain):
            neither.append(code)
        else:
            sides.append(_read_option(code, plain))
    if len(sides) < 2:
        raise UnclearError("fewer than two options stand for a pole")
    first, second, words = _part(sides)
    if max(first) > min(second):
        raise UnclearError("the options of the two poles are not in order")
    return Cut(first, second, tuple(neither), *words)


def _read_option(code: int, text: str) -> _Option:
    if found := _YES_NO.fullmatch(text):
        return _Option(code, "yes", "no" if found[1].casefold() == "no" else "")
    denial = ""
    if found := _NEGATION.match(text):
        denial, text = found["word"].casefold(), text[found.end() :]
    while found := _LEADING.match(text):
        text = text[found.end() :]
    text = text if re.match(r"I\b", text) else text[:1].lower() + text[1:]
    return _Option(code, _TRAILING.sub("", text), denial)


def _part(options: list[_Option]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[str, str]]:
    """Codes of the first pole, codes of the second pole, and the words of both."""
    cores = list(dict.fromkeys(option.core for option in options))
    denied = tuple(option.code for option in options if option.denial)
    said = tuple(option.code for option in options if not option.denial)
    if len(cores) == 1 and denied and said:
        core = cores[0]
        some_no = any(option.denial == "no" for option in options)
        no = ("no" if core == "yes" else f"little or no {core}") if some_no else f"not {core}"
        sides = {said[0]: (said, core), denied[0]: (denied, no)}
        (first, word), (second, other) = (sides[code] for code in sorted(sides))
        return first, second, (word, other)
    if len(cores) == 2 and not denied and _are_opposites(*cores):
        first, second = (tuple(option.code for option in options if option.core == core) for core in cores)
        return first, second, (cores[0], cores[1])
    raise UnclearError("the options are not degrees of two opposites, or of one word and its denial")


def _are_opposites(one: str, other: str) -> bool:
    """Whether two phrases differ in one word, and these two words are opposites."""
    words, others = one.split(), other.split()
    differing = [frozenset(pair) for pair in zip(words, others, strict=False) if pair[0] != pair[1]]
    return len(words) == len(others) and len(differing) == 1 and differing[0] in _OPPOSITES
