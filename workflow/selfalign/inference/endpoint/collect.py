"""The table of answers of a model behind an endpoint, from the entries of its ledger."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial

import click
import pandas as pd

from selfalign.errors import InputError
from selfalign.inference.endpoint.checks import read_checks
from selfalign.inference.endpoint.requests import Request, answers_of, requests_of, rest_of
from selfalign.inference.endpoint.settings import Endpoint
from selfalign.inference.endpoint.turns import Turns, count_answer_tokens, is_text
from selfalign.inference.letters import which_option
from selfalign.inference.messages import BREAK, Prompt
from selfalign.inference.readouts import list_options, read_out
from selfalign.ledger.rows import Entry

_READ = {"tokens": "Int64", "answer_tokens": "Int64", "label": float, "option": float, "samples": "Int64"}
_READ |= {"standard_error": float, "label_bound": bool, "reply": object, "replied": "Int64"}
"""Columns of `Answers` that are read from an endpoint's answers, with their types."""

_ROUNDING = 1e-4
"""Endpoints round log-probabilities, so a sum of probabilities may be wrong by this much."""

_STEP = 1e-6
"""Nats by which a bound lies below the last listed token: a listed label was at least as likely as an unlisted one."""


_STARTS = ("", " ", "▁", "Ġ")
"""What a label may begin with in a chat: nothing, a space, or the sign of vocabularies for a space."""


def chain(request: Request, answered: Mapping[str, Entry], endpoint: Endpoint) -> tuple[list[Entry], Request | None]:
    """Entries of a request and of the requests for its missing replies; and the first request without an entry.

    Args:
        request: the first request.
        answered: usable entries of the ledger, by key.
    """
    entries: list[Entry] = []
    following: Request | None = request
    while following is not None and following.key in answered:
        entry = answered[following.key]
        entries.append(entry)
        replies = entry.scores.get("replies")
        following = rest_of(following, len(replies), endpoint) if replies else None
    return entries, following


def collect_replies(
    prompts: pd.DataFrame,
    answered: Mapping[str, Entry],
    endpoint: Endpoint,
    form: str,
    fingerprint: str,
    language: str = "",
) -> pd.DataFrame:
    """Answers to a language's prompts, from the ledger: an `Answers` table in the order of `prompts`.

    If a prompt has no answer, its readouts are null. Premises are in the table only if the readout reaches them.

    Args:
        prompts: a `Prompts` table.
        answered: usable entries of the ledger, by key.
        form: `chat` or `plain`.
        fingerprint: of these entries.
        language: of the prompts. Its rules compare replies with options.

    Raises:
        InputError: the tokens of an option could not be separated from those of its prompt, or no entry shows how the
            chat template ends an answer.
    """
    read: dict[str, Callable[[Prompt, list[Entry | None], str], Iterator[dict[str, object]]]] = {
        "logprobs": partial(_read_labels, start=_find_label_start(prompts, answered, endpoint, form)),
        "echo": partial(_read_given, turns=cache(partial(read_checks, answered, endpoint, form))),
        "samples": partial(_read_replies, endpoint=endpoint, language=language),
    }
    rows = []
    entries: list[Entry | None]
    for prompt in prompts.itertuples():
        requests = requests_of(prompt, endpoint, form)
        if endpoint.readout != "echo" and not prompt.premise:
            continue
        if endpoint.readout == "samples":
            entries = [entry for request in requests for entry in chain(request, answered, endpoint)[0]]
        else:
            entries = [answered.get(request.key) for request in requests]
        first = entries[0] if entries else None
        text = requests[0].text if requests else ""
        about = {"prompt": prompt.prompt, "text": text, "tokens": (first and first.tokens) or pd.NA}
        rows += [about | {"label_bound": False} | row for row in read[endpoint.readout](prompt, entries, form)]
    table = pd.DataFrame(rows, columns=["prompt", "place", "text", *_READ]).astype(_READ)
    table["reply"] = table["reply"].where(table["reply"].notna(), None)
    table = list_options(prompts).merge(table, on=["prompt", "place"], validate="one_to_one")
    table = read_out(table.assign(fingerprint=fingerprint))
    if endpoint.readout == "samples":  # a share of replies is no likelihood of words
        table[["per_token", "per_byte", "pmi"]] = math.nan
    return table


def _find_label_start(prompts: pd.DataFrame, answered: Mapping[str, Entry], endpoint: Endpoint, form: str) -> str:
    """What stands before a label in its token: a space, a sign for a space, or nothing.

    In bare text the frame writes a space. In a chat the endpoint's template decides: those of Llama 2 and Mixtral write
    a space before each answer. It shows in the answers: the start is the one under which labels are likeliest, over all
    prompts. A start that is not empty is reported on stderr.

    Args:
        prompts: a `Prompts` table.
        answered: usable entries of the ledger, by key.
        form: `chat` or `plain`.
    """
    if form == "plain" or endpoint.readout != "logprobs":
        return " "
    likely = dict.fromkeys(_STARTS, 0.0)
    for prompt in prompts.itertuples():
        labels = json.loads(prompt.labels)
        for request in requests_of(prompt, endpoint, form):
            top = answered[request.key].scores.get("top") if request.key in answered else None
            for start in _STARTS:
                written = {start + label for label in labels}
                likely[start] += math.fsum(math.exp(log_p) for token, log_p in top or [] if token in written)
    found = max(_STARTS, key=lambda start: likely[start])
    if found:
        click.echo(f"labels are read as {f'{found}A'!r}, because labels are likeliest with it", err=True)
    return found


