"""The table of answers of a model that runs here, from the entries of its ledger."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd

from selfalign.inference.local.openings import log_p_open
from selfalign.inference.local.render import Rendered
from selfalign.inference.readouts import list_options, read_out
from selfalign.ledger.rows import Entry


def collect(
    prompts: pd.DataFrame, rendered: list[Rendered], answered: Mapping[str, Entry], fingerprint: str
) -> pd.DataFrame:
    """Answers to a language's prompts, from the ledger: an `Answers` table in the order of `prompts`.

    Args:
        prompts: a `Prompts` table.
        rendered: its prompts as text and tokens.
        answered: entries of the ledger, by key.
        fingerprint: of these entries.
    """
    columns = ["prompt", "place", "tokens", "answer_tokens", "label", "option", "open"]
    rows = [
        row
        for prompt, options in zip(rendered, prompts["options"].map(json.loads), strict=True)
        for row in _read_entry(prompt, len(options), answered[prompt.key].scores)
    ]
    table = list_options(prompts).merge(pd.DataFrame(rows, columns=columns), on=["prompt", "place"])
    answers = read_out(table.assign(fingerprint=fingerprint, text="", samples=pd.NA, standard_error=np.nan))
    texts = {prompt.prompt: prompt.text for prompt in rendered}  # joined last, because they need most of the memory
    return answers.assign(text=[texts[prompt] for prompt in answers["prompt"]])


def entry_of_scores(prompt: Rendered, scores: Sequence[float]) -> Entry:
    """Entry of the ledger for a prompt: the log-probabilities of its answers, and of the openings of all options."""
    count = len(prompt.answers)
    kept = {"log_p": list(scores[:count]), "open": list(scores[count:])}
    return Entry(prompt.key, prompt.prompt, prompt.text, len(prompt.tokens), kept)


def _read_entry(prompt: Rendered, options: int, scores: Mapping[str, list[float]]) -> list[tuple[object, ...]]:
    """A row of `collect` for each option of a prompt. In the scores, labels come before options."""
    log_p, given = scores["log_p"], iter(scores["open"])
    labels = log_p[:-options] or [np.nan] * options
    lengths = [len(answer) for answer in prompt.answers[-options:]]
    begun = log_p_open(prompt.openings, [list(islice(given, len(openings))) for openings in prompt.openings])
    opens = np.maximum(begun, log_p[-options:])  # an option is one of the replies that begin with its words
    both = zip(lengths, labels, log_p[-options:], opens, strict=True)
    return [(prompt.prompt, place, len(prompt.tokens), *rest) for place, rest in enumerate(both, start=1)]
