"""Options that the steps which estimate have."""

from collections.abc import Callable

import click

from selfalign.options import Json, Words, readable
from selfalign.scoring.bootstrap import CHANCE
from selfalign.scoring.families import COLUMNS
from selfalign.scoring.unanswered import COUNTS_AS


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


poles_option = click.option(
    "--poles", type=readable, required=True, help="What the countries' people answer (Parquet)."
)
human_option = click.option(
    "--human", type=readable, help="How they spread over whole scales (Parquet), where frames ask with them."
)
bank_option = click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
readouts_option = click.option(
    "--readouts", type=Json(), required=True, help="By frame, what decides between the options (JSON)."
)
rule_option = click.option(
    "--rule", type=click.Choice(list(COUNTS_AS)), required=True, help="How a cell without an answer counts."
)


def cell_options(command: Callable) -> Callable:
    """Give a command the options model, language, design and answers."""
    options = [
        click.option("--model", required=True, help="Name of the model."),
        click.option("--language", required=True, help="ISO 639-1 code."),
        click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet)."),
        click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet)."),
    ]
    return _give(command, options)


def estimate_options(command: Callable) -> Callable:
    """Give a command the options people, draws, level, seed, resample and families."""
    level = click.FloatRange(0, 1, min_open=True, max_open=True)
    options = [
        click.option("--people", type=readable, required=True, help="Replicates of the people's shares (Parquet)."),
        click.option("--draws", type=click.IntRange(min=2), required=True, help="Bootstrap resamples."),
        click.option("--level", type=level, required=True, help="Coverage."),
        click.option("--seed", type=int, required=True, help="Seed of the resamples."),
        click.option("--resample", type=Names(CHANCE), required=True, help="What the intervals cover."),
        click.option("--families", type=Names(COLUMNS), required=True, help="Columns that name a family of tests."),
    ]
    return _give(command, options)


def _give(command: Callable, options: list[Callable]) -> Callable:
    for option in reversed(options):
        command = option(command)
    return command
