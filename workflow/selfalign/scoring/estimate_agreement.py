"""Step estimate_agreement: how well each arm agrees with each country, with intervals."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.probes.tables import Replicates
from selfalign.scoring.bootstrap import FACTORS, estimate
from selfalign.scoring.estimate_options import estimate_options
from selfalign.scoring.families import write_corrected
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.panels import build_panels
from selfalign.scoring.tables import MEASURES, Estimates
from selfalign.scoring.unanswered import add_agreements, find_repeated, repeat_rows
from selfalign.tables import read_table

CHANCE_LEVEL = {"agreement": 0.5}
"""By measure, the value of a model that knows nothing: with two options, half of the majorities. The other measures
have no such value, so no p: the soft alignment of an ignorant model depends on the people's shares."""


def estimate_agreement(
    scores: pd.DataFrame, people: pd.DataFrame, draws: int, level: float, seed: int, resample: list[str]
) -> pd.DataFrame:
    """Every measure of every arm: per country, and for the mean of the countries.

    Args:
        scores: `Scores` tables, stacked.
        people: a `Replicates` table.
        draws: number of resamples.
        level: coverage of the intervals.
        seed: of the resamples.
        resample: what the intervals cover; see `estimate`.

    Returns:
        As `estimate`. p of agreement is against 0.5, unless an unanswered cell counts as wrong: a model that knows
        nothing then scores less. A measure without a value has no rows; `bound` has none where no p(A) is a bound.
    """
    scores = add_agreements(scores)
    repeated = find_repeated(scores)
    unused = [*repeated, *([] if scores["bound"].any() else ["bound"])]
    panels = build_panels(scores, [name for name in MEASURES if name not in unused], list(FACTORS.values()))
    some_count_as_wrong = (scores.loc[~scores["answered"], "agreement"] == 0).any()
    null = {} if some_count_as_wrong else CHANCE_LEVEL
    return repeat_rows(estimate(panels, people, draws, level, seed, resample, null=null), repeated)


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
    replicates = read_table(people, Replicates)
    table = estimate_agreement(read_scores(scores), replicates, draws, level, seed, resample)
    write_corrected(table, families, output, Estimates)
