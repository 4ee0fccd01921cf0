"""Step score_stated: the share of its people that a model states for each country, and the people's share."""

from pathlib import Path

import click

from selfalign.inference.schemas import SCORED, Answers
from selfalign.options import writable
from selfalign.probes.schemas import Poles
from selfalign.prompts.schemas import CELL, Design
from selfalign.scoring.cell_options import cell_options, poles_option, readouts_option
from selfalign.scoring.cells import check_readouts
from selfalign.scoring.schemas import Stated, StatedShares
from selfalign.scoring.stated import compare_stated, read_shares
from selfalign.tables import read_table, write_estimates, write_table


@click.command()
@cell_options
@poles_option
@readouts_option
@click.option("--stated", type=writable, required=True, help="Stated shares in every cell and order (Parquet).")
@click.option("--output", type=writable, required=True, help="Their distance from the people's, by country (CSV).")
def command(
    model: str,
    language: str,
    design: Path,
    answers: Path,
    poles: Path,
    readouts: dict[str, str],
    stated: Path,
    output: Path,
) -> None:
    """Compare the shares of people that a model states, in one language, with the people's shares."""
    cells, given = read_table(design, Design), read_table(answers, Answers, [*SCORED, "reply", "replied"])
    cells = cells[cells["asks"] == "share"]
    check_readouts(cells, given, readouts)
    people = read_table(poles, Poles)[["country", "probe", "share_a", "majority"]]
    rows = read_shares(cells, given, readouts, replies=True).merge(people, on=["country", "probe"])
    rows = rows.sort_values([*CELL, "order"])
    named = {"model": model, "language": language}
    write_table(rows.assign(**named)[Stated.names()], stated, Stated)
    table = compare_stated(rows).assign(**named)
    write_estimates(table, output, StatedShares)
