"""The program `selfalign`: one subcommand per step of the workflow."""

import importlib

import click

from selfalign import __version__
from selfalign.errors import told_plainly
from selfalign.steps import STEPS


class Steps(click.Group):
    """A group that imports a step's module only when that step is asked for (PyTorch alone takes seconds)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [step.replace("_", "-") for step in STEPS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = STEPS.get(name.replace("-", "_"))
        return importlib.import_module(module).command if module else None


@click.group(cls=Steps, context_settings={"max_content_width": 120})
@click.version_option(__version__)
def program() -> None:
    """Whose values does a language model hold, and can survey answers in the prompt move them?"""


def main() -> None:
    """Run the program; a user's mistake becomes one paragraph and exit code 1."""
    with told_plainly():
        program(prog_name="selfalign")
