"""Contrasts whose intervals are the main ones, for figures that draw countries and their mean."""

from functools import wraps
from pathlib import Path

import pandas as pd

from selfalign.errors import InputError
from selfalign.figures.figure_options import contrasts_file_option, verdicts_option
from selfalign.options import Command, give_options
from selfalign.scoring.join_verdicts import give_main_intervals
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import ALL, Contrasts, Verdicts
from selfalign.tables import read_table


def takes_main_contrasts(command: Command) -> Command:
    """Give a command the options of contrasts and verdicts. The command gets `contrasts`: see `read_main_contrasts`."""

    @wraps(command)
    def with_contrasts(contrasts: Path, verdicts: Path, **rest: object) -> None:
        command(contrasts=read_main_contrasts(contrasts, verdicts), **rest)

    return give_options(with_contrasts, [contrasts_file_option, verdicts_option])


def read_main_contrasts(contrasts: Path, verdicts: Path) -> pd.DataFrame:
    """The contrasts of a run, with the main interval of each mean of the countries: see `give_main_intervals`.

    Args:
        contrasts: file of a `Contrasts` table.
        verdicts: file of the `Verdicts` of the same run.

    Raises:
        InputError: a mean has no verdict. The narrower interval is not drawn instead.
    """
    table = give_main_intervals(read_table(contrasts, Contrasts), read_table(verdicts, Verdicts))
    without = table[(table["country"] == ALL) & table["measure"].isin(METRICS) & table["main"].isna()]
    if len(without):
        row = without.iloc[0]
        problem = f"there is no row of {row.arm} minus {row.against}, model {row.model}, measure {row.measure}"
        raise InputError(verdicts, problem, f"Make it from {contrasts} with the step choose-intervals")
    return table
