"""Options that the steps which estimate have."""

from collections.abc import Callable

import click

from selfalign.options import Words, readable
from selfalign.scoring.bootstrap import CHANCE
from selfalign.scoring.cell_options import bank_option, give
from selfalign.scoring.families import COLUMNS
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.metrics import METRICS


class Names(Words):
    """Words that must be of a list."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__()
        self.known = known

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        words = super().convert(value, param, ctx)
        for word in words:
            if word not in self.known:
                self.fail(f"{word} is not one of {', '.join(self.known)}", param, ctx)
        return words


class Measures(Names):
    """Metrics besides those of `CONTRASTED`; the value is all of them."""

    def __init__(self) -> None:
        super().__init__(tuple(METRICS))

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return list(dict.fromkeys([*CONTRASTED, *super().convert(value, param, ctx)]))


measures_option = click.option(
    "--measures", type=Measures(), default="", help="Metrics besides agreement and alignment."
)


def resample_options(command: Callable) -> Callable:
    """Give a command the options people, draws, level, seed and resample."""
    level = click.FloatRange(0, 1, min_open=True, max_open=True)
    options = [
        click.option("--people", type=readable, required=True, help="Replicates of the people's shares (Parquet)."),
        click.option("--draws", type=click.IntRange(min=2), required=True, help="Bootstrap resamples."),
        click.option("--level", type=level, required=True, help="Coverage."),
        click.option("--seed", type=int, required=True, help="Seed of the resamples."),
        click.option("--resample", type=Names(CHANCE), required=True, help="What the intervals cover."),
    ]
    return give(command, options)


def estimate_options(command: Callable) -> Callable:
    """Give a command the options of `resample_options`, and families, measures and bank."""
    families = "Columns that name a family of tests."
    options = [
        resample_options,
        click.option("--families", type=Names(COLUMNS), required=True, help=families),
        measures_option,
        bank_option,
    ]
    return give(command, options)
