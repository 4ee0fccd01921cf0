"""The program `selfalign`: the commands that people run, and one command per step of the workflow."""

import ast
import importlib
import sys
from pathlib import Path

import click

from selfalign import __version__, cpu_environment
from selfalign.errors import InputError, exit_on_mistake, explain_system, show
from selfalign.steps import BY_HAND, STEPS

_ROOT = Path(__file__).parent


class Commands(click.Group):
    """A group that imports the module of a command only when that command is asked for: PyTorch takes seconds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        steps = [*BY_HAND, *(step for step in STEPS if step not in BY_HAND)]
        return [step.replace("_", "-") for step in steps]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        module = STEPS.get(name.replace("-", "_"))
        return importlib.import_module(module).command if module else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = max(map(len, names))
        groups = {"Commands": names[: len(BY_HAND)], "Steps, which Snakemake runs": names[len(BY_HAND) :]}
        for heading, members in groups.items():
            rows = [(name.ljust(width), first_sentence(STEPS[name.replace("-", "_")])) for name in members]
            with formatter.section(heading):
                formatter.write_dl(rows)


def first_sentence(module: str) -> str:
    """The first paragraph of the docstring of a command. The module is not imported.

    Args:
        module: name of the command's module, such as `selfalign.ledger.ledger`.

    Returns:
        The paragraph on one line, without its full stop.
    """
    source = _ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py").read_text(encoding="utf-8")
    function = ast.parse(source[source.index("\ndef command(") :]).body[0]
    assert isinstance(function, ast.FunctionDef)
    return " ".join((ast.get_docstring(function) or "").partition("\n\n")[0].split()).removesuffix(".")


@click.group(cls=Commands, context_settings={"max_content_width": 120})
@click.version_option(__version__)
def program() -> None:
    """Whose values does a language model hold, and can survey answers in the prompt move them?"""


def main() -> None:
    """Run the program; a user's mistake becomes one paragraph and exit code 1."""
    cpu_environment.apply()
    with exit_on_mistake():
        try:
            program(prog_name="selfalign")
        except InputError:
            raise
        except Exception as error:
            if not (isinstance(error, OSError) and explain_system(error)):
                _explain_crash(error)
            raise


def _explain_crash(error: Exception) -> None:
    """Say before the traceback that the program is at fault, and not the user."""
    name = next((word for word in sys.argv[1:] if not word.startswith("-")), "the program")
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].removesuffix(".")
    show(
        f"{name} stopped at an error that it does not expect ({reason}). Check that disk and memory are not full. "
        "If they are not, this is a bug: please report it with the whole log."
    )
