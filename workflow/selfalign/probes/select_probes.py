"""Step select_probes: the probes of a run, and the reason why each of the others is left out."""

from pathlib import Path

import click

from selfalign.options import Json, readable, writable
from selfalign.probes import selection
from selfalign.probes.bank import read_bank
from selfalign.probes.kinds import add_kinds
from selfalign.probes.schemas import LeftOutProbes, Selected
from selfalign.tables import write_table


@click.command()
@click.option("--bank", type=readable, required=True, help="Probe bank (CSV).")
@click.option("--kinds", type=readable, help="Kinds of its probes (CSV); needed where the settings select kinds.")
@click.option(
    "--settings",
    type=Json(dict[str, list[str]]),
    default="{}",
    help="Lists of values that select probes, by setting (JSON).",
)
@click.option("--selected", type=writable, required=True, help="The bank's rows of the run's probes (CSV).")
@click.option("--left-out", type=writable, required=True, help="The other probes, and why (CSV).")
def command(bank: Path, kinds: Path | None, settings: dict[str, list[str]], selected: Path, left_out: Path) -> None:
    """Select the probes of the run from the bank, and say why the others are left out."""
    probes = add_kinds(read_bank(bank), kinds) if kinds else read_bank(bank)
    chosen, others = selection.select_probes(probes, settings, bank), selection.list_left_out(probes, settings)
    write_table(chosen, selected, Selected)
    write_table(others, left_out, LeftOutProbes)
    counts = [f"{number} by probes.{reason}" for reason, number in others["reason"].value_counts(sort=False).items()]
    click.echo(f"{len(chosen)} of {len(probes)} probes; left out: {', '.join(counts) or 'none'}", err=True)
