"""Figures with one row per country: panels for each model and language, one above the other."""

from collections.abc import Iterable, Iterator

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfalign.figures.text import height_of, lines_of
from selfalign.figures.theme import MUTED, Labels, panel_title, row_name
from selfalign.scoring.tables import ALL

TITLE_WIDTH = 0.5
"""Where a panel's title breaks, as a share of the figure's width: names of countries and a legend need the rest."""


def stack_panels(
    table: pd.DataFrame, labels: Labels, width: float, height: float
) -> tuple[Figure, Iterator[tuple[Axes, pd.DataFrame, list[str]]]]:
    """A figure with a panel per model and language, as high as it has countries.

    Args:
        table: columns model, language, country.
        labels: names of the models.
        width: of the figure, in inches.
        height: of the figure, in inches; the further lines of long titles are added to it.

    Returns:
        The figure, and for each panel its axes, its rows of `table` and its countries from top to bottom: the mean
        first. The y axis has country i at i, downwards.
    """
    panels = [(key, rows) for key, rows in table.groupby(["model", "language"], sort=False)]
    sizes = [rows["country"].nunique() + 0.8 for _, rows in panels]
    titles = [panel_title(*key, labels, TITLE_WIDTH * width) for key, _ in panels]
    height += height_of(sum(lines_of(title) - 1 for title in titles), "axes.titlesize")
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(width, height), sharex=True, squeeze=False, height_ratios=sizes, layout="constrained"
    )
    return figure, _fill(axes[:, 0], panels, titles)


def order_countries(countries: Iterable[str]) -> list[str]:
    """Distinct countries by name, their mean (where there is one of several) before them."""
    single = sorted(set(countries) - {ALL}, key=row_name)
    return [ALL, *single] if ALL in set(countries) and len(single) > 1 else single


def _fill(axes: list[Axes], panels: list, titles: list[str]) -> Iterator[tuple[Axes, pd.DataFrame, list[str]]]:
    for ax, (_, rows), title in zip(axes, panels, titles, strict=True):
        countries = order_countries(rows["country"])
        ax.set_title(title)
        ax.set_yticks(range(len(countries)), [row_name(country) for country in countries])
        ax.set_ylim(len(countries) - 0.45, -0.55)
        ax.tick_params(axis="y", length=0)
        for place in range(0, len(countries), 2):
            ax.axhspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.10, linewidth=0)
        if countries[0] == ALL:
            ax.get_yticklabels()[0].set_fontweight("bold")
        yield ax, rows, countries
