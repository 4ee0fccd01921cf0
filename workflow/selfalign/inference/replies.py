"""What the answers of an endpoint say. Nothing here touches the network."""

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from selfalign.errors import InputError
from selfalign.inference.ledger import Entry
from selfalign.inference.messages import plain_text
from selfalign.inference.questions import Endpoint, Request, answers_of, requests_of
from selfalign.inference.readouts import list_options, read_out

_READ = {"tokens": "Int64", "answer_tokens": "Int64", "label": float, "option": float, "samples": "Int64"}
_READ |= {"standard_error": float}
"""What is read of the answers to a prompt: columns of `Answers`, with their types."""


def entry_of(request: Request, answer: Mapping[str, Any], endpoint: Endpoint) -> Entry:
    """What is kept of an endpoint's answer, for the ledger.

    Args:
        request: that was answered.
        answer: body of the answer; has at least one choice.
        endpoint: that answered.

    Raises:
        InputError: it has not the log-probabilities that were asked for.
    """
    usage = answer.get("usage") or {}
    tokens = [int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)]
    kept = {"samples": _replies, "logprobs": _top, "echo": _tail}[endpoint.readout](request, answer)
    return Entry(request.key, request.prompt, request.text, tokens[0], kept | {"usage": tokens})


def withheld(request: Request, reason: str) -> Entry:
    """Entry of a request that the endpoint refused to answer."""
    return Entry(request.key, request.prompt, request.text, 0, {"withheld": reason, "usage": [0, 0]})


