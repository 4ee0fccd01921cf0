"""Options that all figures have."""

from collections.abc import Callable

import click

from selfalign.options import Json, writable


def figure_options(command: Callable) -> Callable:
    """Give a command the options labels, width, height, png and pdf."""
    options = [
        click.option("--labels", type=Json(), required=True, help="Names of models and arms, as JSON."),
        click.option("--width", type=float, required=True, help="Inches."),
        click.option("--height", type=float, required=True, help="Inches."),
        click.option("--png", type=writable, required=True, help="Figure (PNG)."),
        click.option("--pdf", type=writable, required=True, help="Figure (PDF)."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
