"""Whose answers the demonstrations of an arm carry."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import pandas as pd

from selfalign.arms import Arm
from selfalign.draws import draw_number
from selfalign.errors import InputError, did_you_mean
from selfalign.population import country_of, find_siblings, keep_countries
from selfalign.probes.cultures import WORLD, find_nearest, measure_distances, pool_world
from selfalign.probes.scales import is_modal, modal_answers
from selfalign.prompts.frames import Item


@dataclass(frozen=True)
class Surveyed:
    """What all countries of a survey answer.

    Attributes:
        poles: a `Poles` table.
        scales: a `PeopleScales` table; None where nothing is asked with its whole scale.
        bank: a `Bank` table.
        tests: the test probes, if they are from another survey than the demonstrations; else empty, because every probe
            is both.
    """

    poles: pd.DataFrame
    scales: pd.DataFrame | None = None
    bank: pd.DataFrame | None = None
    tests: frozenset[str] = frozenset()

    @cached_property
    def tested(self) -> pd.DataFrame:
        """The rows of `poles` that a model is tested on."""
        return self.poles[self.poles["probe"].isin(self.tests)] if self.tests else self.poles

    @cached_property
    def shown(self) -> pd.DataFrame:
        """The rows of `poles` that demonstrations have, and that near and far countries are found by."""
        return self.poles[~self.poles["probe"].isin(self.tests)] if self.tests else self.poles

    @cached_property
    def _shown_poles(self) -> pd.DataFrame:
        """The rows of `shown` and the pooled world's: columns source, candidate, share_a, majority.

        Ties are left out; `map_poles` lists those of the countries.
        """
        columns = ["country", "probe", "share_a", "majority"]
        people = pd.concat([self.shown[columns], pool_world(self.shown)[columns]])
        people = people.set_axis(["source", "candidate", "share_a", "majority"], axis=1)
        return people[people["majority"] != "tie"].reset_index(drop=True)

    @cached_property
    def majority(self) -> pd.DataFrame:
        """The majority answer of each source to each probe: columns source, candidate, answer (A or B)."""
        return self._shown_poles[["source", "candidate", "majority"]].rename(columns={"majority": "answer"})

    @cached_property
    def modal(self) -> pd.DataFrame:
        """The modal answer of each source on the whole scale: columns source, candidate, answer (a code, as text).

        The world's shares are the means of the countries', each country weighing the same. Ties are left out.
        """
        assert self.bank is not None, "the people's answers on whole scales were read"
        shares = keep_countries(self.scales).groupby(["question", "code"], as_index=False)["share"].mean()
        shares = shares.assign(country=WORLD)
        shares["modal"] = is_modal(shares)
        people = pd.concat([modal_answers(self.scales), modal_answers(shares)])
        probes = self.bank[["probe", "question"]].merge(people, on="question")
        probes = probes.assign(answer=probes["code"].astype(str))
        return probes.rename(columns={"country": "source", "probe": "candidate"})[["source", "candidate", "answer"]]

    def stated(self, step: int) -> pd.DataFrame:
        """How many of 100 people of each source choose pole A: columns source, candidate, answer (the number, as text).

        Ties are left out, so that the same candidates can be shown as with majority answers.

        Args:
            step: between the numbers, a divisor of 100. They are rounded to a multiple of it.
        """
        people = self._shown_poles
        number = (people["share_a"] * 100 / step).round().astype(int) * step
        return people[["source", "candidate"]].assign(answer=number.astype(str))

    @cached_property
    def on_scales(self) -> pd.DataFrame:
        """The countries and probes whose people's answers on the whole scale are known: columns country, probe."""
        if self.scales is None or self.bank is None:
            raise ValueError("the people's answers on whole scales were not read")
        pairs = self.scales[["country", "question"]].drop_duplicates()
        return pairs.merge(self.bank[["probe", "question"]], on="question")[["country", "probe"]]


def name_sources(arm: Arm, people: list[str], others: list[str], poles: pd.DataFrame) -> pd.DataFrame:
    """Whose answers each country or group is shown, or whom its prompts name.

    Args:
        arm: its `answers` say whose: the people's `own`; those of every `other` country in turn (of a group: of the
            same group there), of every `other_group` of the same country and variable in turn, of the whole `country`
            of a group, of the `nearest` or `farthest` country of the survey, or of the pooled `world`; the own ones
            `inverted` or `shuffled`; or, `neutral`, nobody's.
        people: countries or groups that the arm is run for.
        others: the other countries, where the arm names no `sources`.
        poles: a `Poles` table of all countries of the survey, and of their groups.

    Returns:
        Columns country, source (empty: nobody's); people without an `other` have no row.

    Raises:
        InputError: a source is not in the survey.
    """
    answers = arm.answers if arm.shots else "other" if arm.named == "other" else "neutral"
    if answers == "other":
        check_sources(arm, others if arm.sources is None else arm.sources, poles)
        known = set(poles["country"])
        pairs = [
            (one, source)
            for one in people
            for country in arm.others(country_of(one), others)
            if (source := one.replace(country_of(one), country, 1)) in known  # a group may be too small there
        ]
    elif answers == "other_group":
        known = set(poles["country"])
        pairs = [(one, source) for one in people for source in find_siblings(one, known)]
    elif answers in ("nearest", "farthest"):
        distances = measure_distances(poles)
        pairs = [(one, find_nearest(distances, country_of(one), answers == "farthest")) for one in people]
    else:
        fixed = {"world": WORLD, "neutral": ""}
        pairs = [(one, country_of(one) if answers == "country" else fixed.get(answers, one)) for one in people]
    return pd.DataFrame(pairs, columns=["country", "source"])