def _replies(request: Request, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The replies that were drawn, and how each ended; None in place of one that was withheld."""
    return {"replies": [[_reply(choice), choice.get("finish_reason")] for choice in answer["choices"]]}


def _reply(choice: Mapping[str, Any]) -> str | None:
    if "text" in choice:
        return choice["text"]
    message, end = choice.get("message") or {}, choice.get("finish_reason")
    # Nothing said before the reply was cut off: thoughts took its length, or a filter the words.
    withheld = end == "content_filter" or message.get("refusal") or (not message.get("content") and end != "stop")
    return None if withheld else message.get("content")


def _top(request: Request, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The likeliest first tokens, each with its log-probability."""
    choice = answer["choices"][0]
    if choice.get("finish_reason") == "content_filter" or (choice.get("message") or {}).get("refusal"):
        return {"withheld": choice.get("finish_reason") or "refusal"}
    logprobs = choice.get("logprobs") or {}
    if logprobs.get("content"):
        top = [[token["token"], token["logprob"]] for token in logprobs["content"][0].get("top_logprobs") or []]
    else:
        top = [list(pair) for pair in ((logprobs.get("top_logprobs") or [None])[0] or {}).items()]
    if not top:
        raise _no_logprobs(request)
    return {"top": sorted(top, key=lambda pair: (-pair[1], pair[0]))}


def _tail(request: Request, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The number of tokens of a given text, and the last of them with their log-probabilities: all of the answer's."""
    given = _given_tokens(answer)
    if len(given) < 2:  # a server that takes no notice of `echo` tells of the generated token only
        raise _no_logprobs(request)
    last = len((request.answer or "").encode()) + 8  # a token has a byte at least; some more for what ends a turn
    return {"count": len(given), "tail": given[-last:] if request.answer is not None else []}


def _given_tokens(answer: Mapping[str, Any]) -> list[list[Any]]:
    """Text and log-probability of each token of the given text."""
    choice = answer["choices"][0]
    if "text" not in choice:
        positions = answer.get("prompt_logprobs") or []
        tokens = [next(iter(position.values())) if position else {} for position in positions]
        return [[token.get("decoded_token"), token.get("logprob")] for token in tokens]
    logprobs = choice.get("logprobs") or {}
    pairs = zip(logprobs.get("tokens") or [], logprobs.get("token_logprobs") or [], strict=False)
    return [list(pair) for pair in pairs][:-1]  # the last is generated


def _no_logprobs(request: Request) -> InputError:
    return InputError(
        f"prompt {request.prompt}",
        "the endpoint answered without the log-probabilities that were asked for",
        "Set readout: samples for this model; docs/endpoints.md tells which servers give what",
    )


def collect(
    prompts: pd.DataFrame, answered: Mapping[str, Entry], endpoint: Endpoint, form: str, mark: str
) -> pd.DataFrame:
    """Answers of a language's prompts, cut from the ledger: an `Answers` table in the order of `prompts`.

    Where an answer could not be had, its readouts are null. Premises are in it only if the readout reaches them.

    Args:
        prompts: a `Prompts` table.
        answered: what the ledger has, by key.
        endpoint: that was asked.
        form: `chat` or `plain`.
        mark: the fingerprint that the ledger has the answers under.

    Raises:
        InputError: the tokens of an option could not be told from those of its prompt.
    """
    read = {"logprobs": _read_labels, "echo": _read_given, "samples": _read_replies}[endpoint.readout]
    rows = []
    for prompt in prompts.itertuples():
        requests = requests_of(prompt, endpoint, form)
        if endpoint.readout != "echo" and not prompt.premise:
            continue
        entries = [answered.get(request.key) for request in requests]
        first = entries[0] if entries else None
        text = requests[0].text if requests else ""
        about = {"prompt": prompt.prompt, "text": text, "tokens": (first and first.tokens) or pd.NA}
        rows += [about | row for row in read(prompt, entries, form)]
    table = pd.DataFrame(rows, columns=["prompt", "place", "text", *_READ]).astype(_READ)
    table = list_options(prompts).merge(table, on=["prompt", "place"], validate="one_to_one")
    table = read_out(table.assign(fingerprint=mark))
    if endpoint.readout == "samples":  # a share of replies is no likelihood of words
        table[["per_token", "per_byte", "pmi"]] = math.nan
    return table


def _read_labels(prompt: tuple, entries: list[Entry | None], form: str) -> Iterator[dict[str, object]]:
    """Log-probabilities of labels among the likeliest first tokens; null for one that is not listed."""
    top = (entries[0].scores.get("top") if entries and entries[0] else None) or []
    labels = json.loads(prompt.labels) or [None] * len(json.loads(prompt.options))
    for place, label in enumerate(labels, start=1):
        # A reply that begins " A" or "a" is another reply: the local engine too reads the label as the frame writes it.
        written = label if form == "chat" else f" {label}"
        found = [log_p for token, log_p in top if token == written] if label is not None else []
        yield {"place": place, "label": _add(found)}


def _add(log_p: list[float]) -> float | None:
    """Sum of probabilities: some vocabularies have two tokens of the same letters. None of none."""
    return min(0.0, math.log(math.fsum(map(math.exp, log_p)))) if log_p else None


def _read_given(prompt: tuple, entries: list[Entry | None], form: str) -> Iterator[dict[str, object]]:
    """Log-probabilities of labels and options that followed the prompt as text."""
    alone, *given = entries
    labels, options = json.loads(prompt.labels), json.loads(prompt.options)
    answers = zip(given, answers_of(prompt), strict=True)
    read = [_read_tail(prompt, alone, entry, answer, closed, form) for entry, (answer, closed) in answers]
    for place in range(len(options)):
        tokens, option = read[len(labels) + place]
        label = read[place][1] if labels else None
        yield {"place": place + 1, "answer_tokens": tokens, "label": label, "option": option}


def _read_tail(
    prompt: tuple, alone: Entry | None, entry: Entry | None, answer: str, closed: bool, form: str
) -> tuple[int | None, float | None]:
    """Number of tokens of an answer, and its log-probability; None where the endpoint withheld either."""
    if not (alone and entry and "tail" in alone.scores and "tail" in entry.scores):
        return None, None
    count, tail = entry.scores["count"] - alone.scores["count"], entry.scores["tail"]
    tokens = tail[len(tail) - count :] if 0 < count <= len(tail) else []
    if form == "chat" and closed and tokens and tokens[-1][0] == "\n":
        tokens = tokens[:-1]  # some templates write a line's end after the end of the turn, which no model writes
    text = "".join(str(token) for token, _ in tokens)
    expected = plain_text(prompt, answer, closed)[len(plain_text(prompt)) :] if form == "plain" else answer
    # A character that is cut into several tokens cannot be written.
    stands = "\ufffd" in text or (text.startswith(answer) if form == "chat" and closed else text == expected)
    if not tokens or not stands or any(log_p is None for _, log_p in tokens):
        raise InputError(
            f"prompt {prompt.prompt}",
            f"the endpoint's tokens of the answer are {text!r}, so it does not follow the prompt as tokens of its own",
            "Choose another format for this model, or readout: samples",
            column="answer",
            value=answer,
        )
    return len(tokens), min(0.0, math.fsum(log_p for _, log_p in tokens))


def _read_replies(prompt: tuple, entries: list[Entry | None], form: str) -> Iterator[dict[str, object]]:
    """Shares of the replies that are each option, as logarithms, with their standard error."""
    replies = [reply for entry in entries if entry for reply in entry.scores.get("replies", [])]
    replies = [(text, end) for text, end in replies if text is not None]
    labels, options = json.loads(prompt.labels), json.loads(prompt.options)
    meant = Counter(which_option(text, labels, options) for text, end in replies if end != "length")
    for place in range(1, len(options) + 1):
        if not replies:
            yield {"place": place}
            continue
        share = meant[place] / len(replies)
        log_p = math.log(share) if share else -math.inf
        error = math.sqrt(share * (1 - share) / len(replies))
        read = {"place": place, "option": log_p, "samples": len(replies), "standard_error": error}
        yield read | ({"label": log_p} if labels else {})


def which_option(reply: str, labels: list[str], options: list[str]) -> int | None:
    """Place, from 1, of the option that a reply is; None where it is none, or could be two.

    A reply is an option if it is its label or its words, but for white space around it, punctuation at its end, and
    capitals. "A, because ..." is not: to find an answer in free text is to interpret it.
    """
    said = _bare(reply)
    names = [{_bare(option)} for option in options]
    for name, label in zip(names, labels, strict=False):
        name.add(_bare(label))
    places = [place for place, name in enumerate(names, start=1) if said in name]
    return places[0] if len(places) == 1 else None


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    while text and unicodedata.category(text[-1])[0] in "PZ":
        text = text[:-1]
    return text.casefold()
