"""Options of the steps that read cells and answers."""

import click

from selfalign.options import Command, Json, give_options, readable
from selfalign.scoring.unanswered import COUNTS_AS

poles_option = click.option(
    "--poles", type=readable, required=True, help="What the countries' people answer (Parquet)."
)
spread_option = click.option(
    "--spread", type=readable, help="How they spread over whole scales (Parquet), where frames ask with them."
)
bank_option = click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
readouts_option = click.option(
    "--readouts", type=Json(dict[str, str]), required=True, help="By frame, what decides between the options (JSON)."
)
rule_option = click.option(
    "--rule", type=click.Choice(list(COUNTS_AS)), required=True, help="How a cell without an answer counts."
)


def cell_options(command: Command) -> Command:
    """Give a command the options model, language, design and answers."""
    options = [
        click.option("--model", required=True, help="Name of the model."),
        click.option("--language", required=True, help="ISO 639-1 code."),
        click.option("--design", type=readable, required=True, help="Cells of the experiment (Parquet)."),
        click.option("--answers", type=readable, required=True, help="Answers of the model (Parquet)."),
    ]
    return give_options(command, options)