def _read_labels(prompt: Prompt, entries: list[Entry | None], form: str, start: str) -> Iterator[dict[str, object]]:
    """Log-probabilities of labels among the likeliest first tokens.

    If some labels are listed and another is not, the other gets an upper bound. If none is listed, all are null.
    """
    top = (entries[0].scores.get("top") if entries and entries[0] else None) or []
    labels = json.loads(prompt.labels)
    # "a" or "A." are other replies: the local engine too reads the label as it is written.
    written = [start + label for label in labels]
    found = [_add([log_p for token, log_p in top if token == label]) for label in written]
    listed = any(log_p is not None for log_p in found)
    for place in range(1, len(json.loads(prompt.options)) + 1):
        label = found[place - 1] if labels else None
        bound = _bound(written[place - 1], top) if labels and listed and label is None else None
        yield {"place": place, "label": label if bound is None else bound, "label_bound": bound is not None}


def _bound(label: str, top: list[tuple[str, float]]) -> float | None:
    """An upper bound of the log-probability of a label that is not listed; None if the list gives no bound.

    The label is at most as likely as the last token of the list, and as all tokens outside the list together. If the
    list has the first token of a label of several tokens, there is no bound.
    """
    if any(token and (label.startswith(token) or "\ufffd" in token) for token, _ in top):
        return None
    rest = 1 - math.fsum(math.exp(log_p) for _, log_p in top)
    return min(top[-1][1] - _STEP, math.log(max(0.0, rest) + _ROUNDING))


def _add(log_p: list[float]) -> float | None:
    """Sum of probabilities: some vocabularies have two tokens of the same letters. None of none."""
    return min(0.0, math.log(math.fsum(map(math.exp, log_p)))) if log_p else None


def _read_given(
    prompt: Prompt, entries: list[Entry | None], form: str, turns: Callable[[], Turns | None]
) -> Iterator[dict[str, object]]:
    """Log-probabilities of labels and options that followed the prompt as text."""
    alone, *given = entries
    labels, options = json.loads(prompt.labels), json.loads(prompt.options)

    def read(entry: Entry | None, answer: str, closed: bool) -> tuple[int | None, float | None]:
        if not (alone and entry and "tail" in alone.scores and "tail" in entry.scores):
            return None, None  # withheld
        count, tail = entry.scores["count"] - alone.scores["count"], entry.scores["tail"]
        tokens = tail[len(tail) - count :] if 0 < count <= len(tail) else []
        texts = [str(token) for token, _ in tokens]
        chat = turns()
        own = count_answer_tokens(texts, answer, chat, closed) if chat else _count_plain(texts, answer, closed)
        if own is None:
            raise _not_separate(prompt, answer, "".join(texts))
        return own, _sum_up([log_p for _, log_p in tokens[:own]])

    found = [read(entry, *answer) for entry, answer in zip(given, answers_of(prompt), strict=True)]
    for place in range(len(options)):
        tokens, option = found[len(labels) + place]
        label = found[place][1] if labels else None
        yield {
            "place": place + 1,
            "answer_tokens": tokens if option is not None else None,
            "label": label,
            "option": option,
        }


def _count_plain(texts: list[str], answer: str, closed: bool) -> int | None:
    """Number of tokens of an answer in bare text; None if they are not separate from others."""
    own = len(texts)
    if closed:  # the beginning of a question follows
        own = max((at for at, text in enumerate(texts, 1) if "\n" in text), default=0)
    return own if is_text("".join(texts[:own]), f" {answer}{BREAK if closed else ''}") else None


def _sum_up(log_p: list[float | None]) -> float | None:
    """Log-probability of some tokens; None if the endpoint masked one of them."""
    known = [one for one in log_p if one is not None]
    return min(0.0, math.fsum(known)) if len(known) == len(log_p) else None


def _not_separate(prompt: Prompt, answer: str, text: str) -> InputError:
    return InputError(
        f"prompt {prompt.prompt}",
        f"the endpoint's tokens of the answer are {text!r}, so they are not separate from the tokens of the prompt",
        "Choose another format for this model, or readout: samples",
        column="answer",
        value=answer,
    )


def _read_replies(
    prompt: Prompt, entries: list[Entry | None], form: str, endpoint: Endpoint, language: str
) -> Iterator[dict[str, object]]:
    """Log share of the replies that mean each option, with its standard error; and a greedy reply."""
    replies = [reply for entry in entries if entry for reply in entry.scores.get("replies", [])]
    replies = [(text, end) for text, end in replies if text is not None]
    labels, options = json.loads(prompt.labels), json.loads(prompt.options)
    meant = Counter(which_option(text, labels, options, language) for text, end in replies if end != "length")
    greedy = {}
    if endpoint.greedy and replies:
        greedy = {"reply": replies[0][0], "replied": next(iter(meant), None)}
    for place in range(1, len(options) + 1):
        if not replies:
            yield {"place": place}
            continue
        share = meant[place] / len(replies)
        log_p = math.log(share) if share else -math.inf
        error = math.sqrt(share * (1 - share) / len(replies))
        read = {"place": place, "option": log_p, "samples": len(replies), "standard_error": error}
        yield read | ({"label": log_p} if labels else {}) | greedy
