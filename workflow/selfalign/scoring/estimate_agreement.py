"""Step estimate_agreement: how well each arm agrees with each country, with intervals."""

from pathlib import Path

import click

from selfalign.options import readable, writable
from selfalign.probes.tables import Replicates
from selfalign.scoring.bootstrap import FACTORS, estimate
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.options import estimate_options
from selfalign.scoring.panels import build_panels
from selfalign.scoring.tables import MEASURES, Estimates
from selfalign.tables import read_table, write_table

CHANCE_LEVEL = {"agreement": 0.5}
"""By measure, what a model that knows nothing scores: with two options, half of the majorities. The other measures have
no such value, so no p: the soft alignment of an ignorant model depends on the people's shares."""


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@estimate_options
@click.option("--output", type=writable, required=True, help="Estimates (CSV).")
def command(
    scores: tuple[Path, ...],
    people: Path,
    draws: int,
    level: float,
    seed: int,
    resample: list[str],
    families: list[str],
    output: Path,
) -> None:
    """Estimate every measure of every arm, per country and for the mean of the countries."""
    panels = build_panels(read_scores(scores), MEASURES, list(FACTORS.values()))
    replicates = read_table(people, Replicates)
    table = estimate(panels, replicates, draws, level, seed, resample, null=CHANCE_LEVEL)
    table = correct(table, families)
    write_table(table[list(Estimates.to_schema().columns)].round(6), output, Estimates)
