"""Reading of what several steps of the scoring stage take."""

from pathlib import Path

import pandas as pd

from selfalign.scoring.tables import Scores
from selfalign.tables import read_table


def read_scores(paths: tuple[Path, ...]) -> pd.DataFrame:
    """`Scores` tables, stacked: the cells that ask with two options; where none does, those with whole scales.

    The two ways of asking are not averaged: results/{run}/tables/metrics.csv has both, side by side.
    """
    table = pd.concat([read_table(path, Scores) for path in paths], ignore_index=True)
    return table[table["asks"] == ("poles" if (table["asks"] == "poles").any() else "scale")]
