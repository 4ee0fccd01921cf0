"""Options that name contrasts between arms."""

import click

from selfalign.contrasts import Contrast
from selfalign.errors import InputError
from selfalign.options import Json


def _refuse_none(_: click.Context, __: click.Parameter, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Refuse a file of gains that was asked for by name, in a run that has no gains and so skips the file."""
    if not pairs:
        problem = "no language runs its first arm and one of these arms, so the run has no gains"
        raise InputError("config: figures.selectors", problem, "Run both arms, or do not ask for this file")
    return pairs


contrasts_option = click.option(
    "--contrasts", type=Json(list[Contrast]), required=True, help="Pairs of arms, or mappings, as JSON."
)
pairs_option = click.option(
    "--pairs",
    type=Json(list[tuple[str, str]]),
    required=True,
    callback=_refuse_none,
    help="Pairs of arms, as JSON; the second is subtracted.",
)
asked_in_option = click.option("--asked-in", required=True, help="The language that all countries share, ISO 639-1.")
own_option = click.option(
    "--own", type=Json(dict[str, str]), required=True, help="Each country's own language, as JSON."
)
