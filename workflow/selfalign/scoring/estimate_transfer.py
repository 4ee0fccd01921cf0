"""Step estimate_transfer: own demonstrations against those of each other country, the transfer matrix."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import Json, readable, writable
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED, values_of
from selfalign.scoring.metrics import METRICS
from selfalign.scoring.schemas import ALL, Transfer
from selfalign.tables import write_estimates

_ROW = ["model", "language", "country", "source"]


def estimate_transfer(
    scores: pd.DataFrame,
    pair: tuple[str, str],
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """The loss, on the same probes, when demonstrations have one other country's answers instead of the own.

    Probes are paired as in `estimate_contrasts`.

    Args:
        scores: `Scores` tables, stacked.
        pair: an arm, and one answered by other countries, source by source.
        measures: which metrics to compare. Those across countries are left out: they have no value of one country.

    Returns:
        As `estimate_contrasts`, with columns source (whose answers were shown) and shown (the second arm's mean with
        these answers). The estimate is the first arm's mean minus shown, and p is against 0. Rows of country `all` are
        means over the countries that the source answers for. Without a country that another answers for, no rows.
    """
    arm, against = pair
    measures = [name for name in measures if METRICS[name].over != "countries"]
    own, others = scores[scores["arm"] == arm], scores[scores["arm"] == against]
    if others.empty:
        return pd.DataFrame(columns=Transfer.names())
    sources = sorted(others["source"].unique())
    series = pd.concat([own, others.assign(arm=others["source"])])
    contrasts = [Contrast(arm=arm, against=source) for source in sources]
    table = estimate_contrasts(series, contrasts, how, measures)
    table = table.rename(columns={"against": "source"}).assign(against=against)
    return table.merge(_mean_shown(own, others, measures), on=[*_ROW, "measure"], validate="one_to_one")


def _mean_shown(own: pd.DataFrame, others: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Means of the second arm over the probes for which both arms have a value, per source, country and measure.

    Country `all` has the means of the countries.
    """
    probe = ["model", "language", "country", "probe", "measure"]
    asked = _lengthen(own, probe[:-1], measures)[probe]
    shown = _lengthen(others, [*_ROW, "probe"], measures).merge(asked, on=probe)
    countries = shown.groupby([*_ROW, "measure"])["shown"].mean().reset_index()
    everyone = countries.groupby(["model", "language", "source", "measure"])["shown"].mean().reset_index()
    return pd.concat([countries, everyone.assign(country=ALL)])


def _lengthen(scores: pd.DataFrame, keys: list[str], measures: Sequence[str]) -> pd.DataFrame:
    """Means over cells as a row per keys and measure; none where no cell has a value."""
    scores = scores.assign(**{name: values_of(scores, name) for name in measures})
    means = scores.groupby(keys)[list(measures)].mean().reset_index()
    return means.melt(keys, measures, "measure", "shown").dropna(subset="shown")


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@click.option(
    "--pair", type=Json(tuple[str, str]), required=True, help="An arm, and one answered by other countries, as JSON."
)
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Transfer (CSV).")
def command(scores: tuple[Path, ...], pair: tuple[str, str], how: Estimation, bank: Path, output: Path) -> None:
    """Estimate what every other country's demonstrations lose against the own ones, per country."""
    cells = read_cells(scores, how.measures, bank)
    table = estimate_transfer(cells, pair, how.resampling, how.measures)
    write_estimates(correct(table, how.families), output, Transfer)
