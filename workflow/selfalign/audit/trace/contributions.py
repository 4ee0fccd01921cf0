"""The cells behind a number, and what each adds to it."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from selfalign.audit.trace.points import Point
from selfalign.contrasts import Contrast
from selfalign.prompts.schemas import CELL
from selfalign.scoring.across import add_across
from selfalign.scoring.bootstrap import Resampling, estimate
from selfalign.scoring.measures import values_of
from selfalign.scoring.panels import Panel, build_panels, contrast_panels
from selfalign.scoring.pooling import cells_of
from selfalign.scoring.schemas import ALL
from selfalign.scoring.unanswered import add_agreements

TABLE_ROUNDING = 5.1e-7
"""How far a number of a table may be from the exact one: tables have six decimals."""

_SAME = {"model": "any", "language": "xx"}  # of all terms, so that they can be subtracted whatever they compare


def select_cells(
    scores: pd.DataFrame,
    point: Point,
    own: Mapping[str, str] = MappingProxyType({}),
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """The cells of each term of a number, also those that do not count in it.

    Args:
        scores: `Scores` tables, stacked.
        own: by country, its own language.
        kinds: by model, its kind.

    Returns:
        The scores with the agreement under each rule and columns term (place in `point.terms`), sign. A cell has a row
        for each term that it is in.
    """
    if point.country != ALL:
        scores = scores[scores["country"] == point.country]
    elif point.among is not None:
        scores = scores[scores["country"].isin(point.among)]
    if point.category is not None:
        scores = add_across(scores[scores["category"] == point.category], [point.measure])
    if point.probe is not None:
        scores = scores[scores["probe"] == point.probe]
    parts = []
    for place, term in enumerate(point.terms):
        cells = cells_of(scores, term.model, term.language, own, kinds)
        cells = cells[cells["arm"] == term.arm]
        cells = cells if term.source is None else cells[cells["source"] == term.source]
        parts.append(cells.assign(term=place, sign=term.sign))
    return add_agreements(pd.concat(parts, ignore_index=True))


def weigh_cells(cells: pd.DataFrame, point: Point) -> pd.DataFrame:
    """What each cell adds to a number: its value, times its weight.

    A number is the mean over countries of the mean over probes. A probe's value is the mean over its cells (sources,
    seeds, frames), as `build_panels` computes it, or a difference of such means, as `contrast_panel` computes it.

    Args:
        cells: as `select_cells` returns them.

    Returns:
        The cells with columns value, weight, adds (0 where a cell does not count) and left_out (why it does not).
    """
    panels = _panels(cells, point)
    counts = [
        pd.DataFrame({"country": country, "probe": panel.probes, "counts": np.isfinite(panel.value[:, 0])})
        for country, panel in panels.items()
    ]
    probes = pd.concat(counts or [pd.DataFrame(columns=["country", "probe", "counts"])])
    probes = probes[probes["counts"].astype(bool)]
    probes = probes.assign(
        share=1 / (probes.groupby("country")["probe"].transform("size") * probes["country"].nunique())
    )
    table = cells.assign(value=values_of(cells, point.measure)).merge(
        probes.drop(columns="counts"), "left", on=["country", "probe"]
    )
    known = table["value"].notna()
    number = known.groupby([table["term"], table["country"], table["probe"]]).transform("sum")
    weight = (table["sign"] * table["share"] / number).where(known & table["share"].notna(), 0.0)
    reasons = np.select([~known, table["share"].isna()], ["no value", "no value in the other arm"], "")
    table = table.drop(columns="share").assign(weight=weight, left_out=reasons)
    return table.assign(adds=(table["weight"] * table["value"].fillna(0)).astype(float))


def recompute(cells: pd.DataFrame, point: Point) -> float:
    """The number, estimated from its cells by the scoring stage; NaN where no probe has a value."""
    panels = _panels(cells, point)
    nobody = pd.DataFrame({"country": [], "probe": [], "shares": [], "respondents": pd.array([], "Int64")})
    how = Resampling(nobody, draws=2, level=0.95, seed=0, resample=[])
    table = estimate(panels, how, differences=True) if panels else None
    if table is None or table.empty:
        return float("nan")
    return float(table.set_index("country")["estimate"][point.country])


def is_same(exact: float, stated: float) -> bool:
    """Whether a number of a table is the exact one, to the table's six decimals."""
    return bool(abs(exact - stated) <= TABLE_ROUNDING)


def by_probe(cells: pd.DataFrame) -> pd.DataFrame:
    """Contributions summed over the cells of each probe, largest first.

    Args:
        cells: as `weigh_cells` returns them.

    Returns:
        Columns probe, countries, cells, adds, and mean_0, mean_1 ...: the mean value of each term, every country
        counting the same. Cells that do not count have no part in it.
    """
    counted = cells[cells["left_out"] == ""]
    groups = counted.groupby("probe", sort=False)
    table = groups.agg(countries=("country", "nunique"), cells=("value", "size"), adds=("adds", "sum"))
    means = counted.groupby(["term", "country", "probe"])["value"].mean().groupby(["term", "probe"]).mean()
    for term in sorted(cells["term"].unique()):
        table[f"mean_{term}"] = means.xs(term) if term in means.index.levels[0] else np.nan
    return largest_first(table.reset_index())


def by_column(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """Contributions summed over the cells of each country or source: column, probes, cells, mean, adds."""
    counted = cells[cells["left_out"] == ""]
    table = counted.groupby(column).agg(probes=("probe", "nunique"), cells=("value", "size"), adds=("adds", "sum"))
    return table.reset_index()


def largest_first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by the size of what they add, whatever the sign; equal ones stay in their order."""
    return table.iloc[(-table["adds"].abs().round(12)).argsort(kind="stable")].reset_index(drop=True)


def cells_of_probe(cells: pd.DataFrame, probe: str, **chosen: object) -> pd.DataFrame:
    """The cells of one probe, of some source, seed or frame; None is any.

    A term without such a cell keeps all of its cells: if Bolivia is chosen, an arm with own answers stays.
    """
    cells = cells[cells["probe"] == probe]
    for column, value in chosen.items():
        if value is not None:
            meant = cells[column] == value
            cells = cells[meant | ~meant.groupby(cells["term"]).transform("any")]
    return cells.sort_values(["term", *CELL])


def _panels(cells: pd.DataFrame, point: Point) -> dict[str, Panel]:
    """By country, a panel with one column: the number's value of each probe. Countries without a value are left out."""
    if cells.empty:
        return {}
    series = cells.assign(arm=cells["term"].astype(str), **_SAME)
    panels = build_panels(series, [point.measure])
    if len(point.terms) > 1:
        contrast = Contrast(arm="0", against="1", beyond=("2", "3") if len(point.terms) > 2 else None)
        panels = contrast_panels(panels, [contrast])
    return {country: panel for country, panel in panels.items() if len(panel.series)}
