"""Cuts of answer scales: which codes make the two poles. Estimates are repeated under another cut than the bank's."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pandas as pd

from selfalign.probes.bank import parse_codes
from selfalign.probes.map_poles import map_poles
from selfalign.probes.replicates import draw_shares
from selfalign.probes.resample_people import resample_respondents
from selfalign.probes.schemas import Poles, Replicates

_MIDDLE = 5
"""The code of ten-point scales at which most people stop who have no opinion. The scales have no other middle."""

_TEN = set(range(1, 11))


def find_ten_points(bank: pd.DataFrame) -> pd.Series:
    """Whether a probe's two poles are the codes 1-5 and 6-10 of a ten-point scale; the code 0 may be in the first.

    Args:
        bank: a `Bank` table.
    """
    return pd.Series([_is_ten_points(row.pole_a, row.pole_b) for row in bank.itertuples()], bank.index, dtype=bool)


def _is_ten_points(pole_a: str, pole_b: str) -> bool:
    low, high = sorted((parse_codes(pole_a), parse_codes(pole_b)), key=min)
    return (low | high) - {0} == _TEN and max(low) == _MIDDLE


def leave_out_middle(bank: pd.DataFrame) -> pd.DataFrame:
    """A bank in which the code 5 of ten-point scales is of neither pole.

    Args:
        bank: a `Bank` table.
    """
    cut = bank.copy()
    for row in cut.index[find_ten_points(bank)]:
        for pole in ("pole_a", "pole_b"):
            codes = parse_codes(bank.at[row, pole]) - {_MIDDLE}
            cut.at[row, pole] = " ".join(map(str, sorted(codes)))
        cut.at[row, "neither"] = f"{bank.at[row, 'neither']} {_MIDDLE}".strip()
    return cut


AS_BANK = "bank"
"""The cut of the bank itself."""

CUTS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {AS_BANK: lambda bank: bank, "middle": leave_out_middle}
"""By name, the bank under a cut."""


@dataclass(frozen=True)
class Recut:
    """The people's answers to the probes that a cut changes. The tables are empty if it changes none.

    Attributes:
        poles: a `Poles` table.
        replicates: a `Replicates` table.
    """

    poles: pd.DataFrame
    replicates: pd.DataFrame

    def join_people(self, people: pd.DataFrame) -> pd.DataFrame:
        """A `Replicates` table of all probes, in which the samples of the changed probes are those of this cut.

        Args:
            people: a `Replicates` table of all probes under the cut of the bank.
        """
        if self.replicates.empty:
            return people
        same = people[~people["probe"].isin(self.replicates["probe"])]
        return pd.concat([same, self.replicates], ignore_index=True)


@dataclass(frozen=True)
class Cutter:
    """The people's answers, for other cuts of the answer scales.

    Attributes:
        distributions: a `Distributions` table.
        responses: a `Responses` table; None if the survey publishes shares only.
        replicates: samples of the people.
        seed: of the samples. With the seed of other probes' samples, the same respondents are drawn.
        members: a `Members` table; None if the run has no groups.
    """

    distributions: pd.DataFrame
    responses: pd.DataFrame | None
    replicates: int
    seed: int
    members: pd.DataFrame | None = None

    def cut(self, name: str, bank: pd.DataFrame, countries: Collection[str]) -> Recut:
        """The people's answers to the probes that a cut changes.

        Args:
            name: one of `CUTS`.
            bank: a `Bank` table.
            countries: codes of countries, or ids of groups.

        Returns:
            The answers without those of probes that have one published share for codes on both sides of the cut.
        """
        changed = CUTS[name](bank)
        changed = changed[(changed != bank).any(axis=1)]
        changed = changed[~changed["question"].isin(_find_together(self.distributions))]
        if changed.empty:
            return Recut(*(pd.DataFrame(columns=schema.names()) for schema in (Poles, Replicates)))
        answers = self.distributions[self.distributions["question"].isin(changed["question"])]
        poles = map_poles(answers, changed)
        rows = poles[poles["country"].isin(countries)].reset_index(drop=True)
        if self.responses is None:
            return Recut(rows, draw_shares(rows, self.replicates, self.seed))
        samples = resample_respondents(self.responses, rows, changed, self.replicates, self.seed, self.members)
        return Recut(rows, samples)


def _find_together(distributions: pd.DataFrame) -> set[str]:
    """Questions of which one share is published for the middle and other codes."""
    several = distributions[distributions["last_code"] > distributions["code"]]
    return set(several.loc[(several["code"] <= _MIDDLE) & (several["last_code"] >= _MIDDLE), "question"])
