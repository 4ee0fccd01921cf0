"""Options that all figures have."""

from collections.abc import Callable
from typing import Any

import click

from selfalign.figures.text import isolate
from selfalign.labels import clean
from selfalign.options import Json, readable, writable


class LabelsOption(Json):
    """Names of models and arms as JSON, each made one line of text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        labels = super().convert(value, param, ctx)
        return {kind: {name: isolate(clean(label)) for name, label in names.items()} for kind, names in labels.items()}


def figure_options(command: Callable) -> Callable:
    """Give a command the options labels, font, width, height, png and pdf."""
    options = [
        click.option("--labels", type=LabelsOption(), required=True, help="Names of models and arms, as JSON."),
        click.option("--font", type=readable, help="Font file that is tried before all others."),
        click.option("--width", type=float, required=True, help="Inches."),
        click.option("--height", type=float, required=True, help="Inches."),
        click.option("--png", type=writable, required=True, help="Figure (PNG)."),
        click.option("--pdf", type=writable, required=True, help="Figure (PDF)."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
