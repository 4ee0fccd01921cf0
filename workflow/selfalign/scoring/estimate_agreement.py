"""Step estimate_agreement: how well each arm agrees with each country, with intervals."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.scoring.bootstrap import average_cells, estimate
from selfalign.scoring.tables import MEASURES, Estimates, Scores
from selfalign.tables import read_table, write_table


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--draws", type=click.IntRange(min=1), required=True, help="Bootstrap resamples.")
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), required=True, help="Coverage.")
@click.option("--seed", type=int, required=True, help="Seed of the resamples.")
@click.option("--output", type=writable, required=True, help="Estimates (CSV).")
def command(scores: tuple[Path, ...], draws: int, level: float, seed: int, output: Path) -> None:
    """Estimate every measure of every arm, per country and for the mean of the countries."""
    table = pd.concat([read_table(path, Scores) for path in scores], ignore_index=True)
    estimates = estimate(average_cells(table, list(MEASURES)), draws, level, seed)
    write_table(estimates[list(Estimates.to_schema().columns)].round(6), output, Estimates)
