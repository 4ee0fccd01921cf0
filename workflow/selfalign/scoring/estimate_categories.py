"""Step estimate_categories: gains within each category of values, with intervals from its batteries."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.progress import show_progress
from selfalign.scoring.bootstrap import FACTORS, Resampling
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import pairs_option
from selfalign.scoring.estimate_contrasts import compare_panels
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.panels import build_panels, take_probes
from selfalign.scoring.schemas import ALL, Categories
from selfalign.tables import write_estimates


def estimate_categories(
    scores: pd.DataFrame,
    pairs: list[tuple[str, str]],
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms within each category, for the mean of the countries.

    Each category is estimated as if the survey had no other category: only its batteries are resampled. A category
    has few batteries. So `bootstrap.estimate` widens the variance of G batteries by G / (G - 1), and takes t with at
    most G - 1 degrees of freedom. With two batteries, the quantile for 95 % is 12.7 instead of 2. With one battery the
    variance between batteries is not known, so the interval is empty.

    Args:
        scores: `Scores` tables, stacked.
        pairs: pairs of arms; the second is subtracted.
        measures: which measures to compare. Metrics across items must be computed within categories: see `add_across`.

    Returns:
        As `estimate_contrasts`, with a column category. `batteries` is the number in the category.
    """
    arms = {arm for pair in pairs for arm in pair}
    cells = scores[scores["arm"].isin(arms)]
    panels = build_panels(cells, measures, list(FACTORS.values()))
    category_of = cells.drop_duplicates("probe").set_index("probe")["category"].astype(str)
    contrasts, tables = [Contrast.read(pair) for pair in pairs], []
    for category in show_progress("estimate", "category", items=sorted(category_of.unique())):
        taken = take_probes(panels, category_of.index[category_of == category])
        found = compare_panels(taken, contrasts, how)
        tables.append(found.assign(category=category))
    table = pd.concat(tables, ignore_index=True)
    return table[table["country"] == ALL].reset_index(drop=True)


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@pairs_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Gains by category (CSV).")
def command(scores: tuple[Path, ...], pairs: list[tuple[str, str]], how: Estimation, bank: Path, output: Path) -> None:
    """Estimate gains within each category of values, for the mean of the countries."""
    cells = read_cells(scores, how.measures, bank, ["category"])
    table = estimate_categories(cells, pairs, how.resampling, how.measures)
    write_estimates(correct(table, how.families), output, Categories)
