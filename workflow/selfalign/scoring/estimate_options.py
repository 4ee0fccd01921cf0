"""Options of the steps that estimate."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from selfalign.options import Command, Words, give_options, readable
from selfalign.probes.schemas import Replicates
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.choices import CHANCE, FAMILY_COLUMNS
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.metrics import METRICS
from selfalign.tables import read_table


def one_of(known: Collection[str]) -> Callable[[str], str]:
    """A function that returns a word, and raises ValueError if it is not one of those that are known."""

    def read(word: str) -> str:
        if word not in known:
            raise ValueError(f"{word} is not one of {', '.join(known)}")
        return word

    return read


families_option = click.option(
    "--families", type=Words(one_of(FAMILY_COLUMNS)), required=True, help="Columns that name a family of tests."
)
measures_option = click.option(
    "--measures",
    type=Words(one_of(METRICS)),
    default="",
    callback=lambda _, __, added: list(dict.fromkeys([*CONTRASTED, *added])),
    help="Metrics in addition to agreement and alignment.",
)


@dataclass(frozen=True)
class Estimation:
    """The options of a step that estimates.

    Attributes:
        resampling: how intervals are computed.
        families: columns that name a family of tests; none for steps that correct no p-value.
        measures: names of the measures to estimate; those of `CONTRASTED` for steps without the option.
    """

    resampling: Resampling
    families: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=lambda: list(CONTRASTED))


def takes_estimation(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of other decorators, as one argument `how`: an `Estimation`.

    Args:
        options: `estimate_options`; or `resample_options` and those of families and measures that the step has.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_estimation(
            people: Path, draws: int, level: float, seed: int, resample: list[str], **given: Any
        ) -> None:
            resampling = Resampling(read_table(people, Replicates), draws, level, seed, resample)
            named = {name: given.pop(name) for name in ("families", "measures") if name in given}
            command(how=Estimation(resampling, **named), **given)

        return give_options(with_estimation, options)

    return decorate


def resample_options(command: Command) -> Command:
    """Give a command the options people, draws, level, seed and resample."""
    level = click.FloatRange(0, 1, min_open=True, max_open=True)
    options = [
        click.option("--people", type=readable, required=True, help="Replicates of the people's shares (Parquet)."),
        click.option("--draws", type=click.IntRange(min=2), required=True, help="Bootstrap resamples."),
        click.option("--level", type=level, required=True, help="Coverage."),
        click.option("--seed", type=int, required=True, help="Seed of the resamples."),
        click.option("--resample", type=Words(one_of(CHANCE)), required=True, help="What the intervals cover."),
    ]
    return give_options(command, options)


def estimate_options(command: Command) -> Command:
    """Give a command the options of `resample_options`, and families and measures."""
    return give_options(command, [resample_options, families_option, measures_option])
