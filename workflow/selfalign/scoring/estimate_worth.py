"""Step estimate_worth: how many people's answers an arm's answers are worth."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
from scipy import stats

from selfalign.options import readable, writable
from selfalign.probes.schemas import Poles
from selfalign.scoring.cell_options import poles_option
from selfalign.scoring.inputs import read_scores
from selfalign.scoring.schemas import Worth
from selfalign.tables import read_table, write_estimates

DILATION = 2
"""C of Huang, Wu and Wang (2025): intervals of simulated answers are wider by its root, so a faithful model passes."""

_BLOCK = 16  # sizes at once: most searches end within a few blocks


def estimate_worth(scores: pd.DataFrame, poles: pd.DataFrame, level: float, largest: int) -> pd.DataFrame:
    """Worth of every arm of a model in every country, in respondents.

    Args:
        scores: `Scores` tables, stacked. A probe's p(A) is its mean over the answered cells of its sources, seeds and
            frames. A probe without an answered cell is left out; the column probes has the number that is left.
        poles: a `Poles` table.
        level: coverage of the intervals, such as 0.95.
        largest: number of respondents at which the search stops.

    Returns:
        A `Worth` table.
    """
    keys = ["model", "language", "arm", "country"]
    answered = scores[scores["answered"]]
    means = answered.groupby([*keys, "probe"], sort=True)[["p_a", "share_a"]].mean().reset_index()
    means = means.merge(poles[["country", "probe", "standard_error"]], on=["country", "probe"])
    rows = []
    for key, cells in means.groupby(keys, sort=True):
        p, share = cells["p_a"].to_numpy(), cells["share_a"].to_numpy()
        found = count_respondents(p, share, level, largest)
        squared = max(0.0, float(((p - share) ** 2 - cells["standard_error"].fillna(0) ** 2).mean()))
        equal = float((share * (1 - share)).mean()) / squared if squared > 0 else np.nan
        rows.append((*key, found, found == largest, equal, squared, len(cells)))
    return pd.DataFrame(rows, columns=Worth.names())


def count_respondents(p: np.ndarray, share: np.ndarray, level: float, largest: int) -> int:
    """The largest number k of simulated answers whose intervals cover the people's shares often enough.

    After Huang, Wu and Wang (2025). The share of pole A among k simulated answers to a probe gets an interval, which is
    wider by sqrt(C), C = 2. G(k) is the share of probes whose interval misses the people's share. The model is worth
    the largest k for which G(i) <= (1 - level) / 2 for all i <= k: more answers would claim a precision that the model
    does not have. Their method leaves the kind of interval open. Here it is Wilson's: the shares that a z test does not
    reject. G is its expectation over answers drawn with p, so nothing is simulated.

    Args:
        p: the model's probability of pole A, by probe.
        share: the people's share of pole A, by probe.
        level: coverage of the intervals.
        largest: number at which the search stops.
    """
    reach = np.sqrt(DILATION) * stats.norm.ppf((1 + level) / 2) * np.sqrt(share * (1 - share))[:, None]
    for start in range(1, largest + 1, _BLOCK):
        k = np.arange(start, min(start + _BLOCK, largest + 1))
        low = np.ceil(share[:, None] * k - reach * np.sqrt(k) - 1e-9)
        high = np.floor(share[:, None] * k + reach * np.sqrt(k) + 1e-9)
        missed = np.asarray(stats.binom.cdf(low - 1, k, p[:, None]) + stats.binom.sf(high, k, p[:, None]))
        failed = np.flatnonzero(missed.mean(axis=0) > (1 - level) / 2)
        if len(failed):
            return int(k[failed[0]] - 1)
    return largest


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@poles_option
@click.option("--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), required=True, help="Coverage.")
@click.option("--largest", type=click.IntRange(min=1), required=True, help="Respondents at which the search stops.")
@click.option("--output", type=writable, required=True, help="Worth (CSV).")
def command(scores: tuple[Path, ...], poles: Path, level: float, largest: int, output: Path) -> None:
    """Estimate how many respondents every arm is worth, per country."""
    table = estimate_worth(read_scores(scores), read_table(poles, Poles), level, largest)
    write_estimates(table, output, Worth)
