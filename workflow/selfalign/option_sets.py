"""Give commands options that they share. `options` has the types of single options."""

from collections.abc import Callable, Iterable

from selfalign.options import Command


def give_options(command: Command, options: Iterable[Callable[[Command], Command]]) -> Command:
    """Give a command options, which its help lists in their order.

    Args:
        command: the function of a command.
        options: decorators, such as `click.option` returns.
    """
    for option in reversed(list(options)):
        command = option(command)
    return command
