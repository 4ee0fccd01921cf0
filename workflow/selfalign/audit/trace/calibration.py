"""The figure calibration: its panels and dots, which no table has."""

from collections.abc import Mapping

import pandas as pd

from selfalign.audit.trace.contributions import largest_first
from selfalign.audit.trace.names import Names
from selfalign.audit.trace.points import Point, Term
from selfalign.scoring.calibration import average_cells, correlate, parts_of_correlation


def panels(scores: pd.DataFrame, arms: list[str], wanted: Mapping[str, str]) -> list[pd.DataFrame]:
    """The panels of the figure that are meant, each with its dots.

    Args:
        scores: `Scores` tables, stacked.
        arms: of the figure.
        wanted: a model, language or arm; without them, every panel.

    Returns:
        For each panel, the columns of `average_cells` and adds: what a dot adds to r_c.
    """
    dots = average_cells(scores, arms)
    for column in ("model", "language", "arm"):
        if column in wanted:
            dots = dots[dots[column] == wanted[column]]
    return [
        panel.assign(adds=parts_of_correlation(panel))
        for _, panel in dots.groupby(["model", "language", "arm"], sort=False)
    ]


def correlation(panel: pd.DataFrame) -> float:
    """The panel's r_c, as the figure names it."""
    return correlate(panel)


def dots_of(panel: pd.DataFrame, country: str | None) -> pd.DataFrame:
    """The dots of a panel, or of one country in it, by the size of what they add to r_c."""
    return largest_first(panel if country is None else panel[panel["country"] == country])


def point_of_dot(panel: pd.DataFrame, country: str, probe: str) -> Point:
    """The height of a dot: the mean of p(A) over the cells of a country and probe."""
    first = panel.iloc[0]
    term = Term(1, first["language"], first["arm"])
    return Point("calibration", None, first["model"], country, "p_a", (term,), None, {}, probe)


def title_of_panel(panel: pd.DataFrame, names: Names) -> str:
    """Model, language and arm of a panel."""
    first = panel.iloc[0]
    model, language = names.models[first["model"]], names.languages[first["language"]]
    return f"Calibration of {model}, asked in {language}: {names.title_of_arm(first['arm'])}"
