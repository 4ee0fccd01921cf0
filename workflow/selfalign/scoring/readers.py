"""Simple readers of the demonstrations: what can be done with them, for comparison with a model.

A reader answers the prompts that a model was asked, and nothing else. It gives a log-weight to each of the two options,
as a model gives a log-likelihood, so its answers are scored in the same way. A fixed policy is a reader that follows a
rule and ignores the demonstrations. `READERS` has all of them by name.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from selfalign.population import country_of
from selfalign.probes.schemas import TIE
from selfalign.progress import show_progress

_ADDED = 0.5
"""Added to each count, so that the log-odds are finite: Haldane (1956) and Anscombe (1956)."""

_LEAST = 1e-9
"""The smallest share of an option, so that its logarithm is finite."""


_SMALLEST = -600.0
"""Log-likelihoods below this are taken relative to the largest one, because the exponential of -746 is 0."""


def read_as_copier(design: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """Answers of a reader that repeats the option which the demonstrations' answers repeat more often.

    Its log-weight of an option is log(c + 0.5), where c demonstrations have this option (or its label, in frames that
    show labels) as their answer. Without such a demonstration both options weigh the same.

    Args:
        design: a `Design` table.
        prompts: a `Prompts` table with all of its prompts.

    Returns:
        Columns prompt, place (1 or 2: the option's place), option (log-weight, nats), mass_outside_options (0).
    """
    asked = prompts[prompts["prompt"].isin(design["prompt"].unique())]
    offered = asked["labels"].where(asked["labels"] != "[]", asked["options"])
    return _as_answers(asked["prompt"].to_numpy(), np.log(count_options(asked["shown"], offered) + _ADDED))


def count_options(shown: pd.Series, options: pd.Series) -> np.ndarray:
    """How many demonstrations of a prompt have each of two options as their answer.

    Args:
        shown: the demonstrations of each prompt, as in the column of `Prompts` (JSON).
        options: two options of each prompt, or their labels (JSON).

    Returns:
        Prompts x 2.
    """
    answers = [[answer for _, answer in json.loads(pairs)] for pairs in shown]
    counts = [[said.count(one) for one in json.loads(two)] for said, two in zip(answers, options, strict=True)]
    return np.reshape(counts, (-1, 2))


def read_as_ideal_reader(
    design: pd.DataFrame, prompts: pd.DataFrame, poles: pd.DataFrame, noise: float
) -> pd.DataFrame:
    """Answers of a reader that recognises the country from the demonstrations and answers as its people do.

    It knows the answers of every country of the survey except the one that it is compared with, and of the groups of
    these countries, if there are groups. It assumes that a demonstration shows the majority's answer of the hidden
    country with a probability of 1 - noise. So a country whose majority differs from m of the demonstrations has a
    posterior weight of (noise / (1 - noise))^m, up to a factor. For a probe that a country was not asked, or whose
    poles tie there, both answers have a probability of one half. The weight of an option is its mean share among the
    countries that were asked the test probe, weighted by their posterior weights.

    Args:
        design: a `Design` table.
        prompts: a `Prompts` table with all of its prompts.
        poles: a `Poles` table.
        noise: probability, above 0 and at most 0.5. At 0.5 the demonstrations say nothing.

    Returns:
        Columns prompt (country and prompt of the design, joined by a colon), place, option, mass_outside_options.
        Nothing for cells whose test probe no other country was asked.
    """
    share = poles.pivot(index="country", columns="probe", values="share_a")
    shown = prompts.set_index("prompt")["demonstrations"]
    cells = design.drop_duplicates(["country", "prompt"])
    evidence = _weigh_countries(shown.loc[cells["prompt"].unique()], share, noise)
    parts = []
    for country, asked in show_progress("read", "country", items=list(cells.groupby("country"))):
        others = share[share.index.map(country_of) != country_of(country)]
        of_a = others[asked["probe"]].to_numpy().T
        known = ~np.isnan(of_a)
        weight = _as_weights(evidence.loc[asked["prompt"], others.index].to_numpy(), known)
        total = weight.sum(axis=1)
        mean = (weight * np.where(known, of_a, 0)).sum(axis=1)[total > 0] / total[total > 0]
        some = asked[total > 0]
        first = np.where(some["order"] == "AB", mean, 1 - mean)
        log_weight = np.log(np.clip(np.column_stack([first, 1 - first]), _LEAST, None))
        parts.append(_as_answers(name_cells(some).to_numpy(), log_weight))
    return pd.concat(parts, ignore_index=True)


def _as_weights(evidence: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Posterior weights of countries, up to a factor in each row; 0 for countries that were not asked.

    Args:
        evidence: prompts x countries, log-likelihoods (nats).
        known: the same shape, whether the country was asked the test probe.
    """
    evidence = np.where(known, evidence, -np.inf)
    best = evidence.max(axis=1, keepdims=True, initial=-np.inf)
    weights: np.ndarray = np.exp(evidence - np.where(np.isfinite(best) & (best < _SMALLEST), best, 0))
    return weights


def name_cells(design: pd.DataFrame) -> pd.Series:
    """The prompt of a cell with its country, because the ideal reader's answer depends on both."""
    return design["country"] + ":" + design["prompt"]


def _weigh_countries(shown: pd.Series, share: pd.DataFrame, noise: float) -> pd.DataFrame:
    """Log-likelihood (nats) of each country for each set of demonstrations.

    Args:
        shown: by prompt, such as `Q4=A Q57a=B`.
        share: countries x probes, the people's share of pole A; NaN where they were not asked.
        noise: probability that a demonstration does not show the country's majority.

    Returns:
        Prompts x countries. The largest of a row is at most 0.
    """
    majority = share.gt(0.5).astype(float).where((share - 0.5).abs() > TIE)
    sets = shown.unique()
    pairs = pd.Series(sets, index=sets).str.split().explode().dropna().str.split("=", expand=True)
    if pairs.empty:
        return pd.DataFrame(0.0, shown.index, share.index)
    pairs = pairs[pairs[0].isin(share.columns)]
    answered = majority[pairs[0]].to_numpy().T
    differs = (answered != (pairs[1] == "A").to_numpy(float)[:, None]) & ~np.isnan(answered)
    known = ~np.isnan(answered)
    log_p = np.where(differs, np.log(noise), np.log1p(-noise)) * known + np.log(0.5) * ~known
    sums = (
        pd.DataFrame(log_p, index=pairs.index, columns=share.index).groupby(level=0).sum().reindex(sets, fill_value=0)
    )
    return sums.loc[shown].set_index(shown.index)


def choose_shorter(design: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """Answers of a reader that always chooses the option with fewer characters, in the words of the prompt's language.

    Characters are Unicode code points. Options of the same length weigh the same.
    """
    asked = prompts[prompts["prompt"].isin(design["prompt"].unique())]
    lengths = np.reshape([[len(one) for one in json.loads(two)] for two in asked["options"]], (-1, 2))
    return _prefer(asked["prompt"].to_numpy(), np.sign(lengths[:, 1] - lengths[:, 0]))


def choose_first(design: pd.DataFrame) -> pd.DataFrame:
    """Answers of a reader that always chooses the option that stands first.

    Over the two option orders of a cell it chooses neither pole, so its agreement is one half everywhere.
    """
    asked = design["prompt"].unique()
    return _prefer(asked, np.ones(len(asked)))


def choose_a(design: pd.DataFrame) -> pd.DataFrame:
    """Answers of a reader that always chooses pole A, wherever it stands."""
    asked = design.drop_duplicates("prompt")
    return _prefer(asked["prompt"].to_numpy(), np.where(asked["order"] == "AB", 1, -1))


@dataclass(frozen=True)
class Reader:
    """A reader, and what its answers depend on.

    Attributes:
        read: its answers in the columns of `read_as_copier`, given a `Design` table, a `Prompts` table, a `Poles`
            table and the noise of the settings.
        by_country: whether two countries can get other answers to one prompt; `name_cells` then names its prompts.
        is_policy: whether it ignores the demonstrations, so that its answers are the same in every arm.
    """

    read: Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame, float], pd.DataFrame]
    by_country: bool = False
    is_policy: bool = False


READERS = {
    "copier": Reader(lambda design, prompts, poles, noise: read_as_copier(design, prompts)),
    "ideal_reader": Reader(read_as_ideal_reader, by_country=True),
    "shorter_option": Reader(lambda design, prompts, poles, noise: choose_shorter(design, prompts), is_policy=True),
    "first_option": Reader(lambda design, prompts, poles, noise: choose_first(design), is_policy=True),
    "always_a": Reader(lambda design, prompts, poles, noise: choose_a(design), is_policy=True),
}
"""All readers by name. Another one is a function and a line here; it then has rows in readers.csv. Figures have
marks of those in `figures.readers.READER_LOOKS`."""


def _prefer(prompts: np.ndarray, side: np.ndarray) -> pd.DataFrame:
    """Answers that are sure of the first option (side 1), of the second one (-1), or of neither (0)."""
    first = (1 + side) / 2
    return _as_answers(prompts, np.log(np.clip(np.column_stack([first, 1 - first]), _LEAST, None)))


def _as_answers(prompts: np.ndarray, log_weights: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "prompt": np.repeat(prompts, 2),
            "place": np.tile([1, 2], len(prompts)),
            "option": log_weights.ravel(),
            "mass_outside_options": 0.0,
        }
    )
