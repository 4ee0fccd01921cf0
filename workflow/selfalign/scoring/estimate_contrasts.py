"""Step estimate_contrasts: differences between arms, or languages, paired by probe, with intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import contrasts_option
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import COMPARED, CONTRASTED
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.panels import Panel, build_panels, contrast_panels
from selfalign.scoring.schemas import Contrasts
from selfalign.scoring.unanswered import add_agreements, find_repeated, repeat_rows
from selfalign.tables import write_estimates


def estimate_contrasts(
    scores: pd.DataFrame,
    contrasts: Sequence[Contrast],
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms on the same probes: per country, and for the mean of the countries.

    Args:
        scores: `Scores` tables, stacked.
        measures: which measures to compare, such as `COMPARED`.

    Returns:
        As `estimate`; p is against 0, and empty for measures that are not metrics. A probe counts in a measure
        if both arms have a value of it. So under the rule left_out a probe counts in the agreement only if both arms
        answered it, and in soft alignment under every rule.
    """
    scores = add_agreements(scores)
    repeated = [name for name in find_repeated(scores) if name in measures]
    panels = build_panels(scores, [name for name in measures if name not in repeated], list(FACTORS.values()))
    return repeat_rows(compare_panels(panels, contrasts, how), repeated)


def compare_panels(panels: Mapping[str, Panel], contrasts: Sequence[Contrast], how: Resampling) -> pd.DataFrame:
    """The contrasts of the series of panels; see `estimate_contrasts`."""
    null = dict.fromkeys(METRICS, 0.0)
    return estimate(contrast_panels(panels, contrasts), how, differences=True, null=null)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@contrasts_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Contrasts (CSV).")
def command(
    scores: tuple[Path, ...],
    contrasts: list[Contrast],
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate the differences between pairs of arms, per country and for the mean of the countries."""
    cells = read_cells(scores, how.measures, bank)
    measures = list(dict.fromkeys([*COMPARED, *how.measures]))
    table = estimate_contrasts(cells, contrasts, how.resampling, measures)
    write_estimates(correct(table, how.families), output, Contrasts)
