"""Options that name contrasts between arms."""

import click

from selfalign.contrasts import Contrast
from selfalign.options import Json

contrasts_option = click.option(
    "--contrasts", type=Json(list[Contrast]), required=True, help="Pairs of arms, or mappings, as JSON."
)
pairs_option = click.option(
    "--pairs", type=Json(list[tuple[str, str]]), required=True, help="Pairs of arms, as JSON; the second is subtracted."
)
asked_in_option = click.option("--asked-in", required=True, help="The language that all countries share, ISO 639-1.")
own_option = click.option(
    "--own", type=Json(dict[str, str]), required=True, help="Each country's own language, as JSON."
)
