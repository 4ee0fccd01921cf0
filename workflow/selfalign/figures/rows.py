"""Figures with one row per country: panels for each model and language, one above the other."""

from collections.abc import Iterable, Iterator

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfalign.figures.theme import MUTED, Labels, panel_title, row_name
from selfalign.scoring.tables import ALL


def stack_panels(
    table: pd.DataFrame, labels: Labels, width: float, height: float
) -> tuple[Figure, Iterator[tuple[Axes, pd.DataFrame, list[str]]]]:
    """A figure with a panel per model and language, as high as it has countries.

    Args:
        table: columns model, language, country.
        labels: names of the models.
        width: of the figure, in inches.
        height: of the figure, in inches.

    Returns:
        The figure, and for each panel its axes, its rows of `table` and its countries from top to bottom: the mean
        first. The y axis has country i at i, downwards.
    """
    panels = [(key, rows) for key, rows in table.groupby(["model", "language"], sort=False)]
    sizes = [rows["country"].nunique() + 0.8 for _, rows in panels]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(width, height), sharex=True, squeeze=False, height_ratios=sizes, layout="constrained"
    )
    return figure, _fill(axes[:, 0], panels, labels)


def order_countries(countries: Iterable[str]) -> list[str]:
    """Distinct countries by name, their mean (where there is one of several) before them."""
    single = sorted(set(countries) - {ALL}, key=row_name)
    return [ALL, *single] if ALL in set(countries) and len(single) > 1 else single


def _fill(axes: list[Axes], panels: list, labels: Labels) -> Iterator[tuple[Axes, pd.DataFrame, list[str]]]:
    for ax, ((model, language), rows) in zip(axes, panels, strict=True):
        countries = order_countries(rows["country"])
        ax.set_title(panel_title(model, language, labels))
        ax.set_yticks(range(len(countries)), [row_name(country) for country in countries])
        ax.set_ylim(len(countries) - 0.45, -0.55)
        ax.tick_params(axis="y", length=0)
        for place in range(0, len(countries), 2):
            ax.axhspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.10, linewidth=0)
        if countries[0] == ALL:
            ax.get_yticklabels()[0].set_fontweight("bold")
        yield ax, rows, countries
