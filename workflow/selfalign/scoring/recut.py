"""The same answers, compared with what the people answer under another cut of the answer scales."""

import numpy as np
import pandas as pd

from selfalign.scoring.measures import CONTRASTED, compare_cells
from selfalign.scoring.metrics import METRICS


def recut_cells(cells: pd.DataFrame, poles: pd.DataFrame) -> pd.DataFrame:
    """Cells with the people's share and majority of another cut, and the metrics computed again.

    The model's answers are the same, and so are its demonstrations, whose answers follow the bank's cut.

    Args:
        cells: `Scores`, stacked.
        poles: a `Poles` table of the probes that the cut changes.

    Returns:
        The cells without those of a country whose poles tie under the cut, or that nobody answered with a pole.
    """
    if poles.empty:
        return cells
    known = poles.set_index(["country", "probe"])
    keys = pd.MultiIndex.from_arrays([cells["country"].astype(str), cells["probe"].astype(str)])
    affected = keys.get_level_values("probe").isin(poles["probe"])
    found = known[["share_a", "majority"]].reindex(keys)
    kept = ~affected | found["majority"].isin(["A", "B"]).to_numpy()
    share = np.where(affected, found["share_a"].to_numpy(float), cells["share_a"].to_numpy(float))
    majority = np.where(affected, found["majority"].to_numpy(object), cells["majority"].astype(object))
    recut = cells.assign(share_a=share, majority=majority)[kept]
    again = affected[kept] & recut["answered"].to_numpy(bool)
    values = {name: compare_cells(recut, METRICS[name]) for name in CONTRASTED}
    return recut.assign(**{name: np.where(again, value, recut[name]) for name, value in values.items()})


def count_changed(cells: pd.DataFrame, poles: pd.DataFrame) -> int:
    """How many countries' probes have another majority under a cut, or none.

    Args:
        cells: `Scores`, stacked.
        poles: as for `recut_cells`.
    """
    before = cells.drop_duplicates(["country", "probe"])[["country", "probe", "majority"]]
    before = before[before["probe"].isin(poles["probe"])].astype(str)
    both = before.merge(poles[["country", "probe", "majority"]], "left", ["country", "probe"], suffixes=("", "_cut"))
    return int((both["majority"] != both["majority_cut"]).sum())
