"""Options of the figures and tables whose means of the countries have main intervals."""

from functools import wraps
from pathlib import Path

from selfalign.figures.figure_options import contrasts_file_option, verdicts_option
from selfalign.options import Command, give_options
from selfalign.scoring.join_verdicts import read_main_contrasts


def takes_main_contrasts(command: Command) -> Command:
    """Give a command the options of contrasts and verdicts. The command gets `contrasts`: see `read_main_contrasts`."""

    @wraps(command)
    def with_contrasts(contrasts: Path, verdicts: Path, **rest: object) -> None:
        command(contrasts=read_main_contrasts(contrasts, verdicts), **rest)

    return give_options(with_contrasts, [contrasts_file_option, verdicts_option])
