"""Readouts: numbers that compare the options of a prompt, from the log-probabilities of labels and options."""

import json

import numpy as np
import pandas as pd

from selfalign.inference.schemas import Answers

_UNREAD = {"label_bound": False, "reply": None, "replied": pd.NA}
"""Values of columns that one of the two kinds of models does not have."""


def list_options(prompts: pd.DataFrame) -> pd.DataFrame:
    """The options of prompts, one per row: columns prompt, premise, place, answer, answer_bytes.

    Args:
        prompts: a `Prompts` table; its order is kept.
    """
    table = prompts[["prompt", "premise"]].assign(answer=prompts["options"].map(json.loads)).explode("answer")
    return table.assign(
        place=table.groupby("prompt", sort=False).cumcount() + 1,
        answer_bytes=table["answer"].map(lambda answer: len(answer.encode())),
    ).reset_index(drop=True)


def read_out(table: pd.DataFrame) -> pd.DataFrame:
    """Derive all readouts, in nats, from the log-probabilities of labels and options.

    log p(o | x) is the log-probability of the words of option o and of their end, after prompt x.

    - label: log p of the option's label after the prompt.
    - option: log p(o | x), which favours short options, and options after which the answer is likely to end.
    - open: log-probability that a reply begins with the words of o, in a form that a reader accepts, with any text
      after them. `selfalign.inference.local.openings.log_p_open` has the formula. If another option begins with the
      words of o, its replies do not count for o.
    - per_token: log p(o | x) / tokens, with those of the end.
    - per_byte: open / bytes of the words of o, which no tokenizer changes.
    - pmi: log p(o | x) - log p(o | premise), domain-conditional pointwise mutual information (Holtzman et al. 2021,
      "Surface Form Competition", equation 3): how much the question supports the option, however common its words are.
      The premise is the same prompt with a blank as the statement of the test probe.
    - greedy: the logarithm of 1 for the option that the greedy reply is, and of 0 for the others; see `read_greedy`.

    Two masses of a prompt, each null where a value of one of its labels or options is null:

    - mass_outside_labels and mass_outside_options: 1 - sum of exp(log p) over the labels, or over the options with what
      ends them. They are the probability of every other text, including "Small" or "small." for the option "small".
      A label of which only a bound is known counts as 0, so the mass is then an upper bound.
    - mass_open: sum of exp(open) over the options, the probability that a reply begins with the words of an option.

    Args:
        table: columns prompt, premise, answer, answer_tokens, answer_bytes, label, option, and others, which are kept.

    Returns:
        An `Answers` table, if the others are those that it needs.
    """
    alone = table.loc[table["premise"] == "", ["prompt", "answer", "option"]]
    alone = alone.rename(columns={"prompt": "premise", "option": "alone"})
    table = table.merge(alone, on=["premise", "answer"], how="left")
    table["per_token"] = table["option"] / table["answer_tokens"].astype(float)
    table = table.assign(open=table.get("open", np.nan))
    table["per_byte"] = table["open"] / table["answer_bytes"]
    table["pmi"] = table["option"] - table["alone"]
    for readout in ("label", "option"):
        known = np.exp(table[readout])
        if readout == "label" and "label_bound" in table:
            known = known.mask(table["label_bound"], 0)  # a bound is more than the endpoint said
        inside = known.groupby(table["prompt"]).transform("sum")
        unknown = table[readout].isna().groupby(table["prompt"]).transform("any")
        table[f"mass_outside_{readout}s"] = (1 - inside).clip(lower=0).mask(unknown)
    opened = np.exp(table["open"]).groupby(table["prompt"])
    table["mass_open"] = (
        opened.transform("sum").clip(upper=1).mask(table["open"].isna().groupby(table["prompt"]).transform("any"))
    )
    unread = {name: value for name, value in _UNREAD.items() if name not in table}
    table = table.assign(**unread)
    return table.assign(greedy=read_greedy(table))[Answers.names()]


def read_greedy(answers: pd.DataFrame) -> pd.Series:
    """Logarithm of each option's probability under greedy decoding: 0 for the option that is replied, else -inf.

    Args:
        answers: columns place and replied.

    Returns:
        A number per option; null where the reply is no option, or there is none.
    """
    replied = answers["replied"].astype("Int64").astype(float)
    return pd.Series(np.where(replied == answers["place"], 0.0, -np.inf), answers.index).where(replied.notna())
