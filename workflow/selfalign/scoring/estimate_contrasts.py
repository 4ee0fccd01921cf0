"""Step estimate_contrasts: differences between arms, or languages, paired by probe, with intervals."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.options import Json, readable, writable
from selfalign.probes.tables import Replicates
from selfalign.scoring.bootstrap import FACTORS, estimate
from selfalign.scoring.estimate_options import estimate_options
from selfalign.scoring.families import write_corrected
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.panels import Contrast, build_panels, contrast_panel
from selfalign.scoring.tables import COMPARED, CONTRASTED, Contrasts
from selfalign.scoring.unanswered import add_agreements, find_repeated, repeat_rows
from selfalign.tables import read_table


def estimate_contrasts(
    scores: pd.DataFrame,
    people: pd.DataFrame,
    contrasts: list[Contrast | list[str]],
    draws: int,
    level: float,
    seed: int,
    resample: list[str],
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms on the same probes: per country, and for the mean of the countries.

    Args:
        scores: `Scores` tables, stacked.
        people: a `Replicates` table.
        contrasts: pairs of arms, or mappings; see `Contrast`.
        draws: number of resamples.
        level: coverage of the intervals.
        seed: of the resamples.
        resample: what the intervals cover; see `estimate`.
        measures: which measures to compare, such as `COMPARED`.

    Returns:
        As `estimate`; p is against 0, and empty for measures that are not in `CONTRASTED`. A probe counts in a measure
        if both arms have a value of it. So under the rule left_out a probe counts in the agreement only if both arms
        answered it, and in soft alignment under every rule.
    """
    scores = add_agreements(scores)
    repeated = [name for name in find_repeated(scores) if name in measures]
    panels = build_panels(scores, [name for name in measures if name not in repeated], list(FACTORS.values()))
    pairs = {country: contrast_panel(panel, contrasts) for country, panel in panels.items()}
    null = dict.fromkeys(CONTRASTED, 0.0)
    return repeat_rows(estimate(pairs, people, draws, level, seed, resample, bounds=(-1, 1), null=null), repeated)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option("--contrasts", type=Json(), required=True, help="Pairs of arms, or mappings, as JSON.")
@estimate_options
@click.option("--output", type=writable, required=True, help="Contrasts (CSV).")
def command(
    scores: tuple[Path, ...],
    contrasts: list[Contrast | list[str]],
    people: Path,
    draws: int,
    level: float,
    seed: int,
    resample: list[str],
    families: list[str],
    output: Path,
) -> None:
    """Estimate the differences between pairs of arms, per country and for the mean of the countries."""
    replicates = read_table(people, Replicates)
    table = estimate_contrasts(read_scores(scores), replicates, contrasts, draws, level, seed, resample, COMPARED)
    write_corrected(table, families, output, Contrasts)
