"""Step estimate_agreement: how well each arm agrees with each country, with intervals."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.options import readable, writable
from selfalign.scoring.bootstrap import FACTORS, Resampling, estimate
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED, MEASURES, nulls_of
from selfalign.scoring.panels import build_panels
from selfalign.scoring.schemas import Estimates
from selfalign.scoring.unanswered import add_agreements, find_repeated, repeat_rows
from selfalign.tables import write_estimates


def estimate_agreement(
    scores: pd.DataFrame,
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Every measure of every arm: per country, and for the mean of the countries.

    Args:
        scores: `Scores` tables, stacked.
        measures: metrics to estimate in addition to `MEASURES`.

    Returns:
        As `estimate`. p is against the metric's null value, such as 0.5 for agreement. If unanswered cells count as
        wrong, agreement has no p, because the expected score of a model that knows nothing is then below 0.5.
        A measure without a value has no rows; `bound` has none where no p(A) is a bound.
    """
    scores = add_agreements(scores)
    repeated = find_repeated(scores)
    unused = [*repeated, *([] if scores["bound"].any() else ["bound"])]
    chosen = [name for name in dict.fromkeys([*MEASURES, *measures]) if name not in unused]
    panels = build_panels(scores, chosen, list(FACTORS.values()))
    some_count_as_wrong = (scores.loc[~scores["answered"], "agreement"] == 0).any()
    null = nulls_of([name for name in chosen if not (name == "agreement" and some_count_as_wrong)])
    return repeat_rows(estimate(panels, how, null=null), repeated)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Estimates (CSV).")
def command(scores: tuple[Path, ...], how: Estimation, bank: Path, output: Path) -> None:
    """Estimate every measure of every arm, per country and for the mean of the countries."""
    cells = read_cells(scores, how.measures, bank)
    table = estimate_agreement(cells, how.resampling, how.measures)
    write_estimates(correct(table, how.families), output, Estimates)
