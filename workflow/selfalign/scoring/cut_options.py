"""Options of the steps that estimate again for other probes, or under another cut of the answer scales."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
import pandas as pd

from selfalign.options import Command, readable
from selfalign.probes.cuts import map_cut
from selfalign.probes.schemas import Members
from selfalign.scoring.cell_options import give
from selfalign.survey.schemas import Distributions, Responses
from selfalign.tables import read_table


@dataclass(frozen=True)
class Cutter:
    """What the people answer under other cuts of the answer scales.

    Attributes:
        distributions: a `Distributions` table.
        responses: a `Responses` table; None if the survey publishes shares only.
        replicates: samples of the people.
        seed: of the samples.
        members: a `Members` table; None if the run has no groups.
    """

    distributions: pd.DataFrame
    responses: pd.DataFrame | None
    replicates: int
    seed: int
    members: pd.DataFrame | None = None

    def cut(self, name: str, bank: pd.DataFrame, countries: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A `Poles` and a `Replicates` table of the probes of a bank that a cut changes; see `map_cut`."""
        people = self.distributions, self.responses
        return map_cut(name, *people, bank, countries, self.replicates, self.seed, self.members)


def cut_options(command: Command) -> Command:
    """Give a command the options distributions, responses, replicates and people-seed; it gets `cutter`."""

    @wraps(command)
    def with_cutter(
        distributions: Path,
        responses: Path | None,
        members: Path | None,
        replicates: int,
        people_seed: int,
        **rest: Any,
    ) -> None:
        answered = read_table(responses, Responses) if responses else None
        inside = read_table(members, Members) if members else None
        cutter = Cutter(read_table(distributions, Distributions), answered, replicates, people_seed, inside)
        command(cutter=cutter, **rest)

    options = [
        click.option("--distributions", type=readable, required=True, help="Weighted distributions (Parquet)."),
        click.option("--responses", type=readable, help="Responses (Parquet), if the survey has respondents."),
        click.option("--members", type=readable, help="Who is in which group (Parquet), if the run has groups."),
        click.option("--replicates", type=click.IntRange(min=2), required=True, help="Samples of the people."),
        click.option("--people-seed", type=int, required=True, help="Seed of these samples."),
    ]
    return give(with_cutter, options)


kinds_option = click.option("--kinds", type=readable, help="What each probe asks for (CSV).")
