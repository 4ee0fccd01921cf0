"""Baselines: marks in the rows of a figure, from the table of metrics."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from selfalign.figures.style import Style
from selfalign.figures.theme import INK, Keywords
from selfalign.prompts.schemas import first_way

BASELINE_LOOKS: dict[str, Keywords] = {
    "world": {"color": INK, "linewidth": 0.9, "linestyle": "solid"},
    "nearest": {"color": INK, "linewidth": 0.9, "linestyle": (0, (1, 1))},
    "ceiling": {"color": "#6b7078", "linewidth": 2.4, "linestyle": "solid"},
}
"""Columns of the table of metrics that a row has marks for, and how the marks look. They differ without colour."""

CHANCE_LINE: Keywords = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 3))}

_KEYS = ["model", "language", "country"]

NO_BASELINES = pd.DataFrame(index=pd.MultiIndex.from_arrays([[], [], []], names=_KEYS))
"""The table of a figure without marks of baselines."""


def find_baselines(metrics: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """The baselines by model, language and country: the mean over the arms.

    Baselines of two arms differ only where the arms are scored on different probes.

    Args:
        metrics: a `Metrics` table.
        arms: those of the figure.

    Returns:
        Columns value (of the model), uniform, world, nearest and ceiling, as in the table: shares.
    """
    rows = metrics[(metrics["metric"] == "agreement") & metrics["arm"].isin(list(arms))]
    rows = rows[rows["asks"] == first_way(rows["asks"])]
    return rows.groupby(_KEYS)[["value", "uniform", *BASELINE_LOOKS]].mean()


def gains_of_others(metrics: pd.DataFrame, firsts: Iterable[str]) -> pd.DataFrame:
    """The baselines of a gain: the score of each baseline minus that of the model's first arm.

    Args:
        metrics: a `Metrics` table.
        firsts: the arms that are subtracted; a language has one.

    Returns:
        By model, language and country, columns uniform, world, nearest and ceiling.
    """
    found = find_baselines(metrics, firsts)
    return found[["uniform", *BASELINE_LOOKS]].sub(found["value"], axis=0)


def choose_baselines(baselines: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The baselines of some rows (columns model, language, country), missing where the metrics have none."""
    return baselines.reindex(pd.MultiIndex.from_frame(rows[_KEYS].drop_duplicates()))


def draw_baselines(ax: Axes, rows: pd.DataFrame, baselines: pd.DataFrame) -> None:
    """Draw a mark per row and baseline.

    Args:
        ax: whose y axis has row i at i.
        rows: columns model, language, country, row.
        baselines: by model, language and country.
    """
    marks = rows[[*_KEYS, "row"]].drop_duplicates().join(baselines, on=_KEYS)
    for name in baselines:
        shown = marks.dropna(subset=name)
        ax.vlines(shown[name], shown["row"] - 0.42, shown["row"] + 0.42, **_look(name), zorder=1.5, label=name)


def explain_baselines(baselines: pd.DataFrame, style: Style) -> dict[str, Line2D]:
    """Marks of the baselines that have a value, for the legend, by name."""
    return {_name(name, style): Line2D([], [], **_look(name)) for name in baselines if baselines[name].notna().any()}


def _look(name: str) -> Keywords:
    return CHANCE_LINE if name == "uniform" else BASELINE_LOOKS[name]


def _name(name: str, style: Style) -> str:
    return style.text("agreement.chance" if name == "uniform" else f"agreement.{name}")
