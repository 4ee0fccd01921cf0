"""`selfalign trace`: the command and its options."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("run")
@click.option("--figure", help="Name of a figure, such as agreement or gains.")
@click.option("--table", "table_name", help="Name or path of a table, such as contrasts or figures/gains.csv.")
@click.option("--row", type=click.IntRange(min=2), help="Line of the table's file; its header is line 1.")
@click.option("--where", multiple=True, help="COLUMN=VALUE of the table's row; may be repeated.")
@click.option("--contrast", nargs=2, help="Two arms: the second is subtracted from the first.")
@click.option("--model", help="Name or label.")
@click.option("--language", help="Code or English name.")
@click.option("--country", help="Code or name; `all`: the mean of the countries.")
@click.option("--arm", help="Name or label.")
@click.option("--measure", help="Name; agreement if not given.")
@click.option("--probe", help="Id of a probe, such as Q164: show its evidence.")
@click.option("--source", help="Whose answers the demonstrations have: code or name of a country, or world.")
@click.option("--seed", type=int, help="Seed of the draw, where an arm has several.")
@click.option("--template", help="Frame of the prompt, where there are several.")
@click.option("--tokens", is_flag=True, help="With --probe: also show the prompts' tokens.")
@click.option("--all", "everything", is_flag=True, help="Do not shorten lists; with --probe: show every prompt.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the cells (CSV).")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the cells (JSON).")
@click.pass_context
def command(ctx: click.Context, /, run: str, **options: Any) -> None:
    """Show the cells behind a number of RUN, and the evidence behind a cell.

    RUN is the name of a run (run.name), or its folder.

    Name the point of a figure (--figure agreement --country Mexico --arm Similar), a row of a table (--table contrasts
    --row 17), or a difference between two arms (--contrast chrf chrf_other). Add --probe for the prompt, the
    demonstrations and the people's answers behind one probe. docs/trace.md has a session.
    """
    from selfalign.audit.trace.session import Query, trace  # it imports the library, which takes seconds
    from selfalign.runs import find_run

    text, agrees = trace(find_run(run), Query(**options))
    click.echo(text)
    if not agrees:
        ctx.exit(1)
