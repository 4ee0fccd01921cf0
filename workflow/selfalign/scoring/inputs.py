"""Reading of what several steps of the scoring stage take."""

from pathlib import Path

import pandas as pd

from selfalign.scoring.tables import Scores
from selfalign.tables import read_table


def read_scores(paths: tuple[Path, ...]) -> pd.DataFrame:
    """`Scores` tables, stacked."""
    return pd.concat([read_table(path, Scores) for path in paths], ignore_index=True)
