"""Step take_opinion_probes: the test probes of a run whose demonstrations are from another survey."""

from pathlib import Path

import click
import pandas as pd

from selfalign.options import Words, readable, writable
from selfalign.probes.bank import read_bank
from selfalign.probes.opinion_probes import as_bank, check_opinion_probes, read_opinion_probes, select_tests
from selfalign.probes.schemas import Bank, LeftOutProbes, OpinionProbes, Selected
from selfalign.survey.schemas import Distributions, Opinions
from selfalign.tables import read_table, write_table


@click.command()
@click.option("--table", type=readable, required=True, help="Test probes, drafted or reviewed (CSV).")
@click.option("--opinions", type=readable, required=True, help="Questions of the opinion table (CSV).")
@click.option("--distributions", type=readable, required=True, help="Their answers by country (Parquet).")
@click.option("--shown", type=readable, required=True, help="Probes that demonstrations are chosen from (CSV).")
@click.option("--source", required=True, help="Whose questions are used, such as GAS.")
@click.option("--only", type=Words(), default="", help="Test probes to use; all if not given.")
@click.option("--countries", type=Words(), required=True, help="Countries of the run.")
@click.option("--taken", type=writable, required=True, help="Rows of the table that the run uses (CSV).")
@click.option("--selected", type=writable, required=True, help="The same as rows of a bank (CSV).")
@click.option("--left-out", type=writable, required=True, help="The other test probes, and why (CSV).")
@click.option("--all", "every", type=writable, required=True, help="Bank of test probes and demonstrations (CSV).")
def command(
    table: Path,
    opinions: Path,
    distributions: Path,
    shown: Path,
    source: str,
    only: list[str],
    countries: list[str],
    taken: Path,
    selected: Path,
    left_out: Path,
    every: Path,
) -> None:
    """Take the test probes of the run from the table of an opinion table's probes."""
    probes, bank = read_opinion_probes(table), read_bank(shown)
    check_opinion_probes(probes, bank, table)
    asked, answers = read_table(opinions, Opinions), read_table(distributions, Distributions)
    used, others = select_tests(probes, asked, answers, countries, {"source": source, "only": only}, table)
    write_table(used, taken, OpinionProbes)
    write_table(as_bank(used), selected, Selected)
    write_table(others, left_out, LeftOutProbes)
    write_table(pd.concat([bank, as_bank(used)]), every, Bank)
    drafted = int((used["status"] == "drafted").sum())
    counts = [f"{number} by {reason}" for reason, number in others["reason"].value_counts(sort=False).items()]
    click.echo(
        f"{len(used)} test probes in {used['battery'].nunique()} batteries, {drafted} of them not reviewed; left out: "
        f"{', '.join(counts) or 'none'}",
        err=True,
    )
