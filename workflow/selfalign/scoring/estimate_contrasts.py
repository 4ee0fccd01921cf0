"""Step estimate_contrasts: differences between arms, paired by probe, with intervals."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import Json, readable, writable
from selfalign.scoring.bootstrap import average_cells, estimate
from selfalign.scoring.tables import Contrasts, Scores
from selfalign.tables import read_table, write_table

_MEASURES = ["agreement", "alignment"]


def pair_arms(values: pd.DataFrame, contrasts: list[list[str]]) -> pd.DataFrame:
    """Differences between two arms on the same probe.

    Args:
        values: as `average_cells` returns them.
        contrasts: pairs of arms: the second is subtracted from the first. A pair of which a language has only one
            arm has no rows there.

    Returns:
        The columns of `values` and `against`.
    """
    keys = ["model", "language", "country", "probe", "battery", "measure"]
    pairs = []
    for arm, against in contrasts:
        both = values[values["arm"] == arm].merge(values[values["arm"] == against], on=keys, suffixes=("", "_against"))
        both = both.assign(value=both["value"] - both["value_against"], against=against)
        pairs.append(both[[*keys, "arm", "against", "value"]])
    return pd.concat(pairs, ignore_index=True)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--contrasts", type=Json(), required=True, help="Pairs of arms, as JSON.")
@click.option("--draws", type=click.IntRange(min=1), required=True, help="Bootstrap resamples.")
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), required=True, help="Coverage.")
@click.option("--seed", type=int, required=True, help="Seed of the resamples.")
@click.option("--output", type=writable, required=True, help="Contrasts (CSV).")
def command(
    scores: tuple[Path, ...], contrasts: list[list[str]], draws: int, level: float, seed: int, output: Path
) -> None:
    """Estimate the differences between pairs of arms, per country and for the mean of the countries."""
    table = pd.concat([read_table(path, Scores) for path in scores], ignore_index=True)
    differences = pair_arms(average_cells(table, _MEASURES), contrasts)
    estimates = estimate(differences, draws, level, seed)
    write_table(estimates[list(Contrasts.to_schema().columns)].round(6), output, Contrasts)
