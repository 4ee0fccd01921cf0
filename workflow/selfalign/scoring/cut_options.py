"""Options of the steps that estimate again for other probes, or under another cut of the answer scales."""

from functools import wraps
from pathlib import Path
from typing import Any

import click

from selfalign.options import Command, give_options, readable
from selfalign.probes.cuts import Cutter
from selfalign.probes.schemas import Members
from selfalign.survey.schemas import Distributions, Responses
from selfalign.tables import read_table


def takes_cutter(command: Command) -> Command:
    """Give a command the options distributions, responses, members, replicates and people-seed; it gets `cutter`."""

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
    return give_options(with_cutter, options)


kinds_option = click.option("--kinds", type=readable, help="What each probe asks for (CSV).")
