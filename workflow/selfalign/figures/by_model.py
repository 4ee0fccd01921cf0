"""Figures with one row per model and one dot per pair of arms: gains, and own minus other country."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from selfalign.figures.grid import lay_out_grid
from selfalign.figures.marks import draw_arm, draw_zero, format_points, handle_of
from selfalign.figures.names import name_language
from selfalign.figures.rows import spread
from selfalign.figures.style import Style


def draw_by_model(
    rows: pd.DataFrame, pairs: Mapping[tuple[str, str], str], style: Style, label: str, reach: pd.DataFrame
) -> Figure:
    """A row per model, and in it a dot with its interval per pair of arms.

    Args:
        rows: one per model and pair, of one language: columns model, language, arm, against, estimate, low, high.
        pairs: names of the pairs of arms, for the legend.
        style: of the figure.
        label: of the x axis.
        reach: rows whose intervals the x axis must have room for, so that several figures have the same axis.
    """
    models = [model for model in style.labels["models"] if model in set(rows["model"])]
    shown = [pair for pair in pairs if (rows[["arm", "against"]] == list(pair)).all(axis=1).any()]
    handles = {pairs[pair]: handle_of(style, pair[0]) for pair in shown}
    title = name_language(rows["language"].iloc[0], style)
    note = f"{style.bars()} {style.text('zero')}"
    height = 0.08 + 0.11 * len(shown)
    names = [style.model(model) for model in models]
    figure, (ax,) = lay_out_grid([title], names, style, height, label, note, handles)
    draw_zero(ax)
    for pair, offset in zip(shown, spread(len(shown)), strict=True):
        of_pair = rows[(rows[["arm", "against"]] == list(pair)).all(axis=1)]
        draw_arm(ax, of_pair.assign(row=of_pair["model"].map(models.index)), offset, style, pair[0])
    ax.set_xlim(*limits(reach))
    format_points(ax, style)
    return figure


def limits(rows: pd.DataFrame) -> tuple[float, float]:
    """The least and the greatest value of an axis that shows all estimates, all intervals and zero."""
    values = pd.concat([rows["low"], rows["high"], rows["estimate"], pd.Series([0.0])])
    low, high = values.min(), values.max()
    space = 0.04 * (high - low) or 0.01
    return low - space, high + space
