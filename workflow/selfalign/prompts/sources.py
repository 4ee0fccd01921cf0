"""Whose answers the demonstrations of an arm carry."""

import hashlib
from typing import Any

import pandas as pd

from selfalign.demonstrations.pick import is_drawn
from selfalign.errors import InputError, did_you_mean
from selfalign.probes.cultures import WORLD, find_nearest, measure_distances, pool_world

_OTHER_POLE = {"A": "B", "B": "A"}


def name_sources(
    arm: dict[str, Any], name: str, countries: list[str], others: list[str], poles: pd.DataFrame
) -> pd.DataFrame:
    """Whose answers each country is shown.

    Args:
        arm: settings; `answers` says whose: the country's `own`; those of every `other` country in turn, of the
            `nearest` or `farthest` country of the survey, or of the pooled `world`; the own ones `inverted` or
            `shuffled`; or, `neutral`, nobody's.
        name: of the arm.
        countries: that the arm is run for.
        others: the other countries, where the arm names no `sources`.
        poles: a `Poles` table of all countries of the survey.

    Returns:
        Columns country, source (empty: nobody's); a country without an `other` has no row.

    Raises:
        InputError: a source is not in the survey.
    """
    answers = arm["answers"] if arm["shots"] else "neutral"
    if answers == "other":
        sources = arm.get("sources", others)
        _check_sources(sources, name, poles)
        pairs = [(country, source) for country in countries for source in sources if source != country]
    elif answers in ("nearest", "farthest"):
        distances = measure_distances(poles)
        pairs = [(country, find_nearest(distances, country, answers == "farthest")) for country in countries]
    else:
        fixed = {"world": WORLD, "neutral": ""}
        pairs = [(country, fixed.get(answers, country)) for country in countries]
    return pd.DataFrame(pairs, columns=["country", "source"])


def _check_sources(sources: list[str], name: str, poles: pd.DataFrame) -> None:
    known = set(poles["country"])
    for source in sources:
        if source not in known:
            raise InputError(
                f"config: arms.{name}.sources",
                "the survey has no respondents of this country",
                f"{did_you_mean(source, known)} Correct it, or use another survey",
                value=source,
            )


def majority_answers(poles: pd.DataFrame) -> pd.DataFrame:
    """The majority answer of each country, and of the pooled world, to each probe: columns source, candidate, answer.

    Ties are left out; `map_poles` lists those of the countries.
    """
    people = pd.concat([poles[["country", "probe", "majority"]], pool_world(poles)[["country", "probe", "majority"]]])
    people = people.set_axis(["source", "candidate", "answer"], axis=1)
    return people[people["answer"] != "tie"].reset_index(drop=True)


def answer_otherwise(shown: pd.DataFrame, arm: dict[str, Any], answers: pd.DataFrame) -> pd.DataFrame:
    """Demonstrations with the answers that an arm gives them in place of the source's.

    `inverted` turns each answer round. `shuffled` gives each candidate the answer of another: the source's own answers,
    permuted over all probes, anew for each seed, so that as many are A as before and nothing is true.

    Args:
        shown: columns source, probe, seed, candidate, answer.
        arm: its settings.
        answers: as `majority_answers` returns them.

    Returns:
        The same columns; of `shuffled`, a set for each of the arm's seeds.
    """
    if arm["answers"] == "inverted":
        return shown.assign(answer=shown["answer"].map(_OTHER_POLE))
    if arm["answers"] == "shuffled":
        permuted = _permute(answers[answers["source"].isin(shown["source"])], arm["seeds"])
        if not is_drawn(arm):  # the same demonstrations under each seed
            shown = shown.drop(columns="seed").merge(pd.DataFrame({"seed": arm["seeds"]}), how="cross")
        order = list(shown.columns)
        return shown.drop(columns="answer").merge(permuted, on=["source", "seed", "candidate"])[order]
    return shown


def _permute(answers: pd.DataFrame, seeds: list[int]) -> pd.DataFrame:
    """Each source's answers, dealt to its candidates in an order drawn from seed and source: source, seed, candidate,
    answer."""
    dealt = []
    for (source, own), seed in ((group, seed) for group in answers.groupby("source") for seed in seeds):
        own = own.sort_values("candidate")
        drawn = sorted(own.index, key=lambda row: _draw(f"{source}/{seed}/{own.loc[row, 'candidate']}"))
        dealt.append(own.assign(seed=seed, answer=own.loc[drawn, "answer"].to_numpy()))
    return pd.concat(dealt, ignore_index=True)


def draw_neutral(probes: pd.Series, neutral: pd.DataFrame, arm: dict[str, Any], name: str) -> pd.DataFrame:
    """Demonstrations that are about no values: for each test probe and seed, items drawn from their names.

    Args:
        probes: the test probes.
        neutral: a `Neutral` table.
        arm: its settings: shots, seeds.
        name: of the arm.

    Returns:
        Columns source (empty), probe, seed, candidate, answer, in the order in which they are shown.

    Raises:
        InputError: there are fewer items than shots.
    """
    if arm["shots"] > len(neutral):
        raise InputError(
            f"config: arms.{name}",
            f"there are {len(neutral)} neutral items",
            "Lower shots, or add items to prompts.neutral",
            column="shots",
            value=arm["shots"],
        )
    facts = neutral.set_index("item")["answer"]
    rows = [
        ("", probe, seed, item, facts[item])
        for probe in probes.unique()
        for seed in arm["seeds"]
        for item in sorted(facts.index, key=lambda item, probe=probe, seed=seed: _draw(f"{seed}/{probe}/{item}"))[
            : arm["shots"]
        ]
    ]
    return pd.DataFrame(rows, columns=["source", "probe", "seed", "candidate", "answer"])


def _draw(name: str) -> bytes:
    """A random key that depends on the name alone."""
    return hashlib.sha256(name.encode()).digest()
