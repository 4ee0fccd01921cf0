"""Figures with the same rows in every panel: panels side by side, as many as the width has room for."""

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfalign.figures.country_rows import Surroundings, fit_figure, frame_rows, layout_of
from selfalign.figures.style import Style
from selfalign.figures.text import height_of, lines_of, width_of, wrap

_NAMES = 0.4  # of the width, where the name of a row breaks
_TICKS, _TITLE, _GAP = 0.2, 0.09, 0.16  # inches: of the ticks' labels, around a title, between panels


def lay_out_grid(
    titles: Sequence[str],
    names: Sequence[str],
    around: Surroundings,
    style: Style,
    row: float,
    narrowest: float = 0.85,
    mean: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure with a panel per title, whose rows have the same names.

    Args:
        titles: of the panels.
        names: of the rows, from top to bottom.
        row: height of a row, in inches; rows are higher where their names have more lines.
        narrowest: least width of a panel, in inches, which decides how many are side by side.
        mean: whether the first row is the mean of the others.

    Returns:
        The figure, and the axes of each panel. They share their axes; row i is at i, downwards.
    """
    names = [wrap(name, _NAMES * style.width, "ytick.labelsize") for name in names]
    room = style.width - max(width_of(name, "ytick.labelsize", "bold") for name in names) - 0.2
    columns = max(1, min(len(titles), int(room / narrowest)))
    lines = -(-len(titles) // columns)
    wrapped = [wrap(title, room / columns - 0.06, "axes.titlesize", "bold") for title in titles]
    label = wrap(around.label, 0.96 * style.width, "axes.labelsize")
    row = max(row, *(height_of(lines_of(name), "ytick.labelsize") + 0.03 for name in names))
    title = height_of(max(map(lines_of, wrapped)), "axes.titlesize") + _TITLE
    below = height_of(lines_of(label), "axes.labelsize") + 0.03
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(style.width, 3),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    body = lines * (title + row * (len(names) + 0.1)) + (lines - 1) * _GAP + _TICKS + below
    fit_figure(figure, style, body, around)
    _add_label(figure, style, label, below)
    flat = list(axes.flat)
    for ax in flat[len(titles) :]:
        ax.set_visible(False)
    for place, (ax, text) in enumerate(zip(flat, wrapped, strict=False)):
        ax.set_title(text)
        first = place % columns == 0
        frame_rows(ax, names, mean and first)
        ax.tick_params(axis="x", labelbottom=place + columns >= len(titles))
        ax.tick_params(axis="y", labelleft=first)
    return figure, flat[: len(titles)]


def _add_label(figure: Figure, style: Style, label: str, height: float) -> None:
    """Write the label of all x axes between the panels and the note."""
    layout = layout_of(figure)
    left, bottom, width, top = layout.get()["rect"]
    share = height / figure.get_figheight()
    layout.set(rect=(left, bottom + share, width, top - share))
    place = bottom + 0.03 / figure.get_figheight()
    text = figure.text(1 - 0.05 / style.width, place, label, fontsize=style.size, ha="right", va="bottom")
    text.set_in_layout(False)