def check_sources(arm: Arm, sources: Iterable[str], people: pd.DataFrame) -> None:
    """Raise InputError where the survey lacks a country that an arm names as a source.

    Args:
        arm: that an error names.
        sources: countries.
        people: a table with the column country, of all countries of the survey.
    """
    known = set(people["country"].unique())
    for source in sources:
        if source not in known:
            raise InputError(
                f"config: arms.{arm.name}.sources",
                "the survey has no respondents of this country, or their weights are all 0",
                f"{did_you_mean(source, known)} Correct it, or use another survey",
                value=source,
            )


def answer_otherwise(shown: pd.DataFrame, arm: Arm, answers: pd.DataFrame, items: Mapping[str, Item]) -> pd.DataFrame:
    """Demonstrations with the answers that an arm gives them instead of the source's answers.

    `inverted` reverses each answer: the other pole, the mirrored code of the scale, or the share of the other pole.
    `shuffled` permutes the source's own answers over all probes with the same number of options, separately for each
    seed. So the number of answers in each place stays the same, and the answers are no longer true.

    Args:
        shown: columns source, probe, seed, candidate, answer.
        answers: columns source, candidate, answer: all answers of the sources.
        items: what is asked, by probe.

    Returns:
        The same columns; of `shuffled`, a set for each of the arm's seeds.
    """
    if arm.answers == "inverted":
        sides = [(items[row.candidate].codes, row.answer) for row in shown.itertuples()]
        return shown.assign(answer=[codes[-1 - codes.index(answer)] for codes, answer in sides])
    if arm.answers == "shuffled":
        dealt = _deal(answers[answers["source"].isin(shown["source"])], arm.seeds, items)
        if not arm.is_drawn:  # the same demonstrations under each seed
            shown = shown.drop(columns="seed").merge(pd.DataFrame({"seed": arm.seeds}), how="cross")
        columns = list(shown.columns)
        return shown.drop(columns="answer").merge(dealt, on=["source", "seed", "candidate"])[columns]
    return shown


def _deal(answers: pd.DataFrame, seeds: Sequence[int], items: Mapping[str, Item]) -> pd.DataFrame:
    """Each source's answers, dealt to its candidates with as many options, in an order drawn from seed and names:
    source, seed, candidate, answer."""
    places = [items[row.candidate].codes.index(row.answer) for row in answers.itertuples()]
    answers = answers.assign(place=places, options=[len(items[name].codes) for name in answers["candidate"]])
    dealt = []
    for (source, _), own in answers.groupby(["source", "options"]):
        for seed in seeds:
            drawn = sorted(range(len(own)), key=lambda row: draw_number(source, seed, own["candidate"].iloc[row]))
            codes = [items[name].codes for name in own["candidate"]]
            given = [code[place] for code, place in zip(codes, own["place"].iloc[drawn], strict=True)]
            dealt.append(own[["source", "candidate"]].assign(seed=seed, answer=given))
    return pd.concat(dealt, ignore_index=True)


def draw_neutral(arm: Arm, probes: pd.Series, right: Mapping[str, str]) -> pd.DataFrame:
    """Demonstrations that are about no values: for each test probe and seed, items drawn from their names.

    Args:
        arm: whose shots and seeds count.
        probes: the test probes.
        right: the right answer of each neutral item: A or B.

    Returns:
        Columns source (empty), probe, seed, candidate, answer, in the order in which they are shown.

    Raises:
        InputError: there are fewer items than shots.
    """
    if arm.shots > len(right):
        raise InputError(
            f"config: arms.{arm.name}",
            f"there are {len(right)} neutral items",
            "Lower shots, or add items to prompts.neutral",
            column="shots",
            value=arm.shots,
        )
    rows = []
    for probe, seed in itertools.product(probes.unique(), arm.seeds):
        drawn = sorted(right, key=partial(draw_number, seed, probe))
        rows += [("", probe, seed, item, right[item]) for item in drawn[: arm.shots]]
    return pd.DataFrame(rows, columns=["source", "probe", "seed", "candidate", "answer"])
