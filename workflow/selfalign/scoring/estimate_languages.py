"""Step estimate_languages: gains in one language and in each country's own, and their difference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pandas as pd

from selfalign.contrasts import Contrast
from selfalign.options import readable, writable
from selfalign.scoring.bootstrap import Resampling
from selfalign.scoring.cell_options import bank_option
from selfalign.scoring.contrast_options import asked_in_option, own_option, pairs_option
from selfalign.scoring.estimate_contrasts import estimate_contrasts
from selfalign.scoring.estimate_options import Estimation, estimate_options, takes_estimation
from selfalign.scoring.families import correct
from selfalign.scoring.inputs import read_cells
from selfalign.scoring.measures import CONTRASTED
from selfalign.scoring.pooling import OWN, asked_in_both
from selfalign.scoring.schemas import ALL, Languages
from selfalign.tables import write_estimates


def estimate_languages(
    scores: pd.DataFrame,
    pairs: list[tuple[str, str]],
    asked_in: str,
    own: Mapping[str, str],
    how: Resampling,
    measures: Sequence[str] = CONTRASTED,
) -> pd.DataFrame:
    """Differences between two arms in one language, in each country's own language, and between the languages.

    Args:
        scores: `Scores` tables, stacked, of all these languages.
        pairs: pairs of arms; the second is subtracted.
        asked_in: the language that all countries share, ISO 639-1.
        own: by country, its own language. A country that runs a pair in only one of the languages has no rows of it.

    Returns:
        As `estimate_contrasts`, with three rows for each pair, country and measure: the gain in `asked_in`, the gain
        in the own language, and the second minus the first (a difference of differences, paired by probe). The
        language of the mean of the countries is `OWN`, because it differs between them.
    """
    tables = []
    for arm, against in pairs:
        cells = asked_in_both(scores, [arm, against], asked_in, own)
        if cells.empty:
            continue
        within = Contrast(arm=arm, against=against)
        across = Contrast(arm=arm, against=arm, language=OWN, against_language=asked_in, beyond=(against, against))
        tables.append(estimate_contrasts(cells, [within, across], how, measures))
    if not tables:
        return pd.DataFrame(columns=Languages.names())
    table = pd.concat(tables, ignore_index=True)
    for column in ("language", "against_language"):
        single = (table[column] == OWN) & (table["country"] != ALL)
        table[column] = table[column].mask(single, table["country"].map(own))
    return table


@click.command()
@click.argument("scores", type=readable, nargs=-1, required=True)
@pairs_option
@asked_in_option
@own_option
@takes_estimation(estimate_options)
@bank_option
@click.option("--output", type=writable, required=True, help="Gains by language (CSV).")
def command(
    scores: tuple[Path, ...],
    pairs: list[tuple[str, str]],
    asked_in: str,
    own: dict[str, str],
    how: Estimation,
    bank: Path,
    output: Path,
) -> None:
    """Estimate gains in one language and in each country's own language, and their difference."""
    cells = read_cells(scores, how.measures, bank)
    table = estimate_languages(cells, pairs, asked_in, own, how.resampling, how.measures)
    write_estimates(correct(table, how.families), output, Languages)
